"""SunGen (Gao, Pi, Lin, Xu et al., ICLR 2023, arXiv 2205.12679): one learned weight per synthetic row, without clean labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from tilth.errors import RequestError
from tilth.methods.classification.zerogen import ZeroGen
from tilth.records.record import Record
from tilth.stats.arrays import Vectors
from tilth.train.reweighting import Settings, best_steps, centred, reweigh

if TYPE_CHECKING:
    from tilth.engine.run import Run

INPUT = "synthetic"
DRIFT = 0.1
"""Change of a class's share by the weights from which on the user is told."""


class SunGen(ZeroGen):
    """A weight for each row of a synthetic set, such that a student trained with them errs least by a loss that forgives wrong labels.

    1. The rows are those of `synthetic`, or are written as zerogen writes them.
    2. All weigh sigmoid(0). A random part of them is V, drawn once.
    3. A student learns all rows with their weights, from nothing. Its reverse cross-entropy on V, of the `hard` share of V with the
       largest weights, gives a gradient; one virtual training step carries it to the weights. Adam moves them. `steps` times.
    4. Rows leave with their `weight`. With `keep` below 1 the lightest are turned away.

    With wrong labels that fall evenly, the best weights are those that clean rows would give as long as most labels are right.

    Differs: the student is softmax regression on centred sentence vectors by full gradient steps, so the inner gradient is plain, not
    Adam's; the gradient by the weights is not clipped. `by_class`: weights count within their class, so that no class is
    given up for another. `steps` is the most: on small sets the published 100 over-fit, so the number is chosen
    on `held` rows that are as noisy as the others (0: all steps). On sets of 1,000 rows 20 slow steps (steps 20, rate 0.1, held 0)
    did as well or better (measured). When: a synthetic set with wrong labels, hundreds of rows per class. With labels that were
    right it never helped, and cost a TF-IDF student 1.2 and 2.3 points. Needs: task.labels, or synthetic. Calls: none, or as zerogen.
    """

    name: ClassVar[str] = "sungen"
    paper: ClassVar[str] = "2205.12679"
    family: ClassVar[str] = "classification"
    inputs: ClassVar[Mapping[str, str]] = {"synthetic": "?text label"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str, "weight": float}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "embedder": 1}

    steps: int = Field(100, ge=1, description="Outer steps, at most.", json_schema_extra={"from": "repo"})
    rate: float = Field(0.25, gt=0, description="Of Adam on the weights.", json_schema_extra={"from": "repo, outer lr"})
    inner: int = Field(60, ge=1, description="Full gradient steps of a student.")
    outer: int = Field(50_000, ge=1, description="Rows in V; at most half of all.", json_schema_extra={"from": "repo"})
    hard: float = Field(0.9, gt=0, le=1, description="Share of V that is heard.", json_schema_extra={"from": "repo, threshold"})
    held: float = Field(0.2, ge=0, lt=0.5, description="Share of rows on which the number of steps is chosen; 0: all steps are made.")
    by_class: bool = Field(True, description="Weights count within their class; false: over all rows, as published.")
    keep: float = Field(1.0, gt=0, le=1, description="Share of rows kept, the heaviest.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        rows = [row async for row in self.synthetic(run)]
        labels = list(run.task.labels) or sorted({row["label"] for row in rows})
        if len(used := sorted({row["label"] for row in rows})) < 2:
            what = f"sungen needs rows of at least two labels; of {len(rows)} usable rows the labels are: {', '.join(used) or 'none'}."
            raise RequestError(what, code="data.labels")
        vectors = await run.embed([row["text"] for row in rows])
        places = [labels.index(row["label"]) for row in rows]
        settings = {"rate": self.rate, "steps": self.steps, "inner": self.inner, "hard": self.hard, "by_class": self.by_class}
        found = await run.do(weigh, vectors, places, [str(row.id) for row in rows], settings, self.outer, self.held, run.seed)
        self.report(run, rows, found)
        kept = set(sorted(range(len(rows)), key=lambda at: (-found["weights"][at], at))[: max(1, round(self.keep * len(rows)))])
        for at, row in enumerate(rows):
            weighed = row.replace(weight=found["weights"][at])
            weighed.meta["conditions"] = {**row.meta.get("conditions", {}), "outer_steps": found["steps"]}
            if at in kept:
                yield weighed
            else:
                run.reject(weighed, "light", score=found["weights"][at])

    async def synthetic(self, run: Run) -> AsyncIterator[Record]:
        """The rows to be weighed; those without a text or with an unknown label are turned away."""
        if not run.has(INPUT):
            async for row in super().generate(run):
                yield row
            return
        wanted = self.rows
        for row in run.data(INPUT):
            if wanted is not None and wanted <= 0:
                return
            text, label = row.get("text"), row.get("label")
            if not isinstance(text, str) or not text.strip():
                run.reject(row, "no_text")
            elif label is None or (run.task.labels and str(label) not in run.task.labels):
                run.reject(row, "unknown_label", detail=f"The label is none of: {', '.join(run.task.labels)}.")
            else:
                wanted = None if wanted is None else wanted - 1
                yield row.replace(label=str(label))

    def report(self, run: Run, rows: Sequence[Record], found: Mapping[str, Any]) -> None:
        """Tell how many steps were made, and where the weights move a class's share (a collapse begins so)."""
        if found["steps"] == 0:
            run.note("sungen: equal weights were best on rows held out, so all weigh the same.")
        weights, total = Counter[str](), sum(found["weights"])
        for row, weight in zip(rows, found["weights"], strict=True):
            weights[row["label"]] += weight / total
        counts = Counter(row["label"] for row in rows)
        shares = {label: {"rows": round(n / len(rows), 4), "weight": round(weights[label], 4)} for label, n in sorted(counts.items())}
        run.artifact("weights", {"steps": found["steps"], "shares": shares})
        for label, share in shares.items():
            if abs(share["weight"] - share["rows"]) > DRIFT:
                run.note(
                    f"sungen: label '{label}' has {share['rows']:.0%} of the rows and {share['weight']:.0%} of the weight. Check both."
                )


def weigh(
    vectors: Vectors, labels: list[int], ids: list[str], settings: dict[str, Any], outer: int, held: float, seed: int
) -> dict[str, Any]:
    """weights, one per row in (0, 1), and the number of outer steps that led to them.

    Rows are put into one order by their ids first, so that the order in which they came changes nothing.
    """
    n = len(labels)
    by_id = np.array(sorted(range(n), key=ids.__getitem__))
    order = by_id[np.random.default_rng(seed).permutation(n)]
    known = sorted(set(labels))
    targets = np.eye(len(known))[[known.index(labels[at]) for at in order]]
    matrix = centred(vectors[order])
    chosen = Settings(**settings)
    first, last = np.arange(max(1, min(outer, n // 2))), np.arange(n - int(held * n), n)
    if len(last):
        chosen = Settings(**{**settings, "steps": best_steps(matrix, targets, first, last, chosen)})
    found = np.empty(n)
    found[order] = reweigh(matrix, targets, first, chosen)
    return {"weights": [float(one) for one in np.clip(np.round(found, 6), 1e-6, 1 - 1e-6)], "steps": chosen.steps}

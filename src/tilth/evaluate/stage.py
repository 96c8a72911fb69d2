"""The stage of a run that evaluates its kept records: metrics, then utility, then metrics.json."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from tilth.errors import RequestError
from tilth.evaluate import gatelog
from tilth.evaluate.base import SETS, Metric, Sets, Value
from tilth.evaluate.marks import files_mark
from tilth.records.atomic import replacing
from tilth.score.rows import Rows, Stored

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.evaluate.gates import Gate
    from tilth.records.folder import RunFolder

NEEDED = frozenset({"holdout"})
"""Inputs that are kept away from generation and curation, and that this stage may read."""


class Evaluation:
    """Measures the kept records of a run against real data, and writes ``metrics.json`` and ``artifacts/metrics/*.npy``.

    Parameters
    ----------
    metrics: in the order in which they are shown. gates: bounds that their figures must keep.
    against: set (real, holdout, support, unlabelled, templates) to the input that it is;
        default: the input of that name. text, label: columns; text None: the one that is found.
    """

    name = "evaluate"

    def __init__(
        self,
        metrics: Sequence[Metric],
        *,
        gates: Sequence[Gate] = (),
        against: dict[str, str] | None = None,
        text: str | None = None,
        label: str = "label",
    ) -> None:
        self.metrics, self.gates = list(metrics), list(gates)
        self.against = {name: name for name in SETS[1:]} | (against or {})
        self.text, self.label = text, label
        self.values: list[Value] = []

    @property
    def reads(self) -> frozenset[str]:
        """Fenced inputs that it may read."""
        return NEEDED | frozenset(self.against.values())

    @property
    def asks(self) -> dict[str, tuple[str, ...]]:
        """Roles whose models are asked, with what they must be able to do."""
        embeds = any(metric.embeds or "embedding" in getattr(metric, "students", ()) for metric in self.metrics)
        found: dict[str, tuple[str, ...]] = {"embedder": ()} if embeds else {}
        for metric in self.metrics:
            found.update(metric.asks)
        return found

    async def work(self, run: Run, folder: RunFolder) -> None:
        """Measure, one metric after the other; each is on disk before the next begins."""
        sets = self.sets(run, folder)
        kept, files = Rows.kept(folder), files_mark(folder)
        self.values = []
        for metric in self.metrics:
            self.values.extend(await self._one(metric, run, sets))
            self._write(folder, {"data": kept.mark.hex(), "files": files}, sets, run.seed)
        for value in self.values:
            _samples(folder, value)
        gatelog.note(folder, self.gates, self.values)

    def sets(self, run: Run, folder: RunFolder) -> Sets:
        """The kept records, and the inputs that were given."""
        found = {name: _rows(run, given) for name, given in self.against.items() if run.has(given)}
        sets = Sets(Rows.kept(folder), text=self.text, label=self.label, seed=run.seed)
        sets.real, sets.holdout = found.get("real"), found.get("holdout")
        sets.support, sets.unlabelled, sets.templates = found.get("support"), found.get("unlabelled"), found.get("templates")
        if folder.decisions.exists():
            sets.uncurated = Stored(folder.rows).rows()
        return sets

    async def _one(self, metric: Metric, run: Run, sets: Sets) -> list[Value]:
        why = metric.missing(sets)
        if why:
            return [metric.none(why)]
        try:
            found = await metric.measure(run, sets)
        except RequestError as error:  # an extra or a model that this metric needs is not there; the others go on
            return [metric.none(str(error))]
        return [found] if isinstance(found, Value) else list(found)

    def _write(self, folder: RunFolder, marks: dict[str, str], sets: Sets, seed: int) -> None:
        values = [value.to_json() for value in self.values]
        document: dict[str, Any] = {
            **marks,
            "n": {name: len(sets.rows(name)) for name in SETS if sets.has(name)},
            "seed": seed,
            "values": values,
            "findings": [{"metric": value.metric, "finding": value.finding} for value in self.values if value.finding],
            "controls": next((value.detail.get("controls") for value in self.values if "controls" in value.detail), None),
        }
        with replacing(folder.metrics) as file:
            file.write(orjson.dumps(document, str, orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n")


def _rows(run: Run, name: str) -> Rows:
    data = run.data(name)
    return Rows(lambda: iter(data), len(data))


def _samples(folder: RunFolder, value: Value) -> None:
    """One number per row, NaN where a row has none."""
    if value.samples is None:
        return
    import numpy as np

    path = folder.artifacts / "metrics" / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', value.metric)}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.array([np.nan if one is None else one for one in value.samples], dtype=np.float64)
    with replacing(path) as file:
        np.save(file, array, allow_pickle=False)

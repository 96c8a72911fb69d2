"""Selective annotation (LLMaAA: Zhang et al. 2023, arXiv 2310.19596; Bansal & Sharma 2023, arXiv 2306.15766): what to label next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.generate.labelling import ASK, Pool, Who, label_of, labelled, pool
from tilth.methods.annotation._rounds import accuracy_on, pick
from tilth.records.record import Record
from tilth.stats.queries import Strategy

if TYPE_CHECKING:
    import numpy.typing as npt

    from tilth.engine.run import Run


class SelectiveAnnotation(Method):
    """The rows of a pool that are worth a label, chosen in rounds by a small model that learns from the labels so far.

    1. `initial` rows at random are labelled: by the LLM, by people, or from the given column.
    2. The small model learns all labels so far from scratch, and looks at the rows without label alone.
    3. `strategy` takes the next `batch`: ``random``; ``entropy`` -sum p ln p; ``least_confidence`` 1 - max p; ``margin`` of the best
       two; ``k_means`` the row nearest to each of `batch` centres; ``core_set`` the row farthest from all labelled ones, again and
       again; ``facility_location`` the rows that stand for most others; ``far_and_unsure`` of the farthest 3 x `batch` those with
       the highest entropy; ``unsure_clusters`` of the 3 x `batch` with the highest entropy one of each cluster.
    4. They are labelled, 2 follows; until `rounds`, the `rows` wanted, or the end of the pool.

    A row whose label fails (unreadable, refused, "cannot tell") is rejected by name and counts as not labelled. With `dev`, rows with
    labels that are never trained on, artifacts/learning.json holds the accuracy after each round, and `patience` may end the run.

    Differs: the small model is logistic regression on sentence vectors, so k-means works on these and not on a layer that was trained.
    Token scores of sequences have no place here. When: more texts than labels that can be paid. The chosen rows are no random
    sample: label shares and quality measured on them do not hold for the pool. With a noisy annotator or few labels the gain
    over ``random`` vanishes: with 60 labels we measured none for the uncertainty strategies on two pools, a little for
    ``facility_location`` on one. Needs: task.labels. Calls: 1 per labelled row where the LLM labels, else 0.
    """

    name: ClassVar[str] = "selective-annotation"
    paper: ClassVar[str] = "2310.19596"
    family: ClassVar[str] = "annotation"
    inputs: ClassVar[Mapping[str, str]] = {"unlabelled": "text", "dev": "?text label"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str, "label_source": str}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "embedder": 1}
    prompts: ClassVar[Mapping[str, str]] = {"ask": ASK}

    strategy: Strategy = Field("least_confidence", description="How the next rows are chosen.", json_schema_extra={"from": "LLMaAA"})
    annotator: Who = Field("model", description="Who labels: the LLM, people, or the column gold or label of the row.")
    initial: int = Field(50, ge=1, description="Rows at random that are labelled first.", json_schema_extra={"from": "LLMaAA"})
    batch: int = Field(50, ge=1, description="Rows of each further round.", json_schema_extra={"from": "LLMaAA"})
    rounds: int = Field(9, ge=0, description="Rounds after the first.", json_schema_extra={"from": "LLMaAA"})
    patience: int | None = Field(None, ge=1, description="Rounds without a better accuracy on 'dev' that end the run.")
    strength: float = Field(1.0, gt=0, description="C of the small model.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        source = pool(run)
        given = list(run.data("dev")) if run.has("dev") else []
        dev = [row for row in given if str(row["label"]) in run.task.labels and isinstance(row["text"], str)]
        if len(dev) < len(given):
            run.note(f"selective-annotation: {len(given) - len(dev)} of {len(given)} rows of 'dev' have no text or none of task.labels.")
        vectors = await run.embed([*source.texts, *(row["text"] for row in dev)])
        rows, tested = vectors[: len(source.rows)], vectors[len(source.rows) :]
        labels: dict[int, str] = {}
        failed: list[int] = []
        curve: list[dict[str, Any]] = []
        while (picks := await self.next(run, rows, labels, failed, len(curve))) is not None:
            async for at, record in self.annotate(run, source, picks, len(curve)):
                labels[at] = record["label"]
                yield record
            failed += [at for at in picks if at not in labels]
            measured = await self.measure(run, rows, labels, tested, [str(row["label"]) for row in dev])
            curve.append({"round": len(curve), "labels": len(labels), "failed": len(failed), "accuracy": measured})
            if self.idle(curve):
                run.note(f"selective-annotation: no better accuracy in {self.patience} rounds; stopped after round {len(curve) - 1}.")
                break
        run.artifact("learning", {"strategy": self.strategy, "n_pool": len(source.rows), "n_dev": len(dev), "curve": curve})

    async def next(self, run: Run, rows: npt.ArrayLike, labels: Mapping[int, str], failed: Sequence[int], number: int) -> list[int] | None:
        """The rows of the next round; None where the rounds, the rows wanted or the pool are at an end."""
        size = self.batch if number else self.initial
        if self.rows is not None:
            size = min(size, self.rows - len(labels))
        if number > self.rounds or size <= 0:
            return None
        known = {str(at): label for at, label in labels.items()}
        seed = run.rng("picks").getrandbits(31)
        picks: list[int] = await run.do(pick, self.strategy if number else "random", rows, known, list(failed), size, self.strength, seed)
        return picks or None

    async def annotate(self, run: Run, source: Pool, picks: Sequence[int], number: int) -> AsyncIterator[tuple[int, Record]]:
        """The picked rows with their labels; those that fail are rejected and left out."""
        numbers = {source.rows[at].id: at for at in picks}

        async def label(row: Record) -> Record:
            name, about = await label_of(run, row, self.annotator, source.given, prompt=self.prompts["ask"])
            conditions = {"strategy": self.strategy if number else "random"}
            return labelled(row, name, self.annotator, about, columns={}, round=number, conditions=conditions)

        async for record in run.map(label, [source.rows[at] for at in picks], label=f"annotate {number}"):
            yield numbers[record.id], record

    async def measure(
        self, run: Run, rows: npt.ArrayLike, labels: Mapping[int, str], tested: npt.ArrayLike, truth: Sequence[str]
    ) -> float | None:
        """Accuracy on the rows of 'dev' of the small model that learned all labels so far; None without 'dev' or without two labels."""
        if not truth or len(set(labels.values())) < 2:
            return None
        known = {str(at): label for at, label in labels.items()}
        found: float = await run.do(accuracy_on, rows, known, tested, list(truth), self.strength)
        return found

    def idle(self, curve: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the last `patience` rounds brought nothing."""
        reached: list[float] = [one["accuracy"] for one in curve if one["accuracy"] is not None]
        if self.patience is None or len(reached) <= self.patience:
            return False
        return max(reached[-self.patience :]) <= max(reached[: -self.patience])

"""How far apart the meanings are: mean pairwise cosine and the Vendi score, on equally many rows of both sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from tilth.evaluate.base import Direction, Metric, Sets, Value
from tilth.records.record import Record
from tilth.stats.diversity import pairwise_cosine, vendi
from tilth.stats.intervals import Interval, subsampled

if TYPE_CHECKING:
    from tilth.engine.run import Run

Ints = npt.NDArray[np.int64]
Floats32 = npt.NDArray[np.float32]


class Embedded(Metric):
    """Metrics of the vectors of a sample. most: rows of it."""

    cost: ClassVar[str] = "n"
    embeds: ClassVar[bool] = True
    most: int = 1000

    def pair(self, sets: Sets) -> tuple[list[Record], list[Record]]:
        """Synthetic rows and real ones, equally many; no real ones where there are none."""
        source = "real" if sets.has("real") else "holdout"
        count = min(self.most, len(sets.rows("synthetic")), len(sets.rows(source)) or self.most)
        return sets.sample("synthetic", count), sets.sample(source, count)

    async def both(self, run: Run, sets: Sets, measure: Callable[[Floats32, list[Record]], Interval | None]) -> Value:
        """The figure of both samples."""
        synthetic, real = self.pair(sets)
        found = []
        for rows in (synthetic, real):
            vectors = await sets.vectors(run, rows) if rows else None
            found.append(None if vectors is None else await asyncio.to_thread(measure, vectors, rows))
        one, other = found
        return self.report(one, f"cosine, {embedder(run)}", against=other, seed=sets.seed, why="fewer than two rows")


class Aps(Embedded):
    """Mean cosine over all pairs of rows (AttrPrompt, Yu et al. 2023, arXiv 2306.15895); lower is more diverse.

    detail: within and between labels.
    """

    name: ClassVar[str] = "aps"
    direction: ClassVar[Direction] = "down"

    async def measure(self, run: Run, sets: Sets) -> Value:
        """Exact over the sample; interval by subsampling."""

        def mean(vectors: Floats32, rows: list[Record]) -> Interval | None:
            return subsampled(lambda kept: pairwise_cosine(vectors[kept]).overall, len(vectors), seed=sets.seed, draws=100)

        value = await self.both(run, sets, mean)
        rows, _ = self.pair(sets)
        if value.value is None or not sets.labelled("synthetic"):
            return value
        parts = pairwise_cosine(await sets.vectors(run, rows), [one["label"] for one in rows])
        return _with(value, within=parts.within, between=parts.between)


class Vendi(Embedded):
    """Effective number of different rows (Friedman & Dieng 2022, arXiv 2210.02410), 1 to n; higher is more diverse."""

    name: ClassVar[str] = "vendi"

    async def measure(self, run: Run, sets: Sets) -> Value:
        """Cosine kernel; interval by subsampling."""

        def score(vectors: Floats32, rows: list[Record]) -> Interval | None:
            return subsampled(lambda kept: vendi(vectors[kept]), len(vectors), seed=sets.seed, draws=30)

        return await self.both(run, sets, score)


def embedder(run: Run) -> str:
    """What makes the run's vectors, with its version."""
    return run.models("embedder")[0].identity


def _with(value: Value, **more: float | None) -> Value:
    from dataclasses import replace

    return replace(value, detail={**value.detail, **{name: None if one is None else round(one, 6) for name, one in more.items()}})

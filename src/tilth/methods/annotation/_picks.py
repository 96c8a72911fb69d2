"""Vote-k's two phases as plain functions: by votes alone, then over the range of confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.stats.votes import Votes, spread

Vectors = npt.NDArray[Any]


def representative(vectors: Vectors, count: int, neighbours: int, rho: float) -> list[dict[str, Any]]:
    """The first phase: row, order, vote score when it was chosen, no confidence yet."""
    votes = Votes(vectors, neighbours, rho)
    for _ in range(min(count, votes.n)):
        votes.take(votes.best(votes.left()))
    return _told(votes, 0, None)


def spread_out(
    vectors: Vectors, chosen: Sequence[int], sure: Sequence[float], count: int, dropped: float, neighbours: int, rho: float
) -> list[dict[str, Any]]:
    """The second phase, with the votes counted on from the first."""
    votes = Votes(vectors, neighbours, rho)
    for row in chosen:
        votes.take(row)
    spread(votes, np.asarray(sure, dtype=np.float64), count, dropped=dropped)
    return _told(votes, len(chosen), sure)


def _told(votes: Votes, first: int, sure: Sequence[float] | None) -> list[dict[str, Any]]:
    picks = list(enumerate(zip(votes.chosen, votes.won, strict=True)))[first:]
    return [
        {"row": row, "order": order, "score": score, "confidence": None if sure is None else round(float(sure[row]), 6)}
        for order, (row, score) in picks
    ]

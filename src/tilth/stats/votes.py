"""Vote-k: rows that stand for many others, each counting less for a neighbourhood that is covered (Su et al. 2022, arXiv 2209.01975)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, Ints, decisive, finite, same_length, unit_rows, vectors_of, whole
from tilth.stats.neighbours import nearest

_DIGITS = 9
"""Decimals of a score: rho to the power of minus nine still counts."""


class Votes:
    """The graph in which every row votes for its `k` most similar ones, and what is chosen of it so far.

    Parameters
    ----------
    vectors: one row each; their mean is taken out, then only directions count. k: votes of a row, itself never among them;
        with as few rows as that, all but itself. rho: by how much a vote shrinks for each chosen row that it supports; 1: not at all.
    """

    def __init__(self, vectors: npt.ArrayLike, k: int = 150, rho: float = 10.0) -> None:
        if rho < 1:
            raise ValueError(f"rho: a number of at least 1 wanted, not {rho}")
        rows = centred(vectors)
        self.rho, self.n = rho, len(rows)
        self.k = min(whole(k, "k", 1), max(0, self.n - 1))
        near = nearest(rows, k=self.k).indices if self.k else np.zeros((self.n, 0), dtype=np.int64)
        self._voters, self._targets = np.repeat(np.arange(self.n), self.k), near.ravel()
        self.received: Ints = np.bincount(self._targets, minlength=self.n).astype(np.int64)
        """Votes of each row: how many have it among their nearest."""
        self._supports = np.zeros(self.n)
        self.chosen: list[int] = []
        self.won: list[float] = []
        """The score of each chosen row when it was chosen."""

    def voters(self, row: int) -> Ints:
        """Who votes for a row."""
        return np.asarray(self._voters[self._targets == row], dtype=np.int64)

    def scores(self) -> Floats:
        """The sum of the votes for each row: 1 each, rho^-s where the voter supports s chosen rows, 0 where it is chosen itself."""
        weights = np.power(self.rho, -self._supports)
        weights[self.chosen] = 0.0
        return decisive(np.bincount(self._targets, weights=weights[self._voters], minlength=self.n), _DIGITS)

    def best(self, among: Sequence[int] | Ints) -> int:
        """The row of `among` with the highest score; ties: more votes received, then the earlier row."""
        rows, found = np.asarray(among, dtype=np.int64), self.scores()
        return int(rows[np.lexsort((rows, -self.received[rows], -found[rows]))[0]])

    def take(self, row: int) -> None:
        """Choose a row: its voters count less from now on."""
        if row in self.chosen:
            raise ValueError(f"row {row} is chosen already")
        score = float(self.scores()[row])
        self._supports[self.voters(row)] += 1
        self.chosen.append(int(row))
        self.won.append(score)

    def left(self) -> Ints:
        """Rows that are not chosen."""
        return np.setdiff1d(np.arange(self.n), self.chosen)

    def covered(self) -> float:
        """Share of the rows that have a chosen row among their nearest."""
        return float((self._supports > 0).mean()) if self.n else 0.0


def vote_k(vectors: npt.ArrayLike, count: int, *, k: int = 150, rho: float = 10.0) -> list[int]:
    """`count` rows, greedily by votes (fast vote-k, section 2.1); all where there are fewer. Cost: rows x k a pick."""
    votes = Votes(vectors, k, rho)
    for _ in range(min(whole(count, "count"), votes.n)):
        votes.take(votes.best(votes.left()))
    return votes.chosen


def spread(votes: Votes, sure: npt.ArrayLike, count: int, *, dropped: float = 0.1) -> list[int]:
    """`count` more rows over the range of confidence, least sure first (vote-k, phase 2).

    The surest `dropped` share of all rows is left out, the others that are not chosen form `count` buckets of (nearly) equal size
    by confidence, and each gives its row with the highest score.

    Parameters
    ----------
    votes: what is chosen before; the picks are added. sure: one number per row, higher is surer.
    """
    confidence = decisive(finite(sure, "sure"))
    same_length("sure and rows", confidence, np.arange(votes.n))
    if not 0 <= dropped < 1:
        raise ValueError(f"dropped: a number from 0 to below 1 wanted, not {dropped}")
    left = votes.left()
    order = left[np.lexsort((left, confidence[left]))]
    wanted = min(whole(count, "count"), len(order))
    usable = order[: max(wanted, len(order) - int(dropped * votes.n))]
    picks = list[int]()
    for bucket in np.array_split(usable, wanted) if wanted else []:
        picks.append(votes.best(bucket))
        votes.take(picks[-1])
    return picks


def centred(vectors: npt.ArrayLike) -> Floats:
    """Directions from the mean of all rows, of length 1; a row that is the mean keeps its own direction."""
    rows = np.asarray(unit_rows(vectors_of(vectors)), dtype=np.float64)
    if not len(rows):
        return rows
    moved = rows - rows.mean(axis=0)
    still = np.sqrt((moved**2).sum(axis=1)) < 1e-6
    moved[still] = rows[still]
    return np.asarray(unit_rows(moved), dtype=np.float64)

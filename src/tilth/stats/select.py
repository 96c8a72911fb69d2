"""Choosing a part of a set: relevant but different (MMR), spread out (k-center), representative, balanced by label.

Each function returns indices, in the order in which they were chosen unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import fsum
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import DECIMALS, Floats, Seed, Vectors, decisive, finite, generator, same_length, unit_rows, whole

BATCH = 64
"""Candidates whose gain is looked at together."""
KEPT_ROWS = 8192
"""Up to so many rows all cosines are kept: 256 MB."""


def mmr(vectors: npt.ArrayLike, relevance: npt.ArrayLike, k: int, *, trade: float = 0.5, chosen: Sequence[int] = ()) -> list[int]:
    """Maximal marginal relevance (Carbonell & Goldstein 1998): trade x relevance - (1 - trade) x highest cosine to those chosen.

    Parameters
    ----------
    relevance: one number per row, higher is better, on the scale of a cosine.
    trade: 1 looks at relevance alone, 0 at difference alone. chosen: rows that are in already; not returned again.
    """
    rows, good = unit_rows(vectors), finite(relevance, "relevance")
    same_length("relevance and vectors", good, rows)
    if not 0 <= trade <= 1:
        raise ValueError(f"trade: a number from 0 to 1 wanted, not {trade}")
    near = _nearest_chosen(rows, chosen)
    left, out = _left(len(rows), chosen), list[int]()
    while len(out) < whole(k, "k") and left.any():
        redundancy = np.where(np.isfinite(near), near, 0.0)  # nothing chosen yet: relevance decides
        value = decisive(trade * good - (1 - trade) * redundancy)
        pick = int(np.argmax(np.where(left, value, -np.inf)))
        out.append(pick)
        left[pick] = False
        near = np.maximum(near, _cosines(rows, pick))
    return out


def k_center(vectors: npt.ArrayLike, k: int, *, chosen: Sequence[int] = (), first: int | None = None) -> list[int]:
    """Greedy k-center, farthest first (Gonzalez 1985): each next row is the one least similar to all chosen so far.

    At most twice the best possible radius. `first`: the row to begin with; None: the one nearest to the mean (the
    farthest from `chosen`, where rows are in already). Copies of chosen rows come last.
    """
    rows = unit_rows(vectors)
    near, left, out = _nearest_chosen(rows, chosen), _left(len(rows), chosen), list[int]()
    while len(out) < whole(k, "k") and left.any():
        if not out and not len(chosen):
            pick = _central(rows) if first is None else _row(first, len(rows))
        else:
            pick = int(np.argmin(np.where(left, decisive(near), np.inf)))
        out.append(pick)
        left[pick] = False
        near = np.maximum(near, _cosines(rows, pick))
    return out


def facility_location(vectors: npt.ArrayLike, k: int, *, chosen: Sequence[int] = ()) -> list[int]:
    """Rows that represent the set: greedy maximum of the sum over all rows of the highest cosine (>= 0) to a chosen one.

    Within 1 - 1/e of the best (Nemhauser, Wolsey & Fisher 1978), with lazy evaluation (Minoux 1978): a gain can only
    shrink, so only the candidates whose last known gain is the highest are looked at again, a batch at a time. Cosines
    count in whole millionths, so sums are exact. Cost: rows^2 x dimensions once, then some batches a choice; memory: 4
    bytes a pair up to 8,192 rows (256 MB), above that a batch of columns, computed again when it is needed.
    """
    similar = _Similarities(unit_rows(vectors))
    rows = similar.rows
    covered = np.zeros(len(rows), dtype=np.int32)
    for pick in chosen:
        covered = np.maximum(covered, similar.of([_row(pick, len(rows))])[0])
    left, out = _left(len(rows), chosen), list[int]()
    gains = np.full(len(rows), np.iinfo(np.int64).max)
    known = np.full(len(rows), -1)  # how many rows were chosen when a gain was last looked at
    while len(out) < whole(k, "k") and left.any():
        best = int(np.argmax(np.where(left, gains, -1)))
        if known[best] == len(out):
            out.append(best)
            left[best] = False
            covered = np.maximum(covered, similar.of([best])[0])
            continue
        stale = np.flatnonzero(left & (known < len(out)))
        batch = stale[np.argsort(-gains[stale], kind="stable")[:BATCH]]
        gains[batch] = np.maximum(similar.of(batch) - covered, 0).sum(axis=1, dtype=np.int64)
        known[batch] = len(out)
    return out


class _Similarities:
    """Cosines of given rows to all rows in whole millionths, kept where they all fit."""

    def __init__(self, rows: Vectors) -> None:
        self.rows = rows
        self._kept = self._computed(np.arange(len(rows))) if len(rows) <= KEPT_ROWS else None

    def of(self, picks: Any) -> npt.NDArray[np.int32]:
        return self._kept[picks] if self._kept is not None else self._computed(picks)

    def _computed(self, picks: Any) -> npt.NDArray[np.int32]:
        out = np.empty((len(picks), len(self.rows)), dtype=np.int32)
        for top in range(0, len(picks), BATCH):
            cosines = np.asarray(self.rows[picks[top : top + BATCH]] @ self.rows.T, dtype=np.float64)
            out[top : top + BATCH] = np.rint(cosines * 10**DECIMALS)
        return out


def quotas(available: Sequence[int], total: int) -> list[int]:
    """`total` shared out as evenly as what is available allows; a remainder goes to the earlier ones.

    >>> quotas([10, 2, 10], 12)
    [5, 2, 5]
    """
    out = [0] * len(available)
    rest = min(whole(total, "total"), sum(available))
    while rest:
        open_ones = [i for i, have in enumerate(available) if out[i] < have]
        each = max(1, rest // len(open_ones))
        for i in open_ones:
            take = min(each, available[i] - out[i], rest)
            out[i] += take
            rest -= take
    return out


def apportioned(total: int, shares: Sequence[float]) -> list[int]:
    """`total` by shares (above 0, of any sum) in whole numbers: the largest remainders get what is over, of equal ones the earlier.

    >>> apportioned(10, [1, 1, 1]), apportioned(7, [0.7, 0.2, 0.1])
    ([4, 3, 3], [5, 1, 1])
    """
    exact = [total * share / fsum(shares) for share in shares]
    out = [int(one + 1e-9) for one in exact]  # 2.9999999 of a product that should be 3
    for at in sorted(range(len(out)), key=lambda at: (out[at] - exact[at], at))[: total - sum(out)]:
        out[at] += 1
    return out


def balanced(labels: Sequence[Hashable], k: int, *, seed: Seed) -> list[int]:
    """k rows at random with each label equally often, as far as there are enough; sorted indices.

    What a scarce label cannot give, the others share. Labels are taken in the order of their text. None is a label too.
    """
    members: dict[Hashable, list[int]] = {}
    for i, label in enumerate(labels):
        members.setdefault(label, []).append(i)
    names = sorted(members, key=lambda label: (str(label), str(type(label))))
    rng, out = generator(seed), list[int]()
    for name, quota in zip(names, quotas([len(members[name]) for name in names], whole(k, "k")), strict=True):
        out += [members[name][i] for i in rng.permutation(len(members[name]))[:quota]]
    return sorted(out)


def _nearest_chosen(rows: Vectors, chosen: Sequence[int]) -> Floats:
    """The highest cosine of each row to a chosen one; -inf where none is chosen."""
    near = np.full(len(rows), -np.inf)
    for pick in chosen:
        near = np.maximum(near, _cosines(rows, _row(pick, len(rows))))
    return near


def _cosines(rows: Vectors, pick: int) -> Floats:
    return np.asarray(rows @ rows[pick], dtype=np.float64)


def _left(rows: int, chosen: Sequence[int]) -> npt.NDArray[Any]:
    left = np.ones(rows, dtype=bool)
    left[[_row(pick, rows) for pick in chosen]] = False
    return left


def _row(index: int, rows: int) -> int:
    if not 0 <= index < rows:
        raise ValueError(f"row {index}: there are rows 0 to {rows - 1}")
    return int(index)


def _central(rows: Vectors) -> int:
    return int(np.argmax(decisive(np.asarray(rows @ rows.mean(axis=0), dtype=np.float64))))

"""Exact nearest rows by cosine, tile by tile: the memory does not grow with the number of rows.

Similarities are rounded before they are compared, and equal ones go to the lower index, so the result does not depend
on tile sizes or on the number of threads.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import DECIMALS, Floats, Ints, Vectors, unit_rows, whole
from tilth.stats.partition import partition

QUERIES, ROWS = 256, 4096
"""Rows of one tile: a million similarities, about 60 MB with all that is made of them."""
_SCALE = 10**DECIMALS
_NONE = -(2**62)
_NOBODY = -2 * _SCALE
"""A similarity below all others, for pairs that do not count."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest rows of each query, nearest first.

    indices: (queries, k), -1 where there are fewer. similarities: cosines; where the index is -1, -2 (below any cosine).
    """

    indices: Ints
    similarities: Floats


def nearest(
    queries: npt.ArrayLike,
    rows: npt.ArrayLike | None = None,
    *,
    k: int = 10,
    groups: Sequence[Hashable] | None = None,
    row_groups: Sequence[Hashable] | None = None,
) -> Neighbours:
    """The k most similar rows of each query, exactly.

    Parameters
    ----------
    rows: what is searched; None: the queries themselves, and no row is its own neighbour.
    k: at least 1; with fewer candidates the rest is filled with -1.
    groups, row_groups: rows of the query's own group are no neighbours (copies would vote for themselves). One group per
        query, and one per row where `rows` is given. None as a group belongs to nobody.

    Cost: queries x rows x dimensions; memory: one tile.
    """
    whole(k, "k", 1)
    wanted = unit_rows(queries, "queries")
    pool = wanted if rows is None else unit_rows(rows, "rows")
    if len(wanted) and len(pool) and wanted.shape[1] != pool.shape[1]:
        raise ValueError(f"queries have {wanted.shape[1]} dimensions, rows {pool.shape[1]}")
    own, theirs = _codes(len(wanted), None if rows is None else len(pool), groups, row_groups)
    width = min(k, len(pool))
    keys = np.full((len(wanted), width), _NONE, dtype=np.int64)
    for top in range(0, len(wanted), QUERIES):
        block = slice(top, top + QUERIES)
        for left in range(0, len(pool), ROWS):
            similar = _rounded(wanted[block], pool[left : left + ROWS])
            similar[own[block, None] == theirs[None, left : left + ROWS]] = _NOBODY
            keys[block] = _merged(keys[block], similar, left, len(pool))
    return _unpacked(keys, k, max(len(pool), 1))


def _codes(queries: int, rows: int | None, groups: Sequence[Hashable] | None, row_groups: Sequence[Hashable] | None) -> tuple[Ints, Ints]:
    """A number for each query and row; equal numbers are never neighbours. rows: None where they are the queries."""
    if rows is None:
        codes = partition(queries, groups).codes
        return codes, codes
    if groups is None and row_groups is None:
        return np.full(queries, -1, dtype=np.int64), np.zeros(rows, dtype=np.int64)
    if groups is None or row_groups is None or (len(groups), len(row_groups)) != (queries, rows):
        raise ValueError("groups: one for each query wanted, and row_groups: one for each row")
    codes = partition(queries + rows, [*groups, *row_groups]).codes
    return codes[:queries], codes[queries:]


def _rounded(queries: Vectors, rows: Vectors) -> npt.NDArray[np.int32]:
    """Cosines in millionths."""
    return np.asarray(np.rint(np.asarray(queries @ rows.T, dtype=np.float64) * _SCALE), dtype=np.int32)


def _merged(keys: Ints, similar: npt.NDArray[np.int32], left: int, total: int) -> Ints:
    """The best keys of those so far and of a tile.

    A key is similarity and index in one whole number, which sorts by similarity and then by lower index, and never ties.
    Only what reaches the worst key so far is looked at; after the first tiles that is next to nothing.
    """
    at, column = np.nonzero(similar >= np.maximum(keys[:, -1:] // total, _NOBODY + 1))
    counts = np.bincount(at, minlength=len(keys))
    width = keys.shape[1]
    both = np.full((len(keys), width + int(counts.max(initial=0))), _NONE, dtype=np.int64)
    both[:, :width] = keys
    place = width + np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    both[at, place] = similar[at, column].astype(np.int64) * total + (total - 1 - left - column)
    if both.shape[1] > width:
        both = np.partition(both, both.shape[1] - width, axis=1)[:, -width:]
    return np.asarray(np.sort(both, axis=1)[:, ::-1], dtype=np.int64)


def _unpacked(keys: Ints, k: int, total: int) -> Neighbours:
    found = keys != _NONE
    indices = np.where(found, total - 1 - keys % total, -1)
    similarities = np.where(found, (keys // total) / _SCALE, -2.0)
    missing = ((0, 0), (0, k - keys.shape[1]))
    return Neighbours(np.pad(indices, missing, constant_values=-1), np.pad(similarities, missing, constant_values=-2.0))


def pairs_above(vectors: npt.ArrayLike, threshold: float) -> Iterator[tuple[int, int, float]]:
    """Every pair (i, j, cosine) with i < j and a rounded cosine of at least `threshold`, ordered by i, then j."""
    rows = unit_rows(vectors)
    for top in range(0, len(rows), QUERIES):
        yield from sorted(_pairs_of(rows, top, threshold))


def _pairs_of(rows: Vectors, top: int, threshold: float) -> Iterator[tuple[int, int, float]]:
    for left in range(top, len(rows), ROWS):
        tile = _rounded(rows[top : top + QUERIES], rows[left : left + ROWS])
        for i, j in np.argwhere(tile >= round(threshold * _SCALE)):
            if top + i < left + j:
                yield int(top + i), int(left + j), float(tile[i, j] / _SCALE)

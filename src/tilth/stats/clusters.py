"""k-means with k-means++ starts: deterministic under a seed, no empty cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, Ints, Seed, Vectors, decisive, generator, vectors_of, whole

BLOCK = 4096
"""Rows whose distances to all centres are held at once."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """labels: the cluster of each row. centres: (k, dimensions). inertia: sum of squared distances to the own centre."""

    labels: Ints
    centres: Floats
    inertia: float

    @property
    def sizes(self) -> Ints:
        """Rows of each cluster."""
        return np.bincount(self.labels, minlength=len(self.centres)).astype(np.int64)


def kmeans(vectors: npt.ArrayLike, k: int, *, seed: Seed, rounds: int = 100, starts: int = 1) -> Clusters:
    """Lloyd's algorithm from k-means++ centres (Arthur & Vassilvitskii 2007); Euclidean, so pass unit rows for cosine.

    Parameters
    ----------
    vectors: (rows, dimensions), entries of the size of 1 (distances are rounded to 6 decimals); not copied.
    k: clusters, at least 1; where fewer rows differ from each other there are only as many clusters. 0 rows: none.
    starts: runs with different centres; the one with the lowest inertia is kept, the earlier one where they tie.
    """
    rows = vectors_of(vectors)
    whole(k, "k", 1)
    if len(rows) == 0:
        return Clusters(np.zeros(0, dtype=np.int64), np.zeros((0, rows.shape[1])), 0.0)
    rng = generator(seed)
    tries = [_lloyd(rows, first_centres(rows, k, rng), rounds) for _ in range(whole(starts, "starts", 1))]
    return min(tries, key=lambda found: float(decisive(found.inertia)))


def first_centres(rows: Vectors, k: int, seed: Seed) -> Floats:
    """k-means++: the first centre at random, each next one in proportion to the squared distance to the nearest centre."""
    rng = generator(seed)
    centres = [np.asarray(rows[rng.integers(len(rows))], dtype=np.float64)]
    gaps = _squared(rows, centres[0])
    while len(centres) < min(k, len(rows)):
        total = np.cumsum(decisive(gaps))
        if total[-1] <= 0:  # every row is a centre already
            break
        pick = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
        centres.append(np.asarray(rows[min(pick, len(rows) - 1)], dtype=np.float64))
        gaps = np.minimum(gaps, _squared(rows, centres[-1]))
    return np.array(centres)


def _squared(rows: Vectors, centre: Floats) -> Floats:
    blocks = (np.asarray(rows[top : top + BLOCK], dtype=np.float64) - centre for top in range(0, len(rows), BLOCK))
    return np.concatenate([np.einsum("ij,ij->i", block, block) for block in blocks])


def _lloyd(rows: Vectors, centres: Floats, rounds: int) -> Clusters:
    labels, gaps = assign(rows, centres)
    for _ in range(rounds):
        centres = _means(rows, labels, gaps, centres)
        moved, gaps = assign(rows, centres)
        if np.array_equal(moved, labels):
            break
        labels = moved
    used, labels = np.unique(labels, return_inverse=True)
    return Clusters(labels.astype(np.int64), centres[used], float(gaps.sum()))


def assign(rows: Vectors, centres: Floats) -> tuple[Ints, Floats]:
    """The nearest centre of each row (ties: the lower number), and the squared distance to it."""
    labels, gaps = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    lengths = (centres**2).sum(axis=1)
    for top in range(0, len(rows), BLOCK):
        block = np.asarray(rows[top : top + BLOCK], dtype=np.float64)
        near = decisive(lengths[None, :] - 2 * block @ centres.T)
        labels[top : top + BLOCK] = near.argmin(axis=1)
        gaps[top : top + BLOCK] = ((block - centres[labels[top : top + BLOCK]]) ** 2).sum(axis=1)
    return labels, gaps


def _means(rows: Vectors, labels: Ints, gaps: Floats, centres: Floats) -> Floats:
    """The mean of each cluster; an empty one moves to the row that is farthest from its centre."""
    sizes = np.bincount(labels, minlength=len(centres))
    sums = np.zeros_like(centres)
    for top in range(0, len(rows), BLOCK):
        part = labels[top : top + BLOCK]
        order = np.argsort(part, kind="stable")
        filled, starts = np.unique(part[order], return_index=True)
        sums[filled] += np.add.reduceat(np.asarray(rows[top : top + BLOCK], dtype=np.float64)[order], starts, axis=0)
    out = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
    farthest = np.argsort(-decisive(gaps), kind="stable")
    for number, empty in enumerate(np.flatnonzero(sizes == 0)):
        out[empty] = rows[farthest[number]]
    return np.asarray(out, dtype=np.float64)

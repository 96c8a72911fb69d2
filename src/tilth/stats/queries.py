"""What to label next: scores of uncertainty, and picks that combine them with distance and clusters.

As compared in LLMaAA (Zhang et al. 2023, arXiv 2310.19596) and by Bansal & Sharma (2023, arXiv 2306.15766). Every pick is a list of
row numbers, the first one picked first; ties go to the lower number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, Seed, decisive, finite, generator, same_length, vectors_of, whole
from tilth.stats.clusters import kmeans
from tilth.stats.neighbours import nearest
from tilth.stats.select import facility_location, k_center

Strategy = Literal[
    "random", "entropy", "least_confidence", "margin", "k_means", "core_set", "facility_location", "far_and_unsure", "unsure_clusters"
]
NEEDS_STUDENT = ("entropy", "least_confidence", "margin", "far_and_unsure", "unsure_clusters")
WIDER = 3
"""unsure_clusters and far_and_unsure look at so many times the rows wanted."""


def entropy(probabilities: npt.ArrayLike) -> Floats:
    """Entropy of each row in nats: ln K at most.

    >>> [round(float(one), 6) for one in entropy([[0.5, 0.5], [1.0, 0.0]])]
    [0.693147, 0.0]
    """
    p = _probabilities(probabilities)
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1) + 0.0, dtype=np.float64)


def least_confidence(probabilities: npt.ArrayLike) -> Floats:
    """1 minus the highest probability of each row: 1 - 1/K at most."""
    return np.asarray(1 - _probabilities(probabilities).max(axis=1), dtype=np.float64)


def margin(probabilities: npt.ArrayLike) -> Floats:
    """Minus the gap between the two highest probabilities of each row: 0 at most."""
    p = np.sort(_probabilities(probabilities), axis=1)
    return np.asarray(-(p[:, -1] - p[:, -2]), dtype=np.float64)


UNSURE: Mapping[str, Callable[[npt.ArrayLike], Floats]] = {"entropy": entropy, "least_confidence": least_confidence, "margin": margin}
"""Scores by name; higher is less sure."""


def largest(scores: npt.ArrayLike, k: int) -> list[int]:
    """The k rows with the highest scores, rounded before they decide."""
    rounded = decisive(finite(scores, "scores"))
    return [int(row) for row in np.lexsort((np.arange(len(rounded)), -rounded))[: whole(k, "k")]]


def medoids(vectors: npt.ArrayLike, k: int, *, seed: Seed) -> list[int]:
    """For each of k centres (k-means) the nearest row; where that one is taken, the next nearest. Exactly min(k, rows) rows."""
    rows = np.asarray(vectors_of(vectors), dtype=np.float64)
    wanted = min(whole(k, "k"), len(rows))
    if not wanted:
        return []
    out: list[int] = []
    for centre in kmeans(rows, wanted, seed=seed).centres:
        gaps = decisive(((rows - centre) ** 2).sum(axis=1))
        gaps[out] = np.inf
        out.append(int(np.argmin(gaps)))
    for row in range(len(rows)):  # rows that are equal give fewer centres than asked for
        if len(out) < wanted and row not in out:
            out.append(row)
    return out


def query(
    strategy: Strategy,
    vectors: npt.ArrayLike,
    k: int,
    *,
    probabilities: npt.ArrayLike | None = None,
    known: Sequence[int] = (),
    out: Sequence[int] = (),
    seed: Seed = 0,
) -> list[int]:
    """k rows to label next, all that are left where there are fewer; never one of `known` or `out`.

    Parameters
    ----------
    vectors: all rows of the pool. probabilities: of the rows that are left (in the order of their numbers), by a student that never
        learned them; wanted by `NEEDS_STUDENT`. known: rows with labels. out: rows that may not be picked for another reason.
    """
    rows = vectors_of(vectors)
    left = np.setdiff1d(np.arange(len(rows)), [*known, *out])
    wanted = min(whole(k, "k"), len(left))
    unsure: Floats | None = None
    if strategy in NEEDS_STUDENT:
        if probabilities is None:
            raise ValueError(f"{strategy}: probabilities of the rows that are left are wanted")
        p = finite(probabilities, "probabilities", ndim=2)
        same_length("probabilities and rows that are left", p, left)
        unsure = UNSURE.get(strategy, entropy)(p)
    if strategy == "random":
        picks = [int(row) for row in generator(seed).permutation(len(left))[:wanted]]
    elif strategy in UNSURE and unsure is not None:
        picks = largest(unsure, wanted)
    elif strategy == "far_and_unsure" and unsure is not None:
        picks = _far(rows, left, known, unsure, wanted)
    elif strategy == "unsure_clusters" and unsure is not None:
        first = sorted(largest(unsure, WIDER * wanted))
        picks = [first[at] for at in medoids(rows[left[first]], wanted, seed=seed)]
    elif strategy == "k_means":
        picks = medoids(rows[left], wanted, seed=seed)
    else:
        return _among(strategy, rows, left, known, wanted)
    return [int(left[at]) for at in picks]


def _far(rows: npt.ArrayLike, left: npt.NDArray[np.int64], known: Sequence[int], unsure: Floats, wanted: int) -> list[int]:
    """Of the rows farthest from what is known, those of which the student is least sure (Bansal & Sharma 2023)."""
    whole_pool = np.asarray(rows)
    if not len(known):
        return largest(unsure, wanted)
    near = nearest(whole_pool[left], whole_pool[list(known)], k=1).similarities[:, 0]
    far = sorted(largest(-near, WIDER * wanted))
    return [far[at] for at in largest(unsure[far], wanted)]


def _among(strategy: str, rows: npt.ArrayLike, left: npt.NDArray[np.int64], known: Sequence[int], wanted: int) -> list[int]:
    """Core-set and facility location look at known and open rows together; rows that are out are no candidates."""
    choose = {"core_set": k_center, "facility_location": facility_location}[strategy]
    both = np.asarray([*known, *left], dtype=np.int64)
    found = choose(np.asarray(rows)[both], wanted, chosen=range(len(known)))
    return [int(both[at]) for at in found]


def _probabilities(values: npt.ArrayLike) -> Floats:
    p = finite(values, "probabilities", ndim=2)
    if p.size and (p.shape[1] < 2 or p.min() < 0 or np.abs(p.sum(axis=1) - 1).max() > 1e-3):
        raise ValueError("probabilities: each row must hold at least two, none negative, with a sum of 1")
    return p

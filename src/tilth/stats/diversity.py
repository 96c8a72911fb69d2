"""How different the rows of a set are: Vendi score, mean pairwise cosine, nearest-neighbour distance.

Vectors are scaled to unit length here. Higher diversity is no merit by itself: off-topic noise is diverse too.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, Vectors, finite, unit_rows
from tilth.stats.partition import partition

BLOCK = 8192


def vendi(vectors: npt.ArrayLike, *, q: float = 1.0) -> float | None:
    """Vendi score of the cosine kernel: the effective number of different rows, in [1, n]; None without rows.

    exp of the entropy of the eigenvalues of K / n (Friedman & Dieng 2022, arXiv 2210.02410); order q: Pasarkar & Dieng
    2023, arXiv 2310.12952 (q = inf: 1 / the largest). The spectrum is taken from the smaller of the n x n and the
    d x d matrix, so the cost is min(n, d)^2 x max(n, d) and memory min(n, d)^2. Compare only at equal n.
    """
    rows = unit_rows(vectors)
    if len(rows) == 0:
        return None
    return _effective(_spectrum(rows), q)


def vendi_of_kernel(kernel: npt.ArrayLike, *, q: float = 1.0) -> float | None:
    """Vendi score of a similarity matrix (rows, rows): symmetric, ones on the diagonal, no negative eigenvalues."""
    matrix = finite(kernel, "kernel", ndim=2)
    if matrix.size == 0:
        return None
    if matrix.shape[0] != matrix.shape[1] or np.abs(matrix - matrix.T).max() > 1e-8 or np.abs(np.diag(matrix) - 1).max() > 1e-8:
        raise ValueError("kernel: a symmetric matrix with ones on its diagonal wanted")
    values = np.asarray(np.linalg.eigvalsh(matrix / len(matrix)), dtype=np.float64)
    if values.min() < -1e-6:
        raise ValueError(f"kernel: has a negative eigenvalue ({values.min() * len(matrix):.3g}), so it is no kernel")
    return _effective(values, q)


def _spectrum(rows: Vectors) -> Floats:
    count, wide = rows.shape
    if count <= wide:
        gram = np.asarray(rows, dtype=np.float64) @ np.asarray(rows, dtype=np.float64).T
    else:
        gram = np.zeros((wide, wide))
        for top in range(0, count, BLOCK):
            block = np.asarray(rows[top : top + BLOCK], dtype=np.float64)
            gram += block.T @ block
    return np.asarray(np.linalg.eigvalsh(gram / count), dtype=np.float64)


def _effective(values: Floats, q: float) -> float:
    """Effective number of a spectrum; noise below 0 is cut off and 0 ln 0 is 0."""
    if not q >= 0:
        raise ValueError(f"q: a number of at least 0 wanted, not {q}")
    shares = values[values > 1e-12]
    shares = shares / shares.sum()
    if q == 1:
        return float(np.exp(-(shares * np.log(shares)).sum()))
    if np.isinf(q):
        return float(1 / shares.max())
    return float((shares**q).sum() ** (1 / (1 - q)))


@dataclass(frozen=True, slots=True)
class PairwiseCosine:
    """Mean cosine over all pairs (APS; lower is more diverse), within groups (weighted by pairs) and between them.

    None where there is no such pair.
    """

    overall: float | None
    within: float | None
    between: float | None
    n: int


def pairwise_cosine(vectors: npt.ArrayLike, groups: Sequence[Hashable] | None = None) -> PairwiseCosine:
    """Exact mean cosine over pairs without forming them: (|sum of e|^2 - n) / (n (n - 1)).

    AttrPrompt (Yu et al. 2023, arXiv 2306.15895) reports it as APS, overall and within classes. Without `groups` all
    rows are one group, and there is nothing between.
    """
    rows = unit_rows(vectors)
    n = len(rows)
    parts = partition(n, [0] * n if groups is None else groups)
    sums = np.zeros((parts.units, rows.shape[1] if rows.ndim == 2 else 0))
    for top in range(0, n, BLOCK):
        np.add.at(sums, parts.codes[top : top + BLOCK], np.asarray(rows[top : top + BLOCK], dtype=np.float64))
    sizes = parts.sizes.astype(np.float64)
    same = float((sums**2).sum() - n)
    every = float((sums.sum(axis=0) ** 2).sum() - n)
    same_pairs, pairs = float((sizes * (sizes - 1)).sum()), float(n * (n - 1))
    return PairwiseCosine(_ratio(every, pairs), _ratio(same, same_pairs), _ratio(every - same, pairs - same_pairs), n)


def _ratio(total: float, pairs: float) -> float | None:
    return min(1.0, max(-1.0, total / pairs)) if pairs else None


def chamfer(vectors: npt.ArrayLike) -> float | None:
    """Mean distance (1 - cosine) to the nearest other row, in [0, 2]; higher means fewer near copies. None below two rows."""
    from tilth.stats.neighbours import nearest

    rows = unit_rows(vectors)
    return None if len(rows) < 2 else float((1 - nearest(rows, k=1).similarities).mean()) + 0.0

"""Probabilities that mean what they say: calibration error, temperature, and batch calibration of an LLM's label scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, Ints, finite, same_length, whole


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose confidence lies in (low, high]. confidence and accuracy are their means; None where n is 0."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


def reliability(probabilities: npt.ArrayLike, labels: Sequence[int] | npt.ArrayLike, *, bins: int = 15) -> list[Bin]:
    """The reliability diagram: accuracy by confidence of the chosen label, in bins of equal width.

    Parameters
    ----------
    probabilities: (rows, labels), each row summing to 1. labels: the number of the true label of each row.
    """
    matrix, true = _probabilities(probabilities, labels)
    if len(matrix) == 0:
        return []
    rounded = np.round(matrix, 9)
    sure, right = rounded.max(axis=1), rounded.argmax(axis=1) == true
    place = np.clip(np.ceil(np.round(sure * whole(bins, "bins", 1), 9)).astype(int) - 1, 0, bins - 1)
    out = []
    for number in range(bins):
        inside = place == number
        n = int(inside.sum())
        means = (float(sure[inside].mean()), float(right[inside].mean())) if n else (None, None)
        out.append(Bin(number / bins, (number + 1) / bins, n, *means))
    return out


def calibration_error(probabilities: npt.ArrayLike, labels: Sequence[int] | npt.ArrayLike, *, bins: int = 15) -> float | None:
    """Expected calibration error (Naeini et al. 2015; Guo et al. 2017, eq. 3): mean gap of confidence and accuracy. 0 is best."""
    found = reliability(probabilities, labels, bins=bins)
    total = sum(one.n for one in found)
    gaps = [one.n * abs(one.confidence - one.accuracy) for one in found if one.confidence is not None and one.accuracy is not None]
    return math.fsum(gaps) / total if total else None


def log_softmax(scores: npt.ArrayLike) -> Floats:
    """Log-probabilities of each row of scores (logits, or log-probabilities of a part of the labels)."""
    matrix = finite(scores, "scores", ndim=2)
    if matrix.size == 0:
        return matrix
    shifted = matrix - matrix.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float64)


def softmax(scores: npt.ArrayLike) -> Floats:
    """Probabilities of each row of scores."""
    return np.asarray(np.exp(log_softmax(scores)), dtype=np.float64)


HOTTEST = 100.0
"""Temperatures are looked for between 1 / 100 and 100; rows that are all right drive it to the lower end."""


def fit_temperature(scores: npt.ArrayLike, labels: Sequence[int] | npt.ArrayLike) -> float | None:
    """T that makes softmax(scores / T) most likely on held-out rows (Guo et al. 2017, section 4.2); None without rows.

    The loss is convex in 1/T; a golden-section search in log T finds it to six decimals.
    """
    matrix = finite(scores, "scores", ndim=2)
    true = _numbers(labels, matrix)
    if len(matrix) == 0:
        return None
    rows = np.arange(len(matrix))

    def loss(log_t: float) -> float:
        return -float(log_softmax(matrix / math.exp(log_t))[rows, true].mean())

    low, high, golden = -math.log(HOTTEST), math.log(HOTTEST), (math.sqrt(5) - 1) / 2
    one, two = high - golden * (high - low), low + golden * (high - low)
    loss_one, loss_two = loss(one), loss(two)
    while high - low > 1e-9:
        if loss_one <= loss_two:
            high, two, loss_two = two, one, loss_one
            one = high - golden * (high - low)
            loss_one = loss(one)
        else:
            low, one, loss_one = one, two, loss_two
            two = low + golden * (high - low)
            loss_two = loss(two)
    return round(math.exp((low + high) / 2), 6)


def batch_calibrated(log_probabilities: npt.ArrayLike) -> Floats:
    """Label log-probabilities (rows, labels) with each label's mean over the batch taken out, as log-probabilities.

    An LLM prefers some label words whatever the text says; over a batch in which the labels are about equally
    frequent, that preference is the label's mean (Zhou et al. 2023, arXiv 2309.17249; here the mean of the
    log-probabilities, normalised over the labels). It does harm where the batch holds mostly one label. One row is
    left with equal probabilities: it has nothing to be compared with.
    """
    normal = log_softmax(log_probabilities)
    return log_softmax(normal - normal.mean(axis=0, keepdims=True)) if normal.size else normal


def margins(log_probabilities: npt.ArrayLike, labels: Sequence[int] | npt.ArrayLike) -> Floats:
    """log p(own label) minus the best of the others, per row: above 0 where the scorer agrees with the label."""
    matrix = finite(log_probabilities, "log-probabilities", ndim=2)
    own = _numbers(labels, matrix)
    if matrix.size and matrix.shape[1] < 2:
        raise ValueError("log-probabilities: at least two labels wanted")
    rows = np.arange(len(matrix))
    others = matrix.copy()
    others[rows, own] = -np.inf
    return np.asarray(matrix[rows, own] - others.max(axis=1, initial=-np.inf), dtype=np.float64)


def _numbers(labels: Sequence[int] | npt.ArrayLike, matrix: Floats) -> Ints:
    array = np.asarray(labels)
    same_length("labels and rows", array, matrix)
    if len(array) and (array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= matrix.shape[1]):
        raise ValueError(f"labels: whole numbers from 0 to {matrix.shape[1] - 1} wanted")
    return array.astype(np.int64)


def _probabilities(probabilities: npt.ArrayLike, labels: Sequence[int] | npt.ArrayLike) -> tuple[Floats, Ints]:
    matrix = finite(probabilities, "probabilities", ndim=2)
    if matrix.size and (matrix.min() < -1e-9 or np.abs(matrix.sum(axis=1) - 1).max() > 1e-3):
        raise ValueError("probabilities: each row must be non-negative and sum to 1")
    return matrix, _numbers(labels, matrix)

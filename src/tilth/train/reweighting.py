"""One weight per row by bilevel optimisation without clean labels (SunGen, Gao et al. 2023, arXiv 2205.12679).

    outer: minimise over w the mean reverse cross-entropy of phi(w) on rows V        (V is as noisy as the rest)
    inner: phi(w) = `inner` gradient steps from zero on the weighted mean of the cross-entropies CE_i(phi)

The outer gradient goes through one virtual inner step at the solution, not through all of them:

    phi' = phi - eta d/dphi [sum_i w_i CE_i / sum_i w_i],   dL/dw_i = -eta <g, CE_i' - mean> / sum_i w_i,   g = dL/dphi

CE_i' is the gradient of row i, mean their weighted mean. Rows whose gradient agrees with the robust one get heavier.
w = sigmoid(theta), theta from 0 by Adam. Full batches: equal input, equal output.

The sums run over each class by itself where `by_class` (then a class keeps its share, and L cannot be lowered by giving one class
up), else over all rows as in the paper. On sentence vectors of 1,000 reviews as they are, whose common direction every step learns
first, the paper's form gave up a class on both seeds tried, also without noise. See :func:`centred` and docs/quality.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tilth.stats.arrays import Bools, Floats, Ints
from tilth.train.logistic import softmax
from tilth.train.robust import Loss, logit_gradients, row_losses

SCALE = 10.0
"""Of the softened one-hot labels in the outer loss (repository)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """rate: of Adam on theta. steps: of it. inner: gradient steps of a student, always from zero. hard: the share of V, by theta,
    that the outer loss hears. loss: the outer one; "ce" is the mistake that the tests measure. by_class: see above."""

    rate: float = 0.25
    steps: int = 100
    inner: int = 60
    hard: float = 0.9
    loss: Loss = "rce"
    by_class: bool = True


def reweigh(matrix: Any, targets: Floats, outer: Ints, settings: Settings) -> Floats:
    """The weight of each row, in (0, 1).

    Parameters
    ----------
    matrix: rows, dense or scipy sparse. targets: (rows, classes). outer: numbers of the rows V, drawn once from the same rows.
    """
    weights = np.full(len(targets), 0.5)
    for weights, _ in path(matrix, targets, outer, settings):  # noqa: B007  the last pair is wanted
        pass
    return weights


def best_steps(matrix: Any, targets: Floats, outer: Ints, held: Ints, settings: Settings, every: int = 5) -> int:
    """The number of outer steps after which the student errs least on rows that are as noisy as the others, and were held out.

    `held` are neither weighed nor in `outer`. 0 says that equal weights are best. Looked at every so many steps.
    """
    free = np.ones(len(targets), dtype=bool)
    free[held] = False
    rows = np.flatnonzero(free)
    seen, place = matrix[rows], np.cumsum(free) - 1
    wide = _with_one(matrix[held])
    found: list[tuple[float, int]] = []
    for step, (_, student) in enumerate(path(seen, targets[rows], place[outer], settings)):
        if step % every == 0:
            loss = row_losses(softmax(wide @ student), targets[held], "rce", SCALE).mean()
            found.append((round(float(loss), 6), step))
    return min(found)[1]


def path(matrix: Any, targets: Floats, outer: Ints, settings: Settings) -> Iterator[tuple[Floats, Floats]]:
    """Weights before each outer step and the student trained with them; last the final weights."""
    wide, theta = _with_one(matrix), np.zeros(len(targets))
    groups = targets.argmax(axis=1) if settings.by_class else None
    eta = 1 / _spread(wide)
    adam = _Adam(settings.rate, theta.shape)
    for step in range(settings.steps + 1):
        weights = 1 / (1 + np.exp(-theta))
        student = train(wide, targets, weights, settings.inner, eta, groups)
        yield weights, student
        if step < settings.steps:
            heard = outer[_loudest(theta[outer], settings.hard)]
            slope = weight_slopes(wide, targets, weights, student, heard, eta, settings.loss, groups)
            theta = np.clip(theta - adam.step(slope * weights * (1 - weights)), -30.0, 30.0)


def train(wide: Any, targets: Floats, weights: Floats, steps: int, eta: float, groups: Ints | None = None) -> Floats:
    """Softmax regression (dimensions, classes) by gradient steps from zero on the weighted mean cross-entropy."""
    shares = weights * _factors(weights, groups)
    student = np.zeros((wide.shape[1], targets.shape[1]))
    for _ in range(steps):
        student = student - eta * gradient(wide, targets, shares, student)
    return student


def gradient(wide: Any, targets: Floats, shares: Floats, student: Floats) -> Floats:
    """Of sum_i shares_i CE_i; shares sum to 1."""
    return np.asarray(wide.T @ (shares[:, None] * (softmax(wide @ student) - targets)), dtype=np.float64)


def _factors(weights: Floats, groups: Ints | None) -> Floats:
    """What makes weights sum to each group's part of the rows (to 1 without groups)."""
    kinds = np.zeros(len(weights), dtype=np.int64) if groups is None else groups
    return np.asarray((np.bincount(kinds) / np.maximum(np.bincount(kinds, weights), 1e-300))[kinds] / len(weights), dtype=np.float64)


def weight_slopes(
    wide: Any, targets: Floats, weights: Floats, student: Floats, heard: Ints, eta: float, loss: Loss = "rce", groups: Ints | None = None
) -> Floats:
    """dL/dw of each row through one virtual step at `student`; L is the mean outer loss of the rows `heard`."""
    some = wide[heard]
    outer = np.asarray(some.T @ logit_gradients(softmax(some @ student), targets[heard], loss, SCALE)) / len(heard)
    agreement = ((softmax(wide @ student) - targets) * np.asarray(wide @ outer)).sum(axis=1)
    kinds, factors = np.zeros(len(weights), dtype=np.int64) if groups is None else groups, _factors(weights, groups)
    means = np.bincount(kinds, weights * agreement) / np.maximum(np.bincount(kinds, weights), 1e-300)
    return np.asarray(-eta * factors * (agreement - means[kinds]), dtype=np.float64)


class _Adam:
    """Kingma & Ba 2015 with its usual constants."""

    def __init__(self, rate: float, shape: tuple[int, ...]) -> None:
        self.rate, self.at = rate, 0
        self.first, self.second = np.zeros(shape), np.zeros(shape)

    def step(self, slope: Floats) -> Floats:
        """What is to be subtracted."""
        self.at += 1
        self.first = 0.9 * self.first + 0.1 * slope
        self.second = 0.999 * self.second + 0.001 * slope**2
        first, second = self.first / (1 - 0.9**self.at), self.second / (1 - 0.999**self.at)
        return np.asarray(self.rate * first / (np.sqrt(second) + 1e-12), dtype=np.float64)


def _loudest(theta: Floats, share: float) -> Bools:
    """The rows in the upper `share` by theta; equal ones stay together, so that at the start all are heard."""
    return np.asarray(theta >= np.sort(theta)[min(round((1 - share) * len(theta)), len(theta) - 1)])


def centred(vectors: Floats) -> Floats:
    """Vectors without their mean, scaled so that their widest direction has variance 1, as wide as the intercept's column of ones.

    Equal steps then train all that matters; sentence vectors as they are share one long direction, and 60 steps learn only that.
    """
    moved = np.asarray(vectors, dtype=np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    widest = _spread(moved) if np.abs(moved).max(initial=0.0) > 1e-12 else 1.0
    return np.asarray(moved / np.sqrt(widest), dtype=np.float64)


def _with_one(matrix: Any) -> Any:
    """The matrix with a column of ones, for the intercept."""
    ones = np.ones((matrix.shape[0], 1))
    if isinstance(matrix, np.ndarray):
        return np.hstack([np.asarray(matrix, dtype=np.float64), ones])
    from scipy import sparse

    return sparse.hstack([matrix, ones], format="csr")


def _spread(wide: Any) -> float:
    """The largest eigenvalue of the mean of x x^T, by power iteration: twice the smoothness of the mean cross-entropy."""
    at = np.random.default_rng(0).normal(size=wide.shape[1])
    value = 1.0
    for _ in range(50):
        at = np.asarray(wide.T @ np.asarray(wide @ at)) / wide.shape[0]
        value = float(np.linalg.norm(at))
        at = at / value
    return value

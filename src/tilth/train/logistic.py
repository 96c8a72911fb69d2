"""Logistic regression with weights and soft labels, exact and deterministic, in numpy.

    minimise  1/2 |W|^2 + C sum_i w_i cross-entropy(t_i, softmax(x_i W + b)),   b free

the objective of scikit-learn's LogisticRegression (two classes: one logit, as there), with targets t that may be any
distribution. Soft labels enter the gradient directly; no row is duplicated. L-BFGS (Nocedal & Wright 2006, alg. 7.4)
from zero, so equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tilth.stats.arrays import Floats

TOLERANCE = 1e-8
"""The largest entry of the gradient of the mean loss at which the search ends."""
ROUNDS = 1000
MEMORY, MEMORY_BYTES = 12, 1 << 30
"""Steps that are remembered, fewer where they would take more than a gigabyte (many labels and a large vocabulary)."""
REDUCE_BELOW = 1500
"""With at most so many rows, and fewer rows than columns, the problem is solved in the space of the rows."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """weights: (dimensions, logits), intercept: (logits,). Two classes have one logit, that of the second."""

    weights: Floats
    intercept: Floats

    def probabilities(self, matrix: Any) -> Floats:
        """(rows, classes) for a matrix of rows, dense or sparse."""
        return softmax(np.asarray(matrix @ self.weights) + self.intercept)


def fit(matrix: Any, targets: Floats, weights: Floats, c: float) -> Coefficients:
    """The coefficients for rows `matrix` (dense or scipy sparse), targets (rows, classes), weights (rows,) > 0."""
    if matrix.shape[0] <= min(REDUCE_BELOW, matrix.shape[1] - 1):
        short, back = _reduced(matrix)
        found = _minimise(short, targets, weights, c)
        return Coefficients(np.asarray(matrix.T @ (back @ found.weights)), found.intercept)
    return _minimise(matrix, targets, weights, c)


def _reduced(matrix: Any) -> tuple[Floats, Floats]:
    """Z with Z Z^T = X X^T, and A with W = X^T A v for weights v of Z: the optimum lies in the span of the rows.

    A rotation leaves the penalty as it is, so this is no approximation, and a step costs rows^2, not rows x vocabulary.
    """
    gram = matrix @ matrix.T
    gram = np.asarray(gram.toarray() if hasattr(gram, "toarray") else gram, dtype=np.float64)
    values, axes = np.linalg.eigh(gram)
    kept = values > max(float(values[-1]), 0.0) * 1e-12
    roots = np.sqrt(values[kept])
    return np.ascontiguousarray(axes[:, kept] * roots), axes[:, kept] / roots


def softmax(logits: Floats) -> Floats:
    """Probabilities of each row of logits; of two classes the first has the logit 0 and no column."""
    full = np.hstack([np.zeros_like(logits), logits]) if logits.shape[1] == 1 else logits
    shifted = np.exp(full - full.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float64)


def _minimise(matrix: Any, targets: Floats, weights: Floats, c: float) -> Coefficients:
    wide, classes = matrix.shape[1], targets.shape[1]
    logits = 1 if classes == 2 else classes
    mass = weights.sum()
    share, penalty = (weights / mass)[:, None], 1 / (c * mass)
    flipped = matrix.T

    def loss(flat: Floats) -> tuple[float, Floats]:
        w, b = flat[: wide * logits].reshape(wide, logits), flat[wide * logits :]
        full = np.asarray(matrix @ w) + b
        full = np.hstack([np.zeros_like(full), full]) if logits == 1 else full
        top = full.max(axis=1, keepdims=True)
        shifted = np.exp(full - top)
        sums = shifted.sum(axis=1, keepdims=True)
        value = float((share * targets * (np.log(sums) + top - full)).sum()) + 0.5 * penalty * float(np.vdot(w, w))
        residual = (share * (shifted / sums * targets.sum(axis=1, keepdims=True) - targets))[:, -logits:]
        return value, np.concatenate([(np.asarray(flipped @ residual) + penalty * w).ravel(), residual.sum(axis=0)])

    flat = _lbfgs(loss, np.zeros(wide * logits + logits))
    return Coefficients(flat[: wide * logits].reshape(wide, logits), flat[wide * logits :])


Loss = Callable[[Floats], tuple[float, Floats]]


def _lbfgs(loss: Loss, start: Floats) -> Floats:
    """The minimum of a smooth convex function; stops at TOLERANCE, or where no step lowers the value any more."""
    at, steps = start, list[tuple[Floats, Floats, float]]()
    remembered = max(3, min(MEMORY, MEMORY_BYTES // (16 * max(1, start.size))))
    value, slope = loss(at)
    for _ in range(ROUNDS):
        if np.abs(slope).max(initial=0.0) <= TOLERANCE:
            break
        direction = _direction(slope, steps)
        down = float(slope @ direction)
        if down >= 0:  # rounding spoilt the memory: begin anew, downhill
            steps.clear()
            direction, down = -slope, -float(slope @ slope)
        first = 1.0 if steps else min(1.0, 1.0 / float(np.linalg.norm(slope)))
        found = _step(loss, at, value, direction, down, first)
        if found is None:
            break
        moved, value, new_slope = found
        s, y = moved - at, new_slope - slope
        if (curve := float(s @ y)) > 1e-14 * float(y @ y):
            steps = [*steps[1 - remembered :], (s, y, 1 / curve)]
        at, slope = moved, new_slope
    return at


def _direction(slope: Floats, steps: list[tuple[Floats, Floats, float]]) -> Floats:
    """The two-loop recursion: minus the inverse Hessian, as the last steps show it, times the gradient."""
    out, alphas = -slope, []
    for s, y, rho in reversed(steps):
        alpha = rho * float(s @ out)
        alphas.append(alpha)
        out = out - alpha * y
    if steps:
        s, y, rho = steps[-1]
        out = out / (rho * float(y @ y))
    for (s, y, rho), alpha in zip(steps, reversed(alphas), strict=True):
        out = out + s * (alpha - rho * float(y @ out))
    return out


def _step(loss: Loss, at: Floats, value: float, direction: Floats, down: float, size: float) -> tuple[Floats, float, Floats] | None:
    """Armijo backtracking from `size`; None where no step lowers the value, which is then as low as floats can tell."""
    for _ in range(40):
        moved = at + size * direction
        new, slope = loss(moved)
        if new <= value + 1e-4 * size * down:
            return moved, new, slope
        size *= 0.5
    return None

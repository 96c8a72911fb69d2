"""The influence of training rows on a student's loss on other rows (Koh & Liang 2017, arXiv 1703.04730), solved exactly.

    I(z) = - g_V^T H^-1 g_z

g_z: gradient of the row's cross-entropy at the optimum; H: Hessian of the mean training loss with its penalty; g_V: gradient of
the mean loss of the rows V. Negative: more weight on z lowers the loss on V, the row helps. Leaving z out changes the loss on V by
-I(z) / rows. Where labels of V may be wrong, g_V is that of the reverse cross-entropy (ProGen, arXiv 2210.12329).

The student is logistic regression, so H is known: H v = g_V is solved by conjugate gradients to rounding error, without ever
storing H. (LiSSA, which deep students need, approximates the same v.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tilth.stats.arrays import Floats
from tilth.train.logistic import fit
from tilth.train.robust import Loss, logit_gradients

TOLERANCE = 1e-10
"""Length of the residual, relative to that of g_V, at which the search ends."""


def influences(train: Any, targets: Floats, others: Any, other_targets: Floats, *, c: float = 1.0, loss: Loss = "rce") -> Floats:
    """I of each row of `train` on the mean loss of `others`, for a student trained on `train` from nothing.

    Parameters
    ----------
    train, others: matrices of rows, dense or scipy sparse. targets, other_targets: (rows, classes), each row a distribution;
        every class has rows in `train`. c: inverse penalty of the student, > 0. loss: of `others`.
    """
    rows, classes = targets.shape
    weights = np.ones(rows)
    student = fit(train, targets, weights, c)
    logits = 1 if classes == 2 else classes
    shares = student.probabilities(train)
    pull = logit_gradients(student.probabilities(others), other_targets, loss)[:, -logits:] / len(other_targets)
    direction = _stacked(others, pull)

    def curved(flat: Floats) -> Floats:
        """The Hessian times a vector, at the optimum."""
        moved = _logits(train, flat.reshape(-1, logits), classes)
        change = shares * (moved - (shares * moved).sum(axis=1, keepdims=True)) / rows
        found = _stacked(train, change[:, -logits:])
        found[:-1] += flat.reshape(-1, logits)[:-1] / (c * rows)
        return found.ravel()

    solved = conjugate_gradients(curved, direction.ravel()).reshape(-1, logits)
    own = logit_gradients(shares, targets, "ce")
    return np.asarray(-(own * _logits(train, solved, classes)).sum(axis=1), dtype=np.float64)


def _stacked(matrix: Any, residual: Floats) -> Floats:
    """Gradient by the weights, and below it that by the intercept, from the derivatives by the logits."""
    return np.vstack([np.asarray(matrix.T @ residual), residual.sum(axis=0)])


def _logits(matrix: Any, parameters: Floats, classes: int) -> Floats:
    """(rows, classes) from weights and intercept; of two classes the first has the logit 0."""
    found = np.asarray(matrix @ parameters[:-1]) + parameters[-1]
    return np.hstack([np.zeros_like(found), found]) if parameters.shape[1] < classes else found


def conjugate_gradients(times: Callable[[Floats], Floats], wanted: Floats) -> Floats:
    """v with ``times(v) == wanted``, for a symmetric matrix that is positive (semi-)definite and reaches `wanted`."""
    found = np.zeros_like(wanted)
    residual = wanted.copy()
    step, size = residual.copy(), float(residual @ residual)
    least = TOLERANCE**2 * size
    for _ in range(4 * wanted.size):
        if size <= least:
            break
        bent = times(step)
        curve = float(step @ bent)
        if curve <= 0:  # rounding: no direction is left in which the matrix is positive
            break
        found += size / curve * step
        residual -= size / curve * bent
        size, before = float(residual @ residual), size
        step = residual + size / before * step
    return found

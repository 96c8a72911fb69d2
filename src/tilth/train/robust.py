"""The reverse cross-entropy: a loss whose ranking survives wrong labels (Wang et al. 2019, arXiv 1908.06112).

    RCE(x, y) = sum_k f_k(x) (-log q_k),   q = softmax(scale * onehot(y)),   f = the student's probabilities

It is bounded: a row with a wrong label pulls no harder than `scale`. The cross-entropy has no such bound, and a set that
is judged by it on noisy rows learns the noise. ProGen ranks rows by it (scale 1), SunGen weighs rows by it (scale 10).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tilth.stats.arrays import Floats

Loss = Literal["rce", "ce"]


def row_losses(probabilities: Floats, targets: Floats, loss: Loss = "rce", scale: float = 1.0) -> Floats:
    """The loss of each row; probabilities and targets are (rows, classes)."""
    if loss == "ce":
        return np.asarray(-(targets * np.log(np.maximum(probabilities, 1e-300))).sum(axis=1), dtype=np.float64)
    return np.asarray((probabilities * _costs(targets, scale)).sum(axis=1), dtype=np.float64)


def symmetric(probabilities: Floats, targets: Floats, alpha: float = 0.1, beta: float = 1.0, floor: float = 1e-4) -> Floats:
    """alpha CE + beta RCE of each row, with one-hot targets cut at `floor` (Wang et al. 2019); the RCE is at most -log(floor).

    Defaults are those of ReGen's repository.
    """
    reverse = -(probabilities * np.log(np.clip(targets, floor, 1.0))).sum(axis=1)
    return np.asarray(alpha * row_losses(probabilities, targets, "ce") + beta * reverse, dtype=np.float64)


def logit_gradients(probabilities: Floats, targets: Floats, loss: Loss = "rce", scale: float = 1.0) -> Floats:
    """The derivative of each row's loss by its logits, (rows, classes)."""
    if loss == "ce":
        return np.asarray(probabilities * targets.sum(axis=1, keepdims=True) - targets, dtype=np.float64)
    costs = _costs(targets, scale)
    return np.asarray(probabilities * (costs - (probabilities * costs).sum(axis=1, keepdims=True)), dtype=np.float64)


def _costs(targets: Floats, scale: float) -> Floats:
    """-log q of each class."""
    return np.asarray(np.log(np.exp(scale * targets).sum(axis=1, keepdims=True)) - scale * targets, dtype=np.float64)

"""A mixture of two Gaussians in one dimension: which values are small, and how surely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, decisive, finite


def share_of_small(values: npt.ArrayLike, *, rounds: int = 10, tolerance: float = 1e-2, floor: float = 5e-4) -> Floats:
    """Posterior probability that each value belongs to the component with the smaller mean (EM, from the two halves of 2-means).

    With values that do not differ there is nothing to tell apart: all are small, and the result is 1. No component is preferred by
    its number, so the result does not depend on the order of the values.

    Parameters
    ----------
    rounds: of EM at most. tolerance: gain of the mean log-likelihood below which it ends. floor: added to each variance.
    """
    x = finite(values, "values")
    if x.size == 0 or float(x.max() - x.min()) < 1e-12:
        return np.ones(x.size)
    posterior = _halves(x)
    before = -np.inf
    for _ in range(rounds):
        mass = posterior.sum(axis=0) + 1e-12
        means = (posterior * x[:, None]).sum(axis=0) / mass
        variance = (posterior * (x[:, None] - means) ** 2).sum(axis=0) / mass + floor
        share = mass / mass.sum()
        density = -0.5 * ((x[:, None] - means) ** 2 / variance + np.log(2 * np.pi * variance)) + np.log(share)
        top = density.max(axis=1, keepdims=True)
        total = top[:, 0] + np.log(np.exp(density - top).sum(axis=1))
        posterior = np.exp(density - total[:, None])
        if total.mean() - before < tolerance:
            break
        before = float(total.mean())
    return decisive(posterior[:, int(means.argmin())])


def _halves(x: Floats) -> Floats:
    """(values, 2) with a 1 for the half of each value: 2-means in one dimension, from the smallest and the largest value."""
    centres = np.array([x.min(), x.max()])
    for _ in range(100):
        upper = np.abs(x - centres[1]) < np.abs(x - centres[0])
        moved = np.array([x[~upper].mean(), x[upper].mean()])
        if np.array_equal(moved, centres):
            break
        centres = moved
    return np.stack([~upper, upper], axis=1).astype(np.float64)

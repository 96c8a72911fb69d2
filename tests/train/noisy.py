"""Gaussian classes, some of their labels wrong: the toys of the cards of ProGen and SunGen."""

import numpy as np


def gaussians(rng, n, distance=2.0, classes=2):
    """Rows in 10 dimensions and their true classes."""
    y = rng.integers(0, classes, n)
    x = rng.normal(size=(n, 10))
    if classes == 2:
        x[:, 0] += (2 * y - 1) * distance / 2
    else:
        x[np.arange(n), y] += distance
    return x, y


def noisy(seed, noise, n=600, distance=3.0):
    """Rows, given labels, which are wrong, a random order, and clean test rows. noise: of class 1, of class 0."""
    rng = np.random.default_rng(seed)
    (x, y), (tx, ty) = gaussians(rng, n, distance), gaussians(rng, 4000, distance)
    wrong = rng.random(n) < np.where(y == 1, noise[0], noise[1])
    return x, np.where(wrong, 1 - y, y), wrong, rng.permutation(n), tx, ty


def auroc(values, positive):
    """How surely a positive row has the larger value."""
    ranks = np.argsort(np.argsort(values))
    n = positive.sum()
    return (ranks[positive].sum() - n * (n - 1) / 2) / (n * (~positive).sum())

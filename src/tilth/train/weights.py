"""Weights of rows that come from two sources, or of classes of different size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats


def mass_balanced(real: Sequence[bool] | npt.ArrayLike) -> Floats:
    """Real rows weigh 1; synthetic ones share a mass equal to that of all real ones. One kind alone: all weigh 1.

    >>> mass_balanced([True, False, False]).tolist()
    [1.0, 0.5, 0.5]
    """
    mask = np.asarray(real, dtype=bool)
    n = int(mask.sum())
    if n in (0, len(mask)):
        return np.ones(len(mask))
    return np.where(mask, 1.0, n / (len(mask) - n))


def class_balanced(labels: Sequence[Hashable]) -> Floats:
    """Each label has the same mass, and the mean weight is 1.

    >>> class_balanced(["a", "a", "a", "b"]).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    counts = Counter(labels)
    return np.array([len(labels) / (len(counts) * counts[label]) for label in labels])

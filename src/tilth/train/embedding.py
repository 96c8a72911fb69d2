"""A student that reads vectors: logistic regression over given embeddings. Needs numpy alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, vectors_of
from tilth.train.classifier import LogisticStudent


class EmbeddingLogistic(LogisticStudent):
    """Logistic regression over embeddings as they are given; C = 1 as in the low-data measurements. Rows: (rows, dimensions)."""

    name = "embedding-logistic"

    def __init__(self, c: float = 1.0) -> None:
        super().__init__(c)
        self._wide = 0

    def features(self, rows: npt.ArrayLike) -> Floats:
        """The vectors as float64."""
        return np.asarray(vectors_of(rows), dtype=np.float64)

    def _learn(self, rows: Floats) -> Floats:
        self._wide = rows.shape[1]
        return rows

    def _matrix(self, rows: Floats) -> Floats:
        if rows.shape[1] != self._wide:
            raise ValueError(f"vectors of {rows.shape[1]} dimensions, but {self._wide} were learned")
        return rows

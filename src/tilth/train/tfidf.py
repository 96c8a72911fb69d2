"""A student that reads texts: TF-IDF of words and of characters, then logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tilth.errors import require
from tilth.stats.arrays import Floats
from tilth.train.classifier import LogisticStudent
from tilth.train.counts import FEATURE, TextFeatures, Vocabulary, counted


class TfidfLogistic(LogisticStudent):
    """TF-IDF of word 1-2-grams and character 3-5-grams (each of unit length), then logistic regression.

    Settings of the low-data measurements: C = 10, smooth idf, no frequency cut. The same numbers as scikit-learn's
    TfidfVectorizer and LogisticRegression, fitted on the training texts alone. Rows: texts, or :class:`TextFeatures`.
    """

    name = "tfidf-logistic"

    def __init__(self, c: float = 10.0) -> None:
        super().__init__(c)
        self._idf: tuple[Floats, ...] = ()
        self._vocabularies: tuple[Vocabulary, ...] = ()

    def features(self, rows: Sequence[str] | TextFeatures) -> TextFeatures:
        """Count the n-grams of texts once, for any number of fits on parts of them."""
        return rows if isinstance(rows, TextFeatures) else TextFeatures.of(list(rows))

    def predict_proba(self, rows: Sequence[str] | TextFeatures) -> Floats:
        """See :class:`tilth.train.student.Student`. Features must come from the same ``features`` call as those of fit."""
        if self._vocabularies and not isinstance(rows, TextFeatures):
            rows = counted(self._vocabularies, list(rows))
        return super().predict_proba(rows)

    def _learn(self, rows: TextFeatures) -> Any:
        self._vocabularies = rows.vocabularies
        self._idf = tuple(_idf(block) for block in rows.blocks)
        return self._matrix(rows)

    def _matrix(self, rows: TextFeatures) -> Any:
        if rows.vocabularies is not self._vocabularies:
            raise ValueError("these features were counted apart from those of fit; use features(texts) once, or features.more(texts)")
        sparse = require("scipy.sparse", extra="ml", feature=FEATURE)
        return sparse.hstack([_weighted(block, idf) for block, idf in zip(rows.blocks, self._idf, strict=True)], format="csr")


def _idf(counts: Any) -> Floats:
    """ln((1 + n) / (1 + df)) + 1 of each n-gram in these rows; 0 for those that do not occur in them."""
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.where(df > 0, np.log((1 + counts.shape[0]) / (1 + df)) + 1, 0.0), dtype=np.float64)


def _weighted(counts: Any, idf: Floats) -> Any:
    """TF-IDF rows of unit length, over the n-grams that have a weight only."""
    sparse = require("scipy.sparse", extra="ml", feature=FEATURE)
    values = counts.data * idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    known = values != 0
    lengths = np.sqrt(np.bincount(rows[known], weights=values[known] ** 2, minlength=counts.shape[0]))
    column = np.cumsum(idf != 0) - 1
    kept = np.concatenate([[0], np.cumsum(known)])[counts.indptr]
    parts = (values[known] / lengths[rows[known]], column[counts.indices[known]], kept)
    return sparse.csr_matrix(parts, shape=(counts.shape[0], int((idf != 0).sum())))

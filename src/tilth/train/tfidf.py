"""A student that reads texts: TF-IDF of words and of characters, then logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tilth.errors import require
from tilth.stats.arrays import Floats
from tilth.train.classifier import LogisticStudent

FEATURE = "The TF-IDF student"


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """n-gram counts of texts, computed once: words 1-2 and characters 3-5 within words, two sparse matrices.

    Counting is nearly all the cost of a fit, and it does not depend on which rows are trained on; document frequencies
    do, and are taken from the training rows of each fit. A fit on ``features[rows]`` is therefore exactly the fit on
    these texts alone: nothing of the other texts leaks into it.
    """

    blocks: tuple[Any, ...]
    counters: tuple[Any, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> TextFeatures:
        """Count the n-grams of texts: about 3,000 texts of 20 words a second. Needs the ``ml`` extra."""
        counters = _counters()
        return cls(tuple(_counted(counter, texts, fresh=True) for counter in counters), counters)

    def more(self, texts: Sequence[str]) -> TextFeatures:
        """Other texts over the same n-grams; unknown ones are left out, as they have no weight anyway."""
        return TextFeatures(tuple(_counted(counter, texts, fresh=False) for counter in self.counters), self.counters)

    def __len__(self) -> int:
        return int(self.blocks[0].shape[0])

    def __getitem__(self, index: Any) -> TextFeatures:
        return TextFeatures(tuple(block[index] for block in self.blocks), self.counters)


def _counters() -> tuple[Any, ...]:
    text = require("sklearn.feature_extraction.text", extra="ml", feature=FEATURE)
    return (
        text.CountVectorizer(ngram_range=(1, 2), dtype=np.float64),
        text.CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), dtype=np.float64),
    )


def _counted(counter: Any, texts: Sequence[str], *, fresh: bool) -> Any:
    if fresh:
        try:
            return counter.fit_transform(texts)
        except ValueError:  # no n-gram at all: no text, or none with a word of two letters
            sparse = require("scipy.sparse", extra="ml", feature=FEATURE)
            counter.vocabulary_ = {}
            return sparse.csr_matrix((len(texts), 0))
    if counter.vocabulary_:
        return counter.transform(texts)
    return require("scipy.sparse", extra="ml", feature=FEATURE).csr_matrix((len(texts), 0))


class TfidfLogistic(LogisticStudent):
    """TF-IDF of word 1-2-grams and character 3-5-grams (each of unit length), then logistic regression.

    Settings of the low-data measurements: C = 10, smooth idf, no frequency cut. The same numbers as scikit-learn's
    TfidfVectorizer and LogisticRegression, fitted on the training texts alone. Rows: texts, or :class:`TextFeatures`.
    """

    name = "tfidf-logistic"

    def __init__(self, c: float = 10.0) -> None:
        super().__init__(c)
        self._idf: tuple[Floats, ...] = ()
        self._counters: tuple[Any, ...] = ()

    def features(self, rows: Sequence[str] | TextFeatures) -> TextFeatures:
        """Count the n-grams of texts once, for any number of fits on parts of them."""
        return rows if isinstance(rows, TextFeatures) else TextFeatures.of(list(rows))

    def predict_proba(self, rows: Sequence[str] | TextFeatures) -> Floats:
        """See :class:`tilth.train.student.Student`. Features must come from the same ``features`` call as those of fit."""
        if self._counters and not isinstance(rows, TextFeatures):
            rows = TextFeatures(self._no_rows(), self._counters).more(list(rows))
        return super().predict_proba(rows)

    def _no_rows(self) -> tuple[Any, ...]:
        sparse = require("scipy.sparse", extra="ml", feature=FEATURE)
        return tuple(sparse.csr_matrix((0, len(idf))) for idf in self._idf)

    def _learn(self, rows: TextFeatures) -> Any:
        self._counters = rows.counters
        self._idf = tuple(_idf(block) for block in rows.blocks)
        return self._matrix(rows)

    def _matrix(self, rows: TextFeatures) -> Any:
        if rows.counters is not self._counters:
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

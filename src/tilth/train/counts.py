"""Counting the n-grams of texts: words 1-2, and characters 3-5 within words, as sparse matrices.

The same features as scikit-learn's CountVectorizer (``ngram_range=(1, 2)``, and ``analyzer="char_wb"`` with (3, 5)), but
the characters of each word are cut up once, not at each of its occurrences, which makes it about twice as fast.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tilth.errors import require

FEATURE = "The TF-IDF student"
_WORD = re.compile(r"\b\w\w+\b")


class Vocabulary:
    """n-grams and their columns. It grows while texts are learned, and never afterwards."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.columns: dict[str, int] = {}
        self._parts: dict[str, list[int]] = {}

    def count(self, texts: Sequence[str], *, grow: bool) -> Any:
        """(texts, n-grams) as a sparse matrix of counts. grow: new n-grams get a column; else they are left out."""
        sparse = require("scipy.sparse", extra="ml", feature=FEATURE)
        find = self._words if self.kind == "words" else self._characters
        columns, ends = array("i"), np.zeros(len(texts) + 1, dtype=np.int64)
        for row, text in enumerate(texts):
            find(text.lower(), columns, grow)
            ends[row + 1] = len(columns)
        found = np.frombuffer(columns, dtype=np.int32) if columns else np.zeros(0, dtype=np.int32)
        matrix = sparse.csr_matrix((np.ones(len(found)), found.copy(), ends), shape=(len(texts), len(self.columns)))
        matrix.sum_duplicates()
        return matrix

    def _words(self, text: str, out: array[int], grow: bool) -> None:
        words = _WORD.findall(text)
        out.extend(self._columns(words, grow))
        out.extend(self._columns((f"{one} {two}" for one, two in pairwise(words)), grow))

    def _characters(self, text: str, out: array[int], grow: bool) -> None:
        for word in text.split():
            parts = self._parts.get(word)
            if parts is None:
                parts = list(self._columns(grams(word), grow))
                if grow:  # a word of other texts may hold n-grams that are not known, so it is no word of these
                    self._parts[word] = parts
            out.extend(parts)

    def _columns(self, features: Iterable[str], grow: bool) -> Iterator[int]:
        known = self.columns
        if grow:
            return (known.setdefault(feature, len(known)) for feature in features)
        return (known[feature] for feature in features if feature in known)


def grams(word: str) -> Iterator[str]:
    """The 3- to 5-grams of a word with a blank at either end."""
    padded = f" {word} "
    for size in (3, 4, 5):
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size]


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """n-gram counts of texts, computed once: words and characters, two sparse matrices over two vocabularies.

    Counting is nearly all the cost of a fit, and it does not depend on which rows are trained on; document frequencies
    do, and are taken from the training rows of each fit. A fit on ``features[rows]`` is therefore exactly the fit on
    these texts alone: nothing of the other texts leaks into it.
    """

    blocks: tuple[Any, ...]
    vocabularies: tuple[Vocabulary, ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> TextFeatures:
        """Count the n-grams of texts. Needs the ``ml`` extra."""
        vocabularies = (Vocabulary("words"), Vocabulary("characters"))
        return cls(tuple(one.count(texts, grow=True) for one in vocabularies), vocabularies)

    def more(self, texts: Sequence[str]) -> TextFeatures:
        """Other texts over the same n-grams; unknown ones are left out, as they have no weight anyway."""
        return counted(self.vocabularies, texts)

    def __len__(self) -> int:
        return int(self.blocks[0].shape[0])

    def __getitem__(self, index: Any) -> TextFeatures:
        return TextFeatures(tuple(block[index] for block in self.blocks), self.vocabularies)


def counted(vocabularies: tuple[Vocabulary, ...], texts: Sequence[str]) -> TextFeatures:
    """Texts over n-grams that are known already."""
    return TextFeatures(tuple(one.count(texts, grow=False) for one in vocabularies), vocabularies)

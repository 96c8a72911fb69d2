"""An embedder that needs nothing: words and character n-grams hashed into unit vectors.

Two texts are close where they share words and spellings, not where they share meaning. It stands in where no other
embedder is set, so that everything which takes vectors runs offline.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import xxhash

from tilth.errors import RequestError
from tilth.models.base import Capabilities, Price

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DIMENSIONS = 1024
LONG_WORD = 6
"""Words of so many letters and more have weight 1, shorter ones in proportion: short words are the common ones."""
PUNCTUATION, PAIRS = 0.3, 0.5
"""Weights of a punctuation mark and of a pair of neighbouring words, next to 1 for a long word."""
KNOWN_WORDS = 20_000
"""Words whose n-grams are remembered; then the memory is emptied, so that it stays flat."""
_WORDS = re.compile(r"\w+|[^\w\s]")


class HashedTfidf:
    """Hashed TF-IDF (feature hashing: Weinberger et al. 2009, arXiv 0902.2206), an :class:`tilth.models.base.Embedder`.

    Features: words, pairs of neighbouring words, and the character 3- to 5-grams of each word, each with a hashed place
    and sign and the weight 1 + ln(count). A text has the same vector in every call and on every machine, so vectors of
    different sets can be compared; document frequencies would break that, so a word's length stands in for its rarity.

    Parameters
    ----------
    dimensions: length of a vector, at least 16. Unrelated texts have cosines of about 1 / sqrt(dimensions) by accident.
    """

    name = "local/hashed-tfidf"
    endpoint = "local"
    concurrency: int | None = None
    ceiling: int | None = None
    price: Price | None = Price(0.0, 0.0)
    can = Capabilities(chat=False, deterministic=True)

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        if dimensions < 16:
            raise RequestError(f"{self.name}: needs at least 16 dimensions, not {dimensions}.", code="model.setting")
        self.dimensions = dimensions
        self.identity = f"{self.name}-1/{dimensions}"  # the 1 counts changes of what a text's vector is
        self._known: dict[str, tuple[list[int], list[float]]] = {}

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (len(texts), dimensions), float32; computed in a thread. A text without any word has one too."""
        return await asyncio.to_thread(self.vectors, texts)

    async def close(self) -> None:
        """Nothing to let go of."""

    def vectors(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The same, without awaiting: about 6,000 texts of 20 words a second."""
        import numpy as np

        out = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            places, values = self._features(text)
            sums = np.bincount(places, weights=values, minlength=self.dimensions)
            length = math.sqrt(math.fsum((sums * sums).tolist()))
            if length < 1e-9:  # no word at all, or features that cancel out
                sums, length = np.eye(1, self.dimensions, self._place(f"text {text}")[0])[0], 1.0
            out[row] = sums / length
        return out

    def _features(self, text: str) -> tuple[list[int], list[float]]:
        words = _WORDS.findall(text.lower())
        places: list[int] = [0]  # numpy counts no empty list
        values: list[float] = [0.0]
        for word, count in Counter(words).items():
            at, signed = self._word(word)
            often = 1 + math.log(count)
            places += at
            values += [often * value for value in signed]
        for (one, two), count in Counter(pairwise(words)).items():
            place, sign = self._place(f"pair {one} {two}")
            places.append(place)
            values.append(sign * PAIRS * (1 + math.log(count)) * math.sqrt(_weight(one) * _weight(two)))
        return places, values

    def _word(self, word: str) -> tuple[list[int], list[float]]:
        """Places and signed weights of a word and its character n-grams; these weigh together as much as the word."""
        found = self._known.get(word)
        if found is None:
            grams = [self._place(f"part {gram}") for gram in _grams(word)]
            place, sign = self._place(f"word {word}")
            weight = _weight(word)
            each = weight / math.sqrt(max(1, len(grams)))
            found = ([place, *(at for at, _ in grams)], [sign * weight, *(minus * each for _, minus in grams)])
            if len(self._known) >= KNOWN_WORDS:
                self._known.clear()
            self._known[word] = found
        return found

    def _place(self, feature: str) -> tuple[int, float]:
        number = xxhash.xxh3_64_intdigest(feature.encode("utf-8", "surrogatepass"))
        return (number >> 1) % self.dimensions, 1.0 if number & 1 else -1.0


def _weight(word: str) -> float:
    return min(1.0, len(word) / LONG_WORD) if word[0].isalnum() else PUNCTUATION


def _grams(word: str) -> Iterator[str]:
    """The 3- to 5-grams of a word with a blank at either end."""
    padded = f" {word} "
    for size in (3, 4, 5):
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size]

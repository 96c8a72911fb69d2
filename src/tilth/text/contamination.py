"""Texts of a reference set (a benchmark, a holdout) found in other texts by their word n-grams, each hit with its evidence.

    index = ReferenceIndex(benchmark_texts)
    for hit in index.find(row_text):
        hit.reference, hit.share, hit.ngram

The rule of GPT-3 (Brown et al. 2020, appendix C) is one shared 13-gram; Tulu 3 uses 8-grams with half of the item's tokens
covered. A reference text with fewer than n words is looked for as a whole if it has at least 5 words, and below that only
where it is the whole other text: `short` counts both kinds, so that a report can say how much could not be looked for properly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import xxhash

from tilth.text.ngrams import words

LEAST_WORDS = 5
GPT3 = {"n": 13, "share": 0.0}
TULU3 = {"n": 8, "share": 0.5}


class Hit(NamedTuple):
    """reference: number of the reference text. share: of its words covered by shared n-grams, 0 to 1. ngrams: how many of its n-grams
    are shared. ngram: the first of them as it reads. rule: "ngram", or "whole" for a reference text shorter than n.
    """

    reference: int
    share: float
    ngrams: int
    ngram: str
    rule: str


@dataclass(frozen=True)
class _Place:
    reference: int
    start: int


class ReferenceIndex:
    """An index of the word n-grams of reference texts. Numbers are kept; case and punctuation are not.

    Parameters
    ----------
    references: the texts to protect; their order gives `Hit.reference`.
    n: words an n-gram, at least 1; 13 and 8 are usual.
    common: n-grams that stand in so many reference texts or more are boilerplate ("which of the following ...") and are left out.

    >>> index = ReferenceIndex(["What is the capital of the country that lies north of Spain and west of Italy?"], n=8)
    >>> [(hit.reference, hit.ngrams) for hit in index.find("Q: what is the capital of the country that lies north of Mali")]
    [(0, 4)]
    """

    def __init__(self, references: Iterable[str], *, n: int = 13, common: int = 10) -> None:
        if n < 1:
            raise ValueError(f"n is {n}; it is at least 1")
        self.n = n
        self.short = 0
        self._words: list[list[str]] = []
        self._places: dict[int, list[_Place]] = {}
        self._shorter: set[int] = set()
        self._whole: dict[int, list[int]] = {}
        for number, text in enumerate(references):
            self._add(number, words(text))
        self._forget_common(common)

    def __len__(self) -> int:
        return len(self._words)

    def find(self, text: str, *, share: float = 0.0) -> list[Hit]:
        """The reference texts that stand in a text, most covered first.

        share: least share of a reference text's words that must be covered by shared n-grams, 0 to 1; 0 takes any shared n-gram.
        """
        tokens = words(text)
        found: dict[int, set[int]] = {}
        for length in (self.n, *sorted(self._shorter)):
            for key in _keys(tokens, length):
                for place in self._places.get(key, ()):
                    found.setdefault(place.reference, set()).add(place.start)
        for number in self._whole.get(_key(tokens), ()):
            found.setdefault(number, {0})
        hits = [self._hit(number, starts) for number, starts in found.items()]
        return sorted((hit for hit in hits if hit.share >= share), key=lambda hit: (-hit.share, hit.reference))

    def _add(self, number: int, tokens: list[str]) -> None:
        self._words.append(tokens)
        length = self.n
        if len(tokens) < self.n:
            self.short += 1
            if tokens:
                self._whole.setdefault(_key(tokens), []).append(number)
            if len(tokens) < LEAST_WORDS:
                return
            length = len(tokens)
            self._shorter.add(length)
        for start, key in enumerate(_keys(tokens, length)):
            self._places.setdefault(key, []).append(_Place(number, start))

    def _forget_common(self, common: int) -> None:
        for key, places in list(self._places.items()):
            if len({place.reference for place in places}) >= common:
                del self._places[key]

    def _hit(self, number: int, starts: set[int]) -> Hit:
        tokens = self._words[number]
        length = min(self.n, len(tokens))
        covered = {position for start in starts for position in range(start, start + length)}
        first = min(starts)
        rule = "ngram" if len(tokens) >= self.n else "whole"
        return Hit(number, len(covered) / len(tokens), len(starts), " ".join(tokens[first : first + length]), rule)


def times_found(texts: Iterable[str], index: ReferenceIndex) -> Counter[int]:
    """In how many of the texts each reference text was found, by its number."""
    return Counter(hit.reference for text in texts for hit in index.find(text))


def _key(tokens: Sequence[str]) -> int:
    return xxhash.xxh3_64_intdigest(" ".join(tokens).encode("utf-8", "surrogatepass"))


def _keys(tokens: Sequence[str], length: int) -> Iterable[int]:
    return (_key(tokens[start : start + length]) for start in range(len(tokens) - length + 1))

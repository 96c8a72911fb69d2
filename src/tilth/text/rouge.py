"""ROUGE-L F1, and the most similar text of a pool: the novelty filter of Self-Instruct, fast.

ROUGE-L (Lin 2004, equations 2 to 4, beta = 1): the longest common subsequence of two token lists, as a share of each;
F1 = 2 * LCS / (length of one + length of the other). Tokens as in the reference implementation without its stemmer:
lower case, runs of a-z and 0-9. Texts in other scripts would have no token there; they use `tilth.text.ngrams.words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq

from tilth.text.ngrams import words

_TOKEN = re.compile(r"[a-z0-9]+")


def tokens(text: str) -> list[str]:
    """The tokens that ROUGE counts.

    >>> tokens("It's 3.5 km."), tokens("日本")
    (['it', 's', '3', '5', 'km'], ['日', '本'])
    """
    found = _TOKEN.findall(text.lower())
    return found if found and text.isascii() else found + [word for word in words(text) if not word.isascii()]


def rouge_l(one: str, other: str) -> float:
    """ROUGE-L F1 of two texts, 0 to 1; 0 where either has no token.

    >>> rouge_l("the cat sat", "the cat ran")
    0.6666666666666666
    """
    a, b = tokens(one), tokens(other)
    return 2.0 * float(LCSseq.similarity(a, b)) / (len(a) + len(b)) if a and b else 0.0


class Similar(NamedTuple):
    """A text of a pool, by the number it was added under, and its ROUGE-L F1."""

    number: int
    score: float


class Pool:
    """A growing pool of texts that is asked for the most similar one.

    Exact: every text whose score could still be the best is compared. Two upper bounds are tried before: the lengths
    (LCS is at most the shorter one) and the bags of words (LCS is at most the number of common tokens, counted over an
    inverted index), so that of 50,000 instructions a few dozen are aligned.

    >>> pool = Pool(["Write a poem about rain.", "Add two numbers."])
    >>> pool.most_similar("Write a poem about the rain")
    Similar(number=0, score=0.9090909090909091)
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: list[list[int]] = []
        self._lengths = np.zeros(1024, dtype=np.int32)
        self._numbers: dict[str, int] = {}
        self._postings: dict[tuple[int, int], _Growing] = {}
        for text in texts:
            self.add(text)

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: str) -> int:
        """Adds a text; returns its number: 0, 1, 2, ..."""
        number = len(self._texts)
        if number == len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
        ids = [self._numbers.setdefault(token, len(self._numbers)) for token in tokens(text)]
        self._texts.append(ids)
        self._lengths[number] = len(ids)
        for occurrence in _occurrences(ids):
            self._postings.setdefault(occurrence, _Growing()).append(number)
        return number

    def most_similar(self, text: str, *, at_least: float = 0.0) -> Similar | None:
        """The text with the highest ROUGE-L F1, the earliest of equals; None where none reaches `at_least` (or shares a token).

        at_least: 0 to 1. The higher, the faster.
        """
        found = self.similar(text, at_least=at_least, most=1)
        return found[0] if found else None

    def similar(self, text: str, *, at_least: float = 0.0, most: int = 10) -> list[Similar]:
        """The `most` most similar texts, best first, of those that reach `at_least` and share a token with this one."""
        ids = [self._numbers.get(token, -1 - at) for at, token in enumerate(tokens(text))]
        if not ids or not self._texts:
            return []
        bounds = self._bounds(ids)
        promising = np.flatnonzero((bounds > 0) & (bounds >= at_least))
        promising = promising[np.argsort(-bounds[promising], kind="stable")]
        found: list[Similar] = []
        for number in promising.tolist():
            if len(found) == most and bounds[number] < found[-1].score:
                break
            score = self._score(ids, number)
            if score >= at_least and score > 0.0:
                found = sorted([*found, Similar(number, score)], key=lambda one: (-one.score, one.number))[:most]
        return found

    def _bounds(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """An upper bound of the score of every text: twice the number of common tokens by the sum of the lengths."""
        common = np.zeros(len(self._texts), dtype=np.int32)
        for occurrence in _occurrences(ids):
            if posting := self._postings.get(occurrence):
                common[posting.view()] += 1  # each text stands once in a posting
        bounds: NDArray[np.float64] = 2.0 * common / (len(ids) + self._lengths[: len(self._texts)])
        return bounds

    def _score(self, ids: Sequence[int], number: int) -> float:
        other = self._texts[number]
        return 2.0 * float(LCSseq.similarity(ids, other)) / (len(ids) + len(other))


def most_similar(candidate: str, pool: Iterable[str], *, at_least: float = 0.0) -> Similar | None:
    """The text of a pool most similar to a candidate; for more than one candidate keep a `Pool`."""
    return Pool(pool).most_similar(candidate, at_least=at_least)


def _occurrences(ids: Sequence[int]) -> list[tuple[int, int]]:
    """(token, how many of it came before): makes a multiset of a list, so that common counts are exact."""
    seen: dict[int, int] = {}
    found = []
    for token in ids:
        before = seen.get(token, 0)
        seen[token] = before + 1
        found.append((token, before))
    return found


class _Growing:
    """An array of text numbers that grows by doubling."""

    __slots__ = ("_array", "_length")

    def __init__(self) -> None:
        self._array = np.empty(4, dtype=np.int32)
        self._length = 0

    def append(self, number: int) -> None:
        if self._length == len(self._array):
            self._array = np.concatenate([self._array, np.empty_like(self._array)])
        self._array[self._length] = number
        self._length += 1

    def view(self) -> NDArray[np.int32]:
        return self._array[: self._length]

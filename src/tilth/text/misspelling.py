"""Rare words that are a frequent word of the same texts with one slip of a letter inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from tilth.text import lexicon

RARE = 3
RATIO = 4
SHORTEST = 5
LONGEST = 40


def corrections(words: Sequence[str], counts: NDArray[np.int64]) -> NDArray[np.int32]:
    """For each word the number of the word it stands for: itself, unless it is a misspelling.

    words: canonical words. counts: in how many texts each occurs. A misspelling occurs in at most 3 texts and its word in at
    least 4 times as many; both begin and end with the same letter and differ by one letter left out, put in, replaced, or
    two changed over (so that endings, which carry grammar, are never slips). Latin letters only.

    >>> corrections(["banana", "bannana", "cabana"], np.array([9, 1, 9])).tolist()
    [0, 0, 2]
    """
    found = np.arange(len(words), dtype=np.int32)
    usable = [number for number, word in enumerate(words) if is_plain(word)]
    rare = [number for number in usable if counts[number] <= RARE]
    if not rare:
        return found
    index: dict[str, list[int]] = {}
    for number in usable:
        if counts[number] >= RATIO and len(words[number]) >= SHORTEST:
            for key in _keys(words[number]):
                index.setdefault(key, []).append(number)
    for number in rare:
        if (right := _right(number, words, counts, index)) is not None:
            found[number] = right
    return found


def is_plain(word: str) -> bool:
    """Whether a word can be a misspelling: Latin letters alone, neither very short nor longer than words are."""
    return SHORTEST - 1 <= len(word) <= LONGEST and word.isalpha() and max(word) < "ɐ"


def slip(one: str, other: str) -> bool:
    """Whether two words are one slip of a letter apart, their first letter and their ending aside.

    >>> slip("banana", "bannana"), slip("input", "inptu"), slip("walked", "walker"), slip("country", "county")
    (True, True, False, False)
    """
    if one[0] != other[0] or abs(len(one) - len(other)) > 1 or frozenset((one, other)) in lexicon.CONFUSABLE:
        return False
    changed_over = len(one) == len(other) and sorted(one) == sorted(other)
    return (one[-1] == other[-1] or changed_over) and OSA.distance(one, other, score_cutoff=1) == 1


def _keys(word: str) -> Iterator[str]:
    """The word, and the word without each of its letters but the first (Mor and Fraenkel 1982: what a slip has in common)."""
    yield word
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]


def _right(number: int, words: Sequence[str], counts: NDArray[np.int64], index: dict[str, list[int]]) -> int | None:
    word = words[number]
    options = {other for key in _keys(word) for other in index.get(key, ()) if counts[other] >= RATIO * counts[number]}
    fitting = [other for other in options if slip(word, words[other])]
    return max(fitting, key=lambda other: (counts[other], words[other]), default=None)

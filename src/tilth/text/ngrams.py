"""Tokens and n-grams that work for every script.

`words` is the tokenizer of the lexical metrics (lower-cased words and numbers, punctuation left out); `pieces` keeps
punctuation as tokens of its own. Scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese) give one token a character.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0edf\u1000-\u109f\u1780-\u17ff"
    "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
)
"""Inside of a character class: letters of scripts that are written without spaces."""
PICTURES = "\u2600-\u27bf\U0001f000-\U0001faff"
"""Inside of a character class: emoji and other pictures."""


@functools.cache
def marks() -> str:
    """Inside of a character class: combining marks, which `\\w` leaves out and which belong to their letter."""
    ranges: list[list[int]] = []
    for code in range(0x300, min(sys.maxunicode, 0x20000)):
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)


@functools.cache
def _words(ascii_only: bool) -> re.Pattern[str]:
    if ascii_only:
        return re.compile(r"[a-z0-9]+(?:['.,][a-z0-9]+)*(?:\+\+|#)?")
    letter = f"[{UNSPACED}][{marks()}]*|(?:(?![{UNSPACED}])[^\\W_]|[{marks()}])+"
    return re.compile(f"(?:{letter})(?:(?:['’.,])(?:(?![{UNSPACED}])[^\\W_]|[{marks()}])+)*(?:\\+\\+|#)?|[{PICTURES}]")


@functools.cache
def _pieces() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}][{marks()}]*|(?:(?![{UNSPACED}])\\w|[{marks()}])+|[^\\w\\s]")


def words(text: str) -> list[str]:
    """Lower-cased words and numbers of a text (NFKC), without punctuation; emoji are tokens.

    >>> words("Don't panic: 3.5 km, C++ and 日本!")
    ["don't", 'panic', '3.5', 'km', 'c++', 'and', '日', '本']
    """
    if text.isascii():
        return _words(True).findall(text.lower())
    return _words(False).findall(unicodedata.normalize("NFKC", text).casefold())


def pieces(text: str) -> list[str]:
    """Words and every punctuation mark, case kept.

    >>> pieces("if x != 10:")
    ['if', 'x', '!', '=', '10', ':']
    """
    return _pieces().findall(text)


def ngrams(tokens: Sequence[T], n: int) -> Iterator[tuple[T, ...]]:
    """All runs of n tokens in order; none when there are fewer than n. n: at least 1.

    >>> list(ngrams("a b c".split(), 2))
    [('a', 'b'), ('b', 'c')]
    """
    if n < 1:
        raise ValueError(f"n is {n}; it is at least 1")
    return zip(*(tokens[start:] for start in range(n)), strict=False)


def character_ngrams(text: str, n: int) -> Iterator[str]:
    """All runs of n characters of a text, white space squeezed to one space.

    >>> list(character_ngrams("a  bc", 3))
    ['a b', ' bc']
    """
    if n < 1:
        raise ValueError(f"n is {n}; it is at least 1")
    squeezed = " ".join(text.split())
    return (squeezed[start : start + n] for start in range(len(squeezed) - n + 1))


def ngram_counts(texts: Iterable[Sequence[T]], n: int) -> Counter[tuple[T, ...]]:
    """How often each n-gram occurs in tokenised texts, none across the border of two texts."""
    counts: Counter[tuple[T, ...]] = Counter()
    for tokens in texts:
        counts.update(ngrams(tokens, n))
    return counts


def distinct_counts(texts: Iterable[Sequence[T]], n: int) -> tuple[int, int]:
    """(distinct n-grams, all n-grams) of tokenised texts, pooled."""
    counts = ngram_counts(texts, n)
    return len(counts), counts.total()

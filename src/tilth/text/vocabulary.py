"""Many texts as arrays of word numbers: what the vectorised search for near-duplicates works on."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import xxhash
from numpy.typing import NDArray

from tilth.text import lexicon
from tilth.text.canonical import canonical, forms

LIGHT, CONTENT, SOFT, HARD = range(4)
"""Kinds of words, by how much they say: see `tilth.text.lexicon`. Numbers, operators and currencies are HARD."""

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class _Forms(dict[str, tuple[int, ...]]):
    """Raw token -> numbers of its canonical words, filled as tokens are met."""

    def __init__(self, numbers: dict[str, int], code: bool) -> None:
        super().__init__()
        self.numbers = numbers
        self.code = code

    def __missing__(self, token: str) -> tuple[int, ...]:
        prefix = "\0" if self.code else ""  # a word of a program is never the same as a word of prose
        found = tuple(self.numbers.setdefault(prefix + form, len(self.numbers)) for form in forms(token, self.code))
        self[token] = found
        return found


@dataclass(frozen=True)
class Texts:
    """words: canonical words by number. flat: the word numbers of all texts, text i from starts[i] to starts[i + 1]. code: the programs."""

    words: list[str]
    flat: NDArray[np.int32]
    starts: Ints
    code: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, index: int) -> list[int]:
        """The word numbers of one text."""
        found: list[int] = self.flat[self.starts[index] : self.starts[index + 1]].tolist()
        return found


def read(texts: Iterable[str]) -> Texts:
    """Texts in canonical form (see `tilth.text.canonical`)."""
    numbers: dict[str, int] = {}
    prose, program = _Forms(numbers, False), _Forms(numbers, True)
    flat, starts, code = array("i"), array("q", [0]), bytearray()
    for text in texts:
        one = canonical(text)
        of = program if one.code else prose
        flat.extend(chain.from_iterable(map(of.__getitem__, one.tokens)))
        if len(flat) == starts[-1]:  # nothing but articles and the like: then they are the text
            flat.extend(numbers.setdefault(token, len(numbers)) for token in one.tokens)
        starts.append(len(flat))
        code.append(one.code)
    arrays = np.array(flat, dtype=np.int32), np.array(starts, dtype=np.int64), np.frombuffer(bytes(code), dtype=np.bool_)
    return Texts(list(numbers), *arrays)


def kind(word: str) -> int:
    """Which of LIGHT, CONTENT, SOFT and HARD a canonical word is.

    >>> [kind(word) for word in ("of", "river", "with", "12", "not", "x", "+")]
    [0, 1, 2, 3, 3, 3, 3]
    """
    if word in lexicon.HARD or not word[0].isalpha() or word[0].isdecimal():
        return CONTENT if word and ord(word[0]) >= 0x2600 and not word[0].isdecimal() else HARD
    if word in lexicon.SOFT:
        return SOFT
    if word in lexicon.LIGHT:
        return LIGHT
    return HARD if len(word) == 1 and word.isascii() else CONTENT  # a single letter is a variable or an option


def kinds(words: list[str]) -> NDArray[np.uint8]:
    """The kind of every word."""
    return np.fromiter((kind(word) for word in words), dtype=np.uint8, count=len(words))


def hashes(words: list[str]) -> Hashes:
    """A 64-bit number for every word, the same in every process."""
    return np.fromiter(
        (xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) for word in words), dtype=np.uint64, count=len(words)
    )


def sums(values: Hashes, starts: Ints) -> Hashes:
    """The sum modulo 2**64 of each text's values: one number for a multiset."""
    running = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(values, dtype=np.uint64)])
    found: Hashes = running[starts[1:]] - running[starts[:-1]]
    return found


def mixed(values: Hashes) -> Hashes:
    """Well-spread 64-bit numbers from any (the finaliser of SplitMix64, Steele et al. 2014)."""
    mix = values + np.uint64(0x9E3779B97F4A7C15)
    mix = (mix ^ (mix >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mix = (mix ^ (mix >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mix ^ (mix >> np.uint64(31))

"""MinHash over numpy arrays: signatures of many texts at once, and bands chosen from the similarity that must be found.

Broder, "On the resemblance and containment of documents" (1997): two sets agree in one min-hash with a probability equal
to their Jaccard similarity s. With b bands of r min-hashes a pair becomes a candidate with probability 1 - (1 - s^r)^b
(Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*, section 3.4). Candidates are for the caller to verify.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilth.text.vocabulary import Hashes, Ints, mixed

PERMUTATIONS = 72
_ROWS_AT_ONCE = 20_000
_FEATURES_AT_ONCE = 1 << 20


class Bands(NamedTuple):
    """So many bands of `width` min-hashes each."""

    number: int
    width: int

    def recall(self, similarity: float) -> float:
        """Probability that a pair of this Jaccard similarity becomes a candidate."""
        return float(1.0 - (1.0 - similarity**self.width) ** self.number)


def bands(similarity: float, permutations: int = PERMUTATIONS, recall: float = 0.99) -> Bands:
    """The widest bands (fewest false candidates) that find pairs of at least `similarity` with at least `recall`.

    similarity: Jaccard similarity of the feature sets, 0 to 1. Width 1 where no other is enough.

    >>> bands(0.85), bands(0.6)
    (Bands(number=12, width=6), Bands(number=24, width=3))
    """
    for width in range(min(12, permutations), 1, -1):
        found = Bands(permutations // width, width)
        if found.recall(similarity) >= recall:
            return found
    return Bands(permutations, 1)


def shingles(values: Hashes, starts: Ints, width: int) -> tuple[Hashes, Ints]:
    """Runs of `width` words of each text as 64-bit numbers, and where each text's runs start.

    A text of fewer words gives one run of all its words; an empty one gives none. Runs do not cross texts.
    """
    lengths = np.diff(starts)
    if width == 1 or not len(values):
        return mixed(values), starts
    rolled = np.zeros(len(values), dtype=np.uint64)
    for offset in range(width):
        multiplier = np.uint64((2 * offset + 1) * 0x9E3779B97F4A7C15 % 2**64 | 1)
        rolled[: len(values) - offset] += mixed(values[offset:]) * multiplier
    counts = np.where(lengths == 0, 0, np.maximum(lengths - width + 1, 1))
    new_starts = np.concatenate([[0], np.cumsum(counts)])
    inside = np.arange(new_starts[-1]) - np.repeat(new_starts[:-1], counts)
    found = rolled[np.repeat(starts[:-1], counts) + inside]
    for text in np.flatnonzero((lengths > 0) & (lengths < width)):  # the run above would have read into the next text
        weights = np.arange(1, 2 * lengths[text], 2, dtype=np.uint64)
        found[new_starts[text]] = np.sum(mixed(values[starts[text] : starts[text + 1]]) * weights, dtype=np.uint64)
    return mixed(found), new_starts


def signatures(features: Hashes, starts: Ints, *, permutations: int = PERMUTATIONS, seed: int = 0) -> NDArray[np.uint32]:
    """(texts, permutations): the least value of each hash function over each text's features; all ones where it has none.

    The hash functions are multiply-shift on 64-bit features (Dietzfelbinger et al. 1997); deterministic by seed.
    """
    count = len(starts) - 1
    found = np.full((count, permutations), 0xFFFFFFFF, dtype=np.uint32)
    multipliers = mixed(np.arange(seed * permutations, (seed + 1) * permutations, dtype=np.uint64)) | np.uint64(1)
    for low, high in _parts(starts):
        filled = np.flatnonzero(np.diff(starts[low : high + 1])) + low
        if not len(filled):
            continue
        part = features[starts[low] : starts[high]]
        at = starts[filled] - starts[low]
        for number, multiplier in enumerate(multipliers):
            hashed = ((part * multiplier) >> np.uint64(32)).astype(np.uint32)
            found[filled, number] = np.minimum.reduceat(hashed, at)
    return found


def _parts(starts: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of texts with about a million features each, so that the work stays in cache and memory stays flat."""
    low, count = 0, len(starts) - 1
    while low < count:
        high = int(np.searchsorted(starts, starts[low] + _FEATURES_AT_ONCE))
        high = min(max(high, low + 1), low + _ROWS_AT_ONCE, count)
        yield low, high
        low = high


def band_keys(found: NDArray[np.uint32], band: int, width: int, salt: Hashes) -> Hashes:
    """One 64-bit key per text for a band; texts of different `salt` never share one (but by chance 2**-64)."""
    keys = salt + np.uint64(band)
    for column in range(band * width, (band + 1) * width):
        keys = mixed(keys + found[:, column].astype(np.uint64))
    return keys


def agreement(found: NDArray[np.uint32], left: Ints, right: Ints) -> NDArray[np.float64]:
    """Estimated Jaccard similarity of pairs of texts: the share of equal min-hashes."""
    equal: NDArray[np.float64] = np.mean(found[left] == found[right], axis=1)
    return equal

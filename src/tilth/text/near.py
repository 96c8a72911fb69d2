"""Near-duplicates among many texts: exact first, then the same words, then MinHash, and every pair verified.

    for found in near_duplicates(texts):
        found.row, found.neighbour, found.similarity        # texts[row] repeats texts[neighbour], which comes first

What counts as a duplicate is a matter of meaning. "What is 12+7?" and "What is 85+3?" share most of their characters and are
two tasks; "Please, what's twelve plus seven" and "what is 12 plus 7?" share few and are one. So texts are first written in
one canonical form (`tilth.text.canonical`), and then:

* numbers, negations, comparisons, quantifiers, units, currencies, operators, single letters and all of a program's tokens
  must agree (``numbers="keep"``, the default);
* up to `exact_words` words that count (120), every other word must agree too, but for misspellings of frequent words; only
  articles and words such as "of" may differ, and one adjunct may have moved;
* beyond, a share of words may differ that grows with the length towards 1 - threshold. Such pairs are found by MinHash over
  word runs whose width depends on the length (1 word up to 40, 2 up to 120, 3 above; see `tilth.text.minhash`).

The first of several duplicates is kept, and each dropped text names a kept neighbour that it is verified against: chains
(A like B, B like C, A unlike C) never drop C for A. Nothing depends on the order of the texts but which of them is first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from tilth.errors import RequestError
from tilth.text import lexicon
from tilth.text.compare import Comparer, Rules
from tilth.text.minhash import agreement, band_keys, bands, shingles, signatures
from tilth.text.misspelling import RARE, corrections, is_plain, slip
from tilth.text.vocabulary import CONTENT, HARD, LIGHT, Hashes, Ints, Texts, hashes, kinds, mixed, read, sums

WINDOW = 32
"""With how many neighbours of a bucket each text is compared: bounds the work where thousands of texts share a template."""
_SLACK = 0.25
_RARE_LETTERS = 6
_WIDTHS = ((1, 0, 48), (2, 36, 140), (3, 105, 1 << 62))
"""(words a shingle, from how many words that count, up to how many); the classes overlap, so that no pair falls between."""


class Near(NamedTuple):
    """texts[row] is a near-duplicate of texts[neighbour], which is kept. similarity: 1.0 for the same canonical text."""

    row: int
    neighbour: int
    similarity: float


class Pair(NamedTuple):
    """Two texts that say the same; left comes first."""

    left: int
    right: int
    similarity: float


def near_duplicates(
    texts: Iterable[str], threshold: float = 0.85, *, numbers: Literal["keep", "ignore"] = "keep", exact_words: int = 120, seed: int = 0
) -> Iterator[Near]:
    """The texts to drop, by index, each with a kept neighbour and their similarity.

    Parameters
    ----------
    texts: read once.
    threshold: least similarity, above 0 and at most 1; the share of words (weighted by what they say) that agree.
    numbers: ``"keep"`` keeps texts apart that differ in a number, negation, comparison, unit or operator; ``"ignore"`` takes all
        numbers as one and such words as any others.
    exact_words: up to so many words that count, every one must agree; 0 asks for the threshold alone.
    seed: of the hash functions.

    Memory: about 16 bytes a word and 120 a text, and 288 more for a text longer than `exact_words`; the texts are not kept.
    """
    kept_for: dict[int, Near] = {}
    taken: dict[int, list[tuple[Pair, bool]]] = {}
    for pair, same in _pairs(texts, _rules(threshold, numbers, exact_words), seed):
        taken.setdefault(pair.right, []).append((pair, same))
    for row in sorted(taken):
        options = [Near(row, pair.left, pair.similarity) for pair, _ in taken[row] if pair.left not in kept_for]
        # the repetition of a dropped text goes with it
        firsts = ((kept_for[pair.left], pair) for pair, same in taken[row] if same and pair.left in kept_for)
        options += [Near(row, first.neighbour, min(first.similarity, pair.similarity)) for first, pair in firsts]
        if options:
            kept_for[row] = max(options, key=lambda one: (one.similarity, -one.neighbour))
            yield kept_for[row]


def similar_pairs(
    texts: Iterable[str], threshold: float = 0.85, *, numbers: Literal["keep", "ignore"] = "keep", exact_words: int = 120, seed: int = 0
) -> Iterator[Pair]:
    """All verified pairs with `left` before `right`; several with the same canonical text are paired with their first only.

    Parameters as in `near_duplicates`. The pairs come in no order.
    """
    return (pair for pair, _ in _pairs(texts, _rules(threshold, numbers, exact_words), seed))


def _rules(threshold: float, numbers: str, exact_words: int) -> Rules:
    if not 0.0 < threshold <= 1.0:
        raise RequestError(f"threshold is {threshold}; it is above 0 and at most 1.", code="near.threshold")
    if numbers not in ("keep", "ignore"):
        raise RequestError(f"numbers is {numbers!r}; it is 'keep' or 'ignore'.", code="near.numbers")
    return Rules(threshold, numbers == "keep", exact_words)


def _pairs(texts: Iterable[str], rules: Rules, seed: int) -> Iterator[tuple[Pair, bool]]:
    """Pairs, and whether `right` is a mere repetition of `left` (the same canonical text), which is then its only pair."""
    once = _Once(texts)
    search = _Search(read(once), rules, seed)
    yield from ((Pair(first, row, 1.0), True) for row, first in once.again)
    for left, right, similarity, same in search.pairs():
        a, b = sorted((once.rows[left], once.rows[right]))
        yield Pair(a, b, similarity), same


class _Once:
    """Iterates over texts, each different string once; `rows` are their indices, `again` the repetitions (index, first)."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self.rows: list[int] = []
        self.again: list[tuple[int, int]] = []

    def __iter__(self) -> Iterator[str]:
        seen: dict[int, int] = {}
        for index, text in enumerate(self._texts):
            first = seen.setdefault(xxhash.xxh3_128_intdigest(text.encode("utf-8", "surrogatepass")), index)
            if first != index:
                self.again.append((index, first))
                continue
            self.rows.append(index)
            yield text


@dataclass(frozen=True)
class _Weighed:
    """What the search reads of each text. order: hash of the words in order; bag: of those that count, in any; hard: of HARD ones."""

    order: Hashes
    bag: Hashes
    hard: Hashes
    size: Ints


class _Search:
    """The pairs of one set of texts."""

    def __init__(self, texts: Texts, rules: Rules, seed: int) -> None:
        self.rules = rules
        self.seed = seed
        self.texts = texts
        self.right = self._corrections()
        self.flat = self.right[texts.flat]
        self.kinds = kinds(texts.words)
        if not rules.keep:
            self._forget_numbers()
        self.hashes = hashes(texts.words)
        self.weighed = self._weigh()
        lead = frozenset(number for number, word in enumerate(texts.words) if word in lexicon.ADJUNCTS)
        self.comparer = Comparer(rules, self.kinds.tolist(), lead, self._slips)

    def pairs(self) -> Iterator[tuple[int, int, float, bool]]:
        """(left, right, similarity, whether right repeats left) by number of text."""
        first = self._first_of_same()
        again = np.flatnonzero(first != np.arange(len(first)))
        for text in again.tolist():
            similarity = self._likeness(int(first[text]), text)
            if similarity:
                yield int(first[text]), text, similarity, True
        single = np.flatnonzero(first == np.arange(len(first)))
        seen = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *self._candidates(single)]))
        for packed in seen.tolist():
            left, right = divmod(packed, len(self.texts))
            similarity = self._likeness(left, right)
            if similarity:
                yield left, right, similarity, False

    def _corrections(self) -> NDArray[np.int32]:
        words = self.texts.words
        counts = np.bincount(self.texts.flat, minlength=len(words))
        rare = np.flatnonzero(counts <= RARE)
        self.rare = np.zeros(len(words), dtype=np.bool_)
        self.rare[[number for number in rare.tolist() if len(words[number]) >= _RARE_LETTERS and is_plain(words[number])]] = True
        return corrections(words, counts)

    def _slips(self, one: int, other: int) -> bool:
        """Whether two rare words are one and its misspelling, which of them is right being unknown."""
        return bool(self.rare[one] and self.rare[other]) and slip(self.texts.words[one], self.texts.words[other])

    def _forget_numbers(self) -> None:
        words = self.texts.words
        digits = np.array([word.replace(".", "").replace(",", "").isdecimal() for word in words], dtype=np.bool_)
        if digits.any():
            one = np.arange(len(words), dtype=np.int32)
            one[digits] = np.flatnonzero(digits)[0]
            self.flat = one[self.flat]
        self.kinds[self.kinds == HARD] = CONTENT

    def _weigh(self) -> _Weighed:
        starts = self.texts.starts
        hashed, kind = self.hashes[self.flat], self.kinds[self.flat]
        position = (np.arange(len(hashed)) - np.repeat(starts[:-1], np.diff(starts))).astype(np.uint64)
        order = sums(mixed(hashed + mixed(position)), starts)
        counts = (kind != LIGHT).astype(np.uint64)
        bag = sums(mixed(hashed) * counts, starts)
        hard = sums(mixed(hashed) * (kind == HARD).astype(np.uint64), starts)
        return _Weighed(order, bag, hard, sums(counts, starts).astype(np.int64))

    def _first_of_same(self) -> Ints:
        """For each text the first with the same words in the same order."""
        _, index, inverse = np.unique(self.weighed.order, return_index=True, return_inverse=True)
        first: Ints = index[inverse]
        return first

    def _candidates(self, single: Ints) -> Iterator[Ints]:
        """Packed pairs (left * texts + right) that are worth the exact check."""
        weighed = self.weighed
        yield from _within(weighed.bag[single], weighed.order[single], single, len(self.texts))
        yield from self._but_one(single)
        least = self.rules.exact_words * self.rules.threshold
        for width, low, high in _WIDTHS:
            inside = single[(weighed.size[single] >= max(low, least)) & (weighed.size[single] <= high)]
            if len(inside) > 1:
                yield from self._by_minhash(inside, width)

    def _but_one(self, single: Ints) -> Iterator[Ints]:
        """Texts that are the same but for one rare word."""
        is_single = np.zeros(len(self.texts), dtype=np.bool_)
        is_single[single] = True
        places = np.flatnonzero(self.rare[self.flat])
        of = np.searchsorted(self.texts.starts, places, side="right") - 1
        places, of = places[is_single[of]], of[is_single[of]]
        keys = mixed(self.weighed.bag[of] - mixed(self.hashes[self.flat[places]]))
        yield from _within(keys, self.weighed.order[of], of, len(self.texts))

    def _by_minhash(self, inside: Ints, width: int) -> Iterator[Ints]:
        features, starts = shingles(*self._counting(inside), width)
        found = signatures(features, starts, seed=self.seed)
        weighed = self.weighed
        salt = weighed.hard[inside] if self.rules.keep else np.zeros(len(inside), dtype=np.uint64)
        wanted = _of_shingles(self.rules.threshold, width)
        chosen = bands(wanted)
        local = np.arange(len(inside))
        for band in range(chosen.number):
            keys = band_keys(found, band, chosen.width, salt)
            for packed in _within(keys, weighed.order[inside], local, len(inside)):
                left, right = np.divmod(packed, len(inside))
                near = agreement(found, left, right) >= wanted - _SLACK
                a, b = inside[left[near]], inside[right[near]]
                yield np.minimum(a, b) * len(self.texts) + np.maximum(a, b)

    def _counting(self, inside: Ints) -> tuple[Hashes, Ints]:
        """Hashes of the words that count of some texts, and where each text starts."""
        starts = self.texts.starts
        lengths = np.diff(starts)[inside]
        offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        flat = self.flat[np.repeat(starts[inside], lengths) + offsets]
        counted = self.kinds[flat] != LIGHT
        ends = np.cumsum(self.weighed.size[inside])
        return self.hashes[flat[counted]], np.concatenate([[0], ends])

    def _likeness(self, left: int, right: int) -> float:
        starts = self.texts.starts
        spans = [slice(int(starts[text]), int(starts[text + 1])) for text in (left, right)]
        a, b = (self.flat[span].tolist() for span in spans)
        misspelled = sum(int(np.count_nonzero(self.right[raw] != raw)) for raw in (self.texts.flat[span] for span in spans))
        return self.comparer.likeness(a, b, misspelled)


def _of_shingles(similarity: float, width: int) -> float:
    """The Jaccard similarity of shingles that texts of this word similarity may have: each odd word spoils `width` of them."""
    odd = (1.0 - similarity) / 2.0
    return float(max(0.2, (1.0 - odd * width) / (1.0 + odd * width))) if width > 1 else similarity


def _within(keys: Hashes, order: Hashes, numbers: Ints, base: int) -> Iterator[Ints]:
    """Packed pairs of texts that share a key, each text with the next `WINDOW` of its bucket (in an order of content)."""
    sorting = np.lexsort((order, keys))
    keys, numbers = keys[sorting], numbers[sorting]
    for step in range(1, min(WINDOW + 1, len(keys))):
        same = np.flatnonzero(keys[step:] == keys[:-step])
        if not len(same):
            return
        same = same[numbers[same] != numbers[same + step]]  # a text stands twice in a bucket where it holds a word twice
        a, b = numbers[same], numbers[same + step]
        yield np.minimum(a, b) * base + np.maximum(a, b)

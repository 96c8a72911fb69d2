"""Whether two texts in canonical form say the same, and how alike they are: the exact check behind every near-duplicate.

Up to `exact_words` words that count, each of them must be there on both sides, in the same order or with one adjunct moved
("In May, he ran" / "He ran in May"). Beyond, a share of other words is allowed that grows towards 1 - threshold.
A number, negation, comparison, unit or operator that differs makes two texts different at any length, and so does
any word that counts among the first or last twelve ("Summarise: ..." / "Translate: ..." before one long passage).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq

from tilth.text.vocabulary import HARD, LIGHT

LIGHT_WEIGHT = 0.25
MISSPELLED_COST = 0.15
MOVED_COST = 0.02
EDGE = 12
"""A long text names its task at its beginning or end: there, every word counts, whatever the length."""


@dataclass(frozen=True)
class Rules:
    """threshold: least similarity, 0 to 1. keep: whether numbers, negations, units and operators must agree. exact_words: see above."""

    threshold: float
    keep: bool
    exact_words: int

    def allowance(self, words: float) -> float:
        """How much (in words that count) may differ between texts of so many words."""
        return (1.0 - self.threshold) * max(0.0, words - self.exact_words)


class Comparer:
    """Compares texts of word numbers.

    kinds: kind of each word number. lead: words that begin an adjunct. slips: whether two words are one and its misspelling.
    """

    def __init__(self, rules: Rules, kinds: Sequence[int], lead: frozenset[int], slips: Callable[[int, int], bool]) -> None:
        self.rules = rules
        self.kinds = kinds
        self.lead = lead
        self.slips = slips

    def likeness(self, a: Sequence[int], b: Sequence[int], misspelled: int = 0) -> float:
        """Similarity of two texts, 0.0 where they are no duplicates. misspelled: how many words were corrected before."""
        if a == b:
            return self._scored(0.0, misspelled, a, b)
        only = Counter(a)
        only.subtract(Counter(b))
        only_a, only_b = ([word for word, count in only.items() if sign * count > 0 and self.kinds[word] != LIGHT] for sign in (1, -1))
        if len(only_a) == len(only_b) == 1 and only[only_a[0]] == -only[only_b[0]] and self.slips(only_a[0], only_b[0]):
            misspelled += only[only_a[0]]
            return self.likeness(a, [only_a[0] if word == only_b[0] else word for word in b], misspelled)
        if self.rules.keep and self._tells_apart(a, b, {*only_a, *only_b}):
            return 0.0
        heavy = sum(abs(only[word]) for word in (*only_a, *only_b))
        size = max(self._heavy(a), self._heavy(b))
        if heavy > self.rules.allowance(size):
            return 0.0
        light = sum(abs(count) for count in only.values()) - heavy
        moved = self._moved(a, b, only, size <= self.rules.exact_words or not heavy)
        return 0.0 if moved is None else self._scored(heavy + LIGHT_WEIGHT * light + moved, misspelled, a, b)

    def _tells_apart(self, a: Sequence[int], b: Sequence[int], only: set[int]) -> bool:
        """Whether words on one side alone are of those that always matter, or stand where the task is named."""
        if any(self.kinds[word] == HARD for word in only):
            return True
        return any(not only.isdisjoint(edge) for text in (a, b) for edge in (text[:EDGE], text[-EDGE:]))

    def _scored(self, cost: float, misspelled: int, a: Sequence[int], b: Sequence[int]) -> float:
        weight = max(sum(LIGHT_WEIGHT if self.kinds[word] == LIGHT else 1.0 for word in text) for text in (a, b))
        score = 1.0 - (cost + MISSPELLED_COST * misspelled) / max(weight + cost / 2, 1e-9)
        return score if score >= self.rules.threshold else 0.0

    def _heavy(self, text: Sequence[int]) -> int:
        return sum(self.kinds[word] != LIGHT for word in text)

    def _moved(self, a: Sequence[int], b: Sequence[int], only: Counter[int], short: bool) -> float | None:
        """The cost of another order of the common words; None where the order says something else."""
        if short:
            a, b = ([word for word in text if not only[word]] for text in (a, b))
            if a == b:
                return 0.0
            return MOVED_COST * len(a) if exchanged(a, b, self.lead) else None
        same = LCSseq.similarity(a, b) / max(len(a), len(b))
        return 0.0 if same >= self.rules.threshold else None


def exchanged(a: Sequence[int], b: Sequence[int], lead: frozenset[int]) -> bool:
    """Whether b is a with two neighbouring runs of words changed over, one of which is an adjunct: begins with a word of
    `lead`, has two words or more.

    "from miles to km" / "to km from miles" is such a move; "from km to miles" is none.
    """
    if len(a) != len(b) or len(a) > 4 * EDGE * EDGE:
        return False
    first = next((at for at in range(len(a)) if a[at] != b[at]), len(a))
    last = next((at for at in range(len(a), 0, -1) if a[at - 1] != b[at - 1]), 0)
    # the runs may begin or end with words that happen to be the same on both sides
    for low in range(first, max(first - 4, -1), -1):
        for high in range(last, min(last + 4, len(a) + 1)):
            if _rotated(list(a[low:high]), list(b[low:high]), lead):
                return True
    return False


def _rotated(a: list[int], b: list[int], lead: frozenset[int]) -> bool:
    for cut in range(1, len(a)):
        if a[cut] == b[0] and a[cut:] + a[:cut] == b:
            return any(len(run) > 1 and run[0] in lead for run in (a[:cut], a[cut:]))
    return False

"""The closed world of a graph: the only names that a student may write, and how right what it wrote is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from tilth.knowledge.graph import Triple

END = ""
"""What may follow a whole name."""


class _Node(dict[str, "_Node"]):
    """What may follow."""


class Trie:
    """Names by their beginnings.

    >>> names = Trie(["Brenn", "Brook"])
    >>> names.after("Br")
    ('e', 'o')
    >>> names.after("Brook"), names.after("Bx")
    (('',), ())
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._root = _Node()
        for name in names:
            node = self._root
            for letter in (*name, END):
                node = node.setdefault(letter, _Node())

    def after(self, begun: str) -> tuple[str, ...]:
        """The characters that may follow; `END` where a name may end here; none where no name begins so."""
        node = self._root
        for letter in begun:
            node = node.get(letter, _Node())
        return tuple(sorted(node))

    def decode(self, choose: Callable[[str, tuple[str, ...]], str]) -> str:
        """A whole name, character by character: `choose` takes what was begun and what may follow, and picks one of these."""
        begun = ""
        while allowed := self.after(begun):
            letter = choose(begun, allowed)
            if letter not in allowed:
                raise ValueError(f"{letter!r} cannot follow {begun!r}")
            if letter == END:
                return begun
            begun += letter
        raise ValueError("there is no name")


@dataclass(frozen=True, slots=True)
class Scores:
    """F1 over all triples, and its mean over the relations of the targets and predictions."""

    micro: float
    macro: float


def scores(predicted: Sequence[Collection[Triple]], target: Sequence[Collection[Triple]]) -> Scores:
    """Set F1 of the predictions, text by text: order does not count, and a triple that is said twice counts once.

    F1 is 0 where nothing is correct, predicted or wanted.
    """
    if len(predicted) != len(target):
        raise ValueError(f"{len(predicted)} predictions for {len(target)} targets")
    pairs = [(set(one), set(other)) for one, other in zip(predicted, target, strict=True)]
    right, said, wanted = _counts(a & b for a, b in pairs), _counts(a for a, _ in pairs), _counts(b for _, b in pairs)
    names = sorted(said.keys() | wanted.keys())
    each = [_f1(right[name], said[name], wanted[name]) for name in names]
    return Scores(_f1(right.total(), said.total(), wanted.total()), sum(each) / len(each) if each else 0.0)


def _counts(sets: Iterable[Collection[Triple]]) -> Counter[str]:
    return Counter(triple.relation for one in sets for triple in one)


def _f1(right: int, said: int, wanted: int) -> float:
    return 2 * right / (said + wanted) if right and said and wanted else 0.0

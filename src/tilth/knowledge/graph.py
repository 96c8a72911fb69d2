"""A graph of facts, and small connected sets of them drawn so that rare relations and entities get their turn.

SynthIE (arXiv 2303.04132): triples of a set share entities, or no text could hold them together; every so many walks what was
not drawn yet becomes likelier, or the few relations with most facts would be all that is seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple


class Triple(NamedTuple):
    """One fact."""

    subject: str
    relation: str
    object: str


class Graph:
    """Facts, each once and in the order given. `at`: entity to the numbers of the triples that name it."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.triples = tuple(dict.fromkeys(triples))
        self.at: dict[str, list[int]] = {}
        for number, triple in enumerate(self.triples):
            for entity in dict.fromkeys((triple.subject, triple.object)):
                self.at.setdefault(entity, []).append(number)

    def __len__(self) -> int:
        return len(self.triples)


class Walks:
    """Connected sets of triples, one after the other.

    Parameters
    ----------
    every: walks between two re-weightings, from which on a relation or entity that was drawn n times has the weight
        1 / (n + smoothing), and a triple the product of its three; 0: never, each triple is as likely as another.
    smoothing: above 0.

    `relations`, `entities`: how often each was drawn.
    """

    def __init__(self, graph: Graph, *, every: int = 20, smoothing: float = 1.0) -> None:
        if not len(graph):
            raise ValueError("the graph has no triple")
        if every < 0 or smoothing <= 0:
            raise ValueError(f"every: at least 0, smoothing: above 0; not {every} and {smoothing}")
        self.graph, self.every, self.smoothing = graph, every, smoothing
        self.relations: Counter[str] = Counter()
        self.entities: Counter[str] = Counter()
        self._walks = 0
        self._weights = [1.0] * len(graph)
        self._sums = list(accumulate(self._weights))

    def draw(self, rng: Random, size: int) -> list[Triple]:
        """Up to `size` triples that hang together, none twice; fewer where the part of the graph round the first has no more."""
        if self.every and self._walks and self._walks % self.every == 0:
            self._reweigh()
        self._walks += 1
        taken = self._walk(rng, size)
        triples = [self.graph.triples[number] for number in taken]
        self.relations.update(triple.relation for triple in triples)
        self.entities.update(name for triple in triples for name in dict.fromkeys((triple.subject, triple.object)))
        return triples

    def _walk(self, rng: Random, size: int) -> list[int]:
        start = bisect_right(self._sums, rng.random() * self._sums[-1])
        taken = [min(start, len(self.graph) - 1)]
        frontier = self._names(taken[0], ())
        while frontier and len(taken) < size:
            entity = rng.choice(frontier)
            further = [number for number in self.graph.at[entity] if number not in taken]
            if not further:
                frontier.remove(entity)
                continue
            number = rng.choices(further, [self._weights[one] for one in further])[0]
            taken.append(number)
            frontier += self._names(number, [name for one in taken[:-1] for name in self._names(one, ())])
        return taken

    def _names(self, number: int, known: Sequence[str]) -> list[str]:
        """The entities of a triple that are not known yet."""
        triple = self.graph.triples[number]
        return [name for name in dict.fromkeys((triple.subject, triple.object)) if name not in known]

    def _reweigh(self) -> None:
        def weight(counts: Counter[str], name: str) -> float:
            return 1.0 / (counts[name] + self.smoothing)

        self._weights = [
            weight(self.relations, triple.relation) * weight(self.entities, triple.subject) * weight(self.entities, triple.object)
            for triple in self.graph.triples
        ]
        self._sums = list(accumulate(self._weights))


def connected(triples: Sequence[Triple]) -> bool:
    """Whether the triples, joined where they share an entity, are one piece."""
    left = list(triples)
    met = {left[0].subject, left[0].object} if left else set()
    while left:
        near = [triple for triple in left if triple.subject in met or triple.object in met]
        if not near:
            return False
        met.update(name for triple in near for name in (triple.subject, triple.object))
        left = [triple for triple in left if triple not in near]
    return True

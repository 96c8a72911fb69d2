"""What a question of GLAN is about: class sessions and key concepts, drawn from syllabuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, cycle
from math import comb
from random import Random

from tilth.records.record import Record

MOST = 5
"""Concepts of one question."""
Chosen = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of sessions, and of concepts from each of them."""


@dataclass(frozen=True, slots=True)
class Homework:
    """A question to be written. number: among those of its discipline."""

    subject: Record
    number: int
    sessions: tuple[str, ...]
    concepts: tuple[str, ...]


def homework(subjects: Sequence[Record], pairs: float, rng: Random) -> Iterator[Homework]:
    """Questions of a discipline without end, its subjects in turn."""
    order = rng.sample(subjects, len(subjects))
    streams = [draws({one["session_name"]: one["key_concepts"] for one in subject["syllabus"]}, pairs, rng) for subject in order]
    for number, (subject, stream) in enumerate(cycle(zip(order, streams, strict=True))):
        yield Homework(subject, number, *next(stream))


def draws(sessions: Mapping[str, Sequence[str]], pairs: float, rng: Random) -> Iterator[Chosen]:
    """Sessions and concepts of a syllabus without end, drawn and never listed; none comes twice before all of its kind came."""
    seen: dict[int, set[Chosen]] = {1: set(), 2: set()}
    most = {count: possible(sessions, count) for count in seen}
    while True:
        count = 2 if len(sessions) > 1 and rng.random() < pairs else 1
        if len(seen[count]) == most[count]:
            seen[count].clear()
        chosen = draw(sessions, count, rng)
        while chosen in seen[count]:
            chosen = draw(sessions, count, rng)
        seen[count].add(chosen)
        yield chosen


def draw(sessions: Mapping[str, Sequence[str]], count: int, rng: Random) -> Chosen:
    """`count` sessions and up to five of their concepts, at least one of each, without replacement; in the order of the syllabus."""
    while True:
        some = rng.sample(list(sessions), count)
        names = tuple(name for name in sessions if name in some)
        pool = [concept for name in names for concept in sessions[name]]
        chosen = set(rng.sample(pool, rng.randint(count, min(MOST, len(pool)))))
        if all(chosen.intersection(sessions[name]) for name in names):
            return names, tuple(concept for concept in pool if concept in chosen)


def possible(sessions: Mapping[str, Sequence[str]], count: int) -> int:
    """How many draws there are: sums of binomial coefficients, less those of a pair that leave one session out.

    >>> possible({"Sets": "abcde"}, 1), possible({"Sets": "ab", "Maps": "cd"}, 2)
    (31, 9)
    """
    of_session = [[comb(len(concepts), i) for i in range(MOST + 1)] for concepts in sessions.values()]
    if count == 1:
        return sum(sum(one[1:]) for one in of_session)
    sizes = [len(concepts) for concepts in sessions.values()]
    return sum(comb(a + b, i) - comb(a, i) - comb(b, i) for a, b in combinations(sizes, 2) for i in range(2, MOST + 1))

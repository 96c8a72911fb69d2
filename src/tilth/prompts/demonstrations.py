"""Demonstrations: which examples a prompt shows, and how they are written down.

Selectors keep no state: the same pool and the same generator give the same examples.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tilth.prompts.template import Template

Row = TypeVar("Row", bound=Mapping[str, Any])
Selector = Callable[[Sequence[Row], random.Random], list[Row]]
"""Chooses from a pool."""


def fixed_k(k: int) -> Selector[Any]:
    """The first `k` of the pool, in its order."""

    def select(pool: Sequence[Row], rng: random.Random) -> list[Row]:
        return list(pool[:k])

    return select


def random_k(k: int) -> Selector[Any]:
    """`k` different ones, or all in random order where the pool holds fewer."""

    def select(pool: Sequence[Row], rng: random.Random) -> list[Row]:
        return rng.sample(list(pool), min(k, len(pool)))

    return select


def balanced_k(k: int, by: str = "label") -> Selector[Any]:
    """`k` different ones whose counts per value of `by` differ by at most one as long as every value has rows left.

    The order of the result is shuffled: a model must not learn the label from the position.
    """

    def select(pool: Sequence[Row], rng: random.Random) -> list[Row]:
        groups: dict[Any, list[Row]] = defaultdict(list)
        for row in pool:
            groups[row[by]].append(row)
        queues = [rng.sample(rows, len(rows)) for rows in groups.values()]
        rng.shuffle(queues)
        chosen: list[Row] = []
        while len(chosen) < k and any(queues):
            chosen += [queue.pop() for queue in queues if queue][: k - len(chosen)]
        rng.shuffle(chosen)
        return chosen

    return select


def render(rows: Iterable[Mapping[str, Any]], template: str, between: str = "\n\n") -> str:
    """Write each row through a template that sees its columns and ``number`` (from 1), and join them.

    >>> render([{"text": "good", "label": "+"}], "{{ number }}. {{ text }} -> {{ label }}")
    '1. good -> +'
    """
    compiled = Template(template)
    return between.join(compiled.render(**{**dict(row), "number": number}) for number, row in enumerate(rows, start=1))

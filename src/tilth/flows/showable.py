"""Which examples a prompt shows to which row: at random, in order, balanced, the most alike, or unlike each other.

Likeness is that of words and spellings (`tilth.models.hashed`): it needs no model, is the same on every machine, and a row's
examples never depend on what other rows gave. `knn`: Liu et al. 2022, arXiv 2101.06804, with such vectors in place of a sentence
encoder; `diverse`: greedy k-center (Gonzalez 1985) from a random first example.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tilth.flows.grammar import DemonstrationSpec
from tilth.records.record import Record

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Demonstrations:
    """Chooses from a pool of records. What it keeps between rows are the vectors of the pool."""

    def __init__(self, spec: DemonstrationSpec | None, pool: Sequence[Record]) -> None:
        self._spec = spec
        self._pool = list(pool)
        self._known: dict[frozenset[str], npt.NDArray[np.float32]] = {}

    def choose(self, values: Mapping[str, Any], rng: random.Random) -> list[Record]:
        """The examples for a row that sees `values`; most alike last, next to what is asked."""
        spec = self._spec
        if spec is None or not self._pool or spec.k == 0:
            return []
        if spec.select == "knn":
            return self._nearest(values, spec.k)
        if spec.select == "diverse":
            from tilth.stats.select import k_center

            return [
                self._pool[at]
                for at in k_center(self._vectors(frozenset()), min(spec.k, len(self._pool)), first=rng.randrange(len(self._pool)))
            ]
        from tilth.prompts import demonstrations as selectors

        select = {"fixed": selectors.fixed_k, "random": selectors.random_k, "balanced": selectors.balanced_k}[spec.select]
        return select(spec.k)(self._pool, rng)

    def _nearest(self, values: Mapping[str, Any], k: int) -> list[Record]:
        """The records most like what the row holds, by the texts that both have; the row itself is none of them."""
        import numpy as np

        texts = {name for name, value in values.items() if isinstance(value, str)}
        names = texts & self._names or texts
        similar = self._vectors(frozenset(names & self._names)) @ _vectors([_text(values, names)])[0]
        # rounded, so that the last digit of a sum on another machine decides nothing
        ranked = np.lexsort((np.arange(len(self._pool)), -np.round(similar.astype(np.float64), 6)))
        others = [self._pool[at] for at in ranked if not self._same(self._pool[at], values)]
        return others[:k][::-1]

    def _same(self, record: Record, values: Mapping[str, Any]) -> bool:
        return all(name in values and values[name] == value for name, value in record.items())

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name for record in self._pool for name, value in record.items() if isinstance(value, str))

    def _vectors(self, names: frozenset[str]) -> npt.NDArray[np.float32]:
        """Of the pool, by the texts of these columns (none: of all)."""
        if names not in self._known:
            self._known[names] = _vectors([_text(record, names or self._names) for record in self._pool])
        return self._known[names]


def _text(values: Mapping[str, Any], names: Collection[str]) -> str:
    """The texts of these columns, in the order of their names."""
    return "\n".join(str(values[name]) for name in sorted(names) if isinstance(values.get(name), str))


def _vectors(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    from tilth.models.hashed import HashedTfidf

    return HashedTfidf().vectors(texts)

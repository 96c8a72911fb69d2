"""Which rows belong together: the one place that turns clusters into independent units.

Rows that come from one document, one prompt or one family are not independent. Intervals, tests and folds must all
count the same units, or an interval would rest on another n than the test beside it; so all of them ask here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tilth.stats.arrays import Floats, Ints, same_length


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows in units. codes: the unit of each row, 0 to units - 1, numbered by first appearance."""

    codes: Ints
    units: int

    @property
    def sizes(self) -> Ints:
        """Rows of each unit."""
        return np.bincount(self.codes, minlength=self.units).astype(np.int64)

    def sums(self, values: Floats) -> Floats:
        """Sums of the last axis by unit: (..., rows) becomes (..., units)."""
        if values.size == 0:
            return np.zeros((*values.shape[:-1], self.units))
        flat = values.reshape(-1, values.shape[-1])
        out = np.stack([np.bincount(self.codes, weights=row, minlength=self.units) for row in flat])
        return np.asarray(out.reshape(*values.shape[:-1], self.units), dtype=np.float64)


def partition(rows: int, clusters: Sequence[Hashable] | None = None) -> Partition:
    """Rows by cluster; without clusters each row is its own unit. Rows whose cluster is None stand alone.

    >>> partition(4, ["a", "b", "a", None]).codes.tolist()
    [0, 1, 0, 2]
    """
    if clusters is None:
        return Partition(np.arange(rows, dtype=np.int64), rows)
    if len(clusters) != rows:
        raise ValueError(f"clusters: {len(clusters)} for {rows} rows")
    numbers: dict[Hashable, int] = {}
    codes = np.empty(rows, dtype=np.int64)
    for row, cluster in enumerate(clusters):
        name = ("alone", row) if cluster is None else ("cluster", cluster)
        codes[row] = numbers.setdefault(name, len(numbers))
    return Partition(codes, len(numbers))


def connected(rows: int, pairs: Iterable[tuple[int, int]]) -> Partition:
    """Rows joined by pairs (near duplicates, parent and child) are one unit, transitively. Union-find."""
    parent = list(range(rows))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return partition(rows, [root(row) for row in range(rows)])


def families(*keys: Sequence[Hashable]) -> Partition:
    """Rows that share any key are one unit: ``families(parents, seed_ids, duplicate_groups)``; None shares nothing."""
    rows = same_length("keys of families", *keys)
    pairs = []
    for column in keys:
        first: dict[Hashable, int] = {}
        pairs += [(first.setdefault(key, row), row) for row, key in enumerate(column) if key is not None]
    return connected(rows, pairs)

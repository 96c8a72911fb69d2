"""Folds in which families stay together, the same whatever the order of the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from tilth.records.ids import digest
from tilth.stats.arrays import Ints, whole
from tilth.stats.partition import Partition, partition


def group_folds(
    ids: Sequence[str],
    *,
    labels: Sequence[Hashable] | None = None,
    groups: Partition | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Ints:
    """The fold of each row, 0 to folds - 1: groups whole, labels spread evenly, sizes about equal.

    Groups are taken from the largest to the smallest, those of one size in the order of a hash of (seed, smallest id);
    each goes to the fold with the fewest rows of its labels, then the fewest rows. Fewer groups than folds: as many
    folds as groups.

    Parameters
    ----------
    ids: stable ids of the rows, each once: they and not the order of the rows decide.
    groups: see :func:`tilth.stats.partition.families`; None: each row by itself.
    """
    whole(folds, "folds", 2)
    if len(set(ids)) != len(ids):
        raise ValueError("ids: an id occurs twice")
    units = groups if groups is not None else partition(len(ids))
    if len(units.codes) != len(ids):
        raise ValueError(f"groups: of {len(units.codes)} rows, for {len(ids)} ids")
    members: list[list[int]] = [[] for _ in range(units.units)]
    for row, unit in enumerate(units.codes):
        members[unit].append(row)
    members.sort(key=lambda rows: (-len(rows), digest("fold", seed, min(ids[row] for row in rows))))
    return _spread(members, labels if labels is not None else [None] * len(ids), min(folds, max(1, units.units)))


def _spread(members: list[list[int]], labels: Sequence[Hashable], folds: int) -> Ints:
    out = np.zeros(len(labels), dtype=np.int64)
    held: list[Counter[Hashable]] = [Counter() for _ in range(folds)]
    for rows in members:
        own = Counter(labels[row] for row in rows)
        fold = min(range(folds), key=lambda f: (sum(n * held[f][label] for label, n in own.items()), held[f].total(), f))
        held[fold].update(own)
        out[rows] = fold
    return out

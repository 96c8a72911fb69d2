"""ProGen's checkpoints: which rows helped a student, judged by rows that it never learned from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tilth.generate.quotas import split
from tilth.records.record import Record
from tilth.stats.arrays import Floats, Vectors, decisive
from tilth.train.influence import influences

if TYPE_CHECKING:
    from tilth.engine.run import Run

DECIMALS = 9
"""Of an influence: those of 10,000 rows are of the order of 1e-4."""


class Judge:
    """All rows so far, the random ones that were set aside, and the ranking of the others.

    start: rows from which on rows are ranked. aside: how many are set aside, once there are twice as many. pool: helpful rows
    per class. strength: C of the student, which is trained from nothing each time.
    """

    def __init__(self, run: Run, labels: Sequence[str], start: int, aside: int, pool: int, strength: float) -> None:
        self.run, self.labels, self.start, self.aside, self.pool, self.strength = run, list(labels), start, aside, pool, strength
        self.rows: list[Record] = []
        self.held: set[int] = set()
        self.ranked = False
        self._vectors: list[Vectors] = []

    async def rank(self, fresh: Sequence[Record]) -> dict[str, list[Record]]:
        """Take in a round's rows, note their influence, and give the most helpful rows of each class, best first."""
        if fresh:
            self._vectors.append(await self.run.embed([row["text"] for row in fresh]))
        self.rows += fresh
        if not self.held and len(self.rows) >= 2 * self.aside:
            self.held = set(self._drawn())
        if not self.held or len(self.rows) < self.start:
            return {}
        learned = [at for at in range(len(self.rows)) if at not in self.held]
        vectors, names = np.concatenate(self._vectors), [self.labels.index(row["label"]) for row in self.rows]
        held = sorted(self.held)
        given = [[names[at] for at in part] for part in (learned, held)]
        found = await self.run.do(influence, vectors[learned], given[0], vectors[held], given[1], self.strength)
        values = dict(zip(learned, found, strict=True))
        self._keep(values, len(self.rows) - len(fresh))
        helpful = sorted((value, at) for at, value in values.items() if value < 0)
        of_label = {label: [at for _, at in helpful if self.rows[at]["label"] == label] for label in self.labels}
        return {label: [self.rows[at] for at in places[: self.pool]] for label, places in of_label.items()}

    def _drawn(self) -> Iterator[int]:
        """Random rows, as many of each label: a V that leans to one label calls all rows of the other harmful."""
        rng = self.run.rng("validation")
        for label, n in split(self.aside, self.labels).items():
            of_label = [at for at, row in enumerate(self.rows) if row["label"] == label]
            yield from rng.sample(of_label, min(n, len(of_label)))

    def _keep(self, values: dict[int, float], first: int) -> None:
        """With the fresh rows themselves, and of all rows in a side file."""
        self.ranked = True
        for at in range(first, len(self.rows)):
            self.rows[at].meta["scores"] = {"influence": values.get(at)}
        table = [{"id": row.id, "influence": values.get(at), "validation": at in self.held} for at, row in enumerate(self.rows)]
        self.run.artifact("influence", table)


def influence(vectors: Vectors, labels: list[int], others: Vectors, other_labels: list[int], strength: float) -> list[float]:
    """The influence of each row on the reverse cross-entropy of the others; 0 for all where there are no two classes to learn.

    Others of a class that no row has are left out: a student cannot know it.
    """
    known = sorted(set(labels))
    kept = [at for at, label in enumerate(other_labels) if label in known]
    if len(known) < 2 or not kept:
        return [0.0] * len(labels)
    columns = np.eye(len(known))
    targets, other_targets = ([known.index(label) for label in given] for given in (labels, [other_labels[at] for at in kept]))
    found: Floats = influences(vectors, columns[targets], np.asarray(others)[kept], columns[other_targets], c=strength)
    return [float(value) for value in decisive(found, DECIMALS)]

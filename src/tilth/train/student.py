"""What a student is, and how rows are judged by students that never saw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Bools, Floats, Ints
from tilth.stats.partition import Partition
from tilth.train.folds import group_folds

Label = str | None
"""None: no label; the row is predicted but not learned from (unless it has soft labels)."""
Soft = Sequence[Mapping[str, float] | None]
"""Per row the probability of each label, or None where the hard label holds."""


class Rows(Protocol):
    """What a student reads: as long as there are rows, and indexed by an array of row numbers."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


@runtime_checkable
class Student(Protocol):
    """A classifier that can be trained in well under a second, always with the same result.

    name: stable, part of what a metric reports. classes: the labels in the order of the columns, after :meth:`fit`.
    """

    name: str
    classes: tuple[str, ...]

    def features(self, rows: Any) -> Rows:
        """The rows in the form that this student reads, computed once; fits and predictions take parts of it."""
        ...

    def fit(self, rows: Any, labels: Sequence[Label], *, weight: npt.ArrayLike | None = None, soft: Soft | None = None) -> Self:
        """Forget what was learned and learn these rows."""
        ...

    def predict_proba(self, rows: Any) -> Floats:
        """(rows, classes), each row summing to 1; rounded to 6 decimals, so that last bits decide nothing."""
        ...

    def out_of_fold(
        self,
        rows: Any,
        labels: Sequence[Label],
        *,
        ids: Sequence[str] | None = None,
        groups: Partition | None = None,
        folds: int = 5,
        seed: int = 0,
        weight: npt.ArrayLike | None = None,
        soft: Soft | None = None,
    ) -> OutOfFold:
        """Predictions for each row from a student that saw neither the row nor its group."""
        ...


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What students said about rows that they never saw.

    classes: the columns. probabilities: (rows, classes); 0 where a row is not scored. scored: whether a row is.
    folds: the fold of each row. notes: why rows are not scored, one line each.
    """

    classes: tuple[str, ...]
    probabilities: Floats
    scored: Bools
    folds: Ints
    notes: tuple[str, ...] = ()

    def of(self, labels: Sequence[Label]) -> list[float | None]:
        """The probability of each row's own label; None where it is not scored, has no label or an unknown one."""
        place = {label: column for column, label in enumerate(self.classes)}
        return [
            float(self.probabilities[row, place[label]]) if label in place and self.scored[row] else None
            for row, label in enumerate(labels)
        ]

    def predicted(self) -> list[str | None]:
        """The likeliest label of each row (ties: the first in `classes`); None where it is not scored."""
        return [
            self.classes[int(best)] if scored else None for best, scored in zip(_likeliest(self.probabilities), self.scored, strict=True)
        ]


def _likeliest(probabilities: Floats) -> Ints:
    if probabilities.shape[1] == 0:
        return np.zeros(len(probabilities), dtype=np.int64)
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def cross_predict(
    student: Student,
    rows: Rows,
    labels: Sequence[Label],
    *,
    folds: Ints,
    weight: npt.ArrayLike | None = None,
    soft: Soft | None = None,
) -> OutOfFold:
    """Train on all folds but one and predict that one, for each fold.

    A row is not scored where the other folds bear fewer than two labels, or not the row's own label: a student that
    never met a label would call each of its rows wrong.
    """
    classes = tuple(sorted({label for label in labels if label is not None} | _soft_labels(soft)))
    weights = None if weight is None else np.asarray(weight, dtype=np.float64)
    probabilities, scored = np.zeros((len(rows), len(classes))), np.zeros(len(rows), dtype=bool)
    unseen: dict[str, int] = {}
    for fold in sorted(set(folds.tolist())):
        train, test = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
        known = _known(train, labels, soft, weights)
        if len(known) >= 2:
            part = None if soft is None else [soft[i] for i in train]
            student.fit(rows[train], [labels[i] for i in train], weight=None if weights is None else weights[train], soft=part)
            columns = [classes.index(label) for label in student.classes]
            probabilities[np.ix_(test, columns)] = student.predict_proba(rows[test])
        for row in test:
            label = labels[row]
            scored[row] = len(known) >= 2 and (label is None or label in known)
            if not scored[row]:
                unseen[label or "(none)"] = unseen.get(label or "(none)", 0) + 1
    probabilities[~scored] = 0.0
    notes = tuple(f"label '{label}': {n} row{'s' * (n != 1)} not scored; {_why(classes)}" for label, n in sorted(unseen.items()))
    return OutOfFold(classes, probabilities, scored, folds, notes)


def _known(train: Sequence[int], labels: Sequence[Label], soft: Soft | None, weights: Floats | None) -> set[str]:
    """The labels that a student trained on these rows would meet."""
    met = [i for i in train if weights is None or weights[i] > 0]
    given = [i for i in met if soft is not None and soft[i]]
    hard = {label for i in met if (label := labels[i]) is not None and not (soft is not None and soft[i])}
    return hard | _soft_labels([soft[i] for i in given] if soft is not None else None)


def _soft_labels(soft: Soft | None) -> set[str]:
    return {label for row in soft or () if row for label, p in row.items() if p > 0}


def _why(classes: tuple[str, ...]) -> str:
    if len(classes) < 2:
        return "there are no two labels to tell apart"
    return "all rows with this label, or all others, are in one group or fold. Give more independent rows of each label"


def judge_out_of_fold(
    student: Student,
    rows: Rows,
    labels: Sequence[Label],
    *,
    ids: Sequence[str] | None,
    groups: Partition | None,
    folds: int,
    seed: int,
    weight: npt.ArrayLike | None,
    soft: Soft | None,
) -> OutOfFold:
    """:meth:`Student.out_of_fold` for any student: folds by group, then :func:`cross_predict`."""
    if len(labels) != len(rows):
        raise ValueError(f"labels: {len(labels)} for {len(rows)} rows")
    names = [str(row) for row in range(len(rows))] if ids is None else ids
    assigned = group_folds(names, labels=labels, groups=groups, folds=folds, seed=seed)
    return cross_predict(student, rows, labels, folds=assigned, weight=weight, soft=soft)

"""What the logistic students share: targets and weights from rows, prediction, out-of-fold judgement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Bools, Floats, decisive, finite
from tilth.stats.partition import Partition
from tilth.train.logistic import Coefficients, fit
from tilth.train.student import Label, OutOfFold, Rows, Soft, judge_out_of_fold


class LogisticStudent:
    """Multinomial logistic regression; subclasses say what a row's features are.

    Parameters
    ----------
    c: inverse strength of the L2 penalty, > 0.
    """

    name = "logistic"

    def __init__(self, c: float) -> None:
        if not 0 < c < float("inf"):
            raise ValueError(f"c: a number above 0 wanted, not {c}")
        self.c = c
        self.classes: tuple[str, ...] = ()
        self._learned: Coefficients | None = None

    def features(self, rows: Any) -> Rows:
        """The rows in the form that this student reads; parts of it are taken by ``features[row_numbers]``."""
        raise NotImplementedError

    def _learn(self, rows: Any) -> Any:
        """The matrix of the training rows; what it takes to map others the same way is kept."""
        raise NotImplementedError

    def _matrix(self, rows: Any) -> Any:
        """The matrix of other rows."""
        raise NotImplementedError

    def fit(self, rows: Any, labels: Sequence[Label], *, weight: npt.ArrayLike | None = None, soft: Soft | None = None) -> Self:
        """Learn the rows. With one label only, that label is predicted with probability 1.

        Parameters
        ----------
        labels: None where a row has no label; such rows, and rows of weight 0, are not learned from.
        weight: one number >= 0 per row; None: all 1.
        soft: probabilities of labels per row; they win over the hard label. Each row is scaled to sum to 1.

        Raises
        ------
        ValueError: nothing to learn from, or a weight or probability that is negative or no number.
        """
        features = self.features(rows)
        classes, targets, weights, used = prepared(len(features), labels, weight, soft)
        self.classes = classes
        self._learned = None
        if len(classes) > 1:
            self._learned = self._solve(self._learn(features[np.flatnonzero(used)]), targets[used], weights[used])
        return self

    def _solve(self, matrix: Any, targets: Floats, weights: Floats) -> Coefficients:
        """The coefficients of the training rows; students with another loss say how they find them."""
        return fit(matrix, targets, weights, self.c)

    def predict_proba(self, rows: Any) -> Floats:
        """(rows, classes); each row sums to 1 up to the rounding to 6 decimals."""
        if not self.classes:
            raise ValueError(f"{self.name}: predicts only after fit")
        features = self.features(rows)
        if self._learned is None:
            return np.ones((len(features), 1))
        if len(features) == 0:
            return np.zeros((0, len(self.classes)))
        return decisive(self._learned.probabilities(self._matrix(features)))

    def predict(self, rows: Any) -> list[str]:
        """The likeliest label of each row; ties go to the first in `classes`."""
        return [self.classes[int(best)] for best in self.predict_proba(rows).argmax(axis=1)]

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
        """Predictions for each row from a student that saw neither the row nor its group.

        Parameters
        ----------
        ids: stable ids; with them the order of the rows does not change the folds. None: row numbers.
        groups: rows that must share a fold (:func:`tilth.stats.partition.families`). folds: at least 2.
        """
        fresh = self._fresh()
        features = self.features(rows)
        return judge_out_of_fold(fresh, features, labels, ids=ids, groups=groups, folds=folds, seed=seed, weight=weight, soft=soft)

    def _fresh(self) -> Self:
        """Another student with the same settings: judging leaves what this one learned as it is."""
        return type(self)(self.c)


def prepared(
    rows: int, labels: Sequence[Label], weight: npt.ArrayLike | None, soft: Soft | None
) -> tuple[tuple[str, ...], Floats, Floats, Bools]:
    """Classes (sorted), targets (rows, classes), weights, and which rows are learned from."""
    weights = np.ones(rows) if weight is None else finite(weight, "weight")
    for name, given in (("labels", labels), ("weight", weights), ("soft", soft)):
        if given is not None and len(given) != rows:
            raise ValueError(f"{name}: {len(given)} for {rows} rows")
    if rows and weights.min() < 0:
        raise ValueError(f"weight: row {int(weights.argmin())} weighs {weights.min():g}; weights must not be negative")
    each = [_distribution(row, label, soft) for row, label in enumerate(labels)]
    used = np.array([bool(one) for one in each], dtype=bool) & (weights > 0)
    classes = tuple(sorted({label for row in np.flatnonzero(used) for label in each[row]}))
    if not classes:
        raise ValueError("no row has both a label and a weight above 0, so there is nothing to learn from")
    place = {label: column for column, label in enumerate(classes)}
    targets = np.zeros((rows, len(classes)))
    for row in np.flatnonzero(used):
        for label, p in each[row].items():
            targets[row, place[label]] = p
    return classes, targets, weights, used


def _distribution(row: int, label: Label, soft: Soft | None) -> dict[str, float]:
    given = soft[row] if soft is not None else None
    if not given:
        return {} if label is None else {label: 1.0}
    total = sum(given.values())
    if not (0 < total < float("inf") and min(given.values()) >= 0):
        raise ValueError(f"soft: row {row} must hold probabilities of at least 0 with a sum above 0, not {dict(given)}")
    return {name: p / total for name, p in given.items() if p > 0}

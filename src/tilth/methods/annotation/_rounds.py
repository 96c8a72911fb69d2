"""What the small model of selective annotation does in each round: learn, look at rows without label, pick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.stats.queries import NEEDS_STUDENT, Strategy, query
from tilth.train.embedding import EmbeddingLogistic

Vectors = npt.NDArray[Any]


def pick(
    strategy: Strategy, rows: Vectors, known: Mapping[str, str], failed: Sequence[int], k: int, strength: float, seed: int
) -> list[int]:
    """k rows to label next. known: row number (as text) to label. With a single label there is no student: chance picks."""
    learned = [int(at) for at in known]
    probabilities = None
    if strategy in NEEDS_STUDENT:
        if len(set(known.values())) < 2:
            strategy = "random"
        else:
            left = np.setdiff1d(np.arange(len(rows)), [*learned, *failed])
            probabilities = student_of(rows, known, strength).predict_proba(rows[left])
    return query(strategy, rows, k, probabilities=probabilities, known=learned, out=failed, seed=seed)


def accuracy_on(rows: Vectors, known: Mapping[str, str], tested: Vectors, truth: Sequence[str], strength: float) -> float:
    """Share of the tested rows that the student gets right."""
    said = student_of(rows, known, strength).predict(tested)
    return round(float(np.mean([one == true for one, true in zip(said, truth, strict=True)])), 6)


def student_of(rows: Vectors, known: Mapping[str, str], strength: float) -> EmbeddingLogistic:
    """Trained from scratch on the rows with labels, in the order of their numbers."""
    learned = sorted(int(at) for at in known)
    return EmbeddingLogistic(strength).fit(rows[learned], [known[str(at)] for at in learned])

"""What FreeAL's student does: clean rows by small loss, trusted rows, medoids as demonstrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.stats import queries
from tilth.stats.mixture import share_of_small
from tilth.stats.neighbours import nearest
from tilth.train.embedding import EmbeddingLogistic
from tilth.train.weights import class_balanced

Vectors = npt.NDArray[Any]


@dataclass(frozen=True)
class Refined:
    """The student's view of each row. labels: its own, "" where none could learn. medoids: rows of each class, by its name."""

    labels: list[str]
    probs: list[dict[str, float]]
    p_clean: list[float | None]
    trusted: list[bool]
    medoids: dict[str, list[int]]

    def shown(self, vectors: Vectors, shots: int, classes: Sequence[str]) -> list[list[int]]:
        """Demonstrations of each row: of every class the `shots` / classes nearest medoids, never the row itself, nearest last."""
        found: list[list[int]] = [[] for _ in range(len(vectors))]
        each = max(1, shots // max(1, len(classes)))
        for name in classes:
            medoids = self.medoids.get(name, [])
            if not medoids:
                continue
            order = nearest_of(vectors, vectors[medoids], each + 1)
            for row, near in enumerate(order):
                found[row] += [medoids[at] for at in near if medoids[at] != row][:each]
        return [sorted(one, key=lambda i: (round(float(vectors[row] @ vectors[i]), 6), i)) for row, one in enumerate(found)]


def nearest_of(texts: Vectors, rows: Vectors, k: int) -> list[list[int]]:
    """For each of the texts the numbers of the k nearest rows, nearest first; ties: the lower number."""
    found: list[list[int]] = nearest(texts, rows, k=min(k, len(rows))).indices.tolist()
    return found


def learn(
    vectors: Vectors, labels: list[str | None], strength: float, clean: float, share: float, demonstrations: int, seed: int
) -> dict[str, Any]:
    """Fields of `Refined` from unit vectors and the LLM's labels (None: no label).

    Each class weighs the same, for both students: an early one else knows little but which label is frequent, so that the rows of the rare
    label would have the large losses (on SST-2 the clean rows were then nearly all of one label).
    """
    valid = np.array([at for at, label in enumerate(labels) if label is not None], dtype=int)
    classes = sorted({label for label in labels if label is not None})
    if len(classes) < 2:
        n = len(labels)
        return {"labels": [""] * n, "probs": [{}] * n, "p_clean": [None] * n, "trusted": [False] * n, "medoids": {}}
    given = [labels[at] for at in valid]
    early = EmbeddingLogistic(strength).fit(vectors[valid], given, weight=class_balanced(given)).predict_proba(vectors[valid])
    own = early[np.arange(len(valid)), [classes.index(str(label)) for label in given]]
    small = share_of_small(_spread(-np.log(np.maximum(own, 1e-6))))
    kept = _kept(small > clean, given)
    learned = [label for label, keep in zip(given, kept, strict=True) if keep]
    student = EmbeddingLogistic().fit(vectors[valid[kept]], learned, weight=class_balanced(learned))
    probs = student.predict_proba(vectors)
    names = [student.classes[int(best)] for best in probs.argmax(axis=1)]
    trusted = _trusted(names, labels, probs.max(axis=1), share)
    p_clean: list[float | None] = [None] * len(labels)
    for at, value in zip(valid, small, strict=True):
        p_clean[int(at)] = float(value)
    each = max(1, demonstrations // len(classes))
    medoids = {name: _medoids(vectors, [at for at in trusted if names[at] == name], each, seed) for name in classes}
    table = [{name: round(float(p), 6) for name, p in zip(student.classes, row, strict=True)} for row in probs]
    held = set(trusted)
    return {"labels": names, "probs": table, "p_clean": p_clean, "trusted": [at in held for at in range(len(labels))], "medoids": medoids}


def _spread(losses: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Losses from 0 to 1; equal ones stay equal."""
    width = float(losses.max() - losses.min())
    return (losses - losses.min()) / width if width > 0 else losses * 0.0


def _kept(clean: npt.NDArray[Any], labels: Sequence[str | None]) -> npt.NDArray[Any]:
    """The clean rows; a class without any keeps all of its rows, so that no class dies out."""
    known = {label for label, one in zip(labels, clean, strict=True) if one}
    return np.array([bool(one) or label not in known for label, one in zip(labels, clean, strict=True)])


def _trusted(names: Sequence[str], labels: Sequence[str | None], sure: npt.NDArray[Any], share: float) -> list[int]:
    """Class by class, the surest rows on which both agree."""
    chosen: list[int] = []
    for name in sorted(set(names)):
        agreed = [at for at, label in enumerate(labels) if label == name == names[at]]
        agreed.sort(key=lambda at: (-round(float(sure[at]), 6), at))
        chosen += agreed[: int(share * len(agreed))]
    return sorted(chosen)


def _medoids(vectors: Vectors, rows: list[int], k: int, seed: int) -> list[int]:
    """The row nearest to each centre of k clusters, all where there are no more than k."""
    return sorted(rows[at] for at in queries.medoids(vectors[rows], k, seed=seed))

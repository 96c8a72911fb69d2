"""Folds and out-of-fold judgement: nobody is judged by a student that saw it or its family."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.partition import families, partition
from tilth.train.embedding import EmbeddingLogistic
from tilth.train.folds import group_folds


def _vectors(rows: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    labels = ["a" if i % 2 else "b" for i in range(rows)]
    return rng.normal(0, 1, (rows, 4)) + np.array([[3.0 * (label == "a"), 0, 0, 0] for label in labels]), labels


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("xyz")), min_size=1, max_size=60), st.integers(2, 6), st.integers(0, 3))
def test_groups_stay_whole_and_the_order_of_rows_does_not_matter(rows: list[tuple[int, str]], folds: int, seed: int) -> None:
    ids = [f"id{i}" for i in range(len(rows))]
    keys, labels = [key for key, _ in rows], [label for _, label in rows]
    found = group_folds(ids, labels=labels, groups=partition(len(rows), keys), folds=folds, seed=seed)
    assert all(len({int(found[i]) for i in range(len(rows)) if keys[i] == key}) == 1 for key in keys)
    assert set(found.tolist()) == set(range(min(folds, len(set(keys)))))
    order = np.random.default_rng(seed).permutation(len(rows))
    again = group_folds(
        [ids[i] for i in order], labels=[labels[i] for i in order],
        groups=partition(len(rows), [keys[i] for i in order]), folds=folds, seed=seed,
    )  # fmt: skip
    assert {ids[i]: int(found[i]) for i in range(len(rows))} == {ids[i]: int(again[j]) for j, i in enumerate(order)}


def test_labels_are_spread_evenly() -> None:
    labels = ["rare"] * 10 + ["common"] * 90
    folds = group_folds([str(i) for i in range(100)], labels=labels, folds=5)
    assert Counter(zip(folds.tolist(), labels, strict=True)) == {
        (f, label): n for f in range(5) for label, n in (("rare", 2), ("common", 18))
    }


def test_the_seed_changes_the_folds() -> None:
    ids = [str(i) for i in range(40)]
    assert group_folds(ids, seed=1).tolist() == group_folds(ids, seed=1).tolist() != group_folds(ids, seed=2).tolist()


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="an id occurs twice"):
        group_folds(["a", "a"])
    with pytest.raises(ValueError, match="of 3 rows, for 2 ids"):
        group_folds(["a", "b"], groups=partition(3))
    with pytest.raises(ValueError, match="at least 2"):
        group_folds(["a", "b"], folds=1)


class Spy(EmbeddingLogistic):
    """Remembers which rows (by their first coordinate) each prediction was made after having seen."""

    seen: set[float]
    leaks: list[float]

    def fit(self, rows: Any, labels: Any, **settings: Any) -> Spy:
        self.seen = set(rows[:, 0].tolist())
        return super().fit(rows, labels, **settings)

    def predict_proba(self, rows: Any) -> Any:
        LEAKS.extend(value for value in rows[:, 0].tolist() if value in self.seen)
        PREDICTED.extend(rows[:, 0].tolist())
        return super().predict_proba(rows)


LEAKS: list[float] = []
PREDICTED: list[float] = []


def test_no_row_is_judged_by_a_student_that_saw_it_or_a_copy() -> None:
    LEAKS.clear()
    PREDICTED.clear()
    vectors, labels = _vectors(20)
    vectors, labels = np.repeat(vectors, 3, axis=0), [label for label in labels for _ in range(3)]
    parents = [str(i // 3) for i in range(60)]
    Spy().out_of_fold(vectors, labels, groups=families(parents), folds=4)
    assert sorted(PREDICTED) == sorted(vectors[:, 0].tolist())
    assert not LEAKS
    Spy().out_of_fold(vectors, labels, folds=4)
    assert LEAKS  # without the families the copies do leak: the test can fail


def test_flipped_labels_get_low_probabilities() -> None:
    vectors, truth = _vectors(200)
    labels = list(truth)
    for row in range(0, 200, 15):
        labels[row] = "a" if truth[row] == "b" else "b"
    own = EmbeddingLogistic().out_of_fold(vectors, labels).of(labels)
    flipped = [p for row, p in enumerate(own) if row % 15 == 0 and p is not None]
    right = [p for row, p in enumerate(own) if row % 15 and p is not None]
    assert len(flipped) == 14
    assert np.median(flipped) < 0.25 < 0.75 < np.median(right)


def test_judging_leaves_the_student_as_it_was() -> None:
    vectors, labels = _vectors(30)
    student = EmbeddingLogistic().fit(vectors, labels)
    before = student.predict_proba(vectors)
    student.out_of_fold(vectors[:10], labels[:10])
    assert np.array_equal(student.predict_proba(vectors), before)


def test_a_label_that_the_other_folds_do_not_have_is_not_scored() -> None:
    vectors, labels = _vectors(20)
    labels = [*labels[:-2], "new", "new"]
    judged = EmbeddingLogistic().out_of_fold(vectors, labels, groups=partition(20, [*range(18), "n", "n"]))
    assert judged.of(labels)[-2:] == [None, None]
    assert judged.predicted()[-2:] == [None, None]
    assert all(p is not None for p in judged.of(labels)[:-2])
    assert judged.notes == (
        "label 'new': 2 rows not scored; all rows with this label, or all others, are in one group or fold. "
        "Give more independent rows of each label",
    )


@pytest.mark.parametrize("rows", [0, 1, 2, 6])
def test_one_label_or_one_row_scores_nothing(rows: int) -> None:
    vectors, _ = _vectors(6)
    labels = ["a"] * rows
    judged = EmbeddingLogistic().out_of_fold(vectors[:rows], labels)
    assert judged.of(labels) == [None] * rows
    assert len(judged.notes) == (rows > 0)


def test_rows_without_a_label_are_predicted_and_not_learned_from() -> None:
    vectors, truth = _vectors(60)
    labels: list[str | None] = [label if i % 3 else None for i, label in enumerate(truth)]
    judged = EmbeddingLogistic().out_of_fold(vectors, labels)
    assert judged.scored.all()
    assert judged.of(labels)[0] is None
    assert np.mean([a == b for a, b in zip(judged.predicted(), truth, strict=True)]) > 0.85


def test_soft_labels_and_weights_reach_the_students() -> None:
    vectors, labels = _vectors(60)
    plain = EmbeddingLogistic().out_of_fold(vectors, labels)
    soft = EmbeddingLogistic().out_of_fold(vectors, [None] * 60, soft=[{label: 1.0} for label in labels])
    folds_equal = group_folds([str(i) for i in range(60)], labels=[None] * 60).tolist() == plain.folds.tolist()
    assert np.array_equal(soft.probabilities, plain.probabilities) == folds_equal
    weights = np.where(np.array(labels) == "a", 1.0, 0.0)
    assert not EmbeddingLogistic().out_of_fold(vectors, labels, weight=weights).scored.any()


def test_labels_must_be_as_many_as_rows() -> None:
    vectors, labels = _vectors(6)
    with pytest.raises(ValueError, match="5 for 6 rows"):
        EmbeddingLogistic().out_of_fold(vectors, labels[:-1])

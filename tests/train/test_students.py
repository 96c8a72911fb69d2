"""Students: the numbers of scikit-learn's pipeline, weights, soft labels, and data with little in it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tilth.train.counts import TextFeatures
from tilth.train.embedding import EmbeddingLogistic
from tilth.train.student import Student
from tilth.train.tfidf import TfidfLogistic
from tilth.train.weights import class_balanced, mass_balanced

pytest.importorskip("sklearn", reason="needs the 'ml' extra")

GOOD = ["a superb film", "superb acting and a moving story", "a moving and funny film", "funny , superb , moving"]
BAD = ["a dull film", "dull acting and a boring story", "a boring and tedious film", "tedious , dull , boring"]
TEXTS, LABELS = GOOD + BAD, ["good"] * 4 + ["bad"] * 4


def _vectors(rows: int = 60, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    labels = ["a" if i % 2 else "b" for i in range(rows)]
    return rng.normal(0, 1, (rows, 4)) + np.array([[2.0 * (label == "a"), 0, 0, 0] for label in labels]), labels


def _student(name: str) -> tuple[Any, Any, list[str]]:
    if name == "tfidf":
        return TfidfLogistic(), list(TEXTS), list(LABELS)
    vectors, labels = _vectors()
    return EmbeddingLogistic(), vectors, labels


both = pytest.mark.parametrize("name", ["tfidf", "embedding"])


@both
def test_they_keep_the_protocol(name: str) -> None:
    student, rows, labels = _student(name)
    assert isinstance(student, Student)
    assert student.fit(rows, labels) is student
    assert student.classes == tuple(sorted(set(labels)))
    probabilities = student.predict_proba(rows)
    assert probabilities.shape == (len(labels), 2)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(labels)), abs=2e-6)
    assert np.mean([a == b for a, b in zip(student.predict(rows), labels, strict=True)]) > 0.8


@both
def test_equal_input_gives_equal_bytes(name: str) -> None:
    student, rows, labels = _student(name)
    first = student.fit(rows, labels).predict_proba(rows)
    other, _, _ = _student(name)
    assert other.fit(rows, labels).predict_proba(rows).tobytes() == first.tobytes()


def test_tfidf_gives_the_numbers_of_the_sklearn_pipeline_fitted_on_the_same_rows() -> None:
    """Although the features were counted over other texts too."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    vectors = make_union(TfidfVectorizer(ngram_range=(1, 2)), TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)))
    pipeline = make_pipeline(vectors, LogisticRegression(C=10, tol=1e-10, max_iter=5000))
    new = ["superb", "an utterly unknown thing", "", "boring film , boring story"]
    expected = pipeline.fit(TEXTS, LABELS).predict_proba(new)
    student = TfidfLogistic()
    features = student.features([*new, *TEXTS, "other superb words that must not count"])
    student.fit(features[np.arange(4, 12)], LABELS)
    assert student.predict_proba(features[np.arange(4)]) == pytest.approx(expected, abs=3e-6)
    assert TfidfLogistic().fit(TEXTS, LABELS).predict_proba(new) == pytest.approx(expected, abs=3e-6)


def test_features_counted_apart_are_refused() -> None:
    student = TfidfLogistic().fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match=r"features\.more"):
        student.predict_proba(TextFeatures.of(TEXTS))


def test_the_wrong_number_of_dimensions_is_refused() -> None:
    vectors, labels = _vectors()
    with pytest.raises(ValueError, match="3 dimensions, but 4"):
        EmbeddingLogistic().fit(vectors, labels).predict_proba(vectors[:, :3])


def test_a_weight_of_2_is_a_second_copy() -> None:
    vectors, labels = _vectors()
    weighted = EmbeddingLogistic().fit(vectors, labels, weight=[2.0] + [1.0] * (len(labels) - 1)).predict_proba(vectors)
    copied = EmbeddingLogistic().fit(np.concatenate([vectors[:1], vectors]), [labels[0], *labels]).predict_proba(vectors)
    assert weighted == pytest.approx(copied, abs=3e-6)


@both
def test_rows_without_weight_or_label_are_not_learned_from(name: str) -> None:
    student, rows, labels = _student(name)
    part = [i for i in range(len(labels)) if i not in (0, len(labels) - 1)]
    features = student.features(rows)
    alone = student.fit(features[np.array(part)], [labels[i] for i in part]).predict_proba(features)
    weight = np.ones(len(labels))
    weight[0] = 0
    assert np.array_equal(student.fit(features, [*labels[:-1], None], weight=weight).predict_proba(features), alone)


@both
def test_soft_labels_win_and_hard_ones_are_the_sharpest(name: str) -> None:
    student, rows, labels = _student(name)
    hard = student.fit(rows, labels).predict_proba(rows)
    as_soft = student.fit(rows, [None] * len(labels), soft=[{label: 3.0} for label in labels]).predict_proba(rows)
    assert np.array_equal(hard, as_soft)
    one, other = sorted(set(labels))
    mild = student.fit(rows, labels, soft=[{one: 0.7 if label == one else 0.3, other: 0.3 if label == one else 0.7} for label in labels])
    assert mild.predict_proba(rows).max() < hard.max()
    mixed = student.fit(rows, labels, soft=[None] * len(labels)).predict_proba(rows)
    assert np.array_equal(mixed, hard)


@both
def test_one_label_is_predicted_with_certainty(name: str) -> None:
    student, rows, labels = _student(name)
    student.fit(rows, ["only"] * len(labels))
    assert student.classes == ("only",)
    assert (student.predict_proba(rows) == 1.0).all()


@both
def test_two_rows_are_enough_and_none_is_not(name: str) -> None:
    student, rows, labels = _student(name)
    student.fit(rows[-2:], ["x", "y"])
    assert student.predict(rows[-2:]) == ["x", "y"]
    with pytest.raises(ValueError, match="nothing to learn from"):
        student.fit(rows, [None] * len(labels))
    with pytest.raises(ValueError, match="nothing to learn from"):
        student.fit(rows[:0], [])
    with pytest.raises(ValueError, match="only after fit"):
        _student(name)[0].predict_proba(rows)


def test_predicting_no_rows_gives_no_rows() -> None:
    assert TfidfLogistic().fit(TEXTS, LABELS).predict_proba([]).shape == (0, 2)
    assert EmbeddingLogistic().fit(*_vectors()).predict_proba(np.zeros((0, 4))).shape == (0, 2)


def test_texts_without_a_word_give_the_shares_of_the_labels() -> None:
    student = TfidfLogistic().fit(["", " ", "", ""], ["a", "b", "b", "b"])
    assert student.predict_proba(["anything"])[0] == pytest.approx([0.25, 0.75], abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weight": [1.0] * 7}, "weight: 7 for 8"),
        ({"weight": [1.0] * 7 + [-1.0]}, "row 7 weighs -1"),
        ({"weight": [1.0] * 7 + [float("nan")]}, "entry 7 is nan"),
        ({"soft": [{"good": -1.0}] + [None] * 7}, "row 0 must hold probabilities"),
        ({"soft": [{"good": float("nan")}] + [None] * 7}, "row 0 must hold probabilities"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TfidfLogistic().fit(TEXTS, LABELS, **settings)


def test_a_penalty_must_be_above_0() -> None:
    with pytest.raises(ValueError, match="c: a number above 0"):
        TfidfLogistic(c=0)


def test_balanced_mass() -> None:
    assert mass_balanced([True, True, False, False, False, False]).tolist() == [1, 1, 0.5, 0.5, 0.5, 0.5]
    assert class_balanced(["a", "a", "a", "b"]).tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert mass_balanced([False, False]).tolist() == mass_balanced([True, True]).tolist() == [1.0, 1.0]
    assert mass_balanced([]).size == 0


def _rows(path: Path) -> tuple[list[str], list[str]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def test_a_fit_on_400_rows_is_a_matter_of_a_tenth_of_a_second(shared: Path) -> None:
    folder = shared / "data" / "text_classification" / "sst2"
    (train, labels), (test, truth) = _rows(folder / "train.jsonl"), _rows(folder / "test.jsonl")
    student = TfidfLogistic()
    features = student.features(train[:400] + test)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        student.fit(features[np.arange(400)], labels[:400])
        predicted = student.predict(features[np.arange(400, len(features))])
        seconds.append(time.process_time() - start)
    accuracy = np.mean([a == b for a, b in zip(predicted, truth, strict=True)])
    assert 0.63 < accuracy < 0.70
    assert min(seconds) < 0.5

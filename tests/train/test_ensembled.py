"""Training that bears wrong labels, as students: the formulas themselves are invariants of SuperGen's card (tests/methods)."""

import numpy as np
import pytest

from tilth.train.ensembled import EnsembledEmbedding, EnsembledTfidf, Robust, learn
from tilth.train.student import Student
from train.noisy import gaussians

QUICK = Robust(updates=400, interval=50)


def rows(seed=0, n=300, classes=2, wrong=0.2):
    rng = np.random.default_rng(seed)
    x, y = gaussians(rng, n, 3.0, classes)
    flipped = rng.random(n) < wrong
    return x, y, [f"c{one}" for one in np.where(flipped, (y + 1) % classes, y)]


@pytest.mark.parametrize("classes", [2, 3])
def test_it_is_a_student_that_learns_through_wrong_labels(classes):
    x, y, labels = rows(classes=classes)
    student = EnsembledEmbedding(QUICK).fit(x, labels)
    assert isinstance(student, Student) and student.classes == tuple(f"c{k}" for k in range(classes))
    found = student.predict_proba(x)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(x)), abs=1e-5)
    assert np.mean(found.argmax(axis=1) == y) > (0.9 if classes == 2 else 0.85)
    assert len(student.learned.intervals) == 8 and student.learned.z.shape == (300, classes)


def test_equal_input_gives_equal_output_and_the_seed_matters():
    x, _, labels = rows()
    first, again, other = (EnsembledEmbedding(Robust(updates=60, seed=seed)).fit(x, labels).predict_proba(x) for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_it_judges_out_of_fold_with_its_own_settings():
    x, y, labels = rows(n=120)
    student = EnsembledEmbedding(QUICK)
    found = student.out_of_fold(x, labels, folds=3)
    assert found.scored.all() and np.mean([label == f"c{one}" for label, one in zip(found.predicted(), y, strict=True)]) > 0.85
    assert student.learned is None, "judging leaves what the student learned as it is"


class Watched(np.ndarray):
    """A matrix that remembers which rows are taken."""

    taken: list

    def __getitem__(self, at):
        if isinstance(at, np.ndarray) and at.dtype == np.int64 and at.ndim == 1:
            Watched.taken.append(at.tolist())
        return np.asarray(super().__getitem__(at))


def test_each_row_is_drawn_once_before_any_is_drawn_again():
    x, _, labels = rows(n=40)
    Watched.taken = []
    targets = np.eye(2)[[int(label[1]) for label in labels]]
    learn(x.view(Watched), targets, np.ones(40), Robust(updates=8, batch=16, interval=100))
    drawn = [row for batch in Watched.taken for row in batch]
    assert [len(batch) for batch in Watched.taken] == [16, 16, 8, 16, 16, 8, 16, 16]
    assert sorted(drawn[:40]) == sorted(drawn[40:80]) == list(range(40)) and drawn[:40] != drawn[40:80]


def test_heavier_rows_and_soft_labels_are_heard():
    x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    labels = ["a", "b", "a", "b"]
    student = EnsembledEmbedding(Robust(updates=80, smoothing=0.0)).fit(x, labels, weight=[9, 1, 1, 9])
    assert student.predict(x) == ["a", "a", "b", "b"]
    soft = [{"a": 0.9, "b": 0.1}, {"a": 0.9, "b": 0.1}, {"a": 0.2, "b": 0.8}, {"a": 0.2, "b": 0.8}]
    student.fit(x, labels, soft=soft)
    assert student.predict_proba(x)[0, 0] > 0.7 > 0.4 > student.predict_proba(x)[2, 0]


def test_it_reads_texts_too():
    pytest.importorskip("scipy", reason="needs the 'ml' extra", exc_type=ImportError)
    texts = [f"a superb and moving film, take {k}" for k in range(30)] + [f"an awful and dull film, take {k}" for k in range(30)]
    student = EnsembledTfidf(Robust(updates=200)).fit(texts, ["good"] * 30 + ["bad"] * 30)
    assert student.predict(["a moving story", "a dull story"]) == ["good", "bad"] and student.name == "ensembled-tfidf"

"""The solver: the same optimum as scikit-learn, by either way, with weights and soft labels."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.train import logistic


def _data(rows: int, wide: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1, (wide, classes))
    matrix = rng.normal(0, 1, (rows, wide))
    return matrix, (matrix @ truth + rng.gumbel(0, 1, (rows, classes))).argmax(axis=1)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(("rows", "wide"), [(60, 300), (300, 8)])
@pytest.mark.parametrize("c", [0.1, 10.0])
def test_it_finds_the_optimum_of_sklearn(rows: int, wide: int, classes: int, c: float) -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="needs the 'ml' extra")
    matrix, labels = _data(rows, wide, classes)
    weights = np.random.default_rng(1).random(rows) + 0.1
    ours = logistic.fit(matrix, np.eye(classes)[labels], weights, c).probabilities(matrix)
    theirs = linear.LogisticRegression(C=c, tol=1e-10, max_iter=5000).fit(matrix, labels, sample_weight=weights).predict_proba(matrix)
    assert ours == pytest.approx(theirs, abs=2e-5)


def test_the_space_of_the_rows_gives_the_same_as_that_of_the_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, labels = _data(40, 120, 3)
    reduced = logistic.fit(matrix, np.eye(3)[labels], np.ones(40), 5.0)
    monkeypatch.setattr(logistic, "REDUCE_BELOW", 0)
    direct = logistic.fit(matrix, np.eye(3)[labels], np.ones(40), 5.0)
    assert reduced.weights == pytest.approx(direct.weights, abs=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_soft_labels_are_weighted_copies(classes: int) -> None:
    matrix, _ = _data(50, 6, classes)
    soft = np.random.default_rng(2).dirichlet(np.ones(classes), 50)
    one = logistic.fit(matrix, soft, np.full(50, 2.0), 1.0)
    copies = logistic.fit(np.repeat(matrix, classes, axis=0), np.tile(np.eye(classes), (50, 1)), 2.0 * soft.ravel(), 1.0)
    assert one.weights == pytest.approx(copies.weights, abs=1e-5)
    assert one.intercept == pytest.approx(copies.intercept, abs=1e-5)


def test_rows_that_say_nothing_give_the_shares_of_the_labels() -> None:
    """No penalty on the intercept: equal rows are predicted with the frequencies."""
    found = logistic.fit(np.ones((10, 3)), np.eye(2)[[0] * 7 + [1] * 3], np.ones(10), 1.0)
    assert found.probabilities(np.ones((1, 3)))[0] == pytest.approx([0.7, 0.3], abs=1e-6)
    zeros = logistic.fit(np.zeros((4, 9)), np.eye(2)[[0, 0, 0, 1]], np.ones(4), 1.0)
    assert zeros.probabilities(np.zeros((1, 9)))[0] == pytest.approx([0.75, 0.25], abs=1e-6)


def test_separable_rows_and_huge_values_do_not_break_it() -> None:
    matrix = np.array([[1e4, 0.0], [-1e4, 0.0], [2e4, 1.0], [-2e4, 1.0]])
    found = logistic.fit(matrix, np.eye(2)[[0, 1, 0, 1]], np.ones(4), 1e6)
    assert np.isfinite(found.weights).all()
    assert found.probabilities(matrix).argmax(axis=1).tolist() == [0, 1, 0, 1]

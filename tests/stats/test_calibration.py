"""Calibration: the error, the temperature, and label scores compared over a batch."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.stats.calibration import (
    batch_calibrated,
    calibration_error,
    fit_temperature,
    log_softmax,
    margins,
    reliability,
    softmax,
)


def _calibrated(rng: np.random.Generator, rows: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are `temperature` times too sharp, and labels drawn from the true probabilities."""
    logits = rng.normal(0, 1.5, (rows, 3))
    labels = np.array([rng.choice(3, p=row) for row in softmax(logits)])
    return logits * temperature, labels


def test_calibration_error_of_a_worked_example() -> None:
    """Two bins of 10 hold confidence 0.95 (1 of 2 right) and 0.65 (2 of 2): (0.45 + 0.35) / 2."""
    probabilities = [[0.95, 0.05], [0.05, 0.95], [0.65, 0.35], [0.35, 0.65]]
    assert calibration_error(probabilities, [0, 0, 0, 1], bins=10) == pytest.approx(0.4)
    bins = reliability(probabilities, [0, 0, 0, 1], bins=10)
    assert [(one.n, one.accuracy) for one in bins if one.n] == [(2, 1.0), (2, 0.5)]
    assert bins[0].confidence is None


def test_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    found = reliability([[0.7, 0.3], [0.1 * 7, 1 - 0.1 * 7]], [0, 0], bins=10)
    assert [number for number, one in enumerate(found) if one.n] == [6]


def test_temperature_is_found_again_and_lowers_the_error() -> None:
    scores, labels = _calibrated(np.random.default_rng(0), 4000, 2.5)
    temperature = fit_temperature(scores, labels)
    assert temperature == pytest.approx(2.5, rel=0.06)
    before, after = calibration_error(softmax(scores), labels), calibration_error(softmax(scores / temperature), labels)
    assert before is not None and after is not None
    assert after < 0.03 < 0.12 < before


def test_temperature_is_the_best_one() -> None:
    optimize = pytest.importorskip("scipy.optimize", reason="needs the 'ml' extra")
    scores, labels = _calibrated(np.random.default_rng(1), 200, 0.5)
    best = optimize.minimize_scalar(
        lambda t: -log_softmax(scores / t)[np.arange(200), labels].mean(), bounds=(0.05, 20), method="bounded", options={"xatol": 1e-10}
    )
    assert fit_temperature(scores, labels) == pytest.approx(float(best.x), abs=1e-5)


def test_nothing_to_go_by_is_none() -> None:
    assert calibration_error([], []) is None
    assert fit_temperature([], []) is None
    assert batch_calibrated([]).size == 0


def test_log_softmax_agrees_with_scipy_and_does_not_overflow() -> None:
    special = pytest.importorskip("scipy.special", reason="needs the 'ml' extra")
    scores = np.array([[1000.0, 999.0, -1000.0], [-5000.0, -5000.0, -5000.0]])
    assert log_softmax(scores) == pytest.approx(special.log_softmax(scores, axis=1))


def test_batch_calibration_takes_out_the_preference_for_a_label_word() -> None:
    """An LLM that adds 3 nats to label 0 whatever the text: accuracy comes back."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    clean = rng.normal(0, 1, (300, 3)) + 1.5 * np.eye(3)[labels]
    biased = clean + np.array([3.0, 0.0, -1.0])
    right = [(np.asarray(scores).argmax(axis=1) == labels).mean() for scores in (clean, biased, batch_calibrated(biased))]
    assert right[1] < right[0] - 0.2
    assert right[2] > right[0] - 0.03
    assert np.exp(batch_calibrated(biased)).sum(axis=1) == pytest.approx(np.ones(300))


def test_batch_calibration_ignores_what_is_common_to_a_row() -> None:
    scores = np.random.default_rng(0).normal(0, 1, (6, 4))
    assert batch_calibrated(scores + np.arange(6.0)[:, None]) == pytest.approx(batch_calibrated(scores))


def test_one_row_has_nothing_to_be_compared_with() -> None:
    assert np.exp(batch_calibrated([[-1.0, -9.0]])) == pytest.approx(np.array([[0.5, 0.5]]))


def test_margins_say_who_agrees() -> None:
    assert margins([[-1.0, -3.0, -2.0], [-1.0, -3.0, -2.0]], [0, 1]).tolist() == [1.0, -2.0]


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        calibration_error([[0.9, 0.9]], [0])
    with pytest.raises(ValueError, match="from 0 to 1"):
        calibration_error([[0.5, 0.5]], [2])
    with pytest.raises(ValueError, match="not a number"):
        batch_calibrated([[float("nan"), 0.0]])
    with pytest.raises(ValueError, match="two labels"):
        margins([[0.5]], [0])

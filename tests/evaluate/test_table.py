"""Intervals of the table: they hold the truth as often as they say, and generations count as a level of their own."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.evaluate.utility.arms import REAL, TEMPLATES, Design, Key
from tilth.evaluate.utility.table import Cell, Table

ROWS, SEEDS = 150, 8


def table(generations: int = 1, seed: int = 0, draws: int = 400) -> tuple[Table, np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, ROWS)
    design = Design(sizes=(8,), seeds=tuple(range(SEEDS)), draws=draws)
    return Table([("a", "b")[one] for one in truth], ("a", "b"), design), rng, truth


def predictions(rng: np.random.Generator, truth: np.ndarray, shape: tuple[int, int], right: np.ndarray | float) -> np.ndarray:
    """Predictions that are right with a probability that depends on row, seed and generation."""
    hit = rng.random((*shape, len(truth))) < right
    return np.where(hit, truth, 1 - truth).astype(np.int16)


def test_the_interval_of_a_gain_covers_the_truth_about_as_often_as_it_says() -> None:
    covered, times = 0, 120
    for time in range(times):
        made, rng, truth = table(seed=time, draws=200)
        ease = rng.normal(0, 0.12, ROWS)
        real = np.clip(0.6 + ease + rng.normal(0, 0.05, (1, SEEDS, 1)), 0, 1)
        more = np.clip(0.7 + ease + rng.normal(0, 0.05, (1, SEEDS, 1)), 0, 1)
        made.add(Cell(Key("s", 8, REAL), predictions(rng, truth, (1, SEEDS), real)))
        made.add(Cell(Key("s", 8, "x"), predictions(rng, truth, (1, SEEDS), more)))
        gain = made.gain(Key("s", 8, "x"), Key("s", 8, REAL))
        assert gain is not None
        covered += gain.low <= 0.1 <= gain.high
    assert 0.88 * times <= covered <= times


def test_equal_arms_are_seldom_called_a_gain() -> None:
    wrong, times = 0, 120
    for time in range(times):
        made, rng, truth = table(seed=1000 + time, draws=200)
        ease = np.clip(0.65 + rng.normal(0, 0.15, ROWS), 0, 1)
        for arm in (REAL, "x"):
            made.add(Cell(Key("s", 8, arm), predictions(rng, truth, (1, SEEDS), ease)))
        gain = made.gain(Key("s", 8, "x"), Key("s", 8, REAL))
        assert gain is not None
        wrong += gain.excludes(0.0)
    assert wrong <= 0.12 * times


def test_generations_that_differ_widen_the_interval() -> None:
    widths = {}
    for spread in (0.0, 0.15):
        made, rng, truth = table(seed=3)
        right = 0.7 + spread * np.array([-1.0, 0.0, 1.0])[:, None, None]
        made.add(Cell(Key("s", 8, "x"), predictions(rng, truth, (3, SEEDS), right)))
        value = made.value(Key("s", 8, "x"))
        widths[spread] = value.high - value.low
    assert widths[0.15] > 1.5 * widths[0.0]


@pytest.mark.parametrize(
    ("real", "templates", "arm", "verdict"),
    [(0.5, 0.5, 0.9, "gain"), (0.5, 0.9, 0.9, "no gain"), (0.9, 0.5, 0.9, "no gain"), (0.9, 0.5, 0.5, "loss"), (0.5, None, 0.9, "unknown")],
)
def test_the_verdict_needs_real_only_and_templates(real: float, templates: float | None, arm: float, verdict: str) -> None:
    made, rng, truth = table(seed=5)
    made.add(Cell(Key("s", 8, REAL), predictions(rng, truth, (1, SEEDS), real)))
    if templates is not None:
        made.add(Cell(Key("s", 8, TEMPLATES), predictions(rng, truth, (1, SEEDS), templates)))
    made.add(Cell(Key("s", 8, "x"), predictions(rng, truth, (2, SEEDS), arm)))
    one = made.headlines()[0]
    assert one.verdict == verdict
    assert verdict in one.sentence()


def test_an_interval_that_includes_0_is_printed_as_no_gain() -> None:
    made, rng, truth = table(seed=6)
    same = predictions(rng, truth, (1, SEEDS), 0.7)
    made.add(Cell(Key("s", 8, REAL), same))
    made.add(Cell(Key("s", 8, "x"), same))
    assert "over real only no gain: +0.0 [+0.0, +0.0]" in made.headlines()[0].sentence()


def test_a_missing_cell_has_no_gain() -> None:
    made, _, _ = table()
    assert made.gain(Key("s", 8, "x"), Key("s", 8, REAL)) is None
    assert made.headlines() == []

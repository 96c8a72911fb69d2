"""Intervals: published values, coverage, and what happens with little or nothing to go by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.intervals import (
    Interval,
    bootstrap,
    bootstrap_mean,
    hierarchical,
    newcombe,
    paired_hierarchical,
    subsampled,
    unit_weights,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(94, 100, 0.875, 0.972), (17, 820, 0.013, 0.033), (0, 820, 0.0, 0.005), (91, 100, 0.838, 0.952)],
)
def test_wilson_gives_the_numbers_of_the_running_example(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson(successes, n)
    assert interval is not None
    assert (round(interval.low, 3), round(interval.high, 3)) == (low, high)


@given(n=st.integers(1, 5000), share=st.floats(0, 1), level=st.floats(0.5, 0.999))
def test_wilson_agrees_with_scipy(n: int, share: float, level: float) -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs the 'ml' extra")
    successes = round(n * share)
    ours = wilson(successes, n, level=level)
    theirs = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert ours is not None
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


def test_nothing_tried_is_not_scored() -> None:
    assert wilson(0, 0) is None
    assert newcombe((0, 1), (0, 5)) is None
    assert bootstrap_mean([], seed=1) is None
    assert bootstrap_mean([None, None], seed=1) is None
    assert hierarchical([], seed=1) is None
    assert bootstrap(lambda weights: 1.0, 0, seed=1) is None


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (1, -1)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes|n: "):
        wilson(successes, n)


def test_newcombe_gives_the_published_example() -> None:
    """Newcombe 1998, table II, 56/70 against 48/80, method 10."""
    interval = newcombe((56, 48), (70, 80))
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.0524, 0.3339)


def test_draws_of_weights_do_not_depend_on_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(unit_weights(7, 50, 3)))
    monkeypatch.setattr("tilth.stats.intervals._BLOCK", 21)
    assert np.array_equal(np.concatenate(list(unit_weights(7, 50, 3))), whole)
    assert (whole.sum(axis=1) == 7).all()


def test_none_is_left_out_and_nan_is_a_mistake() -> None:
    values = [1.0, None, 0.0, 1.0]
    assert bootstrap_mean(values, seed=1) == bootstrap_mean([1.0, 0.0, 1.0], seed=1)
    with pytest.raises(ValueError, match="entry 1 is nan"):
        bootstrap_mean([1.0, float("nan")], seed=1)
    with pytest.raises(ValueError, match=r"entry \(0, 1\)"):
        hierarchical([[1.0, math.inf]], seed=1)


def test_a_seed_is_needed() -> None:
    with pytest.raises(ValueError, match="a seed is"):
        bootstrap_mean([1.0], seed=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[2.5], [2.5, 2.5, 2.5]])
def test_no_spread_gives_a_point(values: list[float]) -> None:
    interval = bootstrap_mean(values, seed=1)
    assert interval == Interval(2.5, 2.5, 2.5, len(values), 0.95, "bootstrap", 2000)


def test_mean_and_generic_bootstrap_agree_with_the_formula() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    error = values.std() / math.sqrt(400)
    for interval in (bootstrap_mean(values, seed=1), bootstrap(lambda w: float(w @ values / w.sum()), 400, seed=1)):
        assert interval is not None
        assert interval.value == pytest.approx(values.mean())
        assert (interval.high - interval.low) / 2 == pytest.approx(1.96 * error, rel=0.08)


def test_clusters_widen_the_interval_and_count_as_units() -> None:
    """Every row five times: the information is that of the rows, not of the copies."""
    values = np.random.default_rng(0).normal(0, 1, 60)
    alone, copies = bootstrap_mean(values, seed=1), bootstrap_mean(np.repeat(values, 5), seed=1)
    clustered = bootstrap_mean(np.repeat(values, 5), seed=1, clusters=list(np.repeat(np.arange(60), 5)))
    assert alone is not None and copies is not None and clustered is not None
    assert (clustered.low, clustered.high, clustered.n) == (pytest.approx(alone.low), pytest.approx(alone.high), 60)
    assert copies.high - copies.low < 0.6 * (alone.high - alone.low)


def test_draws_without_a_number_are_left_out() -> None:
    interval = bootstrap(lambda weights: None if weights[0] == 0 else 1.0, 3, seed=1, draws=100)
    assert interval is not None
    assert 40 < interval.draws < 95
    assert (interval.low, interval.high) == (1.0, 1.0)


def _two_way(rng: np.random.Generator, seeds: int, rows: int) -> np.ndarray:
    return rng.normal(0, 0.3, (seeds, 1)) + rng.normal(0, 1, (1, rows)) + rng.normal(0, 0.5, (seeds, rows))


def test_hierarchical_covers_the_truth_where_rows_taken_as_independent_do_not() -> None:
    rng = np.random.default_rng(5)
    hits = naive = 0
    for trial in range(200):
        scores = _two_way(rng, 12, 60)
        interval, flat = hierarchical(scores, seed=trial, draws=300), bootstrap_mean(scores.ravel(), seed=trial, draws=300)
        assert interval is not None and flat is not None
        hits += not interval.excludes(0.0)
        naive += not flat.excludes(0.0)
    assert 0.90 <= hits / 200 <= 0.99
    assert naive / 200 < 0.7


def test_pairing_removes_what_both_share() -> None:
    rng = np.random.default_rng(2)
    b = _two_way(rng, 10, 100)
    a = b + 0.1 + rng.normal(0, 0.05, b.shape)
    paired, alone = paired_hierarchical(a, b, seed=1), hierarchical(a, seed=1)
    assert paired is not None and alone is not None
    assert paired.excludes(0.0)
    assert paired.high - paired.low < (alone.high - alone.low) / 5


def test_swapping_the_arms_mirrors_the_interval() -> None:
    rng = np.random.default_rng(2)
    a, b = _two_way(rng, 5, 30), _two_way(rng, 5, 30)
    there, back = paired_hierarchical(a, b, seed=4), paired_hierarchical(b, a, seed=4)
    assert there is not None and back is not None
    assert (there.value, there.low, there.high) == (pytest.approx(-back.value), pytest.approx(-back.high), pytest.approx(-back.low))


def test_relative_gain_of_50_to_63_is_26_percent() -> None:
    interval = paired_hierarchical(np.full((3, 20), 0.63), np.full((3, 20), 0.5), seed=1, relative=True)
    assert interval is not None
    assert (interval.value, interval.low, interval.high) == (pytest.approx(0.26),) * 3
    assert paired_hierarchical(np.ones((3, 5)), np.zeros((3, 5)), seed=1, relative=True) is None


def test_pairs_need_the_same_shape() -> None:
    with pytest.raises(ValueError, match="same seeds and rows"):
        paired_hierarchical(np.ones((2, 3)), np.ones((2, 4)), seed=1)


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    scores = _two_way(np.random.default_rng(1), 4, 20)
    assert hierarchical(scores, seed=1) == hierarchical(scores, seed=1) != hierarchical(scores, seed=2)
    assert hierarchical(scores, seed=1) == hierarchical(scores, seed=np.random.default_rng(1))


def test_subsampling_has_the_width_of_the_mean() -> None:
    values = np.random.default_rng(0).normal(0, 1, 300)
    interval = subsampled(lambda index: float(values[index].mean()), 300, seed=1, draws=600)
    assert interval is not None
    assert (interval.high - interval.low) / 2 == pytest.approx(1.96 / math.sqrt(300), rel=0.12)
    assert subsampled(lambda index: None, 10, seed=1) is None

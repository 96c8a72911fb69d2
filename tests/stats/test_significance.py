"""Tests of a difference: published values, references, and the rate of false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.significance import (
    benjamini_hochberg,
    compare,
    discordant,
    holm,
    mcnemar,
    paired_bootstrap,
    permutation_groups,
    permutation_paired,
    rows_needed,
    two_proportions,
)

scipy_stats = pytest.importorskip("scipy.stats", reason="needs the 'ml' extra")


def test_mcnemar_gives_the_published_numbers() -> None:
    assert mcnemar(10, 25) == pytest.approx(0.01667, abs=5e-6)
    assert mcnemar(10, 25, method="chi2") == pytest.approx(float(scipy_stats.chi2.sf(5.6, 1)))
    assert mcnemar(1, 6, method="mid-p") == pytest.approx(0.125 - 7 / 128)


@given(b=st.integers(0, 3000), c=st.integers(0, 3000))
def test_exact_mcnemar_is_the_binomial_test(b: int, c: int) -> None:
    expected = scipy_stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(float(expected), rel=1e-7, abs=1e-300)
    assert mcnemar(b, c) == mcnemar(c, b) >= mcnemar(b, c, method="mid-p")


@pytest.mark.parametrize("method", ["exact", "mid-p", "chi2"])
def test_two_equal_classifiers_differ_by_nothing(method: str) -> None:
    assert mcnemar(0, 0, method=method) == 1.0  # type: ignore[arg-type]
    assert mcnemar(8, 8, method=method) == 1.0  # type: ignore[arg-type]


def test_discordant_counts_who_alone_was_right() -> None:
    assert discordant([True, True, False, False, True], [True, False, True, False, False]) == (2, 1)
    with pytest.raises(ValueError, match="different lengths"):
        discordant([True], [True, False])


def test_a_permutation_test_of_few_pairs_is_exact() -> None:
    a, b = np.array([1.1, 2.3, 0.9, 4.0, 2.2, 3.1, 1.0, 0.2]), np.array([0.9, 2.0, 1.3, 3.1, 2.2, 2.0, 0.4, 0.3])
    expected = scipy_stats.permutation_test((a, b), lambda x, y: float(np.mean(x - y)), permutation_type="samples", n_resamples=np.inf)
    assert permutation_paired(a, b, seed=1) == pytest.approx(float(expected.pvalue))
    assert permutation_paired(a, b, seed=1) == permutation_paired(b, a, seed=2)


def test_a_permutation_test_of_many_pairs_is_sampled_and_never_0() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(0.25, 1, 60)
    p = permutation_paired(a, np.zeros(60), seed=1)
    assert p == pytest.approx(float(scipy_stats.ttest_1samp(a, 0).pvalue), abs=0.02)
    assert permutation_paired(a + 9, np.zeros(60), seed=1, draws=500) == 1 / 501


def test_clusters_are_flipped_together() -> None:
    a = np.repeat([1.0, 1.0, 1.0], 10)
    assert permutation_paired(a, a * 0, seed=1, clusters=list(np.repeat([0, 1, 2], 10))) == 0.25
    assert permutation_paired(a, a * 0, seed=1) < 0.01


def test_no_difference_is_p_1() -> None:
    same = [0.1 + 0.2, 0.3, 0.5]
    for test in (permutation_paired, permutation_groups, paired_bootstrap):
        assert test(same, [0.3, 0.3, 0.5], seed=1) == 1.0
        assert test([], [], seed=1) == 1.0


def test_shuffling_groups_agrees_with_the_t_test() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.4, 1, 60), rng.normal(0, 1, 45)
    assert permutation_groups(a, b, seed=1) == pytest.approx(float(scipy_stats.ttest_ind(a, b).pvalue), abs=0.02)


def test_a_against_a_alarms_at_about_the_level() -> None:
    rng = np.random.default_rng(11)
    alarms = {"bootstrap": 0, "permutation": 0, "verdict": 0}
    for trial in range(300):
        a, b = rng.normal(0, 1, (2, 80))
        alarms["bootstrap"] += paired_bootstrap(a, b, seed=trial, draws=400) <= 0.05
        alarms["permutation"] += permutation_paired(a, b, seed=trial, draws=400) <= 0.05
        found = compare(a, b, seed=trial, draws=400)
        assert found is not None
        alarms["verdict"] += found.verdict in ("better", "worse")
    assert all(5 <= count <= 27 for count in alarms.values()), alarms


def test_the_verdicts() -> None:
    rng = np.random.default_rng(1)
    b = rng.normal(0, 1, (5, 200))
    verdicts = {}
    for name, shift, noise, margin in (
        ("up", 0.3, 0.1, None),
        ("down", -0.3, 0.1, None),
        ("same", 0.0, 0.05, 0.05),
        ("noisy", 0.0, 3.0, 0.05),
    ):
        found = compare(b + shift + rng.normal(0, noise, b.shape), b, seed=1, margin=margin)
        assert found is not None
        verdicts[name] = found.verdict
    assert verdicts == {"up": "better", "down": "worse", "same": "equivalent", "noisy": "inconclusive"}


def test_few_rows_decide_nothing() -> None:
    found = compare([1.0] * 9, [0.0] * 9, seed=1, margin=0.5)
    assert found is not None
    assert found.verdict == "inconclusive"
    one_family = compare([1.0] * 90, [0.0] * 90, seed=1, clusters=["same"] * 90)
    assert one_family is not None
    assert (one_family.verdict, one_family.difference.n) == ("inconclusive", 1)
    assert compare([], [], seed=1) is None


@given(st.integers(0, 30), st.integers(0, 40), st.integers(0, 50), st.integers(0, 60))
def test_fisher_agrees_with_scipy(x: int, y: int, more_x: int, more_y: int) -> None:
    p = two_proportions((x, y), (x + more_x, y + more_y), method="exact")
    expected = scipy_stats.fisher_exact([[x, y], [more_x, more_y]]).pvalue
    assert p == pytest.approx(1.0 if x + more_x == 0 or y + more_y == 0 else float(expected), rel=1e-6)


def test_the_z_test_is_the_chi2_of_the_table() -> None:
    expected = scipy_stats.chi2_contingency([[40, 60], [55, 45]], correction=False).pvalue
    assert two_proportions((40, 55), (100, 100)) == pytest.approx(float(expected))
    assert two_proportions((0, 0), (10, 20)) == two_proportions((10, 20), (10, 20)) == two_proportions((0, 3), (0, 5)) == 1.0
    with pytest.raises(ValueError, match="6 of 5"):
        two_proportions((6, 1), (5, 5))


@given(st.lists(st.floats(0, 1), max_size=12))
def test_corrections_never_lower_p_and_keep_the_order(p: list[float]) -> None:
    for corrected in (holm(p), benjamini_hochberg(p)):
        assert all(raw <= after <= 1 or after == pytest.approx(raw) for raw, after in zip(p, corrected, strict=True))
        ordered = [corrected[i] for i in sorted(range(len(p)), key=p.__getitem__)]
        assert ordered == sorted(ordered)
    if p:
        assert benjamini_hochberg(p) == pytest.approx(list(scipy_stats.false_discovery_control(p)))
        assert max(b - h for h, b in zip(holm(p), benjamini_hochberg(p), strict=True)) <= 1e-12


def test_holm_gives_the_textbook_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    with pytest.raises(ValueError, match="0 to 1"):
        holm([1.2])


def test_rows_needed_reach_the_power() -> None:
    n = rows_needed(0.05, 0.2)
    rng, found = np.random.default_rng(0), 0
    for _ in range(400):
        only_a, only_b, _both = rng.multinomial(n, [0.125, 0.075, 0.8])
        found += mcnemar(int(only_a), int(only_b), method="mid-p") <= 0.05
    assert found / 400 == pytest.approx(0.8, abs=0.06)
    with pytest.raises(ValueError, match="gain"):
        rows_needed(0.3, 0.2)

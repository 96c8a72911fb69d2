"""Diversity: the values that are known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.diversity import chamfer, pairwise_cosine, vendi, vendi_of_kernel


def test_equal_rows_are_not_diverse_at_all() -> None:
    rows = np.ones((7, 3))
    assert vendi(rows) == pytest.approx(1.0)
    assert pairwise_cosine(rows).overall == pytest.approx(1.0)
    assert chamfer(rows) == 0.0


def test_orthogonal_rows_are_as_diverse_as_can_be() -> None:
    rows = np.eye(6)
    assert vendi(rows) == pytest.approx(6.0)
    assert pairwise_cosine(rows).overall == pytest.approx(0.0)
    assert chamfer(rows) == 1.0


@pytest.mark.parametrize("q", [0.5, 1.0, 2.0, float("inf")])
@pytest.mark.parametrize("each", [1, 4, 50])
def test_vendi_counts_groups(each: int, q: float) -> None:
    assert vendi(np.repeat(np.eye(5), each, axis=0), q=q) == pytest.approx(5.0)


@given(st.integers(1, 25), st.integers(1, 8))
def test_both_ways_to_the_spectrum_agree(n: int, d: int) -> None:
    rows = np.random.default_rng(n * 31 + d).normal(0, 1, (n, d))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    score, of_kernel = vendi(rows), vendi_of_kernel(unit @ unit.T)
    assert score == pytest.approx(of_kernel, abs=1e-6)
    assert score is not None
    assert 1 - 1e-9 <= score <= min(n, d) + 1e-9
    assert vendi(np.concatenate([rows, rows])[::-1]) == pytest.approx(score, abs=1e-9)


@given(st.integers(2, 30))
def test_mean_cosine_is_that_of_all_pairs(n: int) -> None:
    rng = np.random.default_rng(n)
    rows, groups = rng.normal(0, 1, (n, 4)), list(rng.integers(0, 3, n))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [(bool(groups[i] == groups[j]), float(unit[i] @ unit[j])) for i in range(n) for j in range(i)]
    found = pairwise_cosine(rows, groups)
    assert found.overall == pytest.approx(np.mean([value for _, value in pairs]), abs=1e-9)
    for same, value in ((True, found.within), (False, found.between)):
        of_kind = [cosine for kind, cosine in pairs if kind is same]
        assert value == (pytest.approx(np.mean(of_kind), abs=1e-9) if of_kind else None)


def test_opposite_rows_have_mean_cosine_minus_1() -> None:
    assert pairwise_cosine([[1.0, 0.0], [-3.0, 0.0]]).overall == -1.0


def test_too_few_rows_are_not_scored() -> None:
    assert vendi(np.zeros((0, 2))) is None
    assert vendi([[2.0, 0.0]]) == pytest.approx(1.0)
    assert pairwise_cosine(np.zeros((0, 2))).overall is None
    one = pairwise_cosine([[1.0, 0.0]])
    assert (one.overall, one.within, one.between, one.n) == (None, None, None, 1)
    assert chamfer([[1.0, 0.0]]) is None


def test_an_exact_copy_never_raises_chamfer() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (20, 3))
    before, after = chamfer(rows), chamfer(np.concatenate([rows, rows[:1]]))
    assert before is not None and after is not None
    assert after <= before


def test_what_is_no_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="negative eigenvalue"):
        vendi_of_kernel([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    with pytest.raises(ValueError, match="ones on its diagonal"):
        vendi_of_kernel([[2.0]])
    with pytest.raises(ValueError, match="length 0"):
        vendi([[0.0, 0.0]])

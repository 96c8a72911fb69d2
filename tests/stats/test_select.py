"""Selection: what each way prefers, and that it never takes a row twice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.arrays import unit_rows
from tilth.stats.select import apportioned, balanced, facility_location, k_center, mmr, quotas

GROUPS = np.repeat(np.eye(4), [5, 3, 2, 1], axis=0)
"""Eleven rows: four directions of 5, 3, 2 and 1 equal rows."""


def test_mmr_takes_the_relevant_but_not_twice_the_same() -> None:
    relevance = [0.9, 0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.4, 0.4, 0.1]
    assert mmr(GROUPS, relevance, 4) == [0, 5, 8, 10]
    assert mmr(GROUPS, relevance, 4, trade=1.0) == [0, 1, 2, 3]
    assert mmr(GROUPS, relevance, 2, chosen=[0]) == [5, 8]


def test_k_center_takes_each_direction_before_a_copy() -> None:
    order = k_center(GROUPS, 11)
    assert {int(GROUPS[i].argmax()) for i in order[:4]} == {0, 1, 2, 3}
    assert order[0] == 0  # nearest to the mean
    assert sorted(order) == list(range(11))
    assert k_center(GROUPS, 1, first=7) == [7]
    assert k_center(GROUPS, 3, chosen=[0]) == [5, 8, 10]


def test_k_center_is_within_twice_the_best_radius() -> None:
    rows = unit_rows(np.random.default_rng(0).normal(0, 1, (12, 3)))
    gaps = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    best = min(gaps[:, [i, j, k]].min(axis=1).max() for i in range(12) for j in range(i) for k in range(j))
    assert gaps[:, k_center(rows, 3)].min(axis=1).max() <= 2 * best + 1e-9


def test_facility_location_takes_the_largest_groups_first() -> None:
    assert facility_location(GROUPS, 4) == [0, 5, 8, 10]
    assert facility_location(GROUPS, 2, chosen=[1]) == [5, 8]


@pytest.mark.parametrize("kept", [8192, 0])
def test_lazy_greedy_is_the_plain_greedy(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.stats.select.KEPT_ROWS", kept)
    monkeypatch.setattr("tilth.stats.select.BATCH", 7)
    rows = unit_rows(np.random.default_rng(3).normal(0.4, 1, (60, 4)))
    similar = np.maximum(rows @ rows.T, 0)
    covered, plain = np.zeros(60), []
    for _ in range(8):
        gains = np.round(np.maximum(similar - covered[:, None], 0).sum(axis=0), 6)
        gains[plain] = -1
        plain.append(int(gains.argmax()))
        covered = np.maximum(covered, similar[:, plain[-1]])
    assert facility_location(rows, 8) == plain


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.integers(0, 50), st.integers(0, 3))
def test_a_balanced_draw_is_as_even_as_the_rows_allow(labels: list[str], k: int, seed: int) -> None:
    drawn = balanced(labels, k, seed=seed)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == min(k, len(labels))
    got, have = Counter(labels[i] for i in drawn), Counter(labels)
    short = [label for label in have if got[label] < have[label]]
    if short:
        assert max(got.values(), default=0) - min(got[label] for label in short) <= 1


def test_a_balanced_draw_follows_its_seed() -> None:
    labels = ["a", "b"] * 50
    assert balanced(labels, 10, seed=1) == balanced(labels, 10, seed=1) != balanced(labels, 10, seed=2)


@given(st.lists(st.integers(0, 20), max_size=8), st.integers(0, 100))
def test_quotas_give_all_that_is_asked_for_or_there(available: list[int], total: int) -> None:
    shares = quotas(available, total)
    assert sum(shares) == min(total, sum(available))
    assert all(0 <= got <= have for got, have in zip(shares, available, strict=True))


def test_asking_for_more_than_there_is_gives_all() -> None:
    empty = np.zeros((0, 3))
    assert mmr(empty, [], 2) == k_center(empty, 2) == facility_location(empty, 2) == balanced([], 2, seed=1) == []
    assert mmr([[1.0]], [0.5], 5) == k_center([[1.0]], 5) == facility_location([[1.0]], 5) == [0]
    assert k_center(GROUPS, 0) == []
    assert sorted(facility_location(GROUPS, 20)) == list(range(11))


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="row 11"):
        k_center(GROUPS, 2, chosen=[11])
    with pytest.raises(ValueError, match="trade"):
        mmr(GROUPS, np.zeros(11), 1, trade=2)
    with pytest.raises(ValueError, match="different lengths"):
        mmr(GROUPS, [1.0], 1)


@given(st.integers(0, 500), st.lists(st.floats(0.01, 10), min_size=1, max_size=6))
def test_apportioned_gives_out_all_and_nobody_is_off_by_one(total: int, shares: list[float]) -> None:
    given = apportioned(total, shares)
    assert sum(given) == total
    assert all(abs(n - total * share / sum(shares)) < 1 for n, share in zip(given, shares, strict=True))
    assert apportioned(100, [0.29, 0.71]) == [29, 71]  # 0.29 x 100 is 28.999999999999996

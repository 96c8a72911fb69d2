"""What to label next: scores of uncertainty, and that picks are exact, new and free of the pool's order."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest

from tilth.stats.arrays import unit_rows
from tilth.stats.queries import NEEDS_STUDENT, Strategy, entropy, largest, least_confidence, margin, medoids, query

RNG = np.random.default_rng(0)
ROWS = unit_rows(RNG.normal(size=(40, 6)))
PROBABILITIES = RNG.dirichlet((1, 1, 1), size=40)


def ask(strategy: Strategy, k: int, rows: np.ndarray = ROWS, p: np.ndarray = PROBABILITIES, **more: object) -> list[int]:
    left = [at for at in range(len(rows)) if at not in {*more.get("known", ()), *more.get("out", ())}]
    return query(strategy, rows, k, probabilities=p[left] if strategy in NEEDS_STUDENT else None, **more)


def test_uniform_probabilities_are_the_most_uncertain() -> None:
    for k in (2, 3, 7):
        even = np.full((1, k), 1 / k)
        assert (
            entropy(even)[0] == pytest.approx(math.log(k))
            and least_confidence(even)[0] == pytest.approx(1 - 1 / k)
            and margin(even)[0] == 0
        )
        others = RNG.dirichlet([1.0] * k, size=50)
        for score in (entropy, least_confidence, margin):
            assert score(others).max() <= score(even)[0] + 1e-12
    assert entropy([[1.0, 0.0]])[0] == 0


def test_for_two_labels_the_three_scores_order_alike_and_for_three_they_need_not() -> None:
    two = RNG.dirichlet((1, 1), size=60)
    assert largest(entropy(two), 60) == largest(least_confidence(two), 60) == largest(margin(two), 60)
    three = np.array([[0.5, 0.25, 0.25], [0.48, 0.46, 0.06]])
    assert largest(entropy(three), 1) == [0] and largest(margin(three), 1) == [1]


@pytest.mark.parametrize("strategy", get_args(Strategy))
def test_exactly_k_new_rows_and_all_that_are_left_where_there_are_fewer(strategy: Strategy) -> None:
    known, out = [0, 5, 9], [1, 2]
    picks = ask(strategy, 7, known=known, out=out)
    assert len(picks) == len(set(picks)) == 7 and not {*known, *out} & set(picks)
    assert ask(strategy, 7, known=known, out=out) == picks
    assert sorted(ask(strategy, 99, known=known, out=out)) == [at for at in range(40) if at not in {*known, *out}]
    assert ask(strategy, 3, known=list(range(40))) == []


@pytest.mark.parametrize("strategy", ["entropy", "least_confidence", "margin", "core_set", "facility_location", "far_and_unsure"])
def test_another_order_of_the_pool_chooses_the_same_rows(strategy: Strategy) -> None:
    order = np.random.default_rng(1).permutation(40)
    place = {int(row): at for at, row in enumerate(order)}
    picks = ask(strategy, 6, known=[3, 4])
    moved = ask(strategy, 6, rows=ROWS[order], p=PROBABILITIES[order], known=[place[3], place[4]])
    assert {int(order[at]) for at in moved} == set(picks)


def test_ties_go_to_the_lower_number() -> None:
    assert largest([0.1, 0.3, 0.3, 0.1], 3) == [1, 2, 0]


def test_each_medoid_is_the_nearest_row_of_its_centre_and_every_cluster_is_hit() -> None:
    owner = np.repeat(np.arange(4), 10)
    rows = unit_rows(np.eye(6)[owner] + np.random.default_rng(2).normal(scale=0.03, size=(40, 6)))
    picks = medoids(rows, 4, seed=0)
    assert set(owner[picks]) == {0, 1, 2, 3}
    for pick in picks:
        own = rows[owner == owner[pick]]
        gaps = ((own - own.mean(axis=0)) ** 2).sum(axis=1)
        assert np.allclose(rows[pick], own[gaps.argmin()])
    assert sorted(medoids(np.ones((3, 2)), 2, seed=0)) == [0, 1], "equal rows still give as many as wanted"


def test_core_set_goes_away_from_what_is_labelled_and_far_and_unsure_weighs_both() -> None:
    rows = unit_rows(np.array([[1, 0], [0.99, 0.1], [0, 1], [-1, 0], [0.98, 0.2]]))
    assert query("core_set", rows, 1, known=[0]) == [3]
    p = np.array([[0.5, 0.5], [0.9, 0.1], [0.8, 0.2], [0.6, 0.4]])
    assert query("far_and_unsure", rows, 1, probabilities=p, known=[0]) == [4], "of the three farthest the least sure"
    assert query("entropy", rows, 1, probabilities=p, known=[0]) == [1]


def test_uncertain_clusters_do_not_ask_for_one_region_alone() -> None:
    rows = unit_rows(np.repeat(np.eye(3), [10, 2, 10], axis=0) + np.random.default_rng(3).normal(scale=0.01, size=(22, 3)))
    p = np.array([[0.5, 0.5]] * 4 + [[0.9, 0.1]] * 6 + [[0.55, 0.45]] * 2 + [[1.0, 0.0]] * 10)
    assert set(query("entropy", rows, 2, probabilities=p)) <= set(range(4))
    assert any(at in (10, 11) for at in query("unsure_clusters", rows, 2, probabilities=p))


def test_a_strategy_that_needs_a_student_says_so() -> None:
    with pytest.raises(ValueError, match="margin: probabilities of the rows that are left are wanted"):
        query("margin", ROWS, 3)
    with pytest.raises(ValueError, match="with a sum of 1"):
        entropy([[0.5, 0.9]])

"""Units: one function says which rows belong together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.partition import connected, families, partition


def test_rows_without_clusters_are_their_own_units() -> None:
    found = partition(3)
    assert (found.codes.tolist(), found.units) == ([0, 1, 2], 3)


def test_none_belongs_to_nobody() -> None:
    found = partition(5, ["a", None, "a", None, "b"])
    assert found.codes.tolist() == [0, 1, 0, 2, 3]
    assert found.sizes.tolist() == [2, 1, 1, 1]


def test_sums_by_unit_keep_the_other_axes() -> None:
    sums = partition(4, [7, 8, 7, 8]).sums(np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]))
    assert sums.tolist() == [[4, 6], [12, 14]]


def test_the_wrong_number_of_clusters_is_refused() -> None:
    with pytest.raises(ValueError, match="2 for 3 rows"):
        partition(3, ["a", "b"])


def test_pairs_join_transitively() -> None:
    assert connected(5, [(3, 1), (1, 4)]).codes.tolist() == [0, 1, 2, 1, 1]


def test_rows_that_share_any_key_are_a_family() -> None:
    parents = ["p", None, "p", None, None]
    seeds = [None, "s", "s", None, None]
    assert families(parents, seeds).codes.tolist() == [0, 0, 0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20), st.randoms())
def test_joined_units_do_not_depend_on_the_order_of_pairs(pairs: list[tuple[int, int]], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert connected(12, pairs).codes.tolist() == connected(12, shuffled).codes.tolist()

"""Two Gaussians in one dimension."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.mixture import share_of_small


def test_two_heaps_are_told_apart_whatever_their_order_and_scale():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(2, 0.2, 60), rng.normal(8, 0.5, 20)])
    order = rng.permutation(80)
    assert ((share_of_small(values) > 0.99) == (values < 5)).all()
    assert (share_of_small(values[order]) == share_of_small(values)[order]).all()


@given(st.lists(st.floats(0, 1), max_size=30))
def test_it_is_a_probability_for_any_values(values):
    found = share_of_small(values)
    assert len(found) == len(values) and ((found >= 0) & (found <= 1)).all()


def test_no_number_is_refused():
    with pytest.raises(ValueError, match="values"):
        share_of_small([0.1, float("nan")])

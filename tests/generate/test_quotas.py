"""Quotas are split evenly and filled exactly."""

import pytest

from tilth.generate.quotas import split


@pytest.mark.parametrize(
    ("rows", "labels", "counts"), [(7, "abc", [3, 2, 2]), (6, "abc", [2, 2, 2]), (2, "abc", [1, 1, 0]), (0, "ab", [0, 0])]
)
def test_rows_are_split_evenly_and_the_first_labels_take_what_is_over(rows, labels, counts):
    assert list(split(rows, labels).values()) == counts

"""Ratings are read exactly: 10 is 10, never 1."""

import pytest

from tilth.errors import Failure
from tilth.prompts.ratings import rating


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((f"Overall Score: {n}", n) for n in range(1, 11)),
        ("Well put.\n\n**Overall Score:** 10", 10),
        ("Overall Score: 8/10", 8),
        ("### Overall Score\n: 7 out of 10.", 7),
        ("Overall score: [9]", 9),
        ("overall score = 6.0", 6),
        ("Overall Score: 3\nOn second thoughts.\nOverall Score: 10", 10),
        ("The overall score: 4 of the other answer was too low.\nOverall Score: 5", 5),
        ("Overall Score: 1 - it is wrong", 1),
    ],
)
def test_a_rating_is_the_whole_number_behind_its_name(text, value):
    assert rating(text, "Overall Score", 1, 10) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Overall Score: 11", "score_out_of_range"),
        ("Overall Score: 0", "score_out_of_range"),
        ("Overall Score: -3", "score_out_of_range"),
        ("Overall Score: 4/5", "score_out_of_range"),
        ("Overall Score: 8/100", "score_out_of_range"),
        ("Overall Score: 1-10", "no_score"),
        ("Overall Score: 1 to 10", "no_score"),
        ("Overall Score: 8.5", "no_score"),
        ("Overall Score: 85%", "no_score"),
        ("Overall Score: good", "no_score"),
        ("Overall Score: N/A", "no_score"),
        ("I give it a 9.", "no_score"),
        ("", "no_score"),
    ],
)
def test_what_is_no_rating_is_a_failure_by_name(text, reason):
    with pytest.raises(Failure) as caught:
        rating(text, "Overall Score", 1, 10)
    assert caught.value.reason == reason


def test_not_applicable_is_none_only_where_it_may_be():
    assert rating("Rating: N/A\nRationale: creative", "Rating", 1, 5, none=True) is None
    assert rating("Rating: 4\nRationale: N/A", "Rating", 1, 5, none=True) == 4
    with pytest.raises(Failure):
        rating("Rating: N/A", "Rating", 1, 5)


def test_a_longer_name_is_another_one():
    text = "Type: 1\nRationale: it errs\nRating: 2\nRationale For Rating: 5 would be too much\nRating level: 5"
    assert rating(text, "Rating", 1, 5) == 2

"""Reference texts found in others, with the evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.text.contamination import ReferenceIndex, times_found

ITEM = "A train leaves the old station at 9 and drives 60 km an hour for three whole hours to the north"


@pytest.mark.parametrize(
    "text",
    [ITEM, ITEM.upper(), f"Here is a task. {ITEM}! Solve it.", ITEM.replace(" at 9", ", at 9,"), " ".join(ITEM.split()[3:])],
)
def test_verbatim_case_and_embedded_items_are_found(text: str) -> None:
    [hit] = ReferenceIndex(["something else that is long enough to be looked for by its own words today", ITEM]).find(text)
    assert hit.reference == 1
    assert hit.rule == "ngram"
    assert hit.ngram in ITEM.lower()


def test_a_changed_number_breaks_the_ngrams_that_hold_it() -> None:
    index = ReferenceIndex([ITEM], n=8)
    [hit] = index.find(ITEM.replace("60", "70"))
    assert 0.5 < hit.share < 1.0
    assert index.find(ITEM)[0].share == 1.0


def test_a_paraphrase_is_not_found() -> None:
    assert not ReferenceIndex([ITEM]).find(
        "Departing at nine, an engine goes north at sixty kilometres hourly; how far is it after three hours?"
    )


def test_share_is_a_threshold() -> None:
    index = ReferenceIndex([ITEM], n=5)
    half = " ".join(ITEM.split()[:10])
    assert [len(index.find(half, share=share)) for share in (0.0, 0.4, 0.6)] == [1, 1, 0]


def test_short_items_are_found_as_a_whole_and_counted() -> None:
    index = ReferenceIndex(["Who wrote the play Hamlet?", "Why?", "", ITEM])
    assert index.short == 3
    assert [(hit.reference, hit.rule) for hit in index.find("Tell me: who wrote the play Hamlet, please")] == [(0, "whole")]
    assert [hit.reference for hit in index.find("why")] == [1]
    assert not index.find("And why not?")


def test_boilerplate_of_many_items_is_no_hit() -> None:
    items = [f"which of the following statements about the topic of number {number} is not true" for number in range(12)]
    text = "which of the following statements about the topic of"
    assert not ReferenceIndex(items, n=8).find(text)
    assert len(ReferenceIndex(items, n=8, common=100).find(text)) == 12


def test_each_item_is_counted_once_a_text() -> None:
    index = ReferenceIndex([ITEM, "quite another item of more than eight words stands here for comparison"], n=8)
    assert times_found([ITEM, f"{ITEM} {ITEM}", "nothing"], index) == {0: 2}


@given(st.lists(st.text(max_size=30), max_size=5), st.text(max_size=60), st.integers(1, 5))
def test_shares_are_shares(items: list[str], text: str, n: int) -> None:
    hits = ReferenceIndex(items, n=n).find(text)
    assert all(0.0 < hit.share <= 1.0 and hit.ngrams >= 1 for hit in hits)
    assert len({hit.reference for hit in hits}) == len(hits)


def test_n_is_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ReferenceIndex([], n=0)

"""The counts of diversity against their definitions (see the invariants in the literature on lexical diversity)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.text import diversity

SAME = [list("abcdef")] * 4
DISJOINT = [list("abcdef"), list("ghijkl"), list("mnopqr")]
SETS = st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=6)


def test_copies_of_one_text() -> None:
    assert diversity.distinct_n(SAME, 1) == 1 / 4
    assert diversity.ingf_mean(SAME, 1) == 4
    for most in range(1, 6):
        assert diversity.self_bleu(SAME, most) == pytest.approx(1.0)


def test_texts_with_nothing_in_common() -> None:
    assert diversity.distinct_n(DISJOINT, 2) == 1.0
    assert diversity.self_bleu(DISJOINT) == 0.0
    assert diversity.self_repetition(DISJOINT) == 0.0
    assert diversity.ingf_dqi(DISJOINT, 1) is None


@given(SETS, st.integers(1, 4))
def test_ranges_and_reciprocals(texts: list[list[str]], n: int) -> None:
    distinct = diversity.distinct_n(texts, n)
    if distinct is None:
        assert diversity.ingf_mean(texts, n) is None
        assert diversity.ngram_entropy(texts, n) is None
        return
    assert 0.0 < distinct <= 1.0
    assert diversity.ingf_mean(texts, n) == pytest.approx(1 / distinct)
    assert diversity.distinct_n(texts * 2, n) == pytest.approx(distinct / 2)
    assert diversity.ngram_entropy(texts * 2, n) == pytest.approx(diversity.ngram_entropy(texts, n))


def test_nothing_to_count_is_none() -> None:
    assert diversity.distinct_n([], 1) is None
    assert diversity.distinct_n([["a"]], 2) is None
    assert diversity.self_bleu([["a"]]) is None
    assert diversity.compression_ratio([]) is None
    assert diversity.self_repetition([]) is None
    assert diversity.expectation_adjusted_distinct([], 1, 10) is None


def test_bleu_by_hand() -> None:
    """Matches 2 of 3, 1 of 2, none of 1 (0.1 by smoothing method 1); one word longer than the reference, so no penalty."""
    score = diversity.bleu(["the", "cat", "sat"], [["the", "cat"]], most=3)
    assert score == pytest.approx((2 / 3 * 1 / 2 * 0.1) ** (1 / 3))
    shorter = diversity.bleu(["the", "cat"], [["the", "cat", "sat"]], most=2)
    assert shorter == pytest.approx(math.exp(1 - 3 / 2))


def test_references_are_drawn_by_seed() -> None:
    texts = [list(text) for text in ("abcd", "abce", "abfg", "ahij", "klmn")]
    assert diversity.self_bleu(texts, references=2, seed=1) == diversity.self_bleu(texts, references=2, seed=1)
    assert diversity.self_bleu(texts, references=9) == diversity.self_bleu(texts)


def test_what_repeats_compresses() -> None:
    repeated, varied = diversity.compression_ratio(["one and the same line"] * 50), diversity.compression_ratio(["one and the same line"])
    assert repeated is not None
    assert varied is not None
    assert repeated > 5 * varied


def test_ead_of_many_draws_from_few_words_is_about_one() -> None:
    assert diversity.expectation_adjusted_distinct([list("abcd") * 20], 1, 4) == pytest.approx(1.0, abs=1e-6)

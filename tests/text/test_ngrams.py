"""Tokens and n-grams."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.text.ngrams import character_ngrams, distinct_counts, ngrams, pieces, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't panic!", ["don't", "panic"]),
        ("12,000 and 3.5", ["12,000", "and", "3.5"]),
        ("日本語 text", ["日", "本", "語", "text"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("I 😀 it", ["i", "😀", "it"]),
        ("ＡＢＣ Straße", ["abc", "strasse"]),
        ("", []),
        ("?!", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    import unicodedata

    assert words(text) == [unicodedata.normalize("NFKC", word) for word in expected]


@given(st.text(max_size=60))
def test_nothing_but_white_space_is_lost_in_pieces(text: str) -> None:
    assert "".join(pieces(text)).split() == ["".join(text.split())] or not text.split()


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5))
def test_number_of_ngrams(tokens: list[int], n: int) -> None:
    found = list(ngrams(tokens, n))
    assert len(found) == max(0, len(tokens) - n + 1)
    assert all(len(gram) == n for gram in found)


def test_character_ngrams_of_a_short_text_are_none() -> None:
    assert list(character_ngrams("ab", 3)) == []
    assert list(character_ngrams(" a \n b ", 3)) == ["a b"]


def test_counts_do_not_cross_texts() -> None:
    assert distinct_counts([["a", "b"], ["a", "b"], ["c"]], 2) == (1, 2)


def test_n_is_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        list(ngrams("abc", 0))
    with pytest.raises(ValueError, match="at least 1"):
        list(character_ngrams("abc", 0))

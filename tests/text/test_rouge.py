"""ROUGE-L against its definition, and the pool against the plain loop."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.text.rouge import Pool, most_similar, rouge_l, tokens

SHORT = st.lists(st.sampled_from(["write", "a", "poem", "about", "the", "rain", "sun", "and", "2", "cats"]), max_size=8).map(" ".join)


def _plain(one: str, other: str) -> float:
    """Lin 2004, equations 2 to 4, by the textbook table."""
    a, b = tokens(one), tokens(other)
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    if not table[-1][-1]:
        return 0.0
    precision, recall = table[-1][-1] / len(a), table[-1][-1] / len(b)
    return 2 * precision * recall / (precision + recall)


@given(SHORT, SHORT)
def test_the_definition_and_symmetry(one: str, other: str) -> None:
    assert rouge_l(one, other) == pytest.approx(_plain(one, other))
    assert rouge_l(one, other) == rouge_l(other, one)


def test_the_reference_package_gives_these() -> None:
    """Values of rouge-score 0.1.2, rougeL without stemmer."""
    assert rouge_l("testing one two", "testing") == pytest.approx(0.5)
    assert rouge_l("The quick brown fox jumps over the lazy dog", "The quick brown dog jumps on the log.") == pytest.approx(10 / 17)


@given(st.lists(SHORT, max_size=12), SHORT, st.sampled_from([0.0, 0.5, 0.7]))
def test_the_pool_finds_what_the_loop_finds(pool: list[str], candidate: str, at_least: float) -> None:
    scores = [rouge_l(candidate, text) for text in pool]
    best = max(scores, default=0.0)
    found = most_similar(candidate, pool, at_least=at_least)
    if best == 0.0 or best < at_least:
        assert found is None
    else:
        assert found is not None
        assert found.score == pytest.approx(best)
        assert found.number == next(number for number, score in enumerate(scores) if score == pytest.approx(best))


def test_the_ten_most_similar_come_best_first() -> None:
    rng = random.Random(0)
    texts = [" ".join(rng.choices("abcdefg", k=6)) for _ in range(300)]
    found = Pool(texts).similar("a b c d e f", most=10)
    expected = sorted((-rouge_l("a b c d e f", text), number) for number, text in enumerate(texts))[:10]
    assert [(-one.score, one.number) for one in found] == [(pytest.approx(score), number) for score, number in expected]


def test_a_growing_pool() -> None:
    pool = Pool()
    assert pool.most_similar("anything") is None
    assert [pool.add(f"text number {number}") for number in range(1500)] == list(range(1500))
    assert len(pool) == 1500
    assert pool.most_similar("text number 1234") == (1234, 1.0)
    assert pool.most_similar("") is None


def test_other_scripts_have_tokens_too() -> None:
    assert rouge_l("写一首诗", "写一首歌") == pytest.approx(0.75)
    assert rouge_l("写一首诗", "write") == 0.0

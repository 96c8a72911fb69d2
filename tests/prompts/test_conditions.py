"""Spaces are drawn from uniformly, independently and reproducibly."""

import random
from collections import Counter

import pytest

from tilth.prompts import Balanced, Integers, Space, Values, Words


def chi_square(counts, expected):
    return sum((counts[value] - want) ** 2 / want for value, want in expected.items())


def test_values_are_uniform_without_weights_and_follow_them_with():
    rng = random.Random(1)
    counts = Counter(Values(["a", "b", "c"]).draw(rng) for _ in range(3000))
    assert chi_square(counts, dict.fromkeys("abc", 1000)) < 13.8  # 2 degrees of freedom, p = 0.001
    counts = Counter(Values(["a", "b"], weights=[3, 1]).draw(rng) for _ in range(4000))
    assert chi_square(counts, {"a": 3000, "b": 1000}) < 10.8
    assert Counter(Values(["a", "b"], weights=[0, 1]).draw(rng) for _ in range(50)) == {"b": 50}


@pytest.mark.parametrize("wrong", [{"values": []}, {"values": ["a"], "weights": [1, 2]}, {"values": ["a", "b"], "weights": [0, 0]}])
def test_impossible_values_are_refused(wrong):
    with pytest.raises(ValueError):
        Values(**wrong)


def test_integers_include_both_ends():
    rng = random.Random(0)
    assert {Integers(2, 4).draw(rng) for _ in range(100)} == {2, 3, 4}


def test_words_are_different_words_of_the_list():
    words = Words(5).draw(random.Random(3))
    assert len(set(words)) == 5 and all(word.isalpha() and word.islower() for word in words)
    assert words == Words(5).draw(random.Random(3)) != Words(5).draw(random.Random(4))


def test_a_space_draws_each_name_independently():
    space, rng = Space({"tone": ["calm", "angry"], "place": Values(["x", "y"]), "n": Integers(1, 1), "fixed": "z"}), random.Random(5)
    draws = [space.draw(rng) for _ in range(4000)]
    pairs = Counter((draw["tone"], draw["place"]) for draw in draws)
    assert chi_square(pairs, {(a, b): 1000 for a in ("calm", "angry") for b in "xy"}) < 16.3  # 3 degrees of freedom
    assert {(draw["n"], draw["fixed"]) for draw in draws} == {(1, "z")}


def test_balanced_counts_differ_by_at_most_one_at_every_point():
    space, counts = Balanced("abc", random.Random(2)), Counter(dict.fromkeys("abc", 0))
    orders = set()
    for k in range(60):
        counts[space.draw(k)] += 1
        assert max(counts.values()) - min(counts.values()) <= 1
        if k % 3 == 2:
            orders.add("".join(space.draw(j) for j in (k - 2, k - 1, k)))
    assert len(orders) > 1, "cycles are shuffled"


def test_balanced_gives_the_same_value_for_the_same_k_in_any_order_of_asking():
    one, other = Balanced("abcd", random.Random(7)), Balanced("abcd", random.Random(7))
    assert [one.draw(k) for k in range(20)] == [other.draw(k) for k in reversed(range(20))][::-1]
    assert [Balanced("ab").draw(k) for k in range(4)] == ["a", "b", "a", "b"]

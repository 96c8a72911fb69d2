"""Selectors choose by seed, and rows are written through a template."""

import random
from collections import Counter

from tilth.prompts.demonstrations import balanced_k, fixed_k, random_k, render

POOL = [{"text": f"t{i}", "label": "ab"[i % 2] if i < 6 else "c"} for i in range(9)]


def test_fixed_takes_the_first():
    assert fixed_k(2)(POOL, random.Random(0)) == POOL[:2]


def test_random_takes_different_rows_by_seed():
    chosen = random_k(4)(POOL, random.Random(1))
    assert len({row["text"] for row in chosen}) == 4
    assert chosen == random_k(4)(POOL, random.Random(1)) != random_k(4)(POOL, random.Random(2))
    assert len(random_k(99)(POOL, random.Random(1))) == 9


def test_balanced_takes_equally_many_of_each_label():
    for seed in range(5):
        chosen = balanced_k(7)(POOL, random.Random(seed))
        counts = Counter(row["label"] for row in chosen)
        assert sorted(counts.values()) == [2, 2, 3] and len({row["text"] for row in chosen}) == 7


def test_balanced_goes_on_with_the_others_when_one_label_runs_out():
    pool = [{"text": "x", "label": "rare"}, *({"text": f"y{i}", "label": "common"} for i in range(5))]
    assert Counter(row["label"] for row in balanced_k(4)(pool, random.Random(0))) == {"rare": 1, "common": 3}


def test_balanced_does_not_give_the_label_away_by_position():
    first = Counter(balanced_k(4)(POOL, random.Random(seed))[0]["label"] for seed in range(60))
    assert len(first) == 3


def test_render_writes_each_row_and_its_number():
    assert render(POOL[:2], "{{ number }}) {{ text }}", between="|") == "1) t0|2) t1"

"""Near-duplicates: what is one text, what is two, and what may not depend on order, script or size."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import RequestError
from tilth.text.near import near_duplicates, similar_pairs

SAME = [
    ("What is 12+7?", "Please, what's twelve + 7"),
    ("Write a poem about autumn.", "could you please write poem about the autumn"),
    ("In May, he ran 5 km.", "He ran five km in May"),
    ("Summarise the colours of the theatre.", "Summarize the color of the theater. Thanks in advance!"),
    ("Don't do it, e.g. at home", "do not do it, for example at home"),
    ("It costs 12,000 yen", "It costs 12000 yen."),
    ("List twenty-five birds", "Q: list 25 birds"),
    ("Ｗｒｉｔｅ ａ ｌｅｔｔｅｒ", "write a\u200b letter"),
    ("def f(x):\n    return x + 1\n", "def f(x):  \r\n\r\n    return x + 1"),
]
OTHER = [
    ("What is 12+7?", "What is 85+3?"),
    ("Write a poem about autumn.", "Write a poem about winter."),
    ("The film is good.", "The film is not good."),
    ("Convert 5 km to miles.", "Convert 5 miles to km."),
    ("Convert 5 km to meters.", "Convert 5 kg to meters."),
    ("It costs $5.", "It costs €5."),
    ("the dog bites the man", "the man bites the dog"),
    ("List the tallest trees in Peru", "List the shortest trees in Peru"),
    ("Who wrote Hamlet?", "When did he write Hamlet?"),
    ("def f(x):\n    return x + 1", "def f(x):\n    return x - 1"),
    ("if a:\n    b()\n    c()", "if a:\n    b()\nc()"),
    ("Solve for x: 3x = 9", "Solve for y: 3y = 9"),
    ("Use Python 3.1 here", "Use Python 3.10 here"),
    ("Q: Who is it?", "A: Who is it?"),
    ("I love it 😀", "I love it 😡"),
    ("10² is enough", "102 is enough"),
    ("Name the county seat", "Name the country seat"),
    ("Find the trail in the wood", "Find the trial in the wood"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_said_otherwise_is_a_duplicate(one: str, other: str) -> None:
    [found] = near_duplicates([one, "something else in between", other])
    assert (found.row, found.neighbour) == (2, 0)
    assert 0.85 <= found.similarity <= 1.0


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_meaning_is_none(one: str, other: str) -> None:
    assert not list(near_duplicates([one, other]))


def test_a_misspelling_of_a_frequent_word_is_a_duplicate() -> None:
    texts = [f"Describe the banana of {name}" for name in ("Peru", "Chile", "Ghana", "India", "Kenya")]
    [found] = near_duplicates([*texts, "Describe the bannana of Chile"])
    assert (found.row, found.neighbour) == (5, 1)
    assert found.similarity < 1.0


def test_two_frequent_words_are_no_misspellings_of_each_other() -> None:
    texts = [f"Draw a {word} of {name}" for word in ("parrot", "carrot") for name in ("Peru", "Chile", "Ghana", "India", "Kenya")]
    assert not list(near_duplicates(texts))


def test_the_numbers_of_a_template_count_only_when_kept() -> None:
    texts = [f"Ann has {number} apples and eats 2." for number in (3, 4, 5)]
    assert not list(near_duplicates(texts))
    assert [found.row for found in near_duplicates(texts, numbers="ignore")] == [1, 2]


def _story(length: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(string.ascii_lowercase, k=7)) for _ in range(length)]


@pytest.mark.parametrize("length", [165, 180, 400])
def test_a_long_text_may_differ_in_a_few_words(length: int) -> None:
    words = _story(length, 1)
    close, far = list(words), list(words)
    close[length // 2] = "otherwise"
    for at in range(15, length - 15, 4):
        far[at] = f"elsewhere{at}"
    found = list(near_duplicates([" ".join(words), " ".join(close), " ".join(far)]))
    assert [(one.row, one.neighbour) for one in found] == [(1, 0)]


def test_a_number_or_the_task_before_a_long_text_counts_at_any_length() -> None:
    words = _story(400, 2)
    plain = " ".join(["translate", *words, "5", *words])
    assert not list(near_duplicates([plain, " ".join(["summarize", *words, "5", *words]), " ".join(["translate", *words, "6", *words])]))


def test_exact_words_0_asks_for_the_threshold_alone() -> None:
    words = _story(20, 3)
    texts = [" ".join(words), " ".join([*words, "nothingmore"])]
    assert not list(near_duplicates(texts))
    assert not list(near_duplicates(texts, exact_words=0)), "the end of a text names its task"
    middle = " ".join([*_story(15, 4), *words, *_story(15, 5)]), " ".join([*_story(15, 4), *words, "nothingmore", *_story(15, 5)])
    assert [found.row for found in near_duplicates(middle, exact_words=0)] == [1]


def test_the_first_is_kept_and_every_dropped_text_names_a_kept_one() -> None:
    texts = ["Say it.", "say it", "Say it!", "Other", "SAY IT", "other."]
    found = list(near_duplicates(iter(texts)))
    dropped = {one.row for one in found}
    assert dropped == {1, 2, 4, 5}
    assert all(one.neighbour not in dropped and one.neighbour < one.row for one in found)


def test_identical_rows_cost_no_more_than_their_number() -> None:
    found = list(near_duplicates(["Name a river in Asia."] * 5000))
    assert [one.row for one in found] == list(range(1, 5000))
    assert {one.neighbour for one in found} == {0}


def test_empty_texts_are_duplicates_of_each_other_only() -> None:
    assert [(one.row, one.neighbour) for one in near_duplicates(["", "a river", "", " \n"])] == [(2, 0), (3, 0)]
    assert not list(near_duplicates([]))
    assert not list(near_duplicates(["!!!", "???", "..."]))


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("اكتب قصيدة عن الخريف", "«اكتب قصيدة عن الخريف»", "اكتب قصيدة عن الشتاء"),
        ("כתוב שיר על הסתיו", "\u200fכתוב  שיר על הסתיו.", "כתוב שיר על החורף"),
        ("写一首关于秋天的诗", "写一首关于秋天的诗。", "写一首关于冬天的诗"),
        ("शरद ऋतु पर एक कविता लिखो", "शरद ऋतु पर एक कविता लिखो।", "शीत ऋतु पर एक कविता लिखो"),
        ("จงเขียนบทกวี", "จงเขียนบทกวี!", "จงเขียนบทเพลง"),
        ("१२ और ७", "12 और 7", "13 और 7"),
    ],
)
def test_other_scripts(one: str, same: str, other: str) -> None:
    assert [(found.row, found.neighbour) for found in near_duplicates([one, other, same])] == [(2, 0)]


def test_rows_of_a_megabyte() -> None:
    rng = random.Random(0)
    words = rng.choices(_story(2000, 6), k=130_000)
    long = " ".join(words)
    words[60_000] = "changed"
    assert len(long) > 1_000_000
    assert [found.row for found in near_duplicates([long, " ".join(words), "a" * 1_000_000, "a short one"])] == [1]


def test_lone_surrogates_do_no_harm() -> None:
    assert len(list(near_duplicates(["\ud800 word", "\ud800 word", "\ud801 word"]))) >= 1


WORDS = st.sampled_from(
    ["a", "the", "cat", "cats", "12", "not", "in", "May", "he", "ran", "x", "+", "Please", "5", "five", "river", "🙂", "لا"]
)
TEXTS = st.lists(st.lists(WORDS, max_size=6).map(" ".join) | st.text(max_size=12), max_size=14)


@given(TEXTS, st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_what_is_alike_depends_on_no_order(texts: list[str], rng: random.Random) -> None:
    """The partition into groups of alike texts is the same after a shuffle, and similarity has no direction."""
    texts = list(dict.fromkeys(texts))
    shuffled = rng.sample(texts, len(texts))
    assert _groups(texts) == _groups(shuffled)


def _groups(texts: list[str]) -> set[frozenset[str]]:
    group = {text: {text} for text in texts}
    for pair in similar_pairs(texts):
        both = group[texts[pair.left]] | group[texts[pair.right]]
        for text in both:
            group[text] = both
    return {frozenset(one) for one in group.values()}


@given(TEXTS)
@settings(max_examples=100)
def test_pairs_are_in_range_and_repeatable(texts: list[str]) -> None:
    found = sorted(similar_pairs(texts))
    assert found == sorted(similar_pairs(texts))
    assert all(0 <= pair.left < pair.right < len(texts) and 0.85 <= pair.similarity <= 1.0 for pair in found)
    dropped = {one.row for one in near_duplicates(texts)}
    assert dropped == {one.row for one in near_duplicates(iter(texts))}
    assert not list(near_duplicates([text for row, text in enumerate(texts) if row not in dropped])), "what is kept holds no duplicates"


@pytest.mark.parametrize(("threshold", "numbers"), [(0.0, "keep"), (1.5, "keep"), (0.9, "drop")])
def test_wrong_settings_are_refused(threshold: float, numbers: str) -> None:
    with pytest.raises(RequestError):
        list(near_duplicates(["a"], threshold, numbers=numbers))  # type: ignore[arg-type]


def test_real_texts_hold_few_duplicates(shared: Path) -> None:
    """GSM8K: one template may give two problems; only their numbers and names tell them apart."""
    import gzip
    import json

    with gzip.open(shared / "data/reasoning_code/gsm8k/train.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["question"] for line in lines][:2000]
    assert not list(near_duplicates(texts))
    assert [found.neighbour for found in near_duplicates([*texts, texts[7].upper()])] == [7]

"""Utility: arms, controls, gains. What must hold whatever the data are."""

from __future__ import annotations

import random

import pytest

from tilth.errors import RequestError
from tilth.evaluate.utility.arms import EDA, MAJORITY, REAL, TEMPLATES, Example, Key, nested
from tilth.evaluate.utility.eda import augmented
from tilth.evaluate.utility.experiment import Design, Learner, embedding, experiment, tfidf
from tilth.evaluate.utility.table import Table
from tilth.models.hashed import HashedTfidf

GOOD = ["superb", "moving", "warm", "clever", "funny", "bright", "tender", "gripping"]
BAD = ["dull", "clumsy", "cold", "stupid", "tedious", "bleak", "shallow", "boring"]
COMMON = ["film", "story", "actor", "scene", "ending", "music", "pace", "script", "camera", "plot"]


def rows(n: int, seed: int, *, flipped: float = 0.0) -> list[Example]:
    """Texts whose label is told by one word of eight, the rest says nothing."""
    rng, out = random.Random(seed), []
    for at in range(n):
        label = ("good", "bad")[at % 2]
        told = rng.choice(GOOD if label == "good" else BAD)
        said = label if rng.random() >= flipped else {"good": "bad", "bad": "good"}[label]
        out.append(Example(" ".join([*rng.sample(COMMON, 4), told, rng.choice(COMMON)]), said))
    return out


def hashed() -> Learner:
    return embedding(HashedTfidf(64).vectors, name="hashed")


DESIGN = Design(sizes=(4, 16), seeds=(0, 1, 2, 3), per_label=True, draws=300)


@pytest.fixture(scope="module")
def table() -> Table:
    sets = {"LLM": [rows(60, 7), rows(60, 8)], TEMPLATES: [rows(20, 9, flipped=0.5)]}
    half = {"first half": lambda arm, generation, given: list(range(len(given) // 2))}
    return experiment(rows(200, 1), rows(120, 2), sets, DESIGN, students=[tfidf(), hashed()], filters=half)


def test_every_control_is_there_for_every_student_and_size(table: Table) -> None:
    for student in ("tfidf", "hashed"):
        for size in (4, 16):
            assert {Key(student, size, arm) for arm in (REAL, MAJORITY, EDA, TEMPLATES, "LLM")} <= set(table.keys())
            assert Key(student, size, "LLM", "random half for first half") in table
        assert Key(student, 0, "LLM", way="only") in table
    assert table.missing == []


def test_templates_are_not_filtered(table: Table) -> None:
    assert {key.filter for key in table if key.arm == TEMPLATES} == {""}


def test_a_gain_is_the_difference_of_the_values_and_is_paired(table: Table) -> None:
    more, less = Key("hashed", 4, "LLM"), Key("hashed", 4, REAL)
    gain = table.gain(more, less)
    assert gain is not None
    assert gain.value == pytest.approx(table.value(more).value - table.value(less).value)
    assert gain.low > 0
    back = table.gain(less, more)
    assert back is not None
    assert (back.low, back.high) == (pytest.approx(-gain.high), pytest.approx(-gain.low))
    zero = table.gain(more, more)
    assert zero is not None
    assert (zero.low, zero.high) == (0.0, 0.0)


def test_relative_and_absolute_are_both_given_and_not_mixed(table: Table) -> None:
    line = next(one for one in table.rows() if one["arm"] == "LLM" and one["size"] == 4 and not one["filter"])
    real = table.value(Key(line["student"], 4, REAL)).value
    assert line["gain_relative"]["value"] == pytest.approx(line["gain"]["value"] / real, abs=1e-5)
    assert line["n"] == 120
    assert line["fits"] == 8


def test_the_headline_says_gain_only_over_real_and_over_templates(table: Table) -> None:
    verdicts = {one.key: one.verdict for one in table.headlines()}
    assert verdicts[Key("hashed", 4, "LLM")] == "gain"
    assert not any(key.arm in (EDA, REAL, TEMPLATES, MAJORITY) for key in verdicts)


def test_without_templates_the_control_is_reported_as_missing_and_no_gain_is_claimed() -> None:
    found = experiment(rows(60, 1), rows(60, 2), {"LLM": [rows(40, 7)]}, DESIGN, students=[hashed()])
    assert any(TEMPLATES in line for line in found.missing)
    assert {one.verdict for one in found.headlines()} <= {"unknown", "no gain", "loss"}
    assert any("templates: missing" in one.sentence() for one in found.headlines())


def test_rows_with_random_labels_are_no_gain_and_are_warned_of() -> None:
    design = Design(sizes=(40,), seeds=tuple(range(5)), per_label=True, draws=300)
    found = experiment(rows(200, 1), rows(200, 2), {"noise": [rows(200, 7, flipped=0.5)]}, design, students=[hashed()])
    assert found.headlines()[0].verdict in ("loss", "no gain")
    assert any("balanced" in line for line in found.warnings)


def test_a_copy_of_the_real_rows_adds_about_nothing() -> None:
    real = rows(40, 1)
    design = Design(sizes=(40,), seeds=(0, 1, 2), draws=300, ways=("add",))
    found = experiment(real, rows(200, 2), {"copy": [real]}, design, students=[tfidf(), hashed()])
    for one in found.headlines():
        assert one.verdict == "no gain"
        assert abs(one.over_real.value) < 0.05


def test_eda_is_about_zero(table: Table) -> None:
    gain = table.gain(Key("tfidf", 16, EDA), Key("tfidf", 16, REAL))
    assert gain is not None
    assert abs(gain.value) < 0.08


def test_only_synthetic_rows_are_trained_once_a_generation(table: Table) -> None:
    line = next(one for one in table.rows() if one["arm"] == "LLM" and one["way"] == "only" and not one["filter"])
    assert line["fits"] == 2


def test_macro_f1_of_the_majority_is_a_third() -> None:
    design = Design(sizes=(3,), seeds=(0,), draws=100, metric="macro_f1", eda=0)
    found = experiment(rows(60, 1), rows(100, 2), {}, design, students=[hashed()])
    assert found.value(Key("hashed", 3, MAJORITY)).value == pytest.approx(1 / 3, abs=1e-6)


def test_same_input_same_table(table: Table) -> None:
    sets = {"LLM": [rows(60, 7), rows(60, 8)], TEMPLATES: [rows(20, 9, flipped=0.5)]}
    half = {"first half": lambda arm, generation, given: list(range(len(given) // 2))}
    again = experiment(rows(200, 1), rows(120, 2), sets, DESIGN, students=[tfidf(), hashed()], filters=half)
    assert list(again.rows()) == list(table.rows())


def test_an_empty_set_is_named_and_not_scored() -> None:
    found = experiment(rows(30, 1), rows(30, 2), {"LLM": [[]]}, DESIGN, students=[hashed()])
    assert any(line.startswith("LLM:") for line in found.missing)
    assert not any(key.arm == "LLM" for key in found)


def test_no_test_rows_is_one_clear_line() -> None:
    with pytest.raises(RequestError, match="the test data has no row"):
        experiment(rows(30, 1), [], {}, DESIGN, students=[hashed()])


@pytest.mark.parametrize("per_label", [True, False])
def test_draws_are_nested_and_spread_over_labels(per_label: bool) -> None:
    labels = ["a"] * 70 + ["b"] * 20 + ["c"] * 10
    for seed in range(5):
        draw = nested(labels, [3, 10, 50, 100], seed, per_label=per_label)
        assert set(draw[3]) < set(draw[10]) < set(draw[50]) < set(draw[100])
        assert {labels[row] for row in draw[3]} == {"a", "b", "c"}
    counts = {label: sum(labels[row] == label for row in draw[50]) for label in "abc"}
    assert counts == ({"a": 20, "b": 20, "c": 10} if per_label else {"a": 35, "b": 10, "c": 5})


def test_another_seed_draws_other_rows() -> None:
    labels = ["a", "b"] * 50
    assert nested(labels, [10], 0)[10] != nested(labels, [10], 1)[10]


def test_eda_uses_words_of_the_same_label_only() -> None:
    made = augmented(["one two three", "four five six"], ["x", "y"], each=40)
    assert set(" ".join(made[0]).split()) <= {"one", "two", "three"}
    assert augmented(["one two three"], ["x"], each=8) == augmented(["one two three"], ["x"], each=8)
    assert all(one for one in augmented(["word"], ["x"], each=8)[0])

"""What each step drops, and why it says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from curate.support import curate
from tilth.curate import Curation, step_of
from tilth.errors import RequestError
from tilth.models.scripted import ScriptedModel


def test_refusals_and_lengths_are_dropped_with_their_reasons(tmp_path: Path) -> None:
    rows = [{"text": "a fine film with a good heart"}, {"text": "I'm sorry, but I cannot assist with that request."}, {"text": "ok"}]
    found = curate(tmp_path / "r", rows, ["refusals", {"length": {"words": [3, 400]}}])
    assert found.ids == ["row-0000"]
    assert {id_: (row["step"], row["reason"]) for id_, row in found.rejected.items()} == {
        "row-0001": ("refusals", "refused"),
        "row-0002": ("length", "too_short"),
    }
    assert found.scores("refusals")["row-0001"]["detail"] == "cannot_assist"
    assert found.outcome.reasons == {("refusals", "refused"): 1, ("length", "too_short"): 1}


def test_a_condition_on_null_is_not_scored(tmp_path: Path) -> None:
    rows = [{"text": "a", "stars": 5}, {"text": "b", "stars": 1}, {"text": "c", "stars": None}]
    assert curate(tmp_path / "a", rows, [{"drop_if": "stars < 3"}]).ids == ["row-0000", "row-0002"]
    kept = curate(tmp_path / "b", rows, [{"keep_if": "stars >= 3"}])
    assert kept.ids == ["row-0000"]
    assert {row["reason"] for row in kept.rejected.values()} == {"not: stars >= 3", "not_scored"}
    assert curate(tmp_path / "c", rows, [{"keep_if": "stars is none or stars > 3"}]).ids == ["row-0000", "row-0002"]


def test_a_judge_rates_by_criteria_and_keeps_the_middle(tmp_path: Path) -> None:
    def rate(request: Any) -> str:
        return "clear: 2\nuseful: 3" if "bad" in str(request.messages) else "clear: 4\nuseful: 5"

    step = {"judge": {"asks": {"clear": "Is it clear?", "useful": "Is it useful?"}}}
    found = curate(tmp_path / "r", [{"text": "good text"}, {"text": "bad text"}], [step], model=ScriptedModel(rate))
    assert found.ids == ["row-0000"] and found.rejected["row-0001"]["score"] == 2.5
    assert found.scores("judge")["row-0001"]["detail"] == '{"clear":2.0,"useful":3.0}'


def test_a_pair_is_judged_in_both_orders_and_a_preference_for_a_place_is_none(tmp_path: Path) -> None:
    def better(request: Any) -> str:
        said = str(request.messages)
        if "place" in said:
            return "A"  # whatever stands first
        return "A" if said.index("good") < said.index("poor") else "B"

    rows = [
        {"prompt": "p", "chosen": "good answer", "rejected": "poor answer"},
        {"prompt": "p", "chosen": "poor answer", "rejected": "good answer"},
        {"prompt": "p", "chosen": "place one", "rejected": "place two"},
    ]
    model = ScriptedModel(better)
    found = curate(tmp_path / "r", rows, [{"judge": {"asks": "Which helps more?", "pairwise": True}}], model=model)
    assert [row["score"] for row in found.scores("judge").values()] == [1.0, 0.0, 0.5]
    assert found.ids == ["row-0000"] and model.calls == 4, "the first two pairs ask the same questions"
    assert any("the same in both orders in 2 of 3 pairs" in line for line in found.outcome.warnings)


def test_a_judge_of_pairs_does_not_see_which_one_was_chosen(tmp_path: Path) -> None:
    row = {"prompt": "the question", "chosen": "one", "rejected": "two", "chosen_score": 4.75, "rejected_model": "x/weak", "topic": "birds"}
    model = ScriptedModel(lambda request: "tie")
    curate(tmp_path / "r", [row], [{"judge": {"asks": "Which helps more?", "pairwise": True}}], model=model)
    assert all("the question" in asked and "birds" in asked for asked in map(str, model.requests))
    assert not any("4.75" in asked or "weak" in asked or "chosen" in asked or "rejected" in asked for asked in map(str, model.requests))


def test_the_most_probable_share_of_each_label_stays(tmp_path: Path) -> None:
    rows = [{"text": f"text {k}", "label": "a" if k < 8 else "b"} for k in range(12)]

    def score(prompt: str, word: str) -> float:
        return -float(int(prompt.split("text ")[1].split()[0])) if word == " a" else -6.0

    step = {"label_probability": {"keep": 0.5, "words": {"a": " a", "b": " b"}}}
    found = curate(tmp_path / "r", rows, [step], model=ScriptedModel(lambda request: "", score=score))
    assert found.ids == ["row-0000", "row-0001", "row-0002", "row-0003", "row-0010", "row-0011"]


def test_numbers_keep_texts_apart_unless_they_are_ignored(tmp_path: Path) -> None:
    rows = [{"text": "What is 12 plus 7?"}, {"text": "What is 85 plus 3?"}]
    assert len(curate(tmp_path / "a", rows, [{"dedupe": {"near": 0.8}}]).ids) == 2
    assert len(curate(tmp_path / "b", rows, [{"dedupe": {"near": 0.8, "numbers": "ignore"}}]).ids) == 1


def test_only_rows_that_share_a_column_are_compared_within_it(tmp_path: Path) -> None:
    rows = [{"text": "the same words", "label": label} for label in ("a", "b", "a")]
    for step in ({"exact": True, "on": "text"}, {"near": 0.9}, {"semantic": 0.9}):
        found = curate(tmp_path / str(len(step)) / next(iter(step)), rows, [{"dedupe": {**step, "within": "label"}}])
        assert found.ids == ["row-0000", "row-0001"]


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ("dedup", "no step is called 'dedup'. Did you mean 'dedupe'?"),
        ({"length": {}}, "step 'length': needs exactly one of words, chars, tokens, each [least, most]."),
        ({"dedupe": {"exact": True, "near": 0.9}}, "step 'dedupe': compares in one way; this is exact and near. Write a step for each."),
        ({"language": "xx"}, "step 'language': is: cannot be 'xx': languages that are told apart are "),
        ({"judge": {"asks": ""}}, "step 'judge': a judge needs a question in 'asks'."),
        ({"label_probability": {"keep": 0.5, "at_least": 0.0}}, "step 'label_probability': takes 'keep' or 'at_least', not both."),
        (["refusals"], "a step is NAME, NAME: VALUE, or NAME: {setting: value}, one in each list item."),
    ],
)
def test_a_wrong_step_is_one_line(item: Any, line: str) -> None:
    with pytest.raises(RequestError) as caught:
        step_of(item)
    assert str(caught.value).startswith(line)


def test_two_steps_of_one_kind_get_ids_of_their_own() -> None:
    curation = Curation([{"length": {"words": [1, 9]}}, {"length": {"chars": [1, 99]}}])
    assert [step.step_id for step in curation.steps] == ["length", "length_2"]
    with pytest.raises(RequestError, match="two steps have the id 'twice'"):
        Curation([{"length": {"words": [1, 9], "id": "twice"}}, {"length": {"chars": [1, 99], "id": "twice"}}])


def test_settings_read_back_to_the_same_steps() -> None:
    curation = Curation(
        ["refusals", {"length": {"words": [3, None]}}, {"dedupe": 0.9}, {"judge": {"asks": "Good?", "keep": {"at_least": 4}}}]
    )
    assert Curation(curation.settings()).steps == curation.steps

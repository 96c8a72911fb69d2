"""Judges: what they see, how their replies are read, and where scores go."""

from __future__ import annotations

import pytest

from flows.support import asked as first
from flows.support import go, model, said
from tilth.errors import Failure
from tilth.models.base import Reply
from tilth.prompts.ratings import scores_parser

HEAD = """\
tilth: 1
task: {about: Films.}
generate:
  rows: 1
  columns:
    text: {prompt: 'Write.'}
    secret: {values: [s3cret], keep: false}
"""


def judged(line: str, reply: str) -> tuple[object, str]:
    """The only record, and what the judge was asked."""
    judge = model(lambda request: reply)
    _, records = go(HEAD + f"    fit: {line}\n", models={"generator": model(lambda request: "A film."), "judge": judge})
    return records[0], said(judge.requests[0])


def test_a_question_gives_one_score_in_the_lineage_and_no_column() -> None:
    record, asked = judged("{judge: 'Is it fluent?'}", "Score: 4")
    assert dict(record) == {"text": "A film."}  # type: ignore[call-overload]
    assert record.meta["scores"] == {"fit": 4.0}  # type: ignore[attr-defined]
    assert asked == (
        "Task: Films.\n\n[text]\nA film.\n\nQuestion: Is it fluent?\nAnswer with a score from 1 (not at all) to 5 (fully).\n\n"
        "Reply in exactly this form and with nothing else:\nScore: <number>"
    )


def test_criteria_give_a_score_each_and_keep_makes_a_column() -> None:
    record, asked = judged("{judge: {clear: it is plain, true: it is right}, scale: [0, 10], keep: true}", "clear: 7\ntrue: 10")
    assert record["fit"] == {"clear": 7.0, "true": 10.0}  # type: ignore[index]
    assert record.meta["scores"] == {"fit.clear": 7.0, "fit.true": 10.0}  # type: ignore[attr-defined]
    assert "- clear: it is plain\n- true: it is right" in asked


def test_a_judge_that_names_a_column_sees_that_one_only() -> None:
    _, asked = judged("{judge: 'Is {{ secret }} hidden?'}", "Score: 1")
    assert "[secret]\ns3cret" in asked
    assert "A film." not in asked


def test_a_reply_without_a_score_is_not_scored_and_costs_no_row() -> None:
    record, _ = judged("{judge: 'Is it fluent?', keep: true}", "Well, it depends.")
    assert record["fit"] is None  # type: ignore[index]
    score = record.meta["scores"]["fit"]  # type: ignore[attr-defined]
    assert score["value"] is None
    assert score["detail"].startswith("no_score: ")


def test_later_columns_see_the_score() -> None:
    judge = model(lambda request: "Score: 2")
    text = HEAD + "    fit: {judge: 'Good?'}\n    better: {prompt: 'Mend {{ text }}', when: fit < 4}\n"
    _, records = go(text, models={"generator": model(lambda request: said(request)), "judge": judge})
    assert records[0]["better"] == "Mend Write."


def test_judges_are_asked_greedily_unless_told_otherwise() -> None:
    judge = model(lambda request: "Score: 2")
    go(HEAD + "    fit: {judge: 'Good?'}\n", models={"generator": model(), "judge": judge})
    assert judge.requests[0].temperature == 0
    go(HEAD + "    fit: {judge: 'Good?', temperature: 0.5}\n", models={"generator": model(), "judge": judge}, name="warm")
    assert judge.requests[-1].temperature == 0.5


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("4", 4), ("Score: 4", 4), ("**Score:** 4/5", 4), ("4 out of 5", 4), ("I'd say 3.5.", 3.5), ('{"Score": 2}', 2),
        ("score is 5", 5), ("Score = 1\nBecause it is the 2nd.", 1), ("On a scale of 1 to 5 it is a 3.", 3), ("Score: 5.", 5),
    ],
)  # fmt: skip
def test_scores_are_read_from(text: str, score: float) -> None:
    assert scores_parser(("Score",), 1, 5)(Reply(text)) == {"Score": score}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_score"),
        ("good", "no_score"),
        ("3 or 4", "no_score"),
        ("Score: 7", "score_out_of_range"),
        ("Score: 0", "score_out_of_range"),
        ("80%", "no_score"),
    ],
)
def test_scores_are_not_guessed_from(text: str, reason: str) -> None:
    with pytest.raises(Failure) as caught:
        scores_parser(("Score",), 1, 5)(Reply(text))
    assert caught.value.reason == reason


def test_each_criterion_needs_its_own_number() -> None:
    parse = scores_parser(("clear", "true"), 1, 5)
    assert parse(Reply('{"clear": 3, "true": 4}')) == {"clear": 3, "true": 4}
    with pytest.raises(Failure, match="'true: '"):
        parse(Reply("clear: 3"))


def test_swap_asks_in_both_orders_and_takes_the_mean() -> None:
    judge = model(lambda request: "Score: 5" if said(request).index("[text]") < said(request).index("[other]") else "Score: 2")
    text = HEAD.replace("    secret:", "    other: {prompt: 'More.'}\n    secret:")
    _, records = go(text + "    fit: {judge: 'Is the first better?', swap: true}\n", models={"generator": model(), "judge": judge})
    assert records[0].meta["scores"]["fit"] == 3.5
    assert judge.calls == 2


def test_an_order_that_cannot_be_read_leaves_the_row_unscored() -> None:
    judge = model(lambda request: "Score: 5" if first(request).index("[text]") < first(request).index("[other]") else "Who knows?")
    text = HEAD.replace("    secret:", "    other: {prompt: 'More.'}\n    secret:")
    _, records = go(text + "    fit: {judge: 'Is the first better?', swap: true}\n", models={"generator": model(), "judge": judge})
    assert records[0].meta["scores"]["fit"]["value"] is None

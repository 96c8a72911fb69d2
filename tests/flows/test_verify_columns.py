"""Verify columns: true, false or null, their scores in the lineage, and what is said when a flow names them wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.support import go, model, said
from tilth.errors import RequestError
from tilth.flows.flow import Flow

FLOW = """\
tilth: 1
task: {}
data: {sums: sums.jsonl}
generate:
  from: sums
  columns:
    answer: {prompt: 'What is {{ question }}'}
    gold: {compute: result}
    right: {verify: math, using: {answer: answer, gold: gold}}
    praise: {prompt: 'Praise {{ answer }}', when: right}
curate:
  - drop_if: not right
"""


@pytest.fixture(autouse=True)
def sums() -> None:
    rows = [("2 + 2", "4"), ("3 + 3", "6"), ("5 + 5", "")]
    Path("sums.jsonl").write_text("".join(json.dumps({"question": question, "result": result}) + "\n" for question, result in rows))


def test_a_verdict_is_true_false_or_null_and_goes_to_the_scores() -> None:
    replies = {"What is 2 + 2": "4", "What is 3 + 3": "7", "What is 5 + 5": "10"}
    text = FLOW.replace("right: {verify", "right: {keep: true, verify").replace("curate:\n  - drop_if: not right\n", "")
    _, records = go(text, model(lambda request: replies.get(said(request), "Well done.")))
    assert [record["right"] for record in records] == [True, False, None]
    assert [record["praise"] for record in records] == ["Well done.", None, None]
    scores = [record.meta["scores"]["right"] for record in records]
    assert scores[0] in (1.0, {"value": 1.0, "detail": ""})
    assert scores[1] == {"value": 0.0, "detail": "wrong_answer"}
    assert scores[2] == {"value": None, "detail": "no_gold"}


def test_curation_drops_what_failed_and_keeps_what_nobody_can_say() -> None:
    replies = {"What is 2 + 2": "4", "What is 3 + 3": "7", "What is 5 + 5": "10"}
    _, records = go(FLOW, model(lambda request: replies.get(said(request), "Well done.")))
    assert [record["answer"] for record in records] == ["4", "10"]
    assert "right" not in records[0]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("verify: math", "verify: maths", "f.yaml:9:21: no verifier is called 'maths'. Did you mean 'math'?"),
        ("gold: gold", "gould: gold", "f.yaml:9:51: 'gould' is no argument of verify math. Did you mean 'gold'?"),
        ("gold: gold", "gold: goldd", "f.yaml:9:57: 'gold' is to be 'goldd', which is no column. Did you mean 'gold'?"),
        (
            "answer: {prompt: 'What is {{ question }}'}",
            "reply: {prompt: 'What is {{ question }}'}",
            "f.yaml:9:43: 'answer' is to be 'answer', which is no column. Known: reply, gold, praise, question, result.",
        ),
        (
            "using: {answer: answer, gold: gold}",
            "using: {gold: gold}, when: gold != ''",
            None,
        ),
        (
            "verify: math, using: {answer: answer, gold: gold}",
            "verify: regex, using: {text: answer}, scale: [1, 2]",
            "f.yaml:9:51: 'scale' belongs to judge, not to verify.",
        ),
        (
            "verify: math, using: {answer: answer, gold: gold}",
            "verify: sql, using: {query: answer, gold: gold}",
            "f.yaml:9:21: verify sql needs 'database' (SQL that builds the database, or a list of such texts). "
            "Write: using: {database: COLUMN}",
        ),
    ],
)
def test_mistakes_in_verify_columns(old: str, new: str, line: str | None) -> None:
    assert old in FLOW
    text = FLOW.replace(old, new, 1)
    if line is None:  # an argument is read from the column of its own name
        assert Flow.from_text(text)
        return
    with pytest.raises(RequestError) as caught:
        Flow.from_text(text, name="f.yaml")
    assert line in str(caught.value).splitlines()

"""Several stages, filling up, and the drawn columns that come with the whole grammar."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.support import asked, go, model, rejected, said
from tilth.errors import RequestError
from tilth.flows.flow import Flow
from tilth.models.base import Request

TWO = """\
tilth: 1
name: two
task: {about: Sums.}
generate:
  - id: questions
    rows: 3
    columns:
      topic: {values: [plus, minus, times], keep: false}
      question: {prompt: 'Ask about {{ topic }}.'}
      clear: {judge: 'Is it clear?'}
  - columns:
      answer: {prompt: 'Answer: {{ question }}', samples: 2, each: true}
      size: {compute: answer | length}
"""


SECOND = "  - columns:\n"


def teacher(request: Request) -> str:
    prompt = asked(request)
    if "Is it clear?" in prompt:
        return "Score: 4"
    return f"{prompt} ({request.seed})" if prompt.startswith("Answer") else f"{prompt[:-1]} {request.seed}?"


def test_a_stage_reads_the_one_before_it_and_carries_its_columns() -> None:
    answer = model(teacher)
    outcome, records = go(TWO, answer)
    assert (outcome.status, outcome.kept) == ("done", 6)
    assert list(records[0]) == ["question", "answer", "size"]
    assert all(record["answer"].startswith(f"Answer: {record['question']}") for record in records)
    questions = {record["question"] for record in records}
    assert len(questions) == 3 and len({record["answer"] for record in records}) == 6
    assert len({record.meta["parents"][0] for record in records}) == 3
    assert {record.meta["conditions"]["topic"] for record in records} == {"plus", "minus", "times"}
    assert records[0].meta["scores"]["clear"] == 4.0


def test_stages_replay_without_a_call_and_give_the_same_rows() -> None:
    first, records = go(TWO, model(teacher))
    again, same = go(TWO, model(lambda request: "never asked"))
    assert (again.calls, again.path) == (0, first.path)
    assert [(record.id, dict(record)) for record in same] == [(record.id, dict(record)) for record in records]


def test_rejects_of_an_earlier_stage_are_kept_with_their_reason() -> None:
    text = TWO.replace("'Ask about {{ topic }}.'", "'Ask about {{ topic }}.', parse: json")
    outcome, records = go(
        text,
        model(lambda request: "no json" if "about plus" in asked(request) else '{"a": 1}' if "Ask" in asked(request) else teacher(request)),
    )
    assert {record["question"]["a"] for record in records} == {1}
    assert {row["reason"] for row in rejected(outcome)} == {"not_json"}


def test_a_stage_can_name_an_earlier_one_and_have_models_of_its_own() -> None:
    text = """\
tilth: 1
task: {}
generate:
  - {id: a, rows: 2, columns: {x: {words: 1}}}
  - {id: b, columns: {y: {prompt: 'More of {{ x }}'}}, models: {generator: local/other}}
  - {id: c, from: a, rows: 1, columns: {z: {prompt: 'Of {{ x }}'}}}
"""
    flow = Flow.from_text(text.replace("local/other", "local"))
    assert sorted(flow.roles()) == ["b.generator", "generator"]
    special, usual = model(lambda request: "special"), model(lambda request: f"usual {said(request)}")
    outcome, records = go(flow, usual, models={"generator": usual, "b.generator": special})
    assert (outcome.kept, special.calls, usual.calls) == (1, 2, 1)
    assert list(records[0]) == ["x", "z"] and records[0]["z"] == f"usual Of {records[0]['x']}"


def test_a_method_stage_reads_the_stage_before_it() -> None:
    text = """\
tilth: 1
task: {}
generate:
  - {id: seeds, rows: 2, columns: {instruction: {prompt: 'Write an instruction.'}}}
  - {method: evol-instruct, rows: 2, with: {rounds: 1}}
"""
    outcome, records = go(text, model(lambda request: "Equal" if "Not Equal" in said(request) else f"Do {request.seed}"))
    assert outcome.status == "done" and records
    assert all("instruction" in record for record in records)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (SECOND, "  - from: qestions\n    columns:\n", "f.yaml:11:11: 'from' is 'qestions', which 'data' does not define. Did you mean"),
        ("{{ question }}", "{{ topic }}", "f.yaml:12:36: 'answer' asks for '{{ topic }}', which is no column, input or builtin."),
        (SECOND, "  - id: questions\n    columns:\n", "f.yaml:11:9: 'questions' is the name of another stage already; a stage needs"),
        ("    rows: 3\n", "    rows: 3\n    from: last\n", "f.yaml:7:11: 'from' is 'last', which 'data' does not define."),
        (SECOND, "  - method: zerogen\n  - columns:\n", "f.yaml:11:13: zerogen reads no data, so it cannot read the stage before it."),
    ],
)
def test_mistakes_between_stages_have_their_place(old: str, new: str, line: str) -> None:
    assert old in TWO
    with pytest.raises(RequestError) as caught:
        Flow.from_text(TWO.replace(old, new, 1), name="f.yaml")
    assert str(caught.value).splitlines()[0].startswith(line)


def test_from_stands_for_the_input_of_a_method() -> None:
    Path("t.jsonl").write_text("".join(json.dumps({"instruction": f"Do {n}."}) + "\n" for n in range(3)))
    text = "tilth: 1\ntask: {}\ndata: {tasks: t.jsonl}\ngenerate: {method: evol-instruct, from: tasks, rows: 2, with: {rounds: 1}}\n"
    flow = Flow.from_text(text)
    assert list(flow.data()) == ["tasks", "seed"]
    outcome, _ = go(text, model(lambda request: f"Do {request.seed}"))
    assert outcome.status == "done"


TOP = """\
tilth: 1
task: {}
generate:
  rows: 6
  top_up: 3
  columns:
    text: {prompt: 'Write text {{ row }}.'}
curate:
  - drop_if: "'bad' in text"
"""


def half(request: Request) -> str:
    return ("bad " if int(said(request).split()[-1][:-1]) % 2 else "good ") + said(request)


def test_top_up_fills_what_curation_took_away_and_pays_nothing_twice() -> None:
    answer = model(half)
    outcome, records = go(TOP, answer)
    assert len(records) >= 6 and outcome.kept == len(records)
    assert answer.calls == len({said(request) for request in answer.requests})
    assert all(record["text"].startswith("good") for record in records)
    assert outcome.calls == answer.calls


def test_without_top_up_the_loss_stays() -> None:
    outcome, _ = go(TOP.replace("  top_up: 3\n", ""), model(half))
    assert outcome.kept == 3


def test_top_up_gives_up_after_its_rounds_and_says_so() -> None:
    outcome, _ = go(TOP.replace("top_up: 3", "top_up: 1"), model(lambda request: "good" if said(request) == "Write text 1." else "bad"))
    assert outcome.kept == 1
    assert "1 of 6 records are left after 1 rounds of filling up." in outcome.warnings


def test_dates_and_leaves_of_a_taxonomy_are_drawn() -> None:
    Path("topics.yaml").write_text("science: [maths, {physics: [optics, heat]}]\nart:\n")
    text = """\
tilth: 1
task: {}
generate:
  rows: 16
  columns:
    day: {date: [2024-02-27, 2024-03-01]}
    topic: {tree: topics.yaml}
"""
    _, records = go(text)
    assert {record["day"] for record in records} == {"2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"}
    leaves = ["science > maths", "science > physics > optics", "science > physics > heat", "art"]
    assert sorted(record["topic"] for record in records) == sorted(leaves * 4)


@pytest.mark.parametrize(
    ("column", "line"),
    [
        ("{date: [2024-02-30, 2024-03-01]}", "f.yaml:5:24: '2024-02-30' is no day. Write it as 2024-12-31."),
        ("{date: [2024-03-02, 2024-03-01]}", "f.yaml:5:23: 'date' goes from the first day to the last: [2024-03-01, 2024-03-02]."),
        ("{tree: topic.yaml}", "f.yaml:5:23: no file matches 'topic.yaml' (looked in .). Did you mean 'topics.yaml'?"),
        ("{tree: empty.yaml}", "f.yaml:5:23: the taxonomy empty.yaml has no leaves. Write nested mappings and lists of names."),
    ],
)
def test_mistakes_in_dates_and_taxonomies(column: str, line: str) -> None:
    Path("topics.yaml").write_text("a: b")
    Path("empty.yaml").write_text("[]\n")
    with pytest.raises(RequestError) as caught:
        Flow.from_text(f"tilth: 1\ntask: {{}}\ngenerate:\n  rows: 2\n  columns: {{x: {column}}}\n", name="f.yaml")
    assert str(caught.value) == line


def test_overrides_reach_the_stage_that_is_meant() -> None:
    settings = {("generate", "rows"): 2, ("generate", "questions", "columns", "topic", "values"): ["over"], ("generate", "2", "rows"): 1}
    spec = Flow.from_text(TWO).override(settings).spec
    assert [stage.rows for stage in spec.generate] == [2, 1]
    assert spec.generate[0].columns["topic"].values == ["over"]
    _, records = go(TWO, model(teacher), rows=1)
    assert len(records) == 2


def test_a_stage_without_records_ends_the_run_as_one_that_kept_nothing() -> None:
    flow = TWO.replace("{prompt: 'Ask about {{ topic }}.'}", "{prompt: 'Ask.', parse: json}")
    outcome, records = go(flow, model(lambda request: "no json"))
    assert (outcome.status, outcome.kept, outcome.exit, records) == ("done", 0, 1, [])
    assert {row["reason"] for row in rejected(outcome)} == {"not_json"}
    assert "stage 'questions' gave no records, so the stages after it had nothing to go on with." in outcome.warnings

"""Columns on the real engine: draws, prompts, judges, expressions, and what becomes of bad rows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from flows.support import asked, go, model, rejected, said
from tilth.errors import RequestError
from tilth.models.base import Request

HEAD = "tilth: 1\ntask: {kind: classification, about: Films., labels: {good: likes it, bad: does not}}\n"


def flow(columns: str, *, rows: int | None = 6, more: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in columns.strip().splitlines())
    return f"{HEAD}{more}generate:\n" + (f"  rows: {rows}\n" if rows else "") + f"  columns:\n{lines}"


TEXT = "text: {prompt: 'Write {{ label }}.'}\nlabel: {values: labels}"


def test_a_prompt_sees_columns_task_labels_and_row() -> None:
    answer = model()
    outcome, records = go(
        flow("text: {prompt: '{{ row }} {{ task.about }} {{ label }}: {{ labels[label] }}'}\nlabel: {values: labels}", rows=2), answer
    )
    assert sorted(said(request) for request in answer.requests)[0].startswith("1 Films. ")
    assert {record["label"] for record in records} == {"good", "bad"}
    assert (outcome.status, outcome.kept, answer.calls) == ("done", 2, 2)


def test_drawn_values_are_balanced_and_depend_on_the_seed() -> None:
    _, records = go(flow(TEXT, rows=9))
    assert sorted(Counter(record["label"] for record in records).values()) == [4, 5]
    _, other = go(flow(TEXT, rows=9), seed=5, name="other")
    assert [record["label"] for record in records] != [record["label"] for record in other]


def test_by_balances_within_each_value_of_the_other_column() -> None:
    columns = "label: {values: labels}\ntone: {values: [a, b], by: label}"
    _, records = go(flow(columns, rows=8))
    assert Counter((record["label"], record["tone"]) for record in records) == {
        ("good", "a"): 2, ("good", "b"): 2, ("bad", "a"): 2, ("bad", "b"): 2,
    }  # fmt: skip


def test_weights_decide_how_often_a_value_comes() -> None:
    _, records = go(flow("x: {values: [often, never], weights: [1, 0]}", rows=20))
    assert {record["x"] for record in records} == {"often"}


def test_numbers_and_words_are_drawn_in_their_range() -> None:
    columns = "n: {integer: [3, 5]}\nx: {number: [0, 0.5]}\nw: {words: 3}"
    _, records = go(flow(columns, rows=40))
    assert {record["n"] for record in records} == {3, 4, 5}
    assert all(0 <= record["x"] <= 0.5 for record in records)
    assert {len(record["w"].split()) for record in records} == {3}
    assert len({record["w"] for record in records}) > 30


def test_records_of_an_input_come_once_before_any_comes_twice_and_columns_share_a_record() -> None:
    Path("p.jsonl").write_text("".join(json.dumps({"name": f"n{n}", "age": n}) + "\n" for n in range(5)))
    columns = "name: {from: people, field: name}\nage: {from: people, field: age}"
    _, records = go(flow(columns, rows=10, more="data: {people: p.jsonl}\n"))
    names = [record["name"] for record in records]
    assert sorted(names[:5]) == sorted(names[5:]) == [f"n{n}" for n in range(5)]
    assert names[:5] != names[5:]
    assert all(record["name"] == f"n{record['age']}" for record in records)
    assert all(len(record.meta["seed_ids"]) == 1 for record in records)


def test_hidden_columns_stay_out_of_the_output_but_in_the_lineage() -> None:
    _, records = go(flow("tone: {values: [calm], keep: false}\ntext: {prompt: 'Be {{ tone }}.'}", rows=1))
    assert list(records[0]) == ["text"]
    assert records[0].meta["conditions"] == {"tone": "calm"}


def test_stage_from_gives_one_row_per_record_with_its_parent() -> None:
    Path("q.csv").write_text("id,question\nq1,Why?\nq2,How?\n")
    text = f"{HEAD}data: {{qs: q.csv}}\ngenerate:\n  from: qs\n  columns:\n    answer: {{prompt: '{{{{ question }}}}'}}\n"
    answer = model(lambda request: f"because {said(request)}")
    outcome, records = go(text, answer)
    assert [(record["answer"], record.meta["parents"]) for record in records] == [("because Why?", ["q1"]), ("because How?", ["q2"])]
    assert outcome.kept == 2


def test_a_prefill_begins_the_answer() -> None:
    answer = model(lambda request: '"b"]' if request.prefill == '["a", ' else "no")
    _, records = go(flow("items: {prompt: 'List.', prefill: '[\"a\", ', shape: {type: array, items: {type: string}}}", rows=1), answer)
    assert records[0]["items"] == ["a", "b"]


def test_a_model_without_prefill_is_refused_before_the_first_call() -> None:
    from tilth.models.base import Capabilities

    answer = model(can=Capabilities())
    with pytest.raises(RequestError) as caught:
        go(flow("text: {prompt: 'Write.', prefill: 'Once'}"), answer)
    assert str(caught.value) == "flow needs a model with prefill; scripted only chats. See: tilth models list --can prefill"
    assert answer.calls == 0


@pytest.mark.parametrize(
    ("setting", "reply", "value"),
    [
        ("parse: text", 'Here is one: "Nice."', "Nice."),
        ("parse: label", "Good.", "good"),
        ("parse: list", "1. a\n2. b", ["a", "b"]),
        ("parse: code", "So:\n```python\nx = 1\n```", "x = 1"),
        ("parse: json", 'Sure: {"a": 1}', {"a": 1}),
        ("shape: {type: object, required: [a]}", '{"a": [1]}', {"a": [1]}),
        ("parse: messages", "User: hi\nAssistant: hello", [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]),
    ],
)
def test_replies_are_parsed(setting: str, reply: str, value: object) -> None:
    _, records = go(flow(f"x: {{prompt: 'Go.', {setting}}}", rows=1), model(lambda request: reply))
    assert records[0]["x"] == value


def test_a_shape_is_said_to_models_that_cannot_be_held_to_it() -> None:
    from tilth.models.base import Capabilities

    answer = model(lambda request: '{"a": 1}', can=Capabilities())
    go(flow("x: {prompt: 'Go.', shape: {type: object}}", rows=1), answer)
    assert said(answer.requests[0]).endswith('Answer with JSON only, which must match this JSON Schema:\n{"type": "object"}')
    assert answer.requests[0].schema is None


def test_samples_give_a_list_or_with_each_a_record_each() -> None:
    _, records = go(flow("x: {prompt: 'Go.', samples: 3}", rows=2))
    assert [len(set(record["x"])) for record in records] == [3, 3]
    _, records = go(flow("x: {prompt: 'Go.', samples: 3, each: true}", rows=6), name="each")
    assert len({record["x"] for record in records}) == 6


def test_each_item_of_a_list_is_a_row_of_its_own_and_nothing_is_asked_in_vain() -> None:
    answer = model(lambda request: "a\nb\nc" if said(request).startswith("List") else f"on {said(request)[-1]}")
    columns = "topic: {prompt: 'List.', parse: list, each: true}\ntext: {prompt: 'About {{ topic }}'}"
    outcome, records = go(flow(columns, rows=6), answer)
    assert [record["text"] for record in records] == ["on a", "on b", "on c"] * 2
    assert answer.calls == 8  # two lists, six texts
    assert outcome.rejected == 0


def test_a_bad_row_is_rejected_with_its_reason_and_replaced_by_another() -> None:
    answer = model(lambda request: "" if asked(request) == "7" else "fine")
    outcome, records = go(flow("n: {integer: [1, 8]}\ntext: {prompt: '{{ n }}'}", rows=40), answer)
    assert len(records) == 40
    assert outcome.rejected > 0
    assert {(row["reason"], row["step"], row["n"]) for row in rejected(outcome)} == {("empty", "row", 7)}


def test_a_shortage_is_said_and_ends() -> None:
    outcome, records = go(flow("text: {prompt: 'Go.'}", rows=3), model(lambda request: ""))
    assert (outcome.kept, outcome.exit, records) == (0, 1, [])
    assert outcome.rejected == 20
    assert "0 of 3 rows after 20 tries" in outcome.warnings[0]


def test_rows_that_are_not_needed_are_never_asked() -> None:
    answer = model()
    go(flow("text: {prompt: 'Go.'}", rows=7), answer)
    assert answer.calls == 7


def test_more_rows_re_pay_nothing_and_begin_with_the_same_records() -> None:
    text = flow("n: {integer: [1, 8]}\ntext: {prompt: '{{ n }}'}", rows=10)
    answer = model(lambda request: "" if asked(request) == "7" else f"fine {request.seed}")
    first, few = go(text, answer)
    paid = answer.calls
    second, many = go(text, answer, rows=25)
    assert second.from_journal == paid
    assert first.path == second.path
    assert [record["text"] for record in many[:9]] == [record["text"] for record in few[:9]]


def test_a_run_stopped_by_its_budget_goes_on_to_the_same_records() -> None:
    text = flow(
        "topic: {prompt: 'List.', parse: list, each: true}\ntext: {prompt: 'About {{ topic }} {{ n }}'}\nn: {integer: [1, 9]}", rows=9
    )

    def reply(request: Request) -> str:
        return "a\nb\nc" if said(request) == "List." else f"on {said(request)[-1]} {request.seed}"

    _, whole = go(text, model(reply), name="whole")
    answer = model(reply)
    stopped, _ = go(text, answer, name="parts", budget={"calls": 5})
    assert (stopped.status, stopped.exit, answer.calls) == ("stopped", 4, 5)
    done, parts = go(text, answer, name="parts", budget={"calls": 50})
    assert (done.status, done.from_journal, answer.calls) == ("done", 5, 12)
    assert [(record.id, dict(record)) for record in parts] == [(record.id, dict(record)) for record in whole]


def test_any_concurrency_gives_the_same_records() -> None:
    found = []
    for number in (1, 7, 64):
        _, records = go(flow(TEXT, rows=12), model(latency=(0, 0.003)), concurrency=number, name=f"c{number}")
        found.append([(record["text"], record.id) for record in records])
    assert found[0] == found[1] == found[2]


def test_expressions_compute_typed_values() -> None:
    columns = "text: {prompt: 'Go.'}\nn: {compute: text|wordcount}\nlong: {compute: n > 1}\nhalf: {compute: n / 2}\n"
    columns += "both: {compute: \"text ~ '!'\"}"
    _, records = go(flow(columns, rows=1), model(lambda request: "two words"))
    assert dict(records[0]) == {"text": "two words", "n": 2, "long": True, "half": 1.0, "both": "two words!"}


def test_expressions_cannot_reach_python() -> None:
    outcome, _ = go(flow("text: {prompt: 'Go.'}\nx: {compute: \"text.__class__.__mro__\"}", rows=1))
    assert outcome.kept == 0
    assert {row["reason"] for row in rejected(outcome)} == {"expression"}


def test_a_template_does_not_evaluate_what_it_inserts() -> None:
    answer = model(lambda request: "{{ 7 * 7 }}" if said(request) == "Go." else said(request))
    _, records = go(flow("a: {prompt: 'Go.'}\nb: {prompt: 'Say {{ a }}'}", rows=1), answer)
    assert records[0]["b"] == "Say {{ 7 * 7 }}"


def test_when_is_false_makes_null_and_what_needs_it_is_null_without_a_call() -> None:
    answer = model()
    columns = "n: {values: [1, 2]}\na: {prompt: 'A {{ n }}', when: n == 1}\nb: {prompt: 'B {{ a }}'}\nc: {compute: \"b ~ ''\"}"
    _, records = go(flow(columns, rows=4), answer)
    nulls = [record for record in records if record["n"] == 2]
    assert [dict(record) for record in nulls] == [{"n": 2, "a": None, "b": None, "c": None}] * 2
    assert answer.calls == 4


def test_demonstrations_are_shown_where_the_template_says_or_before_it() -> None:
    Path("s.csv").write_text("text,label\nT1,good\nT2,bad\nT3,good\nT4,bad\n")
    data = "data: {support: s.csv}\n"
    answer = model()
    placed = (
        "x: {prompt: '{% for d in demonstrations %}[{{ d.text }}]{% endfor %}', demonstrations: {from: support, k: 2, select: balanced}}"
    )
    _, records = go(flow(placed, rows=1, more=data), answer)
    assert len(said(answer.requests[0])) == len("[T1][T2]")
    assert len(records[0].meta["seed_ids"]) == 2
    go(flow("x: {prompt: 'Go.', demonstrations: {from: support, k: 1, select: fixed}}", rows=1, more=data), answer, name="before")
    assert said(answer.requests[-1]) == "Examples:\n\ntext: T1\nlabel: good\n\nGo."


def test_no_demonstrations_and_some_differ_only_in_the_examples() -> None:
    Path("s.csv").write_text("text,label\nT1,good\n")
    prompts = []
    for k in (0, 1):
        answer = model()
        go(
            flow(f"x: {{prompt: 'Go.', demonstrations: {{from: support, k: {k}}}}}", rows=1, more="data: {support: s.csv}\n"),
            answer,
            name=f"k{k}",
        )
        prompts.append(said(answer.requests[0]))
    assert prompts[1].removesuffix(prompts[0]) == "Examples:\n\ntext: T1\nlabel: good\n\n"


def test_a_row_sees_the_system_message_the_role_and_its_settings() -> None:
    writer = model()
    text = flow("x: {prompt: 'Go.', system: 'You write {{ task.about }}', role: writer, temperature: 0.2, max_tokens: 9}", rows=1)
    go(text.replace("generate:", "models: {writer: local}\ngenerate:"), models={"writer": writer})
    request = writer.requests[0]
    assert next(iter(request.messages or [])) == {"role": "system", "content": "You write Films."}
    assert (request.temperature, request.max_tokens) == (0.2, 9)


def test_the_language_of_the_task_reaches_the_prompt() -> None:
    answer = model()
    go(flow("x: {prompt: 'Go.'}", rows=1).replace("about: Films.", "about: Films., language: de"), answer)
    assert said(answer.requests[0]).startswith("Go.\n\nWrite in German.")

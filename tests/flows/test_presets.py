"""The presets run on a user's task and data, and differ in the examples they show only."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from flows.support import go, model, said
from tilth.errors import RequestError
from tilth.flows.presets import preset, presets
from tilth.models.base import Request

TASK = {"about": "Film reviews.", "labels": {"good": "likes it", "bad": ""}, "kind": "classification"}


@pytest.fixture(autouse=True)
def support() -> None:
    Path("mine.csv").write_text("text,label\n" + "".join(f"T{n},{'good' if n % 2 else 'bad'}\n" for n in range(10)))


def options(name: str) -> dict[str, object]:
    return {"task": TASK, **({"data": {"support": "mine.csv"}} if "support" in preset(name).source.data.get("data", {}) else {})}


def reply(request: Request) -> str:
    text = said(request)
    return "\n".join(f"- topic {text[-5:]}{n}" for n in range(5)) if "List 5" in text else f"text {request.seed}"


def test_the_four_prompting_strategies_are_there() -> None:
    assert list(presets()) == ["few-shot", "one-shot", "topic", "zero-shot"]


@pytest.mark.parametrize("name", sorted(presets()))
def test_preset_runs_from_a_task_and_support_data(name: str) -> None:
    outcome, records = go(name, model(reply), rows=20, **options(name))
    assert (outcome.status, len(records), outcome.folder.name) == ("done", 20, name)
    assert Counter(record["label"] for record in records) == {"good": 10, "bad": 10}
    assert len({record["text"] for record in records}) == 20


@pytest.mark.parametrize("name", sorted(presets()))
def test_preset_says_who_it_is_in_plain_yaml(name: str) -> None:
    head = yaml.safe_load(presets()[name].read_text())
    assert (head["name"], head["x-paper"]) == (name, "2503.14023")
    assert head["describe"].endswith(".")


@pytest.mark.parametrize(("name", "k"), [("one-shot", 1), ("few-shot", 4)])
def test_examples_in_the_prompt(name: str, k: int) -> None:
    answer = model(reply)
    _, records = go(name, answer, rows=6, **options(name))
    prompts = [said(request) for request in answer.requests]
    assert {prompt.count("A real text with the label") for prompt in prompts} == {k}
    assert len(set(prompts)) > 2  # they change from call to call
    assert {len(record.meta["seed_ids"]) for record in records} == {k}


def test_zero_shot_one_shot_and_few_shot_differ_in_examples_and_nothing_else() -> None:
    asked = {}
    for name, k in (("zero-shot", 0), ("one-shot", 1), ("few-shot", 4)):
        answer = model(reply)
        parameters = {"k": 0} if k else None
        go(name, answer, rows=1, parameters=parameters, **options(name))
        asked[name] = said(answer.requests[0])
    body = 'Film reviews.\n\nWrite one new text{style} that a careful person would label "{label}"'
    label = "good" if "likes it" in asked["zero-shot"] else "bad"
    assert asked["zero-shot"].startswith(body.format(style="", label=label))
    assert asked["one-shot"].startswith(body.format(style=" in the same style", label=label))
    assert asked["few-shot"].split("\n")[:3] == asked["one-shot"].split("\n")[:3]


def test_few_shot_examples_are_balanced_over_the_labels() -> None:
    answer = model(reply)
    go("few-shot", answer, rows=3, **options("few-shot"))
    for request in answer.requests:
        assert said(request).count('A real text with the label "good"') == 2


def test_topic_makes_one_call_for_topics_and_one_for_each_text() -> None:
    answer = model(reply)
    go("topic", answer, rows=20, **options("topic"))
    assert answer.calls == 4 + 20
    assert len({said(request) for request in answer.requests if "List" not in said(request)}) == 10  # 5 topics of 2 labels


def test_parameters_of_presets_have_names() -> None:
    answer = model(reply)
    go("few_shot", answer, rows=1, parameters={"k": 3}, **options("few-shot"))
    assert said(answer.requests[0]).count("A real text") == 3
    with pytest.raises(RequestError) as caught:
        go("few-shot", answer, rows=1, parameters={"kk": 3}, **options("few-shot"))
    assert str(caught.value) == "few-shot.yaml has no parameter 'kk'. Did you mean 'k'?"


def test_a_preset_without_its_data_says_which() -> None:
    with pytest.raises(RequestError) as caught:
        go("few-shot", task=TASK)
    assert str(caught.value) == "few-shot reads 'support', which is not given. Give it with: --data support=FILE"


def test_support_without_a_label_column_is_found_before_the_first_call() -> None:
    Path("examples16.csv").write_text("text,intent\nx,good\n")
    answer = model(reply)
    with pytest.raises(RequestError) as caught:
        go("few-shot", answer, task=TASK, data={"support": "examples16.csv"})
    line = "examples16.csv has no column 'label' (it has: text, intent). Map it in the flow: data.support.columns: {label: intent}"
    assert str(caught.value) == line
    assert answer.calls == 0


def test_a_preset_without_labels_says_so() -> None:
    with pytest.raises(RequestError) as caught:
        go("zero-shot")
    assert "task.labels is empty" in str(caught.value)

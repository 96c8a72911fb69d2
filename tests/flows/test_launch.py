"""What is run, with what, and in which folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from flows.support import go, model, said
from tilth.engine.method import Method, Task
from tilth.engine.run import Run
from tilth.errors import RequestError
from tilth.flows.flow import Flow
from tilth.flows.launch import prepare, run
from tilth.records.record import Record

FLOW = """\
tilth: 1
name: films
task: {kind: classification, labels: {good: "", bad: ""}}
data:
  support: s.csv
generate:
  rows: 3
  columns:
    label: {values: labels}
    seen: {from: support}
    text: {prompt: 'Write {{ label }} like {{ seen }}'}
"""


class Echo(Method):
    """A method of a user's own, in no catalog."""

    name: ClassVar[str] = "echo"
    columns: ClassVar[dict[str, str]] = {"text": "str"}
    word: str = "hi"

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        """Ask for the word."""
        async for reply in run.map(self.one, range(self.rows or 1), label="echo"):
            yield reply

    async def one(self, number: int) -> Record:
        raise NotImplementedError


class Asking(Echo):
    """Echo that asks."""

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        """One call for each row."""

        async def one(number: int) -> Record:
            return Record(text=(await run.ask(f"{self.word} {number}")).value)

        async for record in run.map(one, range(self.rows or 1), label="echo"):
            yield record


@pytest.fixture(autouse=True)
def support() -> None:
    Path("s.csv").write_text("text,label\nT1,good\nT2,bad\n")


def test_the_same_flow_goes_on_in_its_folder_and_pays_nothing_again() -> None:
    answer = model()
    first, _ = go(FLOW, answer)
    again, _ = go(FLOW, answer)
    more, records = go(FLOW, answer, rows=5, budget={"calls": 100}, concurrency=3)
    assert [one.path.name for one in (first, again, more)] == ["films", "films", "films"]
    assert (again.calls, again.from_journal, answer.calls, len(records)) == (0, 3, 5, 5)


def test_another_flow_of_the_same_name_gets_a_folder_of_its_own_and_reads_the_paid_replies() -> None:
    answer = model()
    go(FLOW, answer)
    changed, _ = go(FLOW.replace("    seen:", "    more: {values: [1]}\n    seen:"), answer)
    assert changed.path.name == "films-2"
    assert (answer.calls, changed.from_journal) == (3, 3)
    assert changed.warnings == ["runs/films holds another flow; this one is in runs/films-2 and uses the replies that are already paid."]
    again, _ = go(FLOW.replace("    seen:", "    more: {values: [1]}\n    seen:"), answer)
    assert (again.path.name, again.warnings) == ("films-2", [])
    assert go(FLOW, answer)[0].path.name == "films"


def test_a_run_of_another_name_reads_what_the_flow_has_paid_under_its_own() -> None:
    answer = model()
    go(FLOW, answer)
    strict, _ = go(FLOW.replace("    seen:", "    more: {values: [1]}\n    seen:"), answer, name="strict")
    assert strict.path.name == "strict"
    assert (answer.calls, strict.calls, strict.from_journal) == (3, 0, 3)


def test_identity_is_free_of_budget_rows_addresses_and_display() -> None:
    base = prepare(Flow.from_text(FLOW), models={"generator": {"model": "vllm/m@http://localhost:1/v1"}}).settings.identity
    same = FLOW.replace("rows: 3", "rows: 9").replace("name: films", "name: films\ndescribe: other\nbudget: {usd: 3}")
    spec = {"model": "vllm/m@http://elsewhere:2/v1", "timeout": 5, "concurrency": 9}
    assert prepare(Flow.from_text(same), models={"generator": spec}, name="n", runs="r").settings.identity == base
    for other in (
        {"seed": 1},
        {"models": {"generator": "vllm/other@http://localhost:1/v1"}},
        {"models": {"generator": {**spec, "temperature": 0.5}}},
    ):
        options = {"models": {"generator": spec}, **other}
        assert prepare(Flow.from_text(FLOW), **options).settings.identity != base  # type: ignore[arg-type]


def test_the_run_keeps_a_flow_that_reads_back() -> None:
    outcome, _ = go(FLOW, rows=4)
    kept = Flow.from_yaml(outcome.folder.flow).validate(files=True)
    assert (kept.name, kept.stage.rows) == ("films", 4)
    assert outcome.folder.read_state()["asked"]["generate"][0]["rows"] == 4


def test_overrides_replace_what_the_file_says() -> None:
    Path("other.csv").write_text("text,label\nO,good\n")
    answer = model()
    settings = {"generate.columns.label.values": ["bad"], "task.about": "Films."}
    outcome, records = go(FLOW, answer, seed=4, data={"support": "other.csv"}, set=settings, name="mine", rows=2)
    assert {said(request) for request in answer.requests} == {"Write bad like O"}
    assert (outcome.path, len(records)) == (Path("runs/mine"), 2)


def test_a_task_in_a_sentence_leaves_the_rest_of_the_task_and_an_exact_setting_wins() -> None:
    ready = prepare(Flow.from_text(FLOW), task="Films.", set={"task.language": "de"}, models={"generator": model()})
    task = ready.settings.task
    assert (task.about, task.kind, list(task.labels), task.language) == ("Films.", "classification", ["good", "bad"], "de")


def test_a_model_that_is_given_wins_over_the_stage_and_the_flow() -> None:
    text = FLOW.replace("  rows: 3", "  rows: 3\n  models: {generator: {model: vllm/stage@http://localhost:1/v1, price: {in: 1, out: 2}}}")
    text = text.replace("data:", "models: {generator: vllm/flow@http://localhost:1/v1}\ndata:")
    assert prepare(Flow.from_text(text)).settings.roles["generator"][0].identity == "vllm/stage"
    assert prepare(Flow.from_text(text)).settings.roles["generator"][0].price.output == 2  # type: ignore[union-attr]
    given = prepare(Flow.from_text(text), models={"generator": ["vllm/given@http://localhost:1/v1"]})
    assert given.settings.roles["generator"][0].identity == "vllm/given"


def test_data_may_be_records_in_memory() -> None:
    answer = model()
    go(FLOW, answer, data={"support": [{"text": "M", "label": "good"}]}, rows=1)
    assert said(answer.requests[0]).endswith("like M")


def test_a_file_given_on_the_command_line_is_relative_to_the_current_folder() -> None:
    Path("sub").mkdir()
    Path("sub/f.yaml").write_text(FLOW)
    answer = model()
    outcome = run("sub/f.yaml", models={"generator": answer}, data={"support": "s.csv"})
    assert outcome.kept == 3


@pytest.mark.parametrize(
    ("task", "about"),
    [
        ("Films and plays.", "Films and plays."),
        ({"about": "A."}, "A."),
        (Task(about="B."), "B."),
        ("t.md", "From a file."),
        ("t.yaml", "From YAML."),
    ],
)
def test_a_task_is_a_sentence_a_mapping_an_object_or_a_file(task: object, about: str) -> None:
    Path("t.md").write_text("From a file.\n")
    Path("t.yaml").write_text("task: {about: From YAML.}\n")
    text = FLOW.replace("values: labels", "values: [x]")
    assert prepare(Flow.from_text(text), task=task, models={"generator": model()}).settings.task.about == about  # type: ignore[arg-type]


def test_a_method_object_runs_without_a_flow() -> None:
    answer = model()
    outcome = run(Asking(rows=2, word="yo"), models={"generator": answer}, task={"about": "x"})
    assert (outcome.kept, outcome.path.name, said(answer.requests[0])) == (2, "echo", "yo 0")
    more = run(Asking(rows=2, word="yo"), models={"generator": answer}, rows=3, task={"about": "x"})
    assert (more.kept, more.from_journal, more.path.name) == (3, 2, "echo")


def test_a_method_is_run_by_its_name_with_parameters() -> None:
    ready = prepare("attrprompt", task={"labels": ["a", "b"]}, parameters={"length": [10, 20]}, rows=4, models={"generator": model()})
    assert (ready.method.name, ready.method.rows, ready.folder.name) == ("attrprompt", 4, "attrprompt")
    assert list(ready.method.length) == [10, 20]  # type: ignore[attr-defined]


def test_runs_inside_an_event_loop_too() -> None:
    import asyncio

    async def notebook() -> int:
        return run(Flow.from_text(FLOW), models={"generator": model()}).kept

    assert asyncio.run(notebook()) == 3


def test_nothing_is_written_before_the_run_starts() -> None:
    prepare(Flow.from_text(FLOW), models={"generator": model()})
    assert not Path("runs").exists()


MISTAKES = {
    "role": (
        {"models": {"generator": "local", "writer": "openai/gpt-4.1"}},
        "-m writer=openai/gpt-4.1: this flow has no role 'writer' (it has: generator, embedder).",
    ),
    "key": (
        {"models": {"generator": "openai/gpt-4.1-mini"}},
        "OPENAI_API_KEY is not set, and role 'generator' uses openai/gpt-4.1-mini. Set it, or try without: -m generator=local",
    ),
    "column": (
        {"data": {"support": "bare.csv"}},
        "bare.csv has no column 'text' (it has: sentence). Map it in the flow: data.support.columns: {text: sentence}",
    ),
    "label": ({"data": {"support": "goods.csv"}}, "goods.csv:3: label 'goods' is none of task.labels. Did you mean 'good'?"),
    "method": ("atrprompt", "no method is called 'atrprompt'. Did you mean 'attrprompt'? See: tilth methods"),
    "preset": ("fewshot", "no method is called 'fewshot'. Did you mean 'few-shot'? See: tilth methods"),
    "flow": ("flm.yaml", "no such flow: flm.yaml. Did you mean 'films.yaml'?"),
    "value": ({"set": {"generate.rows": "1k"}}, "flow: 'rows' must be a whole number, not \"1k\"."),
    "run to reuse": ({"reuse": ["flims"]}, "no run called 'flims' in ./runs. Did you mean 'films'?"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_line_of(name: str) -> None:
    Path("bare.csv").write_text("sentence\nx\n")
    Path("goods.csv").write_text("text,label\nx,good\ny,goods\n")
    Path("films.yaml").write_text(FLOW)
    if name == "run to reuse":
        go(FLOW)
    what, message = MISTAKES[name]
    options = {"models": {"generator": model()}, **what} if isinstance(what, dict) else {}
    with pytest.raises(RequestError) as caught:
        prepare(Flow.from_text(FLOW) if isinstance(what, dict) else what, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_raw_completion_is_asked_of_models_that_can() -> None:
    from tilth.models.base import Capabilities

    class Raw(Asking):
        """Needs a raw completion."""

        name: ClassVar[str] = "magpie"
        needs: ClassVar[dict[str, tuple[str, ...]]] = {"generator": ("completion",)}

    chat = model(name="openai/gpt-4.1-mini", can=Capabilities())
    with pytest.raises(RequestError) as caught:
        prepare(Raw(rows=1), models={"generator": chat})
    line = "magpie needs a model with raw completion; openai/gpt-4.1-mini only chats. See: tilth models list --can completion"
    assert str(caught.value) == line


class Prompted(Method):
    """A method with a prompt that its user may replace."""

    name: ClassVar[str] = "prompted"
    columns: ClassVar[dict[str, str]] = {"text": "str"}
    prompts: ClassVar[dict[str, str]] = {"text": "as published"}

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        yield Record(text=self.prompts["text"])


def test_a_method_objects_own_prompts_survive_overrides() -> None:
    _, records = go(Prompted(prompts={"text": "my own"}), task={"labels": ["a"]}, rows=1)
    assert [record["text"] for record in records] == ["my own"]

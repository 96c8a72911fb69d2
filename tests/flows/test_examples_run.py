"""Example flows of which this version has the parts run to the end, on a scripted model; the others are refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.support import asked, model
from tilth.engine.execute import Outcome
from tilth.errors import RequestError
from tilth.flows.flow import Flow
from tilth.flows.launch import run
from tilth.models.base import Request
from tilth.models.scripted import ScriptedModel
from tilth.records.read import read

FLOWS = Path(__file__).parents[2] / "examples" / "flows"


@pytest.fixture(autouse=True)
def flows() -> None:
    shutil.copytree(FLOWS, ".", dirs_exist_ok=True)


def without(name: str, *parts: str) -> Flow:
    """An example without some of its top-level parts, and without what this version does not have in the others."""
    flow = Flow.from_yaml(f"{name}.yaml")
    data: dict[str, Any] = {key: value for key, value in flow.source.data.items() if key not in parts}
    return Flow(**{key: value for key, value in data.items() if key != "tilth"})


def go(flow: Flow, answer: ScriptedModel, **options: Any) -> Outcome:
    roles = {role: answer for role in flow.models() if role != "embedder"}
    return run(flow, models={**roles, "generator": answer, "embedder": "local/hashed-tfidf"}, **options)


def words(request: Request, n: int = 9) -> str:
    """A text of its own for each request."""
    import random

    rng = random.Random(request.seed)
    return " ".join("".join(rng.choices("abcdefghiklmnoprstuvwz", k=5)) for _ in range(n))


def intents(request: Request) -> str:
    prompt = asked(request)
    if "Does the text fit its label?" in prompt:
        return "5"
    if "list" in prompt.lower() or "one per line" in prompt.lower():
        return "\n".join(f"{n}. thing {n}" for n in range(1, 11))
    return words(request)


def test_intents_runs_with_its_curation_metrics_and_gates() -> None:
    flow = without("intents", "review")
    assert flow.waiting == ()
    flow = flow.override({("generate", "with", "attributes"): {"tone": ["polite", "angry"]}, ("generate", "with", "label_attributes"): {}})
    outcome = go(flow, model(intents), rows=20, set={"evaluate.utility.seeds": 2, "evaluate.utility.sizes": [10]}, budget={"usd": None})
    assert (outcome.status, outcome.stop) == ("done", "")
    assert outcome.kept > 0
    assert len({record["label"] for record in read(outcome.path)}) == 5
    measured = {value["metric"] for value in json.loads((outcome.path / "metrics.json").read_text())["values"]}
    assert {"near_duplicates", "label_agreement"} <= measured
    assert outcome.folder.read_state()["asked"]["export"][0]["to"] == "parquet"


def handbook(request: Request) -> str:
    prompt = asked(request)
    if "Reply in exactly this form" in prompt:
        return "helpful: 5\nstandalone: 4"
    if prompt.startswith("Answer only from this passage."):
        return prompt.split("\n\n")[1]
    return f"What about {words(request, 4)}?"


def test_handbook_runs_but_for_what_is_not_in_this_version() -> None:
    with pytest.raises(RequestError) as caught:
        run("handbook.yaml")
    assert caught.value.exit == 2 and not Path("runs").exists()
    flow = without("handbook", "review", "evaluate")
    steps = [item for item in flow.source.data["curate"] if next(iter(item)) not in ("pii", "select")]
    flow = flow.override({("curate",): steps})
    outcome = go(flow, model(handbook), rows=8, budget={"usd": None})
    assert outcome.status == "done", outcome.stop
    records = list(read(outcome.path))
    assert 0 < len(records) <= 8 and list(records[0]) == ["instruction", "output"]
    assert records[0].meta["scores"]["quality.helpful"] == 5.0
    assert {record.meta["conditions"]["depth"] for record in records} <= {"one fact", "several facts", "not answerable"}


def code(request: Request) -> str:
    prompt = asked(request)
    if "Reply with code only" in prompt:
        return "```python\ndef double(x):\n    return 2 * x\n```"
    if "Write asserts" in prompt:
        return "```python\nassert double(2) == 4\nassert double(0) == 0\nassert double(-3) == -6\n```"
    return f"Write double(x), which returns twice x. {words(request, 3)}"


def test_code_runs_in_the_sandbox_with_a_stage_of_columns_in_place_of_its_method() -> None:
    from tilth.verify.sandbox import Sandbox

    try:
        Sandbox()
    except RequestError as error:
        pytest.skip(f"needs a sandbox: {error.what}")
    flow = without("code", "evaluate")
    first = {"id": "instructions", "rows": 2, "columns": {"instruction": {"prompt": "Ask for a function."}}}
    steps = [item for item in flow.source.data["curate"] if next(iter(item)) != "select"]
    flow = flow.override({("curate",): steps, ("generate",): [first, flow.source.data["generate"][1]]})
    outcome = go(flow, model(code), set={"generate.solutions.columns.code.samples": 2}, budget={"usd": None})
    assert outcome.status == "done", outcome.stop
    assert outcome.kept + outcome.rejected >= 1
    table = [dict(record) for record in read(outcome.path)]
    assert all(set(row) == {"instruction", "code", "tests"} for row in table)


def preferences(request: Request) -> str:
    prompt = asked(request)
    if "Which is better?" in prompt:
        a, b = prompt.split("[A]")[1].split("[B]")
        return "A" if int(a.split("worth ")[1][0]) >= int(b.split("worth ")[1][0]) else "B"
    if "Overall Score" in prompt:
        return "Feedback: Say more.\nOverall Score: 7"
    if "#### Text 1" in prompt:
        worths = [part[0] for part in prompt.split("[Instruction]")[1].split("worth ")[1:]]
        form = "#### Text {n}\nType: None\nRationale: r\nRating: {worth}\nRationale For Rating: q"
        return "\n".join(form.format(n=n, worth=worth) for n, worth in enumerate(worths, 1))
    return f"{words(request)} worth {request.seed % 5 + 1 if request.seed is not None else 3}"


def test_preferences_runs_with_named_writers_but_for_what_is_not_in_this_version() -> None:
    flow = without("preferences", "review", "evaluate")
    steps = [item for item in flow.source.data["curate"] if next(iter(item)) != "weight"]
    flow = flow.override({("curate",): steps, ("generate", "rows"): 4})
    assert flow.waiting == ()
    writers = {name: ScriptedModel(preferences, name=name) for name in ("writer_a", "writer_b", "writer_c")}
    judge = ScriptedModel(preferences, name="judge")
    outcome = run(flow, models={**writers, "judge": judge, "embedder": "local/hashed-tfidf"}, budget={"usd": None})
    assert outcome.status == "done", outcome.stop
    records = list(read(outcome.path))
    assert 0 < len(records) <= 4 and all(record["chosen_score"] - record["rejected_score"] >= 1 for record in records)
    assert {record["chosen_model"].rsplit("/")[-1] for record in records} <= set(writers)
    assert sum(model.calls for model in writers.values()) == 16 and all(model.calls for model in writers.values())


@pytest.mark.parametrize("name", ["preferences", "tabular"])
def test_the_others_are_refused_by_name_before_anything_is_written(name: str) -> None:
    flow = Flow.from_yaml(f"{name}.yaml")
    if not flow.waiting:
        pytest.skip("all of its parts are in this version")
    with pytest.raises(RequestError) as caught:
        run(f"{name}.yaml")
    assert str(caught.value).splitlines()[0] == str(flow.waiting[0])
    assert caught.value.exit == 2 and not Path("runs").exists()

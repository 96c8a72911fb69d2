"""Facts: one reading of a run's folder, true for every kind of run, and for folders that are odd."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from report.example import DROPPED, REASONS, figures, measure, running_example
from tilth.engine.execute import start
from tilth.errors import Failure
from tilth.flows import curating
from tilth.flows.evaluating import Wanted, prepare
from tilth.flows.launch import run
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data
from tilth.records.folder import RunFolder
from tilth.report.facts import Facts, Loss, facts, gates

FLOW = """\
tilth: 1
name: made
describe: Notes on films.
task: {kind: classification, labels: [good, bad], language: de}
data: {holdout: {read: holdout.jsonl, licence: CC0-1.0}}
generate:
  rows: 30
  columns:
    label: {values: labels}
    text: {prompt: "Write a {{ label }} note, number {{ row }}."}
curate: [{length: {words: [2, 9]}}]
evaluate:
  metrics: [near_duplicates, contamination]
  gates: {near_duplicates: {at_most: 0.5}, contamination: {at_most: 0, on: point}}
"""


def writes(request: Any) -> str:
    number = int(str(request.messages[-1]).split("number ")[1].split(".")[0])
    if number == 3:
        return "word " * 20
    return f"note {number} " + "abcdefghijklmnopqrstuvwxyz"[number % 26] * 4


def made(text: str = FLOW, model: Any = writes, **options: Any) -> Any:
    Path("flow.yaml").write_text(text)
    Path("holdout.jsonl").write_text("".join(json.dumps({"text": f"real {n} text {n * n}", "label": "good"}) + "\n" for n in range(20)))
    return run("flow.yaml", models={"generator": ScriptedModel(model)}, runs="runs", **options)


def balanced(found: Facts) -> None:
    """What was tried is what was kept and what was lost."""
    lost = {stage: sum(one.n for one in found.losses if one.stage == stage and one.action == "drop") for stage in ("generate", "curate")}
    assert found.tried == found.generated + lost["generate"]
    assert found.generated == found.kept + lost["curate"]
    assert found.rejected == lost["generate"] + lost["curate"]


def test_the_running_example(tmp_path: Path) -> None:
    found = facts(running_example(tmp_path / "support-intents"))
    assert (found.tried, found.generated, found.kept, found.rejected, found.to_review, found.wanted) == (1078, 1000, 820, 258, 38, 1000)
    balanced(found)
    curated = [Loss("curate", step, REASONS[step], n, "drop") for step, n in DROPPED.items()]
    first = [Loss("generate", "attrprompt", reason, n, "drop") for reason, n in (("refused", 42), ("unreadable", 25), ("too_long", 11))]
    assert list(found.losses) == [*first, *curated, Loss("curate", "label_noise", "label_doubtful", 38, "review")]
    assert (found.usage.calls, found.usage.tokens_in, found.usage.usd) == (2062, 709640, 0.8717)
    assert found.models == {"generator": ("openai/gpt-4.1-mini",), "judge": ("anthropic/claude-haiku-4-5",)}
    assert (found.methods, found.columns, found.seconds, found.finished) == (("attrprompt",), ("text", "label"), 288.0, True)
    assert found.inputs["support"] == {"file": "examples16.csv", "licence": "CC-BY-4.0"}
    assert [one.state for one in found.gates] == ["holds", "holds", "holds", "unknown"]
    assert found.verdict.text == "NOT KNOWN YET: 1 of 4 gates has no evidence."


@pytest.mark.parametrize(("agreed", "state", "passed"), [(94, "yes", True), (91, "not_yet", False)])
def test_people_decide_what_was_unknown(tmp_path: Path, agreed: int, state: str, passed: bool) -> None:
    found = facts(running_example(tmp_path / "support-intents", audited=agreed))
    assert (found.verdict.state, found.verdict.passed) == (state, passed)
    assert "a classifier can tell it from real text (AUC 0.83)" in found.verdict.know


def test_figures_of_other_records_count_for_no_gate(tmp_path: Path) -> None:
    folder = running_example(tmp_path / "support-intents", audited=94)
    part = next(folder.data.glob("part-*"))
    shutil.copy(next(folder.rows.glob("part-*")), part)  # as if no decision had dropped anything
    found = facts(folder)
    assert found.stale and found.verdict.state == "unknown" and found.kept == 1000
    assert {one.why for one in found.gates} == {"it was measured on other records than those kept now"}
    measure(folder, figures(94))
    assert facts(folder).verdict.state == "yes"


def test_a_run_of_a_flow() -> None:
    outcome = made()
    found = facts(outcome.folder)
    balanced(found)
    assert (found.tried, found.kept, found.given, found.finished, found.describe) == (30, 29, False, True, "Notes on films.")
    assert found.losses == (Loss("curate", "length", "too_long", 1, "drop"),)
    assert found.task["language"] == "de" and "German only" in found.verdict.know
    holdout = found.inputs["holdout"]
    assert (holdout["file"], holdout["rows"], holdout["licence"], len(holdout["sha256"])) == ("holdout.jsonl", 20, "CC0-1.0", 64)
    assert found.sizes == {"synthetic": 29, "holdout": 20} and not found.stale
    assert [one.state for one in found.set_gates] == ["holds", "holds"] == [one.state for one in gates(outcome.folder)]
    assert found.usage.calls == 30 and found.usage.models == {"generator": ("scripted",)}


def test_what_generation_rejects_and_an_end_before_the_rest() -> None:
    def fails(request: Any) -> str:
        if "number 5" in str(request.messages):
            raise Failure("refused", "no")
        return writes(request)

    found = facts(made(model=fails, budget={"calls": 12}).folder)
    balanced(found)
    assert (found.status, found.finished, found.wanted) == ("stopped", False, 30)
    assert found.tried <= 13 and found.usage.calls <= 12 and found.verdict.state in ("unknown", "demo")
    done = facts(made(model=fails).folder)
    balanced(done)
    assert done.finished and (done.tried, done.generated) == (31, 30)  # a rejected row is made up for
    assert done.usage.calls > 18 and done.usage.from_journal > 0
    assert [(one.reason, one.n) for one in done.losses if one.stage == "generate"] == [("refused", 1)]


def test_a_curated_file_was_read_not_tried() -> None:
    rows = [{"text": f"row {n} " + "x" * n, "label": "good"} for n in range(12)] + [{"text": "row 3 xxx", "label": "good"}]
    ready = curating.prepare(
        Data.of(rows), [{"dedupe": "exact"}, {"length": {"words": [1, 5], "action": "flag"}}], Wanted(runs=Path("runs"))
    )
    outcome = start(ready.execute)
    found = facts(outcome.folder)
    balanced(found)
    assert found.given and (found.tried, found.generated, found.kept) == (13, 13, 12) and found.usage.calls == 0
    assert [(one.step, one.n) for one in found.losses] == [("dedupe", 1)]


def test_an_evaluated_file_and_then_its_curation() -> None:
    rows = [{"text": f"row {n} " + "x" * (n + 1), "label": "good"} for n in range(12)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    wanted = Wanted(runs=Path("runs"), metrics=["near_duplicates"], gates={"near_duplicates": {"at_most": 0.5}})
    outcome = start(prepare("rows.jsonl", wanted).execute)
    found = facts(outcome.folder)
    assert found.given and (found.tried, found.kept, found.stale) == (12, 12, False)
    assert found.inputs["rows"]["file"] == "rows.jsonl" and found.inputs["rows"]["rows"] == 12
    assert [one.state for one in found.set_gates] == ["holds"]
    start(curating.prepare(str(outcome.path), [{"length": {"chars": [10, 99]}}], Wanted(runs=Path("runs"))).execute)
    after = facts(outcome.folder)
    balanced(after)
    assert after.stale and after.kept < 12 and after.inputs == found.inputs
    assert [one.state for one in after.set_gates] == ["unknown"]


def test_gates_of_an_evaluation_stay_with_the_run_and_a_moved_bound_is_known() -> None:
    folder = made().folder

    def again(**bounds: Any) -> Facts:
        wanted = Wanted(runs=Path("runs"), metrics=["near_duplicates"], gates=bounds)
        start(prepare(str(folder.path), wanted).execute)
        return facts(folder)

    tightened = again(near_duplicates={"at_most": 0.2})
    assert {one.gate.metric: one.bound for one in tightened.set_gates} == {"near_duplicates": "at most 0.20", "contamination": "at most 0"}
    assert not any("loosened" in line for line in tightened.verdict.know)
    loosened = again(near_duplicates={"at_most": 0.9})
    line = "a gate was loosened after its figure was seen: near_duplicates from at most 0.50 to at most 0.90"
    assert line in loosened.verdict.know
    assert again().set_gates[0].bound == "at most 0.90"  # kept, though this evaluation named none


def test_recording_inputs_changes_neither_identity_nor_what_is_paid() -> None:
    first = made()
    state = first.folder.read_state()
    assert set(state["inputs"]) == {"holdout"} and state["models"] == {"generator": ["scripted"]}
    Path("holdout.jsonl").rename("moved.jsonl")
    again = run(
        "flow.yaml",
        models={"generator": ScriptedModel(writes)},
        runs="runs",
        data={"holdout": "moved.jsonl"},
        set={"describe": "Other words."},
    )
    assert again.folder.read_state()["inputs"]["holdout"]["file"] == "moved.jsonl"
    assert again.calls == 0 or again.path != first.path


ODD: dict[str, dict[str, Any]] = {
    "empty": {},
    "nothing": {"run.json": {}},
    "cut": {"run.json": b'{"asked": {"task"', "metrics.json": [], "progress.json": b"\x00\xff"},
    "types": {
        "run.json": {
            "asked": [],
            "totals": 3,
            "stages": {"evaluate": 4},
            "versions": "x",
            "seed": "y",
            "status": 7,
            "models": {"generator": 1},
        },
        "metrics.json": {
            "values": [1, {"metric": 3}, {"metric": "x", "value": "high"}, {"metric": "y", "value": 1, "interval": [1]}],
            "n": [],
        },
    },
    "later": {
        "run.json": {
            "asked": {"evaluate": {"gates": {"x": {"between": [1, 2]}}}, "generate": {"method": "m"}, "data": {"a": "b.csv"}},
            "status": "done",
        },
        "artifacts/gates.json": {"gates": [{"x": {"between": 1}}, 3]},
        "artifacts/curation.json": {"steps": [{"name": "x"}]},
    },
    "files": {
        "run.json": {"status": "done"},
        "rows/part-00000.parquet": b"PAR1",
        "data/part-00000.parquet": b"",
        "journal.db": b"no database",
        "decisions.parquet": b"PAR1PAR1",
    },
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_folder_gives_facts_with_less_in_them(tmp_path: Path, name: str) -> None:
    for file, content in ODD[name].items():
        path = tmp_path / "odd" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    found = facts(RunFolder(tmp_path / "odd"))
    assert (found.name, found.kept, found.losses, found.verdict.state) == ("odd", 0, (), "unknown")
    if name == "later":
        assert [one.state for one in found.gates] == ["unknown"] and found.inputs["a"]["file"] == "b.csv"


@pytest.mark.parametrize("gone", ["data", "rejected", "decisions.parquet", "metrics.json", "run.json", "rows", "artifacts"])
def test_a_folder_that_lacks_a_part_is_read_without_it(tmp_path: Path, gone: str) -> None:
    folder = running_example(tmp_path / "support-intents")
    path = folder.path / gone
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() or not path.exists() else path.unlink()
    found = facts(folder)
    assert found.verdict.state == "unknown"
    assert found.kept == 820


def test_a_run_whose_process_is_gone_is_interrupted(tmp_path: Path) -> None:
    folder = running_example(tmp_path / "support-intents")
    folder.write_state({**folder.read_state(), "status": "running"})
    assert facts(folder).status == "interrupted"
    with folder.lock():
        assert facts(folder).status == "running"

"""May I train on this? What the commands say and how they end, by the same verdict."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Tell
from evaluate.evaluating import reviews
from report.example import REFUSED, ROLES, running_example
from tilth.cli import summary
from tilth.cli.commands.evaluate import gates
from tilth.cli.options import Answer, Session
from tilth.cli.printer import Printer
from tilth.engine.outcome import Outcome
from tilth.errors import RequestError
from tilth.evaluate.gates import gates_of

SUMMARY = """\
✓ support-intents: 820 records kept of 1,078 tried                      4 min 48 s
  generate  1,078 tried    78 rejected   42 refused to answer, 25 reply not readable, 11 too long
  curate    1,000 → 820    180 dropped   73 judge below 4, 61 near duplicate, 31 balance, 9 too short, 4 refusal, 2 in the holdout
            38 sent to review (label doubtful)
  evaluate  4 figures in runs/support-intents/metrics.json
  cost      $0.87 · 2,062 calls · 710k in, 185k out · $0.0011 per kept record
            generator $0.41 (1,138 calls) · judge $0.46 (924 calls)

  May I train on this?  NOT KNOWN YET: 1 of 4 gates has no evidence.
    ✓ near_duplicates  at most 0.05     0.021 [0.013, 0.033]
    ✓ contamination    at most 0        0 of 820
    ✓ utility          at least 0.60    0.71 [0.67, 0.75]  (16 real alone 0.49, majority 0.11)
    ? label_agreement  at least 0.85    no human labels yet: review 100 records

  runs/support-intents   data 820 · rejected 258 · README.md
"""
FLOW = """\
tilth: 1
name: made
task: {kind: classification, labels: [good, bad]}
data: {real: real.jsonl, holdout: holdout.jsonl}
generate:
  rows: 12
  columns:
    label: {values: labels}
    text: {prompt: "Write a {{ label }} note, number {{ row }}."}
evaluate:
  metrics: [near_duplicates]
  gates: {near_duplicates: {at_most: 1}}
"""


def write(path: str, rows: list[dict[str, Any]]) -> None:
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def files(tilth: Tell) -> None:
    """The files of an evaluation, in the test's folder."""
    write("rows.jsonl", reviews(60, 1, "row"))
    write("real.jsonl", reviews(80, 3, "real"))
    write("holdout.jsonl", reviews(60, 2, "test"))
    Path("flow.yaml").write_text(FLOW)


def finished(strict: bool, audited: int | None = None) -> tuple[str, Answer]:
    """The summary of the running example, and the answer of the command."""
    folder = running_example(Path("runs/support-intents"), audited=audited)
    reasons = {("attrprompt", reason): n for reason, n in REFUSED.items()}
    outcome = Outcome(folder, "done", 0, 820, 258, 1000, reasons, 2062, 0, 709640, 184900, 0.8717, False, dict(ROLES), 288.0)
    err = io.StringIO()
    session = Session(printer=Printer(out=io.StringIO(), err=err, environ={}), command="run")
    session.printer.unicode = lambda stream: True  # type: ignore[method-assign]
    answer = summary.finish(session, outcome, ["run", "intents.yaml"], strict=strict)
    return err.getvalue(), answer


def test_the_summary_is_the_one_that_the_specification_draws() -> None:
    told, answer = finished(strict=False)
    assert told.startswith(SUMMARY)
    assert answer.exit == 0 and answer.error is None
    result = answer.result or {}
    assert result["rows"] == {"asked": 1000, "tried": 1078, "generated": 1000, "kept": 820, "rejected": 258, "to_review": 38}
    assert {"stage": "curate", "step": "dedupe", "reason": "near_duplicate", "n": 61, "action": "drop"} in result["reasons"]
    assert [(one["metric"], one["state"]) for one in result["gates"]][2:] == [("utility", "holds"), ("label_agreement", "unknown")]
    assert (result["verdict"]["state"], result["verdict"]["text"]) == ("unknown", "NOT KNOWN YET: 1 of 4 gates has no evidence.")


@pytest.mark.parametrize(("audited", "code", "word"), [(None, 1, "NOT KNOWN YET"), (91, 1, "NOT YET"), (94, 0, "YES, for training")])
def test_screen_json_and_exit_code_say_the_same(audited: int | None, code: int, word: str) -> None:
    told, answer = finished(strict=True, audited=audited)
    assert f"May I train on this?  {word}" in told
    assert answer.exit == code and (answer.result or {})["exit"] == code
    assert (answer.result or {})["verdict"]["text"].startswith(word)
    assert ("error: --strict:" in told) == bool(code) and (answer.error is None) == (code == 0)
    assert ("know before use: " in told) == (code == 0)


@pytest.mark.usefixtures("files")
def test_strict_runs_end_with_1_unless_one_may_train_on_it(tilth: Tell) -> None:
    loose = tilth("run", "flow.yaml", "--scripted")
    assert loose.exit == 0 and "May I train on this?  A DEMONSTRATION: not for training." in loose.err
    told = tilth("run", "flow.yaml", "--scripted", "--strict", "--json")
    assert told.exit == 1 and told.json["error"]["code"] == "gates.strict" and told.json["result"]["verdict"]["state"] == "demo"
    assert [one["state"] for one in told.json["result"]["gates"]] == ["holds"]


@pytest.mark.usefixtures("files")
def test_evaluate_with_gates(tilth: Tell) -> None:
    command = ["evaluate", "rows.jsonl", "--real", "real.jsonl", "--holdout", "holdout.jsonl", "--progress", "none"]
    command += ["--metric", "near_duplicates", "--metric", "contamination", "--student", "tfidf", "--sizes", "10", "--seeds", "2"]
    held = tilth(*command, "--gate", "utility>=0.6", "--gate", "contamination<=0 on=point", "--strict")
    assert held.exit == 0, held.err
    assert "May I train on this?  YES, for training on text." in held.err
    assert "✓ contamination  at most 0        0 of 60" in held.err
    header, *rows = [line.split("\t") for line in held.out.splitlines() if "\t" in line]
    assert header == ["metric", "value", "reference (real)", "better", "n"]
    utility = next(row for row in rows if row[0] == "utility_10_tfidf")
    assert utility[2].startswith("10 real ") and "majority 0.50" in utility[2] and utility[3:] == ["higher", "60"]
    failed = tilth(*command, "--gate", "utility>=1.1", "--strict", "--json", "-o", "figures.json")
    assert json.loads(Path("figures.json").read_text())["values"] == failed.json["result"]["values"]
    assert failed.exit == 1 and failed.json["result"]["verdict"]["state"] == "not_yet" and failed.json["error"]["code"] == "gates.strict"
    assert tilth(*command, "--gate", "utility>=1.1").exit == 0


@pytest.mark.usefixtures("files")
def test_a_gate_of_a_run_is_kept_and_shown_by_status(tilth: Tell) -> None:
    tilth("run", "flow.yaml", "--scripted")
    tilth("evaluate", "made", "--metric", "near_duplicates", "--gate", "vendi>=3", "--gate", "near_duplicates<=0", "--progress", "none")
    table = [line.split("\t") for line in tilth("status").out.splitlines()]
    assert table[0][4] == "gates" and table[1][4] == "1 ✗ 1 ?"
    one = tilth("status", "made")
    assert "train     May I train on this?  A DEMONSTRATION: not for training." in one.out
    assert "✗ near_duplicates  at most 0     " in one.out and "? vendi" in one.out
    states = {gate["metric"]: gate["state"] for gate in tilth("status", "made", "--json").json["result"]["gates"]}
    assert states == {"near_duplicates": "fails", "vendi": "unknown"}


@pytest.mark.usefixtures("files")
def test_curation_makes_figures_speak_of_other_records(tilth: Tell) -> None:
    tilth("run", "flow.yaml", "--scripted")
    told = tilth("curate", "made", "-s", "length: {words: [400, 500]}", "--strict", "--progress", "none")
    assert told.exit != 0
    again = tilth("curate", "made", "-s", "length chars=[1,40]", "--strict", "--json", "--progress", "none")
    result = again.json["result"]
    assert again.exit == 1 and result["rows"]["generated"] == 12 and result["rows"]["kept"] < 12
    assert [one["state"] for one in result["gates"]] == ["unknown"]


def test_gates_are_read_as_they_are_written() -> None:
    found = gates(["utility >= .6", "c2st>=0.4", "c2st<=0.6", "near_duplicates<=0.05 level=should on=point"])
    assert found["c2st"] == {"at_least": 0.4, "at_most": 0.6}
    assert found["near_duplicates"] == {"at_most": 0.05, "level": "should", "on": "point"}
    assert [gate.metric for gate in gates_of(found)] == ["utility", "c2st", "near_duplicates"]


@pytest.mark.parametrize(
    "text", ["utility", "utility>0.6", "utility=0.6", ">=1", "utility>=high", "utility>=0.6 on=edge", "utility>=0.6;rm"]
)
def test_what_is_no_gate_says_how_to_write_one(text: str) -> None:
    with pytest.raises(RequestError, match="write it as 'NAME>=NUMBER' or 'NAME<=NUMBER'"):
        gates([text])


def test_a_gate_on_a_metric_that_nobody_knows(tilth: Tell) -> None:
    write("rows.jsonl", reviews(4, 1, "row"))
    told = tilth("evaluate", "rows.jsonl", "--gate", "near_duplicate<=0.1")
    assert (told.exit, told.err) == (2, "error: no metric is called 'near_duplicate'. Did you mean 'near_duplicates'?\n")
    crossed = tilth("evaluate", "rows.jsonl", "--gate", "vendi>=3", "--gate", "vendi<=2")
    assert (crossed.exit, crossed.err) == (2, "error: gate: nothing is at least 3 and at most 2.\n")

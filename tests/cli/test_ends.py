"""How commands end where there is little to show: no record kept, people asked, no model asked, events in the place of lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cli.conftest import Tell, environment

EXAMPLES = Path(__file__).parents[2] / "examples"


def events(text: str) -> list[dict[str, object]]:
    """Every line of stderr; a line that is no JSON fails."""
    return [json.loads(line) for line in text.splitlines()]


def test_with_progress_json_every_line_of_stderr_is_an_event(tilth: Tell) -> None:
    told = tilth("run", str(EXAMPLES / "gpt3mix.yaml"), "--scripted", "-n", "8", "--progress", "json", "-v")
    found = events(told.err)
    names = [one["event"] for one in found]
    assert told.exit == 1 and names[0] == "run_started" and "run_done" in names and names[-1] == "error"
    assert str(found[-1]["message"]).startswith("no record was kept: ") and "-m local asks a model. See: " in str(found[-1]["message"])
    warned = [one["message"] for one in found if one["event"] == "warning"]
    assert any("8 rows short" in str(line) for line in warned) and len(warned) == len(set(map(str, warned)))


def test_a_mistake_is_an_event_too(tilth: Tell) -> None:
    told = tilth("run", "no-such-flow.yaml", "--progress", "json")
    assert told.exit == 2 and [one["event"] for one in events(told.err)] == ["error"]


def test_a_run_that_waits_for_people_names_the_queue_and_how_many_questions_it_holds(tilth: Tell) -> None:
    command = ["run", str(EXAMPLES / "selective-annotation.yaml"), "--scripted", "-p", "annotator=people"]
    told = tilth(*command)
    queue = Path("runs/selective-annotation/people.jsonl")
    asked = [json.loads(line) for line in queue.read_text("utf-8").splitlines()]
    assert told.exit == 75 and len(asked) == 8
    assert f"waiting for people: 8 questions in {queue}. Answer in {queue.parent / 'answers.jsonl'}, one line each" in told.err
    answers = [json.dumps({"id": one["id"], "answer": one["options"][0]}) for one in asked[:5]]
    queue.with_name("answers.jsonl").write_text("\n".join(answers) + "\n", "utf-8")
    assert "waiting for people: 3 questions in " in tilth(*command).err
    assert tilth(*command, "--json").json["error"]["message"].startswith("waiting for people: 3 questions in ")


def test_a_run_that_stopped_at_the_cap_of_its_flow_is_told_a_larger_one_that_lets_it_go_on(tilth: Tell) -> None:
    task = "{tilth: 1, name: capped, budget: {calls: 3}, models: {generator: local}, task: {about: Notes.}, generate: "
    Path("capped.yaml").write_text(task + "{rows: 8, columns: {text: {prompt: 'Write note {{ row }}.'}}}}\n", "utf-8")
    told = tilth("run", "capped.yaml", "--scripted")
    assert told.exit == 4 and told.advice == ["tilth run capped.yaml --scripted --max-calls 9"]
    again = tilth(*told.advice[0].split()[1:], "--json").json["result"]["usage"]
    assert (again["from_journal"], again["calls"]) == (3, 5)


def test_trace_of_a_run_that_kept_nothing_says_so_and_prints_no_header(tilth: Tell) -> None:
    tilth("run", str(EXAMPLES / "gpt3mix.yaml"), "--scripted", "-n", "2")
    told = tilth("trace", "gpt3mix")
    assert (told.exit, told.out) == (0, "")
    assert "no record was kept; 6 rejected" in told.err and told.advice == ["tilth trace gpt3mix --reason any"]
    assert tilth("trace", "gpt3mix", "--reason", "any").out.startswith("id\tstate")


def test_trace_of_a_record_between_maps_names_no_place_and_no_two_columns_alike(tilth: Tell) -> None:
    tilth("run", str(EXAMPLES / "wrap.yaml"), "--scripted")
    told = tilth("trace", "wrap", "--calls", "-n", "1")
    names = [line.split()[1] for line in told.out.splitlines() if line[:2] in ("├─", "└─")]
    assert "stage generate, seed 4" in told.out and "place" not in told.out
    assert len(names) == len(set(names)) and {"n_tokens_src", "n_tokens_out"} <= set(names)
    assert told.advice == []  # the record was just shown


def test_nothing_is_said_of_a_small_model_that_was_not_asked(tilth: Tell, local_model: str) -> None:
    told = tilth("run", str(EXAMPLES / "regen.yaml"), "--json")
    assert told.exit == 0 and told.json["result"]["rows"]["kept"] > 0
    assert [one["code"] for one in told.json["warnings"] if one["code"] == "model.embedded"] == []


@pytest.mark.parametrize(
    ("words", "name"), [(["--kind", "text"], "two-tickets"), (["--method", "wrap", "--from", "notes.jsonl"], "two-tickets")]
)
def test_a_flow_is_named_after_the_file_that_it_is_sent_to(tmp_path: Path, words: list[str], name: str) -> None:
    (tmp_path / "notes.jsonl").write_text('{"text": "A note."}\n' * 5)
    with (tmp_path / "Two tickets.yaml").open("w") as out:
        subprocess.run([sys.executable, "-m", "tilth", "flow", "init", *words], stdout=out, cwd=tmp_path, env=environment(), check=True)
    assert yaml.safe_load((tmp_path / "Two tickets.yaml").read_text())["name"] == name


def test_a_flow_sent_nowhere_is_named_after_its_method(tilth: Tell) -> None:
    assert yaml.safe_load(tilth("flow", "init", "--method", "attrprompt").out)["name"] == "attrprompt"
    assert yaml.safe_load(tilth("flow", "init", "--kind", "text").out)["name"] == "my-flow"

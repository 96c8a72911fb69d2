"""run, status and trace, on a server that answers from this process."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from cli.conftest import Tell, Told, environment
from cli.test_boundary import SCHEMA
from tilth.cli.app import build
from tilth.cli.options import Session
from tilth.models.faults import Faults, FaultServer

TASK = """\
about: Short reviews of films.
kind: classification
labels: {positive: liked it, negative: did not}
"""
HOSTILE = "\x1b[31mred\x1b]8;;http://evil\x07 link\x1b]52;c;aGk=\x07 \u202eback\u202c \x9b2J fine"


def reply(job: Any) -> str:
    return HOSTILE + f" {len(json.dumps(job)) % 7} {job.get('seed')}"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(reply=reply) as running:
        yield running


@pytest.fixture
def command(tilth: Tell, tmp_path: Path, server: FaultServer) -> list[str]:
    """`run zero-shot` for this server; add options."""
    (tmp_path / "task.yaml").write_text(TASK)
    return ["run", "zero-shot", "--task", "task.yaml", "-n", "8", "-m", f"openai/test@{server.url}"]


def parses(lines: list[str]) -> None:
    """Every line that is advised is a command with options that exist."""
    for line in lines:
        words = shlex.split(line)
        assert words[0] == "tilth", line
        group = build()
        with group.make_context("tilth", words[1:], obj=Session(argv=tuple(words[1:]))) as ctx:
            _, found, rest = group.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
            assert found is not None
            if isinstance(found, click.Group):
                with found.make_context(found.name, rest, parent=ctx) as inner:
                    _, found, rest = found.resolve_command(inner, [*inner._protected_args, *inner.args])
                    assert found is not None
            found.make_context(found.name, rest, parent=ctx)


def test_run_prints_its_path_alone_and_again_pays_nothing(tilth: Tell, command: list[str], server: FaultServer) -> None:
    told = tilth(*command)
    assert (told.exit, told.out) == (0, "runs/zero-shot\n")
    assert "zero-shot: 8 records kept of 8 tried" in told.err
    parses(told.advice)
    before = server.stats()["requests"]
    again = tilth(*command, "--json", "-q")
    assert again.exit == 0 and again.err == ""
    assert again.json["result"]["usage"]["from_journal"] == 8
    assert server.stats()["requests"] == before


def test_the_json_object_of_a_run(tilth: Tell, command: list[str]) -> None:
    import jsonschema

    told = tilth(*command, "--json", "--name", "named")
    jsonschema.validate(told.json, SCHEMA)
    result = told.json["result"]
    assert (result["run"], result["path"], result["state"], result["exit"]) == ("named", "runs/named", "done", 0)
    assert result["rows"] == {"asked": 8, "tried": 8, "generated": 8, "kept": 8, "rejected": 0, "to_review": 0}
    assert result["usage"]["usd"] is None and result["usage"]["usd_unknown"] is True
    parses(result["next"])


def test_status_and_trace(tilth: Tell, command: list[str]) -> None:
    tilth(*command)
    table = tilth("status")
    assert table.out.splitlines()[0].startswith("run\tstate\trows")
    assert table.out.splitlines()[1].startswith("zero-shot\tdone\t8 / 8\tunknown\t–\tnow")
    one = tilth("status", ".", "--json").json["result"]
    assert (one["state"], one["kept"], one["calls"], one["usd"]) == ("done", 8, 8, None)

    several = tilth("trace", ".", "-n", "3")
    assert len(several.out.splitlines()) == 4
    parses(several.advice)
    identity = tilth("trace", "zero-shot", "-n", "1", "--json").json["result"]["records"][0]["id"]
    tree = tilth("trace", "zero-shot", identity[:6], "--calls")
    assert tree.exit == 0
    assert tree.out.startswith(f"{identity[:8]}  kept\n├─ made by   columns, stage generate, place row:0, seed 0\n")
    assert "Short reviews of films." in tree.out and "call 1, reply (stop)" in tree.out
    facts = tilth("trace", "zero-shot", identity[:6], "--json").json["result"]
    assert facts["calls"][0]["reply"]["text"].startswith("\x1b[31m")
    assert facts["state"] == "kept" and facts["columns"]["label"] in ("positive", "negative")


def test_a_dot_is_the_newest_run_where_data_is_taken(tilth: Tell, command: list[str]) -> None:
    assert tilth(*command).exit == 0
    told = tilth("curate", ".", "-s", "length words=[1,99]")
    assert (told.exit, told.out) == (0, "runs/zero-shot\n") and "zero-shot (newest run)" in told.err
    assert tilth("evaluate", ".", "--metrics", "refusals").out.endswith("runs/zero-shot/metrics.json\n")


def test_trace_by_label_by_expression_and_with_the_neighbour(tilth: Tell, tmp_path: Path) -> None:
    long = "I am tired of waiting for the money, nobody answers the phone, and the shop has not written a single line since I {} the shoes"
    rows = [(long.format("returned"), "refund"), ("Where is it", "order"), (long.format("have returned"), "refund")]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    assert tilth("curate", "set.jsonl", "-s", "dedupe near=0.5").exit == 0
    labelled = tilth("trace", "set-curated", "--label", "refund", "--json").json["result"]["records"]
    assert [(one["state"], one["columns"]["label"]) for one in labelled] == [("kept", "refund"), ("rejected", "refund")]
    where = tilth("trace", "set-curated", "--where", "score > 0.5", "--json").json["result"]["records"]
    assert [one["state"] for one in where] == ["rejected"]
    tree = tilth("trace", "set-curated", where[0]["id"]).out
    assert "differs in: – → have" in tree and f"└─ {labelled[0]['id'][:8]}  I am tired" in tree
    assert tilth("trace", "set-curated", "--where", "nothing == 1").err == "no record fits\n"
    assert tilth("trace", "set-curated", "--where", "(").exit == 2


@pytest.mark.parametrize("argv", [["trace", "."], ["trace", ".", "--calls"], ["trace", ".", "--json"], ["status"]])
def test_no_escape_of_a_reply_reaches_the_streams(argv: list[str], tilth: Tell, command: list[str]) -> None:
    said = tilth(*command)
    told = tilth(*argv)
    text = said.out + said.err + told.out + told.err
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert argv == ["status"] or "red" in told.out


def test_the_cap_stops_with_4_and_the_rest_goes_on(tilth: Tell, command: list[str]) -> None:
    told = tilth(*command, "--max-calls", "3")
    assert told.exit == 4
    assert "stopped at the budget" in told.err and "Everything is saved." in told.err
    parses(told.advice)
    shown = tilth("status", "zero-shot")
    assert "stopped" in shown.out
    parses(shown.advice)
    done = tilth(*command, "--json").json["result"]["usage"]
    assert done["from_journal"] == 3 and done["calls"] == 5


def test_an_embedded_model_that_is_not_here_is_said_before_anything(
    tilth: Tell, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILTH_HOME", str(tmp_path / "empty"))
    told = tilth(*command, "-m", "generator=local", "--name", "none")
    assert told.exit == 2
    assert not (tmp_path / "runs" / "none").exists()


def test_rejected_records_are_shown_with_v(tilth: Tell, command: list[str]) -> None:
    with FaultServer(reply=lambda job: "I'm sorry, but I can't help with that.") as refusing:
        command[command.index("-m") + 1] = f"openai/test@{refusing.url}"
        told = tilth(*command, "-v", "--name", "refusing")
    assert told.exit == 1
    assert "error: no record was kept: " in told.err and "refused" in told.err
    assert "--reason any --calls" in told.err
    listed = tilth("trace", "refusing", "--reason", "any", "-n", "2")
    assert len(listed.out.splitlines()) == 3 and "rejected" in listed.out
    assert "no record was rejected for 'nothing'; there are: " in tilth("trace", "refusing", "--reason", "nothing").err


def test_too_few_records_is_1(tilth: Tell, command: list[str]) -> None:
    told = tilth(*command, "--require", "9", "--json")
    assert told.exit == told.json["error"]["exit"] == 1
    assert told.json["error"]["message"] == "8 records kept, fewer than --require 9."
    assert told.json["result"]["rows"]["kept"] == 8


def test_a_dry_run_is_used_by_the_real_one(tilth: Tell, command: list[str]) -> None:
    told = tilth(*command, "--dry-run", "4", "--json")
    result = told.json["result"]
    assert result["ran"] == {"kept": 4, "rejected": 0, "calls": 4, "usd": None} and result["rows"] == 8
    assert result["estimate"]["calls"]["expected"] == 8 and result["estimate"]["usd"]["expected"] is None
    parses(told.json["result"].get("next", []) or told.advice)
    assert tilth(*command, "--json").json["result"]["usage"]["from_journal"] == 4
    assert tilth(*command, "--dry-run", "4", "--json").json["result"]["ran"] == {"kept": 4, "rejected": 0, "calls": 0, "usd": 0.0}


def test_advice_names_the_folder_of_runs_that_was_given(tilth: Tell, command: list[str]) -> None:
    told = tilth(*command, "--runs", "else where")
    assert told.advice == ["tilth report zero-shot --runs 'else where' --open"]
    parses(told.advice)
    assert tilth("trace", "zero-shot", "--runs", "else where").exit == 0
    assert tilth("trace", "zero-shot").exit == 2


def test_progress_json_on_stderr(tilth: Tell, command: list[str]) -> None:
    told = tilth(*command, "--progress", "json", "--json")
    events = [json.loads(line) for line in told.err.splitlines() if line.startswith('{"event"')]
    assert [events[0]["event"], events[-1]["event"]] == ["run_started", "run_done"]
    assert told.json["ok"]


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["run", "task.yml"], "error: no such flow: task.yml. Did you mean 'task.yaml'?"),
        (["run", "zero-shott"], "error: no method is called 'zero-shott'. Did you mean 'zero-shot'? See: tilth methods"),
        (["status", "zero-shto"], "error: no run called 'zero-shto' in ./runs. Did you mean 'zero-shot'?"),
        (
            ["trace", "zero-shot", "ffffffffff"],
            "error: no record of zero-shot has an id that begins with 'ffffffffff'. List some with: tilth trace zero-shot",
        ),
        (["methods", "atrprompt"], "error: no method is called 'atrprompt'. Did you mean 'attrprompt'? See: tilth methods"),
        (
            ["run", "zero-shot", "--task", "task.yaml", "-m", "openai/gpt-4.1-mini"],
            "error: OPENAI_API_KEY is not set, and role 'generator' uses openai/gpt-4.1-mini. Set it, or try without: -m generator=local",
        ),
        (["run", "zero-shot", "-p", "k"], "error: -p k: write it as NAME=VALUE."),
        (
            ["run", "zero-shot", "-n", "many"],
            "error: invalid value for '-n' / '--rows': 'many' is not a valid integer range. See: tilth run --help",
        ),
        (["models", "lst"], "error: no command 'models lst'. Did you mean 'models list'?"),
        (["run"], "error: missing argument 'FLOW|METHOD'. See: tilth run --help"),
        (
            ["models", "list", "opnai"],
            "error: no provider is called 'opnai' (there are: local, openai, anthropic, gemini, openrouter, ollama, vllm).",
        ),
    ],
)
def test_mistakes_are_one_line_and_spend_nothing(argv: list[str], line: str, tilth: Tell, command: list[str], server: FaultServer) -> None:
    tilth(*command)
    before = server.stats()["requests"]
    told = tilth(*argv)
    assert (told.exit, told.out, told.err) == (2, "", line + "\n")
    assert server.stats()["requests"] == before


def test_a_run_in_use_is_named(tilth: Tell, command: list[str], tmp_path: Path) -> None:
    from tilth.records.folder import RunFolder

    tilth(*command)
    with RunFolder(tmp_path / "runs" / "zero-shot").lock():
        told = tilth(*command)
        assert tilth("status", "zero-shot", "--json").json["result"]["state"] == "done"
    assert told.exit == 2
    assert "runs/zero-shot is being written by process " in told.err
    assert told.err.endswith("Watch it with: tilth status zero-shot --watch\n")


def slow(command: list[str], folder: Path, server: FaultServer) -> subprocess.Popen[str]:
    words = [*command, "--concurrency", "2", "--name", "slow", "--progress", "none"]
    words[words.index("-n") + 1] = "60"
    return subprocess.Popen(
        [sys.executable, "-m", "tilth", *words], cwd=folder, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(process: subprocess.Popen[str]) -> Told:
    out, err = process.communicate(timeout=60)
    return Told(process.returncode, out, err)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_interrupted_runs_say_so_and_go_on(number: signal.Signals, code: int, tilth: Tell, command: list[str], tmp_path: Path) -> None:
    with FaultServer(reply=reply, latency=0.05) as server:
        command[command.index("-m") + 1] = f"openai/test@{server.url}"
        process = slow(command, tmp_path, server)
        deadline = time.monotonic() + 30
        while server.stats()["requests"] < 6 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        told = finish(process)
        assert told.exit == code
        state = tilth("status", "slow", "--json").json["result"]["state"]
        assert state == ("interrupted" if number == signal.SIGKILL else "stopped")
        if number != signal.SIGKILL:
            assert "Everything is saved." in told.err and "continues here" in told.err
            parses(told.advice)
        whole = finish(slow(command, tmp_path, server))
        assert whole.exit == 0 and whole.out == "runs/slow\n"
        assert tilth("status", "slow", "--json").json["result"]["kept"] == 60


@pytest.mark.slow
def test_a_second_ctrl_c_leaves_at_once_and_says_what_is_lost(command: list[str], tmp_path: Path) -> None:
    with FaultServer(reply=reply, latency=25.0) as server:
        command[command.index("-m") + 1] = f"openai/test@{server.url}"
        process = slow(command, tmp_path, server)
        deadline = time.monotonic() + 30
        while server.stats()["requests"] < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        time.sleep(1.0)
        assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        told = finish(process)
        assert time.monotonic() - began < 5
    assert told.exit == 130
    assert "Stopping: 2 calls are in flight and already paid; waiting for them." in told.err
    assert "2 calls in flight lost" in told.err


def test_a_refused_key_is_3_and_never_shown(tilth: Tell, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-key")
    with FaultServer(faults=Faults(p401=1.0)) as refusing:
        command[command.index("-m") + 1] = f"openai/test@{refusing.url}"
        told = tilth(*command, "--json")
    assert told.exit == told.json["error"]["exit"] == 3
    assert "sk-very-secret-key" not in told.out + told.err
    assert "OPENAI_API_KEY (401)" in told.json["error"]["message"]
    assert told.json["result"]["state"] == "incomplete"

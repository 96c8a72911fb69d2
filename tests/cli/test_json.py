"""`--json` of every command fits its schema, also on error; and every schema belongs to a command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cli.conftest import Tell
from cli.test_runs import TASK, parses
from tilth.cli import schemas
from tilth.cli.app import COMMANDS
from tilth.models.faults import FaultServer

OTHERS = {"curate", "evaluate", "flow", "report", "export"}
"""Commands whose results their own tests look at."""


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def flow(tilth: Tell, tmp_path: Path, server: FaultServer) -> list[str]:
    (tmp_path / "task.yaml").write_text(TASK)
    return ["zero-shot", "--task", "task.yaml", "-n", "6", "-m", f"openai/test@{server.url}"]


def check(tilth: Tell, *words: str, exit: int = 0) -> Any:
    """The object of one call, after it was held against its command's schema."""
    told = tilth(*words, "--json")
    assert told.exit == exit, told.err
    command = told.json["command"]
    schema = schemas.answer(command)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(told.json, schema)
    parses(told.json["result"].get("next", []) if told.json["result"] else [])
    return told.json["result"]


def test_every_command_has_a_schema_and_every_schema_a_command() -> None:
    assert {name.split()[0] for name in schemas.commands()} | OTHERS >= set(COMMANDS)
    assert {name.split()[0] for name in schemas.commands()} <= set(COMMANDS)


def test_runs(tilth: Tell, flow: list[str]) -> None:
    preview = check(tilth, "preview", *flow)
    assert [one["state"] for one in preview["records"]] == ["kept"] * 6 and preview["estimate"]["calls"]["expected"] == 100
    assert check(tilth, "run", *flow, "--dry-run", "4")["ran"]["kept"] == 4
    assert check(tilth, "run", *flow)["rows"]["kept"] == 6
    check(tilth, "run", *flow, "--name", "other", "--seed", "5")
    check(tilth, "status")
    check(tilth, "status", "zero-shot")
    records = check(tilth, "trace", "zero-shot", "-n", "2")["records"]
    check(tilth, "trace", "zero-shot", records[0]["id"])
    pairs = check(tilth, "compare", "zero-shot", "other")["pairs"]
    assert pairs[0]["changed"] == ["seed: 0 → 5"] and pairs[0]["metrics"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("catalog",),
        ("methods",),
        ("methods", "attrprompt"),
        ("methods", "zero-shot"),
        ("models", "list"),
        ("models", "prices"),
        ("models", "remove", "minilm"),
        ("doctor",),
        ("help",),
        ("help", "exit-codes"),
        ("completion", "bash"),
    ],
)
def test_the_others(words: tuple[str, ...], tilth: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILTH_HOME", str(tmp_path / "home"))
    check(tilth, *words)


def test_demo_and_annotate(tilth: Tell, tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    check(tilth, "demo", "--scripted", "-n", "6", "-q")
    (tmp_path / "texts.csv").write_text("text\ngood film\nbad film\n")
    with FaultServer(reply=lambda job: "a") as one:
        check(tilth, "annotate", "texts.csv", "--labels", "a,b", "-m", f"openai/test@{one.url}")
        check(tilth, "models", "check", f"openai/test@{one.url}")
        before = one.stats()["requests"]
        plan = check(tilth, "annotate", "texts.csv", "--labels", "a,b", "-m", f"openai/test@{one.url}", "--plan")["plan"]
        assert (plan["records"], plan["calls"], plan["usd"], one.stats()["requests"]) == (2, 2, None, before)
        assert any("good film" in message["content"] for message in plan["prompt"])
    check(tilth, "models", "check", "openai/gpt-4.1-mini", exit=1)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    low, high = check(tilth, "annotate", "texts.csv", "--labels", "a,b", "--votes", "3", "-m", "openai/gpt-4.1", "--plan")["plan"]["usd"]
    assert 0 < low <= high < 0.01 and not (tmp_path / "runs" / "texts-labels-2").exists()


@pytest.mark.parametrize(
    ("words", "code", "exit"),
    [
        (("run", "absent.yaml"), "flow.not_found", 2),
        (("preview", "absent"), "method.unknown", 2),
        (("trace", "absent"), "run.unknown", 2),
        (("compare", "absent", "other"), "run.unknown", 2),
        (("models", "list", "opnai"), "model.unknown_provider", 2),
        (("help", "nothing"), "help.unknown", 2),
        (("completion", "tcsh"), "usage", 2),
        (("run", "zero-shot", "--task", "x", "-s", "task.labels=[a, b]", "--until", "review", "--scripted"), "run.no_stage", 2),
    ],
)
def test_an_error_is_an_object_with_a_stable_code(words: tuple[str, ...], code: str, exit: int, tilth: Tell) -> None:
    told = tilth(*words, "--json")
    jsonschema.validate(told.json, schemas.envelope())
    assert (told.exit, told.json["ok"], told.json["result"]) == (exit, False, None)
    assert (told.json["error"]["code"], told.json["error"]["exit"]) == (code, exit)

"""Catalog, help, completion, prices, variables from a file, and what stands where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Tell, environment
from tilth import catalog, config
from tilth.cli import pages
from tilth.cli.app import COMMANDS
from tilth.cli.commands import help as help_command
from tilth.cli.commands.catalog import everything

ROOT = Path(__file__).parents[2]


def test_every_part_of_the_catalog_exists_and_its_tests_are_there(tilth: Tell) -> None:
    from importlib import import_module

    parts = everything()
    assert len({(part.kind, part.slug) for part in parts}) == len(parts)
    assert {part.kind for part in parts} == {"method", "flow", "step", "metric", "verifier", "reader", "format"}
    assert {part.slug for part in parts if part.kind == "method"} == set(catalog.methods())
    for part in parts:
        module, _, name = part.entry.partition(":")
        assert part.kind == "flow" or hasattr(import_module(module), name), part
        assert (ROOT / part.tests).is_file(), part
    assert tilth("catalog", "--kind", "step").out.splitlines()[1].startswith("refusals\tstep\ttilth.curate.rules:Refusals")


def test_help_is_the_same_everywhere(tilth: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    page = pages.markdown()
    assert all(f"\n## tilth {name}\n" in page for name in COMMANDS) and "\n### tilth models list\n" in page
    monkeypatch.setenv("COLUMNS", "40")
    assert pages.markdown() == page
    assert "--budget-ok-partial" in tilth("help", "run").out
    assert tilth("help", "nonsense").err.startswith("error: no help on 'nonsense'. There are: flow, models, gates")


@pytest.mark.parametrize("topic", help_command.TOPICS)
def test_pages_fit_a_terminal_and_name_commands_that_exist(topic: str, tilth: Tell) -> None:
    told = tilth("help", topic)
    assert told.exit == 0 and max(len(line) for line in told.out.splitlines()) <= 130
    for line in told.out.splitlines():
        words = line.split()
        if words[:1] == ["tilth"] and len(words) > 1 and words[1].isalpha():
            assert words[1] in COMMANDS, line


def test_the_page_of_exit_codes_has_those_of_the_errors(tilth: Tell) -> None:
    from tilth import errors

    page = help_command.text("exit-codes")
    classes = [one for one in vars(errors).values() if isinstance(one, type) and isinstance(getattr(one, "exit", None), int)]
    for one in classes:
        assert f"\n    {one.exit} " in page or f"\n    {one.exit}," in page, one  # type: ignore[attr-defined]


def test_the_first_word_of_every_code_stands_on_the_help_page() -> None:
    import ast

    found = [node for path in (ROOT / "src").rglob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    values = [node.value for node in found if isinstance(node, ast.keyword) and node.arg == "code"]
    codes = {one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value}
    words = {word.strip(",:") for word in help_command.text("errors").split()}
    assert len(codes) > 100
    assert {code for code in codes if not {code, f"{code.split('.')[0]}.*"} & words} == set()


def test_every_parameter_of_a_flow_on_the_help_page_is_real(tmp_path: Path) -> None:
    import textwrap

    from tilth.flows.flow import Flow

    text = help_command.text("flow")
    block = text[text.index("    tilth: 1") : text.index("    tilth preview")]
    (tmp_path / "f.yaml").write_text(textwrap.dedent(block))
    (tmp_path / "examples16.csv").write_text("text,label\nwhere,refund\n")
    assert Flow.from_yaml(tmp_path / "f.yaml", check=True).stage.rows == 1000


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["run", "attr"], "attrprompt"), (["comp"], "compare"), (["models", "p"], "prices"), (["run", "--bud"], "--budget")],
)
def test_the_tab_key(words: list[str], expected: str, tmp_path: Path) -> None:
    typed = " ".join(["tilth", *words])
    asked = {"_TILTH_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(words))}
    code = "import sys; from tilth.cli import main; sys.exit(main([]))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(**asked), capture_output=True, text=True, cwd=tmp_path, check=False)
    assert f"plain,{expected}" in done.stdout.splitlines(), done


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(shell: str, tilth: Tell) -> None:
    told = tilth("completion", shell)
    assert told.exit == 0 and "_TILTH_COMPLETE" in told.out and "\x1b" not in told.out


def test_help_is_quick() -> None:
    """Processor time of the fastest of some starts, less that of the interpreter alone: a busy machine must not decide."""
    resource = pytest.importorskip("resource")

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return float(usage.ru_utime + usage.ru_stime)

    def fastest(*words: str) -> float:
        times = []
        for _ in range(5):
            began = used()
            subprocess.run([sys.executable, *words], env=environment(), capture_output=True, check=True)
            times.append(used() - began)
        return min(times)

    assert fastest("-m", "tilth", "--help") - fastest("-c", "pass") < 0.15


def test_own_prices_win_over_the_table_and_are_forgotten(tilth: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tilth.models.prices import price_of

    monkeypatch.setenv("TILTH_HOME", str(tmp_path / "home"))
    assert tilth("models", "prices", "--set", "openai/gpt-4.1-mini=1/2", "--set", "openai/new=3/4").exit == 0
    price, new = price_of("openai/gpt-4.1-mini"), price_of("openai/new")
    assert price is not None and new is not None and (price.input, price.output, new.output) == (1.0, 2.0, 4.0)
    assert "openai/new\t3.00\t4.00\tyou" in tilth("models", "prices").out
    assert "openai/new" in [row["spec"] for row in tilth("models", "list", "--json").json["result"]["models"]]
    tilth("models", "prices", "--unset", "openai/new")
    assert price_of("openai/new") is None
    assert "write it as PROVIDER/NAME=IN/OUT" in tilth("models", "prices", "--set", "openai/new=3").err


def test_a_file_of_variables_is_read_only_when_it_is_named(tilth: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILTH_TEST_SET", "mine")
    Path(".env").write_text("# keys\nexport TILTH_TEST_NEW='a b'\nTILTH_TEST_SET=theirs\n\n")
    words = ["preview", "zero-shot", "--task", "Films.", "-s", "task.labels=[a, b]", "--scripted", "-n", "1"]
    monkeypatch.setattr(os, "environ", {**os.environ})
    assert tilth(*words).exit == 0 and "TILTH_TEST_NEW" not in os.environ
    assert tilth(*words, "--env-file", ".env").exit == 0
    assert (os.environ["TILTH_TEST_NEW"], os.environ["TILTH_TEST_SET"]) == ("a b", "mine")
    Path(".env").write_text("sk-secret\n")
    told = tilth(*words, "--env-file", ".env")
    assert told.exit == 2 and told.err.startswith("error: .env:1: write each line as NAME=VALUE.") and "sk-secret" not in told.err


def test_until_stops_after_a_stage_and_the_rest_goes_on(tilth: Tell) -> None:
    words = ["run", "zero-shot", "--task", "Films.", "-s", "task.labels=[a, b]", "-s", "curate=[{length: {words: [1, 99]}}]", "--scripted"]
    assert tilth(*words, "-n", "4", "--until", "generate").exit == 0
    assert not Path("runs/zero-shot/decisions.parquet").exists()
    assert tilth(*words, "-n", "4").exit == 0 and Path("runs/zero-shot/decisions.parquet").exists()


def test_precedence_of_settings(tilth: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.tilth]\nruns = "from-file"\nprogress = "json"\n')

    def origins(*words: str) -> dict[str, tuple[object, str]]:
        checks = {one["name"]: one for one in tilth("doctor", "--json", *words).json["result"]["checks"]}
        return {name: (one["value"], one["origin"]) for name, one in checks["settings"]["settings"].items()}

    assert origins()["progress"] == ("json", "pyproject.toml") and origins()["quiet"] == (0, "default")
    assert "runs=from-file (pyproject.toml)" in tilth("doctor").out
    monkeypatch.setenv("TILTH_PROGRESS", "plain")
    assert origins()["progress"] == ("plain", "TILTH_PROGRESS")
    assert origins("--progress", "none")["progress"] == ("none", "command line")
    (tmp_path / "tilth.toml").write_text('progress = "loud"\n')
    monkeypatch.delenv("TILTH_PROGRESS")
    told = tilth("run", "zero-shot", "--task", "x", "-s", "task.labels=[a, b]", "--scripted", "-n", "1")
    assert told.exit == 2 and "'progress' must be one of live, plain, json, none, not \"loud\" (from tilth.toml)." in told.err
    assert config.KNOWN["runs"].variable == "TILTH_RUNS"

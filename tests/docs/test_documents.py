"""What the pages say is so: examples run, flows are valid, commands and files exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from docs.blocks import PAGES, ROOT, Block, blocks, command_lines, output_after

FIRST_EXAMPLE_MOST = 10


def _name(block: Block) -> str:
    return block.name


@pytest.mark.parametrize("block", blocks("README.md", "python"), ids=_name)
def test_python_examples_run_offline_and_print_what_is_shown(block: Block, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(block.text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    expected = output_after(block)
    assert expected is None or done.stdout == expected


def test_there_is_a_short_first_example() -> None:
    first = blocks("README.md", "python")[0]
    assert len([line for line in first.text.splitlines() if line.strip()]) < FIRST_EXAMPLE_MOST


def test_the_first_screen_says_what_to_type() -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:24]
    assert {"make demo", "make test"} <= {line for line in command_lines("README.md") if any(line in shown for shown in first)}


@pytest.mark.parametrize("block", blocks("README.md", "yaml"), ids=_name)
def test_flow_examples_are_valid(block: Block) -> None:
    from tilth.flows.load import loads
    from tilth.flows.validate import validate

    spec = validate(loads(block.text, file=block.name))
    assert spec.name == "support-messages"


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page: str) -> None:
    from tilth.cli.app import COMMANDS

    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = command_lines(page)
    assert page == "ARCHITECTURE.md" or lines
    for line in lines:
        program, *words = shlex.split(line)
        if program == "make":
            assert {word for word in words if not word.startswith("-") and "=" not in word} <= targets, line
        if program == "tilth" and words and not words[0].startswith("-"):
            assert words[0] in COMMANDS, line
            assert {word for word in words[1:] if word.startswith("-")} <= _options(words[0]), line


def _options(name: str) -> set[str]:
    """Every option that a command takes, short and long."""
    from tilth.cli.app import build

    command = build().get_command(click.Context(click.Command("tilth")), name)
    assert command is not None
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", PAGES)
def test_files_exist(page: str) -> None:
    """Paths in backticks and targets of links. `engine/calls.py` means src/tilth/engine/calls.py."""
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|tests|docs|examples|benchmarks|requirements|engine|models|records|prompts|flows|cli)/[\w./-]+)`", text)
    linked = [target for target in re.findall(r"\]\(([^)#:]+)\)", text)]
    missing = [path for path in named if not (ROOT / path).exists() and not (ROOT / "src" / "tilth" / path).exists()]
    missing += [target for target in linked if not (ROOT / page).parent.joinpath(target).exists()]
    assert not missing


def test_the_makefile_lists_its_targets() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split()) - {"help", "model"}
    described = set(re.findall(r"^#   make (\w+)", text, re.MULTILINE))
    assert declared == described


def test_the_changelog_starts_with_what_is_unreleased_or_this_version() -> None:
    import tilth

    first = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first is not None
    assert first.group(1) in ("Unreleased", tilth.__version__)

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

from docs.blocks import PAGES, ROOT, Block, blocks, command_lines, command_words, everywhere, inputs, output_after

FIRST_EXAMPLE_MOST = 10
PLAYED = ("docs/adding-a-method.md",)
"""Pages whose Python blocks build on each other; a test of their own plays them."""


def _name(block: Block) -> str:
    return block.name


def _runnable() -> list[Block]:
    return [block for block in everywhere("python") if block.page not in PLAYED]


@pytest.mark.parametrize("block", _runnable(), ids=_name)
def test_python_examples_run_offline_and_print_what_is_shown(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block.text, block.name, "exec"), {"__name__": "__main__"})
    expected = output_after(block)
    assert expected is not None, "an example says what it prints"
    assert capsys.readouterr().out == expected


def test_the_first_example_runs_as_a_script_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(blocks("README.md", "python")[0].text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == output_after(blocks("README.md", "python")[0])


@pytest.mark.parametrize("block", [block for page in PAGES for block in blocks(page, "python", theirs=True)], ids=_name)
def test_examples_of_other_projects_are_python(block: Block) -> None:
    compile(block.text, block.name, "exec")


def test_there_is_a_short_first_example() -> None:
    first = blocks("README.md", "python")[0]
    assert len([line for line in first.text.splitlines() if line.strip()]) < FIRST_EXAMPLE_MOST


def test_the_first_screen_says_what_to_type() -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:24]
    assert {"make demo", "make test"} <= {line for line in command_lines("README.md") if any(line in shown for shown in first)}


@pytest.mark.parametrize("block", everywhere("yaml"), ids=_name)
def test_flow_examples_are_valid_and_of_this_version(block: Block) -> None:
    from tilth.flows.flow import Flow

    inputs(Path())
    flow = Flow.from_text(block.text, name=block.name)
    flow.check_built()
    assert flow.name


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page: str) -> None:
    for line in command_lines(page):
        program, *words = shlex.split(line)
        if program == "make":
            assert {word for word in words if not word.startswith("-") and "=" not in word} <= _targets(), line
        if program == "tilth" and words and not words[0].startswith("-"):
            _parse(words)


def test_the_lines_of_the_pages_are_found() -> None:
    counted = {page: len(command_lines(page)) for page in ("README.md", "CONTRIBUTING.md", "docs/flow.md", "docs/from-distilabel.md")}
    assert min(counted.values()) >= 3, counted


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_sentences_exist(page: str) -> None:
    from tilth.cli.app import COMMANDS

    text = (ROOT / page).read_text(encoding="utf-8")
    for line in command_words(page):
        name, *words = line.split()[1:]
        if name in COMMANDS:
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= _options((name, *words)), line
        else:
            assert re.search(rf"[Nn]ot there yet.*tilth {name}|tilth {name}.*not there yet", text, re.DOTALL), line


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def _group() -> tuple[click.Group, click.Context]:
    from tilth.cli.app import build
    from tilth.cli.pages import context

    group = build()
    return group, context(group, "tilth")


def _parse(words: list[str]) -> None:
    """As the program does it, up to calling the command: names, options, types. The files that it names are made, empty."""
    for word in words:
        path = Path(word)
        if path.suffix and not path.is_absolute() and not set(word) & set("{}=*<>"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    if "--verify" in words:
        Path(words[words.index("--verify") + 1]).mkdir(parents=True, exist_ok=True)
    group, above = _group()
    found = group.get_command(above, words[0])
    assert found is not None, f"no command {words[0]}"
    made = found.make_context(words[0], words[1:], parent=above)
    if isinstance(found, click.Group):
        inner = found.get_command(made, words[1])
        assert inner is not None, f"no command {words[0]} {words[1]}"
        inner.make_context(words[1], words[2:], parent=made)


def _options(words: tuple[str, ...]) -> set[str]:
    """Every option that a command (or a command of a group) takes, short and long."""
    group, above = _group()
    command = group.get_command(above, words[0])
    if isinstance(command, click.Group) and len(words) > 1 and words[1] in command.commands:
        command = command.commands[words[1]]
    assert command is not None
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", PAGES)
def test_files_exist(page: str) -> None:
    """Paths in backticks and targets of links. `engine/calls.py` means src/tilth/engine/calls.py."""
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|tests|examples|benchmarks|requirements|engine|models|records|prompts|flows|cli)/[\w./-]+)`", text)
    missing = [path for path in named if not (ROOT / path).exists() and not (ROOT / "src" / "tilth" / path).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    broken = []
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(target)
    assert not broken


def _anchors(file: Path) -> set[str]:
    """The anchors that code hosts make of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert not [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md" and f"({path.name})" not in index]


def test_the_makefile_lists_its_targets() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split()) - {"help", "model"}
    described = set(re.findall(r"^#   make (\w+)", text, re.MULTILINE))
    assert declared == described


def test_make_bench_runs_what_needs_no_argument_and_no_data_from_elsewhere() -> None:
    named = re.search(r"^BENCH \?= (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named is not None
    for name in named.group(1).split():
        text = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
        assert "required=True" not in text and not re.search(r"add_argument\(\"[a-z]", text) and "shared/" not in text, name


def test_the_changelog_starts_with_what_is_unreleased_or_this_version() -> None:
    import tilth

    first = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first is not None
    assert first.group(1) in ("Unreleased", tilth.__version__)

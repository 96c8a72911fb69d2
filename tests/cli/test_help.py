"""The first screen, help and unknown words; and that they are quick."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cli.conftest import Tell, environment
from tilth.cli.app import COMMANDS

HEAVY = {"pydantic", "numpy", "rich", "pyarrow", "aiohttp", "openvino", "jinja2", "yaml"}


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from tilth.cli import main; main(['--help']); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert not HEAVY & {name.split(".")[0] for name in done.stderr.split()}
    assert not [name for name in done.stderr.split() if name.startswith("tilth.cli.commands")]


def test_the_first_screen_lists_what_exists(tilth: Tell) -> None:
    told = tilth()
    assert told.exit == 0 and told.err == ""
    for name in COMMANDS:
        assert name in told.out
    assert told.out.endswith("→ tilth demo\n→ tilth COMMAND --help        two examples first, then all options\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_begins_with_two_examples(name: str, tilth: Tell) -> None:
    told = tilth(name, "--help")
    assert told.exit == 0
    first, second = told.out.splitlines()[:2]
    assert first.startswith(f"$ tilth {name}") and second.startswith(f"$ tilth {name}")
    assert "--json" in told.out


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["stauts"], "error: no command 'stauts'. Did you mean 'status'?"),
        (["intents.yaml"], "error: say what to do with intents.yaml: tilth run intents.yaml, or tilth preview intents.yaml"),
        (["status", "--wtach"], "error: tilth status has no option '--wtach'. Did you mean '--watch'?"),
        (
            ["--progress", "loud", "status"],
            "error: invalid value for '--progress': 'loud' is not one of 'live', 'plain', 'json', 'none'. See: tilth --help",
        ),
    ],
)
def test_wrong_words_get_one_line(argv: list[str], line: str, tilth: Tell) -> None:
    told = tilth(*argv)
    assert (told.exit, told.out, told.err) == (2, "", line + "\n")


def test_global_options_work_before_and_after_the_command(tilth: Tell) -> None:
    assert tilth("--json", "status").json == tilth("status", "--json").json
    assert tilth("-qq", "nothing").err == tilth("nothing", "-qq").err == "" or tilth("-q", "nothing").err


def test_version(tilth: Tell) -> None:
    from tilth import __version__

    assert tilth("--version").out == f"tilth {__version__}\n"

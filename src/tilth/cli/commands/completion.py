"""`tilth completion`: names completed by the Tab key."""

from __future__ import annotations

import os

import click

from tilth.cli.options import Answer, Session, command

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_TILTH_COMPLETE"
"""What the shell's function sets when it asks `tilth` for names."""

_WHERE = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/completions/tilth.fish"}


@command(
    "completion",
    examples=("completion bash >> ~/.bashrc", "completion fish > ~/.config/fish/completions/tilth.fish"),
    help="Print the script that lets SHELL complete commands, options, methods and runs with the Tab key.",
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(session: Session, shell: str) -> Answer:
    """The script on stdout, where to put it on stderr."""
    from click.shell_completion import ShellComplete, get_completion_class

    from tilth.cli.app import build

    found = get_completion_class(shell)
    assert found is not None
    script = ShellComplete.source(found(build(), {}, "tilth", VARIABLE))  # its own source() starts bash to ask for its version
    session.printer.result(script.rstrip())
    session.printer.say(f"put it at the end of {_WHERE[shell]}, and open a new shell")
    return Answer({"shell": shell, "script": script})


def answer(group: click.Group) -> int:
    """Answer the shell's question, which stands in the environment."""
    from click.shell_completion import shell_complete

    from tilth import config

    session = Session(config=config.load())
    return shell_complete(group, {"obj": session}, "tilth", VARIABLE, os.environ[VARIABLE])


def flows(_ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Flow files of this folder, presets and methods that begin with what was typed."""
    from pathlib import Path

    from tilth import catalog
    from tilth.flows.presets import presets

    files = [path.name for pattern in ("*.yaml", "*.yml") for path in sorted(Path().glob(pattern))]
    return [name for name in (*files, *presets(), *catalog.methods()) if name.startswith(begun)]


def runs(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Runs that begin with what was typed, newest first."""
    from tilth.cli.runs import everything

    return [run.name for run in everything(ctx.find_root().obj.runs) if run.name.startswith(begun)]

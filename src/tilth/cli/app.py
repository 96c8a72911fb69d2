"""The group of commands. A command's module is imported only when it runs, so `tilth --help` stays quick."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from tilth.cli import boundary
from tilth.cli.options import CONTEXT, Answer, Session, global_options, unknown
from tilth.errors import RequestError

COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("start", "tilth.cli.commands.demo", "a small complete run on this machine, no key needed"),
    "flow": ("start", "tilth.cli.commands.flow", "a commented flow to edit; check it, look at it"),
    "preview": ("work", "tilth.cli.commands.preview", "a few records and what the whole would cost"),
    "run": ("work", "tilth.cli.commands.run", "generate, curate, evaluate; run it again to continue"),
    "curate": ("work", "tilth.cli.commands.curate", "which records stay, and why the others do not"),
    "evaluate": ("work", "tilth.cli.commands.evaluate", "what a dataset is worth, against real data"),
    "annotate": ("work", "tilth.cli.commands.annotate", "labels by models, with probabilities"),
    "report": ("look", "tilth.cli.commands.report", "one page that says what came out, and what is not known"),
    "trace": ("look", "tilth.cli.commands.trace", "why this record is here, or why not"),
    "status": ("look", "tilth.cli.commands.status", "all runs, or one"),
    "compare": ("look", "tilth.cli.commands.compare", "two runs side by side, with tests"),
    "export": ("ship", "tilth.cli.commands.export", "files for training, hubs and annotation tools"),
    "models": ("setup", "tilth.cli.commands.models", "what models there are; check one; get the embedded one"),
    "methods": ("setup", "tilth.cli.commands.methods", "published methods and preset flows, with their parameters"),
    "catalog": ("setup", "tilth.cli.commands.catalog", "every method, step, metric and format, with the tests that prove it"),
    "doctor": ("setup", "tilth.cli.commands.doctor", "what works on this machine and what is missing"),
    "help": ("setup", "tilth.cli.commands.help", "pages on flows, models, gates, exit codes, errors; offline"),
    "completion": ("setup", "tilth.cli.commands.completion", "names completed by the Tab key in bash, zsh or fish"),
}
"""Command to (block of the first screen, module, one line). Each module has a command object of that name."""

TOGETHER: tuple[tuple[tuple[str, ...], str], ...] = (
    (("curate", "evaluate"), "the same on any data"),
    (("report", "trace"), "what came out, and why this record"),
    (("status", "compare"), "all runs, or two side by side"),
    (("models", "methods", "catalog"), "what can be used, and what it needs"),
    (("doctor", "help", "completion"), "what works here; pages to read offline; the Tab key"),
)
"""Commands that share a line of the first screen, where all of them are there; the others have a line of their own."""

ALIASES = {"flow": "flow init"}
"""How a command is written on the first screen."""

BLOCKS = ("start", "work", "look", "ship", "setup")

_INTRO = "tilth grows datasets: from a task, a few examples or documents to data you can train on, with the evidence."


class Tilth(click.Group):
    """The program. Commands come from :data:`COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order of the first screen."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][1]), cmd_name)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say in one line what was probably meant."""
        name = args[0]
        if name not in COMMANDS:
            if ctx.resilient_parsing:  # the Tab key
                return None, None, []
            raise _unknown(name)
        return name, self.get_command(ctx, name), args[1:]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The first screen, then the global options."""
        formatter.write(screen())
        formatter.write("\n\nglobal options, before or after the command\n")
        with formatter.indentation():
            formatter.write_dl([record for option in self.get_params(ctx) if (record := option.get_help_record(ctx))])


def screen() -> str:
    """The screen of `tilth` without arguments."""
    lines, before = [_INTRO, ""], ""
    for block, names, text in _lines():
        lines.append(f"{block if block != before else '':<8}{names:<26}{text}")
        before = block
    return "\n".join([*lines, "", "→ tilth demo", "→ tilth COMMAND --help        two examples first, then all options"])


def _lines() -> Iterator[tuple[str, str, str]]:
    """Block, names and text of each line: the table in the order of its blocks, with those that go together on one line."""
    joined = {names[0]: (names, text) for names, text in TOGETHER if set(names) <= set(COMMANDS)}
    hidden = {name for names, _ in joined.values() for name in names[1:]}
    for name in sorted(COMMANDS, key=lambda name: BLOCKS.index(COMMANDS[name][0])):
        block, _, text = COMMANDS[name]
        if name in joined:
            names, text = joined[name]
            yield block, "  ".join(names), text
        elif name not in hidden:
            yield block, ALIASES.get(name, name), text


def _unknown(name: str) -> RequestError:
    if name.endswith((".yaml", ".yml")) or Path(name).is_file():
        return RequestError(f"say what to do with {name}: tilth run {name}, or tilth preview {name}", code="command.missing")
    return unknown(name, COMMANDS)


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        from tilth import __version__

        ctx.find_root().obj.printer.result(f"tilth {__version__}")
        ctx.exit()


def _first_screen(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        session: Session = ctx.obj
        session.prepare().result(screen())


def build() -> Tilth:
    """The group with its global options."""
    version = click.Option(["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version.")
    return Tilth(
        "tilth",
        params=[*global_options(), version],
        callback=click.pass_context(_first_screen),
        invoke_without_command=True,
        context_settings=CONTEXT,
        add_help_option=True,
    )


def run(argv: Sequence[str] | None = None) -> int:
    """Parse `argv`, run the command inside the boundary of errors, and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "_TILTH_COMPLETE" in os.environ:
        from tilth.cli.commands.completion import answer

        return answer(build())
    session = Session(argv=tuple(arguments))

    def work() -> Answer:
        from tilth import config

        session.config = config.load()
        session.prepare()
        group = build()
        with group.make_context("tilth", list(arguments), obj=session) as ctx:
            result: Any = group.invoke(ctx)
        return result if isinstance(result, Answer) else Answer()

    return boundary.guard(session, work)

"""The group of commands. A command's module is imported only when it runs, so `tilth --help` stays quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tilth.cli import boundary
from tilth.cli.options import CONTEXT, Answer, Session, global_options, unknown
from tilth.errors import RequestError

COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("start", "tilth.cli.commands.demo", "a small complete run on this machine, no key needed"),
    "run": ("work", "tilth.cli.commands.run", "grow records; run it again to continue"),
    "annotate": ("work", "tilth.cli.commands.annotate", "label texts with a model, with probabilities"),
    "curate": ("work", "tilth.cli.commands.curate", "which records stay, and why the others do not"),
    "evaluate": ("work", "tilth.cli.commands.evaluate", "what a dataset is worth, against real data"),
    "trace": ("look", "tilth.cli.commands.trace", "why this record is here, or why not"),
    "status": ("look", "tilth.cli.commands.status", "all runs, or one"),
    "methods": ("setup", "tilth.cli.commands.methods", "published methods and preset flows, with their parameters"),
    "models": ("setup", "tilth.cli.commands.models", "what models there are; check one; get the embedded one"),
    "doctor": ("setup", "tilth.cli.commands.doctor", "what works on this machine and what is missing"),
}
"""Command to (block of the first screen, module, one line). Each module has a command object of that name."""

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
    for name, (block, _, help_text) in COMMANDS.items():
        lines.append(f"{block if block != before else '':<8}{name:<10}{help_text}")
        before = block
    return "\n".join([*lines, "", "→ tilth demo", "→ tilth COMMAND --help        two examples first, then all options"])


def _unknown(name: str) -> RequestError:
    if name.endswith((".yaml", ".yml")) or Path(name).is_file():
        return RequestError(f"say what to do with {name}: tilth run {name}", code="command.missing")
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

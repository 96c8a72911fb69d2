"""What every command shares: the global options, taken before or after the command, and the `Session` they fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from tilth.cli.printer import Printer
from tilth.config import Config
from tilth.errors import RequestError


@dataclass
class Answer:
    """What a command has to say: the `result` of the JSON object, the exit code, and why it is not 0 (code, message)."""

    result: dict[str, Any] | None = None
    exit: int = 0
    error: tuple[str, str] | None = None


@dataclass
class Session:
    """One call of the command line. `given` holds the global options as they were typed."""

    given: dict[str, Any] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    printer: Printer = field(default_factory=Printer)
    command: str = ""
    argv: tuple[str, ...] = ()

    @property
    def json(self) -> bool:
        """Whether one JSON object is wanted on stdout."""
        return bool(self.given.get("json")) or "--json" in self.argv

    @property
    def runs(self) -> Path:
        """The folder in which runs live."""
        return Path(self.config.get("runs", self.given.get("runs")).value)

    @property
    def where(self) -> str:
        """What advised commands need to find the same folder of runs: `` --runs DIR`` where it was given so, else nothing."""
        import shlex

        return f" --runs {shlex.quote(str(self.given['runs']))}" if self.given.get("runs") else ""

    @property
    def yes(self) -> bool:
        """Whether every question is answered with yes."""
        return bool(self.given.get("yes"))

    @property
    def may_ask(self) -> bool:
        """Whether a question can be asked: on a terminal, without --no-input, --json and CI."""
        import sys

        printer = self.printer
        silent = self.given.get("no_input") or self.config.environ.get("CI") or printer.json
        return not silent and printer.terminal(sys.stdin) and printer.terminal(printer.err)

    def ask(self, question: str, default: bool) -> bool | None:
        """Ask a yes/no question on stderr. None: nobody can be asked (the caller then names the flag)."""
        if self.yes:
            return True
        if not self.may_ask:
            return None
        return click.confirm(question, default=default, err=True)

    def prepare(self) -> Printer:
        """Set the printer up from the options given so far; called again when a command has parsed its own."""
        printer, config = self.printer, self.config
        printer.environ = config.environ
        printer.json = self.json
        printer.events = config.get("progress", self.given.get("progress")).value == "json"
        printer.quiet = config.get("quiet", self.given.get("quiet")).value
        printer.verbose = self.given.get("verbose") or 0
        printer.color = config.get("color", self.given.get("color")).value
        return printer


class NiceCommand(click.Command):
    """A command whose help begins with two examples, and which hands its `Answer` back to the boundary."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.examples = examples
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples first, then what it does, then all options."""
        _examples(self.examples, formatter)
        super().format_help(ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command after the printer knows all global options."""
        session = ctx.find_root().obj
        session.command = ctx.command_path.removeprefix("tilth ").strip()
        session.prepare()
        return super().invoke(ctx)


class NiceGroup(click.Group):
    """A command with commands of its own (`models list`); without one it runs its own function."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.examples = examples
        super().__init__(*args, **kwargs)
        self.params.extend(global_options())

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples first."""
        _examples(self.examples, formatter)
        super().format_help(ctx, formatter)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which there are."""
        if args[0] not in self.commands:
            raise unknown(args[0], self.commands, f"{ctx.command_path} ")
        return super().resolve_command(ctx, args)


def unknown(name: str, known: Iterable[str], before: str = "") -> RequestError:
    """`no command 'reprot'. Did you mean 'report'?`"""
    import difflib

    near = difflib.get_close_matches(name, list(known), 1, 0.6)
    hint = f"Did you mean '{before.removeprefix('tilth ')}{near[0]}'?" if near else f"There are: {', '.join(known)}."
    return RequestError(f"no command '{before.removeprefix('tilth ')}{name}'. {hint}", code="command.unknown")


def _examples(examples: tuple[str, ...], formatter: click.HelpFormatter) -> None:
    for example in examples:
        formatter.write(f"$ tilth {example}\n")
    formatter.write("\n")


def command(name: str, *, examples: tuple[str, ...] = (), **kwargs: Any) -> Callable[[Callable[..., Any]], NiceCommand]:
    """Decorate the function of a command; it receives the `Session` first."""

    def wrap(function: Callable[..., Any]) -> NiceCommand:
        return click.command(name, cls=NiceCommand, examples=examples, context_settings=CONTEXT, **kwargs)(click.pass_obj(function))

    return wrap


CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def global_options() -> list[click.Option]:
    """The global options; the same before and after the command. The last one given wins."""
    return [
        _option("--json", is_flag=True, help="One JSON object on stdout instead of text."),
        _option("--progress", type=click.Choice(["live", "plain", "json", "none"]), help="Default: live on a terminal, else plain."),
        _option("-q", "--quiet", count=True, help="Errors and result only; -qq: result only."),
        _option("-v", "--verbose", count=True, help="Also the first rejected records and why; -vv: tracebacks."),
        _option("--color", type=click.Choice(["auto", "always", "never"]), help="Colours. NO_COLOR=1 does the same as never."),
        _option("--errors", type=click.Choice(["full", "short", "github"]), help="Excerpt, one line, or GitHub annotation."),
        _option("-y", "--yes", is_flag=True, help="Yes to all questions."),
        _option("--no-input", is_flag=True, help="Fail instead of asking. CI=1 does the same."),
        _option("--runs", type=click.Path(file_okay=False), help="Where runs live. Default: ./runs."),
    ]


def _option(*names: str, **kwargs: Any) -> click.Option:
    def keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value not in (None, False, 0):
            ctx.find_root().obj.given[parameter.name] = value

    return click.Option(list(names), expose_value=False, is_eager=True, callback=keep, **kwargs)

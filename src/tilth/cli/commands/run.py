"""`tilth run`: grow records with a flow or a method; the same command again continues."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilth.cli.commands.completion import flows
from tilth.cli.options import Answer, Session, command
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.records.folder import RunFolder

_ROLE = re.compile(r"^([A-Za-z_][\w-]*)=(.+)$", re.DOTALL)


def work_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that run a flow or a method."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("-n", "--rows", type=click.IntRange(1), help="Records that leave generation."),
    click.option("-m", "--model", "models", multiple=True, metavar="[ROLE=]SPEC", help="Model of a role; without ROLE: generator."),
    click.option("-s", "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any value of the flow, by its dotted path (YAML)."),
    click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the method (YAML)."),
    click.option("--data", multiple=True, metavar="NAME=FILE", help="An input; - is JSON Lines on stdin."),
    click.option("--task", metavar="FILE|TEXT", help="For a METHOD: what the data is for, in words or as a YAML file."),
    click.option("--seed", type=int, help="Seed of the run. Default: the flow's, else 0."),
    click.option("--budget", type=click.FloatRange(0, min_open=True), metavar="USD", help="Stop before more is spent (exit 4)."),
    click.option("--max-calls", type=click.IntRange(1), help="Stop at so many calls."),
    click.option("--max-tokens", type=click.IntRange(1), help="Stop at so many tokens, in and out."),
    click.option("--max-hours", type=click.FloatRange(0, min_open=True), help="Stop after so many hours."),
    click.option("--reuse", multiple=True, metavar="RUN", help="Read the journal of this run too: what it asked is free."),
    click.option("--name", help="Name of the run's folder."),
    click.option("--concurrency", type=click.IntRange(1), help="Calls at once at most. Default: found by itself."),
    click.option("--bad-lines", type=click.Choice(["stop", "skip"]), default="stop", show_default=True, help="Unreadable lines of inputs."),
    click.option("--journal", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Folder of the journal, elsewhere."),
)


def env_file_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--env-file`: the one way in which a file of variables is read."""

    def keep(_ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
        if value is not None:
            environment(value)

    path = click.Path(exists=True, dir_okay=False, path_type=Path)
    help_text = "Read variables (keys) from this file; those that are set already win."
    return click.option("--env-file", type=path, expose_value=False, callback=keep, metavar="FILE", help=help_text)(function)


def environment(path: Path) -> None:
    """Lay the lines `NAME=VALUE` of a file under the environment of this process.

    Raises
    ------
    RequestError: a line that is none; its number is named, its text is not shown, for it may hold a key.
    """
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        bare = line.strip().removeprefix("export ").strip()
        if not bare or bare.startswith("#"):
            continue
        name, equals, value = bare.partition("=")
        if not equals or not name.strip().isidentifier():
            raise RequestError("write each line as NAME=VALUE.", code="config.env_file", file=str(path), line=number)
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        os.environ.setdefault(name.strip(), value)


@command(
    "run",
    examples=("run intents.yaml", "run attrprompt --task about.yaml --data support=examples16.csv -n 100 -m openai/gpt-4.1-mini"),
    help="Grow records with a FLOW (a file, or the name of a preset) or a METHOD. The same command again continues; nothing is paid twice.",
)
@click.argument("what", metavar="FLOW|METHOD", shell_complete=flows)
@work_options
@env_file_option
@click.option(
    "--dry-run", type=click.IntRange(1), is_flag=False, flag_value=20, metavar="[K]", help="Only K units (20), then what the whole costs."
)
@click.option("--require", type=click.IntRange(1), metavar="N", help="Exit 1 if fewer records are kept.")
@click.option("--until", metavar="STAGE", help="Stop after this stage (generate, curate); the same command without it goes on.")
@click.option("--top-up", type=click.IntRange(0), metavar="N", help="Fill up what curation drops, in at most N rounds.")
@click.option("--budget-ok-partial", "partial", is_flag=True, help="Go on though the budget is too small for all rows.")
@click.option("--open", "show", is_flag=True, help="Write the report and open it in the browser.")
@click.option("--scripted", is_flag=True, help="No model: words made up from each prompt. To try a flow out.")
@click.option("--strict", is_flag=True, help="Exit 1 unless one may train on it: the gates decide.")
def run(
    session: Session,
    what: str,
    *,
    dry_run: int | None,
    require: int | None,
    until: str | None,
    top_up: int | None,
    partial: bool,
    show: bool,
    scripted: bool,
    **options: Any,
) -> Answer:
    """Parse the overrides, run, and sum up."""
    from tilth.cli import forecast, launching, summary

    if top_up is not None:
        options["settings"] = (*options["settings"], f"generate.top_up={top_up}")
    strict = options.pop("strict")
    asked = launching.request(session, what, **options)
    if scripted:
        asked = launching.scripted(asked)
    if dry_run is not None:
        return forecast.dry_run(session, asked, dry_run)
    ready = launching.prepared(session, asked)
    told = forecast.foretold(session, asked, ready, partial=partial)
    if told is None or isinstance(told, Answer):
        return told or forecast.declined(session, asked.argv)
    outcome = launching.go(session, told, launching.stopped_after(ready, until))
    answer = summary.finish(session, outcome, asked.argv, require, asked.budget, strict=strict)
    if show and outcome.kept:
        _open(session, outcome.folder)
    return answer


def _open(session: Session, folder: RunFolder) -> None:
    """Write the run's report as `tilth report --open` does, and show it."""
    import webbrowser

    from tilth.records.atomic import replacing
    from tilth.report.page.build import Options, build

    with replacing(folder.report) as file:
        file.write(build(folder, Options()).text.encode("utf-8"))
    session.printer.mark("done", str(folder.report))
    if not webbrowser.open(folder.report.resolve().as_uri()):
        session.printer.warn(f"no browser could be opened. Open {folder.report} in one.", "report.browser")


def pairs(given: Iterable[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` words as a mapping; the last one of a name wins.

    Raises
    ------
    RequestError: a word without ``=``.
    """
    found: dict[str, str] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise RequestError(f"{option} {word}: write it as NAME=VALUE.", code="option.pair")
        found[name.strip()] = value
    return found


def values(given: Iterable[str], option: str) -> dict[str, Any]:
    """`NAME=VALUE` words with values read as YAML, as a flow would."""
    import yaml

    from tilth.flows.load import FlowLoader

    found: dict[str, Any] = {}
    for name, text in pairs(given, option).items():
        try:
            found[name] = yaml.load(text, FlowLoader)
        except yaml.YAMLError as error:
            detail = " ".join(str(getattr(error, "problem", error)).split())
            raise RequestError(f"{option} {name}={text}: not YAML ({detail}). Quote it.", code="option.yaml") from error
    return found


def roles(given: Iterable[str]) -> dict[str, list[str]]:
    """`[ROLE=]SPEC` words as role to specs; a role given twice holds several models.

    >>> roles(["local", "judge=openai/gpt-4.1-mini", "judge=local"])
    {'generator': ['local'], 'judge': ['openai/gpt-4.1-mini', 'local']}
    """
    found: dict[str, list[str]] = {}
    for word in given:
        match = _ROLE.match(word)
        role, spec = (match[1], match[2]) if match else ("generator", word)
        found.setdefault(role, []).append(spec)
    return found

"""`tilth help`: pages to read offline, and the help of any command."""

from __future__ import annotations

from importlib import resources

import click

from tilth.cli.options import Answer, Session, command
from tilth.errors import RequestError

TOPICS = ("flow", "models", "gates", "exit-codes", "errors")


@command(
    "help",
    examples=("help exit-codes", "help run        the same as: tilth run --help"),
    help=f"A page on TOPIC ({', '.join(TOPICS)}), or the help of a command. Without TOPIC: the pages there are.",
)
@click.argument("words", nargs=-1, metavar="[TOPIC]")
@click.pass_context
def help(ctx: click.Context, session: Session, words: tuple[str, ...]) -> Answer:
    """Print the page."""
    if not words:
        session.printer.table(["topic", "what it says"], [[name, _title(text(name))] for name in TOPICS])
        session.printer.advise(f"tilth help {TOPICS[0]}")
        return Answer({"topics": list(TOPICS)})
    shown = page(ctx, words)
    for line in shown.rstrip().splitlines():
        session.printer.result(line)
    return Answer({"topic": " ".join(words), "text": shown})


def text(topic: str) -> str:
    """The page of a topic, as Markdown that reads well as it is."""
    return resources.files("tilth").joinpath("assets", "help", f"{topic}.md").read_text("utf-8")


def page(ctx: click.Context, words: tuple[str, ...]) -> str:
    """A topic's page, or the help of a command (of two words: `models list`).

    Raises
    ------
    RequestError: neither a topic nor a command.
    """
    from tilth.cli.app import COMMANDS
    from tilth.cli.pages import help_of
    from tilth.records.hints import nearest

    if len(words) == 1 and words[0] in TOPICS:
        return text(words[0])
    if words[0] in COMMANDS:
        found = help_of(words)
        if found is not None:
            return found
    near = nearest(words[0], [*TOPICS, *COMMANDS])
    hint = f"Did you mean '{near}'?" if near else f"There are: {', '.join(TOPICS)}, and every command."
    raise RequestError(f"no help on '{' '.join(words)}'. {hint}", code="help.unknown")


def _title(shown: str) -> str:
    return shown.splitlines()[0].lstrip("# ")

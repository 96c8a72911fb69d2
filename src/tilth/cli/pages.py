"""The help of every command as text, and all of it as one Markdown page for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import click

WIDTH = 100


def markdown() -> str:
    """All commands, in the order of the first screen; each with its help as `tilth COMMAND --help` prints it.

    The page does not depend on the machine or the terminal, so a test compares it with what the documentation holds.
    """
    from tilth.cli.app import screen

    parts = ["# The command line", "", "```", screen(), "```", ""]
    for words, text in pages():
        parts += [f"{'##' if len(words) == 1 else '###'} tilth {' '.join(words)}", "", "```", text.rstrip(), "```", ""]
    return "\n".join(parts).rstrip() + "\n"


def pages() -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command and every command of a group, with its help."""
    from tilth.cli.app import COMMANDS, build

    group = build()
    top = context(group, "tilth")
    for name in COMMANDS:
        found = cast(click.Command, group.get_command(top, name))
        yield (name,), _text(found, (name,), top)
        if isinstance(found, click.Group):
            inner = context(found, name, top)
            for one, below in found.commands.items():
                yield (name, one), _text(below, (name, one), inner)


def help_of(words: Sequence[str]) -> str | None:
    """The help of one command, such as ``("models", "list")``; None where there is no such command."""
    return next((text for found, text in pages() if found == tuple(words)), None)


def context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    """A context for help alone: nothing is parsed, the width is fixed."""
    from tilth.cli.options import CONTEXT, Session

    names = CONTEXT["help_option_names"]  # as when the command is called; click remembers the first that it is told
    return click.Context(command, parent, name, obj=Session(), terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=names)


def _text(command: click.Command, words: Sequence[str], parent: click.Context) -> str:
    return context(command, words[-1], parent).get_help()

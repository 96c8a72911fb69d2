"""Which display: what was asked for, else live on a terminal that is large enough, else plain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tilth.cli.options import Session
from tilth.cli.progress.watch import Header, Snapshot, Watcher


class Display(Protocol):
    """A way of showing a snapshot."""

    period: float

    def begin(self) -> None:
        """Show the start."""

    def look(self, final: bool) -> None:
        """Show this moment."""


def kind(session: Session) -> str:
    """``live``, ``plain``, ``json`` or ``none``."""
    asked = session.config.get("progress", session.given.get("progress")).value
    printer = session.printer
    if asked == "json":
        return "json"
    if printer.quiet or asked == "none":
        return "none"
    dumb = session.config.environ.get("TERM") == "dumb" or not printer.unicode(printer.err)
    if asked == "plain" or dumb or not printer.terminal(printer.err):
        return "plain"
    try:
        size = os.get_terminal_size(printer.err.fileno())
    except (OSError, ValueError):
        return "plain"
    from tilth.cli.progress.live import SMALLEST

    return "live" if size.columns >= SMALLEST[0] and size.lines >= SMALLEST[1] else "plain"


def make(session: Session, header: Header, snapshot: Snapshot) -> Display | None:
    """The display for this session; None for `none`."""
    chosen = kind(session)
    if chosen == "live":
        from tilth.cli.progress.live import Live

        return Live(session.printer, header, snapshot)
    if chosen == "plain":
        from tilth.cli.progress.plain import Plain

        return Plain(session.printer, header, snapshot)
    if chosen == "json":
        from tilth.cli.progress.events import Events

        return Events(session.printer, header, snapshot)
    return None


@contextmanager
def shown(session: Session, header: Header, snapshot: Snapshot) -> Iterator[None]:
    """Show `snapshot` while the block runs; the terminal is put right however the block ends."""
    display = make(session, header, snapshot)
    if display is None:
        yield
        return
    watcher = Watcher(display.look, display.period)
    display.begin()
    watcher.start()
    try:
        yield
    finally:
        watcher.stop()

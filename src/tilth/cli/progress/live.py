"""Progress on a terminal, redrawn at most four times a second."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.text import Text

from tilth.cli.clean import clean, cut, shorten
from tilth.cli.printer import Printer
from tilth.cli.progress.watch import Header, Rates, Snapshot, calls, cost, goal, now, rows, short_tokens, times

SMALLEST = (60, 12)
"""Columns and lines below which the plain display is used."""
BAR = 30


class Live:
    """One block of lines below whatever else scrolls by."""

    period = 0.25

    def __init__(self, printer: Printer, header: Header, snapshot: Snapshot, console: Console | None = None) -> None:
        self._printer, self._header, self._snapshot = printer, header, snapshot
        self._rates = Rates()
        self._console = console or Console(file=printer.err, no_color=not printer.colored(printer.err), highlight=False, emoji=False)
        self._live = RichLive(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)

    def begin(self) -> None:
        """Draw the first frame."""
        self._live.start()
        self._printer.above = self._above
        self.look(False)

    def look(self, final: bool) -> None:
        """Draw a frame; the last one stays on the screen."""
        self._rates.add(now(), self._snapshot)
        if final:
            self._live.update(Text(""), refresh=True)
            self._live.stop()
            self._printer.above = None
            self._console.print(self._bar(self._console.width))
            return
        self._live.update(self.frame(), refresh=True)

    def frame(self) -> Group:
        """The lines of this moment."""
        shot, wide = self._snapshot, self._console.width
        lines = [self._bar(wide), Text()]
        facts = [
            ("calls", calls(shot, self._rates)),
            ("tokens", short_tokens(shot)),
            ("cost", cost(shot, self._header.budget_usd)),
            ("rows", rows(shot)),
            ("time", times(self._rates, shot)),
        ]
        lines += [_fact(name, text, wide) for name, text in facts]
        if shot.waiting_for:
            lines.append(Text(cut(f"  ! {shot.waiting_for}", wide - 1), style="yellow"))
        lines.append(Text())
        if shot.last_kept:
            lines.append(Text("  last kept   ", style="dim").append(cut(shot.last_kept, wide - 15), style=""))
        lines.append(Text(cut("Ctrl-C stops and saves · tilth status -w in another window", wide - 3), style="dim"))
        lines[-1].pad_left(2)
        return Group(*lines)

    def _above(self, line: str) -> None:
        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def _bar(self, wide: int) -> Text:
        shot = self._snapshot
        full, empty = ("━", "─") if self._printer.unicode(self._printer.err) else ("#", ".")
        text = Text(f"  1 {shot.stage:<10} {cut(shot.method, 14):<14} ")
        if shot.total:
            filled = min(BAR, BAR * shot.kept // shot.total)
            text.append(full * filled, style="green").append(empty * (BAR - filled), style="dim").append("  ")
        text.append(goal(shot))
        text.truncate(wide - 1)
        return text


def _fact(name: str, text: str, wide: int) -> Text:
    return Text(f"  {name:<8}", style="dim").append(shorten(clean(text), wide - 11), style="default")

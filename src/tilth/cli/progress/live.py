"""Progress on a terminal, redrawn at most four times a second."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.text import Text

from tilth.cli.clean import clean, cut, one_line, pad, shorten
from tilth.cli.printer import Printer
from tilth.cli.progress.watch import Header, Rates, Snapshot, StageLine, calls, costs, goal, now, rows, short_tokens, times

SMALLEST = (60, 12)
"""Columns and lines below which the plain display is used."""
BAR = 30
KEYS = ("Ctrl-C stops and saves", "tilth status -w in another window")


class Live:
    """One block of lines below whatever else scrolls by."""

    period = 0.25

    def __init__(self, printer: Printer, header: Header, snapshot: Snapshot, console: Console | None = None) -> None:
        self._printer, self._header, self._snapshot = printer, header, snapshot
        self._rates = Rates()
        self._console = console or _console(printer)
        self._live = RichLive(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False)
        self._stages = header.stages or [StageLine(snapshot.stage, snapshot.method, rows=True)]

    def begin(self) -> None:
        """Draw the first frame."""
        self._live.start()
        self._printer.above = self._above
        self.look(False)

    def look(self, final: bool) -> None:
        """Draw a frame; the stages that were reached stay on the screen at the end."""
        self._rates.add(now(), self._snapshot)
        if not final:
            self._live.update(self.frame(), refresh=True)
            return
        self._live.update(Text(""), refresh=True)
        self._live.stop()
        self._printer.above = None
        if not self._header.brief:
            for line in self._lines(over=self._snapshot.finished)[: self._header.at(self._snapshot.stage) + 1]:
                self._console.print(line)

    def frame(self) -> Group:
        """The lines of this moment."""
        shot, wide = self._snapshot, self._console.width
        lines = [*self._lines(), Text()]
        facts = [
            ("calls", calls(shot, self._rates)),
            ("tokens", short_tokens(shot)),
            ("cost", costs(shot, self._header)),
            ("rows", rows(shot)),
            ("time", times(self._rates, shot)),
        ]
        lines += [_fact(name, text, wide) for name, text in facts]
        if shot.waiting_for:
            lines.append(Text("  " + cut(f"! waiting for {shot.waiting_for}", wide - 3), style="yellow"))
        lines.append(Text())
        if shot.last_kept:
            lines.append(Text().append("  last kept   ", style="dim").append(_safe(shot.last_kept, wide - 15)))
        lines.append(Text("  " + shorten(" · ".join(KEYS), wide - 3), style="dim"))
        return Group(*lines)

    def _above(self, line: str) -> None:
        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def _lines(self, over: bool = False) -> list[Text]:
        """One line a stage: done, at work, or waiting."""
        here = self._header.at(self._snapshot.stage)
        made = []
        for number, stage in enumerate(self._stages):
            text = Text(f"  {number + 1} {pad(cut(stage.name, 9), 9)} {pad(cut(stage.what, 14), 14)} ")
            if stage.rows:
                self._bar(text)
            elif number > here:
                text.append(f"{self._printer.symbol('wait')} waiting", style="dim")
            elif number < here or over:
                text.append(f"{self._printer.symbol('done')} ", style="green").append(cut(stage.over(), 60))
            else:
                text.append(cut(stage.now(), 60))
            text.truncate(self._console.width - 1)
            made.append(text)
        return made

    def _bar(self, text: Text) -> None:
        shot = self._snapshot
        full, half, empty = ("━", "╸", "─") if self._printer.unicode(self._printer.err) else ("#", ".", ".")
        if shot.total:
            filled = min(2 * BAR, 2 * BAR * shot.kept // shot.total)
            bar = full * (filled // 2) + (half if filled % 2 else "")
            text.append(bar, style="green").append(empty * (BAR - len(bar)), style="dim").append("  ")
        text.append(goal(shot))


def _safe(text: str, cells: int) -> str:
    """Text of a model: cleaned, on one line, cut by what a terminal shows; the blanks after a label stay."""
    label, gap, rest = text.partition("\t")
    return cut(text, cells) if not gap else shorten(f"{one_line(label)}  {one_line(rest)}", cells)


def _fact(name: str, text: str, wide: int) -> Text:
    return Text().append(f"  {name:<8}", style="dim").append(shorten(clean(text), wide - 11))


def _console(printer: Printer) -> Console:
    if printer.colored(printer.err):
        return Console(file=printer.err, highlight=False, emoji=False)
    return Console(file=printer.err, color_system=None, highlight=False, emoji=False)  # no_color would still write dim and bold

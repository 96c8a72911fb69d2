"""Horizontal bars from a common left edge: single, side by side, or end to end. A bar is never too thin to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tilth.report.plot.canvas import Canvas, measure
from tilth.report.plot.figure import Cell, Table, table
from tilth.report.plot.frame import key
from tilth.report.plot.scale import Scale

THINNEST = 3.0


@dataclass(frozen=True, slots=True)
class Part:
    """One bar. value: at least 0. shown: the words at its end. kind: synthetic, real, holdout, kept, rejected, review or plain."""

    value: float
    shown: str
    kind: str = "synthetic"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """The bars of one label. strong: written in bold. more: further cells of its row in the table."""

    label: str
    parts: tuple[Part, ...]
    strong: bool = False
    more: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """The mark. columns: of the table; first the label's, then one for each part, then those of `more`.

    stacked: parts end to end. most: the value of a whole width; None: the largest one.
    """

    bars: tuple[Bar, ...]
    columns: tuple[str, ...]
    stacked: bool = False
    most: float | None = None

    def table(self) -> Table:
        """One row a label."""
        return table(self.columns, [(bar.label, *(part.value for part in bar.parts), *bar.more) for bar in self.bars])

    def draw(self, width: int) -> Canvas:
        """Labels to the left, on small screens above."""
        canvas = Canvas(width)
        entries = self._key()
        if len(entries) > 1:
            key(canvas, entries)
        labels = (measure(bar.label) * (1.1 if bar.strong else 1) for bar in self.bars)
        beside = 0.0 if canvas.narrow else min(250.0, max(labels, default=0.0) + 14)
        ends = [(self._end(bar), bar.strong) for bar in self.bars] if self.stacked else self._ends()
        after = min(0.5 * width, max((measure(words) * (1.1 if strong else 1) for words, strong in ends), default=0.0) + 10)
        scale = Scale(0.0, self.most or self._longest(), 0.0, width - beside - after - 4)
        for bar in self.bars:
            self._row(canvas, bar, beside, scale)
        canvas.height += 4
        return canvas

    def _key(self) -> list[tuple[str, str, str]]:
        seen = {part.name: part.kind for bar in self.bars for part in bar.parts if part.name}
        return [(name, kind, "fill") for name, kind in seen.items()]

    def _end(self, bar: Bar) -> str:
        return next((part.shown for part in reversed(bar.parts) if part.shown), "")

    def _ends(self) -> list[tuple[str, bool]]:
        return [(part.shown, bar.strong) for bar in self.bars for part in bar.parts]

    def _longest(self) -> float:
        sums = [sum(part.value for part in bar.parts) for bar in self.bars]
        singles = [part.value for bar in self.bars for part in bar.parts]
        return max(sums if self.stacked else singles, default=0.0) or 1.0

    def _row(self, canvas: Canvas, bar: Bar, left: float, scale: Scale) -> None:
        y = canvas.height + 3
        kind = "strong" if bar.strong else ""
        each = 15.0 if self.stacked or len(bar.parts) == 1 else 13.0
        tall = each if self.stacked else each * len(bar.parts)
        if canvas.narrow:
            canvas.text(2, y + 11, bar.label, kind)
            y += 16
        else:
            canvas.text(left - 8, y + tall / 2 + 4, bar.label, kind, anchor="end", room=left - 10)
        if self.stacked:
            self._stack(canvas, bar.parts, left, y, scale)
        else:
            for number, part in enumerate(bar.parts):
                end = _bar(canvas, left + 1, y + number * each, scale(part.value), each - 2, part)
                canvas.text(end + 6, y + number * each + each / 2 + 3, part.shown, kind)
        canvas.height = y + tall + 4

    def _stack(self, canvas: Canvas, parts: Sequence[Part], left: float, y: float, scale: Scale) -> None:
        end = left + 1
        for part in parts:
            if part.value > 0:
                end = _bar(canvas, end, y, scale(part.value), 13, part)
        canvas.text(end + 6, y + 11, next((part.shown for part in reversed(parts) if part.shown), ""))


def _bar(canvas: Canvas, x: float, y: float, wide: float, tall: float, part: Part) -> float:
    """The bar's end; a value of 0 has none."""
    if part.value <= 0:
        return x
    wide = max(wide, THINNEST)
    canvas.rect(x, y, wide, tall, f"b {part.kind}")
    return x + wide

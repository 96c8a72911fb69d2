"""Dots with their intervals on a common line, with a bound as a dashed tick and a reference as a hollow one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tilth.records.figures import figure
from tilth.report.plot.canvas import Canvas, measure
from tilth.report.plot.figure import Table, table
from tilth.report.plot.numbers import short
from tilth.report.plot.scale import Scale

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Dot:
    """One row. value None: unknown. around: its interval. bound: what a gate asks; reference: what real data would score.

    single: further values drawn small, such as one a seed. n: what it rests on. note: a few words for the table.
    """

    label: str
    value: float | None
    around: Pair | None = None
    n: int | None = None
    bound: float | None = None
    at_least: bool = True
    reference: float | None = None
    reference_around: Pair | None = None
    single: tuple[float, ...] = ()
    kind: str = "synthetic"
    note: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Dots:
    """The mark. low, high: of the common axis. axis: its name with the unit. ticks: words for certain values."""

    dots: tuple[Dot, ...]
    low: float
    high: float
    axis: str
    log: bool = False

    def table(self) -> Table:
        """One row a dot; columns that nobody has are left out."""
        columns: list[tuple[str, list[Any]]] = [
            ("what", [one.label for one in self.dots]),
            ("value", [one.value for one in self.dots]),
            ("low", [one.around[0] if one.around else None for one in self.dots]),
            ("high", [one.around[1] if one.around else None for one in self.dots]),
            ("bound", [f"{'≥' if one.at_least else '≤'} {short(one.bound)}" if one.bound is not None else None for one in self.dots]),
            ("reference", [one.reference for one in self.dots]),
            ("reference low", [one.reference_around[0] if one.reference_around else None for one in self.dots]),
            ("reference high", [one.reference_around[1] if one.reference_around else None for one in self.dots]),
            ("single values", [", ".join(short(value) for value in one.single) or None for one in self.dots]),
            ("n", [one.n for one in self.dots]),
            ("note", [one.note or None for one in self.dots]),
        ]
        used = [(name, cells) for name, cells in columns if any(cell is not None for cell in cells)]
        names, cells = [name for name, _ in used], [column for _, column in used]
        return table(names, list(zip(*cells, strict=True)))

    def draw(self, width: int) -> Canvas:
        """Labels to the left and numbers to the right; on small screens both above the line."""
        canvas = Canvas(width)
        left, right = 10.0, width - 10.0
        if not canvas.narrow:
            left = min(270.0, max((measure(one.label) for one in self.dots), default=0.0) + 22)
            right = width - min(230.0, max((measure(_words(one)) for one in self.dots), default=0.0) + 18)
        scale = Scale(self.low, self.high, left, right, self.log)
        top = canvas.height
        for one in self.dots:
            self._row(canvas, one, scale)
        for value in scale.ticks(5 if canvas.narrow else 8):
            canvas.line(scale(value), canvas.height, scale(value), canvas.height + 4, "axis")
            canvas.text(scale(value), canvas.height + 17, short(value), "muted", anchor="middle")
        canvas.line(left, canvas.height, right, canvas.height, "axis")
        canvas.text(right, canvas.height + 33, self.axis, "muted", anchor="end")
        canvas.height = max(canvas.height + 40, top)
        return canvas

    def _row(self, canvas: Canvas, one: Dot, scale: Scale) -> None:
        y = canvas.height + 14
        words = _words(one)
        if canvas.narrow:
            canvas.text(2, y, one.label, room=canvas.width - measure(words) - 12)
            canvas.text(canvas.width - 2, y, words, anchor="end")
            y += 15
        else:
            canvas.text(scale.start - 14, y + 4, one.label, anchor="end")
            canvas.text(scale.end + 12, y + 4, words)
        canvas.line(scale.start, y, scale.end, y, "grid")
        if one.reference_around is not None:
            low, high = (scale(edge) for edge in one.reference_around)
            canvas.rect(low, y - 7, max(high - low, 3), 14, "b real")
        if one.reference is not None:
            canvas.line(scale(one.reference), y - 9, scale(one.reference), y + 9, "l real")
        if one.bound is not None:
            canvas.line(scale(one.bound), y - 11, scale(one.bound), y + 11, "bound")
        for value in one.single:
            canvas.circle(scale(value), y, 2.5, "single")
        if one.around is not None:
            low, high = (scale(edge) for edge in one.around)
            canvas.path([(low, y - 5), (low, y + 5)], f"l {one.kind}")
            canvas.path([(high, y - 5), (high, y + 5)], f"l {one.kind}")
            canvas.path([(low, y), (high, y)], f"l {one.kind}")
        if one.value is not None:
            canvas.circle(scale(one.value), y, 5, f"b {one.kind}")
        canvas.height = y + 13


def _words(one: Dot) -> str:
    if one.shown:
        return one.shown
    return "unknown" if one.value is None else figure(one.value, one.around)

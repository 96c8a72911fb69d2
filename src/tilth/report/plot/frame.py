"""What marks with two axes share: margins, grid, ticks, names of axes, and a key of the series."""

from __future__ import annotations

from collections.abc import Sequence

from tilth.report.plot.canvas import Canvas, measure
from tilth.report.plot.numbers import short
from tilth.report.plot.scale import Scale

KEY = 20.0


def key(canvas: Canvas, entries: Sequence[tuple[str, str, str]]) -> None:
    """A line of (name, kind, shape) at the top; shape is fill, line or ring. Wraps where it does not fit."""
    x, y = 2.0, canvas.height + 13
    for name, kind, shape in entries:
        wide = measure(name) + 34
        if x > 2 and x + wide > canvas.width:
            x, y = 2.0, y + 17
        _swatch(canvas, x, y, kind, shape)
        canvas.text(x + 22, y, name)
        x += wide
    canvas.height = y + 7


def _swatch(canvas: Canvas, x: float, y: float, kind: str, shape: str) -> None:
    if shape == "line":
        canvas.line(x, y - 4, x + 17, y - 4, f"l {kind}")
    elif shape == "ring":
        canvas.circle(x + 8, y - 4, 4, f"ring {kind}")
    else:
        canvas.rect(x + 2, y - 10, 13, 11, f"b {kind}")


class Frame:
    """The area of a plot with two axes, below what is on the canvas already.

    x, y: (low, high) of the axes. names: of the axes, with units. right: room kept free to the right, for direct labels.
    ticks: places and words of the x axis, instead of round numbers.
    """

    def __init__(
        self,
        canvas: Canvas,
        x: tuple[float, float],
        y: tuple[float, float],
        names: tuple[str, str],
        *,
        log: bool = False,
        right: float = 8.0,
        ticks: Sequence[tuple[float, str]] | None = None,
    ) -> None:
        top = canvas.height + 24
        tall = 190.0 if canvas.narrow else 230.0
        scale = Scale(*y, top + tall, top)
        marks = scale.ticks(5)
        left = max((measure(short(one)) for one in marks), default=0.0) + 12
        self.x = Scale(*x, left + 4, canvas.width - right - 4, log)
        self.y = scale
        self.bottom, self.top, self.left, self.right = top + tall, top, left, canvas.width - right
        canvas.text(2, canvas.height + 12, names[1], "muted")
        for one in marks:
            canvas.line(left, scale(one), self.right, scale(one), "grid")
            canvas.text(left - 6, scale(one) + 4, short(one), "muted", anchor="end")
        canvas.line(left, self.bottom, self.right, self.bottom, "axis")
        self._across(canvas, ticks, names[0])

    def _across(self, canvas: Canvas, ticks: Sequence[tuple[float, str]] | None, name: str) -> None:
        words = ticks if ticks is not None else [(one, short(one)) for one in self.x.ticks(5 if canvas.narrow else 8)]
        after = 0.0
        for value, word in words:
            at, half = self.x(value), measure(word) / 2
            middle = min(max(at, half), canvas.width - half)
            canvas.line(at, self.bottom, at, self.bottom + 4, "axis")
            if middle - half > after:
                canvas.text(middle, self.bottom + 17, word, "muted", anchor="middle")
                after = middle + half + 6
        canvas.text(self.right, self.bottom + 34, name, "muted", anchor="end")
        canvas.height = self.bottom + 40

"""A matrix of counts: shade by a share, the number in each cell where it fits."""

from __future__ import annotations

from dataclasses import dataclass

from tilth.report.plot.canvas import Canvas, measure
from tilth.report.plot.figure import Table, table
from tilth.report.plot.numbers import short

LEVELS = 6
"""Shades; the style sheet has one class for each, s0 to s5."""


@dataclass(frozen=True, slots=True)
class Heat:
    """The mark. shade: 0 to 1 of each cell (None: not known). shown: the words in a cell; "" for its value.

    corner: what rows and columns are, as `people ↓ given →`. numbers: the table's cells, the values that are drawn.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    shade: tuple[tuple[float, ...], ...]
    corner: tuple[str, str]

    def table(self) -> Table:
        """The cells."""
        name = f"{self.corner[0]} \\ {self.corner[1]}"
        return table((name, *self.columns), [(row, *line) for row, line in zip(self.rows, self.values, strict=True)])

    def draw(self, width: int) -> Canvas:
        """Heads of columns as numbers where their names do not fit, with a key below."""
        canvas = Canvas(width)
        left = min(0.36 * width, max((measure(row) for row in self.rows), default=0.0) + 14)
        each = min(110.0, (width - left - 4) / max(1, len(self.columns)))
        named = all(measure(name) <= each - 4 for name in self.columns)
        canvas.text(2, 13, f"{self.corner[0]} ↓   {self.corner[1]} →", "muted")
        for at, name in enumerate(self.columns):
            canvas.text(left + each * (at + 0.5), 30, name if named else str(at + 1), anchor="middle", room=each)
        canvas.height = 36.0
        for row, line, shades in zip(self.rows, self.values, self.shade, strict=True):
            canvas.text(left - 8, canvas.height + 16, row, anchor="end", room=left - 10)
            for at, (value, shade) in enumerate(zip(line, shades, strict=True)):
                self._cell(canvas, left + each * at, each, value, shade)
            canvas.height += 25
        if not named:
            self._names(canvas)
        canvas.height += 4
        return canvas

    def _cell(self, canvas: Canvas, x: float, each: float, value: float, shade: float) -> None:
        level = min(LEVELS - 1, int(shade * LEVELS)) if value or shade else 0
        canvas.rect(x, canvas.height, each - 1, 24, f"cell s{level}")
        words = short(value)
        if measure(words) <= each - 2:
            canvas.text(x + each / 2, canvas.height + 16, words, f"t{level}", anchor="middle")

    def _names(self, canvas: Canvas) -> None:
        x, y = 2.0, canvas.height + 16
        for at, name in enumerate(self.columns):
            words = f"{at + 1} {name}"
            wide = min(measure(words) + 14, canvas.width)
            if x > 2 and x + wide > canvas.width:
                x, y = 2.0, y + 17
            canvas.text(x, y, words, "muted")
            x += wide
        canvas.height = y + 4

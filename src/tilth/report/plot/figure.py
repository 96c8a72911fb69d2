"""A figure: a mark with what must be said about it. SVG and table come from the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tilth.report.plot.canvas import NARROW, WIDE, Canvas
from tilth.report.plot.numbers import short

Cell = str | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of numbers and words. The first column names the row. right: which columns hold numbers, by position."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: frozenset[int] = frozenset()

    def shown(self) -> list[list[str]]:
        """The cells as text: numbers with three significant digits, nothing as a dash."""
        return [["–" if cell is None else cell if isinstance(cell, str) else short(cell) for cell in row] for row in self.rows]


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    """A table whose columns of numbers are found by looking."""
    numbers = {at for at in range(len(columns)) if any(isinstance(row[at], (int, float)) for row in rows)}
    return Table(tuple(columns), tuple(tuple(row) for row in rows), frozenset(numbers - {0}))


class Mark(Protocol):
    """What a plot is drawn with."""

    def draw(self, width: int) -> Canvas:
        """The drawing at a width (720 or 340)."""
        ...

    def table(self) -> Table:
        """The numbers that are drawn."""
        ...


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot in the page.

    name: unique, used for ids. title: the finding, or the question. desc: finding and key numbers, for who cannot see it.
    caption: n, seed, kernel, intervals. how: how to read it. links: (words, anchor) of the records behind it.
    """

    name: str
    title: str
    desc: str
    caption: str
    how: str
    mark: Mark
    links: tuple[tuple[str, str], ...] = field(default=())

    @property
    def table(self) -> Table:
        """The numbers that are drawn."""
        return self.mark.table()

    def wide(self) -> str:
        """The SVG for screens from 760 pixels on, and for print."""
        return self.mark.draw(WIDE).svg(f"{self.name}-w", self.title, self.desc)

    def narrow(self) -> str:
        """The SVG for smaller screens."""
        return self.mark.draw(NARROW).svg(f"{self.name}-n", self.title, self.desc)

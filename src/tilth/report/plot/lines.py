"""Lines with bands over a common axis, each point marked; small series carry intervals as upright bars."""

from __future__ import annotations

from dataclasses import dataclass

from tilth.report.plot.canvas import Canvas, measure
from tilth.report.plot.figure import Cell, Table, table
from tilth.report.plot.frame import Frame, key
from tilth.report.plot.numbers import short
from tilth.report.plot.scale import around


@dataclass(frozen=True, slots=True)
class Point:
    """One measured point; around: its interval; n: what it rests on."""

    x: float
    y: float
    around: tuple[float, float] | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A line. kind: synthetic, real, holdout, kept ... `plain` and `dotted` for controls."""

    name: str
    kind: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """The mark. names: of the axes, with units. floor, roof: bounds that the upright axis cannot pass. diagonal: draw y = x."""

    series: tuple[Series, ...]
    names: tuple[str, str]
    log: bool = False
    floor: float | None = None
    roof: float | None = None
    from_zero: bool = False
    diagonal: bool = False
    every: bool = False
    x_name: str = "x"

    def table(self) -> Table:
        """One row a point."""
        rows: list[tuple[Cell, ...]] = []
        for one in self.series:
            rows += [(one.name, short(p.x), p.y, *(p.around or (None, None)), p.n) for p in one.points]
        found = table(("series", self.x_name, "value", "low", "high", "n"), rows)
        keep = [at for at in range(6) if at < 3 or any(row[at] is not None for row in rows)]
        return table([found.columns[at] for at in keep], [[row[at] for at in keep] for row in rows])

    def draw(self, width: int) -> Canvas:
        """Names at the ends of lines; from four lines on, and on small screens, as a key."""
        canvas = Canvas(width)
        direct = not canvas.narrow and len(self.series) < 4
        if not direct:
            key(canvas, [(one.name, one.kind, "line") for one in self.series])
        right = max((measure(one.name) for one in self.series), default=0.0) + 18 if direct else 10.0
        xs = [point.x for one in self.series for point in one.points]
        ys = [edge for one in self.series for point in one.points for edge in (point.y, *(point.around or ()))]
        low, high = around(ys, floor=self.floor, roof=self.roof)
        x = (min(xs), max(xs)) if min(xs) < max(xs) else (min(xs) - 0.5, max(xs) + 0.5)
        ticks = [(value, short(value)) for value in sorted(set(xs))] if self.every else None
        frame = Frame(canvas, x, (0.0 if self.from_zero else low, high), self.names, log=self.log, right=right, ticks=ticks)
        if self.diagonal:
            canvas.line(frame.x(x[0]), frame.y(x[0]), frame.x(x[1]), frame.y(x[1]), "bound")
        for one in self.series:
            self._one(canvas, frame, one)
        if direct:
            self._names(canvas, frame)
        return canvas

    def _one(self, canvas: Canvas, frame: Frame, one: Series) -> None:
        points = sorted(one.points, key=lambda point: point.x)
        banded = [point for point in points if point.around is not None]
        if len(banded) > 1:
            upper = [(frame.x(p.x), frame.y(p.around[1])) for p in banded if p.around]
            lower = [(frame.x(p.x), frame.y(p.around[0])) for p in reversed(banded) if p.around]
            canvas.path([*upper, *lower], f"band {one.kind}", closed=True)
        canvas.path([(frame.x(p.x), frame.y(p.y)) for p in points], f"l {one.kind}")
        for p in points:
            if p.around is not None:
                canvas.line(frame.x(p.x), frame.y(p.around[0]), frame.x(p.x), frame.y(p.around[1]), f"l thin {one.kind}")
            canvas.circle(frame.x(p.x), frame.y(p.y), 3.5, f"b {one.kind}")

    def _names(self, canvas: Canvas, frame: Frame) -> None:
        """At the lines' ends, moved apart where they would touch."""
        ends = sorted((frame.y(max(one.points, key=lambda p: p.x).y), one.name) for one in self.series if one.points)
        placed: list[tuple[float, str]] = []
        for y, name in ends:
            placed.append((max(y, placed[-1][0] + 15) if placed else y, name))
        over = max(0.0, placed[-1][0] - frame.bottom) if placed else 0.0
        for y, name in placed:
            canvas.text(frame.right + 8, y - over + 4, name)

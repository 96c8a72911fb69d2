"""Empirical distribution functions: the whole distribution, no bins to choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.report.plot.canvas import Canvas
from tilth.report.plot.figure import Cell, Table, table
from tilth.report.plot.frame import Frame, key

STEPS = 100
SHOWN = (0, 5, 10, 25, 50, 75, 90, 95, 100)


@dataclass(frozen=True, slots=True)
class Curve:
    """One set, by its 0th to 100th percentile. n: values."""

    name: str
    kind: str
    percentiles: tuple[float, ...]
    n: int


def curve(name: str, kind: str, values: npt.ArrayLike) -> Curve:
    """The curve of some values (at least one)."""
    array = np.asarray(values, dtype=np.float64)
    found = np.quantile(array, np.linspace(0, 1, STEPS + 1), method="inverted_cdf")
    return Curve(name, kind, tuple(round(float(one), 6) for one in found), len(array))


@dataclass(frozen=True, slots=True)
class Ecdf:
    """The mark: share of values at or below x."""

    curves: tuple[Curve, ...]
    axis: str

    def table(self) -> Table:
        """Percentiles of each set."""
        columns = ["percentile", *(one.name for one in self.curves)]
        rows: list[list[Cell]] = [[f"{at} %", *(one.percentiles[at] for one in self.curves)] for at in SHOWN]
        return table(columns, [*rows, ["n", *(one.n for one in self.curves)]])

    def draw(self, width: int) -> Canvas:
        """Rising from 0 to 1."""
        canvas = Canvas(width)
        key(canvas, [(one.name, one.kind, "line") for one in self.curves])
        edges = [edge for one in self.curves for edge in (one.percentiles[0], one.percentiles[-1])]
        low, high = min(edges), max(edges)
        frame = Frame(canvas, (low, high if high > low else low + 1e-6), (0.0, 1.0), (self.axis, "share of rows at or below"))
        for one in self.curves:
            points, before = [(frame.x(one.percentiles[0]), frame.y(0.0))], 0.0
            for at, value in enumerate(one.percentiles):
                points += [(frame.x(value), frame.y(before)), (frame.x(value), frame.y(at / STEPS))]
                before = at / STEPS
            canvas.path(_thin([*points, (frame.right - 4, frame.y(1.0))]), f"l {one.kind}")
        return canvas


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without points that are where the one before is."""
    out: list[tuple[float, float]] = []
    for x, y in points:
        here = (round(x, 1), round(y, 1))
        if not out or out[-1] != here:
            out.append(here)
    return out

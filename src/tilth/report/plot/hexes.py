"""A map in two dimensions: hexagons shaded by how many synthetic rows they hold, real rows as small rings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.report.plot.canvas import Canvas
from tilth.report.plot.figure import Table, table
from tilth.report.plot.frame import key
from tilth.report.plot.heat import LEVELS

Floats = npt.NDArray[np.float64]
ACROSS = 24
"""Hexagons from left to right; about 400 in all, and most of them empty."""
RINGS = 600
"""Rings at most: with the hexagons far below 2,000 marks."""
FLAT = 0.62
"""Height of the map by its width."""


@dataclass(frozen=True, slots=True)
class Hexes:
    """The mark. cells: (x, y, synthetic, real), the middle of each hexagon in 0..1, and rows in it. rings: real rows, in 0..1."""

    cells: tuple[tuple[float, float, int, int], ...]
    rings: tuple[tuple[float, float], ...]
    axes: tuple[str, str]

    def table(self) -> Table:
        """One row a hexagon, the fullest first."""
        ranked = sorted(self.cells, key=lambda one: (-one[2], -one[3], one[0], one[1]))
        rows = [(f"({x:.2f}, {y:.2f})", synthetic, real) for x, y, synthetic, real in ranked]
        return table(("hexagon (x, y)", "synthetic", "real"), rows)

    def draw(self, width: int) -> Canvas:
        """The same hexagons at both widths."""
        canvas = Canvas(width)
        most = max((cell[2] for cell in self.cells), default=1) or 1
        entries = [(f"synthetic: 1 row (pale) to {most} (strong)", "cell s4", "fill")]
        key(canvas, [*entries, ("real row", "real", "ring")] if self.rings else entries)
        wide, top = width - 8.0, canvas.height + 4
        tall, radius = wide * FLAT, wide / ACROSS / math.sqrt(3) * 0.98
        canvas.rect(4, top, wide, tall, "frame")
        for x, y, synthetic, _ in self.cells:
            if synthetic:
                level = 1 + min(LEVELS - 2, int((LEVELS - 1) * math.log(synthetic) / math.log(most + 1))) if most > 1 else 3
                canvas.path(_hexagon(4 + x * wide, top + y * tall, radius), f"cell s{level}", closed=True)
        for x, y in self.rings:
            canvas.circle(4 + x * wide, top + y * tall, 2.6, "ring real")
        canvas.text(width - 4, top + tall + 15, f"across: {self.axes[0]}; up: {self.axes[1]}", "muted", anchor="end")
        canvas.height = top + tall + 22
        return canvas


def hexes(synthetic: Floats, real: Floats | None, axes: tuple[str, str]) -> Hexes:
    """Count rows (n, 2) in hexagons. The rings are the first `RINGS` real rows."""
    both = synthetic if real is None else np.concatenate([synthetic, real])
    low, high = both.min(axis=0), both.max(axis=0)
    span = np.where(high > low, high - low, 1.0)

    def scaled(rows: Floats) -> Floats:
        inside = 0.04 + 0.92 * (rows - low) / span
        return np.column_stack([inside[:, 0], 1 - inside[:, 1]])

    ours, theirs = scaled(synthetic), scaled(real) if real is not None else np.zeros((0, 2))
    counts: dict[tuple[float, float], list[int]] = {}
    for side, rows in enumerate((ours, theirs)):
        for x, y in rows:
            counts.setdefault(_middle(float(x), float(y)), [0, 0])[side] += 1
    cells = tuple((x, y, one, other) for (x, y), (one, other) in sorted(counts.items()))
    return Hexes(cells, tuple((round(float(x), 4), round(float(y), 4)) for x, y in theirs[:RINGS]), axes)


def _middle(x: float, y: float) -> tuple[float, float]:
    """The middle of the hexagon that holds a point: the nearer one of two shifted lattices."""
    step_x, step_y = 1 / ACROSS, math.sqrt(3) / ACROSS / FLAT
    best: tuple[float, tuple[float, float]] | None = None
    for shift in (0.0, 0.5):
        at = (round((round(x / step_x - shift) + shift) * step_x, 5), round((round(y / step_y - shift) + shift) * step_y, 5))
        far = (x - at[0]) ** 2 + ((y - at[1]) * FLAT) ** 2
        if best is None or far < best[0]:
            best = (far, at)
    assert best is not None
    return best[1]


def _hexagon(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    angles = (math.pi / 6 + math.pi / 3 * at for at in range(6))
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]

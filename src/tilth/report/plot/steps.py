"""Step histograms over common bins: synthetic filled, others outlined over it, so that none hides another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tilth.report.plot.canvas import Canvas
from tilth.report.plot.figure import Cell, Table, table
from tilth.report.plot.frame import Frame, key
from tilth.report.plot.numbers import short

BINS = 30


@dataclass(frozen=True, slots=True)
class Counted:
    """One set: counts of each bin. filled: drawn as an area."""

    name: str
    kind: str
    counts: tuple[int, ...]
    filled: bool = False

    @property
    def shares(self) -> list[float]:
        """Each bin's part of the whole."""
        whole = sum(self.counts)
        return [one / whole if whole else 0.0 for one in self.counts]


@dataclass(frozen=True, slots=True)
class Steps:
    """The mark. edges: one more than bins. open_end: the last bin holds all above its edge. lines: (value, words) drawn upright."""

    edges: tuple[float, ...]
    sets: tuple[Counted, ...]
    axis: str
    open_end: bool = False
    lines: tuple[tuple[float, str], ...] = ()
    stacked: bool = False

    def table(self) -> Table:
        """One row a bin that holds anything, with count and share of each set."""
        columns = ["from", "to", *(word for one in self.sets for word in (one.name, f"share of {one.name}"))]
        shares = [one.shares for one in self.sets]
        rows: list[list[Cell]] = []
        for at in range(len(self.edges) - 1):
            if any(one.counts[at] for one in self.sets):
                end = "more" if self.open_end and at == len(self.edges) - 2 else short(self.edges[at + 1])
                cells = [cell for one, share in zip(self.sets, shares, strict=True) for cell in (one.counts[at], share[at])]
                rows.append([short(self.edges[at]), end, *cells])
        return table(columns, rows)

    def draw(self, width: int) -> Canvas:
        """Shares upwards, or counts where sets are parts of one whole."""
        canvas = Canvas(width)
        if len(self.sets) > 1 or self.lines:
            lines = [(words, "bound", "line") for _, words in self.lines]
            key(canvas, [*((one.name, one.kind, "fill" if one.filled else "line") for one in self.sets), *lines])
        heights = [[float(count) for count in one.counts] for one in self.sets] if self.stacked else [one.shares for one in self.sets]
        most = max((sum(column) if self.stacked else max(column) for column in zip(*heights, strict=True)), default=0.0)
        whole = len(self.edges) < 10 and all(edge.is_integer() for edge in self.edges)
        ticks = [(edge, short(edge)) for edge in self.edges] if whole else None
        names = (self.axis, "rows" if self.stacked else "share of rows")
        frame = Frame(canvas, (self.edges[0], self.edges[-1]), (0.0, most or 1.0), names, ticks=ticks)
        below = [0.0] * (len(self.edges) - 1)
        for one, tall in zip(self.sets, heights, strict=True):
            self._one(canvas, frame, one, tall, below)
            if self.stacked:
                below = [under + own for under, own in zip(below, tall, strict=True)]
        for value, _ in self.lines:
            canvas.line(frame.x(value), frame.top, frame.x(value), frame.bottom, "bound")
        return canvas

    def _one(self, canvas: Canvas, frame: Frame, one: Counted, tall: Sequence[float], below: Sequence[float]) -> None:
        if one.filled:
            for at, share in enumerate(tall):
                if share > 0:
                    left, right = frame.x(self.edges[at]), frame.x(self.edges[at + 1])
                    top, floor = frame.y(below[at] + share), frame.y(below[at])
                    top = min(top, floor - 2)  # a bin of one row is seen
                    canvas.rect(left, top, max(right - left - 0.5, 1), floor - top, f"b {one.kind}")
            return
        points = [(frame.x(self.edges[0]), frame.bottom)]
        for at, share in enumerate(tall):
            points += [(frame.x(self.edges[at]), frame.y(share)), (frame.x(self.edges[at + 1]), frame.y(share))]
        whole = [*points, (frame.x(self.edges[-1]), frame.bottom)]
        canvas.path(whole, "l halo")  # so that the outline is seen over the filled bars
        canvas.path(whole, f"l {one.kind}")


def whole_bins(sets: Sequence[Mapping[int, int]], bins: int = BINS) -> tuple[tuple[float, ...], list[tuple[int, ...]], bool]:
    """Common bins of whole numbers (value to how often): (edges, counts of each set, whether the last bin is open).

    The last bin takes what lies above the 99.5 % point of all, so that one giant does not press the others together.
    """
    values = np.array(sorted({value for one in sets for value in one}), dtype=np.int64)
    if not len(values):
        return (0.0, 1.0), [(0,) for _ in sets], False
    often = np.array([sum(one.get(int(value), 0) for one in sets) for value in values])
    enough = values[np.searchsorted(np.cumsum(often), 0.995 * often.sum())]
    low, high = int(values[0]), int(min(enough, values[-1]))
    step = max(1, -(-(high - low + 1) // bins))
    count = -(-(high - low + 1) // step)
    if count < 3:  # all of one length, or nearly: room on both sides, so that it is seen as one bar
        low, count = low - step, count + 2
    edges = [float(low + step * at) for at in range(count + 1)]
    counts = []
    for one in sets:
        held = [0] * count
        for value, n in one.items():
            held[min((value - low) // step, count - 1)] += n
        counts.append(tuple(held))
    return tuple(edges), counts, bool(values[-1] >= edges[-1])

"""What curation scored: the spread of each score, split by what was decided, and the kept rows nearest to the border."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tilth.records.folder import RunFolder
from tilth.records.ids import json_value
from tilth.records.parts import read_parts, read_rows
from tilth.report.counts import read

BINS = 30


@dataclass(slots=True)
class Spread:
    """One step's numbers. edges: of the bins; stays, acted: rows in each; unscored: rows without a number.

    high_is_bad: whether the rows acted upon lie above the others (None: none was acted upon). border: (score, id) of kept
    rows nearest to them, the nearest first. reasons: what was decided, and how often.
    """

    step: str
    edges: tuple[float, ...]
    stays: list[int]
    acted: list[int]
    unscored: int = 0
    high_is_bad: bool | None = None
    border: list[tuple[float, str]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def scored(self) -> int:
        """Rows with a number."""
        return sum(self.stays) + sum(self.acted)

    @property
    def graded(self) -> bool:
        """Whether there are degrees: a score of yes and no has no border to look at."""
        return sum(bool(one + other) for one, other in zip(self.stays, self.acted, strict=True)) > 3


def spreads(folder: RunFolder, border: int = 5) -> list[Spread]:
    """The steps with numbers that differ, in the order in which they were run. Files are walked side by side: memory stays flat."""
    order = [one.get("step") for one in read(folder.artifacts / "curation.json").get("steps") or []]
    paths = sorted(folder.scores.glob("*.parquet"), key=lambda path: (order.index(path.stem) if path.stem in order else 99, path.stem))
    found = (_spread(folder, path, border) for path in paths)
    return [one for one in found if one is not None]


@dataclass(frozen=True, slots=True)
class _Scored:
    """One row of a file of scores. reason: why the step acted upon it, None where it did not. kept: it is in the result."""

    id: str
    number: float | None
    reason: str | None
    kept: bool


def _walk(folder: RunFolder, path: Path) -> Iterator[_Scored]:
    """Scores, decisions and result are all in row order, so each is read once and nothing is remembered."""
    decisions = read_rows(folder.decisions, ["id", "step", "reason"]) if folder.decisions.exists() else iter(())
    acted = ((row["id"], row["reason"]) for row in decisions if row["step"] == path.stem)
    kept = (row["id"] for row in read_parts(folder.data, "part", ["id"]))
    next_acted, next_kept = next(acted, None), next(kept, None)
    for row in read_rows(path, ["id", "score"]):
        reason, inside = None, False
        if next_acted is not None and next_acted[0] == row["id"]:
            reason, next_acted = next_acted[1], next(acted, None)
        if next_kept == row["id"]:
            inside, next_kept = True, next(kept, None)
        yield _Scored(row["id"], row["score"], reason, inside)


def _spread(folder: RunFolder, path: Path, border: int) -> Spread | None:
    low, high, whole = float("inf"), float("-inf"), True
    count, sums = [0, 0], [0.0, 0.0]
    for row in _walk(folder, path):
        if row.number is not None:
            low, high = min(low, row.number), max(high, row.number)
            whole &= float(row.number).is_integer()
            count[row.reason is not None] += 1
            sums[row.reason is not None] += row.number
    if not low < high:
        return None
    step, bins = (high - low) / BINS, BINS
    if whole:  # bins of whole numbers, so that none is empty by arithmetic
        step = float(max(1, -(-int(high - low + 1) // BINS)))
        bins = int((high - low) // step) + 1
    out = Spread(path.stem, tuple(round(low + step * at, 6) for at in range(bins + 1)), [0] * bins, [0] * bins)
    if all(count):
        out.high_is_bad = sums[1] / count[1] > sums[0] / count[0]
    nearest: list[tuple[float, str]] = []
    for row in _walk(folder, path):
        if row.number is None:
            out.unscored += 1
            continue
        at = min(int((row.number - low) / step), bins - 1)
        (out.stays if row.reason is None else out.acted)[at] += 1
        if row.reason is not None:
            out.reasons[row.reason] += 1
        elif row.kept and out.high_is_bad is not None:
            heapq.heappush(nearest, (row.number if out.high_is_bad else -row.number, row.id))
            if len(nearest) > border:
                heapq.heappop(nearest)
    out.border = [(number if out.high_is_bad else -number, id_) for number, id_ in sorted(nearest, reverse=True)]
    return out


@dataclass(frozen=True, slots=True)
class Confusion:
    """Given labels against what students say that never saw the row. counts: says (rows) by given (columns)."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    step: str
    n: int


def confusion(folder: RunFolder, most: int = 20) -> Confusion | None:
    """From the scores of a `label_noise` step; None where there is none."""
    for path in sorted(folder.scores.glob("*.parquet")):
        pairs: Counter[tuple[str, str]] = Counter()
        for row in read_rows(path, ["detail", "scorer"]):
            if row["scorer"] != "student_agreement":
                break
            if row["detail"] and row["detail"].startswith("{"):
                found = json_value(row["detail"])
                pairs[(str(found.get("says")), str(found.get("label")))] += 1
        if pairs:
            given = Counter(label for pair, n in pairs.items() for label in [pair[1]] * n)
            labels = tuple(label for label, _ in sorted(given.items(), key=lambda one: (-one[1], one[0]))[:most])
            counts = tuple(tuple(pairs[(said, label)] for label in labels) for said in labels)
            return Confusion(labels, counts, path.stem, sum(pairs.values()))
    return None

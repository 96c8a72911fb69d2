"""Figures of metrics.json as a table: each with its interval, what real data scores, and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tilth.evaluate.base import Value
from tilth.records.figures import figure
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Line, Missing, Sheet, sheet

BETTER = {"up": "higher", "down": "lower", "target": "close to real"}
DIVERSITY = ("distinct_", "self_bleu", "compression", "aps", "vendi", "near_duplicates")
LIKENESS = ("c2st", "mauve", "frechet")
SAFETY = ("contamination", "nearest_is_training", "dcr", "membership_inference", "regurgitation", "pii", "toxicity")
CONTENT = ("refusals", "language")
USE = ("utility",)
OTHERS = (*DIVERSITY, *LIKENESS, *SAFETY, *CONTENT, *USE)


def named(prefixes: Sequence[str]) -> Callable[[Value], bool]:
    """Whether a figure belongs to a section."""
    return lambda value: value.metric.startswith(tuple(prefixes))


def chosen(m: Material, belongs: Callable[[Value], bool], *, measured: bool = True) -> list[Value]:
    """The figures of a section, where they speak of these records; measured: only those with a value."""
    return [one for one in m.facts.values if not m.facts.stale and belongs(one) and (one.value is not None or not measured)]


def shown(value: Value | None) -> str:
    """A figure with its interval; unknown where there is none."""
    return "unknown" if value is None or value.value is None else figure(value.value, value.interval)


def values_sheet(m: Material, values: Sequence[Value], caption: str) -> Sheet:
    """The table of some figures, with a column for the run that is compared with."""
    other = {one.metric: one for one in m.against.values} if m.against is not None and not m.against.stale else {}
    columns = ["figure", "value", "real data", "better", "n", "measured by"]
    if m.against is not None:
        columns.insert(3, f"in {m.against.name}")
    rows = []
    for one in values:
        real = "unknown" if one.reference is None else figure(one.reference, one.reference_interval)
        row = [one.metric, shown(one), real, BETTER[one.direction], f"{one.n:,}", one.kernel]
        if m.against is not None:
            row.insert(3, shown(other.get(one.metric)))
        rows.append(row)
    return sheet(caption, columns, rows)


def findings(m: Material, values: Sequence[Value]) -> list[Block]:
    """What the figures found, as lines; without texts, those that may quote one are left out."""
    quoting = ("c2st", "contamination", "refusals", "language", "near_duplicates")
    return [Line(one.finding, "warning") for one in values if one.finding and (m.texts or not one.metric.startswith(quoting))]


def unmeasured(m: Material, belongs: Callable[[Value], bool]) -> list[Block]:
    """A grey line for each figure that was asked for and could not be had."""
    values = [one for one in chosen(m, belongs, measured=False) if one.value is None]
    return [Missing(one.metric, str(one.detail.get("why") or "no reason was given")) for one in values]


def not_measured(m: Material, what: str, options: str = "", why: str = "") -> Missing:
    """The grey line of a section that evaluation would fill. Stale figures are as good as none."""
    stale = "metrics.json speaks of other records than those that are kept now"
    reason = stale if m.facts.stale else why or "not evaluated"
    return Missing(what, reason, f"tilth evaluate {m.command}{options}")

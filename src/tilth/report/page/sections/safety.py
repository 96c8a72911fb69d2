"""Section 8: is it safe? Text of the holdout in it, rows too close to what generation read, and what was not looked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tilth.evaluate.base import Value
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Missing, Plot, sheet
from tilth.report.page.figures import SAFETY, chosen, findings, named, not_measured, unmeasured, values_sheet
from tilth.report.plot.bars import Bar, Bars, Part
from tilth.report.plot.figure import Figure

ANCHOR, TITLE, QUESTION = "safety", "Is it safe", "Contamination, regurgitation, privacy, harm."
NAMED = 20


def blocks(m: Material) -> list[Block]:
    """Contamination by rule, hits by name, nearness to training rows; then what nobody has looked for."""
    out: list[Block] = []
    values = chosen(m, named(SAFETY))
    found = [one for one in values if one.metric.startswith("contamination")]
    if values:
        out += [values_sheet(m, values, "Copies of what it should not hold"), *findings(m, values)]
    if found:
        out.append(Plot(_contamination(found)))
        hits = _hits(found)
        if hits and m.texts:
            note = f"The first {NAMED} of {len(hits):,}." if len(hits) > NAMED else ""
            columns = ["record", "holdout row", "rule", "shared words"]
            out.append(sheet("Rows that hold text of the holdout", columns, [_cells(one) for one in hits[:NAMED]], note))
    else:
        why = "" if m.facts.sizes.get("holdout") else "no holdout"
        out.append(not_measured(m, "Does it hold text of the holdout?", "" if m.facts.sizes.get("holdout") else " --holdout FILE", why))
    out += unmeasured(m, named(SAFETY))
    if not any(one.metric == "nearest_is_training" for one in values):
        question = "Is it closer to what generation read than to other real rows?"
        out.append(not_measured(m, question, " --real FILE --holdout FILE", "not measured"))
    unlooked = "this version of tilth has no measure of it"
    out.append(Missing("Privacy by distance, personal data, toxicity", unlooked))
    return out


def _contamination(values: Sequence[Value]) -> Figure:
    bars = []
    for one in values:
        n = round((one.value or 0.0) * one.n)
        short_rows = one.detail.get("shorter_than_n")
        real = one.reference
        parts = [Part(one.value or 0.0, f"{n:,} of {one.n:,}", "synthetic", "synthetic")]
        if real is not None:
            parts.append(Part(real, f"{100 * real:.1f} %", "real", "real"))
        bars.append(Bar(_rule(one), tuple(parts), more=(n, short_rows if isinstance(short_rows, int) else None)))
    most = max(one.value or 0.0 for one in values)
    title = "No record holds text of the holdout" if not most else f"{round(most * values[0].n):,} records hold text of the holdout"
    told = "; ".join(f"{_rule(one)}: {round((one.value or 0) * one.n):,} of {one.n:,}" for one in values)
    real_too = ["real data, share"] if any(one.reference is not None for one in values) else []
    columns = ["rule", "share", *real_too, "records", "holdout rows too short"]
    caption = f"n {values[0].n:,} records. Holdout rows shorter than the rule are looked for whole. Real data: the same share of real rows."
    how = "A record counts when it shares so many words in a row with one holdout row. A test on such a holdout is too kind."
    mark = Bars(tuple(bars), tuple(columns))
    return Figure("contamination", title, f"{title}. {told}.", caption, how, mark)


def _rule(one: Value) -> str:
    return f"{one.metric.rsplit('_', 1)[-1]} words in a row"


def _hits(values: Sequence[Value]) -> list[dict[str, Any]]:
    first = min(values, key=lambda one: int(one.metric.rsplit("_", 1)[-1]) if one.metric[-1].isdigit() else 0)
    found = first.detail.get("hits")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _cells(one: dict[str, Any]) -> list[str]:
    return [str(one.get("row"))[:12], str(one.get("holdout"))[:12], str(one.get("rule")), str(one.get("shared"))[:200]]

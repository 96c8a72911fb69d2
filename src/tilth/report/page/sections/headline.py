"""Section 1: may I train on this? The verdict, and each gate with its evidence."""

from __future__ import annotations

from tilth.evaluate.gates import Checked
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Headline, Line, Missing, Plot, sheet
from tilth.report.plot.dots import Dot, Dots
from tilth.report.plot.figure import Figure

ANCHOR, TITLE, QUESTION = "verdict", "May I train on this?", "The answer, and what it rests on."

WORDS = {"holds": "holds", "fails": "fails", "unknown": "not known"}
KINDS = {"holds": "kept", "fails": "rejected", "unknown": "plain"}


def blocks(m: Material) -> list[Block]:
    """The box, the gates as a plot where they are shares, and as a table."""
    out: list[Block] = [Headline()]
    checked = m.facts.gates
    if not checked:
        return [*out, Missing("Gates", "no gate is set", f"tilth evaluate {m.command} --gate 'utility>=0.6'")]
    drawn = [one for one in checked if one.value is not None and one.value.value is not None and 0 <= one.value.value <= 1]
    if drawn:
        out.append(Plot(_figure(drawn, len(checked))))
    other = {one.gate.metric: one for one in m.against.gates} if m.against is not None else {}
    columns = ["gate", "asked", "value", "state", "level", "evidence"]
    rows = []
    for one in checked:
        level = f"{one.gate.level} (suggested)" if one.gate.suggested else one.gate.level
        rows.append([one.gate.metric, one.bound, one.shown or "unknown", WORDS[one.state], level, _evidence(one)])
    if m.against is not None:
        columns.insert(3, f"in {m.against.name}")
        for row in rows:
            row.insert(3, other[row[0]].shown or "unknown" if row[0] in other else "no such gate")
    note = "Suggested gates are not yours: no yes rests on them until the flow says so."
    note = note if any(one.gate.suggested for one in checked) else ""
    out.append(sheet("Gates: what was asked, and what was found", columns, rows, note))
    if m.facts.stale:
        out.append(Line("metrics.json speaks of other records than those that are kept now, so no figure counts.", "warning"))
    return out


def _evidence(one: Checked) -> str:
    n = f"{one.value.n:,} rows" if one.value is not None and one.value.n else ""
    return "; ".join(part for part in (n, one.why) if part) or "–"


def _figure(drawn: list[Checked], of: int) -> Figure:
    dots = [_dot(one) for one in drawn]
    holds = sum(one.state == "holds" for one in drawn)
    title = "Every measured gate holds" if holds == len(drawn) else f"{holds} of {len(drawn)} measured gates hold"
    told = "; ".join(f"{one.gate.metric} {one.shown}, {one.bound} is asked, {WORDS[one.state]}" for one in drawn)
    unknown = f" {of - len(drawn)} more cannot be drawn here: not known, or no share." if of > len(drawn) else ""
    n = ", ".join(f"{one.gate.metric} {one.value.n:,}" for one in drawn if one.value is not None)
    return Figure(
        "gates",
        title,
        f"{title}: {told}.",
        f"Dot: value; line: 95 % interval; dashed: what is asked; hatched: the same for real data. n: {n}.{unknown}",
        "A gate on the interval holds when the whole line lies on the asked side of the dashed mark: doubt counts against it.",
        Dots(tuple(dots), 0.0, 1.0, "share, 0 to 1"),
    )


def _dot(one: Checked) -> Dot:
    value, gate = one.value, one.gate
    assert value is not None and value.value is not None
    bound = gate.at_least if gate.at_least is not None else gate.at_most
    return Dot(
        f"{gate.metric}: {WORDS[one.state]}",
        value.value,
        value.interval,
        value.n,
        bound,
        gate.at_least is not None,
        value.reference,
        value.reference_interval,
        kind=KINDS[one.state],
        shown=one.shown,
    )

"""Section 4: is it true? What people, students and models say of the labels, and how the scores are spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.evaluate.base import Value
from tilth.evaluate.gates import audited
from tilth.evaluate.verdict import REVIEW
from tilth.report.look.material import Material
from tilth.report.look.scored import Confusion, Spread
from tilth.report.page.blocks import Block, Missing, Plot, sheet
from tilth.report.page.figures import OTHERS, chosen, findings, not_measured, shown, unmeasured, values_sheet
from tilth.report.page.sections.losses import slug
from tilth.report.plot.dots import Dot, Dots
from tilth.report.plot.figure import Cell, Figure
from tilth.report.plot.heat import Heat
from tilth.report.plot.numbers import percent, short
from tilth.report.plot.steps import Counted, Steps

ANCHOR, TITLE, QUESTION = "truth", "Is it true", "Do labels and contents hold, and who says so?"
SCORES = 6


def belongs(value: Value) -> bool:
    """Every figure that no other section shows."""
    return not value.metric.startswith(OTHERS)


def blocks(m: Material) -> list[Block]:
    """Agreement, confusion, scores."""
    out: list[Block] = []
    values = chosen(m, belongs)
    if values:
        out += [values_sheet(m, values, "Agreement with the labels"), *findings(m, values)]
        out += [Plot(_by_label(one)) for one in values if any(_parts(one))]
    else:
        out.append(not_measured(m, "Do the labels hold?"))
    out += unmeasured(m, belongs)
    if m.confusion is not None:
        out.append(Plot(_matrix(m.confusion)))
    elif m.kept.labels:
        command = f'tilth curate {m.command} -s "label_noise action=flag"'
        out.append(Missing("Which labels are doubted", "no student has judged them", command))
    if not any(audited(one) for one in values):
        out.append(Missing("What people say of the labels", "no human labels yet, and tilth cannot ask for them yet", REVIEW))
    graded = [one for one in m.spreads if one.graded]
    if m.spreads:
        rows: list[tuple[Cell, ...]] = [(one.step, one.scored, sum(one.acted), one.unscored, _why(one)) for one in m.spreads]
        out.append(sheet("What each step of curation did", ["step", "scored", "acted upon", "without a score", "why"], rows))
    out += [Plot(_spread(one, m)) for one in graded[:SCORES]]
    if not m.spreads:
        out.append(Missing("Scores and thresholds", "no step of curation has scored these records", f"tilth curate {m.command} -s STEP"))
    return out


def _parts(value: Value) -> Mapping[str, Any]:
    found = value.detail.get("by_label")
    sound = {"value", "interval", "n"}
    return {name: one for name, one in found.items() if one and sound <= set(one)} if isinstance(found, Mapping) else {}


def _by_label(value: Value) -> Figure:
    parts = _parts(value)
    ranked = sorted(parts.items(), key=lambda one: (one[1]["value"], one[0]))[:20]
    dots = [Dot("all labels", value.value, value.interval, value.n, reference=value.reference, reference_around=value.reference_interval)]
    dots += [Dot(name, one["value"], tuple(one["interval"]), one["n"]) for name, one in ranked]
    worst, found = ranked[0]
    title = f"The student agrees least with {worst}: {short(found['value'])}"
    if len(ranked) > 1 and ranked[-1][1]["interval"][0] <= found["interval"][1]:
        title = "No label stands out: the student agrees about equally with all"
    real = f" Hatched: the same student on real data, {shown_reference(value)}." if value.reference is not None else ""
    caption = f"{value.kernel}; {value.detail.get('judge', 'trained on other rows')}. 95 % Wilson intervals. n {value.n:,}.{real}"
    how = "The share of rows whose label a small student predicts that never saw them. It is no person: a hard label and a wrong "
    how += "one look alike."
    desc = f"{title}. All labels {shown(value)}."
    return Figure(f"by-label-{value.metric}", title, desc, caption, how, Dots(tuple(dots), 0.0, 1.0, "share of rows, 0 to 1"))


def shown_reference(value: Value) -> str:
    """The reference of a figure with its interval."""
    from tilth.records.figures import figure

    return "unknown" if value.reference is None else figure(value.reference, value.reference_interval)


def _matrix(found: Confusion) -> Figure:
    right = sum(found.counts[at][at] for at in range(len(found.labels)))
    whole = sum(map(sum, found.counts))
    shade = tuple(tuple(n / max(1, sum(line)) for n in line) for line in found.counts)
    cells = ((said, line) for said, line in zip(found.labels, found.counts, strict=True))
    pairs = [(n, said, given) for said, line in cells for given, n in zip(found.labels, line, strict=True)]
    worst = max((one for one in pairs if one[1] != one[2]), default=(0, "", ""))
    title = f"Students agree with {percent(right, whole)} of the labels"
    if worst[0]:
        title += f"; most doubted: {worst[2]} that reads as {worst[1]} ({worst[0]:,})"
    caption = f"Rows: what students say that never saw the row; columns: the given label. n {whole:,}, before curation. Step {found.step}."
    how = "Numbers off the diagonal are labels that the students contradict. Shade: share of the row. Students err too; people decide."
    counts = tuple(tuple(float(n) for n in line) for line in found.counts)
    mark = Heat(found.labels, found.labels, counts, shade, ("students say", "given label"))
    return Figure("confusion", title, f"{title}. Diagonal {right:,} of {whole:,}.", caption, how, mark)


def _spread(one: Spread, m: Material) -> Figure:
    acted, stays = sum(one.acted), sum(one.stays)
    sets = (Counted("stays", "kept", tuple(one.stays), filled=True), Counted("acted upon", "rejected", tuple(one.acted), filled=True))
    title = f"Step {one.step} acts upon {acted:,} of {acted + stays:,} scored rows" if acted else f"Step {one.step} acts upon no row"
    why = _why(one)
    unscored = f" {one.unscored:,} more have no score and stay." if one.unscored else ""
    caption = f"Scores of the step before it decided. n {acted + stays:,}.{unscored} {why}".strip()
    how = "Moving a threshold is free: the scores stay. Rows in bins beside the border are those that a moved threshold would "
    how += "take or spare."
    desc = f"{title}. Scores from {short(one.edges[0])} to {short(one.edges[-1])}. {why}"
    links = ((f"kept records nearest to the border of {one.step}", f"why-border-of-{slug(one.step)}"),) if m.shown and one.border else ()
    mark = Steps(one.edges, sets, f"score of {one.step}", stacked=True)
    return Figure(f"score-{one.step}", title, desc, caption, how, mark, links)


def _why(one: Spread) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in one.reasons.most_common(3))

"""Section 5: is it diverse? Repetition, look-alikes, a map, and whether the drawn conditions were used evenly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tilth.evaluate.base import Value
from tilth.report.look.material import Material
from tilth.report.look.sample import Neighbourhood, Plane
from tilth.report.page.blocks import Block, Line, Missing, Plot
from tilth.report.page.figures import DIVERSITY, chosen, findings, named, not_measured, shown, unmeasured, values_sheet
from tilth.report.page.sections.losses import slug
from tilth.report.plot.dots import Dot, Dots
from tilth.report.plot.ecdf import Ecdf, curve
from tilth.report.plot.figure import Figure
from tilth.report.plot.heat import Heat
from tilth.report.plot.hexes import hexes
from tilth.report.plot.lines import Lines, Point, Series
from tilth.report.plot.numbers import short

ANCHOR, TITLE, QUESTION = "diversity", "Is it diverse", "How much repeats, what looks alike, where gaps are."
NEVER = "A shadow of many dimensions, never proof."


def blocks(m: Material) -> list[Block]:
    """Measured figures, then what this report computes on equal samples."""
    out: list[Block] = []
    values = chosen(m, named(DIVERSITY))
    if values:
        out += [values_sheet(m, values, "Diversity"), *findings(m, values)]
        out += [Plot(figure)] if (figure := _ratios(values)) is not None else []
    else:
        out.append(not_measured(m, "Diversity in figures", " --real FILE"))
    out += unmeasured(m, named(DIVERSITY))
    curve_values = [one for one in m.lexical if one.value is not None]
    if len(curve_values) > 1:
        out.append(Plot(_ngrams(m, curve_values)))
    if m.near is not None:
        out.append(Plot(_look_alikes(m, m.near)))
    if m.plane is not None:
        out.append(Plot(_map(m, m.plane)))
    if m.near is None and m.kept.n:
        out.append(Missing("Look-alikes and map", "fewer than three records have a text"))
    if not m.source:
        out.append(Missing("The same for real data", "no real rows to compare with", f"tilth report {m.command} --real FILE"))
    if not m.texts:
        return [*out, Line("How evenly the conditions were used is left out: their values are parts of prompts.")]
    heats = [figure for name, counts in sorted(m.kept.conditions.items()) if (figure := _coverage(m, name, counts)) is not None]
    out += [Plot(one) for one in heats[:4]]
    if not heats:
        out.append(Missing("Were the conditions used evenly", "the records hold no drawn conditions with several values"))
    return out


def _ratios(values: Sequence[Value]) -> Figure | None:
    """Each figure divided by that of real data: 1 is as in real data, the band is the real data's own interval."""
    usable = [one for one in values if one.reference and one.value is not None and one.metric != "near_duplicates"]
    if not usable:
        return None
    dots = [_ratio(one) for one in usable]
    edges = [edge for one in dots for pair in (one.around, one.reference_around) for edge in pair or ()]
    edges += [one.value for one in dots if one.value is not None]
    low, high = min(0.8, *edges), max(1.2, *edges)
    inside = [one.metric for one in usable if _inside(one)]
    title = f"{len(inside)} of {len(usable)} figures cannot be told from those of real data"
    title = title if inside else "Every figure differs from that of real data"
    told = "; ".join(f"{one.metric} {shown(one)}, real {short(one.reference)}" for one in usable)
    caption = "Each figure divided by the same figure of equally many real rows. Hatched: 95 % interval of the real data's own figure."
    how = "1 means as diverse as real data. Only distinct_n and vendi are more diverse to the right; self_bleu, compression and "
    how += "aps to the left."
    mark = Dots(tuple(dots), max(0.0, low * 0.95), high * 1.05, "figure by that of real data (1 = the same)")
    return Figure("diversity-ratios", title, f"{title}: {told}.", caption, how, mark)


def _inside(one: Value) -> bool:
    around, real = one.interval or (one.value, one.value), one.reference_interval or (one.reference, one.reference)
    return bool(around[0] <= real[1] and real[0] <= around[1])  # type: ignore[operator]


def _ratio(one: Value) -> Dot:
    by = one.reference or 1.0
    around = (one.interval[0] / by, one.interval[1] / by) if one.interval else None
    real = (one.reference_interval[0] / by, one.reference_interval[1] / by) if one.reference_interval else None
    return Dot(one.metric, (one.value or 0.0) / by, around, one.n, reference=1.0, reference_around=real, note=f"value {shown(one)}")


def _ngrams(m: Material, values: Sequence[Value]) -> Figure:
    ours = [Point(int(one.metric.rsplit("_", 1)[1]), one.value or 0.0, one.interval, one.n) for one in values]
    series = [Series("synthetic", "synthetic", tuple(ours))]
    theirs = [
        Point(int(one.metric.rsplit("_", 1)[1]), one.reference, one.reference_interval) for one in values if one.reference is not None
    ]
    tokens = values[0].detail.get("tokens", 0)
    title = "How much is repeated, word for word?"
    if theirs:
        series.append(Series(m.source, "real", tuple(theirs)))
        gap = next((one for one in values if one.metric == "distinct_3"), values[-1])
        title = _against_real(gap, "The set repeats more than real text", "The set repeats less than real text")
    told = "; ".join(f"n = {one.metric[-1]}: {shown(one)}, real {short(one.reference)}" for one in values)
    caption = f"Computed for this report: distinct n-grams by all n-grams, pooled over {tokens:,} words of each set (seed {m.facts.seed}, "
    caption += f"{values[0].n:,} rows); 95 % band by subsampling; words as {values[0].kernel}."
    how = "1 means that no sequence of n words comes twice. The share falls as a set grows, so sets are compared at equal numbers of words."
    names = ("n, words in a row", "distinct by all")
    mark = Lines(tuple(series), names, floor=0.0, roof=1.0, from_zero=True, every=True, x_name="words in a row")
    return Figure("ngrams", title, f"{title}. {told}.", caption, how, mark)


def _against_real(one: Value, less: str, more: str) -> str:
    """Which way a figure differs from that of real data, where the intervals say that it does."""
    if _inside(one):
        return "No difference to real text is shown in how much is repeated"
    return less if (one.value or 0) < (one.reference or 0) else more


def _look_alikes(m: Material, near: Neighbourhood) -> Figure:
    curves = [curve("synthetic to synthetic", "synthetic", near.synthetic)]
    ours = float(np.median(near.synthetic))
    title = f"Half of the records have another one with a cosine of at least {short(ours)}"
    told = f"median cosine to the nearest other synthetic row {short(ours)}"
    if near.real is not None and near.across is not None:
        curves += [curve(f"{m.source} to {m.source}", "real", near.real), curve(f"synthetic to {m.source}", "holdout", near.across)]
        theirs = float(np.median(near.real))
        same = "about as close together as"
        word = "closer together than" if ours > theirs + 0.02 else "farther apart than" if ours < theirs - 0.02 else same
        title = f"Synthetic rows lie {word} {m.source} ones: median cosine {short(ours)}, {m.source} {short(theirs)}"
        told += f"; {m.source} {short(theirs)}; synthetic to {m.source} {short(float(np.median(near.across)))}"
    assert m.vectors is not None
    n = f"n {len(near.synthetic):,} of {m.kept.texts:,} synthetic rows"
    n += f", {len(near.real):,} {m.source}" if near.real is not None else ""
    caption = f"{n}, drawn with seed {m.facts.seed}; in a larger sample neighbours are closer. Vectors: {m.vectors.kernel}."
    how = "A curve farther right has nearer neighbours. Copies show as a step at 1. Where synthetic rows lie closer to real ones "
    how += "than real ones "
    how += "to each other, ask whether they were copied."
    links = (("the most alike pairs", "why-most-alike"),) if m.shown else ()
    mark = Ecdf(tuple(curves), "cosine to the nearest other row")
    return Figure("neighbours", title, f"{title}. {told}.", caption, how, mark, links)


def _map(m: Material, found: Plane) -> Figure:
    first, second = (f"{100 * one:.0f} %" for one in found.told)
    mark = hexes(found.synthetic, found.real, (f"1st component, {first}", f"2nd, {second}"))
    held = [cell for cell in mark.cells if cell[2]]
    title, told = "Where are clumps and gaps?", f"{len(held)} hexagons hold {len(found.synthetic):,} synthetic rows"
    if found.real is not None:
        alone = sum(cell[3] for cell in mark.cells if not cell[2])
        share = alone / max(1, len(found.real))
        title = f"{100 * share:.0f} % of {m.source} rows lie where the map has no synthetic row"
        told += f"; {alone:,} of {len(found.real):,} {m.source} rows lie in hexagons without any"
    assert m.vectors is not None
    caption = f"{NEVER} PCA of both sets together, n {len(found.synthetic):,} synthetic"
    caption += f", {len(found.real):,} {m.source}" if found.real is not None else ""
    caption += f", seed {m.facts.seed}. The two axes hold {100 * sum(found.told):.0f} % of the variance. Vectors: {m.vectors.kernel}."
    how = "Strong hexagons are clumps. Rings without a hexagon below them are kinds of real text that the set lacks, as far as "
    how += "two axes can show."
    return Figure("map", title, f"{title}: {told}.", caption, how, mark)


def _coverage(m: Material, name: str, counts: Counter[tuple[str, str]]) -> Figure | None:
    labels = [label for label, _ in sorted(m.kept.labels.items(), key=lambda one: (-one[1], one[0]))][:12]
    values = Counter({value: 0 for value, _ in counts})
    for (value, _), n in counts.items():
        values[value] += n
    ranked = [value for value, _ in sorted(values.items(), key=lambda one: (-one[1], one[0]))][:24]
    if len(ranked) < 2:
        return None
    columns = labels or [""]
    cells = [[counts[(value, label)] for label in columns] for value in ranked]
    every = [n for line in cells for n in line]
    owned = len(columns) > 1 and all(sum(n > 0 for n in line) == 1 for line in cells)
    expected = sum(every) / (sum(n > 0 for n in every) if owned else len(every))
    shade = tuple(tuple(min(1.0, n / expected / 2) for n in line) for line in cells)
    title = f"{name}: {_evenness(every, owned)}"
    hidden = len(values) - len(ranked)
    caption = f"Kept records by drawn {name} and label; even use would be {expected:.1f} in each cell that is used. n {sum(every):,}."
    caption += " A value may be written for one label only." if 0 in every else ""
    caption += f" {hidden} rarer values are not drawn." if hidden else ""
    how = "Shade: count by the count of even use; the middle shade is even. Stripes are values that were drawn, or kept, too "
    how += "seldom or too often."
    plain = tuple(tuple(float(n) for n in line) for line in cells)
    mark = Heat(tuple(ranked), tuple(label or "records" for label in columns), plain, shade, (name, "label"))
    return Figure(f"coverage-{slug(name)}", title, f"{title}. {caption}", caption, how, mark)


def _evenness(every: Sequence[int], owned: bool) -> str:
    """What a heat map shows, in words."""
    used = [n for n in every if n]
    if owned:
        return f"each value belongs to one label, and was used {min(used)} to {max(used)} times"
    if len(used) < len(every):
        return f"{len(every) - len(used)} of {len(every)} combinations were never used"
    return f"every combination was used, {min(every)} to {max(every)} times"

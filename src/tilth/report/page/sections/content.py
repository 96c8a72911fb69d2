"""Section 2: what is in it? Key figures, labels, lengths, a few records by chance."""

from __future__ import annotations

from collections import Counter

from tilth.report.look.material import Material
from tilth.report.look.records import RANDOM
from tilth.report.look.sweep import OTHERS, Swept
from tilth.report.page.blocks import Block, Missing, Pairs, Plot, Quotes
from tilth.report.page.figures import CONTENT, chosen, findings, named, unmeasured, values_sheet
from tilth.report.plot.bars import Bar, Bars, Part
from tilth.report.plot.figure import Figure
from tilth.report.plot.numbers import percent, short
from tilth.report.plot.steps import Counted, Steps, whole_bins
from tilth.score.texts import text_of

ANCHOR, TITLE, QUESTION = "content", "What is in it", "Records, labels, lengths, and a few records drawn by chance."
LABELS = 20


def blocks(m: Material) -> list[Block]:
    """Figures first, then records."""
    if not m.kept.n:
        return [Missing("What is in it", "no record is kept yet")]
    out: list[Block] = [_pairs(m)]
    out.append(Plot(_labels(m)) if m.kept.labels else Missing("Labels", f"the records have no column '{m.label}'"))
    if m.kept.words:
        out.append(Plot(_lengths(m)))
    if not m.source:
        command = f"tilth report {m.command} --real FILE"
        out.append(Missing("The same for real data", "no real rows were given, or their file is gone", command))
    values = chosen(m, named(CONTENT))
    if values:
        out += [values_sheet(m, values, "Rows that should not be there"), *findings(m, values)]
    out += unmeasured(m, named(CONTENT))
    drawn = [one for one in m.shown if RANDOM in one.why][:5]
    if drawn:
        rows = tuple((one.id, str(one.record.get(m.label) or ""), text_of(one.record)) for one in drawn)
        out.append(Quotes(f"{len(rows)} records drawn by chance (seed {m.facts.seed}): judge the data by such, not by chosen ones", rows))
    return out


def _pairs(m: Material) -> Pairs:
    kept, real = m.kept, m.sets.get(m.source)
    rows = [("records", f"{kept.n:,}", f"{m.source} {real.n:,}" if real else "")]
    if m.against is not None:
        rows.append((f"records in {m.against.name}", f"{m.against.kept:,}", ""))
    if kept.words:
        beside = f"{m.source} {_median(real.words)}" if real and real.words else ""
        rows.append(("words in a text, median", str(_median(kept.words)), beside))
        rows.append(("characters in all", f"{kept.characters:,}", ""))
    if kept.labels:
        rows.append(("labels", f"{len(kept.labels):,}", f"{m.source} {len(real.labels):,}" if real and real.labels else ""))
    for name, n in (("without a text", kept.blank), ("without a label", kept.unlabelled if kept.labels else 0)):
        rows += [(name, f"{n:,}", "")] if n else []
    rows.append(("columns", ", ".join(m.facts.columns) or "unknown", ""))
    return Pairs(tuple(rows))


def _median(counts: Counter[int]) -> int:
    half, seen = sum(counts.values()) / 2, 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= half:
            return value
    return 0


def _labels(m: Material) -> Figure:
    kept, real = m.kept, m.sets.get(m.source)
    real = real if real is not None and real.labels else None
    ranked = [label for label, _ in sorted(kept.labels.items(), key=lambda one: (-one[1], one[0])) if label != OTHERS]
    only_real = [label for label in sorted(real.labels) if label not in kept.labels] if real else []
    top = [*ranked, *only_real][:LABELS]
    bars = tuple(_label_bar(label, kept, real, m.source) for label in top)
    more = len(ranked) + len(only_real) - len(top)
    biggest, smallest = kept.labels[ranked[0]], kept.labels[ranked[-1]]
    if len(ranked) == 1:
        title = f"All records have the label {ranked[0]}"
    elif biggest <= 1.1 * smallest:
        title = f"The {len(ranked)} labels are balanced"
    else:
        title = f"The most frequent label is {biggest / smallest:.1f} times as frequent as the rarest"
    told = "; ".join(f"{label} {percent(kept.labels[label], kept.n)}" for label in top[:8])
    columns = ("label", "synthetic, share", f"{m.source}, share", "synthetic", m.source) if real else ("label", "share", "records")
    n = f"n: {kept.n:,} synthetic" + (f", {real.n:,} {m.source}" if real else "")
    n += f". {more:,} rarer labels are not drawn" if more else ""
    how = "Lengths are shares of all records of a set. Synthetic labels are often balanced on purpose, real ones rarely are: a model "
    how += "trained on balanced labels expects them so."
    return Figure("labels", title, f"{title}: {told}.", f"{n}.", how, Bars(bars, columns))


def _label_bar(label: str, kept: Swept, real: Swept | None, source: str) -> Bar:
    n = kept.labels[label]
    ours = Part(n / max(1, kept.n), f"{n:,} · {percent(n, kept.n)}", "synthetic", "synthetic" if real else "")
    if real is None:
        return Bar(label, (ours,), more=(n,))
    m = real.labels[label]
    return Bar(label, (ours, Part(m / max(1, real.n), f"{m:,} · {percent(m, real.n)}", "real", source)), more=(n, m))


def _lengths(m: Material) -> Figure:
    real = m.sets.get(m.source)
    real = real if real is not None and real.words else None
    edges, counts, open_end = whole_bins([m.kept.words, *([real.words] if real else [])])
    sets = [Counted("synthetic", "synthetic", counts[0], filled=True)]
    ours = _median(m.kept.words)
    title, told = f"Half of the texts have at most {ours:,} words", f"median {ours:,} words"
    if real is not None:
        sets.append(Counted(m.source, "real", counts[1]))
        theirs = _median(real.words)
        ratio = ours / max(1, theirs)
        word = "as long as" if 0.8 <= ratio <= 1.25 else "shorter than" if ratio < 1 else "longer than"
        title = f"Texts are {word} {m.source} ones: a median of {ours:,} words, {m.source} {theirs:,}"
        told = f"median {ours:,} words, {m.source} {theirs:,}"
    caption = f"n: {m.kept.texts:,} synthetic" + (f", {real.texts:,} {m.source}" if real else "") + " texts; words as "
    caption += "tilth.text.ngrams.words 1."
    if open_end:
        caption += " The last bin holds all longer texts."
    how = "Height is the share of a set's texts in a bin. A synthetic set with one narrow peak has texts of one length."
    desc = f"Histogram of words in a text: {told}, {short(edges[0])} to {short(edges[-1])}{' and more' if open_end else ''}."
    return Figure("lengths", title, desc, caption, how, Steps(edges, tuple(sets), "words in a text", open_end))

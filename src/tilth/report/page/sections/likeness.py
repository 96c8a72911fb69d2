"""Section 6: is it like real data? A classifier that tries to tell, and the words that give a source away."""

from __future__ import annotations

from collections.abc import Sequence

from tilth.evaluate.base import Value
from tilth.records.figures import figure
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Line, Missing, Plot
from tilth.report.page.figures import LIKENESS, chosen, findings, named, not_measured, shown, unmeasured, values_sheet
from tilth.report.plot.bars import Bar, Bars, Part
from tilth.report.plot.dots import Dot, Dots
from tilth.report.plot.figure import Figure
from tilth.report.plot.numbers import percent, short
from tilth.text.ngrams import words

ANCHOR, TITLE, QUESTION = "likeness", "Is it like real data", "Can a model tell the two apart, and by what?"
TELLING = 8


def blocks(m: Material) -> list[Block]:
    """The discriminator, then the telling words of equal samples."""
    out: list[Block] = []
    values = chosen(m, named(LIKENESS))
    if values:
        out += [values_sheet(m, values, "Likeness"), *findings(m, values)]
        out += [Plot(_told(one)) for one in values if one.metric == "c2st"]
    else:
        out.append(not_measured(m, "Can a model tell it from real data?", " --real FILE"))
    out += unmeasured(m, named(LIKENESS))
    if m.sample is None or m.real is None:
        out.append(Missing("Which words give it away", "no real rows to compare with", f"tilth report {m.command} --real FILE"))
    elif not m.texts:
        out.append(Line("The words that give the source away are left out: this report shows no text."))
    else:
        found = _telling(m.sample.texts, m.real.texts)
        out.append(Plot(_words(m, found)) if found else Missing("Which words give it away", "no word is more typical of either set"))
    if m.facts.task.get("kind") == "tabular":
        out.append(Missing("Columns and their relations beside real data", "this version of tilth has no measure of it"))
    return out


def _told(value: Value) -> Figure:
    low, high = value.detail.get("permuted") or (0.5, 0.5)
    dot = Dot("AUC of the classifier", value.value, value.interval, value.n, reference=0.5, reference_around=(low, high))
    auc = value.value or 0.5
    can = f"can tell it from real data (AUC {figure(auc)})"
    title = f"A classifier {'cannot tell it from real data' if low <= auc <= high else can}"
    p = value.detail.get("p")
    caption = f"{value.kernel}; n {value.n:,} rows of both sets; 95 % bootstrap interval; hatched: AUC under permuted sources"
    caption += f" (p = {short(p)})." if isinstance(p, (int, float)) else "."
    how = "0.5: no better than guessing; 1: every row is recognised. Recognisable is not useless: utility says what the rows are worth."
    mark = Dots((dot,), 0.0, 1.0, "AUC (0.5 = cannot be told)")
    return Figure("c2st", title, f"{title}: AUC {shown(value)}, 0.5 is chance.", caption, how, mark)


def _telling(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, int, int]]:
    """(word, synthetic texts with it, real texts with it), the words most typical of either set."""
    from tilth.evaluate.metrics.twosample import giveaways

    synthetic, real = giveaways(ours, theirs, TELLING)
    one, other = ([set(words(text)) for text in texts] for texts in (ours, theirs))
    return [(word, sum(word in text for text in one), sum(word in text for text in other)) for word in (*synthetic, *real)]


def _words(m: Material, found: list[tuple[str, int, int]]) -> Figure:
    assert m.sample is not None and m.real is not None
    n, of = len(m.sample.rows), len(m.real.rows)
    bars = []
    for word, ours, theirs in found:
        first = Part(ours / n, percent(ours, n), "synthetic", "synthetic")
        bars.append(Bar(word, (first, Part(theirs / of, percent(theirs, of), "real", m.source)), more=(ours, theirs)))
    title = f"Most telling words: {', '.join(word for word, _, _ in found[:3])}"
    shares = ((word, percent(ours, n), percent(theirs, of)) for word, ours, theirs in found[:6])
    told = "; ".join(f"{word} in {one} of synthetic and {other} of {m.source} texts" for word, one, other in shares)
    caption = f"Computed for this report: shares of texts that hold the word. n {n:,} synthetic, {of:,} {m.source}, seed {m.facts.seed}. "
    caption += "Ranked by log-odds with an informative prior (Monroe, Colaresi & Quinn 2008)."
    how = "Words far more frequent in one set say what to change: a prompt's own words, a habit of the model, a topic that is missing."
    columns = ("word", "synthetic, share", f"{m.source}, share", "synthetic texts", f"{m.source} texts")
    return Figure("telling", title, f"{title}. {told}.", caption, how, Bars(tuple(bars), columns))

"""Section 3: where did records go, and what did a kept one cost?"""

from __future__ import annotations

from tilth.report.facts import Facts
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Missing, Plot, sheet
from tilth.report.plot.bars import Bar, Bars, Part
from tilth.report.plot.dots import Dot, Dots
from tilth.report.plot.figure import Cell, Figure
from tilth.report.plot.numbers import dollars, percent

ANCHOR, TITLE, QUESTION = "losses", "Where records went", "From what was tried to what is kept, each loss with its reason."
ROWS = 30


def blocks(m: Material) -> list[Block]:
    """Funnel, what stays with a mark, cost of a kept record."""
    facts = m.facts
    if not facts.tried:
        return [Missing("Where records went", "nothing was tried yet", f"tilth status {m.command}")]
    out: list[Block] = [Plot(_funnel(m))]
    marks = [one for one in facts.losses if one.action != "drop"]
    if marks:
        rows: list[tuple[Cell, ...]] = [(one.step, one.reason, one.action, one.n) for one in marks]
        out.append(sheet("Kept with a mark", ["step", "reason", "mark", "records"], rows))
    if m.against is not None:
        out.append(_beside(facts, m.against))
    if facts.usage.calls and facts.kept:
        out.append(Plot(_cost(m)))
    else:
        out.append(Missing("Cost of a kept record", "no model was called" if not facts.usage.calls else "no record is kept"))
    return out


def _funnel(m: Material) -> Figure:
    facts = m.facts
    dropped = [one for one in facts.losses if one.action == "drop"]
    generation, curation = ([one for one in dropped if one.stage == stage] for stage in ("generate", "curate"))
    first = "read" if facts.given else "tried"
    bars = [Bar(first, (Part(facts.tried, f"{facts.tried:,}", "plain"),), strong=True, more=("",))]
    bars += [_loss(one.reason, one.step, one.n) for one in generation[:ROWS]]
    if curation:
        if generation:
            bars.append(Bar("generated", (Part(facts.generated, f"{facts.generated:,}", "plain"),), strong=True, more=("",)))
        bars += [_loss(one.reason, one.step, one.n) for one in curation[:ROWS]]
    share = percent(facts.kept, facts.tried)
    bars.append(Bar("kept", (Part(facts.kept, f"{facts.kept:,} ({share} of {first})", "kept"),), strong=True, more=("",)))
    lost = facts.tried - facts.kept
    title = f"{facts.kept:,} of {facts.tried:,} records are kept"
    if lost and dropped:
        worst = max(dropped, key=lambda one: one.n)
        title += f"; the largest loss is {_words(worst.reason)} ({worst.n:,})"
    told = "; ".join(f"{_words(one.reason)} {one.n:,}" for one in dropped) or "nothing was lost"
    hidden = max(0, len(generation) - ROWS) + max(0, len(curation) - ROWS)
    caption = f"Counted in the run's files. {lost:,} lost in all" + (f"; {hidden} rarer reasons are not drawn" if hidden else "") + "."
    links = tuple((f"examples: {_words(name)}", f"reason-{slug(name)}") for name in _reasons(m))
    how = "Losses stand in the order in which they happened, on one scale. A bar is at least 3 pixels wide, so small losses are seen."
    return Figure("funnel", title, f"{title}. {told}.", caption, how, Bars(tuple(bars), ("step", "records", "where")), links)


def _loss(reason: str, step: str, n: int) -> Bar:
    where = step or "generation"
    return Bar(f"− {_words(reason)}", (Part(n, f"{n:,}", "rejected"),), more=(where,))


def _words(reason: str) -> str:
    return reason.replace("_", " ") or "unknown"


def slug(text: str) -> str:
    """A word that can be part of an anchor.

    >>> slug("Leaked from: holdout")
    'leaked-from-holdout'
    """
    import re

    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def _reasons(m: Material) -> list[str]:
    """Reasons of which the browser shows examples."""
    found = {why.removeprefix("rejected: ") for one in m.shown for why in one.why if why.startswith("rejected: ")}
    return sorted(found)


def _beside(facts: Facts, other: Facts) -> Block:
    names = {"tried": "tried", "generated": "generated", "kept": "kept", "rejected": "rejected", "to_review": "waiting for people"}
    rows = [[words, getattr(facts, name), getattr(other, name)] for name, words in names.items()]
    rows.append(["kept, share of tried", percent(facts.kept, facts.tried), percent(other.kept, other.tried)])
    return sheet(f"Beside {other.name}", ["records", facts.name, f"in {other.name}"], rows)


def _cost(m: Material) -> Figure:
    facts = m.facts
    paid = facts.usage.usd if facts.usage.usd else None
    amount, unit = (paid, "US dollars") if paid else (float(facts.usage.tokens_in + facts.usage.tokens_out), "tokens")
    names = (("tried", facts.tried), ("generated", facts.generated), ("kept", facts.kept))
    rows = [(f"a {name} record", amount / n, n) for name, n in names if n]
    dots = tuple(Dot(name, value, n=n, shown=_amount(value, unit)) for name, value, n in rows)
    kept = _amount(rows[-1][1], unit)
    title = f"A kept record cost {kept}"
    price = "" if paid else " Prices: free or not known, so tokens are counted." if facts.usage.usd == 0 else " A price is not known."
    caption = f"All {facts.usage.calls:,} paid calls, rejected and repeated ones too, divided by the records.{price}"
    how = "Rejected records are paid for as well: what counts is the cost of one that is kept."
    return Figure("unit-cost", title, f"{title}; a tried one {_amount(rows[0][1], unit)}.", caption, how, Dots(dots, 0.0, _top(rows), unit))


def _top(rows: list[tuple[str, float, int]]) -> float:
    return max(value for _, value, _ in rows) * 1.1 or 1.0


def _amount(value: float, unit: str) -> str:
    return dollars(value) if unit == "US dollars" else f"{value:,.0f} tokens"

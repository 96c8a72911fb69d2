"""Section 11: how it was made. Models, cost, time, inputs, flow, prompts, versions, and how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.report.look.costs import OUTCOMES, Costs, Spent
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Folded, Line, Missing, Pairs, Plot, sheet
from tilth.report.plot.bars import Bar, Bars, Part
from tilth.report.plot.figure import Figure
from tilth.report.plot.numbers import dollars, percent, short

ANCHOR, TITLE, QUESTION = "making", "How it was made", "Enough to repeat it, and to know what it cost."
KINDS = {"kept": "kept", "rejected": "rejected", "retried": "review", "shared": "plain"}
WORDS = {"kept": "kept records", "rejected": "rejected records", "retried": "asked again", "shared": "for no single record"}
LONGEST = 20_000


def blocks(m: Material) -> list[Block]:
    """Facts, then cost and time, then sources, then the flow."""
    facts = m.facts
    out: list[Block] = [Line(_origin(m)), Pairs(tuple(_facts(m)))]
    if facts.usage.by_role:
        columns = ["role", "model", "calls", "tokens in", "tokens out", "cost"]
        out.append(sheet("Models and calls", columns, [_role(*one) for one in facts.usage.by_role.items()]))
    if m.costs is not None:
        out.append(Plot(_costs(m, m.costs)))
        out.append(Plot(_time(m.costs)))
    else:
        out.append(Missing("Cost and time by role and outcome", "the journal is not here, or holds no paid call"))
    if facts.inputs:
        columns = ["input", "file", "rows", "sha256", "licence"]
        out.append(sheet("Inputs", columns, [_input(name, one) for name, one in sorted(facts.inputs.items())]))
    else:
        out.append(Missing("Inputs", "the run names none"))
    if m.texts:
        flow = facts.folder.flow
        text = flow.read_text("utf-8", "replace")[:LONGEST] if flow.exists() else ""
        out.append(Folded("The flow that was run", text) if text else Missing("The flow", "made without a flow file"))
        out += _prompts(m)
    out.append(_repeat(m))
    return out


def _origin(m: Material) -> str:
    facts = m.facts
    who = ", ".join(facts.models.get("generator", ())) or "no model"
    if facts.given:
        return "The rows were not generated here: they were taken over from a file."
    return f"Written by a model: {who}, with {', '.join(facts.methods) or 'an unknown method'}. Model-written text is not human text."


def _facts(m: Material) -> list[tuple[str, str, str]]:
    facts = m.facts
    rows = [("run", facts.name, ""), ("status", facts.status, ""), ("method", ", ".join(facts.methods) or "unknown", "")]
    rows += [(f"model of {role}", ", ".join(many), "") for role, many in sorted(facts.models.items())]
    rows += [("seed", str(facts.seed), ""), ("started", facts.started or "unknown", ""), ("ended", facts.ended or "not yet", "")]
    rows.append(("the last start took", f"{facts.seconds:,.0f} seconds", ""))
    usage = facts.usage
    rows.append(("calls", f"{usage.calls:,}", f"{usage.tokens_in:,} tokens in, {usage.tokens_out:,} out"))
    cost = "unknown: a model has no price" if usage.usd is None else dollars(usage.usd) if usage.calls else "no model was called"
    rows.append(("cost", cost, ""))
    if m.against is not None:
        other = m.against.usage
        rows.append((f"cost of {m.against.name}", dollars(other.usd), f"{other.calls:,} calls"))
    rows += [(name, str(version), "") for name, version in sorted(facts.versions.items())]
    return rows


def _role(role: str, one: Mapping[str, Any]) -> list[Any]:
    usd = one.get("usd")
    cost = dollars(usd)
    return [role, str(one.get("model", "")), one.get("calls"), one.get("tokens_in"), one.get("tokens_out"), cost]


def _input(name: str, one: Mapping[str, Any]) -> list[Any]:
    file, sha256, licence = (str(one.get(key) or "unknown") for key in ("file", "sha256", "licence"))
    return [name, file, "unknown" if one.get("rows") is None else one["rows"], sha256[:16], licence]


def _costs(m: Material, found: Costs) -> Figure:
    paid = found.priced and found.usd > 0
    unit = "US dollars" if paid else "tokens"

    def amount(one: Spent) -> float:
        return one.usd if paid else float(one.tokens)

    bars, whole = _stacks(found, amount, lambda value: dollars(value) if paid else f"{value:,.0f}")
    kept = sum(amount(many["kept"]) for many in found.by_role.values() if "kept" in many)
    title = f"{percent(kept, whole)} of what was spent went into records that are kept"
    why = "Nothing had a price" if found.priced else "Not every price is known"
    note = "" if paid else f" {why}, so tokens are counted."
    caption = f"Of all paid calls of all starts, in {unit}, from the journal.{note}"
    how = "What rejected records and repeated calls cost is paid all the same; a judge that reads each row is no single record's "
    how += "cost where it reads many."
    names = ("role", *(f"{WORDS[one]}, {unit}" for one in OUTCOMES))
    told = "; ".join(f"{bar.label}: {', '.join(f'{part.name} {short(part.value)}' for part in bar.parts if part.value)}" for bar in bars)
    return Figure("costs", title, f"{title}. {told}.", caption, how, Bars(tuple(bars), names, stacked=True))


def _time(found: Costs) -> Figure:
    bars, whole = _stacks(found, lambda one: round(one.seconds, 1), lambda value: f"{value:,.0f} s")
    title = f"Models were at work for {whole:,.0f} seconds, many calls at once"
    caption = "Sum of the seconds that each call took. Calls overlap, so the run itself was shorter."
    how = "The longest bar is the role that holds the run up most; more calls at once, or a quicker model, shortens it."
    told = "; ".join(f"{bar.label} {sum(part.value for part in bar.parts):,.0f} s" for bar in bars)
    names = ("role", *(f"{WORDS[one]}, seconds" for one in OUTCOMES))
    return Figure("time", title, f"{title}: {told}.", caption, how, Bars(tuple(bars), names, stacked=True))


def _stacks(found: Costs, amount: Any, words: Any) -> tuple[list[Bar], float]:
    """One bar a role, with its parts by outcome; the sum of all."""
    bars, total = [], 0.0
    for role, many in sorted(found.by_role.items()):
        values = [float(amount(many[name])) if name in many else 0.0 for name in OUTCOMES]
        total += sum(values)
        last = max((at for at, value in enumerate(values) if value), default=0)
        parts = [
            Part(value, words(sum(values)) if at == last else "", KINDS[name], WORDS[name] if value else "")
            for at, (name, value) in enumerate(zip(OUTCOMES, values, strict=True))
        ]
        bars.append(Bar(role, tuple(parts)))
    return bars, total


def _prompts(m: Material) -> list[Block]:
    """The first prompt of each role, as it was sent."""
    first: dict[str, str] = {}
    for one in m.shown:
        for call in one.calls:
            first.setdefault(str(call.get("role")), sent(call))
    return [Folded(f"A prompt of the {role}, as it was sent", text[:LONGEST]) for role, text in sorted(first.items())]


def sent(call: Mapping[str, Any]) -> str:
    """What a call sent, as text."""
    request = call.get("request") or {}
    messages = request.get("messages")
    if not messages:
        return str(request.get("prompt") or "")
    parts = [f"{one.get('role')}: {one.get('content')}" for one in messages if isinstance(one, Mapping)]
    if request.get("prefill"):
        parts.append(f"prefill: {request['prefill']}")
    return "\n\n".join(parts)


def _repeat(m: Material) -> Block:
    facts = m.facts
    if facts.given:
        lines = f"tilth curate {facts.name}\ntilth evaluate {facts.name}"
    else:
        lines = "tilth run flow.yaml          the file above, in the run's folder; replies come from the journal, free"
    return Folded("How to repeat it", f"{lines}\ntilth report {facts.name}")

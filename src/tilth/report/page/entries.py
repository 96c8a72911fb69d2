"""Records as the browser lists them: plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.records.figures import scored
from tilth.records.ids import json_text
from tilth.report.look.material import Material
from tilth.report.look.records import RANDOM, Shown
from tilth.report.look.sweep import conditions_of, label_of
from tilth.report.page.sections.losses import slug
from tilth.report.page.sections.making import sent
from tilth.score.texts import text_of

CALLS = 3
"""Calls shown of a record; a row with a hundred would be a report of its own."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that made a record."""

    title: str
    prompt: str
    reply: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the list. anchors: ids that links of plots point at."""

    id: str
    anchor: str
    anchors: tuple[str, ...]
    state: str
    verdict: str
    label: str
    text: str
    size: int
    why: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    made: str
    lineage: tuple[tuple[str, str], ...]
    path: tuple[tuple[str, str], ...]
    calls: tuple[Call, ...]
    trace: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The browser: what it says of itself, values of its filters, and its two lists."""

    about: str
    shown: str
    labels: tuple[str, ...]
    whys: tuple[str, ...]
    lists: tuple[tuple[str, tuple[Entry, ...]], ...]


def listing(m: Material) -> Listing:
    """Those drawn by chance first, those chosen for a reason apart from them."""
    taken: set[str] = set()
    by_chance = tuple(_entry(m, one, at, taken) for at, one in enumerate(m.shown) if RANDOM in one.why)
    chosen = tuple(_entry(m, one, len(m.shown) + at, taken) for at, one in enumerate(m.shown) if RANDOM not in one.why)
    every = (*by_chance, *chosen)
    about = f"{len(every)} of {m.facts.tried:,} records. {len(by_chance)} are kept ones drawn by chance (seed {m.facts.seed}): "
    about += "judge the data by these. "
    about += "The others are chosen for the reason that stands beside them, and say nothing about how frequent it is."
    lists = [("Drawn by chance", by_chance), ("Chosen for a reason", chosen)]
    return Listing(
        about,
        f"{len(every)} of {len(every)} records shown",
        tuple(sorted({one.label for one in every if one.label})),
        tuple(dict.fromkeys(why for one in every for why in one.why)),
        tuple((title, rows) for title, rows in lists if rows),
    )


def _entry(m: Material, one: Shown, at: int, taken: set[str]) -> Entry:
    record, meta = one.record, one.record.meta
    text = text_of(record)
    return Entry(
        one.id,
        f"record-{at}",
        tuple(_anchors(one.why, taken)),
        one.state,
        _verdict(one),
        label_of(record, m.label) or "",
        text or str(meta.get("raw") or "(no text)"),
        len(text),
        tuple(one.why),
        tuple((name, _plain(value)) for name, value in record.items() if value is not None),
        _made(meta),
        tuple(_lineage(meta, one)),
        tuple(one.path),
        tuple(_call(call) for call in one.calls[:CALLS]),
        f"tilth trace {m.command} {one.id[:8]}" + (f"    ({len(one.calls) - CALLS} more calls)" if len(one.calls) > CALLS else ""),
    )


def _made(meta: Mapping[str, Any]) -> str:
    method, *rest = (str(meta.get(name) or "unknown") for name in ("method", "stage", "place", "origin"))
    return "{}, stage {}, place {}, origin {}".format(method, *rest)


def _anchors(whys: Sequence[str], taken: set[str]) -> list[str]:
    """Anchors that no earlier record has: links of plots lead to the first one of a kind."""
    out = []
    for why in whys:
        kind = why.partition(", ")[0]  # pairs of look-alikes are numbered
        name = f"reason-{slug(why.removeprefix('rejected: '))}" if why.startswith("rejected: ") else f"why-{slug(kind)}"
        if name not in taken:
            taken.add(name)
            out.append(name)
    return out


def _verdict(one: Shown) -> str:
    if one.state == "kept":
        return "kept"
    meta = one.record.meta
    score = meta.get("score")
    amount = f" {score:.2f}" if isinstance(score, float) else ""
    near = f" of {str(meta['neighbour'])[:8]}" if meta.get("neighbour") else ""
    return f"✗ {meta.get('reason') or 'rejected'}{amount}{near}"


def _lineage(meta: Mapping[str, Any], one: Shown) -> list[tuple[str, str]]:
    rows = []
    conditions = conditions_of(one.record)
    if conditions:
        rows.append(("conditions", "   ".join(f"{name}={value}" for name, value in conditions.items())))
    for name, key in (("parents", "parents"), ("seeds", "seed_ids")):
        if meta.get(key):
            rows.append((name, ", ".join(str(id_)[:12] for id_ in meta[key])))
    scores = meta.get("scores")
    if isinstance(scores, Mapping) and scores:
        rows.append(("scores", " · ".join(f"{name} {scored(value)}" for name, value in scores.items())))
    rows += [(name, str(meta[name])) for name in ("detail", "licence") if meta.get(name)]
    if meta.get("raw") and one.state == "rejected":
        rows.append(("raw reply", str(meta["raw"])))
    return rows


def _call(call: Mapping[str, Any]) -> Call:
    reply = call.get("reply") or {}
    request = call.get("request") or {}
    temperature = request.get("temperature")
    cost = call.get("usd")
    parts = [f"call {str(call.get('key'))[:8]}", f"{call.get('role')}: {call.get('model')}"]
    parts += [f"T={temperature}"] if temperature is not None else []
    parts += [f"{call.get('tokens_in') or 0:,} in, {call.get('tokens_out') or 0:,} out", "no price" if cost is None else f"${cost:.3g}"]
    text = reply.get("text") if isinstance(reply, Mapping) else reply
    return Call(" · ".join(parts), sent(call), _plain(reply if text is None else text))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json_text(value)

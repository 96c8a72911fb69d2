"""What a whole run would take, from the first K units of it (`tilth run --dry-run K`).

The cost of a unit is what the journal holds at its place, tries that were rejected included; what all units share (such
as attributes that are asked for once) is counted once. Intervals are a bootstrap over the units: 90 %, 1,000 resamples.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tilth.cli import again, launching, summary
from tilth.cli.numbers import count, money, plural, tokens
from tilth.cli.options import Answer, Session
from tilth.records.folder import RunFolder

RESAMPLES = 1000
NAMES = ("calls", "tokens_in", "tokens_out", "usd")


@dataclass(frozen=True)
class Unit:
    """One record that was tried. usd: None when some call has no known price. seconds: summed over its calls."""

    kept: bool
    calls: float
    tokens_in: float
    tokens_out: float
    usd: float | None
    seconds: float = 0.0


@dataclass(frozen=True)
class Span:
    """An expected value with its 90 % interval; None when unknown."""

    expected: float | None
    low: float | None
    high: float | None


def project(units: Sequence[Unit], shared: Unit, rows: int, seed: int = 0) -> dict[str, Span]:
    """Calls, tokens and dollars for `rows` kept records. `shared` is paid once, whatever the rows.

    With no kept unit nothing can be said: all spans are unknown.
    """
    rng = random.Random(f"{seed}/estimate")
    draws = [[units[rng.randrange(len(units))] for _ in units] for _ in range(RESAMPLES)] if units else []
    return {name: _span(name, units, shared, rows, draws) for name in NAMES}


def _span(name: str, units: Sequence[Unit], shared: Unit, rows: int, draws: Sequence[Sequence[Unit]]) -> Span:
    expected = _whole(name, units, shared, rows)
    if expected is None:
        return Span(None, None, None)
    found = sorted(value for draw in draws if (value := _whole(name, draw, shared, rows)) is not None)
    return Span(expected, found[int(0.05 * len(found))], found[min(len(found) - 1, int(0.95 * len(found)))])


def _whole(name: str, units: Sequence[Unit], shared: Unit, rows: int) -> float | None:
    kept = sum(unit.kept for unit in units)
    amounts = [getattr(unit, name) for unit in (*units, shared)]
    if not kept or any(amount is None for amount in amounts):
        return None
    return float(amounts[-1] + sum(amounts[:-1]) * rows / kept)


def dry_run(session: Session, asked: launching.Asked, k: int) -> Answer:
    """Run K units, then print what all rows would take; the replies stay in the journal for the real run.

    A run that has at least K rows already is not touched: its rows are measured.
    """
    ready = launching.prepared(session, asked)
    rows = ready.method.rows or k
    folder, journal = ready.folder, ready.settings.journal or ready.folder.journal
    done = int((folder.read_state().get("totals") or {}).get("kept") or 0)
    if done < min(k, rows):
        outcome = launching.launch(session, asked, rows=min(k, rows))
        if outcome.status != "done" or not outcome.kept:
            return summary.finish(session, outcome, asked.argv, None, asked.budget)
    else:
        session.printer.say(f"{folder.path} has {plural(done, 'row')} already; they are measured")
    units, shared = measured(folder, Path(journal))
    spans = project(units, shared, rows)
    _show(session, units, spans, rows)
    session.printer.advise(again.command(_wet(asked.argv)), "the whole; these replies are used, not paid again")
    kept = sum(unit.kept for unit in units)
    facts = {
        "ran": {"kept": kept, "rejected": len(units) - kept},
        "rows": rows,
        "estimate": {name: vars(span) for name, span in spans.items()},
    }
    return Answer({"run": folder.name, "path": str(folder.path), **facts})


def _wet(argv: Sequence[str]) -> list[str]:
    """The command without --dry-run and its number, if it has one."""
    found = [word for word in argv if not word.startswith("--dry-run=")]
    if "--dry-run" in found:
        at = found.index("--dry-run")
        del found[at : at + (2 if found[at + 1 : at + 2] and found[at + 1].isdigit() else 1)]
    return found


def measured(folder: RunFolder, journal: Path) -> tuple[list[Unit], Unit]:
    """The units of a run, and what they share, from its rows and its journal."""
    from tilth.cli import lookup

    places: dict[str, bool] = {}
    for reason in (None, "any"):
        for record, state in lookup.some(folder, 10_000, reason):
            place = str(record.meta.get("place") or "")
            places[place] = places.get(place, False) or state == "kept"
    return divide(places, _calls(journal))


def divide(places: Mapping[str, bool], calls: Sequence[Call]) -> tuple[list[Unit], Unit]:
    """Calls by the record's place (to whether one was kept there) that they were made for; the others are shared.

    Calls of the same map that belong to no place (those of an earlier, longer run) count as neither.
    """
    maps = {_map(place) for place in places}
    own: dict[str, list[Call]] = {place: [] for place in places}
    shared = []
    for call in calls:
        parts = call.place.split("/")
        place = next((path for n in range(len(parts), 0, -1) if (path := "/".join(parts[:n])) in own), None)
        if place is not None:
            own[place].append(call)
        elif _map(call.place) not in maps:
            shared.append(call)
    return [_unit(kept, own[place]) for place, kept in places.items()], _unit(False, shared)


def _map(place: str) -> str:
    """The outermost map of a place: `write` of `write:12/check:1`."""
    return place.split("/")[0].split(":")[0]


@dataclass(frozen=True)
class Call:
    """The numbers of one call in the journal."""

    place: str
    tokens_in: int
    tokens_out: int
    usd: float | None
    seconds: float


def _calls(journal: Path) -> list[Call]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
        query = "SELECT place, tokens_in, tokens_out, usd, seconds FROM calls WHERE kind != 'do' ORDER BY id"
        return [Call(*row) for row in connection.execute(query)]


def _unit(kept: bool, calls: Sequence[Call]) -> Unit:
    usd = None if any(call.usd is None for call in calls) else sum(call.usd or 0.0 for call in calls)
    tokens_in, tokens_out = sum(call.tokens_in for call in calls), sum(call.tokens_out for call in calls)
    return Unit(kept, len(calls), tokens_in, tokens_out, usd, sum(call.seconds for call in calls))


def _show(session: Session, units: Sequence[Unit], spans: Mapping[str, Span], rows: int) -> None:
    printer, kept = session.printer, sum(unit.kept for unit in units)
    printer.say(f"{plural(len(units), 'unit')} for {rows:,} rows: {kept} kept, {len(units) - kept} rejected")
    shown = []
    for label, name, write in _LINES:
        span = spans[name]
        shown.append([label, write(span.expected), "" if span.low is None else f"{write(span.low)} … {write(span.high)}"])
    shown.append(["tried", count(rows * len(units) / kept if kept else None), ""])
    printer.table([f"for {rows:,} rows", "expected", "90 % interval"], shown, right=frozenset({1}))
    printer.say(("steps that look at the whole dataset cannot be foreseen from a few units", "dim"))


_LINES = (("calls", "calls", count), ("tokens in", "tokens_in", tokens), ("tokens out", "tokens_out", tokens), ("cost", "usd", money))

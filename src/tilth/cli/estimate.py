"""What a whole run would take, from the first K units of it.

The cost of a unit is what the journal holds at its place, tries that were rejected included; what all units share (such
as attributes that are asked for once) is counted once. Intervals are 90 %: a bootstrap over the units, and Wilson's for the
share that is kept.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.cli.trial import Trial
    from tilth.records.folder import RunFolder

RESAMPLES = 1000
LEVEL = 0.9
NAMES = ("calls", "tokens_in", "tokens_out", "usd", "seconds")
NONE: Mapping[str, str] = MappingProxyType({})
PARALLEL = 32
"""Calls at once that are reckoned with where neither the user nor the model says how many."""


@dataclass(frozen=True)
class Unit:
    """What was made at one place. kept: records that left generation there; after: those that the row-wise steps also kept.

    usd: None when some call has no known price. seconds: summed over its calls. by_role: dollars, tokens in and out of each role.
    """

    kept: int
    calls: float
    tokens_in: float
    tokens_out: float
    usd: float | None
    seconds: float = 0.0
    after: int = 0
    by_role: Mapping[str, tuple[float, float, float]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Span:
    """An expected value with its 90 % interval; None when unknown."""

    expected: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Estimate:
    """What `rows` records would take. units: what was measured. spans: by name; `seconds` are those at `parallel` calls at once.

    roles: dollars of each role for the whole. left_out: steps that cannot be foreseen.
    """

    rows: int
    units: Sequence[Unit]
    spans: Mapping[str, Span]
    kept: Span
    parallel: int
    roles: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    left_out: Sequence[str] = ()

    @property
    def tried(self) -> int:
        """Units that were measured."""
        return len(self.units)


def of(trial: Trial) -> Estimate:
    """The estimate that a trial gives for the whole run."""
    units, shared = measured(trial.folder, trial.journal, trial.labels, trial.used)
    rows = trial.rows or sum(unit.kept for unit in units)
    generators = trial.whole.settings.roles.get("generator")
    model = generators[0].model if generators else None
    asked = trial.whole.settings.concurrency or (model.concurrency if model else None) or PARALLEL
    parallel = max(1, min(asked, rows, (model.ceiling if model else None) or asked))
    spans = project(units, shared, rows)
    roles, tokens = _by_role(units, shared, rows)
    spans["seconds"] = _over(spans["seconds"], parallel)
    return Estimate(rows, units, spans, surviving(units, rows), parallel, roles, tokens, trial.left_out)


def project(units: Sequence[Unit], shared: Unit, rows: int, seed: int = 0) -> dict[str, Span]:
    """Calls, tokens, dollars and summed seconds for `rows` records. `shared` is paid once, whatever the rows.

    With no kept unit nothing can be said: all spans are unknown.
    """
    rng = random.Random(f"{seed}/estimate")
    draws = [[units[rng.randrange(len(units))] for _ in units] for _ in range(RESAMPLES)] if units else []
    return {name: _span(name, units, shared, rows, draws) for name in NAMES}


def surviving(units: Sequence[Unit], rows: int) -> Span:
    """Records that the row-wise steps would leave of `rows`; Wilson's interval."""
    from tilth.stats.intervals import wilson

    left, after = sum(unit.kept for unit in units), sum(unit.after for unit in units)
    found = wilson(after, left, level=LEVEL)
    return Span(None, None, None) if found is None else Span(found.value * rows, found.low * rows, found.high * rows)


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


def _over(span: Span, parallel: int) -> Span:
    return Span(*(None if edge is None else edge / parallel for edge in (span.expected, span.low, span.high)))


def _by_role(units: Sequence[Unit], shared: Unit, rows: int) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Dollars, and tokens in and out, of each role for the whole."""
    kept = sum(unit.kept for unit in units)
    whole: dict[str, list[float]] = {}
    for unit in (*units, shared):
        factor = 1.0 if unit is shared else rows / kept if kept else 0.0
        for role, amounts in unit.by_role.items():
            sums = whole.setdefault(role, [0.0, 0.0, 0.0])
            for at, amount in enumerate(amounts):
                sums[at] += factor * amount
    return {role: sums[0] for role, sums in whole.items()}, {role: (sums[1], sums[2]) for role, sums in whole.items()}


def measured(folder: RunFolder, journal: Path, labels: frozenset[str] = frozenset(), used: Path | None = None) -> tuple[list[Unit], Unit]:
    """The units of a trial, and what they share, from its rows and its journal.

    labels: of calls that curation makes of each row. used: a journal that names the calls which count; None: all do.
    """
    from tilth.records.parts import parts, read_rows

    def places(where: Path, stem: str) -> list[tuple[str, str]]:
        rows = (row for path in parts(where, stem) for row in read_rows(path, ["id", "place"]))
        return [(str(row["id"]), str(row["place"] or "")) for row in rows]

    made = places(folder.rows, "part")
    after = {id_ for id_, _ in places(folder.data, "part")}
    counts: dict[str, list[int]] = {}
    for id_, place in made:
        both = counts.setdefault(place, [0, 0])
        both[0] += 1
        both[1] += id_ in after
    for _, place in places(folder.rows, "rejected"):
        counts.setdefault(place, [0, 0])
    places_of = {place: (left, kept) for place, (left, kept) in counts.items()}
    return divide(places_of, _calls(journal, used), dict(made), labels)


def divide(
    places: Mapping[str, tuple[int, int]], calls: Sequence[Call], rows: Mapping[str, str] = NONE, labels: frozenset[str] = frozenset()
) -> tuple[list[Unit], Unit]:
    """Calls by the place that they were made for (place to records that left generation, and that stayed); the others are shared.

    Rows that come of one call, such as all that grew out of one text, are one unit with it.
    rows: id to place of each row: the calls of curation's maps (`labels`) are counted where their row was made. Calls of the same
    map that belong to no place (those of an earlier, longer run) count as neither.
    """
    maps, asked = {_map(place) for place in places}, {call.place for call in calls}
    unit_of = {place: _outermost(place, asked) for place in places}
    rows = {id_: unit_of.get(place, place) for id_, place in rows.items()}
    numbers: dict[str, tuple[int, int]] = {}
    for at, (left, kept) in places.items():
        before = numbers.get(unit_of[at], (0, 0))
        numbers[unit_of[at]] = (before[0] + left, before[1] + kept)
    own: dict[str, list[Call]] = {place: [] for place in numbers}
    shared = []
    for call in calls:
        place = _owner(call.place, own, rows, labels)
        if place is not None:
            own[place].append(call)
        elif _map(call.place) not in maps | labels:
            shared.append(call)
    return [_unit(*both, own[place]) for place, both in numbers.items()], _unit(0, 0, shared)


def _outermost(place: str, asked: Collection[str]) -> str:
    """The first place on the way to a row's where something was asked: what many rows come of is their one unit."""
    parts = place.split("/")
    return next((path for n in range(1, len(parts)) if (path := "/".join(parts[:n])) in asked), place)


def _owner(path: str, own: Mapping[str, list[Call]], rows: Mapping[str, str], labels: frozenset[str]) -> str | None:
    parts = path.split("/")
    found = next((place for n in range(len(parts), 0, -1) if (place := "/".join(parts[:n])) in own), None)
    if found is not None or _map(path) not in labels:
        return found
    return rows.get(parts[0].partition(":")[2])


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
    role: str = "generator"


def _calls(journal: Path, used: Path | None) -> list[Call]:
    import sqlite3
    from contextlib import closing

    numbers = "c.tokens_in, c.tokens_out, c.usd, c.seconds, c.role"
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
        if used is None:
            query = f"SELECT c.place, {numbers} FROM calls c WHERE c.kind != 'do' ORDER BY c.id"
        else:
            connection.execute("ATTACH ? AS used", (f"file:{used}?mode=ro",))
            query = f"SELECT u.place, {numbers} FROM used.calls u JOIN calls c USING (key) WHERE c.kind != 'do' GROUP BY u.id ORDER BY u.id"
        return [Call(*row) for row in connection.execute(query)]


def _unit(kept: int, after: int, calls: Sequence[Call]) -> Unit:
    usd = None if any(call.usd is None for call in calls) else sum(call.usd or 0.0 for call in calls)
    tokens_in, tokens_out = sum(call.tokens_in for call in calls), sum(call.tokens_out for call in calls)
    roles: dict[str, tuple[float, float, float]] = {}
    for call in calls:
        spent, came, went = roles.get(call.role, (0.0, 0.0, 0.0))
        roles[call.role] = (spent + (call.usd or 0.0), came + call.tokens_in, went + call.tokens_out)
    return Unit(kept, len(calls), tokens_in, tokens_out, usd, sum(call.seconds for call in calls), after, roles)

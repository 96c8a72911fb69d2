"""Drawn columns: values, numbers, words and records of an input. A draw depends on the flow's seed and the row's number only.

Row numbers go up without gaps, so the draws may keep state (which record comes next); no draw reads a result.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.flows.grammar import ColumnSpec
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

BLOCK = 10_000
"""Records of an input that are shuffled together: memory stays flat, and each record still comes once before any twice."""

DRAWN = frozenset({"values", "integer", "number", "date", "words", "tree", "from"})

Draw = Callable[[int, Mapping[str, Any]], Any]
"""(row number, columns drawn so far) -> value."""


class Draws:
    """All drawn columns of a stage.

    Parameters
    ----------
    columns: the drawn columns, what `by` names first. run: gives task, data and seed.
    """

    def __init__(self, columns: Mapping[str, ColumnSpec], run: Run) -> None:
        self._run = run
        self._draws = {name: self._draw(name, column) for name, column in columns.items() if column.kind != "from"}
        self._fields: dict[str, list[tuple[str, str]]] = {}
        for name, column in columns.items():
            if column.kind == "from":
                self._fields.setdefault(str(column.source), []).append((name, column.field or "text"))
        self._sources = {source: _shuffled(run.data(source), self._seed(f"from/{source}"), source) for source in self._fields}

    def draw(self, number: int) -> Record:
        """The drawn columns of row `number` (from 0). All columns of one input come from the same record."""
        columns: dict[str, Any] = {}
        seeds: list[str] = []
        for source, fields in self._fields.items():
            record = next(self._sources[source])
            seeds += [record.id] if record.id else []
            columns.update({name: _field(record, key, source) for name, key in fields})
        for name, draw in self._draws.items():
            columns[name] = draw(number, columns)
        return Record(columns, meta={"seed_ids": seeds} if seeds else None)

    def _seed(self, name: str) -> str:
        return f"{self._run.seed}/{name}"

    def _draw(self, name: str, column: ColumnSpec) -> Draw:
        seed = self._seed(name)
        if column.kind == "integer" and column.integer:
            low, high = column.integer
            return lambda number, _: random.Random(f"{seed}/{number}").randint(low, high)
        if column.kind == "number" and column.number:
            least, most = column.number
            return lambda number, _: round(random.Random(f"{seed}/{number}").uniform(least, most), 6)
        if column.kind == "date" and column.date:
            first, last = (datetime.date.fromisoformat(day).toordinal() for day in column.date)
            return lambda number, _: datetime.date.fromordinal(random.Random(f"{seed}/{number}").randint(first, last)).isoformat()
        if column.kind == "words" and column.words:
            from tilth.prompts.conditions import Words

            words = Words(column.words)
            return lambda number, _: " ".join(words.draw(random.Random(f"{seed}/{number}")))
        values = list(self._run.task.labels) if column.values == "labels" else list(column.values or [])
        return _values(values, column, seed)


def _values(values: list[Any], column: ColumnSpec, seed: str) -> Draw:
    """Weighted draws are independent; others are balanced: each value comes once before any comes twice."""
    if column.weights is not None:
        weights = column.weights
        return lambda number, _: random.Random(f"{seed}/{number}").choices(values, weights=weights)[0]
    if column.by is None:
        return lambda number, _: _cycled(values, seed, number)
    by, counts = column.by, dict[str, int]()

    def within(_: int, columns: Mapping[str, Any]) -> Any:
        group = repr(columns.get(by))
        place = counts.get(group, 0)
        counts[group] = place + 1
        return _cycled(values, f"{seed}/{group}", place)

    return within


def _cycled(values: list[Any], seed: str, number: int) -> Any:
    """The value at `number` of an endless row of shuffled cycles through `values`."""
    cycle, place = divmod(number, len(values))
    mixed = list(values)
    random.Random(f"{seed}/{cycle}").shuffle(mixed)
    return mixed[place]


def _shuffled(data: Iterable[Record], seed: str, name: str) -> Iterator[Record]:
    """The records of an input without end, in another order each time through, shuffled in blocks."""
    turn = 0
    while True:
        records = iter(data)
        block = list(islice(records, BLOCK))
        if not block:
            raise RequestError(f"'{name}' holds no records. Add some, or take the column out.", code="data.empty")
        number = 0
        while block:
            random.Random(f"{seed}/{turn}/{number}").shuffle(block)
            yield from block
            block = list(islice(records, BLOCK))
            number += 1
        turn += 1


def _field(record: Record, key: str, source: str) -> Any:
    if key not in record:
        have = ", ".join(record)
        remedy = f"Map it in the flow: data.{source}.columns: {{{key}: {next(iter(record), 'NAME')}}}"
        what = f"'{source}' has no column '{key}' (it has: {have}). {remedy}"
        raise RequestError(what, code="data.no_column")
    return record[key]

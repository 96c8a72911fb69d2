"""A stage of columns as a method: one row is one item of a map, its columns are made in the order in which they need each other.

Rows that are rejected are replaced by further ones until `rows` records were kept, or until `TRIES` times as many were tried.
With ``from`` the stage goes through an input once instead, one row per record.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.engine.method import Method, Task
from tilth.errors import Failure
from tilth.flows import outputs
from tilth.flows.asking import Asker
from tilth.flows.draws import DRAWN, Draws
from tilth.flows.grammar import ColumnSpec, Stage
from tilth.flows.judging import judge
from tilth.flows.names import evaluate
from tilth.flows.order import order, shown_to, uses
from tilth.flows.verifying import verifier, verify
from tilth.records.ids import json_text
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.records.data import Data

LAG = 1024
"""How far rows are drawn ahead of the last one that was consumed. Part of every call's place: a change re-pays users' calls."""

TRIES = 5
"""At most this many rows are tried for each record wanted; then the shortage is reported."""


class ColumnsMethod(Method):
    """Rows made of columns, as a flow describes them. Made by `columns_method`, which fills in what a method declares."""

    name: ClassVar[str] = "columns"
    family: ClassVar[str] = "flow"

    specs: dict[str, ColumnSpec] = Field({}, description="The columns, in any order.")
    source: str | None = Field(None, description="Data that gives one row per record; None: rows are drawn.")
    carry: tuple[str, ...] | None = Field(None, description="Columns taken over where the source is an earlier stage.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        """Yield the finished rows."""
        row = _Rows(self, run)
        results = self._through(run, row) if self.source is not None else self._until_enough(run, row)
        async for record in results:
            yield record

    async def _through(self, run: Run, row: _Rows) -> AsyncIterator[Record]:
        """One row for each record of the stage's input."""
        records = islice(run.data(str(self.source)), self.rows)
        items = (row.on(record, number) for number, record in enumerate(records))
        async for record in run.map(row.make, items, label="row", key=lambda item: item.meta["row"]):
            yield record

    async def _until_enough(self, run: Run, row: _Rows) -> AsyncIterator[Record]:
        """Rows until enough are kept. A place in the window that no row is needed for stays empty and costs nothing."""
        wanted = self.rows or 0
        need = _Need(wanted, several=any(column.each for column in self.specs.values()))

        def draw(number: int) -> Record | None:
            if need.given_up:
                return None
            item = row.draw(number)  # also where the place stays empty: draws depend on the number alone
            return item if need.take(number) else EMPTY

        async for record in run.unfold(draw, row.make, lag=LAG, label="row"):
            need.kept += 1
            yield record
            if need.kept >= wanted:
                break
        if need.kept < wanted:
            run.note(f"{need.kept} of {wanted} rows after {need.tried} tries: too many were rejected. Their reasons are in the summary.")


EMPTY = Record()
"""Stands in the window where no row is needed."""


class _Need:
    """Counts which rows are needed. What it decides depends on consumed results only, so it is the same in every start."""

    def __init__(self, wanted: int, *, several: bool) -> None:
        self.kept = 0
        self.tried = 0
        self._wanted = wanted
        self._several = several
        self._open: deque[int] = deque()
        self._ended = 0

    @property
    def given_up(self) -> bool:
        """Whether so many rows were tried that more will not help."""
        return self.tried >= TRIES * self._wanted + TRIES

    def take(self, number: int) -> bool:
        """Whether row `number` is needed; rows up to `number` - LAG have been consumed."""
        while self._open and self._open[0] <= number - LAG:
            self._open.popleft()
            self._ended += 1
        if self.kept + len(self._open) * self._each() >= self._wanted:
            return False
        self._open.append(number)
        self.tried += 1
        return True

    def _each(self) -> float:
        """Records that a row is expected to give. Where that is not known yet, one row at a time."""
        if not self._several:
            return 1.0
        return max(1.0, self.kept / self._ended) if self.kept and self._ended else float(self._wanted)


class _Rows:
    """Makes the columns of any row of a run."""

    def __init__(self, method: ColumnsMethod, run: Run) -> None:
        self._run = run
        self._specs = method.specs
        self._order = order(method.specs)
        drawn = [name for name in self._order if method.specs[name].kind in DRAWN]
        self._draws = Draws({name: method.specs[name] for name in drawn}, run)
        self._made = [name for name in self._order if name not in drawn]
        self._conditional = [name for name in drawn if method.specs[name].when is not None]
        self._verifiers = {name: verifier(spec) for name, spec in method.specs.items() if spec.kind == "verify"}
        self._askers = {name: Asker(name, spec, run) for name, spec in method.specs.items() if spec.kind == "prompt"}
        self._uses = {name: uses(spec) for name, spec in method.specs.items()}
        self._shown = {name: shown_to(name, method.specs) for name, spec in method.specs.items() if spec.kind == "judge"}
        self._kinds = dict(method.columns)
        self._carry = method.carry

    def draw(self, number: int) -> Record:
        """Row `number` with its drawn columns."""
        record = self._draws.draw(number)
        record.meta["row"] = number
        return record

    def on(self, record: Record, number: int) -> Record:
        """A row about a record of the stage's input: its columns are visible, its id becomes the parent."""
        drawn = self.draw(number)
        seeds = [*([record.id] if record.id else []), *drawn.meta.get("seed_ids", [])]
        earlier = {}
        if self._carry is not None:  # an earlier stage: what it came from and how it was judged is handed on
            seeds = [*record.meta.get("seed_ids", []), *drawn.meta.get("seed_ids", [])]
            earlier = {name: record.meta[name] for name in ("scores", "conditions") if record.meta.get(name)}
        return Record({**record.columns, **drawn.columns}, meta={"id": record.id, "row": number, "seed_ids": seeds, **earlier})

    async def make(self, item: Record) -> AsyncIterator[Record]:
        """The records of one row: one, or several where a column gives `each`."""
        if item is EMPTY:
            return
        meta = item.meta
        scores, seeds = dict(meta.get("scores", {})), list(meta.get("seed_ids", []))
        state = _State(dict(item.columns), seeds, scores, int(meta["row"]), item.id, self._made, dict(meta.get("conditions", {})))
        for name in self._conditional:
            if self._skipped(name, state):
                state.values[name] = None
        async for record in self._rest(state):
            yield record

    async def _rest(self, state: _State) -> AsyncIterator[Record]:
        """Make the columns that are left; a column that gives `each` opens a map over its items, told apart by their content."""
        for done, name in enumerate(state.left):
            if self._skipped(name, state):
                state.values[name] = None
                continue
            value = await self._value(name, state)
            if not self._specs[name].each:
                state.values[name] = value
                continue
            items = value if isinstance(value, list) else [value]
            branches = [_Branch(state.branch(name, one, state.left[done + 1 :])) for one in items]
            async for record in self._run.map(self._follow, branches, label=name, key=lambda branch: json_text(branch[name])):
                yield record
            return
        yield self._record(state)

    async def _follow(self, branch: _Branch) -> AsyncIterator[Record]:
        async for record in self._rest(branch.state):
            yield record

    def _skipped(self, name: str, state: _State) -> bool:
        """Whether the column is null: its `when` does not hold, or something that it needs is null."""
        column = self._specs[name]
        if any(state.values.get(other, "") is None for other in self._uses[name]):
            return True
        return column.when is not None and not evaluate(column.when, self._sees(state))

    async def _value(self, name: str, state: _State) -> Any:
        column = self._specs[name]
        sees = self._sees(state)
        if column.kind == "prompt":
            value, shown = await self._askers[name].ask(sees)
            state.seeds += [one for one in shown if one not in state.seeds]
            return value
        if column.kind == "judge":
            return await self._judged(name, column, sees, state)
        if column.kind == "verify":
            value, state.scores[name] = await verify(column, self._verifiers[name], state.values, self._run)
            return value
        return evaluate(str(column.compute), sees)

    async def _judged(self, name: str, column: ColumnSpec, sees: Mapping[str, Any], state: _State) -> Any:
        """The judge's value in this row (a number, or numbers by criterion); its scores go to the record's lineage."""
        visible = self._shown[name]
        shown = {other: state.values[other] for other in visible if state.values.get(other) is not None}
        if visible and not shown:
            return None
        scores = await judge(name, column, shown, sees, self._run)
        value: dict[str, Any] = {}
        for criterion, score in scores.items():
            key = f"{name}.{criterion}" if criterion else name
            read = not isinstance(score, Failure)
            state.scores[key] = score if read else {"value": None, "detail": f"{score.reason}: {score.detail}"}
            value[criterion] = score if read else None
        return value.get("") if list(value) == [""] else value

    def _sees(self, state: _State) -> dict[str, Any]:
        return {**state.values, "task": self._run.task, "labels": self._run.task.labels, "row": state.number + 1}

    def _record(self, state: _State) -> Record:
        kept = {name: state.values.get(name) for name in self._carry or ()}
        kept |= {name: outputs.fit(self._kinds[name], state.values[name]) for name, one in self._specs.items() if one.kept}
        hidden = {
            name: state.values[name] for name, one in self._specs.items() if not one.kept and one.kind in DRAWN and one.kind != "from"
        }
        meta: dict[str, Any] = {"seed_ids": state.seeds}
        if state.parent:
            meta["parents"] = [state.parent]
        if hidden or state.conditions:
            meta["conditions"] = {**state.conditions, **hidden}
        if state.scores:
            meta["scores"] = state.scores
        return Record(kept, meta=meta)


@dataclass
class _State:
    """One row while it is being made. left: columns still to be made. branch: position among the items of an `each` column."""

    values: dict[str, Any]
    seeds: list[str]
    scores: dict[str, Any]
    number: int
    parent: str | None
    left: list[str]
    conditions: dict[str, Any] = field(default_factory=dict)

    def branch(self, name: str, value: Any, left: list[str]) -> _State:
        """The same row with one item of a column that gives several."""
        values = {**self.values, name: value}
        return _State(values, list(self.seeds), dict(self.scores), self.number, self.parent, left, self.conditions)


class _Branch(Record):
    """One of several rows that a column opened: a record, so that a rejected one shows its columns."""

    __slots__ = ("state",)

    def __init__(self, state: _State) -> None:
        super().__init__(state.values)
        self.state = state


def columns_method(
    stage: Stage,
    task: Task,
    data: Mapping[str, Data],
    *,
    folder: Path = Path("."),
    source: str | None = None,
    carried: Mapping[str, Any] | None = None,
) -> ColumnsMethod:
    """The stage as a method: a class of its own that declares inputs, columns, roles and needs.

    Parameters
    ----------
    task: for the type of labels. data: the inputs that it names; they tell the types of columns that are taken from them.
    folder: what paths of taxonomies are relative to. source: what it goes through. carried: columns of the earlier stage that it
    goes through, with their types; None where it goes through data.
    """
    specs = {name: _of_leaves(column, folder) for name, column in stage.columns.items()}
    for column in specs.values():
        if column.kind == "verify":
            verifier(column)  # what it needs is here: said before anything is paid
    source = source or stage.source
    through = stage.model_copy(update={"columns": specs, "source": source})
    own = outputs.kinds(specs, task, outputs.samples_of(specs, data))
    carry = None if carried is None else {name: kind for name, kind in carried.items() if name not in specs}
    declared = {
        "__module__": __name__,
        "__doc__": ColumnsMethod.__doc__,
        "inputs": outputs.inputs(through),
        "columns": {**(carry or {}), **own},
        "roles": outputs.roles(specs),
        "needs": outputs.needs(specs),
    }
    cls: type[ColumnsMethod] = types.new_class("ColumnsMethod", (ColumnsMethod,), exec_body=lambda body: body.update(declared))
    return cls(specs=specs, source=source, rows=stage.rows, carry=None if carry is None else tuple(carry))


def _of_leaves(column: ColumnSpec, folder: Path) -> ColumnSpec:
    """A taxonomy's leaves as values: what is drawn is then part of the flow, wherever the file lies."""
    if column.kind != "tree":
        return column
    from tilth.flows.trees import leaves

    drawn = {"values": leaves(folder / str(column.tree)), "by": column.by, "when": column.when, "keep": column.keep}
    return ColumnSpec.model_validate({name: value for name, value in drawn.items() if value is not None})

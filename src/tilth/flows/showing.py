"""A flow for people: its columns and what each needs, as a table or as a tree; a prompt with the first row; what it counts."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilth.errors import Failure, RequestError, TilthError
from tilth.flows import stages
from tilth.flows.draws import DRAWN
from tilth.flows.names import BUILTINS
from tilth.flows.order import needs, order, uses
from tilth.flows.words import suggestion

if TYPE_CHECKING:
    from tilth.engine.method import Task
    from tilth.flows.flow import Flow
    from tilth.flows.grammar import ColumnSpec
    from tilth.records.data import Data


@dataclass(frozen=True)
class Line:
    """A column in words. what: how it is made. needs: columns and data that come before it."""

    stage: str
    name: str
    what: str
    needs: tuple[str, ...]
    kept: bool


def lines(flow: Flow) -> list[Line]:
    """All columns in the order in which they are made, stage by stage; of a method, what it yields."""
    found: list[Line] = []
    for index, (name, stage) in enumerate(zip(stages.ids(flow.spec), flow.spec.generate, strict=True)):
        if stage.method is not None:
            made = stages.made_columns(flow.spec, index, flow.source.folder, frozenset(flow.held)) or []
            found += [Line(name, column, stage.method, (), True) for column in made] or [Line(name, "…", stage.method, (), True)]
            continue
        given = stages.given_columns(flow.spec, index, flow.source.folder, frozenset(flow.held))
        for column in order(stage.columns):
            spec, own = stage.columns[column], needs(column, stage.columns)
            taken = sorted(use for use in uses(spec) - set(own) - BUILTINS if given is None or use in given)
            found.append(Line(name, column, what(spec), (*taken, *own), spec.kept))
    return found


def what(column: ColumnSpec) -> str:
    """How a column is made, in a few words."""
    kind = column.kind
    many = f" ×{column.samples}" + (", one record each" if column.each else "") if column.samples > 1 else ""
    words = {
        "values": "labels" if column.values == "labels" else f"one of {len(column.values or [])} values",
        "prompt": f"ask {column.role or 'generator'}{many}",
        "judge": f"judge {column.role or 'judge'}" + (" in both orders" if column.swap else ""),
        "verify": f"verify {column.verify}" + (" (sandbox)" if column.verify in ("python", "mutation") else ""),
        "from": f"from {column.source}",
        "integer": f"whole number {column.integer}",
        "number": f"number {column.number}",
        "date": "day" + (f" {column.date[0]} to {column.date[1]}" if column.date else ""),
        "words": f"{column.words} random words",
        "compute": "compute",
    }.get(kind, f"{kind} {column.setting(kind) or ''}".strip())
    return words + (f", when {column.when}" if column.when else "")


def graph(flow: Flow) -> list[str]:
    """The stages as a tree of their columns, then the steps of curation on one line."""
    spec, out = flow.spec, list[str]()
    names = stages.ids(spec)
    shown = lines(flow)
    width = max((len(line.name) for line in shown), default=0) + 3
    deep = max((len(line.what) for line in shown if line.needs), default=0) + 4
    depth: dict[str, int] = {}
    for index, (name, stage) in enumerate(zip(names, spec.generate, strict=True)):
        before = stages.before(spec, index)
        depth[name] = depth[before] + 1 if before in depth else 0
        indent = "   " * depth[name]
        head = indent[:-3] + "└─ " if depth[name] else ""
        rows = f" {stage.rows:,} rows" if stage.rows else ""
        said = (stage.method or "columns") + rows + (f" from {before}" if before is not None and before not in depth else "")
        out.append(f"{head}{stage.id or 'generate':<14}{said}".rstrip())
        columns = [line for line in shown if line.stage == name and stage.method is None]
        for number, line in enumerate(columns):
            branch = "└─" if number + 1 == len(columns) else "├─"
            after = f"{line.what:<{deep}}needs {', '.join(line.needs)}" if line.needs else line.what
            out.append(f"{indent}{branch} {line.name:<{width}}{after}".rstrip())
    if spec.curate:
        out.append("curate " + " → ".join(item if isinstance(item, str) else next(iter(item), "") for item in spec.curate))
    return out


def counts(flow: Flow, data: Mapping[str, Data]) -> str:
    """``8 columns, 2 model columns, 1 verifier, 1 judge, 5 curation steps, 2 gates; 214 passages, 1,000 personas``"""
    spec = flow.spec
    columns = [column for stage in spec.generate for column in stage.columns.values()]
    kinds = [column.kind for column in columns]
    methods = [stage.method for stage in spec.generate if stage.method is not None]
    parts = [f"method {', '.join(methods)}"] if methods else []
    for n, word in (
        (len(columns), "column"),
        (kinds.count("prompt"), "model column"),
        (kinds.count("verify"), "verifier"),
        (kinds.count("judge"), "judge"),
        (len(spec.curate), "curation step"),
        (len(spec.evaluate.gates) if spec.evaluate else 0, "gate"),
    ):
        parts += [f"{n:,} {word}{'' if n == 1 else 's'}"] if n else []
    rows = [f"{len(one):,} {name}" for name, one in data.items() if name in spec.data]
    return "; ".join(part for part in (", ".join(parts), ", ".join(rows)) if part)


# --- one prompt -------------------------------------------------------------------------------------------------------


def prompt(flow: Flow, name: str) -> list[tuple[str, str]]:
    """The messages (role, text) that the first row asks with in a column; of a method, the template called so.

    What other prompts, judges and verifiers would give stands there as ``‹name›``.

    Raises
    ------
    RequestError: there is no such column or template, or the column asks nothing.
    """
    known: list[str] = []
    for index, stage in enumerate(flow.spec.generate):
        if stage.method is not None:
            templates = _templates(stage.method)
            known += templates
            if name in templates:
                return [("template", templates[name])]
            continue
        known += [column for column, one in stage.columns.items() if one.kind in ("prompt", "judge")]
        if name in known and name in stage.columns:
            return _rendered(flow, index, name)
    raise RequestError(f"'{name}' asks no model here. {suggestion(name, known)}".rstrip(), code="flow.no_prompt")


def _templates(method: str) -> Mapping[str, str]:
    from tilth.flows.methods import find

    try:
        return find(method).prompts
    except TilthError:  # not in this version
        return {}


def _rendered(flow: Flow, index: int, name: str) -> list[tuple[str, str]]:
    from tilth.flows.asking import Asker
    from tilth.flows.columns import columns_method
    from tilth.flows.judging import written as judged
    from tilth.flows.order import shown_to

    stage, task, data = flow.spec.generate[index], flow.task(), flow.data()
    specs = columns_method(stage, task, data, folder=flow.source.folder).specs
    seen = FirstRow(task, flow.spec.seed, data)
    values = _row(flow, index, specs, seen)
    column = specs[name]
    if column.kind == "judge":
        visible = {other: values[other] for other in shown_to(name, specs)}
        built = judged(name, column, visible, values, task)
    else:
        built = Asker(name, column, seen).show(values)  # type: ignore[arg-type]
    said = [(str(message["role"]), str(message["content"])) for message in built.messages or ()]
    return [*said, *([("assistant begins", built.prefill)] if built.prefill else [])]


def _row(flow: Flow, index: int, specs: Mapping[str, ColumnSpec], seen: FirstRow) -> dict[str, Any]:
    """What the first row holds before any model is asked."""
    from tilth.flows.draws import Draws
    from tilth.flows.names import evaluate

    source = stages.before(flow.spec, index)
    values: dict[str, Any] = {"task": seen.task, "labels": seen.task.labels, "row": 1}
    if source is not None and source in seen.given:
        values |= seen.given[source].take(1)[0].columns
    elif source is not None:
        columns = stages.given_columns(flow.spec, index, flow.source.folder, frozenset(flow.held)) or []
        values |= {column: f"‹{column}›" for column in columns}
    drawn = {column: specs[column] for column in order(specs) if specs[column].kind in DRAWN}
    values |= Draws(drawn, seen).draw(0).columns  # type: ignore[arg-type]
    for column in order(specs):
        if column in drawn:
            continue
        values[column] = f"‹{column}›"
        if specs[column].kind == "compute":
            try:
                values[column] = evaluate(str(specs[column].compute), values)
            except (Failure, RequestError):  # it needs what a model would have written
                continue
    return values


@dataclass(frozen=True)
class FirstRow:
    """What draws and prompts ask of a run, without one."""

    task: Task
    seed: int
    given: Mapping[str, Data]

    def data(self, name: str) -> Data:
        """An input."""
        return self.given[name]

    def rng(self, *name: object) -> random.Random:
        """A stream for demonstrations; the run's own is another."""
        return random.Random(f"{self.seed}/{name}")

    def models(self, role: str = "generator") -> Sequence[Any]:
        """No model: what it can do is not known."""
        return ()

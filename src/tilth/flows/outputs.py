"""What a stage of columns declares: the inputs it reads, the columns it yields with their types, the roles it asks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from tilth.flows.asking import kind_of_reply
from tilth.flows.grammar import ColumnSpec, Stage
from tilth.flows.names import loop_fields
from tilth.flows.order import uses
from tilth.flows.verifying import SHARES

if TYPE_CHECKING:
    from tilth.engine.method import Task
    from tilth.records.data import Data

LOOK = 20
"""Records of an input that are looked at for the type of a field."""


def inputs(stage: Stage) -> dict[str, str]:
    """Data to the columns that it must have."""
    needed: dict[str, list[str]] = {stage.source: []} if stage.source else {}
    for column in stage.columns.values():
        if column.source is not None:
            needed.setdefault(column.source, []).append(column.field or "text")
        if column.demonstrations is not None:
            balanced = ["label"] if column.demonstrations.select == "balanced" else []
            shown = [field for text in (column.system, column.prompt) if text for field in loop_fields(text, "demonstrations")]
            needed.setdefault(column.demonstrations.source, []).extend([*shown, *balanced])
    return {name: " ".join(dict.fromkeys(fields)) for name, fields in needed.items()}


def roles(columns: Mapping[str, ColumnSpec]) -> dict[str, int | str]:
    """The roles that are asked, each with one model."""
    found: dict[str, int | str] = {}
    for column in columns.values():
        if column.kind in {"prompt", "judge"}:
            found[column.role or ("judge" if column.kind == "judge" else "generator")] = 1
    return found


def needs(columns: Mapping[str, ColumnSpec]) -> dict[str, tuple[str, ...]]:
    """What the models of a role must be able to do."""
    return {column.role or "generator": ("prefill",) for column in columns.values() if column.prefill}


def samples_of(columns: Mapping[str, ColumnSpec], data: Mapping[str, Data]) -> dict[str, type | None]:
    """The type of each column that is taken from data: that of the first values there; None where they differ."""
    found: dict[str, type | None] = {}
    for name, column in columns.items():
        if column.source is None or column.source not in data:
            continue
        values = [record.get(column.field or "text") for record in islice(data[column.source], LOOK)]
        types = {type(value) for value in values if value is not None}
        found[name] = types.pop() if len(types) == 1 else None
    return found


def kinds(columns: Mapping[str, ColumnSpec], task: Task, taken: Mapping[str, type | None]) -> dict[str, str]:
    """Type of each column of the output, as the schema of records writes it; ``| None`` where it may be null."""
    kept = {name: column for name, column in columns.items() if column.kept}
    return {name: _kind(name, columns, task, taken) + (" | None" if _nullable(name, columns) else "") for name, column in kept.items()}


def _nullable(name: str, columns: Mapping[str, ColumnSpec], seen: frozenset[str] = frozenset()) -> bool:
    """Whether the column can be null: by its own `when`, by data, by a judge, or by something that it needs."""
    column = columns[name]
    if column.when is not None or column.kind in {"from", "judge", "verify"}:
        return True
    return any(_nullable(other, columns, seen | {name}) for other in uses(column) & set(columns) if other not in seen and other != name)


def _kind(name: str, columns: Mapping[str, ColumnSpec], task: Task, taken: Mapping[str, type | None]) -> str:
    column = columns[name]
    if column.kind == "prompt":
        return _reply(column)
    if column.kind == "judge":
        return "float" if isinstance(column.judge, str) else "dict"
    if column.kind == "verify":
        return "float" if column.verify in SHARES else "bool"
    if column.kind == "from":
        return _of_type(taken.get(name))
    if column.kind == "values":
        types = {type(value) for value in (column.values or []) if value is not None} if column.values != "labels" else {str}
        return _of_type(types.pop() if len(types) == 1 else None)
    if column.kind == "compute":
        return _expression(str(column.compute), columns, task, taken, frozenset({name}))
    return {"integer": "int", "number": "float"}.get(column.kind, "str")


def _of_type(kind: type | None) -> str:
    known = {str: "str", int: "int", float: "float", bool: "bool", dict: "dict", list: "list"}
    return known.get(kind, "str") if kind is not None else "str"


def _reply(column: ColumnSpec) -> str:
    kind = kind_of_reply(column)
    many = column.samples > 1
    if kind == "json":
        one = _shape(column.shape or {"type": "object"})
    elif kind == "list":
        one = "list[str]"
    else:
        one = "list[dict]" if kind == "messages" else "str"
    if column.each and not many:  # one item of the list
        return {"list[str]": "str", "list[dict]": "dict", "list": _item(column)}.get(one, one)
    return one if column.each or not many else ("list[str]" if one == "str" else "list")


def _item(column: ColumnSpec) -> str:
    return _shape((column.shape or {}).get("items") or {"type": "object"})


def _shape(shape: Mapping[str, Any]) -> str:
    """The type of a JSON Schema's values."""
    if shape.get("type") == "array":
        return {"string": "list[str]", "integer": "list[int]", "number": "list[float]"}.get(
            str((shape.get("items") or {}).get("type")), "list"
        )
    return {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}.get(str(shape.get("type")), "dict")


def _expression(text: str, columns: Mapping[str, ColumnSpec], task: Task, taken: Mapping[str, type | None], seen: frozenset[str]) -> str:
    """The type of an expression, as far as its form tells; text where it does not."""
    from jinja2 import Environment, TemplateSyntaxError, nodes

    try:
        output = Environment(autoescape=False).parse(f"{{{{ ({text}) }}}}").body[0]
    except TemplateSyntaxError:
        return "str"
    node: Any = output.nodes[0] if isinstance(output, nodes.Output) else output
    while isinstance(node, nodes.CondExpr):
        node = node.expr1
    if isinstance(node, (nodes.Compare, nodes.Not, nodes.Test)):
        return "bool"
    if isinstance(node, nodes.Filter):
        return {"wordcount": "int", "length": "int", "count": "int", "int": "int", "float": "float", "round": "float"}.get(node.name, "str")
    if isinstance(node, (nodes.Sub, nodes.Mul, nodes.Div, nodes.Pow, nodes.Mod, nodes.FloorDiv, nodes.Neg, nodes.Pos)):
        return "float"
    if isinstance(node, nodes.Const):
        return _of_type(type(node.value))
    if isinstance(node, nodes.Name) and node.name in columns and node.name not in seen:
        other = columns[node.name]
        if other.kind == "compute":
            return _expression(str(other.compute), columns, task, taken, seen | {node.name})
        return _kind(node.name, columns, task, taken)
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        owner = columns.get(node.node.name)
        return "float" if owner is not None and owner.kind == "judge" else "str"
    return "str"


def fit(kind: str, value: Any) -> Any:
    """The value as its column takes it: what is no text is written as JSON in a text column, whole numbers fit numbers."""
    if value is None:
        return None
    base = kind.removesuffix(" | None")
    if base == "str" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    if base == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value

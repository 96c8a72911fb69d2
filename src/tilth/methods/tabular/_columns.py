"""What the columns of a small table hold, read from its rows: cells of a reply are cast by it, and rows become vectors by it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tilth.errors import Failure
from tilth.stats.arrays import Floats

MISSING = ("", "na", "n/a", "nan", "none", "null", "?")
SCHEMA_WORDS = frozenset({"integer", "float", "numeric", "number", "categorical", "category", "string", "text", "boolean"})
"""Cells in which a model wrote down the schema instead of a value."""
FEW = 20
"""A column of text with at most so many values, or values that come twice on average, is one of categories."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. values: what a category may be, by its text. low, high: range of the real numbers."""

    name: str
    kind: Literal["integer", "number", "category", "text"]
    values: Mapping[str, Any]
    low: float = 0.0
    high: float = 0.0
    optional: bool = False

    @property
    def type(self) -> str:
        """As a method declares it."""
        given = {type(value).__name__ for value in self.values.values()}
        name = {"integer": "int", "number": "float", "text": "str"}.get(self.kind) or (given.pop() if len(given) == 1 else "str")
        return f"{name} | None" if self.optional else name

    def cast(self, cell: Any) -> Any:
        """The cell as this column holds it; Failure where it cannot be."""
        if missing(cell):
            if self.optional:
                return None
            raise Failure("missing_value", f"{self.name} is empty.")
        if isinstance(cell, str) and cell.strip().lower() in SCHEMA_WORDS and cell.strip() not in self.values:
            raise Failure("schema_word", f"{self.name} holds a word of the schema: {cell}.")
        if self.kind == "text":
            return str(cell).strip()
        if self.kind == "category":
            found = self.values.get(key(cell))
            if found is None:
                raise Failure("unknown_category", f"{self.name} is '{cell}', which no real row holds.")
            return found
        value = number(cell)
        if value is None or (self.kind == "integer" and abs(value - round(value)) > 1e-9):
            raise Failure("wrong_type", f"{self.name} is '{cell}', not {'a whole number' if self.kind == 'integer' else 'a number'}.")
        return round(value) if self.kind == "integer" else value


def columns_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str], target: str) -> list[Column]:
    """The columns by their cells; the target is always one of categories."""
    return [_column(name, [row.get(name) for row in rows], name == target) for name in names]


def _column(name: str, cells: Sequence[Any], target: bool) -> Column:
    given = [cell for cell in cells if not missing(cell)]
    optional = len(given) < len(cells) and not target
    numbers = [number(cell) for cell in given]
    real = [value for value in numbers if value is not None]
    if real and len(real) == len(given) and not target and not any(isinstance(cell, bool) for cell in given):
        whole = all(value == round(value) for value in real) and not any("." in str(cell) for cell in given if isinstance(cell, str))
        return Column(name, "integer" if whole else "number", {}, min(real), max(real), optional)
    values = {key(cell): cell.strip() if isinstance(cell, str) else cell for cell in given}
    if target or (len(values) <= max(FEW, len(given) // 2) and len(values) < max(2, len(given))):
        return Column(name, "category", dict(sorted(values.items())), optional=optional)
    return Column(name, "text", {}, optional=optional)


def missing(cell: Any) -> bool:
    """Whether a cell is empty."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell)) or (isinstance(cell, str) and cell.strip().lower() in MISSING)


def number(cell: Any) -> float | None:
    """The cell as a finite number, else None."""
    if isinstance(cell, bool):
        return None
    try:
        value = float(str(cell).replace(",", "") if isinstance(cell, str) else cell)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def key(cell: Any) -> str:
    """A category's text: case and the form of a whole number do not matter."""
    value = number(cell)
    return str(round(value)) if value is not None and value == round(value) else str(cell).strip().lower()


def matrix(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Floats:
    """One number per numeric column (an empty cell: the middle of its range), one 0 or 1 per category.

    Real numbers lie in [0, 1], since the REAL range scales them all; those of other rows may lie outside.
    """
    parts: list[list[float]] = []
    for row in rows:
        line: list[float] = []
        for column in columns:
            cell = row.get(column.name)
            if column.kind == "category":
                line += [float(not missing(cell) and key(cell) == one) for one in column.values]
            elif column.kind != "text":
                value = number(cell)
                width = column.high - column.low
                line.append(0.5 if value is None else (value - column.low) / (width or 1.0))
        parts.append(line)
    return np.array(parts, dtype=np.float64).reshape(len(rows), -1)


def nearest_real(rows: Floats, real: Floats, columns: Sequence[Column]) -> Floats:
    """Gower distance of each row to the nearest real one: 0 is a copy, 1 differs in all columns entirely.

    A number that is further away than the real range is wide differs entirely, and no more than that.
    """
    weights = np.concatenate(
        [np.full(len(one.values), 0.5) if one.kind == "category" else np.ones(1) for one in columns if one.kind != "text"]
    )
    used = sum(one.kind != "text" for one in columns)
    return np.array([float((np.minimum(np.abs(real - row), 1.0) * weights).sum(axis=1).min()) / used for row in rows])

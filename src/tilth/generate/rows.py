"""Rows of an input that hold what a method asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run


def filled(run: Run, name: str, *columns: str, tell: bool = True) -> Iterator[Record]:
    """The rows of an input that hold something in each of these columns; the others are rejected as ``no_<column>``.

    An empty cell would be shown to a model as the text None, and paid for. tell: False where the rows are read once more.
    """
    for row in run.data(name):
        empty = next((column for column in columns if row.get(column) is None or not str(row[column]).strip()), None)
        if empty is None:
            yield row
        elif tell:
            run.reject(row.derive(row.columns), f"no_{empty}", detail=f"The column '{empty}' of '{name}' is empty.")

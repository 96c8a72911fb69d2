"""A record: columns, and one `meta` mapping that is easily dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

META_KEYS = ("id", "run", "stage", "method", "place", "parents", "seed_ids", "round", "origin", "licence")
"""Lineage of a record, in the order in which it is written. ``origin`` is human, model or mixed."""


class Record(Mapping[str, Any]):
    """One row of a dataset: a mapping of columns with its lineage beside it.

    >>> record = Record(text="a fine film", label="positive")
    >>> record["label"], record.id
    ('positive', None)
    >>> record.replace(label="negative")["label"]
    'negative'

    Parameters
    ----------
    columns: mapping of column name to value; the same as keyword arguments.
    meta: lineage (see `META_KEYS`), scores and anything else about the record that is not data.
    """

    __slots__ = ("columns", "meta")

    def __init__(self, columns: Mapping[str, Any] | None = None, /, *, meta: Mapping[str, Any] | None = None, **more: Any) -> None:
        self.columns: dict[str, Any] = {**(columns or {}), **more}
        self.meta: dict[str, Any] = dict(meta or {})

    def __getitem__(self, column: str) -> Any:
        return self.columns[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return self.columns == other.columns and self.meta == other.meta

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.columns.items())
        return f"Record({inside})" if self.id is None else f"Record({inside}, id={self.id!r})"

    @property
    def id(self) -> str | None:
        """The record's stable id; None until it has passed through a map or left `generate`."""
        return self.meta.get("id")

    def replace(self, **columns: Any) -> Record:
        """The same record (same id and lineage) with some columns set anew."""
        return Record(self.columns, meta=self.meta, **columns)

    def derive(self, columns: Mapping[str, Any] | None = None, /, **more: Any) -> Record:
        """A new record made from this one: it has no id yet, and names this one as its parent."""
        return Record(columns, meta={"parents": [self.id] if self.id else []}, **more)

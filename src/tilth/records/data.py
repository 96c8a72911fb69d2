"""Data: records that can be read again and again, each with a stable id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from tilth.errors import RequestError
from tilth.records.hints import did_you_mean, listed, nearest
from tilth.records.ids import Occurrences, content_id
from tilth.records.record import Record

Located = tuple[str | None, int | None, Record]
"""File, row (see `tilth.records.formats`) and record."""


class Data:
    """Records from files or memory. Iterating reads them anew, so memory stays flat.

    A record's id is its own ``id`` column where it has one (it then leaves the columns), else a hash of its content as
    it stands in the file and of how many equal rows came before. Made by :func:`tilth.records.read` or :meth:`of`.
    """

    def __init__(
        self,
        rows: Callable[[list[str]], Iterable[tuple[str | None, Iterable[tuple[int | None, Mapping[str, Any]]]]]],
        *,
        name: str | None = None,
        path: str | None = None,
        mapping: Mapping[str, str] | None = None,
        uniform: bool = False,
        keep: Iterable[Any] = (),
    ) -> None:
        self.name = name
        self.path = path
        self.uniform = uniform
        """Every row has the columns of the first."""
        self.skipped: list[str] = []
        """``file:row`` of each bad line that the last complete reading left out."""
        self._rows = rows
        self._mapping = dict(mapping or {})
        self._keep = list(keep)
        self._length: int | None = None
        self._columns: tuple[str, ...] | None = None

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], *, name: str | None = None, columns: Mapping[str, str] | None = None) -> Data:
        """Data from mappings or records in memory; they are copied into a list."""
        held = list(rows)
        data = cls(lambda _: [(None, ((number, row) for number, row in enumerate(held, 1)))], name=name, mapping=columns)
        data._length = len(held)
        return data

    def __iter__(self) -> Iterator[Record]:
        for _, _, record in self.located():
            yield record

    def __len__(self) -> int:
        """How many records there are. The first call reads everything, and so finds every bad line and repeated id."""
        if self._length is None:
            self._length = sum(1 for _ in self.located())
        return self._length

    @property
    def counted(self) -> bool:
        """Whether `len` is known without reading."""
        return self._length is not None

    def __bool__(self) -> bool:
        return bool(self.columns)

    def __repr__(self) -> str:
        return f"Data({self.path or self.name or 'in memory'!r})"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column names of the first record, after mapping; empty where there is no record."""
        if self._columns is None:
            self._columns = next((tuple(record) for _, _, record in self.located()), ())
        return self._columns

    def take(self, n: int) -> list[Record]:
        """The first `n` records."""
        return list(islice(self, n))

    def located(self) -> Iterator[Located]:
        """Records with the file and the row that an error about them should name."""
        contents, ids, skipped = Occurrences(bits=32), Occurrences(), list[str]()
        total = 0
        for file, rows in self._rows(skipped):
            for line, row in rows:
                record, own = self._record(row, contents, file, line, first=total == 0)
                total += 1
                if own and ids.next(own):
                    what = f"the id '{own}' is already taken by an earlier row. Ids must be unique."
                    raise RequestError(what, code="data.id", file=file, line=line)
                yield file, line, record
        self._length, self.skipped = total, skipped

    def require_rows(self) -> None:
        """Raise RequestError where there is no record at all."""
        if next(self.located(), None) is None:
            what = f"{self.path or self.name or 'the data'} has no rows."
            if self.skipped:
                what = f"{self.path}: none of its {len(self.skipped)} rows can be read."
            raise RequestError(what, code="data.empty")

    def _record(
        self, row: Mapping[str, Any], contents: Occurrences, file: str | None, line: int | None, *, first: bool
    ) -> tuple[Record, str | None]:
        columns, meta = (row.columns, dict(row.meta)) if isinstance(row, Record) else (dict(row), {})
        stored = columns.get("meta")
        if not meta and isinstance(stored, Mapping) and "id" in stored:  # as `write(..., meta=True)` writes it
            meta = dict(stored)
            columns = {key: value for key, value in columns.items() if key != "meta"}
        own = _own_id(columns, meta)
        if own is None:
            bare = content_id(columns)
            occurrence = contents.next(bare)
            meta["id"] = bare if occurrence == 0 else content_id(columns, occurrence)
        else:
            meta["id"] = own
        columns = {key: value for key, value in columns.items() if key != "id"}
        if self._mapping:
            columns = self._mapped(columns, file, line, first=first)
        return Record(columns, meta=meta), own

    def _mapped(self, columns: dict[str, Any], file: str | None, line: int | None, *, first: bool) -> dict[str, Any]:
        """Columns under our names; the others keep theirs."""
        theirs = set(self._mapping.values())
        out = {ours: columns[name] for ours, name in self._mapping.items() if name in columns}
        if first and len(out) < len(self._mapping):
            missing = next(name for name in self._mapping.values() if name not in columns)
            shown = file or self.name or "the data"
            hint = f" Did you mean '{near}'?" if (near := nearest(missing, columns)) else ""
            what = f"{shown} has no column '{missing}' (it has: {listed(columns)}).{hint}"
            raise RequestError(what, code="data.column", file=None, line=None)
        out.update({name: value for name, value in columns.items() if name not in theirs and name not in out})
        return out


def check_columns(data: Data, needed: Iterable[str]) -> None:
    """Raise RequestError unless every record has the columns `needed`; where rows may differ, all are read."""
    needed = list(needed)
    for file, line, record in data.located():
        missing = next((name for name in needed if name not in record.columns), None)
        if missing is not None:
            _missing_column(data, needed, missing, file, line, record)
        if data.uniform:
            return


def _missing_column(data: Data, needed: list[str], missing: str, file: str | None, line: int | None, record: Record) -> None:
    shown = file or data.name or "the data"
    if line is not None and not data.uniform and missing in data.columns:
        raise RequestError(f"no column '{missing}' in this row (it has: {listed(record)}).", code="data.column", file=shown, line=line)
    free = [name for name in record if name not in needed]
    theirs = nearest(missing, free) or (free[0] if len(free) == 1 else "NAME")
    remedy = f"Map it in the flow: data.{data.name or 'NAME'}.columns: {{{missing}: {theirs}}}"
    raise RequestError(f"{shown} has no column '{missing}' (it has: {listed(record)}). {remedy}", code="data.column")


def check_labels(data: Data, labels: Iterable[str], *, column: str = "label") -> None:
    """Raise RequestError at the first record whose `column` is none of `labels`. Every record is read."""
    known = [str(label) for label in labels]
    allowed = set(known)
    for file, line, record in data.located():
        value = record.columns.get(column)
        values = value if isinstance(value, (list, tuple)) else [value]
        wrong = next((label for label in values if label not in allowed), None)
        if wrong is None and value is not None:
            continue
        if value is None:
            what = f"no {column} in this row."
        else:
            what = f"{column} '{wrong}' is none of task.labels.{did_you_mean(str(wrong), known)}"
        raise RequestError(what, code="data.label", file=file or data.name or "data", line=line)


def _own_id(columns: Mapping[str, Any], meta: Mapping[str, Any]) -> str | None:
    own = columns.get("id")
    if own is None or own == "":
        own = meta.get("id")
    return None if own is None or own == "" else str(own)

"""Writers of one split each: rows go in one by one, memory stays flat, and every file of a kind has the same schema."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import orjson

from tilth.records.values import write_value

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_FILE = 250_000
"""Records in one Parquet file; more go to the next."""
_GROUP = 4096


class Writer(Protocol):
    """Takes the rows of one split."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row."""

    def close(self) -> None:
        """Write what is left."""


class JsonLines:
    """One JSON object a line, columns in their own order."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one line."""
        self._file.write(_line(row) + b"\n")

    def close(self) -> None:
        """Nothing is left."""


class JsonArray:
    """One array of objects, an object a line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._before = b"[\n"

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one object."""
        self._file.write(self._before + _line(row))
        self._before = b",\n"

    def close(self) -> None:
        """Close the array."""
        self._file.write(b"[]\n" if self._before == b"[\n" else b"\n]\n")


def _line(row: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(row)
    except TypeError:  # whole numbers beyond 64 bits
        return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


RISKY = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings that spreadsheets take for a formula."""


class Csv:
    """Comma-separated values with a header (RFC 4180, so that a line break in a text survives). Nothing and the empty text are both empty.

    defuse: put an apostrophe before texts that a spreadsheet would take for a formula.
    """

    def __init__(self, file: BinaryIO, names: list[str], *, defuse: bool = False) -> None:
        self._names = names
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._writer.writerow(names)
        self._defuse = defuse

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one line; lists and mappings as JSON."""
        self._writer.writerow([self._cell(row.get(name)) for name in self._names])

    def close(self) -> None:
        """Give the file back."""
        self._text.flush()
        self._text.detach()

    def _cell(self, value: Any) -> Any:
        if isinstance(value, str):
            return "'" + value if self._defuse and value.startswith(RISKY) else value
        return value if value is None or isinstance(value, (int, float)) else _line(value).decode()


class Parquet:
    """Files ``SPLIT-00000-of-00002.parquet`` of `total` rows in all, compressed with zstd; the schema is given, not guessed."""

    def __init__(self, folder: Path, split: str, total: int, kinds: Mapping[str, str], *, meta: bool, most: int | None = None) -> None:
        self._most = most or ROWS_PER_FILE
        self.names = shard_names(split, total, self._most)
        self._folder, self._kinds, self._meta = folder, kinds, meta
        self._schema = arrow_schema(kinds, meta=meta)
        self._pending: list[dict[str, Any]] = []
        self._written, self._next = 0, 0
        self._writer: Any = None
        folder.mkdir(parents=True, exist_ok=True)
        self._open()

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row; a full group goes to the file."""
        if self._written == self._most:
            self._flush()
            self._writer.close()
            self._open()
        self._pending.append({name: _stored(self._kinds.get(name), value) for name, value in row.items()})
        self._written += 1
        if len(self._pending) == _GROUP:
            self._flush()

    def close(self) -> None:
        """Write the last group."""
        self._flush()
        self._writer.close()

    def _open(self) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self._folder / self.names[self._next], self._schema, compression="zstd")
        self._next += 1
        self._written = 0

    def _flush(self) -> None:
        import pyarrow as pa

        if self._pending:
            self._writer.write_table(pa.Table.from_pylist(self._pending, schema=self._schema))
            self._pending = []


def shard_names(split: str, total: int, most: int) -> list[str]:
    """Names of the Parquet files of a split, as the Hub has them."""
    number = max(1, -(-total // most))
    return [f"{split}-{at:05d}-of-{number:05d}.parquet" for at in range(number)]


def arrow_schema(kinds: Mapping[str, str], *, meta: bool) -> pa.Schema:
    """The one schema of a configuration: the columns, then `meta` as one struct with fixed fields."""
    import pyarrow as pa

    from tilth.records.arrow import arrow_type

    fields = [pa.field(name, arrow_type(kind)) for name, kind in kinds.items()]
    return pa.schema([*fields, *([pa.field("meta", meta_type())] if meta else [])])


def meta_type() -> pa.DataType:
    """The struct `meta`."""
    import pyarrow as pa

    from tilth.report.export.source import META

    listed = {"parents": pa.list_(pa.string()), "seed_ids": pa.list_(pa.string()), "round": pa.int32()}
    listed["scores"] = pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64()), ("by", pa.string()), ("detail", pa.string())]))
    listed["label_probs"] = pa.list_(pa.struct([("label", pa.string()), ("prob", pa.float64())]))
    return pa.struct([(name, listed.get(name, pa.string())) for name in META])


def _stored(kind: str | None, value: Any) -> Any:
    """A value as its column takes it; `meta` has no kind and is a struct already."""
    return value if kind is None or value is None else write_value(kind, value)


def text_writer(ending: str, file: BinaryIO, names: list[str], *, defuse: bool) -> Writer:
    """The writer of a text format."""
    if ending == "csv":
        return Csv(file, names, defuse=defuse)
    return JsonArray(file) if ending == "json" else JsonLines(file)


class Opened:
    """Writers by split, opened one by one and closed together."""

    def __init__(self, opened: Callable[[str, ExitStack], Writer]) -> None:
        self._open = opened
        self._writers: dict[str, Writer] = {}
        self._stack = ExitStack()

    def of(self, split: str) -> Writer:
        """The writer of a split."""
        if split not in self._writers:
            self._writers[split] = self._open(split, self._stack)
        return self._writers[split]

    def close(self) -> None:
        """Close all; the files too."""
        with self._stack:
            for writer in self._writers.values():
                writer.close()

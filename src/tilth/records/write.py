"""Write records: to one file whose ending chooses the format, or to the parts of a run (from `tilth.records.parts`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tilth.errors import RequestError
from tilth.records.atomic import replacing
from tilth.records.hints import listed
from tilth.records.ids import json_text
from tilth.records.parts import PartWriter, read_parts
from tilth.records.record import Record
from tilth.records.schema import Schema

__all__ = ["PartWriter", "read_parts", "write"]

_BATCH = 1024


def write(records: Iterable[Mapping[str, Any]], path: str | Path, *, schema: Schema | None = None, meta: bool = False) -> int:
    """Write records to a .jsonl, .json, .csv, .tsv or .parquet file and return how many.

    The file appears whole or not at all. Memory stays flat.

    Parameters
    ----------
    records: records or plain mappings.
    path: the ending chooses the format.
    schema: for Parquet: declared columns with lineage. Without it the types are taken from the first rows.
    meta: also write lineage: as one ``meta`` object in JSON formats, as the column ``id`` in CSV and TSV.

    Raises RequestError for another ending, or for a row that does not fit the table of the rows before it.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _WRITERS and suffix != ".parquet":
        raise RequestError(f"{path} has an ending that cannot be written. Use one of: {', '.join(_WRITERS)}, .parquet", code="data.format")
    with replacing(path) as file:
        if suffix == ".parquet":
            return _parquet(records, file, schema, str(path))
        return _WRITERS[suffix](_rows(records, nested=suffix.startswith(".json"), meta=meta), file, str(path))


def _rows(records: Iterable[Mapping[str, Any]], *, nested: bool, meta: bool) -> Iterator[dict[str, Any]]:
    for record in records:
        if meta and isinstance(record, Record) and record.meta:
            yield {**record.columns, "meta": record.meta} if nested else {"id": record.id, **record.columns}
        else:
            yield dict(record)


def _line(row: Mapping[str, Any]) -> bytes:
    """Columns in their own order (the order in which people declared them), so not canonical JSON."""
    try:
        return orjson.dumps(row, None, orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:
        return json_text(row).encode()


def _jsonl(rows: Iterator[dict[str, Any]], file: BinaryIO, _: str) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is the result
        file.write(_line(row) + b"\n")
    return count


def _json(rows: Iterator[dict[str, Any]], file: BinaryIO, _: str) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        file.write((b"[\n" if count == 1 else b",\n") + _line(row))
    file.write(b"\n]\n" if count else b"[]\n")
    return count


def _table(rows: Iterator[dict[str, Any]], file: BinaryIO, path: str, delimiter: str = ",") -> int:
    """Text as it is, None as nothing, lists and mappings as JSON."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer: Any = None
    names: list[str] = []
    count = 0
    for count, row in enumerate(rows, 1):
        if writer is None:
            names = list(row)
            writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
            writer.writerow(names)
        unknown = [name for name in row if name not in names]
        if unknown:
            what = (
                f"{path}: record {count} has a column '{unknown[0]}' unlike the first (which has: {listed(names)}). Write .jsonl instead."
            )
            raise RequestError(what, code="data.columns")
        writer.writerow([_cell(row.get(name)) for name in names])
    text.detach()
    return count


def _tsv(rows: Iterator[dict[str, Any]], file: BinaryIO, path: str) -> int:
    return _table(rows, file, path, "\t")


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    return json_text(value)


def _parquet(records: Iterable[Mapping[str, Any]], file: BinaryIO, schema: Schema | None, path: str) -> int:
    arrow: pa.Schema | None = schema.to_arrow() if schema else None
    writer: pq.ParquetWriter | None = None
    count = 0
    try:
        for batch in _batches(schema.row(record) if schema else dict(record) for record in records):
            table = _one_table(batch, arrow, path, count)
            if writer is None:
                arrow = table.schema
                writer = pq.ParquetWriter(file, arrow, compression="zstd")
            writer.write_table(table)
            count += len(batch)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        pq.write_table((arrow or pa.schema([])).empty_table(), file)
    return count


def _one_table(batch: list[dict[str, Any]], arrow: pa.Schema | None, path: str, before: int) -> pa.Table:
    unknown = {name for row in batch for name in row}.difference(arrow.names) if arrow is not None else set()
    try:
        if unknown:
            raise pa.ArrowInvalid(f"column '{min(unknown)}' is new")
        return pa.Table.from_pylist(batch, schema=arrow or _all_columns(batch))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
        why = str(error).splitlines()[0]
        raise RequestError(
            f"{path}: records from {before + 1} on do not fit one table ({why}). Write .jsonl instead.", code="data.columns"
        ) from error


def _all_columns(batch: list[dict[str, Any]]) -> pa.Schema:
    """The columns of all rows in order of first appearance; pyarrow alone looks at the first row only."""
    names = dict.fromkeys(name for row in batch for name in row)
    return pa.schema([pa.field(name, pa.array([row.get(name) for row in batch]).type) for name in names])


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


_WRITERS: dict[str, Callable[[Iterator[dict[str, Any]], BinaryIO, str], int]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": _table,
    ".tsv": _tsv,
}

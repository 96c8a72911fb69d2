"""Part files: rows in Parquet, cut by row count only, each visible only when it is complete.

The same rows give the same bytes (with one version of pyarrow), so a run that is executed again rewrites its parts
without a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tilth.records.atomic import replacing
from tilth.records.schema import Schema

ROWS_PER_PART = 8192
_BATCH = 1024  # rows held as Python objects before they become a compact Arrow batch


class PartWriter:
    """Writes ``{stem}-00000.parquet``, ``{stem}-00001.parquet`` ... into a folder.

    Parameters
    ----------
    directory: created where needed.
    stem: the beginning of the file names.
    schema: ours or pyarrow's; keys of a row that it does not name are ignored, missing ones become null.
    rows_per_part: rows in each part but the last.
    first: number of the first part.
    keep_empty: write one part without rows when no row was added.

    As a context manager it closes at the end of the block, and leaves only complete parts when the block fails.
    Memory is bounded by one part. Raises OutsideError when the disk is full.
    """

    def __init__(
        self,
        directory: Path,
        stem: str,
        schema: Schema | pa.Schema,
        rows_per_part: int = ROWS_PER_PART,
        *,
        first: int = 0,
        keep_empty: bool = False,
    ) -> None:
        self.directory = Path(directory)
        self.stem = stem
        self.schema = schema.to_arrow() if isinstance(schema, Schema) else schema
        self.rows_per_part = rows_per_part
        self.rows = 0
        self._next = first
        self._first = first
        self._keep_empty = keep_empty
        self._pending: list[Mapping[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []
        self._in_part = 0
        self.directory.mkdir(parents=True, exist_ok=True)

    def add(self, row: Mapping[str, Any]) -> None:
        """Append one row; a part is written as soon as it is full."""
        self._pending.append(row)
        self.rows += 1
        self._in_part += 1
        if self._in_part == self.rows_per_part:
            self._flush_part()
        elif len(self._pending) >= _BATCH:
            self._flush_batch()

    def close(self) -> None:
        """Write the last, shorter part, and remove parts that an earlier, longer execution left behind."""
        if self._in_part or (self._keep_empty and self._next == self._first):
            self._flush_part()
        remove_parts(self.directory, self.stem, self._next)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()

    def _flush_batch(self) -> None:
        self._batches.append(pa.RecordBatch.from_pylist(self._pending, schema=self.schema))
        self._pending = []

    def _flush_part(self) -> None:
        if self._pending:
            self._flush_batch()
        table = pa.Table.from_batches(self._batches, schema=self.schema).combine_chunks()
        self._batches, self._in_part = [], 0
        write_table(part_path(self.directory, self.stem, self._next), table)
        self._next += 1


def write_table(path: Path, table: pa.Table) -> None:
    """Write one Parquet file (zstd) that is on disk, whole, when this returns."""
    with replacing(path) as file:
        pq.write_table(table, file, compression="zstd", row_group_size=ROWS_PER_PART)


def part_path(directory: Path, stem: str, number: int) -> Path:
    """The path of a part by its number."""
    return directory / f"{stem}-{number:05d}.parquet"


def parts(directory: Path, stem: str) -> list[Path]:
    """The complete parts of a stem, in order; an absent folder has none."""
    found = [(number, path) for path in directory.glob(f"{stem}-*.parquet") if (number := _number(path, stem)) is not None]
    return [path for _, path in sorted(found)]


def remove_parts(directory: Path, stem: str, first: int) -> None:
    """Remove the parts from number `first` on, and what a killed writer left aside."""
    for path in parts(directory, stem)[::-1]:
        number = _number(path, stem)
        if number is not None and number >= first:
            path.unlink()
    for path in directory.glob(f"{stem}-*.parquet.tmp"):
        path.unlink()


def read_parts(directory: Path, stem: str, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of all parts in order, a batch at a time (flat memory). `columns` reads only these."""
    for path in parts(Path(directory), stem):
        yield from read_rows(path, columns)


def read_rows(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of one Parquet file, a batch at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH, columns=columns, use_threads=False):
            yield from batch.to_pylist()


def _number(path: Path, stem: str) -> int | None:
    digits = path.name[len(stem) + 1 : -len(".parquet")]
    return int(digits) if digits.isdigit() else None

"""CSV, TSV and Parquet."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator

from tilth.errors import RequestError
from tilth.records.formats import Rows, Source
from tilth.records.formats.texts import decoded, raw_lines
from tilth.records.schema import Schema

_REMEDY = "Fix the row, or skip such rows with: --bad-lines skip"


def csv_file(source: Source) -> Rows:
    """Comma-separated values with a header; semicolons where the header has no comma. All values are text."""
    return _table(source, None)


def tsv_file(source: Source) -> Rows:
    """Tab-separated values with a header."""
    return _table(source, "\t")


def _table(source: Source, delimiter: str | None) -> Rows:
    names: list[str] = []
    for line, row in _split(source, delimiter):
        if not names:
            names = _names(source, line, row)
        elif len(row) == len(names):
            yield line, {name: value for name, value in zip(names, row, strict=True) if name}
        else:
            _bad(source, line, f"{len(row)} {'value' if len(row) == 1 else 'values'} for {len(names)} columns")


def _split(source: Source, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells with the physical line on which each begins; blank lines are left out."""
    lines = ((number, decoded(source, number, line)) for number, line in raw_lines(source))
    start, header = next(((number, line) for number, line in lines if line.strip()), (1, ""))
    if delimiter is None:
        delimiter = ";" if "," not in header and ";" in header else ","
    # The limit is one for the process; documents in a cell are longer than its default of 128 KiB.
    csv.field_size_limit(2**31 - 1)
    table = csv.reader(itertools.chain([header], (line for _, line in lines)), delimiter=delimiter, strict=True)
    while True:
        line = start + table.line_num
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            _bad(source, line, f"not readable as CSV ({error})")
            continue
        if row:
            yield line, row


def _bad(source: Source, line: int, what: str) -> None:
    """Count a bad row when such rows are skipped, else stop."""
    if not source.skip:
        raise RequestError(f"{what}. {_REMEDY}", code="data.bad_row", file=source.shown, line=line)
    source.skipped.append(f"{source.shown}:{line}")


def parquet_file(source: Source) -> Rows:
    """Rows of a Parquet file, a batch at a time; files that Tilth wrote give records with their lineage."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(source.path)
    except pa.ArrowInvalid as error:
        raise RequestError(f"{source.shown} is not a Parquet file ({str(error).splitlines()[0]})", code="data.format") from None
    with file:
        schema = Schema.from_arrow(file.schema_arrow)
        number = 0
        for batch in file.iter_batches(batch_size=1024, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield number, schema.record(row) if schema else row


def _names(source: Source, line: int, row: list[str]) -> list[str]:
    """The header; a first column without a name is an index (pandas writes one) and is left out."""
    names = [name.strip() for name in row]
    for at, name in enumerate(names):
        if not name and at:
            raise RequestError(f"column {at + 1} of the header has no name.", code="data.header", file=source.shown, line=line)
        if names.count(name) > 1:
            raise RequestError(f"the header names '{name}' twice.", code="data.header", file=source.shown, line=line)
    return names

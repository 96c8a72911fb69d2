"""One reader per file format: each yields ``(line, row)`` and streams where the format allows it.

`line` is what an error names: the physical line in text formats (where the row begins), the row's number (from 1) in
JSON arrays and Parquet, None where a file is one record.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Rows = Iterator[tuple[int | None, Mapping[str, Any]]]


@dataclass
class Source:
    """One file to be read. `shown` is its name in errors; a bad line is counted in `skipped` and left out when `skip`."""

    path: str
    shown: str
    skip: bool = False
    skipped: list[str] = field(default_factory=list)


READERS = {
    ".jsonl": "jsons:jsonl",
    ".ndjson": "jsons:jsonl",
    ".json": "jsons:json_file",
    ".csv": "tables:csv_file",
    ".tsv": "tables:tsv_file",
    ".parquet": "tables:parquet_file",
    ".txt": "texts:txt",
    ".md": "texts:document",
}
"""Ending to the module and function that reads it."""


def reader(suffix: str) -> Callable[[Source], Rows]:
    """The reader of an ending (a key of `READERS`); its module is imported now."""
    module, name = READERS[suffix].split(":")
    found: Callable[[Source], Rows] = getattr(importlib.import_module(f"tilth.records.formats.{module}"), name)
    return found

"""Rows on disk for steps that need the whole set: append-only, indexable, flat in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from tilth.records.record import Record


class Spool:
    """A list of records in a file. Rebuilt by re-execution, so it is never read back by a later start."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w+b")
        self._offsets = array("Q")

    def append(self, record: Record) -> None:
        """Add a record at the end."""
        self._offsets.append(self._file.seek(0, 2))
        self._file.write(orjson.dumps({"columns": record.columns, "meta": record.meta}, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, index: int) -> Record:
        self._file.seek(self._offsets[index])
        return self._record(self._file.readline())

    def __iter__(self) -> Iterator[Record]:
        for index in range(len(self)):
            yield self[index]

    def column(self, name: str) -> list[Any]:
        """One column of all records, in order (None where absent)."""
        return [record.get(name) for record in self]

    @staticmethod
    def _record(line: bytes) -> Record:
        stored = orjson.loads(line)
        return Record(stored["columns"], meta=stored["meta"])

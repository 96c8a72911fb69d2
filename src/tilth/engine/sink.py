"""Where records end: ids and lineage are completed here, and rows go to parts in program order."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from tilth.engine.place import Reject
from tilth.engine.progress import Progress
from tilth.errors import Bug, Failure
from tilth.records.folder import RunFolder
from tilth.records.ids import short_hash
from tilth.records.parts import PartWriter
from tilth.records.record import Record
from tilth.records.schema import Schema

if TYPE_CHECKING:
    from tilth.engine.method import Method

PARTIAL = "partial"


class Sink:
    """Writes kept records to rows/part-* and rejected ones to rows/rejected-*, and counts both."""

    def __init__(self, folder: RunFolder, method: Method, columns: Mapping[str, Any], *, run: str, stage: str, progress: Progress) -> None:
        self._folder = folder
        self._run = run
        self._stage = stage
        self._method = method.name
        self._progress = progress
        self.schema = Schema.of(columns)
        self._kept = PartWriter(folder.rows, "part", self.schema.to_arrow())
        self._lenient = self.schema.rejected()
        self._rejected = PartWriter(folder.rows, "rejected", self._lenient.to_arrow())
        self._ids = array("Q")
        self.reasons: Counter[tuple[str, str]] = Counter()
        self._partial: Any = None

    def keep(self, record: Record) -> None:
        """One record that left `generate`."""
        self._complete(record)
        self._ids.append(short_hash(record.meta["id"]))
        try:
            row = self.schema.row(record)
        except Failure as failure:
            self.reject(Reject(record, failure.reason, "schema", failure.detail))
            return
        self._kept.add(row)
        self._progress.kept += 1
        self._progress.last_kept = _shown(record)

    def reject(self, reject: Reject) -> None:
        """One record that will not be kept."""
        record = reject.record
        self._complete(record)
        why = {name: getattr(reject, name) for name in ("reason", "step", "detail", "score", "neighbour", "raw", "trace")}
        self._rejected.add(self._lenient.row(record, why))
        self.reasons[(reject.step, reject.reason)] += 1
        self._progress.rejected += 1
        self._progress.reasons[reject.reason] += 1

    def check_ids(self) -> None:
        """No record was yielded twice. Looked at once, at the end: 8 bytes a record, sorted in place."""
        import numpy as np

        ids = np.frombuffer(self._ids, dtype=np.uint64) if self._ids else np.empty(0, dtype=np.uint64)
        ids.sort()
        twice = int((ids[1:] == ids[:-1]).sum())
        if twice:
            what = f"{twice} records have the id of another: a record was yielded twice. Use record.derive(…) for a new one."
            raise Bug(what, code="bug.same_id")

    def partial(self, records: list[Record]) -> None:
        """Finished rows behind a stop: not part of the result, but not lost to the eye either."""
        if self._partial is None:
            self._partial = open(self._folder.partial, "wb")  # noqa: SIM115 - closed in close()
        for record in records:
            self._partial.write(orjson.dumps({**record.columns, "meta": record.meta}, default=str) + b"\n")

    def close(self) -> None:
        """Write the last parts."""
        self._kept.close()
        self._rejected.close()
        if self._partial is not None:
            self._partial.close()

    def _complete(self, record: Record) -> None:
        meta = record.meta
        meta["run"] = self._run
        meta["stage"] = self._stage
        meta["method"] = self._method
        meta.setdefault("parents", [])
        meta.setdefault("seed_ids", [])
        meta.setdefault("round", 0)
        meta.setdefault("origin", "model")


def _shown(record: Record) -> str:
    """A record for a display: its label, a tab, and its text; else its first column."""
    columns = dict(record.items())
    label = columns.pop("label", None)
    text = str(columns.get("text") or next(iter(columns.values()), ""))[:200]
    return text if label is None else f"{str(label)[:40]}\t{text}"

"""Records of a run by id or by reason, kept or rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.records.folder import RunFolder
    from tilth.records.record import Record
    from tilth.records.schema import Schema

SHORTEST = 6
"""Characters of an id that are enough where they are unambiguous."""


def by_id(folder: RunFolder, prefix: str) -> tuple[Record, str]:
    """The record whose id begins with `prefix`, and its state (kept or rejected).

    Raises
    ------
    RequestError: none, or more than one.
    """
    from tilth.records.results import find

    found = find(folder, prefix)
    if not found:
        short = f" Give at least {SHORTEST} characters." if len(prefix) < SHORTEST else f" List some with: tilth trace {folder.name}"
        raise RequestError(f"no record of {folder.name} has an id that begins with '{prefix}'.{short}", code="trace.unknown")
    if len({row["id"] for _, row in found}) > 1:
        few = ", ".join(str(row["id"])[: len(prefix) + 4] for _, row in found[:4])
        raise RequestError(f"{len(found)} records begin with '{prefix}': {few}. Give more characters.", code="trace.ambiguous")
    state, row = found[0]
    return _schema(_files(folder, state)[0]).record(row), state


def some(folder: RunFolder, n: int, reason: str | None = None) -> Iterator[tuple[Record, str]]:
    """The first `n` records: the kept ones, or those rejected for `reason`, or by the step of that name ("any": all that were)."""
    from tilth.records.parts import read_rows

    left = n
    state = "rejected" if reason else "kept"
    for path in _files(folder, state):
        schema = _schema(path)
        for row in read_rows(path):
            if left == 0:
                return
            if reason in (None, "any", row.get("reason"), row.get("step")):
                left -= 1
                yield schema.record(row), state


def all_reasons(folder: RunFolder) -> dict[str, int]:
    """Reason of rejection to how many records, most frequent first."""
    from tilth.records.parts import read_rows

    rows = (row for path in _files(folder, "rejected") for row in read_rows(path, ["reason"]))
    return dict(Counter(str(row["reason"]) for row in rows).most_common())


def _files(folder: RunFolder, state: str) -> list[Path]:
    """The result's parts; before the run has results, what generation has written so far."""
    from tilth.records.parts import parts

    if parts(folder.data, "part"):
        return parts(folder.data if state == "kept" else folder.rejected, "part")
    return parts(folder.rows, "part" if state == "kept" else "rejected")


def _schema(path: Path) -> Schema:
    import pyarrow.parquet as pq

    from tilth.records.schema import Schema

    schema = Schema.from_arrow(pq.read_schema(path))
    if schema is None:
        raise RequestError(f"{path} was not written by tilth.", code="trace.foreign")
    return schema

"""The result of a run: rows layered with decisions. Nothing that generation wrote is ever edited.

``rows/part-*`` and ``rows/rejected-*`` are what left generation; ``decisions.parquet`` says which rows curation drops;
``data/`` and ``rejected/`` are made from these three, as often as thresholds move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tilth.errors import RequestError
from tilth.records.atomic import link, replacing
from tilth.records.folder import RunFolder
from tilth.records.ids import short_hash
from tilth.records.notes import Notes
from tilth.records.parts import PartWriter, part_path, parts, read_rows, remove_parts, write_table
from tilth.records.schema import Schema

_TEXT = ("id", "step", "action", "reason", "neighbour", "before", "after")
_SHORTEST_PREFIX = 6


def decision_schema() -> pa.Schema:
    """Columns of decisions.parquet: id, step, action, reason, score, neighbour, before, after (the last two JSON)."""
    names = ("id", "step", "action", "reason", "score", "neighbour", "before", "after")
    return pa.schema([pa.field(name, pa.string() if name in _TEXT else pa.float64()) for name in names])


def write_decisions(folder: RunFolder, decisions: Iterable[Mapping[str, Any]]) -> int:
    """Replace decisions.parquet and return how many decisions it holds. ``action`` ``"drop"`` rejects the record."""
    schema, batch, count = decision_schema(), list[Mapping[str, Any]](), 0
    with replacing(folder.decisions) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for count, decision in enumerate(decisions, 1):  # noqa: B007 - the last number is the result
            batch.append(decision)
            if len(batch) == 8192:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                batch = []
        if batch:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return count


def finalise(folder: RunFolder, schema: Schema) -> tuple[int, int]:
    """Make ``data/`` and ``rejected/`` from rows and decisions; returns how many records were kept and rejected.

    A part without a decision is a link to the part in ``rows/``. Memory: one part, 16 bytes per dropped row, and the other
    decisions (some hundred bytes each). The first decision that drops a record gives its reason. What is flagged or for review
    says so in ``scores``; a weight is in the column ``weight``, then 1 for all others. Safe to repeat and to kill at any moment.
    """
    drops, notes = _Drops(folder.decisions), Notes(folder.decisions)
    folder.data.mkdir(parents=True, exist_ok=True)
    folder.rejected.mkdir(parents=True, exist_ok=True)
    links, rejected = 0, 0
    for links, path in enumerate(parts(folder.rows, "rejected"), 1):
        link(path, part_path(folder.rejected, "part", links - 1))
        rejected += pq.read_metadata(path).num_rows
    kept, made = 0, 0
    with PartWriter(folder.rejected, "part", schema.rejected(), first=links) as writer:
        for made, path in enumerate(parts(folder.rows, "part"), 1):
            target = part_path(folder.data, "part", made - 1)
            kept += _layer(path, target, drops, schema, writer)
            notes.lay(target, schema)
    if not made:
        write_table(part_path(folder.data, "part", 0), schema.to_arrow().empty_table())
    remove_parts(folder.data, "part", max(made, 1))
    return kept, rejected + writer.rows


def _layer(path: Path, target: Path, drops: _Drops, schema: Schema, rejected: PartWriter) -> int:
    """One part: link it, or write it again without its dropped rows. Returns how many rows were kept."""
    ids = pq.read_table(path, columns=["id"], use_threads=False)["id"].to_pylist() if len(drops) else []
    found = drops.find(ids)
    if not found:
        link(path, target)
        return int(pq.read_metadata(path).num_rows)
    table = pq.read_table(path, use_threads=False)
    for row, why in zip(table.take(pa.array(list(found))).to_pylist(), found.values(), strict=True):
        record = schema.record(row)
        rejected.add(schema.rejected_row(record, **{key: why[key] for key in ("reason", "step", "score", "neighbour")}))
    mask = np.ones(len(ids), dtype=bool)
    mask[list(found)] = False
    kept = table.filter(pa.array(mask))
    write_table(target, kept)
    return int(kept.num_rows)


class _Drops:
    """Which ids are dropped and why: 16 bytes each in memory; the reasons stay in the file."""

    def __init__(self, path: Path) -> None:
        self._hashes = np.empty(0, np.uint64)
        self._rows = np.empty(0, np.int64)
        self._file: pq.ParquetFile | None = None
        self._group: tuple[int, pa.Table] | None = None
        if not path.exists():
            return
        self._file = pq.ParquetFile(path)
        hashes, rows = [], []
        start = 0
        for batch in self._file.iter_batches(batch_size=8192, columns=["id", "action"], use_threads=False):
            at = np.flatnonzero(pc.fill_null(pc.equal(batch["action"], "drop"), False).to_numpy(zero_copy_only=False))
            ids = batch["id"].take(pa.array(at)).to_pylist()
            hashes.append(np.fromiter((short_hash(id_ or "") for id_ in ids), np.uint64, len(ids)))
            rows.append(at.astype(np.int64) + start)
            start += len(batch)
        if hashes:
            self._hashes, first = np.unique(np.concatenate(hashes), return_index=True)
            self._rows = np.concatenate(rows)[first]
        groups = [self._file.metadata.row_group(index).num_rows for index in range(self._file.num_row_groups)]
        self._ends = np.cumsum(groups)

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, ids: list[str | None]) -> dict[int, dict[str, Any]]:
        """Position in `ids` to the decision that drops it, for those that are dropped."""
        if not len(self) or not ids:
            return {}
        wanted = np.fromiter((short_hash(id_ or "") for id_ in ids), np.uint64, len(ids))
        at = np.minimum(np.searchsorted(self._hashes, wanted), len(self) - 1)
        out = {}
        for position in np.flatnonzero(self._hashes[at] == wanted).tolist():
            decision = self._decision(int(self._rows[at[position]]))
            if decision["id"] == ids[position]:
                out[position] = decision
        return out

    def _decision(self, row: int) -> dict[str, Any]:
        assert self._file is not None
        group = int(np.searchsorted(self._ends, row, side="right"))
        if self._group is None or self._group[0] != group:
            self._group = (group, self._file.read_row_group(group, use_threads=False))
        start = int(self._ends[group - 1]) if group else 0
        found: dict[str, Any] = self._group[1].slice(row - start, 1).to_pylist()[0]
        return found


def find(folder: RunFolder, prefix: str) -> list[tuple[str, dict[str, Any]]]:
    """Rows whose id begins with `prefix`, each with its status ``kept`` or ``rejected``.

    At least 6 characters; a shorter text must be the whole id. Looks into ``data/`` and ``rejected/``, or into ``rows/``
    before the run has results. Only the id column is read until one fits.
    """
    if not prefix:
        raise RequestError(f"give at least {_SHORTEST_PREFIX} characters of the record's id.", code="trace.id")
    has_results = bool(parts(folder.data, "part"))
    places = ((folder.data, "part"), (folder.rejected, "part")) if has_results else ((folder.rows, "part"), (folder.rows, "rejected"))
    out: list[tuple[str, dict[str, Any]]] = []
    for status, (directory, stem) in zip(("kept", "rejected"), places, strict=True):
        for path in parts(directory, stem):
            out.extend((status, row) for row in _matching(path, prefix))
    return out


def _matching(path: Path, prefix: str) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, columns=["id"], use_threads=False)["id"]
            fits = pc.starts_with(ids, prefix) if len(prefix) >= _SHORTEST_PREFIX else pc.equal(ids, prefix)
            if pc.any(fits).as_py():
                yield from file.read_row_group(group, use_threads=False).filter(fits).to_pylist()


def read_decisions(folder: RunFolder) -> Iterator[dict[str, Any]]:
    """The decisions in the order in which they were written; none where there is no file."""
    if folder.decisions.exists():
        yield from read_rows(folder.decisions)


def schema_of(folder: RunFolder) -> Schema | None:
    """The schema of a run's rows, as its first part declares it; None where there are no rows."""
    first = part_path(folder.rows, "part", 0)
    return Schema.from_arrow(pq.read_schema(first)) if first.exists() else None

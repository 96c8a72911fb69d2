"""Where a run's records went, counted in its files: tried, generated, kept, and each loss in the order in which it happened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.records.folder import RunFolder

if TYPE_CHECKING:
    import pyarrow as pa

DROP, REVIEW = "drop", "review"


@dataclass(frozen=True, slots=True)
class Loss:
    """Records that a step turned away, or marked.

    stage: generate or curate. step: the method's step, or the id of the curation step. action: drop for what is gone; flag,
    review, weight, relabel for what stays.
    """

    stage: str
    step: str
    reason: str
    n: int
    action: str


@dataclass(frozen=True, slots=True)
class Counts:
    """See `tilth.report.facts.Facts`. unscored: step to the share of its rows without a score. steps: of the curation."""

    given: bool = False
    tried: int = 0
    generated: int = 0
    kept: int = 0
    rejected: int = 0
    to_review: int = 0
    losses: tuple[Loss, ...] = ()
    methods: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    unscored: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[str, ...] = ()


def counts(folder: RunFolder) -> Counts:
    """Count a run's rows. Memory: one batch, and the ids of the rows that wait for people."""
    generated = _rows(folder.rows, "part")
    refused = _reasons(folder.rows)
    decided, dropped, to_review = _decisions(folder.decisions)
    kept = _rows(folder.data, "part")
    if not any(folder.data.glob("part-*.parquet")):  # killed before the result was laid out
        kept = max(0, generated - dropped)
    losses = [Loss("generate", step, reason, n, DROP) for (step, reason), n in refused.items()]
    losses += [Loss("curate", step, reason, n, action) for (step, reason, action), n in decided.items()]
    lost = sum(refused.values())
    methods, columns = _first(folder)
    unscored, steps = _curation(folder)
    return Counts(
        given="given" in methods,
        tried=generated + lost,
        generated=generated,
        kept=kept,
        rejected=lost + max(0, generated - kept),
        to_review=to_review,
        losses=tuple(losses),
        methods=methods,
        columns=columns,
        unscored=unscored,
        steps=steps,
    )


def laid_out(folder: RunFolder) -> tuple[int, int] | None:
    """Rows of data/ and of rejected/, from what the files say of themselves; None before the result was laid out."""
    if not any(folder.data.glob("part-*.parquet")):
        return None
    return _rows(folder.data, "part"), _rows(folder.rejected, "part")


def _rows(directory: Path, stem: str) -> int:
    """Rows of all parts; one that cannot be read has none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tilth.records.parts import parts

    total = 0
    for path in parts(directory, stem) if directory.is_dir() else ():
        try:
            total += pq.read_metadata(path).num_rows
        except (OSError, pa.ArrowException):
            continue
    return total


def _batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Batches of a file, or none where it cannot be read or does not have the columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if set(columns) <= set(file.schema_arrow.names):
                yield from file.iter_batches(batch_size=65_536, columns=list(columns), use_threads=False)
    except (OSError, pa.ArrowException):
        return


def _tally(batch: pa.RecordBatch, columns: Sequence[str], into: Counter[tuple[str, ...]]) -> None:
    """Add how often each combination occurs, in the order of its first row."""
    import pyarrow as pa

    table = pa.Table.from_batches([batch]).append_column("at", pa.array(range(len(batch)), pa.int64()))
    found = table.group_by(list(columns), use_threads=False).aggregate([("at", "count"), ("at", "min")]).sort_by("at_min").to_pylist()
    for row in found:
        into[tuple(str(row[name] or "") for name in columns)] += row["at_count"]


def _reasons(rows: Path) -> Counter[tuple[str, ...]]:
    """(step, reason) to how many, of what generation turned away; by number, for they happen side by side."""
    from tilth.records.parts import parts

    found: Counter[tuple[str, ...]] = Counter()
    for path in parts(rows, "rejected") if rows.is_dir() else ():
        for batch in _batches(path, ("step", "reason")):
            _tally(batch, ("step", "reason"), found)
    return Counter(dict(found.most_common()))


def _decisions(path: Path) -> tuple[Counter[tuple[str, ...]], int, int]:
    """(step, reason, action) to how many, in the order of the steps; rows that are dropped; rows that stay and wait for people."""
    import pyarrow.compute as pc

    found: Counter[tuple[str, ...]] = Counter()
    waiting: set[str] = set()
    dropped = 0
    for batch in _batches(path, ("id", "step", "reason", "action")) if path.exists() else ():
        _tally(batch, ("step", "reason", "action"), found)
        gone = batch.filter(pc.equal(batch["action"], DROP))
        dropped += len(gone)
        waiting.update(batch.filter(pc.equal(batch["action"], REVIEW))["id"].to_pylist())
        if waiting:
            waiting.difference_update(gone["id"].to_pylist())
    return found, dropped, len(waiting)


def _first(folder: RunFolder) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The method of the first rows, and the columns without lineage."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tilth.records.parts import parts
    from tilth.records.schema import Schema

    for directory in (folder.data, folder.rows):
        for path in parts(directory, "part")[:1] if directory.is_dir() else ():
            try:
                schema = Schema.from_arrow(pq.read_schema(path))
            except (OSError, pa.ArrowException):
                continue
            methods = next((dict.fromkeys(batch["method"].to_pylist()) for batch in _batches(path, ("method",))), {})
            return tuple(name for name in methods if name), tuple(schema.columns) if schema is not None else ()
    return (), ()


def _curation(folder: RunFolder) -> tuple[dict[str, float], tuple[str, ...]]:
    """Step to the share of rows that it could not score, and the steps in order."""
    steps: list[dict[str, Any]] = read(folder.artifacts / "curation.json").get("steps") or []
    try:
        return {one["step"]: one["unscored"] / max(1, one["before"]) for one in steps}, tuple(one["step"] for one in steps)
    except (KeyError, TypeError):  # another version's
        return {}, ()


def read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where the file is absent, cut off or something else."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

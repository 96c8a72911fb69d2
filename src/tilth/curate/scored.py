"""The scores of a step on disk: computed once, used again while the scorer and what it reads are the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tilth.records.atomic import replacing
from tilth.records.parts import read_rows
from tilth.score.base import Score, Scorer

if TYPE_CHECKING:
    from tilth.score.rows import Rows

_KEY = b"tilth scores"
_BATCH = 8192


class Scores:
    """The scores in a file, in row order, read anew by each iteration; only those of `rows`."""

    def __init__(self, path: Path, rows: Rows) -> None:
        self.path = path
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Score]:
        stored = self.all(self.path)
        for own in self._rows.ids():
            found = next((score for score in stored if score.id == own), None)
            if found is not None:
                yield found

    @staticmethod
    def all(path: Path) -> Iterator[Score]:
        """Every score in a file."""
        for row in read_rows(path, ["id", "score", "text", "detail", "neighbour"]):
            yield Score(row["id"], row["text"] if row["text"] is not None else row["score"], row["detail"] or "", row["neighbour"])


def schema(key: dict[str, str]) -> pa.Schema:
    """Columns of a file of scores. score: the value where it is a number; text: where it is a name."""
    texts = ("text", "detail", "neighbour", "scorer")
    fields = [pa.field("id", pa.string()), pa.field("score", pa.float64()), *(pa.field(name, pa.string()) for name in texts)]
    return pa.schema([*fields, pa.field("version", pa.int32())], metadata={_KEY: orjson.dumps(key)})


def key_of(scorer: Scorer, depends: bytes, rows: Rows, base: bytes) -> dict[str, str]:
    """What scores belong to. A score of each row alone is as good for any part of the stored rows that it covers."""
    return {"scorer": scorer.fingerprint().hex(), "depends": depends.hex(), "rows": (rows.mark if scorer.dataset_wise else base).hex()}


def reusable(path: Path, key: dict[str, str], rows: Rows) -> bool:
    """Whether the file holds these scores of all these rows."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return False
    if orjson.loads(metadata.get(_KEY, b"{}")) != key:
        return False
    stored = (row["id"] for row in read_rows(path, ["id"]))
    return all(any(own == other for other in stored) for own in rows.ids())


async def write(path: Path, key: dict[str, str], scorer: Scorer, scores: AsyncIterator[Score]) -> int:
    """Write scores as they come; the file appears whole or not at all. Returns how many there are."""
    layout, batch, count = schema(key), list[dict[str, Any]](), 0
    with replacing(path) as file, pq.ParquetWriter(file, layout, compression="zstd") as writer:
        async for score in scores:
            batch.append(_row(score, scorer))
            count += 1
            if len(batch) == _BATCH:
                writer.write_table(pa.Table.from_pylist(batch, schema=layout))
                batch = []
        if batch:
            writer.write_table(pa.Table.from_pylist(batch, schema=layout))
    return count


def _row(score: Score, scorer: Scorer) -> dict[str, Any]:
    text = score.value if isinstance(score.value, str) else None
    same = {"id": score.id, "score": score.number, "text": text, "detail": score.detail, "neighbour": score.neighbour}
    return {**same, "scorer": scorer.name, "version": scorer.version}

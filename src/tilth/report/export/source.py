"""What an export reads: the records of a run, one after the other, as plain columns and one `meta` of fixed fields."""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.errors import RequestError
from tilth.records.folder import RunFolder
from tilth.records.hints import did_you_mean
from tilth.records.ids import json_text, json_value
from tilth.records.record import META_KEYS
from tilth.records.schema import WHY, Schema
from tilth.records.values import read_value

if TYPE_CHECKING:
    import pyarrow as pa

META = (*META_KEYS, "label_source", "conditions", "scores", "label_probs", "extras")
"""Fields of `meta` in every export, in order. conditions and extras are JSON text, so that every file has one schema."""

_POSITION = "__position"
_MERGE_ROWS = 256
"""Rows of each sorted piece that are in memory while they are merged."""


class Row(NamedTuple):
    """One record. position: its number in the run's data, which does not depend on sorting."""

    position: int
    columns: dict[str, Any]
    meta: dict[str, Any]


@dataclass(frozen=True)
class Source:
    """The kept records of a run (`rejected`: the rejected ones).

    only: columns that leave; empty: all. label: ``resolved`` (as the data holds it), ``model`` (before any decision changed it),
    ``people`` (only records whose label a person decided). sort: a column. by: score to what computed it.
    """

    folder: RunFolder
    only: tuple[str, ...] = ()
    label: str = "resolved"
    sort: str | None = None
    by: Mapping[str, str] = field(default_factory=dict)
    rejected: bool = False

    @cached_property
    def paths(self) -> list[Path]:
        """The files that hold the records."""
        from tilth.records.parts import parts

        return parts(self.folder.rejected if self.rejected else self.folder.data, "part")

    @cached_property
    def schema(self) -> Schema:
        """Declared columns of the files."""
        import pyarrow.parquet as pq

        found = Schema.from_arrow(pq.read_schema(self.paths[0])) if self.paths else None
        if found is None:
            raise RequestError(f"{self.folder.name} has no records to export yet. Continue it with: tilth run", code="export.no_data")
        return found

    @cached_property
    def columns(self) -> dict[str, str]:
        """Columns that leave, with their kinds, in the order asked for."""
        known = {name: kind.name for name, kind in self.schema.columns.items() if name != "label_probs"}
        if self.rejected:
            known |= {name: "float" if name == "score" else "str" for name in WHY if name != "trace"}
        unknown = next((name for name in self.only if name not in known), None)
        if unknown is not None and not self.rejected:
            what = f"{self.folder.name} has no column '{unknown}'.{did_you_mean(unknown, known)}"
            raise RequestError(what, code="export.column")
        wanted = [*self.only, *WHY] if self.rejected and self.only else self.only or known
        return {name: known[name] for name in wanted if name in known}

    @property
    def plain(self) -> Source:
        """The same records with all columns, in the order of the data."""
        return replace(self, only=(), sort=None)

    @cached_property
    def count(self) -> int:
        """How many records there are."""
        import pyarrow.parquet as pq

        return sum(int(pq.read_metadata(path).num_rows) for path in self.paths)

    @cached_property
    def label_column(self) -> str | None:
        """The column that is a class: `label`, where it is text, a number or a truth value."""
        from tilth.report.contents import has_classes

        return "label" if has_classes({name: kind.name for name, kind in self.schema.columns.items()}) else None

    def rows(self) -> Iterator[Row]:
        """All records, in order."""
        before = _labels_before(self.folder) if self.label == "model" else {}
        for position, stored in self._sorted() if self.sort else self._stored():
            columns = {name: read_value(kind, stored.get(name)) for name, kind in self.columns.items()}
            meta = self._meta(stored)
            if stored["id"] in before and "label" in columns:
                columns["label"] = before[stored["id"]]
            if self.label != "people" or meta["label_source"] == "human":
                yield Row(position, columns, meta)

    def _stored(self) -> Iterator[tuple[int, dict[str, Any]]]:
        from tilth.records.parts import read_rows

        position = 0
        for path in self.paths:
            for stored in read_rows(path):
                yield position, stored
                position += 1

    def _meta(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        extras = json_value(stored["extras"]) if stored.get("extras") else {}
        more = extras.pop("meta", {})
        meta = {key: stored.get(key) for key in META_KEYS}
        meta["parents"], meta["seed_ids"] = meta["parents"] or [], meta["seed_ids"] or []
        meta["label_source"] = stored.get("label_source") or self._label_source(meta, more)
        conditions = {name: _plainly(value) for name, value in (more.pop("conditions", None) or {}).items()}
        meta["conditions"] = json_text(conditions) if conditions else None
        meta["scores"] = [{**score, "by": self.by.get(score["name"])} for score in stored.get("scores") or ()]
        meta["label_probs"] = stored.get("label_probs") or []
        rest = {**extras, **({"meta": more} if more else {})}
        meta["extras"] = json_text(rest) if rest else None
        return meta

    def _label_source(self, meta: Mapping[str, Any], more: Mapping[str, Any]) -> str | None:
        """``human`` only where no model had a part in it: a label that a model gave is never taken for gold. None: not known."""
        if "label" not in self.schema.columns:
            return None
        if more.get("labelled_by"):
            return "llm"
        return {"human": "human", None: None}.get(meta["origin"], "llm")

    def _sorted(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """By the column `sort`, then by id: each part is sorted on disk, then all are merged. Memory: 256 rows of each part."""
        kind = self.schema.columns.get(str(self.sort))
        if kind is None or kind.name not in ("str", "int", "float", "bool"):
            sortable = [name for name, one in self.schema.columns.items() if one.name in ("str", "int", "float", "bool")]
            raise RequestError(f"records cannot be sorted by '{self.sort}'.{did_you_mean(str(self.sort), sortable)}", code="export.sort")
        with tempfile.TemporaryDirectory(prefix="tilth-sort-") as aside:
            pieces = self._pieces(Path(aside))
            streams = [_read_piece(piece) for piece in pieces]
            for stored in heapq.merge(*streams, key=lambda row: _order(row, str(self.sort))):
                yield stored.pop(_POSITION), stored

    def _pieces(self, aside: Path) -> list[Path]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        position, pieces = 0, []
        for path in self.paths:
            table: pa.Table = pq.read_table(path, use_threads=False)
            table = table.append_column(_POSITION, pa.array(range(position, position + len(table)), pa.int64()))
            order = table.sort_by([(str(self.sort), "ascending"), ("id", "ascending")])
            pieces.append(aside / path.name)
            pq.write_table(order, pieces[-1], row_group_size=_MERGE_ROWS)
            position += len(table)
        return pieces


def _read_piece(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group, use_threads=False).to_pylist()


def _order(row: Mapping[str, Any], column: str) -> tuple[bool, bool, Any, str]:
    """As pyarrow sorts: numbers, then NaN, then nothing."""
    value = row[column]
    odd = value is None or value != value
    return value is None, odd, 0 if odd else value, row["id"] or ""


def _plainly(condition: Any) -> Any:
    """The value of a condition; its number in the space is no use outside the run."""
    return condition["value"] if isinstance(condition, Mapping) and set(condition) == {"index", "value"} else condition


def _labels_before(folder: RunFolder) -> dict[str, Any]:
    """Record to the label that it had before the first decision changed it."""
    from tilth.records.results import read_decisions

    found: dict[str, Any] = {}
    for decision in read_decisions(folder):
        if decision["before"] and "label" in (before := json.loads(decision["before"])):
            found.setdefault(decision["id"], before["label"])
    return found


def scorers(folder: RunFolder, judges: tuple[str, ...] = ()) -> dict[str, str]:
    """Score to what computed it, as far as known: curation's scorers with their versions; everything else a judge said."""
    import pyarrow.parquet as pq

    found: dict[str, str] = {}
    for path in sorted(folder.scores.glob("*.parquet")):
        table = pq.read_table(path, columns=["scorer", "version"], use_threads=False).slice(0, 1).to_pylist()
        if table:
            found[path.stem] = f"{table[0]['scorer']} {table[0]['version']}"
    asked = folder.read_state().get("asked", {}).get("generate") or []
    for stage in asked if isinstance(asked, list) else [asked]:
        for name, column in (stage.get("columns") or {}).items():
            for score in _judged(name, column.get("judge")):
                found[score] = ", ".join(judges)
    return found


def _judged(name: str, judge: Any) -> list[str]:
    if not judge:
        return []
    return [name, *(f"{name}.{criterion}" for criterion in judge)] if isinstance(judge, Mapping) else [name]

"""Decisions that keep a record and say something about it: flags, review, weights, new values; laid over a part of the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tilth.records.ids import json_value
from tilth.records.parts import read_rows, write_table
from tilth.records.schema import Schema
from tilth.records.values import Kind, write_value

WEIGHT = "weight"


class Notes:
    """The decisions of a file that drop nothing, by record."""

    def __init__(self, path: Path) -> None:
        self._by_id: dict[str, list[dict[str, Any]]] = {}
        self._weighted = False
        for decision in read_rows(path) if path.exists() else ():
            if decision["action"] != "drop":
                self._by_id.setdefault(decision["id"], []).append(decision)
                self._weighted |= WEIGHT in (decision["after"] or "")

    def lay(self, path: Path, schema: Schema) -> None:
        """Write a part of the result again with what the decisions say; a part that they do not concern stays as it is."""
        if not self._by_id:
            return
        if self._weighted and WEIGHT not in schema.columns:
            schema = Schema({**schema.columns, WEIGHT: Kind("float", True)})
        elif not any(id_ in self._by_id for id_ in pq.read_table(path, columns=["id"], use_threads=False)["id"].to_pylist()):
            return
        rows = pq.read_table(path, use_threads=False).to_pylist()
        for row in rows:
            if self._weighted:
                row[WEIGHT] = 1.0 if row.get(WEIGHT) is None else row[WEIGHT]
            for decision in self._by_id.get(row["id"], ()):
                _note(row, decision, schema)
        path.unlink()  # it may be a link to the part in rows/, which stays as it is
        write_table(path, pa.Table.from_pylist(rows, schema=schema.to_arrow()))


def _note(row: dict[str, Any], decision: dict[str, Any], schema: Schema) -> None:
    detail = f"{decision['action']}: {decision['reason']}"
    row["scores"] = [*(row.get("scores") or ()), {"name": decision["step"], "value": decision["score"], "detail": detail}]
    after: dict[str, Any] = json_value(decision["after"]) if decision["after"] else {}
    for column, value in after.items():
        if column == WEIGHT:
            row[WEIGHT] *= value
        elif column in schema.columns:
            row[column] = None if value is None else write_value(schema.columns[column].name, value)

"""The schema of a dataset: declared before the first part is written, and the same for every part.

In a file stand the declared columns first, then lineage (`META_KEYS`), then ``scores``, ``label_probs`` and ``extras``:
undeclared columns as one JSON object, undeclared lineage under its key ``meta``. JSON columns (``dict``, ``list``) are
stored as text. Rejected records have the same schema and say why (`WHY`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tilth.errors import Failure, RequestError
from tilth.records.ids import json_text, json_value
from tilth.records.record import META_KEYS, Record
from tilth.records.values import Kind, Misfit, json_of, kind_of, read_value, start_of, write_value

if TYPE_CHECKING:
    import pyarrow as pa

WHY = ("reason", "step", "detail", "score", "neighbour", "raw", "trace")
"""Why a record was rejected: the further columns of rejected records, kept in `Record.meta` when read."""

_RESERVED = (*META_KEYS, "scores", "extras", "meta")
_META_KINDS = {"parents": "list[str]", "seed_ids": "list[str]", "round": "int32"}


@dataclass(frozen=True)
class Schema:
    """Ordered columns with their types. Make one with :meth:`of`.

    columns: name to kind, as :func:`tilth.records.values.kind_of` understands types.
    why: the fields of `WHY` follow (rejected records), any column may be missing, and values that do not fit their
    column go to ``extras``.
    """

    columns: Mapping[str, Kind] = field(default_factory=dict)
    why: bool = False

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Schema:
        """A schema from column names and types, such as ``{"text": str, "label": "str | None"}``.

        Types: str, int, float, bool, list[str], list[int], list[float], dict and list (stored as JSON text), list[dict]
        (chat messages), and each of them ``| None``. Raises RequestError for other types and for names that lineage uses.
        """
        for name in columns:
            if name in _RESERVED:
                raise RequestError(f"'{name}' cannot be a column: records use it for their lineage. Call it otherwise.", code="schema.name")
        return cls({name: kind_of(name, declared) for name, declared in columns.items()})

    @classmethod
    def from_arrow(cls, schema: pa.Schema) -> Schema | None:
        """The schema of a file that Tilth wrote; None for other files."""
        text = (schema.metadata or {}).get(b"tilth")
        if text is None:
            return None
        stored = json_value(text)
        return cls({name: Kind(*kind) for name, kind in stored["columns"]}, why=stored["why"])

    def rejected(self) -> Schema:
        """The schema of rejected records. Columns with a name of `WHY` are kept in ``extras`` there."""
        return Schema({name: kind for name, kind in self.columns.items() if name not in WHY}, why=True)

    def rejected_row(self, record: Mapping[str, Any], **why: Any) -> dict[str, Any]:
        """The record as a row of :meth:`rejected`; keyword arguments are the fields of `WHY`. Never raises Failure."""
        return self.rejected().row(record, why)

    def to_arrow(self) -> pa.Schema:
        """The pyarrow schema of every part."""
        import pyarrow as pa

        from tilth.records.arrow import arrow_type

        fields = [pa.field(name, arrow_type(kind.name)) for name, kind in self.columns.items() if name != "label_probs"]
        fields += [pa.field(key, arrow_type(_META_KINDS.get(key, "str"))) for key in META_KEYS]
        fields += [pa.field(name, arrow_type(name)) for name in ("scores", "label_probs")]
        fields.append(pa.field("extras", pa.string()))
        if self.why:
            fields += [pa.field(name, arrow_type("float" if name == "score" else "str")) for name in WHY]
        stored = {"columns": [[name, [kind.name, kind.optional]] for name, kind in self.columns.items()], "why": self.why}
        return pa.schema(fields, metadata={"tilth": json_text(stored)})

    def row(self, record: Mapping[str, Any], why: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The record as one row of a file; `why` gives the fields of `WHY` (else they are taken from its meta).

        Raises Failure("schema", ...) when a value does not fit its declared column or a column is missing; never for
        the schema of rejected records.
        """
        columns, meta = (record.columns, dict(record.meta)) if isinstance(record, Record) else (dict(record), {})
        row: dict[str, Any] = {}
        extras = {name: value for name, value in columns.items() if name not in self.columns}
        for name, kind in self.columns.items():
            row[name] = self._fitted(name, kind, columns, extras)
        if "label_probs" not in self.columns:
            meta["label_probs"] = extras.pop("label_probs", None) or meta.get("label_probs")
            row["label_probs"] = self._meta_value("label_probs", "label_probs", meta)
        for key in META_KEYS:
            row[key] = self._meta_value(key, _META_KINDS.get(key, "str"), meta)
        row["scores"] = self._meta_value("scores", "scores", meta)
        if self.why:
            row.update(_why_fields({**meta, **(why or {})}))
            meta = {key: value for key, value in meta.items() if key not in WHY}
        row["extras"] = self._extras(extras, meta)
        return row

    def record(self, row: Mapping[str, Any]) -> Record:
        """The record that :meth:`row` made this row from. Null lineage is absent; null columns are None."""
        columns = {name: read_value(kind.name, row.get(name)) for name, kind in self.columns.items()}
        if self.why:
            columns = {name: value for name, value in columns.items() if value is not None}
        extras = json_value(row["extras"]) if row.get("extras") else {}
        meta = {key: row[key] for key in META_KEYS if row.get(key) is not None}
        special = ("scores",) if "label_probs" in self.columns else ("scores", "label_probs")
        meta.update({key: read_value(key, row[key]) for key in special if row.get(key) is not None})
        if self.why:
            meta.update({name: row[name] for name in WHY if row.get(name) is not None})
        meta.update(extras.pop("meta", {}))
        return Record({**columns, **extras}, meta=meta)

    def _fitted(self, name: str, kind: Kind, columns: Mapping[str, Any], extras: dict[str, Any]) -> Any:
        value = columns.get(name)
        if value is None:
            if kind.optional or self.why:
                return None
            raise Failure("schema", f"column '{name}' is missing" if name not in columns else f"column '{name}' is None, not {kind.name}")
        try:
            return write_value(kind.name, value)
        except Misfit as error:
            if self.why:
                extras[name] = value
                return None
            raise Failure("schema", f"column '{name}' must be {kind.name}, not {start_of(value)}{error.more}") from None

    def _meta_value(self, key: str, kind: str, meta: dict[str, Any]) -> Any:
        value = meta.pop(key, None)
        if value is None:
            return None
        try:
            return write_value(kind, value)
        except Misfit:
            if self.why:
                meta[key] = value
                return None
            raise Failure("schema", f"meta '{key}' must be {kind}, not {start_of(value)}") from None

    def _extras(self, extras: dict[str, Any], meta: Mapping[str, Any]) -> str | None:
        if "meta" in extras and not self.why:
            raise Failure("schema", "a column cannot be called 'meta'")
        if "meta" in extras:
            extras["meta_column"] = extras.pop("meta")
        rest = {key: value for key, value in meta.items() if value is not None}
        if rest:
            extras["meta"] = rest
        if not extras:
            return None
        try:
            return json_text(extras)
        except (TypeError, ValueError, RecursionError) as error:
            if self.why:
                return json_text({str(name): json_of(value) for name, value in extras.items()})
            raise Failure("schema", f"undeclared columns cannot be written as JSON: {error}") from None


def _why_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `WHY`, whatever they hold: a rejected record is never lost over a strange value."""
    out: dict[str, Any] = {}
    for name in WHY:
        value = fields.get(name)
        if name == "score":
            try:
                out[name] = None if value is None else float(value)
            except (TypeError, ValueError):
                out[name] = None
        else:
            out[name] = None if value is None else str(value).encode("utf-8", "backslashreplace").decode()
    return out

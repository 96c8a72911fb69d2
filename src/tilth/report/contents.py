"""What lies in a folder of data: configurations, splits, files, columns. Card, Croissant and manifest all speak of this."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tilth.records.folder import RunFolder
from tilth.records.record import META_KEYS
from tilth.records.schema import WHY, Schema

FLAT_META = {name: {"parents": "list[str]", "seed_ids": "list[str]", "round": "int"}.get(name, "str") for name in META_KEYS} | {
    "scores": "own_scores",
    "label_probs": "label_probs",
    "extras": "str",
}
"""Lineage as it stands in a run's own files, each field a column."""


@dataclass(frozen=True, slots=True)
class Part:
    """One split of one configuration. files: paths in the folder, in order. labels: records of each label, empty without labels."""

    config: str
    split: str
    files: tuple[str, ...]
    rows: int
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contents:
    """The data of a folder.

    format: as `tilth export --to` calls it, ``run`` for a run's own folder. ending: parquet, jsonl, json or csv. kinds: column to
    kind, in order; rejected: the same for rejected records. nested: `meta` is one struct beside these columns. example: one record.
    notes: what people should know of the splits. repo: ``owner/name`` on the Hub, where the folder is meant for it.
    """

    folder: Path
    format: str
    ending: str
    parts: tuple[Part, ...]
    kinds: Mapping[str, str]
    rejected: Mapping[str, str] = field(default_factory=dict)
    nested: bool = False
    example: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    repo: str = ""

    @property
    def rows(self) -> int:
        """Records of the default configuration."""
        return sum(part.rows for part in self.default)

    @property
    def default(self) -> tuple[Part, ...]:
        """The splits of the kept records."""
        return tuple(part for part in self.parts if part.config == "default")

    @property
    def labels(self) -> dict[str, int]:
        """Kept records of each label over all splits, the most frequent first."""
        total: Counter[str] = Counter()
        for part in self.default:
            total.update(part.labels)
        return dict(total.most_common())

    @property
    def tabular(self) -> bool:
        """Whether rows are rows of a table that Croissant can describe."""
        return self.ending != "json"

    def columns(self, config: str) -> Mapping[str, str]:
        """Columns of a configuration, without `meta`."""
        return self.rejected if config == "rejected" else self.kinds


def of_run(folder: RunFolder) -> Contents:
    """The contents of a run's own folder: kept records in data/, rejected ones in rejected/."""
    import pyarrow.parquet as pq

    from tilth.records.parts import parts

    kept, refused = parts(folder.data, "part"), parts(folder.rejected, "part")
    schema = Schema.from_arrow(pq.read_schema(kept[0])) if kept else None
    kinds = _flat(schema) if schema is not None else {}
    lenient = _flat(schema.rejected()) if schema is not None and refused else {}
    found = [Part("default", "train", _named(folder, kept), _count(kept), labels_in(kept, has_classes(kinds)))]
    if refused:
        found.append(Part("rejected", "rejected", _named(folder, refused), _count(refused)))
    example = next(_rows(kept), {}) if kept else {}
    own = [name for name in kinds if name not in FLAT_META]
    return Contents(folder.path, "run", "parquet", tuple(found), kinds, lenient, example={name: example.get(name) for name in own})


def _flat(schema: Schema) -> dict[str, str]:
    kinds = {name: kind.name for name, kind in schema.columns.items() if name != "label_probs"}
    return kinds | FLAT_META | ({name: "float" if name == "score" else "str" for name in WHY} if schema.why else {})


def _named(folder: RunFolder, paths: list[Path]) -> tuple[str, ...]:
    return tuple(path.relative_to(folder.path).as_posix() for path in paths)


def _count(paths: list[Path]) -> int:
    import pyarrow.parquet as pq

    return sum(int(pq.read_metadata(path).num_rows) for path in paths)


def _rows(paths: list[Path]) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    for path in paths:
        schema = Schema.from_arrow(pq.read_schema(path))
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=16, use_threads=False):
                yield from (schema.record(row).columns if schema else row for row in batch.to_pylist())


def has_classes(kinds: Mapping[str, str]) -> bool:
    """Whether the column `label` holds classes: text, whole numbers or truth values; not lists, not fractions."""
    return kinds.get("label") in ("str", "int", "bool")


def labels_in(paths: list[Path], labelled: bool) -> dict[str, int]:
    """How many rows of Parquet files have each label; nothing for what is no class (lists, long texts, very many values)."""
    import pyarrow.parquet as pq

    total: Counter[str] = Counter()
    for path in paths if labelled else ():
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=65_536, columns=["label"], use_threads=False):
                counted = batch["label"].value_counts().to_pylist()
                total.update({label_name(one["values"]): one["counts"] for one in counted if one["values"] is not None})
        if len(total) > MOST_LABELS:
            return {}
    return dict(sorted(total.items()))


MOST_LABELS = 1000
"""More different values than this are no labels."""


def label_name(value: Any) -> str:
    """A label as text."""
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

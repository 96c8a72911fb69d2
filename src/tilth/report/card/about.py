"""All that a card is made of: the run's facts, the folder's contents, the licence, who wrote the records, what people added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.report.card.human import Items
from tilth.report.card.licences import Licence
from tilth.report.contents import Contents

if TYPE_CHECKING:
    from tilth.report.facts import Facts

HIDDEN = dict.fromkeys(
    [*range(0x20), 0x7F, *range(0x80, 0xA0), *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF], "\ufffd"
)
"""Characters that steer terminals and the direction of text; shown as a mark."""


@dataclass(frozen=True)
class About:
    """See above. origins: who wrote the kept records (human, model, mixed), with how many. failed: gates that must hold and do not."""

    facts: Facts
    contents: Contents
    licence: Licence
    origins: Mapping[str, int] = field(default_factory=dict)
    failed: Sequence[str] = ()
    items: Items = field(default_factory=Items)

    @property
    def labelled(self) -> bool:
        """Whether records have labels that are classes."""
        return bool(self.contents.labels) or (self.facts.task.get("kind") in ("classification", "nli") and "label" in self.facts.columns)

    @property
    def generators(self) -> tuple[str, ...]:
        """Models that wrote; none where the rows were given."""
        return () if self.facts.given else tuple(self.facts.models.get("generator", ()))

    @property
    def written_by_model(self) -> bool:
        """Whether any record is, in whole or in part, the work of a model."""
        return is_synthetic(self.facts, self.origins)

    @property
    def unknown(self) -> int:
        """Records of which nobody knows who wrote them: given ones that do not say so."""
        return max(0, self.facts.kept - sum(self.origins.values()))


def origins_of(facts: Facts) -> dict[str, int]:
    """Who wrote the kept records (human, model, mixed), with how many; those that do not say so count nowhere."""
    from tilth.records.parts import parts

    return column_counts(parts(facts.folder.data, "part"), "origin")


def is_synthetic(facts: Facts, origins: Collection[str]) -> bool:
    """Whether any text is a model's; of given rows that say nothing of it, none is taken for one."""
    return any(origin != "human" for origin in origins) or (not origins and not facts.given)


def plain(text: object) -> str:
    """A text for one line of Markdown: no line breaks, no control characters, nothing that ends a cell or begins a tag."""
    one = " ".join(str(text).split()).translate(HIDDEN)
    return one.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def count(number: int, word: str) -> str:
    """`1 record`, `1,078 records`"""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def listed(names: Sequence[str], most: int = 6) -> str:
    """`a, b and 3 more`"""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def day(stamp: str) -> str:
    """The day of a time stamp."""
    return stamp[:10]


def column_counts(paths: Sequence[Path], column: str) -> dict[str, int]:
    """How many rows have each value of a text column; rows without a value count nowhere."""
    import pyarrow.parquet as pq

    total: Counter[str] = Counter()
    for path in paths:
        with pq.ParquetFile(path) as file:
            if column not in file.schema_arrow.names:
                continue
            for batch in file.iter_batches(batch_size=65_536, columns=[column], use_threads=False):
                total.update(
                    {one["values"]: one["counts"] for one in batch[column].value_counts().to_pylist() if one["values"] is not None}
                )
    return dict(sorted(total.items()))

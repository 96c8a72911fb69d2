"""One pass over a set of rows: how many, which labels, how long, which conditions, and a seeded sample of records."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tilth.records.record import Record
from tilth.score.texts import text_of
from tilth.text.ngrams import words

DIFFERENT = 200
"""Labels and values of a condition that are counted by name; what comes after them counts as others."""
OTHERS = "(others)"
UPTO = 2000
"""Words up to which lengths are counted one by one; longer texts are counted by hundreds."""


@dataclass(slots=True)
class Swept:
    """What a pass saw. n: rows; blank: of these without a text; unlabelled: without a label. words: length in words to rows.

    conditions: name to {(value, label): rows}. drawn, longest: (position among all rows, record), positions ascending.
    """

    n: int = 0
    blank: int = 0
    unlabelled: int = 0
    characters: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    words: Counter[int] = field(default_factory=Counter)
    conditions: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    drawn: list[Record] = field(default_factory=list)
    longest: list[Record] = field(default_factory=list)

    @property
    def texts(self) -> int:
        """Rows that have a text."""
        return self.n - self.blank


def label_of(record: Mapping[str, Any], column: str) -> str | None:
    """A record's label as text; None where it has none."""
    value = record.get(column)
    return None if value is None or value != value or isinstance(value, (list, dict)) or value == "" else str(value)


def sweep(rows: Iterable[Record], *, label: str = "label", seed: int = 0, keep: int = 0, longest: int = 0) -> Swept:
    """Look at every row once.

    Parameters
    ----------
    keep: records of the uniform sample (algorithm R, seeded). longest: how many of the longest texts to remember.
    """
    out, rng = Swept(), random.Random(f"{seed}/report/uniform")
    held: list[tuple[int, Record]] = []
    long: list[tuple[int, int, Record]] = []
    for at, record in enumerate(rows):
        out.n += 1
        text = text_of(record)
        _measure(out, record, text, label_of(record, label))
        if len(held) < keep:
            held.append((at, record))
        elif keep and (place := rng.randrange(at + 1)) < keep:
            held[place] = (at, record)
        if longest and (len(long) < longest or len(text) > long[0][0]):
            heapq.heappush(long, (len(text), -at, record))
            if len(long) > longest:
                heapq.heappop(long)
    out.drawn = [record for _, record in sorted(held, key=lambda one: one[0])]
    out.longest = [record for _, _, record in sorted(long, key=lambda one: (-one[0], -one[1]))]
    return out


def _measure(out: Swept, record: Record, text: str, label: str | None) -> None:
    if text.strip():
        n = len(words(text))
        out.words[n if n <= UPTO else n // 100 * 100] += 1
        out.characters += len(text)
    else:
        out.blank += 1
    if label is None:
        out.unlabelled += 1
    else:
        _count(out.labels, label)
    for name, value in conditions_of(record).items():
        if name not in out.conditions and len(out.conditions) >= 12:
            continue
        counts = out.conditions.setdefault(name, Counter())
        pair = (value, label or "")
        counts[pair if pair in counts or len(counts) < DIFFERENT else (OTHERS, label or "")] += 1


def _count(counts: Counter[str], name: str) -> None:
    counts[name if name in counts or len(counts) < DIFFERENT else OTHERS] += 1


def conditions_of(record: Record) -> dict[str, str]:
    """A record's drawn conditions as text."""
    drawn = record.meta.get("conditions")
    if not isinstance(drawn, Mapping):
        return {}
    plain = {name: one["value"] if isinstance(one, Mapping) and "value" in one else one for name, one in drawn.items()}
    return {str(name): str(one) for name, one in plain.items() if isinstance(one, (str, int, float))}

"""What every metric states: value, interval, n, direction, seed, kernel, and the same figure for real data."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from tilth.records.ids import digest
from tilth.records.record import Record
from tilth.score.rows import Rows
from tilth.score.texts import text_of
from tilth.stats.intervals import Interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tilth.engine.run import Run

Direction = Literal["up", "down", "target"]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Value:
    """One figure about a dataset.

    metric: its name. value: None where it cannot be computed; `detail["why"]` then says why. interval: 95 %, None where none
    is defined. n: rows (or independent units) it rests on. direction: up (higher is better), down, or target (close to the
    reference). seed: of its samples. kernel: tokenizer, model or kernel with its version. reference: the same figure for real
    data; reference_interval: its interval. samples: one number per row, None where a row has none.
    finding: one line that names a fault, "" where there is none. detail: JSON; whatever else is worth keeping.
    """

    metric: str
    value: float | None
    interval: Pair | None = None
    n: int = 0
    direction: Direction = "up"
    seed: int | None = None
    kernel: str = ""
    reference: float | None = None
    reference_interval: Pair | None = None
    samples: Sequence[float | None] | None = None
    finding: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As metrics.json keeps it: without the sample-level values, which are files of their own."""
        plain = asdict(self)
        del plain["samples"]
        for name in ("value", "reference"):
            plain[name] = None if plain[name] is None else round(plain[name], 6)
        for name in ("interval", "reference_interval"):
            plain[name] = None if plain[name] is None else [round(edge, 6) for edge in plain[name]]
        return plain


def edges(interval: Interval | None) -> Pair | None:
    """(low, high) of an interval."""
    return None if interval is None else (interval.low, interval.high)


SETS = ("synthetic", "real", "holdout", "support", "unlabelled", "templates")
"""Names of the sets of data; all but the first are inputs of the run."""

LONGEST = 20_000
"""Characters of a text that the sampled metrics read: a row of a megabyte is one row, not a dataset of its own."""


@dataclass(slots=True)
class Sets:
    """The data of an evaluation. Rows without a text count nowhere but in the shares of all rows.

    templates: what prompts began with, without an LLM. uncurated: the rows before curation, where there was one.
    text, label: the columns that hold them; text None: the one that is found.
    """

    synthetic: Rows
    real: Rows | None = None
    holdout: Rows | None = None
    support: Rows | None = None
    unlabelled: Rows | None = None
    templates: Rows | None = None
    uncurated: Rows | None = None
    text: str | None = None
    label: str = "label"
    seed: int = 0
    _held: dict[str, list[Record]] = field(default_factory=dict)

    def rows(self, name: str) -> list[Record]:
        """The records of a set that have a text, with it as the column ``text``; empty where the set was not given."""
        if name not in self._held:
            given: Rows | None = getattr(self, name)
            records = (Record({"text": text_of(one, self.text), "label": self.label_of(one)}, meta=one.meta) for one in given or ())
            self._held[name] = [one for one in records if one["text"].strip()]
        return self._held[name]

    def label_of(self, record: Mapping[str, Any]) -> str | None:
        """A record's label as text; None where it has none."""
        value = record.get(self.label)
        return None if value is None or value != value or isinstance(value, (list, dict)) or value == "" else str(value)

    def has(self, name: str) -> bool:
        """Whether a set was given and has a row with a text."""
        return bool(self.rows(name))

    def labelled(self, name: str) -> list[Record]:
        """The records of a set that have a text and a label."""
        return [one for one in self.rows(name) if one["label"] is not None]

    def sample(self, name: str, most: int) -> list[Record]:
        """At most `most` records of a set, the same in every call, in their order."""
        rows = self.rows(name)
        if len(rows) <= most:
            return rows
        return [rows[at] for at in sampled(name, len(rows), most, self.seed)]

    async def vectors(self, run: Run, rows: Sequence[Record]) -> npt.NDArray[np.float32]:
        """Unit vectors of the texts of rows, by the run's embedder."""
        return await run.embed([one["text"][:LONGEST] for one in rows])


def sampled(name: str, total: int, most: int, seed: int) -> Sequence[int]:
    """Which of a set's `total` rows with a text are its sample of `most`, in their order."""
    if total <= most:
        return range(total)
    return sorted(random.Random(digest("evaluate sample", name, seed)).sample(range(total), most))


def texts_of(rows: Sequence[Record]) -> list[str]:
    """The texts of records, cut at `LONGEST` characters."""
    return [one["text"][:LONGEST] for one in rows]


class Metric(BaseModel):
    """Measures a dataset. Fields are its configuration.

    name; direction; sets: those that it cannot do without, beside the synthetic rows; labels: whether these need labels;
    cost: ``n``, ``n k``, ``calls``; embeds: whether it needs an embedder. asks: roles whose models it asks, with what these must
    be able to do. asked: measured only when it is named.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    direction: ClassVar[Direction] = "up"
    sets: ClassVar[frozenset[str]] = frozenset()
    labels: ClassVar[bool] = False
    cost: ClassVar[str] = "n"
    embeds: ClassVar[bool] = False
    asks: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    asked: ClassVar[bool] = False

    async def measure(self, run: Run, sets: Sets) -> Value | Sequence[Value]:
        """The figure, or several. Never raises for odd data: what cannot be computed is a Value of None that says why."""
        raise NotImplementedError  # abstract

    def missing(self, sets: Sets) -> str:
        """Why it cannot be measured on these sets; "" where it can."""
        if not sets.has("synthetic"):
            return "there is no row with a text"
        for name in sorted(self.sets):
            if not sets.has(name):
                return f"needs the {name} data: --{name} FILE"
        for name in ("synthetic", *sorted(self.sets)) if self.labels else ():
            if not sets.labelled(name):
                return f"the {name} rows have no column '{sets.label}'"
        return ""

    def none(self, why: str, **more: Any) -> Value:
        """The value of what cannot be computed."""
        return Value(self.name, None, direction=self.direction, detail={"why": why}, **more)

    def report(self, found: Interval | None, kernel: str, *, against: Interval | float | None = None, **more: Any) -> Value:
        """The value of an interval. against: the same figure for real data, or the number that it should be near."""
        if found is None:
            return self.none(more.pop("why", "no row can be measured"), kernel=kernel)
        more.pop("why", None)
        reference, around = (against.value, edges(against)) if isinstance(against, Interval) else (against, None)
        settled = {"metric": self.name, "n": found.n, "direction": self.direction, **more}
        return Value(value=found.value, interval=edges(found), kernel=kernel, reference=reference, reference_interval=around, **settled)

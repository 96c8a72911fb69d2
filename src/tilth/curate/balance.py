"""As many rows of each value of a column as of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from pydantic import Field

from tilth.curate.base import Decision, Step
from tilth.records.ids import digest
from tilth.score.base import Score
from tilth.score.rules import Value


class Balance(Step):
    """Drops surplus rows at random, by a seed and the row's id. Rows without the value stay."""

    name: ClassVar[str] = "balance"
    plain: ClassVar[str] = "by"
    by: str = Field("label", description="Column whose values are balanced.")
    most: int | None = Field(None, ge=1, description="Most rows of one value; default: as many as the rarest value has.")
    seed: int = Field(0, description="Of the draw.")

    @property
    def scorer(self) -> Value:
        """See `tilth.score.rules.Value`."""
        return Value(column=self.by)

    def decide(self, scores: Iterable[Score]) -> Iterator[Decision]:
        """``surplus_VALUE``."""
        ids: dict[str, list[str]] = {}
        for score in scores:
            if score.value is not None:
                ids.setdefault(str(score.value), []).append(score.id)
        most = self.most if self.most is not None else min(map(len, ids.values()), default=0)
        surplus = {one for many in ids.values() for one in sorted(many, key=self._draw)[most:]}
        yield from (self.decision(score, f"surplus_{score.value}") for score in scores if score.id in surplus)

    def _draw(self, id_: str) -> bytes:
        return digest("balance", self.seed, id_)

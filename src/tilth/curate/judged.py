"""The step that asks a judge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from tilth.curate.base import Step
from tilth.score.base import Score, Scorer
from tilth.score.judge import ONE, Pairwise, Rubric, consistent

Keep = float | Literal["agrees"] | dict[Literal["at_least"], float] | None


def _least(value: Any) -> Any:
    """``{at_least: 4}`` is 4; ``agrees`` is the default of a pair: preferred in both orders together."""
    if value == "agrees":
        return None
    if isinstance(value, str):
        raise ValueError("must be a number, or 'agrees' for a pair")
    return value["at_least"] if isinstance(value, dict) and list(value) == ["at_least"] else value


class Judge(Step):
    """Drops rows that a judge rates too low; with `pairwise`, rows whose first text it does not prefer in both orders.

    Rows that could not be scored stay, and are counted.
    """

    name: ClassVar[str] = "judge"
    plain: ClassVar[str] = "asks"
    asks: str | dict[str, str] = Field(description="A question, or criteria with what they mean.", examples=["Is the text natural?"])
    keep: Annotated[float | None, BeforeValidator(_least, json_schema_input_type=Keep)] = Field(
        None, description="Least score that is kept; default: the middle of the scale, or more than half of both orders."
    )
    scale: tuple[int, int] = Field((1, 5), description="Least and most of a rating.")
    shows: tuple[str, ...] | None = Field(None, description="Columns that the judge sees; default: all.")
    pairwise: bool | tuple[str, str] = Field(False, description="Compare two columns; true: chosen and rejected.")
    swap: bool = Field(True, description="Ask for a pair in both orders.")
    role: str = Field("judge", description="Which role judges.")

    @model_validator(mode="after")
    def _fits(self) -> Judge:
        if self.pairwise and not isinstance(self.asks, str):
            raise ValueError("a pair is compared by one question: 'asks' must be text")
        if not self.asks or (isinstance(self.asks, dict) and not all(self.asks.values())):
            raise ValueError("a judge needs a question in 'asks'")
        if "keep" in self.model_fields_set and self.keep is None and not self.pairwise:
            raise ValueError("'keep: agrees' belongs to 'pairwise'; a rating needs a number")
        if not self.scale[0] < self.scale[1]:
            raise ValueError(f"'scale' goes from the least to the most: [{self.scale[1]}, {self.scale[0]}]")
        return self

    @property
    def scorer(self) -> Scorer:
        """See `tilth.score.judge`."""
        if self.pairwise:
            first, second = self.pairwise if isinstance(self.pairwise, tuple) else ("chosen", "rejected")
            return Pairwise(asks=str(self.asks), first=first, second=second, shows=self.shows, swap=self.swap, role=self.role)
        asks = {ONE: self.asks} if isinstance(self.asks, str) else self.asks
        return Rubric(asks=asks, low=self.scale[0], high=self.scale[1], shows=self.shows, role=self.role)

    @property
    def least(self) -> float:
        """The least score that is kept."""
        if self.keep is not None:
            return self.keep
        return 0.75 if self.pairwise else sum(self.scale) / 2

    def reason(self, score: Score) -> str | None:
        """``judged_low`` or ``not_preferred``."""
        if score.number is None or score.number >= self.least:
            return None
        return "not_preferred" if self.pairwise else "judged_low"

    def notes(self, scores: Iterable[Score]) -> list[str]:
        """How often the choice was the same in both orders."""
        asked = [same for score in scores if (same := consistent(score)) is not None]
        if not asked:
            return []
        return [f"the judge chose the same in both orders in {sum(asked):,} of {len(asked):,} pairs ({sum(asked) / len(asked):.0%})"]

    def weight(self, score: Score) -> float:
        """The rating's place on the scale, 0 to 1."""
        low, high = (0, 1) if self.pairwise else self.scale
        return round(((score.number or 0.0) - low) / (high - low), 6)

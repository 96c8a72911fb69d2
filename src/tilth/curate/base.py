"""Steps and decisions: a step turns scores into decisions, purely, so that thresholds move without computing a score again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from tilth.records.ids import json_text
from tilth.score.base import Score, Scorer

Action = Literal["drop", "flag", "weight", "review"]
"""drop: out of the result. flag, review: stays, and `meta.scores` says so. weight: stays with a lower `weight`."""

ACTIONS = ("drop", "flag", "weight", "relabel", "review", "select")
"""What a decision may be; not every step can make each of them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a step decided about one row; as a row of ``decisions.parquet``.

    reason: short stable name, counted and shown. score, neighbour: what it was decided by. before, after: columns that change.
    """

    id: str
    step: str
    action: str
    reason: str
    score: float | None = None
    neighbour: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    def row(self) -> dict[str, Any]:
        """The decision with JSON where it holds columns."""
        texts = {name: None if value is None else json_text(value) for name, value in (("before", self.before), ("after", self.after))}
        same = {name: getattr(self, name) for name in ("id", "step", "action", "reason", "score", "neighbour")}
        return {**same, **texts}


class Step(BaseModel):
    """A scorer and what is decided by its scores. Subclasses are the steps that a flow names; their fields are the settings.

    name: as it is written in a flow. plain: the setting that ``NAME: VALUE`` sets; "" where there is none.
    unscored: what becomes of rows without a score, as a word for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: ClassVar[str] = ""
    plain: ClassVar[str] = ""
    unscored: ClassVar[str] = "stay"

    id: str = Field("", description="Name of the step, for its scores and for other thresholds; default: the step's own name.")
    action: Action = Field("drop", description="What becomes of the rows that it finds.")
    on: str | tuple[str, ...] | None = Field(None, description="Column (or columns) that it looks at; default: the one with the text.")

    @property
    def step_id(self) -> str:
        """The id, or the step's own name."""
        return self.id or self.name

    @property
    def scorer(self) -> Scorer:
        """What computes the scores that it decides by; thresholds are no part of it."""
        raise NotImplementedError  # abstract

    def decide(self, scores: Iterable[Score]) -> Iterator[Decision]:
        """Decisions in row order, at most one a row. Reads `scores` as often as it likes; they are in row order."""
        for score in scores:
            reason = self.reason(score)
            if reason:
                yield self.decision(score, reason)

    @classmethod
    def settings_of(cls, value: Any) -> dict[str, Any]:
        """The settings that ``NAME: VALUE`` stands for."""
        return {cls.plain: value}

    def reason(self, score: Score) -> str | None:
        """Why this row is acted upon, or None; for steps that look at each row alone."""
        raise NotImplementedError  # abstract

    def weight(self, score: Score) -> float:
        """The weight of a row that is acted upon, 0 to 1, under ``action: weight``."""
        return 0.5 if score.number is None else round(min(1.0, max(0.0, score.number)), 6)

    def notes(self, scores: Iterable[Score]) -> list[str]:
        """Lines for the user about these scores, such as how often a judge changed its mind with the order."""
        return []

    def decision(self, score: Score, reason: str, **more: Any) -> Decision:
        """The decision that the step's action makes of a reason."""
        if self.action == "weight":
            more = {"before": {"weight": None}, "after": {"weight": self.weight(score)}, **more}
        return Decision(score.id, self.step_id, self.action, reason, score.number, score.neighbour, **more)

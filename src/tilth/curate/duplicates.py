"""Steps that compare rows: with each other, and with a reference set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from tilth.curate.base import Decision, Step
from tilth.score.base import Score, Scorer
from tilth.score.duplicates import FLOOR, SEMANTIC_FLOOR, ExactDuplicates, NearDuplicates, SemanticDuplicates, pairs_of


class Dedupe(Step):
    """Drops repetitions; the first row is kept, and each dropped one names a kept row that it repeats.

    ``dedupe``: near duplicates at the default threshold. ``dedupe: exact``: the same text only.
    """

    name: ClassVar[str] = "dedupe"
    exact: bool = Field(False, description="The same text, but for case and white space.")
    near: float | None = Field(None, gt=0, le=1, description="Least similarity of near duplicates.", examples=[0.85])
    semantic: float | None = Field(None, gt=0, le=1, description="Least cosine of embeddings; nearly blind to numbers.", examples=[0.9])
    numbers: Literal["keep", "ignore"] = Field("keep", description="keep: texts that differ in a number are different.")
    within: str | None = Field(None, description="Compare only rows that share this column.", examples=["label"])

    @model_validator(mode="before")
    @classmethod
    def _one(cls, data: Any) -> Any:
        given = [key for key in ("exact", "near", "semantic") if isinstance(data, dict) and data.get(key)]
        if len(given) > 1:
            raise ValueError(f"compares in one way; this is {' and '.join(given)}. Write a step for each")
        return {**data, "near": FLOOR} if isinstance(data, dict) and not given else data

    @classmethod
    def settings_of(cls, value: Any) -> dict[str, Any]:
        """``exact``, ``near``, ``semantic``, or a threshold of near duplicates."""
        if value in ("exact", "near", "semantic"):
            return {value: {"exact": True, "near": FLOOR, "semantic": 0.9}[value]}
        return {"near": value}

    plain: ClassVar[str] = "near"

    @property
    def least(self) -> float:
        """The least similarity at which a row is a repetition."""
        return 1.0 if self.exact else float(self.near or self.semantic or FLOOR)

    @property
    def scorer(self) -> Scorer:
        """See `tilth.score.duplicates`."""
        if self.exact:
            return ExactDuplicates(on=self.on, within=self.within)
        if self.semantic is not None:
            return SemanticDuplicates(on=self.on, within=self.within, at_least=min(SEMANTIC_FLOOR, self.semantic))
        return NearDuplicates(on=self.on, within=self.within, numbers=self.numbers, at_least=min(FLOOR, self.least))

    def decide(self, scores: Iterable[Score]) -> Iterator[Decision]:
        """In row order: a row is dropped when it repeats one that is kept; chains drop nothing that no kept row is like."""
        reason = "exact_duplicate" if self.exact else "near_duplicate" if self.near is not None else "semantic_duplicate"
        dropped: set[str] = set()
        for score in scores:
            best = next(((at, value) for at, value in pairs_of(score) if value >= self.least and at not in dropped), None)
            if best is not None:
                dropped.add(score.id)
                yield self.decision(Score(score.id, best[1], neighbour=best[0]), reason)

    def weight(self, score: Score) -> float:
        """A repetition adds what it does not share with the row that it repeats."""
        return round(max(0.0, 1.0 - (score.number or 0.0)), 6)


class Decontaminate(Step):
    """Drops rows that hold texts of a reference set, such as the holdout; each names the reference row and the words shared."""

    name: ClassVar[str] = "decontaminate"
    plain: ClassVar[str] = "against"
    against: str = Field("holdout", description="Name of the data that must not leak.", examples=["holdout"])
    n: int = Field(13, ge=3, le=50, description="Words in a row that must agree; shorter reference rows must be contained whole.")
    share: float = Field(0.0, ge=0, le=1, description="Least share of the reference row's words that is found; 0: any run of n.")
    reference_on: str | tuple[str, ...] | None = Field(None, description="Column of the reference; default: the one with the text.")

    @property
    def scorer(self) -> Scorer:
        """See `tilth.score.contamination.Contamination`."""
        from tilth.score.contamination import Contamination

        return Contamination(against=self.against, n=self.n, on=self.on, reference_on=self.reference_on)

    def reason(self, score: Score) -> str | None:
        """``leaked_from_holdout``: a shared run of n words, or a whole shorter reference row."""
        return f"leaked_from_{self.against}" if score.number and score.number >= self.share else None

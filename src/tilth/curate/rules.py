"""Steps that look at each row alone: refusals, length, language, expressions."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from tilth.curate.base import Step
from tilth.errors import RequestError
from tilth.score import rules
from tilth.score.base import Score

Bounds = tuple[float, float] | None


class Refusals(Step):
    """Drops replies that are refusals, by named markers."""

    name: ClassVar[str] = "refusals"

    @property
    def scorer(self) -> rules.Refusals:
        """See `tilth.score.rules.Refusals`."""
        return rules.Refusals(on=self.on)

    def reason(self, score: Score) -> str | None:
        """``refused``."""
        return "refused" if score.number else None


class Length(Step):
    """Drops texts that are too short or too long. Exactly one of words, chars, tokens; both bounds belong to what is kept."""

    name: ClassVar[str] = "length"
    plain: ClassVar[str] = "words"
    words: Bounds = Field(None, description="[least, most] words.", examples=[[3, 400]])
    chars: Bounds = Field(None, description="[least, most] characters.")
    tokens: Bounds = Field(None, description="[least, most] words and punctuation marks.")

    @field_validator("words", "chars", "tokens", mode="before")
    @classmethod
    def _range(cls, value: Any) -> Any:
        """``3..400`` is [3, 400]; an open end is null, or left out beside the dots."""
        if value is None:
            return None
        if isinstance(value, str) and ".." in value:
            low, _, high = value.partition("..")
            value = [float(low or 0), float(high or "inf")]
        if isinstance(value, (list, tuple)) and len(value) == 2:
            least, most = float(value[0] or 0), float("inf") if value[1] is None else float(value[1])
            if not 0 <= least <= most:
                raise ValueError(f"goes from the least to the most, not [{value[0]}, {value[1]}]")
            return (least, most)
        raise ValueError("must be [least, most]")

    @model_validator(mode="after")
    def _one(self) -> Length:
        if sum(bounds is not None for bounds in (self.words, self.chars, self.tokens)) != 1:
            raise ValueError("needs exactly one of words, chars, tokens, each [least, most]")
        return self

    @property
    def unit(self) -> Any:
        """What is counted."""
        return next(unit for unit in ("words", "chars", "tokens") if getattr(self, unit) is not None)

    @property
    def scorer(self) -> rules.Length:
        """See `tilth.score.rules.Length`."""
        return rules.Length(unit=self.unit, on=self.on)

    def reason(self, score: Score) -> str | None:
        """``too_short`` or ``too_long``."""
        low, high = getattr(self, self.unit)
        if score.number is None:
            return None
        return "too_short" if score.number < low else "too_long" if score.number > high else None


class Language(Step):
    """Drops texts in another language. Too little text to tell is kept, and counted as not scored."""

    name: ClassVar[str] = "language"
    plain: ClassVar[str] = "is"
    is_: str = Field("en", alias="is", description="Code of the language that is kept.", examples=["en"])
    at_least: float = Field(0.65, ge=0, le=1, description="Least probability of that language.")

    @field_validator("is_")
    @classmethod
    def _known(cls, value: str) -> str:
        from tilth.score.languages import LANGUAGES

        if value.split("-")[0].lower() not in LANGUAGES:
            raise ValueError(f"cannot be '{value}': languages that are told apart are {', '.join(sorted(LANGUAGES))}")
        return value

    @property
    def scorer(self) -> rules.Language:
        """See `tilth.score.rules.Language`."""
        return rules.Language(language=self.is_, on=self.on)

    def reason(self, score: Score) -> str | None:
        """``language_de``, by the likeliest language."""
        if score.number is None or score.number >= self.at_least:
            return None
        likeliest = score.detail.split(" ")[0]
        return f"language_{likeliest}" if likeliest != self.is_ else "language_mixed"


class _Condition(Step):
    """Base of the steps that an expression decides."""

    plain: ClassVar[str] = "condition"
    condition: str = Field(description="A Jinja expression over the record.", examples=["helpful < 3"])

    @field_validator("condition", mode="before")
    @classmethod
    def _parses(cls, value: Any) -> str:
        from tilth.prompts.expressions import names

        try:
            names(str(value))
        except RequestError as error:
            raise ValueError(error.what) from None
        return str(value)

    @property
    def scorer(self) -> rules.Expression:
        """See `tilth.score.rules.Expression`."""
        return rules.Expression(source=self.condition)


class DropIf(_Condition):
    """Drops rows for which an expression holds. A row with a null in it is not scored: it is kept, and counted."""

    name: ClassVar[str] = "drop_if"

    def reason(self, score: Score) -> str | None:
        """The condition."""
        return self.condition if score.number == 1.0 else None


class KeepIf(_Condition):
    """Keeps only rows for which an expression holds; one with a null in it is dropped as ``not_scored``."""

    name: ClassVar[str] = "keep_if"
    unscored: ClassVar[str] = "are dropped"

    def reason(self, score: Score) -> str | None:
        """``not: CONDITION``, or ``not_scored``."""
        if score.number is None:
            return "not_scored"
        return None if score.number == 1.0 else f"not: {self.condition}"

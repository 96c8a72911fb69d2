"""Steps about labels: how probable a label is to a language model, and what students that never saw the row say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from tilth.curate.base import Action, Decision, Step
from tilth.records.ids import json_value
from tilth.score.base import Score
from tilth.score.likelihood import TEMPLATE, own_label
from tilth.score.likelihood import LabelProbability as ByModel
from tilth.score.students import StudentAgreement


class LabelProbability(Step):
    """Keeps the rows whose label a language model finds probable: a share of each label, or all above a margin.

    The top half of each label, batch calibrated, is the filter of the low-data measurements. Where labels are right nearly
    always, it only costs rows. Rows that are not scored stay.
    """

    name: ClassVar[str] = "label_probability"
    plain: ClassVar[str] = "keep"
    keep: float | None = Field(None, gt=0, le=1, description="Share of each label that is kept.", examples=[0.5])
    at_least: float | None = Field(None, description="Least margin in nats over the best other label.", examples=[0.0])
    template: str = Field(TEMPLATE, description="Jinja; the label word follows it.", examples=["Review: {{ text }}\nSentiment:"])
    words: dict[str, str] = Field({}, description="Label word of each label; default: a space and the label.")
    label: str = Field("label", description="Column of the label.")
    role: str = Field("generator", description="Which role's model scores.")
    calibrate: bool = Field(True, description="Take out what the model prefers whatever the text says.")

    @model_validator(mode="after")
    def _one(self) -> LabelProbability:
        if self.keep is not None and self.at_least is not None:
            raise ValueError("takes 'keep' or 'at_least', not both")
        if len(self.words) == 1:
            raise ValueError("'words' needs at least two labels")
        return self

    @property
    def scorer(self) -> ByModel:
        """See `tilth.score.likelihood.LabelProbability`."""
        return ByModel(template=self.template, words=self.words, label=self.label, calibrate=self.calibrate, role=self.role, on=self.on)

    def decide(self, scores: Iterable[Score]) -> Iterator[Decision]:
        """``improbable_label`` for the rows below the margin, or below the share of their label (ties: the smaller id stays)."""
        if self.at_least is not None:
            low = {score.id for score in scores if score.number is not None and score.number < self.at_least}
        else:
            low = self._below_share(scores, 0.5 if self.keep is None else self.keep)
        yield from (self.decision(score, "improbable_label") for score in scores if score.id in low)

    def _below_share(self, scores: Iterable[Score], share: float) -> set[str]:
        by_label: dict[str, list[tuple[float, str]]] = {}
        for score in scores:
            if score.number is not None:
                by_label.setdefault(own_label(score), []).append((-score.number, score.id))
        low: set[str] = set()
        for ranked in by_label.values():
            kept = max(1, round(share * len(ranked)))
            low |= {id_ for _, id_ in sorted(ranked)[kept:]}
        return low

    def weight(self, score: Score) -> float:
        """The probability of the row's own label."""
        found = json_value(score.detail) if score.detail.startswith("{") else {}
        return float(found.get("p", {}).get(found.get("label"), 0.5))


Students = Literal["tfidf", "embedding", "tfidf_lr", "embedding_lr"]


def _student(value: Any) -> Any:
    """As `evaluate.utility` calls them: logistic regression on the features named."""
    return value.removesuffix("_lr") if isinstance(value, str) else value


class LabelNoise(Step):
    """Finds labels that students trained on the other rows contradict; by default for people to look at.

    A row is suspected when the students prefer another label with at least that label's usual confidence (the class
    threshold of confident learning), so a class that is hard throughout is not suspected as a whole.
    """

    name: ClassVar[str] = "label_noise"
    plain: ClassVar[str] = "student"
    action: Action = Field("review", description="What becomes of the suspected rows.")
    student: Annotated[Literal["tfidf", "embedding"], BeforeValidator(_student, json_schema_input_type=Students)] = Field(
        "tfidf", description="What the students read; with `_lr` it is the same.", examples=["tfidf_lr"]
    )
    at_most: float | None = Field(None, ge=0, le=1, description="Suspect all rows whose label gets at most this probability, instead.")
    label: str = Field("label", description="Column of the label.")
    group: str | None = Field(None, description="Column of what belongs together: never trained and judged on apart.")
    folds: int = Field(5, ge=2, description="Parts that the rows are split into.")
    rounds: int = Field(5, ge=1, description="How often rows whose label was contradicted are left out and all judged again.")
    seed: int = Field(0, description="Of the split.")

    @property
    def scorer(self) -> StudentAgreement:
        """See `tilth.score.students.StudentAgreement`."""
        same: dict[str, Any] = {name: getattr(self, name) for name in ("student", "label", "group", "folds", "rounds", "seed", "on")}
        return StudentAgreement(**same)

    def decide(self, scores: Iterable[Score]) -> Iterator[Decision]:
        """``label_says_X``: the students say X."""
        thresholds = {} if self.at_most is not None else self._thresholds(scores)
        for score in scores:
            if score.number is None:
                continue
            found = json_value(score.detail)
            says = found["says"]
            if self.at_most is not None:
                suspected = score.number <= self.at_most
            else:
                suspected = says != found["label"] and found["p"][says] >= thresholds.get(says, 1.0) - 1e-6
            if suspected:
                yield self.decision(score, f"label_says_{says}" if says != found["label"] else "label_improbable")

    def notes(self, scores: Iterable[Score]) -> list[str]:
        """A warning where the students are too weak to tell a wrong label from one that they do not understand."""
        said = [json_value(score.detail) for score in scores if score.number is not None]
        agree = sum(one["says"] == one["label"] for one in said)
        if not said or agree >= 0.8 * len(said):
            return []
        return [f"the students agree with {agree / len(said):.0%} of the labels only: many wrong labels, or a task too hard for them."]

    def _thresholds(self, scores: Iterable[Score]) -> dict[str, float]:
        """Mean probability of each label among the rows that bear it."""
        sums: dict[str, list[float]] = {}
        for score in scores:
            if score.number is not None:
                sums.setdefault(str(json_value(score.detail)["label"]), []).append(score.number)
        return {label: sum(values) / len(values) for label, values in sums.items()}

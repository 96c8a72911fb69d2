"""A language model as judge: a rating on a scale by criteria, or the better of two texts, asked in both orders.

A reply that holds no score leaves the row unscored, with the reason; it is never 0. The first to use pairs in both orders:
Zheng et al. 2023, arXiv 2306.05685 (position bias).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from tilth.errors import Failure
from tilth.records.ids import json_text, json_value
from tilth.score.base import Score, Scorer

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.models.base import Reply
    from tilth.prompts.prompt import Prompt
    from tilth.records.record import Record
    from tilth.score.rows import Rows

ONE = "Score"


class Judged(Scorer):
    """Base of scorers that ask a model about each row. role: which model; greedy unless the role sets a temperature."""

    role: str = "judge"

    def roles(self) -> dict[str, tuple[str, ...]]:
        """The judge."""
        return {self.role: ()}

    async def score(self, run: Run, rows: Rows) -> AsyncIterator[Score]:
        """One score for each row, in row order."""
        rows.require(self.needs(), self.name)
        ids = rows.ids()
        async for result in run.map(_One(self, run), rows, label=self.name, on_failure="keep"):
            own = next(ids)
            yield Score(own, None, f"{result.reason}: {result.detail}") if isinstance(result, Failure) else Score(own, *result)

    async def one(self, run: Run, record: Record) -> tuple[float | None, str]:
        """Value and detail of one row; a Failure leaves it unscored."""
        raise NotImplementedError  # abstract

    async def ask(self, run: Run, prompt: Prompt) -> Reply:
        """One call of the judge."""
        greedy = run.models(self.role)[0].temperature is None
        return await run.ask(prompt, role=self.role, temperature=0.0 if greedy else None)


class _One:
    def __init__(self, scorer: Judged, run: Run) -> None:
        self._scorer = scorer
        self._run = run

    async def __call__(self, record: Record) -> tuple[float | None, str]:
        return await self._scorer.one(self._run, record)


class Rubric(Judged):
    """A score from `low` to `high`: of one question, or the mean of several criteria; `detail` is JSON, criterion to score.

    asks: the question, or criterion to what it means (Jinja, over the columns). shows: columns that the judge sees; default: all.
    """

    name: ClassVar[str] = "rubric"
    asks: dict[str, str]
    low: int = 1
    high: int = 5
    shows: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _scale(self) -> Rubric:
        if not self.low < self.high:
            raise ValueError(f"the scale goes from the least to the most, not [{self.low}, {self.high}]")
        return self

    def needs(self) -> frozenset[str]:
        """The columns that are shown."""
        return frozenset(self.shows or ())

    async def one(self, run: Run, record: Record) -> tuple[float | None, str]:
        """Asks once; asked again when the reply cannot be read."""
        reply = await self.ask(run, self.prompt(run, record))
        scores: dict[str, float] = reply.value
        return round(sum(scores.values()) / len(scores), 6), json_text(scores)

    def prompt(self, run: Run, record: Record) -> Prompt:
        """What the judge is asked about a row."""
        from tilth.prompts.prompt import Prompt
        from tilth.prompts.ratings import scores_parser

        questions = {criterion: _rendered(text, run, record) for criterion, text in self.asks.items()}
        parts = [*_shown(run, record, self.shows)]
        if list(questions) == [ONE]:
            parts.append(f"Question: {questions[ONE]}\nAnswer with a score from {self.low} (not at all) to {self.high} (fully).")
        else:
            listed = "\n".join(f"- {criterion}: {text}" for criterion, text in questions.items())
            parts.append(f"Score each criterion from {self.low} (not at all) to {self.high} (fully).\n{listed}")
        form = "\n".join(f"{criterion}: <number>" for criterion in questions)
        parts.append(f"Reply in exactly this form and with nothing else:\n{form}")
        return Prompt.chat("\n\n".join(parts), parse=scores_parser(tuple(questions), self.low, self.high))


class Pairwise(Judged):
    """1 where the judge prefers the first of two columns, 0 the second, 0.5 a tie or a preference that changes with the order.

    `detail` is JSON: the choice in each order, and whether they agree. asks: what the better one is better at. shows: columns that
    the judge sees beside the two; default: all but those named after them (``chosen_score``, ``rejected_model``).
    """

    name: ClassVar[str] = "pairwise"
    asks: str
    first: str = "chosen"
    second: str = "rejected"
    shows: tuple[str, ...] | None = None
    swap: bool = Field(True)

    def needs(self) -> frozenset[str]:
        """Both columns."""
        return frozenset({self.first, self.second, *(self.shows or ())})

    async def one(self, run: Run, record: Record) -> tuple[float | None, str]:
        """Asks in both orders; a preference for a place is none."""
        orders = [(self.first, self.second), (self.second, self.first)] if self.swap else [(self.first, self.second)]
        found: list[str] = []
        for one, other in orders:  # one after the other: the second is not paid when the first cannot be read
            reply = await self.ask(run, self.prompt(run, record, one, other))
            found.append({"A": one, "B": other}.get(reply.value, "tie"))
        value = sum({self.first: 1.0, self.second: 0.0}.get(choice, 0.5) for choice in found) / len(found)
        return value, json_text({"choices": found, "consistent": len(set(found)) == 1})

    def prompt(self, run: Run, record: Record, one: str, other: str) -> Prompt:
        """What the judge is asked about a row, `one` as A."""
        from tilth.prompts.prompt import Prompt

        telling = (f"{self.first}_", f"{self.second}_")  # chosen_score would tell which one it is
        others = [name for name in record if name not in (one, other) and not name.startswith(telling)]
        shown = self.shows if self.shows is not None else others
        parts = [*_shown(run, record, shown), f"[A]\n{record[one]}", f"[B]\n{record[other]}", _rendered(self.asks, run, record)]
        parts.append("Which is better? Reply with exactly one of: A, B, tie.")
        return Prompt.chat("\n\n".join(parts), parse=choice)


def choice(reply: Reply) -> str:
    """``A``, ``B`` or ``tie``; reason of failure: ``no_choice``."""
    said = re.findall(r"\b(A|B|[Tt]ie|TIE)\b", reply.text)
    found = {word if word in "AB" else "tie" for word in said}
    if len(found) != 1:
        raise Failure("no_choice", "The reply must be exactly one of: A, B, tie.", raw=reply.text)
    return found.pop()


def consistent(score: Score) -> bool | None:
    """Whether a pairwise judge chose the same in both orders; None where it was not asked twice."""
    if not score.detail.startswith("{"):
        return None
    found: dict[str, Any] = json_value(score.detail)
    return bool(found["consistent"]) if len(found.get("choices", ())) > 1 else None


def _shown(run: Run, record: Record, names: Sequence[str] | None) -> list[str]:
    parts = [f"Task: {run.task.about}"] if run.task.about else []
    return parts + [f"[{name}]\n{record.get(name)}" for name in (record if names is None else names) if record.get(name) is not None]


def _rendered(text: str, run: Run, record: Record) -> str:
    from tilth.errors import RequestError
    from tilth.prompts.template import Template

    try:
        return Template(text).render(**{**record.columns, "task": run.task, "labels": run.task.labels})
    except RequestError as error:  # the template parses; it is this row's values
        raise Failure("template", error.what) from error

"""Scores that need neither a model nor the other rows: refusals, length, language, expressions, values of a column."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tilth.records.record import Record
from tilth.score.base import Score, Scorer
from tilth.score.texts import On, text_of

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.score.rows import Rows

BREATH = 256
"""Rows after which other tasks get their turn (a stop, the display)."""


class RowScorer(Scorer):
    """A score of each row by itself, computed at once. Subclasses implement :meth:`one`."""

    async def score(self, run: Run, rows: Rows) -> AsyncIterator[Score]:
        """One score for each row, in row order."""
        rows.require(self.needs(), self.name)
        for number, record in enumerate(rows):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            yield self.one(record, run)

    def one(self, record: Record, run: Run) -> Score:
        """The score of one record."""
        raise NotImplementedError  # abstract


class OnText(RowScorer):
    """A score of a record's text. on: its column or columns; None: the one that holds the text."""

    on: On = None

    def needs(self) -> frozenset[str]:
        """The columns of `on`."""
        return frozenset(() if self.on is None else (self.on,) if isinstance(self.on, str) else self.on)


class Refusals(OnText):
    """1 where the text is a refusal (see `tilth.prompts.refusals`), else 0; detail names the marker.

    Without `on`, answers count too: a row is a refusal when any text in it is one.
    """

    name: ClassVar[str] = "refusals"

    def one(self, record: Record, run: Run) -> Score:
        """Looks at each text of the record alone, since a refusal says so at its beginning."""
        from tilth.prompts.refusals import refusal

        texts = _texts(record) if self.on is None else [text_of(record, name) for name in self.needs()]
        found = next((marker for text in texts if (marker := refusal(text))), None)
        return Score(record.id or "", 1.0 if found else 0.0, found or "")


def _texts(record: Record) -> list[str]:
    texts = [value for value in record.values() if isinstance(value, str)]
    for value in record.values():
        if isinstance(value, list):
            texts += [str(one["content"]) for one in value if isinstance(one, dict) and one.get("role") != "user" and one.get("content")]
    return texts


class Length(OnText):
    """How long the text is.

    unit: ``words`` (as `tilth.text.ngrams.words` counts them, so also without spaces), ``chars``, or ``tokens`` (words and
        punctuation marks: a tokenizer of a model gives more).
    """

    name: ClassVar[str] = "length"
    unit: Literal["words", "chars", "tokens"] = "words"

    def one(self, record: Record, run: Run) -> Score:
        """Counts."""
        from tilth.text.ngrams import pieces, words

        text = text_of(record, self.on)
        count = {"words": lambda: len(words(text)), "chars": lambda: len(text), "tokens": lambda: len(pieces(text))}[self.unit]()
        return Score(record.id or "", float(count))


class Language(OnText):
    """The probability that the text is in one language; detail names the likeliest. None: too little text to tell.

    language: its code, such as ``en``.
    """

    name: ClassVar[str] = "language"
    version: ClassVar[int] = 1
    language: str

    def one(self, record: Record, run: Run) -> Score:
        """See `tilth.score.languages`."""
        from tilth.score.languages import probabilities

        wanted = self.language.split("-")[0].lower()
        found = probabilities(text_of(record, self.on), wanted)
        if not found:
            return Score(record.id or "", None, "too little text")
        best = max(found, key=lambda code: found[code])
        return Score(record.id or "", round(found.get(wanted, 0.0), 6), f"{best} {found[best]:.2f}")


class Expression(RowScorer):
    """1 where an expression over the record holds, 0 where it does not. None: a value that it needs is missing or null.

    source: sees the columns, the record's scores by name, `task`, `labels`.
    """

    name: ClassVar[str] = "expression"
    source: str

    def one(self, record: Record, run: Run) -> Score:
        """Comparing with null is not scored, unless the expression tests for it (``x is none``)."""
        from tilth.errors import Failure
        from tilth.prompts.expressions import evaluate, names, tested

        values = {**_scores(record), **record.columns}
        unknown = sorted(name for name in names(self.source) - tested(self.source) - {"task", "labels"} if values.get(name) is None)
        if unknown:
            return Score(record.id or "", None, f"{unknown[0]} is null")
        try:
            absent: dict[str, Any] = dict.fromkeys(names(self.source) - set(values))
            holds = bool(evaluate(self.source, {**absent, **values, "task": run.task, "labels": run.task.labels}))
        except Failure as failure:
            return Score(record.id or "", None, failure.detail)
        return Score(record.id or "", 1.0 if holds else 0.0)


def _scores(record: Record) -> dict[str, Any]:
    """The record's scores by name, as numbers."""
    found = record.meta.get("scores") or {}
    return {name: one["value"] if isinstance(one, dict) else one for name, one in found.items()} if isinstance(found, dict) else {}


class Value(RowScorer):
    """The value of a column, as text; None where it is null."""

    name: ClassVar[str] = "value"
    column: str

    def needs(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def one(self, record: Record, run: Run) -> Score:
        """Its value."""
        value = record.get(self.column)
        return Score(record.id or "", None if value is None else str(value))

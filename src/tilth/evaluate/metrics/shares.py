"""Shares of rows that should not be there: refusals, and texts in another language."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

from tilth.evaluate.base import Direction, Metric, Sets, Value, texts_of
from tilth.stats.intervals import wilson

if TYPE_CHECKING:
    from tilth.engine.run import Run

NAMED = 20
SHORT = "every text is too short to tell its language"
OWN, OTHER = 0.2, 0.8
"""A text counts as foreign where the task's language has at most OWN and another one at least OTHER."""


class RefusalShare(Metric):
    """Share of rows that are refusals (`tilth.prompts.refusals`). detail: their ids and the markers."""

    name: ClassVar[str] = "refusals"
    direction: ClassVar[Direction] = "down"

    async def measure(self, run: Run, sets: Sets) -> Value:
        """All rows."""
        return await asyncio.to_thread(self._value, sets)

    def _value(self, sets: Sets) -> Value:
        from tilth.prompts.refusals import refusal

        rows = sets.rows("synthetic")
        found = [refusal(text) for text in texts_of(rows)]
        hits = [(row.id or "", marker) for row, marker in zip(rows, found, strict=True) if marker]
        share = wilson(len(hits), len(rows))
        finding = f"{len(hits)} refusal{'s' * (len(hits) != 1)}, such as {hits[0][0]} ({hits[0][1]})" if hits else ""
        detail: dict[str, Any] = {"rows": dict(hits[:NAMED])}
        kernel, samples = "tilth.prompts.refusals 1", [float(bool(one)) for one in found]
        return self.report(share, kernel, samples=samples, finding=finding, detail=detail)


class LanguageShare(Metric):
    """Share of texts in another language than the task's; texts too short to tell are left out. detail: ids and languages."""

    name: ClassVar[str] = "language"
    direction: ClassVar[Direction] = "down"

    async def measure(self, run: Run, sets: Sets) -> Value:
        """All rows."""
        return await asyncio.to_thread(self._value, run.task.language.split("-")[0].lower(), sets)

    def _value(self, language: str, sets: Sets) -> Value:
        try:
            from tilth.score.languages import probabilities
        except ImportError as error:  # the extra that tells languages apart is not installed
            return self.none(str(error))
        rows = sets.rows("synthetic")
        found = [probabilities(text[:2000], language) for text in texts_of(rows)]
        known = [(row.id or "", one) for row, one in zip(rows, found, strict=True) if one]
        best = [(id_, max(one, key=lambda code, one=one: one[code]), one) for id_, one in known]  # type: ignore[misc]
        foreign = [(id_, code) for id_, code, one in best if one.get(language, 0.0) <= OWN and one[code] >= OTHER]
        share = wilson(len(foreign), len(known))
        finding = ""
        if foreign:
            first = f"such as {foreign[0][0]} ({foreign[0][1]})"
            finding = f"{len(foreign)} text{'s' * (len(foreign) != 1)} not in '{language}', {first}"
        counts = Counter(code for _, code in foreign)
        detail = {"rows": dict(foreign[:NAMED]), "languages": dict(counts), "asked": language, "untold": len(rows) - len(known)}
        samples = [None if not one else round(1 - one.get(language, 0.0), 6) for one in found]
        return self.report(share, "tilth.score.languages 1", samples=samples, finding=finding, detail=detail, why=SHORT)

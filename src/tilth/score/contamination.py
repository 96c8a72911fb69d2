"""Rows that hold texts of a reference set, each with its evidence: which reference row, and which words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from tilth.score.base import Score, Scorer
from tilth.score.rules import BREATH
from tilth.score.texts import On, text_of

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.score.rows import Rows


class Contamination(Scorer):
    """The share of a reference row's words that stand in the row, by runs of n words; 0 where none does.

    `neighbour` is the reference row's id, `detail` the first run that is shared. All columns of the row are searched unless
    `on` names some: a leak in an answer is a leak. See `tilth.text.contamination`.

    against: name of the run's data. n: words that must agree; shorter reference rows must be contained whole.
    """

    name: ClassVar[str] = "contamination"
    against: str = "holdout"
    n: int = Field(13, ge=1)
    on: On = None
    reference_on: On = None

    def needs(self) -> frozenset[str]:
        """The columns of `on`."""
        return frozenset(() if self.on is None else (self.on,) if isinstance(self.on, str) else self.on)

    def reads(self) -> frozenset[str]:
        """The reference."""
        return frozenset({self.against})

    async def score(self, run: Run, rows: Rows) -> AsyncIterator[Score]:
        """One score for each row, in row order. Memory: the reference's n-grams."""
        from tilth.score.aside import aside
        from tilth.text.contamination import LEAST_WORDS, ReferenceIndex

        rows.require(self.needs(), self.name)
        ids, texts = [], []
        for record in run.data(self.against):
            ids.append(record.id or "")
            texts.append(text_of(record, self.reference_on))
        index = await aside(ReferenceIndex, texts, n=self.n)
        if index.short:
            run.note(
                f"decontaminate: {index.short:,} of {len(ids):,} rows of {self.against} have fewer than {self.n} words; "
                f"they are looked for as a whole (below {LEAST_WORDS} words: as the whole text)."
            )
        for number, record in enumerate(rows):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            texts = [text_of(record, self.on)] if self.on is not None else [text_of(record), *(text_of(record, name) for name in record)]
            hits = [hit for text in dict.fromkeys(texts) for hit in index.find(text)]
            best = max(hits, key=lambda hit: (hit.share, -hit.reference), default=None)
            if best is None:
                yield Score(record.id or "", 0.0)
            else:
                yield Score(record.id or "", round(best.share, 6), best.ngram, ids[best.reference])

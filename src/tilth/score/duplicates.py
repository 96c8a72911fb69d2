"""Duplicates: the same text, nearly the same text, the same meaning. The value is the similarity to an earlier row.

The first of several is kept. A row may be like several earlier ones, and which of them are kept depends on the threshold, so
`detail` lists every such pair (``similarity id``, best first) and the decision is made from these (see `Pairs`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.records.ids import short_hash
from tilth.score.aside import aside
from tilth.score.base import Score, Scorer
from tilth.score.texts import On

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.score.rows import Rows

FLOOR = 0.85
"""Near duplicates are looked for from this similarity on, or from the threshold where that is lower."""
SEMANTIC_FLOOR = 0.8
MOST = 32
"""Pairs listed for one row."""


class Duplicates(Scorer):
    """Base: a similarity to an earlier row; 0 without one. on: columns that are compared. within: only rows that share this column."""

    dataset_wise: ClassVar[bool] = True
    on: On = None
    within: str | None = None

    def needs(self) -> frozenset[str]:
        """The columns of `on`, and that of `within`."""
        named = () if self.on is None else (self.on,) if isinstance(self.on, str) else self.on
        return frozenset([*named, *([self.within] if self.within else [])])

    async def score(self, run: Run, rows: Rows) -> AsyncIterator[Score]:
        """One score for each row, in row order."""
        rows.require(self.needs(), self.name)
        ids = list(rows.ids())
        earlier: dict[int, list[tuple[int, float]]] = {}
        for left, right, similarity in await self.pairs(run, rows):
            earlier.setdefault(right, []).append((left, similarity))
        for row, own in enumerate(ids):
            found = sorted(earlier.get(row, ()), key=lambda pair: (-pair[1], pair[0]))[:MOST]
            if not found:
                yield Score(own, 0.0)
                continue
            listed = " ".join(f"{similarity:.6f} {ids[left]}" for left, similarity in found)
            yield Score(own, round(found[0][1], 6), listed, ids[found[0][0]])

    async def pairs(self, run: Run, rows: Rows) -> Iterable[tuple[int, int, float]]:
        """(earlier row, later row, similarity), in any order."""
        raise NotImplementedError  # abstract

    def groups(self, rows: Rows) -> list[list[int]]:
        """Rows that are compared with each other, by the value of `within`."""
        if self.within is None:
            return [list(range(len(rows)))]
        found: dict[str, list[int]] = {}
        for row, value in enumerate(rows.column(self.within)):
            found.setdefault(repr(value), []).append(row)
        return list(found.values())


def pairs_of(score: Score) -> list[tuple[str, float]]:
    """The earlier rows that `detail` lists, best first: (id, similarity)."""
    words = score.detail.split(" ") if score.detail else []
    return [(words[at + 1], float(words[at])) for at in range(0, len(words) - 1, 2)]


class ExactDuplicates(Duplicates):
    """1 where an earlier row has the same text but for case, white space and unicode forms. Punctuation and digits count.

    Without `on` all columns of text are compared, so two answers to one question are not duplicates.
    """

    name: ClassVar[str] = "exact_duplicates"

    async def pairs(self, run: Run, rows: Rows) -> Iterable[tuple[int, int, float]]:
        """By hash: 16 bytes of text become 8 in memory."""
        import asyncio

        first: dict[int, int] = {}
        found = []
        for number, record in enumerate(rows):
            if number % 1024 == 0:
                await asyncio.sleep(0)
            key = short_hash(self._key(record))
            if first.setdefault(key, number) != number:
                found.append((first[key], number, 1.0))
        return found

    def _key(self, record: Any) -> str:
        columns = sorted(self.needs() - {self.within}) if self.on is not None else sorted(name for name in record)
        parts = [*columns, *([self.within] if self.within else [])]
        return "\x1f".join(normal(str(record.get(name))) for name in parts)


def normal(text: str) -> str:
    """One form for case, white space and unicode variants of a text.

    >>> normal("  A  fine Film ") == normal("a fine film")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class NearDuplicates(Duplicates):
    """Similarity of texts that say the same in almost the same words (see `tilth.text.near`).

    at_least: least similarity that is looked for, above 0 and at most 1. numbers: ``keep``: texts that differ in a number, a
        negation or a unit are not alike; ``ignore``: they are.
    """

    name: ClassVar[str] = "near_duplicates"
    at_least: float = Field(FLOOR, gt=0, le=1)
    numbers: Literal["keep", "ignore"] = "keep"

    async def pairs(self, run: Run, rows: Rows) -> Iterable[tuple[int, int, float]]:
        """All verified pairs."""
        if self.within is None:
            return await aside(lambda: list(self._search(rows.texts(self.on))))
        texts = rows.texts(self.on)
        return await aside(lambda: [pair for group in self.groups(rows) for pair in self._search_in(texts, group)])

    def _search(self, texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
        from tilth.text.near import similar_pairs

        if texts:
            yield from ((pair.left, pair.right, pair.similarity) for pair in similar_pairs(texts, self.at_least, numbers=self.numbers))

    def _search_in(self, texts: Sequence[str], group: list[int]) -> Iterator[tuple[int, int, float]]:
        for left, right, similarity in self._search([texts[row] for row in group]):
            yield group[left], group[right], similarity


class SemanticDuplicates(Duplicates):
    """Cosine of embeddings. It is nearly blind to digits and to "not", so it is a second opinion, not the default.

    at_least: least cosine that is looked for.
    """

    name: ClassVar[str] = "semantic_duplicates"
    at_least: float = Field(SEMANTIC_FLOOR, gt=0, le=1)

    def roles(self) -> dict[str, tuple[str, ...]]:
        """The embedder."""
        return {"embedder": ()}

    async def pairs(self, run: Run, rows: Rows) -> Iterable[tuple[int, int, float]]:
        """All pairs above the least cosine: rows squared, tile by tile."""
        texts = rows.texts(self.on)
        if not texts:
            return []
        from tilth.stats.neighbours import pairs_above

        vectors = await run.embed(texts)

        def search() -> list[tuple[int, int, float]]:
            found = []
            for group in self.groups(rows):
                found += [(group[left], group[right], cosine) for left, right, cosine in pairs_above(vectors[group], self.at_least)]
            return found

        return await aside(search)

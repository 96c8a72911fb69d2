"""Copies: rows that say the same as others, rows that hold a row of the holdout, rows that keep too close to real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from tilth.evaluate.base import Direction, Metric, Sets, Value, texts_of
from tilth.evaluate.metrics.semantic import embedder
from tilth.records.record import Record
from tilth.stats.intervals import wilson
from tilth.text.ngrams import words

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.text.contamination import ReferenceIndex

NAMED = 50
"""Rows that a value names."""


class NearDuplicates(Metric):
    """Share of rows that repeat an earlier row (`tilth.text.near`); the reference is that share among the real rows.

    threshold: as there. detail: rows, each with its neighbour and their similarity.
    """

    name: ClassVar[str] = "near_duplicates"
    direction: ClassVar[Direction] = "down"
    threshold: float = 0.85

    async def measure(self, run: Run, sets: Sets) -> Value:
        """All rows; of the real ones as many."""
        return await asyncio.to_thread(self._value, sets)

    def _value(self, sets: Sets) -> Value:
        from tilth.text.near import near_duplicates

        rows = sets.rows("synthetic")
        found = {one.row: one for one in near_duplicates(texts_of(rows), self.threshold)}
        share = wilson(len(found), len(rows))
        real = sets.sample("real", len(rows))
        same = wilson(sum(1 for _ in near_duplicates(texts_of(real), self.threshold)), len(real)) if real else None
        named = [[rows[one.row].id, rows[one.neighbour].id, round(one.similarity, 4)] for one in list(found.values())[:NAMED]]
        finding = ""
        if share is not None and found and (same is None or share.low > same.high):
            finding = f"{len(found)} near-duplicates, such as {named[0][0]} of {named[0][1]}"
        samples = [1.0 if at in found else 0.0 for at in range(len(rows))]
        detail = {"pairs": named}
        kernel = f"tilth.text.near, threshold {self.threshold:g}"
        return self.report(share, kernel, against=same, seed=0, samples=samples, finding=finding, detail=detail)


class Hit(NamedTuple):
    """A row that holds text of the holdout. rule: which match it was."""

    row: int
    test: int
    rule: str
    shared: str


class Contamination(Metric):
    """Share of rows that share n words in a row with a row of the holdout, for n = 8 and n = 13 (the rule of GPT-3).

    How shorter holdout rows are looked for, and what counts as boilerplate: `tilth.text.contamination`. With the smallest n
    a row also counts when it says what a holdout row says in nearly the same words (`tilth.text.near`). The reference is the
    same share of real rows. detail: rows, each with the holdout row, the rule and the words that they share.
    """

    name: ClassVar[str] = "contamination"
    direction: ClassVar[Direction] = "down"
    sets: ClassVar[frozenset[str]] = frozenset({"holdout"})
    ns: tuple[int, ...] = (8, 13)

    async def measure(self, run: Run, sets: Sets) -> Sequence[Value]:
        """All rows of both sets."""
        return await asyncio.to_thread(lambda: [self._value(sets, n) for n in self.ns])

    def _value(self, sets: Sets, n: int) -> Value:
        held = sets.rows("holdout")
        from tilth.text.contamination import ReferenceIndex

        index = ReferenceIndex(texts_of(held), n=n)
        rows = sets.rows("synthetic")
        hits = self._hits(index, rows, held, n)
        share = wilson(len(hits), len(rows))
        real = sets.rows("real")
        same = wilson(len(self._hits(index, real, held, n)), len(real)) if real else None
        named = [self._named(hit, rows, held) for hit in list(hits.values())[:NAMED]]
        finding = ""
        if hits and n == min(self.ns):  # said once; the longer runs of words are among these
            first = f"{named[0]['row']} has {named[0]['holdout']}"
            finding = f"{len(hits)} row{'s hold' if len(hits) > 1 else ' holds'} text of the holdout ({n} words): {first}"
        samples = [1.0 if at in hits else 0.0 for at in range(len(rows))]
        kernel, detail = f"{n}-grams of tilth.text.ngrams.words 1", {"hits": named, "shorter_than_n": index.short}
        found = self.report(share, kernel, against=same, samples=samples, finding=finding, detail=detail)
        return replace(found, metric=f"{self.name}_{n}")

    @staticmethod
    def _named(hit: Hit, rows: Sequence[Record], held: Sequence[Record]) -> dict[str, Any]:
        return {"row": rows[hit.row].id, "holdout": held[hit.test].id, "rule": hit.rule, "shared": hit.shared}

    def _hits(self, index: ReferenceIndex, rows: Sequence[Record], held: Sequence[Record], n: int) -> dict[int, Hit]:
        """The best hit of each row."""
        hits = {}
        for at, text in enumerate(texts_of(rows)):
            if found := index.find(text):
                best = found[0]
                rule = f"{n} words" if best.rule == "ngram" else "whole text"
                hits[at] = Hit(at, best.reference, rule, best.ngram)
        if n == min(self.ns):
            for hit in _near(texts_of(held), texts_of(rows)):
                hits.setdefault(hit.row, hit)
        return dict(sorted(hits.items()))


def _near(held: Sequence[str], texts: Sequence[str]) -> Iterator[Hit]:
    """Texts that say what a holdout text says in nearly the same words."""
    from tilth.text.near import similar_pairs

    for pair in similar_pairs([*held, *texts]):
        if pair.left < len(held) <= pair.right and len(words(held[pair.left])) >= 4:
            yield Hit(pair.right - len(held), pair.left, "near-duplicate", f"similarity {pair.similarity:.2f}")


class Memorised(Metric):
    """Three sets: share of rows whose nearest real row is one of the training rows, not of the holdout.

    Training rows are what generation may have read: the support rows where they are given, else the real ones; as many of
    them as of holdout rows. The reference is the same share for real rows that are not among them: 0.5 where training rows
    and holdout are alike. n: rows of the sample. most: rows of each set.
    """

    name: ClassVar[str] = "nearest_is_training"
    direction: ClassVar[Direction] = "target"
    sets: ClassVar[frozenset[str]] = frozenset({"holdout", "real"})
    embeds: ClassVar[bool] = True
    cost: ClassVar[str] = "n k"
    most: int = 1000

    async def measure(self, run: Run, sets: Sets) -> Value:
        """Ties count half; Wilson interval."""
        source = "support" if sets.has("support") else "real"
        real = sets.sample("real", 2 * self.most)
        train = sets.sample("support", self.most) if source == "support" else real[::2]
        others = real if source == "support" else real[1::2]
        count = min(len(train), len(sets.rows("holdout")), self.most)
        synthetic, train, held = sets.sample("synthetic", self.most), train[:count], sets.sample("holdout", count)
        vectors = [await sets.vectors(run, part) for part in (synthetic, train, held)]
        ours = await asyncio.to_thread(_closer, *vectors)
        theirs = await asyncio.to_thread(_closer, await sets.vectors(run, others), *vectors[1:]) if others else []
        found, reference = wilson(round(sum(ours)), len(ours)), wilson(round(sum(theirs)), len(theirs))
        finding = ""
        if found is not None and reference is not None and found.low > reference.high + 0.05:
            finding = f"{found.value:.0%} of rows are closer to a {source} row than to any holdout row; of real rows {reference.value:.0%}"
        kernel, detail = f"cosine, {embedder(run)}", {"training": source, "rows_of_each": count}
        return self.report(found, kernel, against=reference, seed=sets.seed, samples=ours, finding=finding, detail=detail)


def _closer(rows: Any, train: Any, held: Any) -> list[float]:
    """1 for each row that is closer to a training row than to any holdout row, 0.5 where it is as close."""
    from tilth.stats.neighbours import nearest

    to_train, to_held = (nearest(rows, other, k=1).similarities[:, 0] for other in (train, held))
    return [1.0 if one > other else 0.5 if one == other else 0.0 for one, other in zip(to_train, to_held, strict=True)]

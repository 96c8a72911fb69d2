"""How much of the surface repeats: distinct-n, self-BLEU, compression. Blind to meaning; compared at equal size only."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from tilth.evaluate.base import Direction, Metric, Sets, Value, texts_of
from tilth.records.ids import digest
from tilth.stats.intervals import Interval, bootstrap_mean, subsampled
from tilth.text.diversity import bleu, compression_ratio
from tilth.text.ngrams import ngrams, words

if TYPE_CHECKING:
    from tilth.engine.run import Run

T = TypeVar("T")
WORDS = "tilth.text.ngrams.words 1"


class Sampled(Metric):
    """Metrics of a sample of the synthetic rows, and of as many real ones where there are real rows.

    most: rows of the sample. n of the value is that of the synthetic sample.
    """

    most: int = 2000

    def samples(self, sets: Sets) -> tuple[list[str], list[str]]:
        """Synthetic texts and real ones, equally many; no real ones where there are none."""
        real = sets.rows("real") or sets.rows("holdout")
        count = min(self.most, len(sets.rows("synthetic")), len(real) or self.most)
        source = "real" if sets.has("real") else "holdout"
        return texts_of(sets.sample("synthetic", count)), texts_of(sets.sample(source, count)) if real else []


class DistinctN(Sampled):
    """Distinct n-grams by all n-grams (Li et al. 2016), at equal numbers of tokens in both sets.

    ns: lengths. tokens: budget; texts are taken in a random order until it is spent. Falls with size: compare at equal budget.
    """

    name: ClassVar[str] = "distinct_n"
    ns: tuple[int, ...] = (1, 2, 3)
    tokens: int = 50_000

    async def measure(self, run: Run, sets: Sets) -> Value | Sequence[Value]:
        """One value for each n."""
        return await asyncio.to_thread(self.values, sets)

    def values(self, sets: Sets) -> list[Value]:
        """The same, without awaiting."""
        pair = [[words(text) for text in _shuffled(texts, sets.seed)] for texts in self.samples(sets)]
        budget = min([self.tokens, *(sum(map(len, tokens)) for tokens in pair if tokens)])
        synthetic, real = (_spent(tokens, budget) for tokens in pair)
        out = []
        for n in self.ns:
            one, other = self._distinct(synthetic, n, sets.seed), self._distinct(real, n, sets.seed)
            found = self.report(one, WORDS, against=other, seed=sets.seed, detail={"tokens": budget}, why=f"no text has {n} words")
            out.append(replace(found, metric=f"distinct_{n}"))
        return out

    def _distinct(self, texts: list[list[str]], n: int, seed: int) -> Interval | None:
        numbers: dict[tuple[str, ...], int] = {}
        grams = [[numbers.setdefault(gram, len(numbers)) for gram in ngrams(tokens, n)] for tokens in texts]
        flat = np.array([gram for row in grams for gram in row], dtype=np.int64)
        row = np.repeat(np.arange(len(grams)), [len(one) for one in grams]) if grams else np.zeros(0, dtype=np.int64)

        def share(kept: npt.NDArray[np.int64]) -> float | None:
            inside = np.zeros(len(grams), dtype=bool)
            inside[kept] = True
            taken = flat[inside[row]]
            return len(np.unique(taken)) / len(taken) if len(taken) else None

        return subsampled(share, len(grams), seed=seed, draws=100)


class SelfBleu(Sampled):
    """Mean BLEU-4 of a text against others of its set (Zhu et al. 2018); lower is more diverse.

    most: texts; references: random others that each is compared with.
    """

    name: ClassVar[str] = "self_bleu"
    direction: ClassVar[Direction] = "down"
    cost: ClassVar[str] = "n k"
    most: int = 200
    references: int = 100

    async def measure(self, run: Run, sets: Sets) -> Value:
        """Interval over the texts, given the references."""
        synthetic, real = self.samples(sets)
        one, per_text = await asyncio.to_thread(self._mean, synthetic, sets.seed)
        other, _ = await asyncio.to_thread(self._mean, real, sets.seed)
        detail = {"references": min(self.references, max(0, len(per_text) - 1))}
        kernel, why = f"{WORDS}, smoothing 1", "fewer than two texts with words"
        return self.report(one, kernel, against=other, seed=sets.seed, samples=per_text, detail=detail, why=why)

    def _mean(self, texts: list[str], seed: int) -> tuple[Interval | None, list[float]]:
        tokens = [one[:500] for text in texts if (one := words(text))]
        if len(tokens) < 2:
            return None, []
        rng, scores = random.Random(seed), []
        for at, one in enumerate(tokens):
            others = rng.sample([row for row in range(len(tokens)) if row != at], min(self.references, len(tokens) - 1))
            scores.append(bleu(one, [tokens[row] for row in others]))
        return bootstrap_mean(scores, seed=seed), scores


class Compression(Sampled):
    """Bytes by compressed bytes of all texts (Shaib et al. 2024); higher is more redundant. Equally many bytes in both sets."""

    name: ClassVar[str] = "compression"
    direction: ClassVar[Direction] = "down"

    async def measure(self, run: Run, sets: Sets) -> Value:
        """Interval by subsampling."""
        pair = [_shuffled(texts, sets.seed) for texts in self.samples(sets)]
        budget = min(sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) for texts in pair if texts)
        synthetic, reference = [await asyncio.to_thread(_compressed, _spent_bytes(texts, budget), sets.seed) for texts in pair]
        return self.report(synthetic, "zlib 9", against=reference, seed=sets.seed, detail={"bytes": budget}, why="nothing to compress")


def _compressed(texts: list[str], seed: int) -> Interval | None:
    def ratio(kept: npt.NDArray[np.int64]) -> float | None:
        return compression_ratio([texts[at] for at in kept])

    return subsampled(ratio, len(texts), seed=seed, draws=30)


def _shuffled(texts: list[str], seed: int) -> list[str]:
    return random.Random(digest("evaluate order", seed)).sample(texts, len(texts))


def _spent(texts: list[list[str]], budget: int) -> list[list[str]]:
    return _until(texts, budget, len)


def _spent_bytes(texts: list[str], budget: int) -> list[str]:
    return _until(texts, budget, lambda text: len(text.encode("utf-8", "surrogatepass")))


def _until(items: list[T], budget: int, size: Callable[[T], int]) -> list[T]:
    out, left = [], budget
    for item in items:
        if left <= 0:
            break
        out.append(item)
        left -= size(item)
    return out

"""Can a classifier tell synthetic rows from real ones? (C2ST; Lopez-Paz & Oquab 2017, arXiv 1610.06545)"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from tilth.evaluate.base import Direction, Metric, Sets, Value, texts_of
from tilth.records.record import Record
from tilth.stats.arrays import Floats, generator
from tilth.stats.intervals import bootstrap
from tilth.text.ngrams import words

if TYPE_CHECKING:
    from tilth.engine.run import Run

STRONG = 0.8
"""AUC from which synthetic rows are called recognisable."""


class C2st(Metric):
    """AUC of a classifier of real against synthetic rows, on rows it never saw; 0.5: they cannot be told apart.

    Equally many rows of each set and, where both have labels, of each label. The interval is a bootstrap over rows; detail has
    the interval of the AUC under permuted sources and the permutation p, and the words that give the source away.
    most: rows of each set; permutations: how many.
    """

    name: ClassVar[str] = "c2st"
    direction: ClassVar[Direction] = "target"
    sets: ClassVar[frozenset[str]] = frozenset({"real"})
    most: int = 1000
    permutations: int = 1000

    async def measure(self, run: Run, sets: Sets) -> Value:
        """Five folds; rows with the same text share one."""
        return await asyncio.to_thread(self._value, sets)

    def _value(self, sets: Sets) -> Value:
        synthetic, real = matched(sets.sample("synthetic", 4 * self.most), sets.sample("real", 4 * self.most), self.most)
        if len(synthetic) < 10:
            return self.none(f"only {len(synthetic)} rows of each set can be matched; at least 10 are needed")
        from threadpoolctl import threadpool_limits

        from tilth.stats.partition import partition
        from tilth.train.tfidf import TfidfLogistic

        texts = texts_of([*synthetic, *real])
        truth = np.array([1] * len(synthetic) + [0] * len(real))
        groups = partition(len(texts), [" ".join(words(text)) or None for text in texts])
        with threadpool_limits(limits=1):
            found = TfidfLogistic().out_of_fold(texts, ["synthetic" if one else "real" for one in truth], groups=groups, seed=sets.seed)
        if not found.scored.all():
            return self.none("; ".join(found.notes) or "too few different rows")
        scores = found.probabilities[:, found.classes.index("synthetic")]
        interval = bootstrap(lambda weight: auc(scores, truth, weight), len(truth), seed=sets.seed, draws=500)
        if interval is None:
            return self.none("the AUC is not defined")
        null = _permuted(scores, truth, self.permutations, sets.seed)
        p = (1 + int((np.abs(null - 0.5) >= abs(interval.value - 0.5)).sum())) / (1 + len(null))
        telling = giveaways(texts[: len(synthetic)], texts[len(synthetic) :])
        detail = {
            "p": round(p, 5),
            "permuted": [round(float(edge), 4) for edge in np.quantile(null, [0.025, 0.975])],
            "synthetic_words": telling[0],
            "real_words": telling[1],
        }
        finding = ""
        if interval.low >= STRONG:
            finding = f"rows are recognisable as synthetic (AUC {interval.value:.2f}), by words such as {', '.join(telling[0][:5])}"
        kernel = "TF-IDF of words 1-2 and characters 3-5, logistic regression C=10, 5 folds"
        samples = [float(one) for one in scores[: len(synthetic)]]
        return self.report(interval, kernel, against=0.5, seed=sets.seed, samples=samples, finding=finding, detail=detail)


def matched(one: Sequence[Record], other: Sequence[Record], most: int) -> tuple[list[Record], list[Record]]:
    """Equally many records of each label from both, as many as `most` in all; labels are ignored where they have none in common."""
    labels = {row["label"] for row in one} & {row["label"] for row in other} - {None}
    if not labels:
        count = min(len(one), len(other), most)
        return list(one[:count]), list(other[:count])
    left, right = [], []
    each = math.ceil(most / len(labels))
    for label in sorted(labels):
        mine, theirs = [row for row in one if row["label"] == label], [row for row in other if row["label"] == label]
        count = min(len(mine), len(theirs), each)
        left += mine[:count]
        right += theirs[:count]
    return left, right


def auc(scores: Floats, truth: npt.NDArray[np.int64], weight: Floats | None = None) -> float | None:
    """Chance that a row of class 1 scores above one of class 0, ties counting half; None where a class is missing."""
    weight = np.ones(len(scores)) if weight is None else weight
    values, place = np.unique(scores, return_inverse=True)
    ones = np.bincount(place, weights=weight * (truth == 1), minlength=len(values))
    zeros = np.bincount(place, weights=weight * (truth == 0), minlength=len(values))
    if not ones.sum() or not zeros.sum():
        return None
    below = np.cumsum(zeros) - zeros
    return float((ones * (below + zeros / 2)).sum() / (ones.sum() * zeros.sum()))


def _permuted(scores: Floats, truth: npt.NDArray[np.int64], times: int, seed: int) -> Floats:
    rng = generator(seed)
    return np.array([auc(scores, rng.permutation(truth)) or 0.5 for _ in range(times)])


def giveaways(one: Sequence[str], other: Sequence[str], most: int = 10) -> tuple[list[str], list[str]]:
    """Words most typical of either set: log-odds with an informative prior (Monroe, Colaresi & Quinn 2008), by z."""
    counts = [Counter(word for text in texts for word in set(words(text))) for texts in (one, other)]
    every = counts[0] + counts[1]
    totals = [counts[0].total() + every.total(), counts[1].total() + every.total()]

    def z(word: str) -> float:
        parts = [counts[side][word] + every[word] for side in (0, 1)]
        odds = [math.log(parts[side] / (totals[side] - parts[side])) for side in (0, 1) if totals[side] > parts[side]]
        return (odds[0] - odds[1]) / math.sqrt(1 / parts[0] + 1 / parts[1]) if len(odds) == 2 else 0.0

    ranked = sorted(((z(word), word) for word, n in every.items() if n > 2))
    return [word for score, word in reversed(ranked[-most:]) if score > 0], [word for score, word in ranked[:most] if score < 0]

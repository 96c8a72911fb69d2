"""Tests of a difference: McNemar, permutation, paired bootstrap, two proportions, and corrections for many of them.

A p-value is never alone: :func:`compare` gives the difference with its interval, the p-value and a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, Seed, decisive, finite, generator, same_length, share, whole
from tilth.stats.intervals import DRAWS, LEVEL, Interval, percentile, resampled_means
from tilth.stats.partition import partition

Verdict = Literal["better", "worse", "equivalent", "inconclusive"]
FEWEST_UNITS = 10
"""With fewer independent units a percentile bootstrap says nothing; the verdict is inconclusive."""
EXACT_UNITS = 16
"""Up to so many differing units every one of the 2^k sign flips is tried."""


def mcnemar(b: int, c: int, *, method: Literal["exact", "mid-p", "chi2"] = "exact") -> float:
    """Two-sided p that two classifiers err equally often on the same rows.

    Parameters
    ----------
    b, c: rows that only the first, and only the second, got right.
    method: exact binomial; mid-p (Fagerland, Lydersen & Laake 2013, BMC Med. Res. Methodol. 13:91), which is less
        conservative; chi2 with continuity correction (Edwards 1948), for b + c >= 25 only.

    >>> round(mcnemar(10, 25), 5)
    0.01667
    """
    total = whole(b, "b") + whole(c, "c")
    if total == 0:
        return 1.0
    if method == "chi2":
        statistic = max(abs(b - c) - 1, 0) ** 2 / total
        return math.erfc(math.sqrt(statistic / 2))
    below, at = _half_binomial(min(b, c), total)
    return min(1.0, 2 * below - (at if method == "mid-p" else 0.0))


def _half_binomial(k: int, n: int) -> tuple[float, float]:
    """P(X <= k) and P(X = k) for X ~ Binomial(n, 1/2), k <= n / 2. Terms shrink going down, so the sum stops early."""
    at = math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))
    term, terms = at, [at]
    for i in range(k, 0, -1):
        term *= i / (n - i + 1)
        if term < at * 1e-18:
            break
        terms.append(term)
    return math.fsum(terms), at


def discordant(a: Sequence[bool] | npt.ArrayLike, b: Sequence[bool] | npt.ArrayLike) -> tuple[int, int]:
    """(only `a` right, only `b` right) of two lists of right and wrong answers to the same rows: what mcnemar takes."""
    one, two = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    same_length("a and b", one, two)
    return int((one & ~two).sum()), int((two & ~one).sum())


def permutation_paired(
    a: npt.ArrayLike, b: npt.ArrayLike, *, seed: Seed, clusters: Sequence[Hashable] | None = None, draws: int = 10_000
) -> float:
    """Two-sided p of the mean difference when `a` and `b` are exchangeable within each row (or cluster).

    Sign flips (Fisher 1935): all of them for up to 16 differing units, else p = (1 + at least as extreme) / (1 + draws)
    (Phipson & Smyth 2010). No difference anywhere, or no rows: 1.
    """
    one, two = finite(a, "a"), finite(b, "b")
    gap = (one - two) / _scale(one, two)
    sums = partition(same_length("a and b", one, two), clusters).sums(gap)
    sums = sums[decisive(sums, 9) != 0]
    if len(sums) == 0:
        return 1.0
    observed = decisive(abs(sums.mean()), 9)
    if len(sums) <= EXACT_UNITS:
        flips = (np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1
        return float((decisive(np.abs((1 - 2 * flips) @ sums / len(sums)), 9) >= observed).mean())
    rng, hits = generator(seed), 0
    size = max(1, 4_000_000 // len(sums))
    for start in range(0, whole(draws, "draws", 1), size):
        signs = rng.integers(0, 2, size=(min(size, draws - start), len(sums)), dtype=np.int8) * 2 - 1
        hits += int((decisive(np.abs(signs @ sums / len(sums)), 9) >= observed).sum())
    return (1 + hits) / (1 + draws)


def permutation_groups(a: npt.ArrayLike, b: npt.ArrayLike, *, seed: Seed, draws: int = 10_000) -> float:
    """Two-sided p of the difference of means of two independent groups, by shuffling who belongs to which.

    p = (1 + at least as extreme) / (1 + draws); an empty group or no spread: 1.
    """
    one, two = finite(a, "a"), finite(b, "b")
    pooled = np.concatenate([one, two])
    if len(one) == 0 or len(two) == 0 or pooled.min() == pooled.max():
        return 1.0
    pooled = (pooled - pooled.mean()) / np.abs(pooled - pooled.mean()).max()
    first = len(one)

    def gaps(rows: Floats) -> Floats:
        return decisive(np.abs(rows[:, :first].mean(axis=1) - rows[:, first:].mean(axis=1)), 9)

    observed, rng, hits = gaps(pooled[None, :])[0], generator(seed), 0
    size = max(1, 2_000_000 // len(pooled))
    for start in range(0, whole(draws, "draws", 1), size):
        rows = np.tile(pooled, (min(size, draws - start), 1))
        hits += int((gaps(rng.permuted(rows, axis=1)) >= observed).sum())
    return (1 + hits) / (1 + draws)


def paired_bootstrap(
    a: npt.ArrayLike, b: npt.ArrayLike, *, seed: Seed, clusters: Sequence[Hashable] | None = None, draws: int = DRAWS
) -> float:
    """Two-sided p of the mean difference: 2 min(share of resamples <= 0, >= 0), at least 2 / (draws + 1), at most 1.

    `a` and `b` are (rows,) or (seeds, rows); the resamples are those of :func:`tilth.stats.intervals.paired_hierarchical`.
    """
    one, two = _pair(a, b)
    gap = one - two
    if gap.size == 0:
        return 1.0
    return _p_of(resampled_means(gap, partition(gap.shape[1], clusters), seed=seed, draws=draws) / _scale(one, two))


def _pair(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Floats, Floats]:
    one, two = (finite(np.atleast_2d(np.asarray(each, dtype=np.float64)), name, ndim=2) for each, name in ((a, "a"), (b, "b")))
    if one.shape != two.shape:
        raise ValueError(f"a and b: of different shapes ({one.shape} and {two.shape}); pairs need the same seeds and rows")
    return one, two


def _scale(one: Floats, two: Floats) -> float:
    """The largest score, so that rounding before a comparison means the same on every scale."""
    return max(float(np.abs(one).max(initial=0.0)), float(np.abs(two).max(initial=0.0))) or 1.0


def _p_of(found: Floats) -> float:
    rounded = decisive(found, 9)
    tail = 2 * min(float((rounded <= 0).mean()), float((rounded >= 0).mean()))
    return min(1.0, max(tail, 2 / (len(found) + 1)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of `a` with `b` on the same rows found; `difference` is a minus b."""

    mean_a: float
    mean_b: float
    difference: Interval
    p: float
    verdict: Verdict
    seeds: int
    margin: float | None = None


def compare(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    seed: Seed,
    clusters: Sequence[Hashable] | None = None,
    margin: float | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Comparison | None:
    """Scores of two systems on the same rows, (rows,) or (seeds, rows); higher is better. None where there are no rows.

    Verdict: better or worse where the interval excludes 0; else equivalent where the 1 - 2 alpha interval lies within
    -margin and margin (two one-sided tests, Schuirmann 1987); else, and below ten independent units, inconclusive.
    """
    one, two = _pair(a, b)
    gap = one - two
    if gap.size == 0:
        return None
    units = partition(gap.shape[1], clusters)
    found = resampled_means(gap, units, seed=seed, draws=draws)
    difference = percentile(float(gap.mean()), found, units.units, level=level, method="paired hierarchical bootstrap")
    inner = percentile(difference.value, found, units.units, level=2 * level - 1) if level > 0.5 else difference
    verdict: Verdict = "inconclusive"
    if units.units >= FEWEST_UNITS:
        if difference.excludes(0.0):
            verdict = "better" if difference.low > 0 else "worse"
        elif margin is not None and -margin < inner.low and inner.high < margin:
            verdict = "equivalent"
    return Comparison(float(one.mean()), float(two.mean()), difference, _p_of(found / _scale(one, two)), verdict, len(gap), margin)


def two_proportions(successes: tuple[int, int], n: tuple[int, int], *, method: Literal["z", "exact"] = "z") -> float:
    """Two-sided p that two independent proportions are equal: pooled z test, or Fisher's exact test. An empty group: 1."""
    (x, y), (m, k) = successes, n
    for one, of in ((x, m), (y, k)):
        if not 0 <= whole(one, "successes") <= whole(of, "n"):
            raise ValueError(f"successes: {one} of {of}")
    if m == 0 or k == 0 or x + y in (0, m + k):
        return 1.0
    if method == "exact":
        return _fisher(x, y, m, k)
    pooled = (x + y) / (m + k)
    z = (x / m - y / k) / math.sqrt(pooled * (1 - pooled) * (1 / m + 1 / k))
    return math.erfc(abs(z) / math.sqrt(2))


def _fisher(x: int, y: int, m: int, k: int) -> float:
    """Sum of the hypergeometric probabilities that are no higher than that of the table seen."""
    drawn = x + y

    def log_of(i: int) -> float:
        return _log_choose(m, i) + _log_choose(k, drawn - i) - _log_choose(m + k, drawn)

    seen = log_of(x) + 1e-7  # equal tables computed another way count as equal
    terms = (log_of(i) for i in range(max(0, drawn - k), min(m, drawn) + 1))
    return min(1.0, math.fsum(math.exp(term) for term in terms if term <= seen))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false alarm below alpha (Holm 1979, Scand. J. Stat. 6:65).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    checked = _checked(p)
    out, highest = [0.0] * len(checked), 0.0
    for rank, i in enumerate(sorted(range(len(checked)), key=checked.__getitem__)):
        highest = max(highest, min(1.0, (len(checked) - rank) * checked[i]))
        out[i] = highest
    return out


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the expected share of false alarms below alpha (Benjamini & Hochberg 1995), for many tests."""
    checked = _checked(p)
    out, lowest = [0.0] * len(checked), 1.0
    order = sorted(range(len(checked)), key=checked.__getitem__)
    for rank in range(len(checked), 0, -1):
        lowest = min(lowest, len(checked) / rank * checked[order[rank - 1]])
        out[order[rank - 1]] = lowest
    return out


def _checked(p: Sequence[float]) -> list[float]:
    array = finite(p, "p-values")
    if len(array) and (array.min() < 0 or array.max() > 1):
        raise ValueError("p-values: must lie in 0 to 1")
    return [float(one) for one in array]


def rows_needed(gain: float, discordance: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Test rows that a paired comparison of right and wrong needs to see `gain` (Miettinen 1968, Biometrics 24:339).

    gain: difference of the two accuracies, such as 0.02. discordance: share of rows on which they differ (>= gain).
    """
    if not 0 < abs(gain) <= share(discordance, "discordance"):
        raise ValueError(f"gain: must lie above 0 and not above the discordance {discordance}, not {gain}")
    z_a, z_b = NormalDist().inv_cdf(1 - share(alpha, "alpha") / 2), NormalDist().inv_cdf(share(power, "power"))
    root = z_a * math.sqrt(discordance) + z_b * math.sqrt(max(discordance - gain * gain, 0.0))
    return math.ceil((root / gain) ** 2)

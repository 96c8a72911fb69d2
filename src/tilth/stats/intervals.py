"""How sure a number is: Wilson, Newcombe, and bootstraps over rows, clusters and seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from tilth.stats.arrays import Floats, Seed, finite, generator, scored, share, whole
from tilth.stats.partition import Partition, partition

DRAWS = 2000
LEVEL = 0.95
_BLOCK = 4_000_000
"""Entries of one block of drawn weights (32 MB): memory stays flat however many draws there are."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its confidence interval.

    n: independent units it rests on (rows, or clusters of rows). draws: resamples, 0 where a formula gave it.
    """

    value: float
    low: float
    high: float
    n: int
    level: float = LEVEL
    method: str = ""
    draws: int = 0

    def excludes(self, reference: float = 0.0) -> bool:
        """Whether the interval lies wholly on one side of `reference`."""
        return not self.low <= reference <= self.high


def quantile_of(level: float) -> float:
    """z such that a normal variable lies within -z and z with probability `level`; 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + share(level, "level") / 2)


def wilson(successes: int, n: int, *, level: float = LEVEL) -> Interval | None:
    """Score interval of a proportion (Wilson 1927, JASA 22:209); None where n is 0.

    >>> interval = wilson(94, 100)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.875, 0.972)
    """
    whole(n, "n")
    if not 0 <= whole(successes, "successes") <= n:
        raise ValueError(f"successes: {successes} of {n}")
    if n == 0:
        return None
    z = quantile_of(level)
    p, grown = successes / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / grown
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / grown
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(p, low, high, n, level, "wilson")


def newcombe(successes: tuple[int, int], n: tuple[int, int], *, level: float = LEVEL) -> Interval | None:
    """Difference of two independent proportions, first minus second (Newcombe 1998, Stat. Med. 17:873, method 10)."""
    one, two = wilson(successes[0], n[0], level=level), wilson(successes[1], n[1], level=level)
    if one is None or two is None:
        return None
    gap = one.value - two.value
    low = gap - math.hypot(one.value - one.low, two.high - two.value)
    high = gap + math.hypot(one.high - one.value, two.value - two.low)
    return Interval(gap, max(-1.0, low), min(1.0, high), n[0] + n[1], level, "newcombe")


def unit_weights(units: int, draws: int, seed: Seed) -> Iterator[Floats]:
    """Blocks (draws of the block, units): how often each unit was drawn, `units` times with replacement."""
    rng = generator(seed)
    size = max(1, _BLOCK // max(units, 1))
    for start in range(0, draws, size):
        block = min(size, draws - start)
        picked = rng.integers(0, units, size=(block, units)) + np.arange(block)[:, None] * units
        yield np.bincount(picked.ravel(), minlength=block * units).reshape(block, units).astype(np.float64)


def bootstrap(
    statistic: Callable[[Floats], float | None],
    rows: int,
    *,
    seed: Seed,
    clusters: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval | None:
    """Percentile bootstrap of any statistic (Efron & Tibshirani 1993, ch. 13).

    Parameters
    ----------
    statistic: takes one weight per row (how often the row was drawn; all 1 for the value itself), returns a number
        or None where it is not defined. Draws without a number are left out.
    clusters: rows of one cluster are drawn together.

    None where the statistic of the whole is not defined.
    """
    units = partition(rows, clusters)
    value = statistic(np.ones(rows)) if rows else None
    if value is None:
        return None
    blocks = unit_weights(units.units, whole(draws, "draws", 1), seed)
    found = [statistic(weights[units.codes]) for block in blocks for weights in block]
    return percentile(value, [one for one in found if one is not None], units.units, level=level, method="bootstrap")


def percentile(value: float, found: Sequence[float] | Floats, n: int, *, level: float = LEVEL, method: str = "bootstrap") -> Interval:
    """The interval between the outer quantiles of resampled values."""
    edge = (1 - share(level, "level")) / 2
    low, high = np.quantile(np.asarray(found, dtype=np.float64), [edge, 1 - edge]) if len(found) else (value, value)
    return Interval(float(value), float(low), float(high), n, level, method, len(found))


def bootstrap_mean(
    values: Sequence[float | None] | npt.ArrayLike,
    *,
    seed: Seed,
    clusters: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval | None:
    """Mean of the scored values with a percentile interval over rows (or clusters). None is left out; all None: None."""
    array, kept = scored(values, "values")
    if len(array) == 0:
        return None
    units = partition(len(array), None if clusters is None else [clusters[i] for i in kept])
    found = resampled_means(array[None, :], units, seed=seed, draws=draws)
    return percentile(float(array.mean()), found, units.units, level=level)


def resampled_means(scores: Floats, units: Partition, *, seed: Seed, draws: int = DRAWS) -> Floats:
    """Means of `draws` resamples of a matrix (seeds, rows): seeds and units of rows are drawn independently.

    The rows are the same under every seed, so both are crossed random factors: one draw of rows holds for all seeds
    (the pigeonhole bootstrap, Owen 2007, Ann. Appl. Stat. 1:386). Rows drawn anew for each seed would count k x n
    rows as independent and give intervals that are too short.
    """
    rng = generator(seed)
    seeds = len(scores)
    sums, sizes = units.sums(scores), units.sizes.astype(np.float64)
    drawn = rng.integers(0, seeds, size=(whole(draws, "draws", 1), seeds)) + np.arange(draws)[:, None] * seeds
    seed_weights = np.bincount(drawn.ravel(), minlength=draws * seeds).reshape(draws, seeds) / seeds
    out, start = np.empty(draws), 0
    for weights in unit_weights(units.units, draws, rng):
        stop = start + len(weights)
        out[start:stop] = ((seed_weights[start:stop] @ sums) * weights).sum(axis=1) / (weights @ sizes)
        start = stop
    return out


def hierarchical(
    scores: npt.ArrayLike,
    *,
    seed: Seed,
    clusters: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval | None:
    """Mean of scores (seeds, test rows) with an interval over both seeds and rows.

    Every score must be there. None where there is no seed or no row. With one seed it is the interval over rows alone.
    """
    matrix = finite(scores, "scores", ndim=2)
    if matrix.size == 0:
        return None
    units = partition(matrix.shape[1], clusters)
    found = resampled_means(matrix, units, seed=seed, draws=draws)
    return percentile(float(matrix.mean()), found, units.units, level=level, method="hierarchical bootstrap")


def paired_hierarchical(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    seed: Seed,
    clusters: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
    relative: bool = False,
) -> Interval | None:
    """Gain of `a` over `b`, both (seeds, rows) under the same seeds and on the same rows.

    relative: mean(a) / mean(b) - 1 instead of mean(a) - mean(b); None where mean(b) is not above 0.
    """
    one, two = finite(a, "a", ndim=2), finite(b, "b", ndim=2)
    if one.shape != two.shape:
        raise ValueError(f"a and b: of different shapes ({one.shape} and {two.shape}); pairs need the same seeds and rows")
    if not relative:
        return hierarchical(one - two, seed=seed, clusters=clusters, draws=draws, level=level)
    if one.size == 0 or two.mean() <= 0:
        return None
    units = partition(one.shape[1], clusters)
    same = int(generator(seed).integers(2**62))  # both arms see the same draws
    draw = [resampled_means(matrix, units, seed=same, draws=draws) for matrix in (one, two)]
    usable = draw[1] > 0
    found = draw[0][usable] / draw[1][usable] - 1
    return percentile(float(one.mean() / two.mean() - 1), found, units.units, level=level, method="hierarchical bootstrap")


def subsampled(
    statistic: Callable[[npt.NDArray[np.int64]], float | None],
    rows: int,
    *,
    seed: Seed,
    part: float = 0.8,
    draws: int = 200,
    level: float = LEVEL,
) -> Interval | None:
    """Interval from subsamples *without* replacement, for diversity: an ordinary bootstrap adds duplicates and biases it down.

    The spread over subsamples of m of n rows is widened by sqrt(m / (n - m)), which makes its variance that of a mean
    over n rows (Politis, Romano & Wolf 1999), and centred on the value of the whole.

    statistic: takes the indices of the rows that are in. None where the value of the whole is None.
    """
    value = statistic(np.arange(rows)) if rows else None
    if value is None:
        return None
    inside = max(1, min(rows - 1, round(rows * share(part, "part"))))
    if rows < 3:
        return Interval(value, value, value, rows, level, "subsampling")
    rng = generator(seed)
    found = [statistic(np.sort(rng.permutation(rows)[:inside])) for _ in range(whole(draws, "draws", 1))]
    usable = np.array([one for one in found if one is not None], dtype=np.float64)
    spread = (usable - usable.mean()) * math.sqrt(inside / (rows - inside)) if len(usable) else usable
    return percentile(value, value + spread, rows, level=level, method="subsampling")

"""How far raters agree beyond chance: Cohen, Fleiss, Krippendorff, each with a bootstrap interval over items.

None as a rating is *not rated*. None as a result: nothing to go by, or all ratings are one label, where no chance
correction is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from tilth.stats.arrays import Floats, Ints, Seed, same_length
from tilth.stats.intervals import LEVEL, Interval, bootstrap

DRAWS = 1000
Rating = Hashable | None
Weights = Literal["nominal", "linear", "quadratic"]
Level = Literal["nominal", "ordinal", "interval"]


def cohen_kappa(
    a: Sequence[Rating],
    b: Sequence[Rating],
    *,
    weights: Weights = "nominal",
    order: Sequence[Hashable] | None = None,
    seed: Seed = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval | None:
    """Two raters on the same items (Cohen 1960; weighted: Cohen 1968). Items that one of them left out do not count.

    Parameters
    ----------
    weights: what a disagreement costs: all the same, or by the distance of the labels in `order` (linear, quadratic).
    order: the labels from low to high; default: sorted.
    """
    same_length("a and b", a, b)
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    labels = _labels((label for pair in pairs for label in pair), order)
    k = len(labels)
    codes = np.array([[labels[x], labels[y]] for x, y in pairs], dtype=np.int64).reshape(-1, 2)
    gap = np.abs(np.arange(k)[:, None] - np.arange(k)[None, :]).astype(np.float64)
    cost = (gap > 0).astype(np.float64) if weights == "nominal" else gap if weights == "linear" else gap**2

    def kappa(item_weights: Floats) -> float | None:
        table = np.bincount(codes[:, 0] * k + codes[:, 1], weights=item_weights, minlength=k * k).reshape(k, k)
        expected = float((np.outer(table.sum(axis=1), table.sum(axis=0)) * cost).sum() / table.sum())
        return _beyond_chance(float((table * cost).sum()), expected)

    return bootstrap(kappa, len(pairs), seed=seed, draws=draws, level=level)


def fleiss_kappa(ratings: Sequence[Sequence[Rating]], *, seed: Seed = 0, draws: int = DRAWS, level: float = LEVEL) -> Interval | None:
    """Any number of raters, the same number for each item (Fleiss 1971); `ratings` has one list per item.

    Raises
    ------
    ValueError: items with different numbers of ratings, or fewer than two; Krippendorff's alpha takes those.
    """
    counts, _ = label_counts(ratings)
    sizes = counts.sum(axis=1)
    if len(counts) and (sizes.min() != sizes.max() or sizes.min() < 2):
        raise ValueError("Fleiss' kappa needs the same number of ratings, at least 2, for each item; use krippendorff_alpha")
    raters = float(sizes[0]) if len(counts) else 0.0
    disagreement = 1 - (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1)) if len(counts) else sizes

    def kappa(item_weights: Floats) -> float | None:
        shares = item_weights @ counts / (item_weights.sum() * raters)
        return _beyond_chance(float(item_weights @ disagreement / item_weights.sum()), 1 - float((shares**2).sum()))

    return bootstrap(kappa, len(counts), seed=seed, draws=draws, level=level)


def krippendorff_alpha(
    ratings: Sequence[Sequence[Rating]],
    *,
    metric: Level = "nominal",
    order: Sequence[Hashable] | None = None,
    seed: Seed = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval | None:
    """Any raters, any number of ratings per item, missing ones allowed (Krippendorff 2011, "Computing Krippendorff's alpha").

    Parameters
    ----------
    ratings: one list of ratings per item; None is not rated. Items with fewer than two ratings do not count.
    metric: nominal; ordinal (labels from low to high in `order`, default sorted); interval (the labels are numbers).
    """
    counts, labels = label_counts(ratings, order)
    counts = counts[counts.sum(axis=1) >= 2]
    values = np.array([float(label) for label in labels]) if metric == "interval" else np.arange(float(len(labels)))
    spread = counts / np.maximum(counts.sum(axis=1, keepdims=True) - 1, 1)

    def alpha(item_weights: Floats) -> float | None:
        weighted = counts * item_weights[:, None]
        coincidences = weighted.T @ spread - np.diag((weighted * spread / np.maximum(counts, 1)).sum(axis=0))
        totals = coincidences.sum(axis=1)
        cost = _distances(metric, values, totals)
        expected = float((np.outer(totals, totals) * cost).sum()) / max(float(totals.sum()) - 1, 1.0)
        return _beyond_chance(float((coincidences * cost).sum()), expected)

    return bootstrap(alpha, len(counts), seed=seed, draws=draws, level=level)


def _distances(metric: Level, values: Floats, totals: Floats) -> Floats:
    """Squared distances of labels: all 1; by the ratings that lie between them (ordinal); by their difference."""
    if metric == "nominal":
        return np.asarray(values[:, None] != values[None, :], dtype=np.float64)
    if metric == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2, dtype=np.float64)
    middle = np.cumsum(totals) - totals / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2, dtype=np.float64)


def observed_agreement(a: Sequence[Rating], b: Sequence[Rating], *, level: float = LEVEL) -> Interval | None:
    """Share of items with the same label, of those that both rated; Wilson interval."""
    from tilth.stats.intervals import wilson

    same_length("a and b", a, b)
    rated = [x == y for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    return wilson(sum(rated), len(rated), level=level)


def label_counts(ratings: Sequence[Sequence[Rating]], order: Sequence[Hashable] | None = None) -> tuple[Floats, list[Any]]:
    """(items, labels) table of how often each label was given, and the labels in order. None is not counted."""
    labels = _labels((one for item in ratings for one in item if one is not None), order)
    counts = np.zeros((len(ratings), len(labels)))
    rows: Ints = np.array([row for row, item in enumerate(ratings) for one in item if one is not None], dtype=np.int64)
    columns = np.array([labels[one] for item in ratings for one in item if one is not None], dtype=np.int64)
    np.add.at(counts, (rows, columns), 1.0)
    return counts, list(labels)


def _labels(seen: Iterable[Hashable], order: Sequence[Hashable] | None) -> dict[Hashable, int]:
    """The number of each label. Sorting falls back to their text where labels do not compare with each other."""
    found = set(seen)
    for label in found:
        if isinstance(label, float) and label != label:
            raise ValueError("ratings: NaN is no label; use None for an item that was not rated")
    if order is not None:
        if missing := found - set(order):
            raise ValueError(f"order: does not hold {', '.join(sorted(map(repr, missing)))}")
        return {label: number for number, label in enumerate(order)}
    key: Callable[[Any], Any] = _itself if len({type(label) for label in found}) == 1 else repr
    return {label: number for number, label in enumerate(sorted(found, key=key))}


def _itself(label: Any) -> Any:
    return label


def _beyond_chance(observed: float, expected: float) -> float | None:
    """1 - observed / expected disagreement; None where no disagreement is expected."""
    return None if round(expected, 12) <= 0 else 1 - observed / expected

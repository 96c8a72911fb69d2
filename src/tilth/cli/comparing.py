"""What two runs differ in: each metric with a test of its difference, the cost, and what was asked differently.

A test is paired where both runs were measured on the same rows (utility on one holdout); else the runs are independent.
P-values are corrected for the number of metrics (Holm 1979). Better and worse are said of the second run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tilth.evaluate.base import Value
    from tilth.report.facts import Facts

ALPHA = 0.05
MARGIN = 0.05
"""Share of the first run's value below which a difference counts as none."""
SIZED = ("distinct", "self_bleu", "compression", "vendi", "near_duplicates")
"""Metrics that depend on how many rows they are taken of; at other numbers of rows they say nothing about the texts."""
_NOT_ASKED = frozenset({"name", "describe", "budget", "concurrency", "sets"})
"""Parts of a request that do not say what the data are."""


@dataclass(frozen=True)
class Row:
    """One metric of two runs. difference: second minus first, with its 95 % interval. how: which test, and why not another.

    verdict: better, worse, equivalent or inconclusive, of the second run; "" where a difference is neither good nor bad.
    """

    metric: str
    first: Value | None
    second: Value | None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    p_holm: float | None = None
    verdict: str = ""
    how: str = ""


def rows(one: Facts, two: Facts, *, metrics: Sequence[str] = (), margin: float = MARGIN) -> list[Row]:
    """The metrics that both runs have, in their order; then those that only one has."""
    first, second = ({value.metric: value for value in run.values} for run in (one, two))
    names = [name for name in first if name in second] + [name for name in {**first, **second} if (name in first) != (name in second)]
    wanted = [name for name in names if not metrics or any(name == given or name.startswith(f"{given}_") for given in metrics)]
    found = [_row(name, one, two, first.get(name), second.get(name), margin) for name in wanted]
    return _corrected(found)


def _row(name: str, one: Facts, two: Facts, first: Value | None, second: Value | None, margin: float) -> Row:
    if first is None or second is None or first.value is None or second.value is None:
        both = first is not None and second is not None and first.value is None and second.value is None
        return Row(name, first, second, verdict="inconclusive", how="measured in neither" if both else "measured in one run only")
    if name.startswith(SIZED) and abs(first.n - second.n) > 0.1 * max(first.n, second.n):
        how = f"it depends on the number of rows: {first.n:,} and {second.n:,}"
        return Row(name, first, second, second.value - first.value, verdict="inconclusive", how=how)
    if first.direction == "target":
        return _distances(name, first, second, margin)
    a, b = _samples(one, first), _samples(two, second)
    if a is not None and b is not None and _same_rows(one, two, name) and len(a) == len(b):
        return _paired(name, first, second, a, b, margin)
    if a is not None and b is not None and name.partition("_")[0] != "utility":
        return _independent(name, first, second, a, b, margin)
    return _of_intervals(name, first, second, margin)


def _samples(run: Facts, value: Value) -> npt.NDArray[np.float64] | None:
    """One number per row, where there are some and the value is their mean."""
    import re

    import numpy as np

    path = run.folder.artifacts / "metrics" / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', value.metric)}.npy"
    if not Path(path).exists() or value.value is None:
        return None
    array: npt.NDArray[np.float64] = np.load(path, allow_pickle=False)
    array = array[~np.isnan(array)]
    if not len(array) or abs(float(array.mean()) - value.value) > 1e-4 * max(1.0, abs(value.value)):
        return None
    return array


def _same_rows(one: Facts, two: Facts, metric: str) -> bool:
    """Whether a metric's samples are about the same rows: those of one holdout, by its digest."""
    if not metric.startswith("utility"):
        return False
    digests = [run.inputs.get("holdout", {}).get("sha256") for run in (one, two)]
    return digests[0] is not None and digests[0] == digests[1]


def _sign(value: Value) -> float:
    return -1.0 if value.direction == "down" else 1.0


def _margin(first: Value, margin: float) -> float:
    return margin * abs(first.value or 0.0)


def _paired(name: str, first: Value, second: Value, a: Any, b: Any, margin: float) -> Row:
    from tilth.stats.significance import compare

    sign = _sign(first)
    found = compare(sign * b, sign * a, seed=0, margin=_margin(first, margin) or None)
    if found is None:
        return Row(name, first, second, verdict="inconclusive", how="no row")
    edges = sorted((sign * found.difference.low, sign * found.difference.high))
    how = f"paired bootstrap over {found.difference.n} rows"
    return Row(name, first, second, sign * found.difference.value, (edges[0], edges[1]), found.p, None, found.verdict, how)


def _independent(name: str, first: Value, second: Value, a: Any, b: Any, margin: float) -> Row:
    import numpy as np

    from tilth.stats.intervals import newcombe, percentile, resampled_means
    from tilth.stats.partition import partition
    from tilth.stats.significance import permutation_groups, two_proportions

    if set(np.unique(np.concatenate([a, b]))) <= {0.0, 1.0}:
        hits, sizes = (int(b.sum()), int(a.sum())), (len(b), len(a))
        found = newcombe(hits, sizes)
        p, how = two_proportions(hits, sizes, method="exact"), "Fisher's exact test, Newcombe's interval"
    else:
        draws = [resampled_means(one[None, :], partition(len(one), None), seed=seed) for seed, one in enumerate((a, b))]
        found = percentile(float(b.mean() - a.mean()), draws[1] - draws[0], min(len(a), len(b)))
        p, how = permutation_groups(a, b, seed=0), "permutation test of independent rows"
    if found is None:
        return Row(name, first, second, verdict="inconclusive", how="no row")
    return _judged(Row(name, first, second, found.value, (found.low, found.high), p, None, "", how), _sign(first), _margin(first, margin))


def _of_intervals(name: str, first: Value, second: Value, margin: float) -> Row:
    """Where only intervals are known: the difference of two normal variables."""
    assert first.value is not None and second.value is not None
    return _normal(name, first, second, second.value - first.value, _sign(first), _margin(first, margin), "from the two intervals")


def _distances(name: str, first: Value, second: Value, margin: float) -> Row:
    """Where being near the reference is good: the difference of the distances from it."""
    assert first.value is not None and second.value is not None
    if first.reference is None or second.reference is None:
        return Row(name, first, second, second.value - first.value, how="no real data to be near to")
    gap = abs(second.value - second.reference) - abs(first.value - first.reference)
    return _normal(name, first, second, gap, -1.0, _margin(first, margin), "distance from real data, from the two intervals")


def _normal(name: str, first: Value, second: Value, gap: float, sign: float, margin: float, how: str) -> Row:
    if first.interval is None or second.interval is None:
        return Row(name, first, second, gap, verdict="inconclusive", how="a value without an interval")
    z = NormalDist().inv_cdf(1 - ALPHA / 2)
    error = math.hypot(*((high - low) / (2 * z) for low, high in (first.interval, second.interval)))
    p = math.erfc(abs(gap) / error / math.sqrt(2)) if error else (1.0 if gap == 0 else 0.0)
    return _judged(Row(name, first, second, gap, (gap - z * error, gap + z * error), p, None, "", how), sign, margin)


def _judged(row: Row, sign: float, margin: float) -> Row:
    """The verdict by the interval; equivalent where the interval lies within the margin."""
    assert row.interval is not None
    low, high = sorted((sign * row.interval[0], sign * row.interval[1]))
    if low > 0 or high < 0:
        return replace(row, verdict="better" if low > 0 else "worse")
    inside = margin > 0 and -margin < low and high < margin
    return replace(row, verdict="equivalent" if inside else "inconclusive")


def _corrected(found: list[Row]) -> list[Row]:
    """Holm's correction; what it does not confirm is inconclusive."""
    from tilth.stats.significance import holm

    tested = [row for row in found if row.p is not None]
    adjusted = dict(zip((row.metric for row in tested), holm([row.p for row in tested if row.p is not None]), strict=True))
    out = []
    for row in found:
        p = adjusted.get(row.metric)
        doubtful = row.verdict in ("better", "worse") and p is not None and p >= ALPHA
        out.append(replace(row, p_holm=p, verdict="inconclusive" if doubtful else row.verdict))
    return out


def changes(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """What was asked differently, by dotted path.

    >>> changes({"models": {"judge": "a"}, "rows": 5, "values": ["x"]}, {"models": {"judge": "b"}, "rows": 5, "values": ["x", "y"]})
    ['models.judge: a → b', 'values (+1 value)']
    """
    first, second = ({key: value for key, value in run.items() if key not in _NOT_ASKED} for run in (one, two))
    return list(_different(first, second, ""))


def _different(a: Any, b: Any, path: str) -> list[str]:
    if a == b:
        return []
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        keys = [*a, *(key for key in b if key not in a)]
        return [line for key in keys for line in _different(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))]
    if isinstance(a, list) and isinstance(b, list):
        if len(a) == len(b) and any(isinstance(item, Mapping) for item in a):
            return [line for at, (x, y) in enumerate(zip(a, b, strict=True)) for line in _different(x, y, f"{path}[{at}]")]
        more, fewer = sum(item not in a for item in b), sum(item not in b for item in a)
        said = ", ".join(f"{sign}{n} value{'s' if n != 1 else ''}" for sign, n in (("+", more), ("−", fewer)) if n) or "another order"
        return [f"{path} ({said})"]
    return [f"{path}: {_short(a)} → {_short(b)}"]


def _short(value: Any) -> str:
    """A value in one line; a model with its settings by its name.

    >>> _short([{"model": "openai/a", "temperature": 0}]), _short(None)
    ('openai/a', 'not set')
    """
    models = value if isinstance(value, list) else [value]
    if all(isinstance(one, Mapping) and "model" in one for one in models) and models:
        value = ", ".join(str(one["model"]) for one in models)
    text = "not set" if value is None else " ".join(str(value).split())
    return text if len(text) <= 40 else text[:39] + "…"


def per_record(run: Facts) -> float | None:
    """Dollars per kept record; None where unknown."""
    return run.usage.usd / run.kept if run.usage.usd is not None and run.kept else None


def in_both(one: Facts, two: Facts) -> int:
    """Kept records of the second run that the first has too, word for word."""
    texts = [_texts(run) for run in (one, two)]
    return len(texts[0] & texts[1])


def _texts(run: Facts) -> set[bytes]:
    from tilth.records.ids import canonical, digest
    from tilth.records.parts import read_parts

    columns = list(run.columns)
    return {digest(canonical(row)) for row in read_parts(run.folder.data, "part", columns)} if columns else set()

"""What the labels of a run look like, and how far they agree with given ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tilth.records.record import Record
from tilth.stats.intervals import Interval

BINS = 15


def entropy(shares: Iterable[float]) -> float:
    """Entropy in bits: 0 where one label has all, 1 where two are equal (CoAnnotating, arXiv 2310.15638).

    >>> entropy([0.5, 0.5]), entropy([1.0, 0.0])
    (1.0, 0.0)
    """
    found = -math.fsum(share * math.log2(share) for share in shares if share > 0)
    return round(max(found, 0.0), 6) + 0.0  # no -0.0


class Report:
    """Collects labelled records in passing; of those without a given label only counts are kept."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = list(labels)
        self._counts: Counter[str] = Counter()
        self._unsure = 0.0
        self._with_probs = 0
        self._pairs: list[tuple[str, str]] = []
        self._rows: list[tuple[list[float], int]] = []
        self.foreign = 0
        """Given labels that are none of the task's."""

    def add(self, record: Record) -> None:
        """Take one labelled record; its column ``gold`` is the given label."""
        label, probs, gold = record["label"], record["label_probs"], record.get("gold")
        self._counts[label] += 1
        if probs is not None:
            self._with_probs += 1
            self._unsure += record.meta["scores"]["label_entropy"]
        if gold is None:
            return
        if gold not in self._labels:
            self.foreign += 1
            return
        self._pairs.append((label, gold))
        if probs is not None:
            self._rows.append(([probs[name] for name in self._labels], self._labels.index(gold)))

    def facts(self, model: str, seed: int) -> dict[str, Any]:
        """As artifacts/annotation.json holds it. ``agreement`` is null where no row brought a label."""
        return {
            "model": model,
            "n": sum(self._counts.values()),
            "labels": {label: self._counts[label] for label in self._labels},
            "mean_entropy_bits": self._unsure / self._with_probs if self._with_probs else None,
            "agreement": self._agreement(seed) if self._pairs else None,
        }

    def _agreement(self, seed: int) -> dict[str, Any]:
        from tilth.stats.agreement import cohen_kappa
        from tilth.stats.calibration import calibration_error
        from tilth.stats.intervals import wilson

        given, gold = [label for label, _ in self._pairs], [gold for _, gold in self._pairs]
        right = sum(label == true for label, true in self._pairs)
        probs, true = [row for row, _ in self._rows], [number for _, number in self._rows]
        error = calibration_error(probs, true, bins=BINS) if probs else None
        return {
            "n": len(self._pairs),
            "foreign": self.foreign,
            "accuracy": _plain(wilson(right, len(self._pairs))),
            "majority": max(Counter(gold).values()) / len(gold),
            "kappa": _plain(cohen_kappa(given, gold, seed=seed)),
            "calibration_error": {"value": error, "bins": BINS, "n": len(probs)},
            "per_label": {label: self._label(label) for label in self._labels},
            "confusion": self._confusion(),
        }

    def _label(self, label: str) -> Mapping[str, Any]:
        """Precision: of what was called so, what is so; recall: of what is so, what was called so; Wilson intervals."""
        from tilth.stats.intervals import wilson

        both = sum(given == gold == label for given, gold in self._pairs)
        called, real = sum(given == label for given, _ in self._pairs), sum(gold == label for _, gold in self._pairs)
        return {"precision": _plain(wilson(both, called)), "recall": _plain(wilson(both, real))}

    def _confusion(self) -> dict[str, dict[str, int]]:
        """Given (gold) label to what the model called it, where it happened."""
        table: dict[str, dict[str, int]] = {}
        for (label, gold), n in sorted(Counter(self._pairs).items()):
            table.setdefault(gold, {})[label] = n
        return table


def _plain(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    how = {"n": interval.n, "level": interval.level, "method": interval.method, "draws": interval.draws}
    return {"value": interval.value, "low": interval.low, "high": interval.high, **how}

"""Values, gains and verdicts of an experiment; all from one set of resamples, so every comparison is paired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tilth.evaluate.utility.arms import EDA, MAJORITY, REAL, TEMPLATES, Design, Key
from tilth.stats.arrays import Floats, Ints, generator
from tilth.stats.intervals import Interval, percentile

Verdict = Literal["gain", "loss", "no gain", "unknown"]
METHOD = "paired bootstrap over test rows, draws of real rows and generation seeds"
CONTROLS = (REAL, MAJORITY, EDA, TEMPLATES)


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm of one student. predicted: (generations, seeds, test rows) numbers of labels, -1: nothing to learn from."""

    key: Key
    predicted: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Headline:
    """What an arm adds for one student at one size: over real only, and over templates without an LLM.

    verdict: gain only where both intervals lie above 0; unknown where the control T is missing and real only is beaten.
    """

    key: Key
    over_real: Interval
    relative: Interval | None
    over_templates: Interval | None
    verdict: Verdict

    def sentence(self) -> str:
        """One line for people, in points."""
        where = f"{self.key.student}, {self.key.size} real rows, {named(self.key)}"
        rest = f"over real only {points(self.over_real)}"
        rest += f" ({100 * self.relative.value:+.0f} % relative)" if self.relative is not None else ""
        beyond = f"over templates without an LLM {points(self.over_templates)}" if self.over_templates else "templates: missing"
        return f"{where}: {self.verdict}; {rest}, {beyond}"


class Table:
    """The cells of an experiment. Made by `tilth.evaluate.utility.experiment.experiment`."""

    def __init__(self, truth: list[str], labels: tuple[str, ...], design: Design, *, missing: list[str] | None = None) -> None:
        code = {label: number for number, label in enumerate(labels)}
        self.design, self.labels = design, labels
        self.missing: list[str] = missing or []
        self._truth: Ints = np.array([code[label] for label in truth], dtype=np.int64)
        self._cells: dict[Key, _Scored] = {}

    def add(self, cell: Cell) -> None:
        """Score a cell; one without anything to learn from is named in `missing`."""
        if (cell.predicted < 0).any():
            self.missing.append(f"{cell.key.student}, {named(cell.key)}: nothing to learn from")
            return
        self._cells[cell.key] = self._scored(cell.predicted)

    def keys(self) -> list[Key]:
        """The cells, in the order in which they were laid out."""
        return list(self._cells)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._cells)

    def __contains__(self, key: Key) -> bool:
        return key in self._cells

    @property
    def n(self) -> int:
        """Test rows."""
        return len(self._truth)

    def value(self, key: Key) -> Interval:
        """The mean score of a cell over generations and seeds, with its interval."""
        one = self._cells[key]
        return self._interval(one.value, one.drawn)

    def gain(self, key: Key, over: Key, *, relative: bool = False) -> Interval | None:
        """What `key` scores above `over`, in shares of 1; relative: as a share of what `over` scores.

        None where a cell is missing, or for a relative gain over a score that is not above 0.
        """
        if key not in self._cells or over not in self._cells:
            return None
        one, two = self._cells[key], self._cells[over]
        if not relative:
            return self._interval(one.value - two.value, one.drawn - two.drawn)
        if two.value <= 0:
            return None
        usable = two.drawn > 0
        return self._interval(one.value / two.value - 1, one.drawn[usable] / two.drawn[usable] - 1)

    def per_row(self, key: Key) -> Floats:
        """The share of fits that got each test row right: the sample-level values."""
        return self._cells[key].right

    def real_only(self, key: Key, size: int | None = None) -> Key:
        """The cell of real rows alone that a cell is compared with."""
        return Key(key.student, key.size if size is None else size, REAL)

    def templates(self, key: Key) -> Key:
        """The cell of the control T beside a cell: as added, as weighted, unfiltered."""
        return key._replace(arm=TEMPLATES, filter="")

    def headlines(self) -> list[Headline]:
        """One for each synthetic arm that was added to real rows, filtered or not."""
        out = []
        for key in self._cells:
            if key.arm in CONTROLS or key.way != "add" or key.filter.startswith("random half"):
                continue
            over = self.gain(key, self.real_only(key))
            if over is not None:
                beyond = self.gain(key, self.templates(key))
                relative = self.gain(key, self.real_only(key), relative=True)
                out.append(Headline(key, over, relative, beyond, _verdict(over, beyond)))
        return out

    @property
    def warnings(self) -> list[str]:
        """Where synthetic rows alone are worth less than the real ones and are nevertheless added at full weight."""
        out = []
        for key in self._cells:
            if key.way != "add" or key.weighting != "plain" or key.arm in (REAL, MAJORITY, EDA) or key.filter.startswith("random half"):
                continue
            loss = self.gain(key._replace(size=0, way="only"), self.real_only(key))
            if loss is not None and loss.value < 0:
                out.append(
                    f"{key.student}, {key.size} real rows: {_part(key)} alone scores {-100 * loss.value:.1f} points below the real rows,"
                    " and its rows are added at full weight. Use balanced weights."
                )
        return out

    def known_zero(self) -> list[str]:
        """Where EDA, which should add nothing, seems to: then the other gains are to be doubted too."""
        out = []
        for key in self._cells:
            gain = self.gain(key, self.real_only(key)) if key.arm == EDA else None
            if gain is not None and gain.low > 0:
                out.append(f"{key.student}, {key.size} real rows: EDA, the known zero, adds {points(gain)}")
        return out

    def rows(self) -> Iterator[dict[str, Any]]:
        """One mapping per cell, ready for JSON: value, interval, n, fits; gains absolute and relative, over real only and over T."""
        verdicts = {one.key: one.verdict for one in self.headlines()}
        for key, one in self._cells.items():
            line: dict[str, Any] = {**key._asdict(), "metric": self.design.metric, **_shown(self.value(key)), "fits": one.fits}
            if key.arm != REAL and key.size:
                line["gain"] = _json(self.gain(key, self.real_only(key)))
                line["gain_relative"] = _json(self.gain(key, self.real_only(key), relative=True))
            if key.arm not in CONTROLS:
                line["over_templates"] = _json(self.gain(key, self.templates(key)))
            if key.filter and not key.filter.startswith("random half"):
                line["over_random_half"] = _json(self.gain(key, key._replace(filter=f"random half for {key.filter}")))
            yield line | ({"verdict": verdicts[key]} if key in verdicts else {})

    # one set of resamples for all cells

    @cached_property
    def _weights(self) -> _Weights:
        return _Weights.drawn(self.n, len(self.design.seeds), self.design.draws, self.design.seed)

    def _interval(self, value: float, found: Floats) -> Interval:
        return percentile(value, found, self.n, level=self.design.level, method=METHOD)

    def _scored(self, predicted: npt.NDArray[np.int16]) -> _Scored:
        generations, seeds, rows = predicted.shape
        flat = predicted.reshape(-1, rows)
        by_fit = self._by_fit(flat, self._weights.rows)
        whole = self._by_fit(flat, np.ones((1, rows), dtype=np.float32))
        drawn = self._weights.combined(by_fit.reshape(-1, generations, seeds))
        right = (flat == self._truth).mean(axis=0)
        return _Scored(float(whole.mean()), drawn, np.asarray(right, dtype=np.float64), generations * seeds)

    def _by_fit(self, flat: npt.NDArray[np.int16], weights: npt.NDArray[np.float32]) -> Floats:
        """(draws, fits): the score of each fit on each resample of test rows."""
        if self.design.metric == "accuracy":  # counts are exact in float32, and it is twice as fast
            hits = np.asarray(weights @ (flat == self._truth).T.astype(np.float32), dtype=np.float64)
            return np.asarray(hits / weights.sum(axis=1, keepdims=True, dtype=np.float64), dtype=np.float64)
        totals, classes = np.zeros((len(weights), len(flat))), np.zeros((len(weights), 1))
        for label in range(len(self.labels)):
            true = (self._truth == label).astype(np.float32)
            said = (flat == label).T.astype(np.float32)
            hit, have = np.asarray(weights @ (said * true[:, None]), dtype=np.float64), (weights @ true)[:, None]
            f1 = 2 * hit / np.maximum(weights @ said + have, 1e-9)
            totals += np.where(have > 0, f1, 0.0)  # labels of the test rows drawn; others have no recall
            classes += have > 0
        return totals / np.maximum(classes, 1)


@dataclass(frozen=True, slots=True)
class _Scored:
    value: float
    drawn: Floats
    right: Floats
    fits: int


@dataclass
class _Weights:
    """How often each test row, each draw of real rows and each generation was drawn, in each resample.

    The three are crossed, so they are drawn independently (Owen 2007, Ann. Appl. Stat. 1:386).
    """

    rows: npt.NDArray[np.float32]
    seeds: Floats
    rng_seed: int
    _generations: dict[int, Floats] = field(default_factory=dict)

    @classmethod
    def drawn(cls, rows: int, seeds: int, draws: int, seed: int) -> _Weights:
        rng = generator(seed)
        return cls(_multinomial(rng, draws, rows).astype(np.float32), _multinomial(rng, draws, seeds) / max(seeds, 1), seed + 1)

    def combined(self, by_fit: Floats) -> Floats:
        """(draws, generations, seeds) to (draws,): one generation, or no draw of real rows, is not resampled."""
        draws, generations, seeds = by_fit.shape
        over_seeds = by_fit.mean(axis=2) if seeds == 1 else np.einsum("dgs,ds->dg", by_fit, self.seeds)
        if generations == 1:
            return np.asarray(over_seeds[:, 0], dtype=np.float64)
        if generations not in self._generations:
            self._generations[generations] = _multinomial(generator(self.rng_seed), draws, generations) / generations
        return np.asarray((over_seeds * self._generations[generations]).sum(axis=1), dtype=np.float64)


def _multinomial(rng: np.random.Generator, draws: int, units: int) -> Floats:
    picked = rng.integers(0, max(units, 1), size=(draws, units)) + np.arange(draws)[:, None] * units
    return np.bincount(picked.ravel(), minlength=draws * units).reshape(draws, units).astype(np.float64)


def _verdict(over: Interval, beyond: Interval | None) -> Verdict:
    if over.high < 0:
        return "loss"
    if over.low <= 0 or (beyond is not None and beyond.low <= 0):
        return "no gain"
    return "unknown" if beyond is None else "gain"


def named(key: Key) -> str:
    """An arm in words: `AttrPrompt, llm, balanced`."""
    return ", ".join(part for part in (_part(key), "alone" if key.way == "only" else "", key.weighting.replace("plain", "")) if part)


def _part(key: Key) -> str:
    return f"{key.arm} ({key.filter})" if key.filter else key.arm


def points(gain: Interval) -> str:
    """`+9.3 [+7.2, +11.6]` points; `no gain` is said where the interval includes 0."""
    text = f"{100 * gain.value:+.1f} [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
    return text if gain.excludes(0.0) else f"no gain: {text}"


def _json(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else _shown(interval)


def _shown(interval: Interval) -> dict[str, Any]:
    return {"value": round(interval.value, 6), "interval": [round(interval.low, 6), round(interval.high, 6)], "n": interval.n}

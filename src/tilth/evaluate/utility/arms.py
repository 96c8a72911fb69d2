"""What a student is trained on: nested draws of real rows, synthetic sets, filters, and their controls."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tilth.evaluate.utility.eda import augmented
from tilth.records.ids import digest

REAL, MAJORITY, EDA, TEMPLATES = "real only", "majority", "EDA", "templates"
"""Names of the control arms; a synthetic set called `templates` is the control T: templates without an LLM."""

Way = Literal["add", "only"]
"""Synthetic rows added to the real ones, or alone."""
Weighting = Literal["plain", "balanced"]
"""Every row weighs 1, or the synthetic rows together weigh as much as the real ones."""


class Example(NamedTuple):
    """A text and its label."""

    text: str
    label: str


Filter = Callable[[str, int, Sequence[Example]], "Sequence[int] | None"]
"""(arm, generation, rows) to the numbers of the rows that are kept; None: this filter is not for this arm."""


def examples(rows: Iterable[Mapping[str, Any] | Example], *, text: str = "text", label: str = "label") -> list[Example]:
    """Rows with a text and a label as examples; others are left out."""
    out = []
    for row in rows:
        one = row if isinstance(row, Example) else Example(row.get(text), row.get(label))  # type: ignore[arg-type]
        if isinstance(one.text, str) and one.text.strip() and one.label is not None and one.label != "":
            out.append(Example(one.text, str(one.label)))
    return out


class Key(NamedTuple):
    """Names one cell of the table. size: real rows drawn, 0 where there are none."""

    student: str
    size: int
    arm: str
    filter: str = ""
    way: Way = "add"
    weighting: Weighting = "plain"


@dataclass(frozen=True, slots=True)
class Job:
    """The rows of one fit."""

    real: tuple[Example, ...]
    synthetic: tuple[Example, ...] = ()
    weighting: Weighting = "plain"


@dataclass(frozen=True, slots=True)
class Arm:
    """All fits of one cell: jobs[generation][seed]."""

    size: int
    name: str
    filter: str
    way: Way
    weighting: Weighting
    jobs: tuple[tuple[Job, ...], ...]

    def key(self, student: str) -> Key:
        """The cell of a student."""
        return Key(student, self.size, self.name, self.filter, self.way, self.weighting)


@dataclass(frozen=True, slots=True)
class Design:
    """How an experiment is laid out.

    sizes: real rows, in all (not per label), ascending draws are nested. seeds: each is another draw of real rows.
    per_label: labels in equal numbers; else in the shares of the real data (each at least once where the size allows).
    weightings, ways: which of them. eda: rows made of each real row, 0 to leave the known zero out; eda_most: real rows up
    to which it is measured. metric: what is compared. seed, draws, level: of the bootstrap, EDA and the random halves.
    """

    sizes: tuple[int, ...]
    seeds: tuple[int, ...] = tuple(range(10))
    per_label: bool = False
    weightings: tuple[Weighting, ...] = ("plain",)
    ways: tuple[Way, ...] = ("add", "only")
    eda: int = 4
    eda_most: int = 200
    metric: Literal["accuracy", "macro_f1"] = "accuracy"
    seed: int = 0
    draws: int = 1000
    level: float = 0.95


@dataclass
class Plan:
    """All arms of an experiment, and what could not be had."""

    arms: list[Arm] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def nested(labels: Sequence[str], sizes: Iterable[int], seed: int, *, per_label: bool = False) -> dict[int, list[int]]:
    """Row numbers of one draw of each size: a smaller draw is part of a larger one, labels are spread alike in all.

    >>> draw = nested(["a", "a", "b", "b", "a", "b"], [2, 4], seed=0)
    >>> set(draw[2]) <= set(draw[4]), len(draw[4])
    (True, 4)

    Parameters
    ----------
    sizes: more than there are rows gives all rows. per_label: labels in equal numbers as long as they last, instead of in
        their shares; either way each label comes once before any comes twice in its turn.
    """
    rng = random.Random(digest("utility draw", seed))
    members: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        members.setdefault(label, []).append(row)
    keyed = []
    for label in sorted(members):
        rows = members[label][:]
        rng.shuffle(rows)
        for place, row in enumerate(rows):
            turn = place if per_label else 0.0 if place == 0 else (place + 0.5) / len(rows)
            keyed.append((turn, rng.random(), row))
    order = [row for _, _, row in sorted(keyed)]
    return {size: order[:size] for size in sizes}


def lay_out(
    real: Sequence[Example], sets: Mapping[str, Sequence[Sequence[Example]]], design: Design, filters: Mapping[str, Filter]
) -> Plan:
    """Every arm of an experiment with its controls. What is missing is named in the plan, never left out silently."""
    plan = Plan()
    labels = [row.label for row in real]
    drawn = {seed: nested(labels, design.sizes, seed, per_label=design.per_label) for seed in design.seeds}
    shots = {size: [tuple(real[row] for row in drawn[seed][size]) for seed in design.seeds] for size in design.sizes}
    for size in sorted(set(design.sizes)):
        plan.arms.append(_arm(size, REAL, "", "add", "plain", [[Job(rows) for rows in shots[size]]]))
        plan.arms.append(_arm(size, MAJORITY, "", "add", "plain", [[Job(_majority(rows)) for rows in shots[size]]]))
        if design.eda and 0 < size <= design.eda_most:
            made = [[Job(rows, augmented_rows(rows, design, seed)) for rows, seed in zip(shots[size], design.seeds, strict=True)]]
            plan.arms.append(_arm(size, EDA, "", "add", "plain", made))
    _missing(plan, sets, design)
    for name, generations in sets.items():
        for kept, parts in _filtered(name, generations, design, {} if name == TEMPLATES else filters):
            plan.arms.extend(_combined(name, kept, parts, shots, design))
    return plan


def _missing(plan: Plan, sets: Mapping[str, Sequence[Sequence[Example]]], design: Design) -> None:
    if TEMPLATES not in sets:
        plan.missing.append(f"{TEMPLATES}: no openings or templates were given, so what the LLM adds to its prompt's words is not known")
    if not design.eda:
        plan.missing.append(f"{EDA}: switched off, so the known zero is not measured")
    elif late := [size for size in design.sizes if size > design.eda_most]:
        plan.missing.append(f"{EDA}: not measured at {', '.join(map(str, late))} real rows (only up to {design.eda_most})")
    for name, generations in sets.items():
        if not any(generations):
            plan.missing.append(f"{name}: has no row with a text and a label")


def _filtered(
    name: str, generations: Sequence[Sequence[Example]], design: Design, filters: Mapping[str, Filter]
) -> Iterable[tuple[str, list[list[tuple[Example, ...]]]]]:
    """(filter's name, rows by generation and seed): unfiltered, each filter, and after each filter its random control."""
    usable = [(number, tuple(rows)) for number, rows in enumerate(generations) if rows]
    if not usable:
        return
    yield "", [[rows] for _, rows in usable]
    for named, keep in filters.items():
        kept, control = [], []
        for number, rows in usable:
            chosen = keep(name, number, rows)
            if chosen is None:
                break
            kept.append([tuple(rows[row] for row in chosen)])
            control.append([_random_part(rows, chosen, (name, named, number, seed, design.seed)) for seed in design.seeds])
        else:
            yield named, kept
            yield f"random half for {named}", control


def _random_part(rows: Sequence[Example], chosen: Sequence[int], name: tuple[str | int, ...]) -> tuple[Example, ...]:
    """As many rows of each label as the filter kept, at random."""
    rng = random.Random(digest("random half", *name))
    by_label: dict[str, list[int]] = {}
    for row, one in enumerate(rows):
        by_label.setdefault(one.label, []).append(row)
    wanted: dict[str, int] = {}
    for row in chosen:
        wanted[rows[row].label] = wanted.get(rows[row].label, 0) + 1
    picked = sorted(row for label, n in sorted(wanted.items()) for row in rng.sample(by_label[label], n))
    return tuple(rows[row] for row in picked)


def _combined(
    name: str, kept: str, parts: list[list[tuple[Example, ...]]], shots: Mapping[int, list[tuple[Example, ...]]], design: Design
) -> Iterable[Arm]:
    if not any(rows for part in parts for rows in part):
        return
    if "only" in design.ways:
        yield _arm(0, name, kept, "only", "plain", [[Job((), rows) for rows in part] for part in parts])
    if "add" not in design.ways:
        return
    for size in sorted(shots):
        for weighting in design.weightings:
            if size == 0:
                continue
            jobs = [
                [Job(real, part[at % len(part)], weighting) for at, real in enumerate(shots[size])]
                for part in parts
            ]  # fmt: skip
            yield _arm(size, name, kept, "add", weighting, jobs)


def _arm(size: int, name: str, kept: str, way: Way, weighting: Weighting, jobs: Sequence[Sequence[Job]]) -> Arm:
    return Arm(size, name, kept, way, weighting, tuple(tuple(one) for one in jobs))


def _majority(rows: Sequence[Example]) -> tuple[Example, ...]:
    """One row of the most frequent label (ties: the first by name): a student of it always says this label."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.label] = counts.get(row.label, 0) + 1
    best = min(counts, key=lambda label: (-counts[label], label), default=None)
    return tuple(row for row in rows if row.label == best)[:1]


def augmented_rows(rows: Sequence[Example], design: Design, seed: int) -> tuple[Example, ...]:
    """`design.eda` rows made of each real row by EDA, with words of the drawn rows of the same label only."""
    made = augmented([row.text for row in rows], [row.label for row in rows], each=design.eda, seed=(design.seed, seed))
    return tuple(Example(text, row.label) for row, texts in zip(rows, made, strict=True) for text in texts)

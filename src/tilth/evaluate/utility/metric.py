"""Utility as a metric: what the kept rows are worth to students, with every control that can be had."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.evaluate.base import Metric, Sets, Value, edges
from tilth.evaluate.utility.arms import REAL, TEMPLATES, Design, Example, Filter, Key, Weighting
from tilth.evaluate.utility.controls import drawn_openings
from tilth.evaluate.utility.experiment import Learner, embedding, examples, experiment, tfidf
from tilth.evaluate.utility.table import Headline, Table

if TYPE_CHECKING:
    from tilth.engine.run import Run

SYNTHETIC, ANNOTATE, CURATED = "synthetic", "annotate instead", "curated"
Student = Literal["tfidf", "embedding"]


class Utility(Metric):
    """Students trained on few real rows, with and without the synthetic ones, measured on the holdout.

    Controls: real only, majority, EDA, templates without an LLM, "annotate instead" where unlabelled rows with model labels
    are given, and for the run's own curation the rows before it against as many of them at random. A control that cannot be
    had is reported as missing.

    students: which. sizes: real rows, in all. seeds: draws of real rows. weightings: plain, balanced or both. score: accuracy
    or macro_f1. draws: resamples. The templates are the set of that name, else the openings that the rows' conditions hold.
    """

    name: ClassVar[str] = "utility"
    sets: ClassVar[frozenset[str]] = frozenset({"holdout"})
    labels: ClassVar[bool] = True
    cost: ClassVar[str] = "students x sizes x seeds x arms fits"
    asked: ClassVar[bool] = True

    students: tuple[Student, ...] = ("tfidf", "embedding")
    sizes: tuple[int, ...] = Field((16, 100), description="Real rows drawn, in all.")
    seeds: int = Field(10, ge=1, description="Draws of real rows.")
    weightings: tuple[Weighting, ...] = ("plain", "balanced")
    score: Literal["accuracy", "macro_f1"] = "accuracy"
    draws: int = Field(1000, ge=100)
    most: int = Field(5000, ge=1, description="Rows of each set that are used.")

    async def measure(self, run: Run, sets: Sets) -> Sequence[Value]:
        """One value per student and size: the better of the weightings is not chosen, each has its own."""
        source = "real" if sets.has("real") else "support"
        real, test = (examples(sets.sample(name, self.most)) for name in (source, "holdout"))
        if not real:
            return [self.none("needs real rows with labels: --real FILE")]
        arms, filters, missing = self._arms(sets)
        sizes = tuple(size for size in sorted(set(self.sizes)) if 0 < size <= len(real)) or (len(real),)
        design = Design(
            sizes=sizes, seeds=tuple(range(self.seeds)), weightings=self.weightings, metric=self.score, seed=run.seed, draws=self.draws
        )
        learners = await self._learners(run, [real, test, *(rows for many in arms.values() for rows in many)], design, missing)
        if not learners:
            return [self.none("no student can be trained: " + "; ".join(missing))]
        gone = threading.Event()

        def go_on(done: int, total: int) -> None:
            if gone.is_set():
                raise InterruptedError(f"stopped after {done} of {total} fits")

        try:
            table = await asyncio.to_thread(experiment, real, test, arms, design, students=learners, filters=filters, progress=go_on)
        except asyncio.CancelledError:  # the run was stopped: a thread cannot be cancelled, but it can be asked
            gone.set()
            raise
        table.missing[:0] = missing
        return _values(table, run.seed)

    def _arms(self, sets: Sets) -> tuple[dict[str, list[list[Example]]], dict[str, Filter], list[str]]:
        rows, filters = self._synthetic(sets)
        arms: dict[str, list[list[Example]]] = {SYNTHETIC: [rows]}
        missing: list[str] = []
        templates = examples(sets.sample("templates", self.most)) or drawn_openings(sets.rows("synthetic"))[: self.most]
        if templates:
            arms[TEMPLATES] = [templates]
        if sets.has("unlabelled"):
            labelled = examples(sets.sample("unlabelled", self.most))
            if labelled:
                arms[ANNOTATE] = [labelled[: len(rows)]]
            else:
                missing.append(f"{ANNOTATE}: the unlabelled rows have no labels of a model yet. Get them with: tilth annotate FILE")
        else:
            missing.append(f"{ANNOTATE}: no unlabelled texts were given")
        return arms, filters, missing

    def _synthetic(self, sets: Sets) -> tuple[list[Example], dict[str, Filter]]:
        """The rows; where curation dropped some, all that were generated, and the curation as a filter that has its control."""
        kept = sets.sample("synthetic", self.most)
        before = [one for one in sets.sample("uncurated", self.most) if one["label"] is not None]
        ids = {one.id for one in sets.rows("synthetic")}
        inside = [at for at, one in enumerate(before) if one.id in ids]
        if not inside or len(inside) == len(before):
            return examples(kept), {}
        return examples(before), {CURATED: lambda arm, _, rows: inside if arm == SYNTHETIC else None}

    async def _learners(self, run: Run, parts: Sequence[Sequence[Example]], design: Design, missing: list[str]) -> list[Learner]:
        learners = [tfidf()] if "tfidf" in self.students else []
        if "embedding" not in self.students:
            return learners
        from tilth.errors import RequestError
        from tilth.evaluate.utility.arms import lay_out

        try:
            name = run.models("embedder")[0].name
            # EDA makes rows of its own, so every text is known only once the arms are laid out
            plan = lay_out(parts[0], {"all": parts[2:]}, design, {})
            jobs = (job for arm in plan.arms for row in arm.jobs for job in row)
            texts = {one.text: None for job in jobs for part in (job.real, job.synthetic) for one in part}
            texts |= {one.text: None for part in parts[1:] for one in part}
            vectors = await run.embed([text[:20_000] for text in texts])
        except RequestError as error:
            missing.append(f"student on embeddings: {error}")
            return learners
        place = {text: at for at, text in enumerate(texts)}
        return [*learners, embedding(lambda wanted: vectors[[place[text] for text in wanted]], name=name)]


def _values(table: Table, seed: int) -> list[Value]:
    """One value per headline; the table, its controls and warnings go with the first."""
    zero, warnings = table.known_zero(), table.warnings
    controls = {
        "cells": list(table.rows()),
        "missing": table.missing,
        "warnings": warnings,
        "known_zero": zero,
        "headlines": [one.sentence() for one in table.headlines()],
    }
    mine = [one for one in table.headlines() if one.key.arm == SYNTHETIC]
    curated = [one for one in mine if one.key.filter == CURATED]
    out = [_value(table, one, seed) for one in curated or mine]
    if not out:
        return [Value("utility", None, detail={"why": "no synthetic row has a text and a label", "controls": controls})]
    first = out[0]
    return [Value(**{**_fields(first), "detail": {**first.detail, "controls": controls}}), *out[1:]]


def _value(table: Table, one: Headline, seed: int) -> Value:
    key = one.key
    found, real = table.value(key), table.value(table.real_only(key))
    weighting = "" if key.weighting == "plain" else f"_{key.weighting}"
    detail: dict[str, Any] = {
        "verdict": one.verdict,
        "gain": _interval(one.over_real),
        "gain_relative": _interval(one.relative),
        "over_templates": _interval(one.over_templates),
        "sentence": one.sentence(),
        "alone": _cell(table, key._replace(size=0, way="only", weighting="plain")),
        "majority": _cell(table, Key(key.student, key.size, "majority")),
    }
    kernel = f"{key.student}, logistic regression, {table.design.metric}"
    return Value(
        f"utility_{key.size}_{key.student.rsplit('/', 1)[-1]}{weighting}",
        found.value,
        edges(found),
        table.n,
        "up",
        seed,
        kernel,
        real.value,
        edges(real),
        [float(share) for share in table.per_row(key)],
        _finding(one),
        detail,
    )


def _finding(one: Headline) -> str:
    return one.sentence() if one.verdict == "loss" else ""


def _cell(table: Table, key: Key) -> list[float] | None:
    return _interval(table.value(key)) if key in table else None


def _interval(found: Any) -> list[float] | None:
    return None if found is None else [round(found.value, 6), round(found.low, 6), round(found.high, 6)]


def _fields(value: Value) -> Mapping[str, Any]:
    return {name: getattr(value, name) for name in Value.__dataclass_fields__}


__all__ = ["ANNOTATE", "REAL", "SYNTHETIC", "Utility"]

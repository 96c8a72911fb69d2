"""Thousands of fits on one pool of features: what each arm is worth to each student, at each number of real rows.

    from tilth.evaluate.utility.experiment import Design, Example, embedding, experiment, tfidf

    table = experiment(
        real=train,                                   # Examples (or mappings with text and label)
        test=test,                                    # real rows that no arm has seen
        synthetic_sets={
            "AttrPrompt": [rows_seed_0, rows_seed_1, rows_seed_2],   # one list per generation seed
            "templates": [openings_0, openings_1, openings_2],       # this name is the control T
            "annotate instead": [labelled],
        },
        design=Design(sizes=(16, 64), seeds=tuple(range(10)), per_label=True),
        students=[tfidf(), embedding(embed)],         # embed: texts -> matrix, called once for all texts
        filters={"llm": keep_top_half},               # (arm, generation, rows) -> row numbers kept, or None
    )
    for row in table.rows(): ...                      # value, interval, n, gains over real only and over T, verdict
    table.headlines(); table.missing; table.warnings

The controls are added here: real only, majority, EDA (the known zero) and, for each filter, as many rows at random.
Intervals are over test rows, draws of real rows and generation seeds together, and gains are paired in all three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from tilth.errors import RequestError
from tilth.evaluate.utility.arms import Arm, Design, Example, Filter, Job, examples, lay_out
from tilth.evaluate.utility.table import Cell, Table
from tilth.stats.arrays import Ints
from tilth.train.student import Student
from tilth.train.weights import mass_balanced

__all__ = ["Design", "Example", "Learner", "embedding", "examples", "experiment", "tfidf"]

Progress = Callable[[int, int], None]
"""(fits done, fits in all)."""
Embed = Callable[[list[str]], npt.ArrayLike]


@dataclass(frozen=True, slots=True)
class Learner:
    """A student and what it reads. read: texts to its features, called once for all texts of an experiment."""

    name: str
    make: Callable[[], Student]
    read: Callable[[list[str]], Any]


def tfidf(c: float = 10.0) -> Learner:
    """Logistic regression on TF-IDF (needs the ``ml`` extra)."""
    from tilth.train.tfidf import TfidfLogistic

    return Learner("tfidf", lambda: TfidfLogistic(c), lambda texts: TfidfLogistic(c).features(texts))


def embedding(embed: Embed, c: float = 1.0, name: str = "minilm") -> Learner:
    """Logistic regression on embeddings. embed: texts to one vector each; name: that of the embedder."""
    from tilth.train.embedding import EmbeddingLogistic

    return Learner(name, lambda: EmbeddingLogistic(c), lambda texts: EmbeddingLogistic(c).features(embed(texts)))


def experiment(
    real: Iterable[Mapping[str, Any] | Example],
    test: Iterable[Mapping[str, Any] | Example],
    synthetic_sets: Mapping[str, Sequence[Iterable[Mapping[str, Any] | Example]]],
    design: Design,
    *,
    students: Sequence[Learner],
    filters: Mapping[str, Filter] | None = None,
    progress: Progress | None = None,
) -> Table:
    """Train every student on every arm at every size, and compare.

    Parameters
    ----------
    real: rows that shots are drawn from. test: real rows, disjoint from all others.
    synthetic_sets: arm to its rows, one list per generation seed; `templates` is the control T. Lists of arms with equally
        many generations are paired by position.
    filters: see `tilth.evaluate.utility.arms.Filter`; each gets its random control.
    progress: called after each arm.

    Raises
    ------
    RequestError: no real or no test rows with a text and a label.

    Cost: features of every distinct text once, then sizes x seeds x generations x arms fits per student and weighting.
    """
    train, held = examples(real), examples(test)
    for rows, what in ((train, "real"), (held, "test")):
        if not rows:
            raise RequestError(f"utility: the {what} data has no row with a text and a label.", code="evaluate.rows")
    sets = {name: [examples(rows) for rows in generations] for name, generations in synthetic_sets.items()}
    plan = lay_out(train, sets, design, filters or {})
    bench = Bench(held, plan.arms)
    table = Table([row.label for row in held], bench.labels, design, missing=list(plan.missing))
    total, done = sum(bench.fits(arm) for arm in plan.arms) * len(students), 0
    for learner in students:
        fitted = _Fits(learner, learner.read(bench.texts), bench)
        with threadpool_limits(limits=1):  # faster for such small fits, and sums keep their order
            for arm in plan.arms:
                table.add(Cell(arm.key(learner.name), fitted.predictions(arm)))
                done += bench.fits(arm)
                if progress is not None:
                    progress(done, total)
    return table


class Bench:
    """Every distinct text of an experiment once, numbered, and the labels."""

    def __init__(self, test: Sequence[Example], arms: Sequence[Arm]) -> None:
        self._place: dict[str, int] = {}
        names: set[str] = {row.label for row in test}
        self.test = self._rows(test)
        self._known: dict[int, tuple[Ints, list[str]]] = {}
        self._held: list[tuple[Example, ...]] = []  # keeps the tuples alive, so that their identity stays theirs
        for arm in arms:
            for part in (part for jobs in arm.jobs for job in jobs for part in (job.real, job.synthetic)):
                if id(part) not in self._known:
                    self._known[id(part)] = (self._rows(part), [row.label for row in part])
                    self._held.append(part)
                    names.update(self._known[id(part)][1])
        self.labels = tuple(sorted(names))

    @property
    def texts(self) -> list[str]:
        """The texts in the order of their numbers."""
        return list(self._place)

    def _rows(self, rows: Sequence[Example]) -> Ints:
        return np.array([self._place.setdefault(row.text, len(self._place)) for row in rows], dtype=np.int64)

    def rows_of(self, part: tuple[Example, ...]) -> tuple[Ints, list[str]]:
        """Text numbers and labels of the rows of a job."""
        return self._known[id(part)]

    @staticmethod
    def fits(arm: Arm) -> int:
        """How many fits an arm takes."""
        return sum(len(jobs) for jobs in arm.jobs)


class _Fits:
    """Fits of one student; a fit on the same rows is done once."""

    def __init__(self, learner: Learner, features: Any, bench: Bench) -> None:
        self.learner, self.features, self.bench = learner, features, bench
        self.test = features[bench.test]
        self.code = {label: number for number, label in enumerate(bench.labels)}

    def predictions(self, arm: Arm) -> npt.NDArray[np.int16]:
        """(generations, seeds, test rows): the number of the predicted label, -1 where there was nothing to learn from."""
        seen: dict[tuple[int, int], npt.NDArray[np.int16]] = {}
        out = []
        for jobs in arm.jobs:
            row = []
            for job in jobs:
                same = (id(job.real), id(job.synthetic))
                if same not in seen:
                    seen[same] = self._one(job)
                row.append(seen[same])
            out.append(row)
        return np.array(out, dtype=np.int16)

    def _one(self, job: Job) -> npt.NDArray[np.int16]:
        real, labels = self.bench.rows_of(job.real)
        synthetic, more = self.bench.rows_of(job.synthetic)
        if not labels and not more:
            return np.full(len(self.bench.test), -1, dtype=np.int16)
        mask = np.arange(len(labels) + len(more)) < len(labels)
        weight = mass_balanced(mask) if job.weighting == "balanced" else None
        student = self.learner.make()
        student.fit(self.features[np.concatenate([real, synthetic])], [*labels, *more], weight=weight)
        codes = np.array([self.code[label] for label in student.classes], dtype=np.int16)
        return np.asarray(codes[student.predict_proba(self.test).argmax(axis=1)], dtype=np.int16)

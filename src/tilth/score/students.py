"""What students that never saw a row say of its label: out-of-fold probabilities, near duplicates in one fold.

The method is confident learning's (Northcutt et al. 2021, arXiv 1911.00068): out-of-sample probabilities and thresholds by
class. Agreement is not truth: where a region of the data is wrong throughout, the students learn the mistake.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.records.ids import json_text
from tilth.score.aside import aside
from tilth.score.base import Score, Scorer
from tilth.score.texts import On

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.score.rows import Rows
    from tilth.stats.partition import Partition
    from tilth.train.student import OutOfFold, Student

STRENGTH = 1.0
"""Inverse penalty of the students: a judge of labels must not learn single wrong ones by heart."""
LEAST = 16
"""Rows of a label below which a student is no judge: with 8 a class its filter cost 17 points (lowdata measurements)."""


class StudentAgreement(Scorer):
    """The probability that a student trained on the other folds gives to the row's own label.

    `detail` is JSON: the row's label, the likeliest one, and the probabilities. Rows without a text or label, and labels with
    fewer than 16 rows, are not scored.

    student: ``tfidf`` or ``embedding``. folds: at least 2. Rows that share `group` (a column), a parent or nearly the same
    text are in one fold. rounds: after each, the rows whose label was contradicted are left out of training, and all are
    judged again: where many labels are wrong, students trained on them are poor judges (30 % flipped, 600 planted reviews:
    86 % of the flips found in the first round, all in the fifth).
    """

    name: ClassVar[str] = "student_agreement"
    dataset_wise: ClassVar[bool] = True

    student: Literal["tfidf", "embedding"] = "tfidf"
    label: str = "label"
    group: str | None = None
    folds: int = Field(5, ge=2)
    rounds: int = Field(5, ge=1)
    seed: int = 0
    on: On = None

    def needs(self) -> frozenset[str]:
        """The label's column, and that of the group."""
        return frozenset({self.label, *([self.group] if self.group else [])})

    def roles(self) -> dict[str, tuple[str, ...]]:
        """The embedder, where it is used."""
        return {"embedder": ()} if self.student == "embedding" else {}

    async def score(self, run: Run, rows: Rows) -> AsyncIterator[Score]:
        """One score for each row, in row order."""
        rows.require(self.needs(), self.name)
        ids, texts = list(rows.ids()), rows.texts(self.on)
        labels = [None if one is None or one != one else str(one) for one in rows.column(self.label)]
        few = {label for label in set(labels) if label is not None and labels.count(label) < LEAST}
        for label in sorted(few):
            run.note(f"{self.name}: label '{label}' has {labels.count(label)} rows; a student needs {LEAST} to judge a label.")
        usable = [row for row, text in enumerate(texts) if text.strip() and labels[row] is not None and labels[row] not in few]
        if len({labels[row] for row in usable}) < 2:
            run.note(f"{self.name}: there are no two labels with {LEAST} rows each, so nothing is scored.")
            for own in ids:
                yield Score(own, None)
            return
        features: Any = await run.embed([texts[row] for row in usable]) if self.student == "embedding" else [texts[row] for row in usable]
        groups = await aside(self._groups, rows, [texts[row] for row in usable], usable)
        found = await aside(self._judge, features, [labels[row] for row in usable], [ids[row] for row in usable], groups)
        for note in found.notes:
            run.note(f"{self.name}: {note}")
        place = {row: at for at, row in enumerate(usable)}
        given, best = found.of([labels[row] for row in usable]), found.predicted()
        for row, id_ in enumerate(ids):
            at = place.get(row)
            value = given[at] if at is not None else None
            if at is None or value is None:
                yield Score(id_, None)
                continue
            probabilities = {name: round(float(p), 6) for name, p in zip(found.classes, found.probabilities[at], strict=True)}
            yield Score(id_, round(value, 6), json_text({"label": labels[row], "says": best[at], "p": probabilities}))

    def _groups(self, rows: Rows, texts: list[str], usable: list[int]) -> Partition:
        """Rows that are not independent of each other: they would vouch for themselves."""
        from tilth.stats.partition import connected
        from tilth.text.near import similar_pairs

        pairs = [(pair.left, pair.right) for pair in similar_pairs(texts)]
        keys: list[list[Any]] = [rows.column(self.group)] if self.group else []
        parents = [tuple(record.meta.get("parents") or ()) or None for record in rows]
        for column in [*keys, parents]:
            first: dict[Any, int] = {}
            kept = [column[row] for row in usable]
            pairs += [(first.setdefault(repr(key), row), row) for row, key in enumerate(kept) if key is not None]
        return connected(len(texts), [pair for pair in pairs if pair[0] != pair[1]])

    def _judge(self, features: Any, labels: list[str | None], ids: list[str], groups: Partition) -> OutOfFold:
        student: Student
        if self.student == "embedding":
            from tilth.train.embedding import EmbeddingLogistic

            student = EmbeddingLogistic(STRENGTH)
        else:
            from tilth.train.tfidf import TfidfLogistic

            student = TfidfLogistic(STRENGTH)
        rows = student.features(features)
        weight = None
        for _ in range(self.rounds):
            found = student.out_of_fold(rows, labels, ids=ids, groups=groups, folds=self.folds, seed=self.seed, weight=weight)
            weight = [0.0 if says is not None and says != label else 1.0 for says, label in zip(found.predicted(), labels, strict=True)]
        return found

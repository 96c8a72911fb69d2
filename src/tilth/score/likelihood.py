"""How probable a row's label is to a language model that reads the row's text: label words scored as continuations.

Template and label words as in the low-data measurements: ``Review: {{ text }}\\nSentiment:`` followed by `` positive`` or
`` negative``. A model prefers some label words whatever the text says; over a batch that preference is the label's mean
log-probability, and it is taken out (batch calibration, Zhou et al. 2023, arXiv 2309.17249; `tilth.stats.calibration`).
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.errors import Failure, RequestError
from tilth.records.ids import json_text, json_value
from tilth.score.base import Score, Scorer
from tilth.score.texts import On, text_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tilth.engine.run import Run
    from tilth.records.record import Record
    from tilth.score.rows import Rows

TEMPLATE = "Text: {{ text }}\nLabel:"
LONGEST = 4000
"""Characters of a text that are shown; the rest is cut, since the label word must stand directly after the prompt."""


class LabelProbability(Scorer):
    """ln p(own label) minus that of the best other label: above 0 where the model agrees with the label.

    `detail` is JSON: the row's label and the probability of each label. A label without a label word, and a text that the
    model cannot take, are not scored.

    template: Jinja; sees the columns and `text`. words: label to its label word; default: the labels themselves, after a space.
    calibrate: take out what the model prefers whatever the text says; needs a set in which each label is about as frequent.
    """

    name: ClassVar[str] = "label_probability"
    dataset_wise: ClassVar[bool] = True
    template: str = TEMPLATE
    words: dict[str, str] = Field(default={})
    label: str = "label"
    calibrate: bool = True
    role: str = "generator"
    on: On = None

    def roles(self) -> dict[str, tuple[str, ...]]:
        """A model that scores given texts."""
        return {self.role: ("score",)}

    def needs(self) -> frozenset[str]:
        """The label's column."""
        return frozenset({self.label})

    def depends(self, run: Run) -> bytes:
        """Also the labels of the task."""
        from tilth.records.ids import canonical, digest

        return digest(super().depends(run), canonical(dict(run.task.labels)))

    async def score(self, run: Run, rows: Rows) -> AsyncIterator[Score]:
        """One score for each row, in row order."""
        import numpy as np

        from tilth.stats.calibration import batch_calibrated, log_softmax

        rows.require(self.needs(), self.name)
        words = self.label_words(run, rows)
        labels = list(words)
        found, scored = array("d"), array("q")
        number = 0
        async for result in run.map(_Ask(self, run, list(words.values())), rows, label=self.name, on_failure="keep"):
            if not isinstance(result, Failure):
                found.extend(result)
                scored.append(number)
            number += 1
        matrix = np.array(found, dtype=np.float64).reshape(-1, len(labels))
        calibrated = batch_calibrated(matrix) if self.calibrate and len(matrix) > 1 else log_softmax(matrix)
        place = {row: at for at, row in enumerate(scored)}
        for row, record in enumerate(rows):
            yield self._one(record, labels, calibrated[place[row]] if row in place else None)

    def label_words(self, run: Run, rows: Rows) -> dict[str, str]:
        """Label to the text that is scored for it."""
        if self.words:
            return dict(self.words)
        names = list(run.task.labels) or sorted({str(label) for label in rows.column(self.label) if label is not None})
        if len(names) == 1:
            raise RequestError(f"{self.name} needs at least two labels, and there is only '{names[0]}'.", code="curate.labels")
        return {name: f" {name}" for name in names}

    def _one(self, record: Record, labels: list[str], row: npt.NDArray[np.float64] | None) -> Score:
        own = str(record.get(self.label))
        if row is None or own not in labels:
            return Score(record.id or "", None, "" if row is None else f"no label word for '{own}'")
        at = labels.index(own)
        probabilities = {name: round(float(value), 6) for name, value in zip(labels, _exp(row), strict=True)}
        margin = float(row[at]) - max(float(value) for other, value in enumerate(row) if other != at)
        return Score(record.id or "", round(margin, 6), json_text({"label": own, "p": probabilities}))


class _Ask:
    """Scores the label words after one row's prompt."""

    def __init__(self, scorer: LabelProbability, run: Run, words: list[str]) -> None:
        self._scorer = scorer
        self._run = run
        self._words = words

    async def __call__(self, record: Record) -> list[float]:
        from tilth.prompts.template import Template

        text = text_of(record, self._scorer.on).strip()[:LONGEST]
        if not text:
            raise Failure("empty", "The row has no text.")
        values: dict[str, Any] = {**record.columns, "text": text, "task": self._run.task, "labels": self._run.task.labels}
        prompt = Template(self._scorer.template).render(**values)
        return await self._run.score(prompt, self._words, role=self._scorer.role)


def _exp(row: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    import numpy as np

    return np.asarray(np.exp(row - row.max()) / np.exp(row - row.max()).sum(), dtype=np.float64)


def own_label(score: Score) -> str:
    """The label of a scored row."""
    return str(json_value(score.detail)["label"]) if score.detail.startswith("{") else ""


def label_probabilities(score: Score) -> dict[str, float]:
    """The probability of each label, as the model sees it."""
    return dict(json_value(score.detail)["p"]) if score.detail.startswith("{") else {}

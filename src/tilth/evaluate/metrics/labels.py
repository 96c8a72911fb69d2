"""Do the labels hold? A student that never saw a synthetic row predicts them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.evaluate.base import Metric, Sets, Value, texts_of
from tilth.records.record import Record
from tilth.stats.agreement import observed_agreement
from tilth.stats.intervals import Interval, newcombe, wilson

if TYPE_CHECKING:
    from tilth.engine.run import Run

DOUBTFUL = 0.2
"""Probability of a row's own label below which it is named as a suspect."""
NAMED = 50
KERNEL = "TF-IDF student, logistic regression C=10"


class LabelAgreement(Metric):
    """Share of rows whose label is what a student predicts that was trained on real rows, or on the other synthetic rows.

    The reference is the same student's out-of-fold agreement with the real labels: what it reaches where labels are right.
    Samples: probability of each row's own label. detail: `suspects` (ids of the most contradicted rows), agreement by label,
    and `noise`, the share of wrong labels that the gap to the reference would take if texts were as real ones are.
    most: rows of each set.
    """

    name: ClassVar[str] = "label_agreement"
    labels: ClassVar[bool] = True
    most: int = 5000

    async def measure(self, run: Run, sets: Sets) -> Value:
        """A student on TF-IDF; with real labelled rows it is trained on these alone."""
        return await asyncio.to_thread(self._value, sets)

    def _value(self, sets: Sets) -> Value:
        rows = [one for one in sets.sample("synthetic", self.most) if one["label"] is not None]
        if len({one["label"] for one in rows}) < 2:
            return self.none("all rows have the same label, so there is nothing to tell apart")
        source = next((name for name in ("real", "support") if len({one["label"] for one in sets.labelled(name)}) > 1), "")
        judged = _by_real(rows, sets, source, self.most) if source else _by_each_other(rows, sets.seed)
        labels = [one["label"] for one in rows]
        agreed = observed_agreement(labels, judged["predicted"])
        if agreed is None:
            return self.none("no row could be judged: too few rows of each label")
        detail: dict[str, Any] = {
            "judge": judged["judge"],
            "by_label": _by_label(labels, judged["predicted"]),
            "suspects": _suspects(rows, judged["own"]),
        }
        reference = judged["reference"]
        finding = ""
        if reference is not None:
            gap = newcombe((round(agreed.value * agreed.n), round(reference.value * reference.n)), (agreed.n, reference.n))
            noise = _noise(agreed.value, reference.value, len(set(labels)))
            detail |= {"noise": noise, "gap": None if gap is None else [gap.value, gap.low, gap.high]}
            if gap is not None and gap.high < 0:
                finding = f"labels: {agreed.value:.0%} are as predicted, of real rows {reference.value:.0%}"
                finding += f"; about {noise:.0%} look wrong" if noise else ""
                finding += f"; first look at {', '.join(detail['suspects'][:3])}" if detail["suspects"] else ""
        return self.report(agreed, KERNEL, against=reference, seed=sets.seed, samples=judged["own"], finding=finding, detail=detail)


class LlmAgreement(Metric):
    """Share of rows whose label is the likeliest to a language model that reads the text (`tilth.score.likelihood`).

    The reference is the same share of real rows: how good the model is as a judge of labels. Samples: ln p of the own label
    minus that of the best other one. most: rows of each set. template, words: as there.
    """

    name: ClassVar[str] = "llm_agreement"
    labels: ClassVar[bool] = True
    cost: ClassVar[str] = "calls"
    asks: ClassVar[Mapping[str, tuple[str, ...]]] = {"generator": ("score",)}
    asked: ClassVar[bool] = True
    most: int = 400
    template: str = "Text: {{ text }}\nLabel:"
    words: dict[str, str] = Field(default={})

    async def measure(self, run: Run, sets: Sets) -> Value:
        """Scores of the label words, with what the model prefers whatever the text says taken out."""
        source = next((name for name in ("real", "support", "holdout") if sets.labelled(name)), "")
        rows = [one for one in sets.sample("synthetic", self.most) if one["label"] is not None]
        real = [one for one in sets.sample(source, self.most) if one["label"] is not None] if source else []
        ours, theirs = await self._margins(run, rows), await self._margins(run, real)
        found, reference = _positive(ours), _positive(theirs)
        finding = ""
        if found is not None and reference is not None and found.high < reference.low:
            finding = f"labels: the model agrees with {found.value:.0%} of them, with {reference.value:.0%} of the real ones"
        kernel, why = (
            f"{run.models('generator')[0].identity}, batch calibrated",
            "fewer than two labels, or no text that the model can take",
        )
        return self.report(found, kernel, against=reference, seed=sets.seed, samples=ours, finding=finding, why=why)

    async def _margins(self, run: Run, rows: Sequence[Record]) -> list[float | None]:
        """One for each row; none for a set with fewer than two labels."""
        from tilth.score.likelihood import LabelProbability
        from tilth.score.rows import Rows

        if len({one["label"] for one in rows}) < 2:
            return []
        scorer = LabelProbability(template=self.template, words=self.words, on="text")
        return [score.number async for score in scorer.score(run, Rows.of(rows))]


def _positive(margins: Sequence[float | None]) -> Interval | None:
    scored = [one for one in margins if one is not None]
    return wilson(sum(one > 0 for one in scored), len(scored))


def _by_real(rows: Sequence[Record], sets: Sets, source: str, most: int) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    from tilth.train.tfidf import TfidfLogistic

    real = [one for one in sets.sample(source, most) if one["label"] is not None]
    texts, labels = texts_of(real), [one["label"] for one in real]
    with threadpool_limits(limits=1):
        student = TfidfLogistic()
        features = student.features([*texts, *texts_of(rows)])
        here = list(range(len(real)))
        folds = student.out_of_fold(features[here], labels, seed=sets.seed)
        student.fit(features[here], labels)
        found = student.predict_proba(features[list(range(len(real), len(real) + len(rows)))])
    place = {label: at for at, label in enumerate(student.classes)}
    own = [float(line[place[one["label"]]]) if one["label"] in place else None for line, one in zip(found, rows, strict=True)]
    predicted = [
        student.classes[int(best)] if one["label"] in place else None for best, one in zip(found.argmax(axis=1), rows, strict=True)
    ]
    return {
        "judge": f"trained on {len(real)} {source} rows",
        "predicted": predicted,
        "own": own,
        "reference": observed_agreement(labels, folds.predicted()),
    }


def _by_each_other(rows: Sequence[Record], seed: int) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    from tilth.train.tfidf import TfidfLogistic

    labels = [one["label"] for one in rows]
    with threadpool_limits(limits=1):
        folds = TfidfLogistic().out_of_fold(texts_of(rows), labels, seed=seed)
    judge = "trained on the other synthetic rows: it cannot see a fault that all rows share"
    return {"judge": judge, "predicted": folds.predicted(), "own": folds.of(labels), "reference": None}


def _by_label(labels: Sequence[str], predicted: Sequence[str | None]) -> dict[str, Any]:
    out = {}
    for label in sorted(set(labels)):
        pairs = [(one, said) for one, said in zip(labels, predicted, strict=True) if one == label and said is not None]
        found = wilson(sum(one == said for one, said in pairs), len(pairs))
        out[label] = (
            None
            if found is None
            else {"value": round(found.value, 4), "interval": [round(found.low, 4), round(found.high, 4)], "n": found.n}
        )
    return out


def _suspects(rows: Sequence[Record], own: Sequence[float | None]) -> list[str]:
    """Ids of the rows whose label is contradicted most, the worst first."""
    ranked = sorted((p, at) for at, p in enumerate(own) if p is not None and p < DOUBTFUL)
    return [rows[at].id or "" for _, at in ranked[:NAMED]]


def _noise(agreed: float, reference: float, labels: int) -> float | None:
    """The share e of wrong labels with agreed = r (1 - e) + e (1 - r) / (labels - 1); None where the judge knows nothing."""
    wrong = (1 - reference) / (labels - 1)
    if reference - wrong < 0.1:
        return None
    return round(min(1.0, max(0.0, (reference - agreed) / (reference - wrong))), 4)

"""Labels for given texts by an LLM, from its label log-probabilities or its answers (Zhou et al. 2023, arXiv 2309.17249)."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.engine.place import current
from tilth.errors import Failure, RequestError
from tilth.generate.labelling import ASK, OF_A_LABEL
from tilth.generate.rows import filled
from tilth.methods.annotation._report import Report, entropy
from tilth.prompts import parsers
from tilth.prompts.demonstrations import balanced_k
from tilth.prompts.prompt import build
from tilth.prompts.template import Template
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

INPUT, SUPPORT = "unlabelled", "support"
LEAST_BATCH = 20
"""Rows; with fewer, a label's mean says more about the texts than about the model, so nothing is calibrated."""

OPENS = tuple("\n\t ([{\"'“«「")
"""Ends of a prompt behind which a word follows without a space."""


class LlmLabels(Method):
    """Labels of texts that exist, with a probability of each label.

    1. A model that scores given texts (the embedded one does) tells log p(label word | prompt) of every label in one
       call per text; normalised over the labels, these are the probabilities.
    2. Calibration takes out the model's liking for some label words: ``batch`` each label's mean over all texts (Zhou et
       al. 2023), ``prior`` its mean probability behind texts without content (Zhao et al. 2021, arXiv 2102.09690).
       The words matter: on SST-2 the embedded model was right on 69 % of 150 rows as Text and Label, on 82 of 100 as Review and Sentiment.
    3. Any other model is asked for one label, and asked again if the reply names none; with `votes` it is asked so many
       times, and the shares of the answers are the probabilities. Replies that name no label do not vote.
    4. With `demonstrations`, the same examples of `support`, equally many per label, stand before every text.

    A column ``gold``, or else ``label``, is never shown to the model: artifacts/annotation.json says how far its labels
    agree. Each record keeps its id and its text's origin; meta says ``labelled_by`` which model and ``labelled_how``,
    and the score ``label_entropy`` (bits) how unsure it was. One answer alone has no probabilities and no entropy.

    Differs: batch calibration averages log-probabilities, as Tilth's measurements did; the paper averages probabilities.
    When: texts without labels, and a model that knows the task. Batch calibration needs labels that are about equally
    frequent; else set it to prior or none. Needs: task.labels. Calls: 1 per text, or `votes` per text.
    """

    name: ClassVar[str] = "llm-labels"
    paper: ClassVar[str] = "2309.17249"
    family: ClassVar[str] = "annotation"
    inputs: ClassVar[Mapping[str, str]] = {"unlabelled": "text", "support": "?text label"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str, "label_probs": "dict | None"}
    prompts: ClassVar[Mapping[str, str]] = {
        "score": (
            "{% for one in demonstrations %}\n"
            "{{ text_name }}: {{ one.text }}\n{{ label_name }}: {{ one.word }}\n\n"
            "{% endfor %}\n"
            "{{ text_name }}: {{ text }}\n{{ label_name }}:"
        ),
        "ask": ASK,
    }

    how: Literal["auto", "score", "ask"] = Field("auto", description="auto: score where the model can and votes is 1, else ask.")
    calibration: Literal["none", "batch", "prior"] = Field(
        "batch", description="Of scores; batch takes labels to be about equally frequent.", json_schema_extra={"from": "paper"}
    )
    verbalisers: dict[str, str] = Field({}, description="Label to the word that is scored, such as {pos: positive}; default: the label.")
    text_name: str = Field("Text", min_length=1, description="What the score prompt calls a text, such as Review; naming it well counts.")
    label_name: str = Field("Label", min_length=1, description="What the score prompt calls a label, such as Sentiment.")
    content_free: list[str] = Field(
        ["N/A", "", "[MASK]"], min_length=1, description="Texts without content, of prior.", json_schema_extra={"from": "2102.09690"}
    )
    demonstrations: int = Field(0, ge=0, description="Examples of 'support' shown before each text, over all labels.")
    votes: int = Field(1, ge=1, description="Answers asked for per text; more than 1 gives probabilities.")
    reasks: int = Field(1, ge=0, description="How often a reply that names no label is asked for again.")
    temperature: float | None = Field(None, ge=0, description="Of answers; default: 0 for one answer, 1 for votes.")
    max_tokens: int | None = Field(None, ge=1, description="Of an answer; default: the role's.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        labels = self._labels(run)
        shown = self._shown(run)
        found = self._scored(run, labels, shown) if self._scores(run) else self._asked(run, labels, shown)
        report = Report(labels)
        async for record in found:
            report.add(record)
            yield record
        run.artifact("annotation", report.facts(run.models()[0].identity, run.seed))
        if report.foreign:
            run.note(f"{report.foreign} given labels are none of task.labels; they do not count in the agreement.")

    def _labels(self, run: Run) -> list[str]:
        if len(run.task.labels) < 2:
            raise RequestError(f"{self.name} needs task.labels: at least two, each with a definition.", code="task.labels")
        unknown = next((label for label in self.verbalisers if label not in run.task.labels), None)
        if unknown is not None:
            raise RequestError(f"verbalisers: '{unknown}' is none of task.labels ({', '.join(run.task.labels)}).", code="task.labels")
        return list(run.task.labels)

    def _scores(self, run: Run) -> bool:
        return self.how == "score" or (self.how == "auto" and self.votes == 1 and run.models()[0].can.score)

    def _shown(self, run: Run) -> list[Record]:
        """The demonstrations of this run, with the word of each label."""
        if not self.demonstrations:
            return []
        chosen = balanced_k(self.demonstrations)(list(filled(run, SUPPORT, "text", "label")), run.rng("demonstrations"))
        return [row.replace(text=one_line(row["text"]), label=str(row["label"]), word=self._word(str(row["label"]))) for row in chosen]

    def _word(self, label: str) -> str:
        return self.verbalisers.get(label, label.replace("_", " "))

    def _texts(self, run: Run) -> Iterator[Record]:
        """The rows to label. A given label is called gold and takes no part. They keep their ids, so their place is set by hand."""
        for record in islice(run.data(INPUT), self.rows):
            gold = record.get("gold", record.get("label"))
            columns = {name: value for name, value in record.items() if name not in OF_A_LABEL}
            if gold not in (None, ""):
                columns["gold"] = str(gold)
            yield Record(columns, meta={"origin": None, **record.meta})

    # label log-probabilities

    async def _scored(self, run: Run, labels: Sequence[str], shown: Sequence[Record]) -> AsyncIterator[Record]:
        async def score(row: Record) -> Record:
            found = await self._score(run, labels, shown, text_of(row))
            return Record(row.columns, meta={**row.meta, "place": current().path, "log_probs": found})

        rows = run.map(score, self._texts(run), label="score")
        if self.calibration != "batch":
            offset = await self._prior(run, labels, shown) if self.calibration == "prior" else [0.0] * len(labels)
            async for row in rows:
                yield self._finished(run, row, labels, offset)
            return
        held = run.spool("scored")
        totals = [0.0] * len(labels)
        async for row in rows:
            held.append(row)
            totals = [total + value for total, value in zip(totals, row.meta["log_probs"], strict=True)]
        if len(held) < LEAST_BATCH:
            run.note(f"{len(held)} texts are too few for batch calibration ({LEAST_BATCH} wanted); the labels are not calibrated.")
            totals = [0.0] * len(labels)
        for row in held:
            yield self._finished(run, row, labels, [total / len(held) for total in totals])

    async def _score(self, run: Run, labels: Sequence[str], shown: Sequence[Record], text: str) -> list[float]:
        """Log-probabilities of the labels, normalised over them."""
        line = one_line(text)
        names = {"text_name": self.text_name, "label_name": self.label_name, "task": run.task, "labels": run.task.labels}
        prompt = Template(self.prompts["score"]).render(text=line, demonstrations=_others(shown, line), **names)
        space = "" if prompt[-1:] in OPENS else " "
        return normalised(await run.score(prompt, [space + self._word(label) for label in labels]))

    async def _prior(self, run: Run, labels: Sequence[str], shown: Sequence[Record]) -> list[float]:
        """Log of the mean probability of each label behind texts without content (section 4 of arXiv 2102.09690)."""

        async def score(text: str) -> list[float]:
            return await self._score(run, labels, shown, text)

        found = await run.map(score, self.content_free, label="content_free", on_failure="raise")
        return [math.log(math.fsum(math.exp(one[number]) for one in found) / len(found)) for number in range(len(labels))]

    def _finished(self, run: Run, row: Record, labels: Sequence[str], offset: Sequence[float]) -> Record:
        scores = row.meta.pop("log_probs")
        calibrated = normalised([score - minus for score, minus in zip(scores, offset, strict=True)])
        probs = {label: round(math.exp(value), 6) for label, value in zip(labels, calibrated, strict=True)}
        return self._labelled(run, row, max(labels, key=probs.__getitem__), probs, "score")

    # answers

    async def _asked(self, run: Run, labels: Sequence[str], shown: Sequence[Record]) -> AsyncIterator[Record]:
        temperature = self.temperature if self.temperature is not None else 0.0 if self.votes == 1 else 1.0
        sampling: dict[str, Any] = {"temperature": temperature, "max_tokens": self.max_tokens, "reasks": self.reasks}

        async def label(row: Record) -> Record:
            text = text_of(row)
            others = _others(shown, one_line(text))
            prompt = build(
                self.prompts["ask"], task=run.task, conditions={"text": text}, demonstrations=others, parse=parsers.label(labels)
            )

            async def vote(number: int) -> str:
                return str((await run.ask(prompt, **sampling)).value)

            row.meta["place"] = current().path
            if self.votes == 1:
                return self._labelled(run, row, await vote(0), None, "answer")
            answers = await run.map(vote, range(self.votes), label="vote", on_failure="keep")
            return self._voted(run, row, labels, answers)

        async for record in run.map(label, self._texts(run), label="label"):
            yield record

    def _voted(self, run: Run, row: Record, labels: Sequence[str], answers: Sequence[str | Failure]) -> Record:
        """The most frequent answer, of several the one that came first; Failure where none names a label."""
        votes = [answer for answer in answers if not isinstance(answer, Failure)]
        if not votes:
            raise next(answer for answer in answers if isinstance(answer, Failure))
        probs = {label: round(votes.count(label) / len(votes), 6) for label in labels}
        record = self._labelled(run, row, max(votes, key=probs.__getitem__), probs, "votes")
        record.meta["scores"]["votes"] = float(len(votes))
        return record

    def _labelled(self, run: Run, row: Record, label: str, probs: Mapping[str, float] | None, how: str) -> Record:
        scores = {**(row.meta.get("scores") or {}), "label_entropy": None if probs is None else entropy(probs.values())}
        meta: dict[str, Any] = {**row.meta, "labelled_by": run.models()[0].identity, "labelled_how": how, "scores": scores}
        columns = {name: value for name, value in row.items() if name != "text"}
        return Record({"text": row["text"], "label": label, "label_probs": probs, **columns}, meta=meta)


def text_of(row: Record) -> str:
    """The text of a row; Failure ``no_text`` where there is none."""
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Failure("no_text", "The row has no text.")
    return text


def one_line(text: str) -> str:
    """The text on one line, so that its own line breaks do not look like the next example."""
    return " ".join(str(text).split())


def normalised(scores: Sequence[float]) -> list[float]:
    """Log-probabilities that sum to 1 over the labels."""
    best = max(scores)
    total = best + math.log(math.fsum(math.exp(score - best) for score in scores))
    return [score - total for score in scores]


def _others(shown: Sequence[Record], line: str) -> list[Record]:
    """The demonstrations without the text itself: it would bring its own label along."""
    return [row for row in shown if row["text"] != line]

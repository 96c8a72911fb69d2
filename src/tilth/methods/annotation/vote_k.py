"""Vote-k (Su, Kasai, Wu, Shi et al., ICLR 2023, arXiv 2209.01975): which few texts people should label, chosen by the text alone."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.generate.labelling import SHOWN, Pool, Who, label_of, labelled, pool
from tilth.methods.annotation._picks import representative, spread_out
from tilth.methods.annotation.llm_labels import normalised
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.prompts.template import Template
from tilth.records.record import Record

if TYPE_CHECKING:
    import numpy.typing as npt

    from tilth.engine.run import Run


class VoteK(Method):
    """The `rows` texts of a pool that are most worth a person's label: they stand for many others, and the model is unsure of them.

    1. Each text votes for its `neighbours` most similar ones, never for itself. Its vote counts rho^-s, s being the chosen texts that
       it supports already. Greedily the text with the highest sum is chosen: dense regions first, then what they do not cover.
    2. With `confidence`, only the first tenth of `rows` is chosen so, and labelled. Behind the most similar of these as demonstrations
       (the nearest last) the model labels every other text; its confidence is the log-probability of the best label (models that score),
       of the reply (models that tell log-probabilities), else the logarithm of the share of equal ones among `votes` answers.
    3. The surest tenth of the pool is left out; the rest, sorted by confidence, is cut into as many buckets as rows are missing, and each
       gives its text with the highest vote sum. These are labelled too.

    The records are demonstrations to retrieve for each new text by likeness, and a small training set. They are no random
    sample: label shares measured on them do not hold for the pool.

    Differs: classification only; the first tenth is at least as many texts as there are labels. A reply that names no label has the lowest
    confidence. When: nothing is labelled and people label little. `neighbours` must not exceed the smallest group of texts that
    matters: with 150, groups of 40 to 100 are passed over; of two pools of 600 texts, on hashed vectors, 60 were chosen
    worse than by chance in one (measured).
    Needs: task.labels. Calls: 1 per text of the pool (`votes`, where the model neither scores nor tells log-probabilities); without
    `confidence` none.
    """

    name: ClassVar[str] = "vote-k"
    paper: ClassVar[str] = "2209.01975"
    family: ClassVar[str] = "annotation"
    inputs: ClassVar[Mapping[str, str]] = {"unlabelled": "text"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str, "label_source": str}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "embedder": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "ask": SHOWN + "Reply with the label of the last text, exactly one label and nothing else.",
        "score": "{% for one in demonstrations %}\nText: {{ one.text }}\nLabel: {{ one.label }}\n\n{% endfor %}\nText: {{ text }}\nLabel:",
    }

    rows: int | None = Field(18, ge=1, description="Texts to label.", json_schema_extra={"from": "paper: 18 or 100"})
    neighbours: int = Field(150, ge=1, description="Texts each text votes for.", json_schema_extra={"from": "paper, k"})
    rho: float = Field(10.0, ge=1, description="By how much covered votes shrink.", json_schema_extra={"from": "paper"})
    confidence: bool = Field(
        True, description="Whether the model's confidence decides after the first tenth; else all by votes (fast vote-k)."
    )
    first: float = Field(0.1, gt=0, le=1, description="Share of 'rows' chosen by votes alone.", json_schema_extra={"from": "paper"})
    dropped: float = Field(0.1, ge=0, lt=1, description="Surest share of the pool that is left out.", json_schema_extra={"from": "paper"})
    shots: int = Field(8, ge=0, description="Demonstrations; the paper shows as many as fit.")
    votes: int = Field(5, ge=2, description="Answers per text of models that tell no probabilities.")
    annotator: Who = Field("people", description="Who labels what is chosen.")
    max_tokens: int | None = Field(None, ge=1, description="Of an answer; default: the role's.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        source = pool(run)
        vectors = await run.embed(source.texts)
        wanted = min(self.rows or 18, len(source.rows))
        if self.neighbours >= (n := len(source.rows)) > 1:
            run.note(f"vote-k: {n} texts have at most {n - 1} neighbours; all votes are equal. Lower 'neighbours'.")
        begin = wanted if not self.confidence else min(wanted, max(len(run.task.labels), math.ceil(round(self.first * wanted, 9))))
        first = await run.do(representative, vectors, begin, self.neighbours, self.rho)
        shown: list[Record] = []
        async for record in self.annotate(run, source, first, 1):
            shown.append(record)
            yield record
        if begin == wanted:
            return
        chosen = [one["row"] for one in first]
        sure = await self.sure(run, source, vectors, chosen, shown)
        second = await run.do(spread_out, vectors, chosen, sure, wanted - begin, self.dropped, self.neighbours, self.rho)
        async for record in self.annotate(run, source, second, 2):
            yield record

    async def annotate(self, run: Run, source: Pool, picks: Sequence[Mapping[str, Any]], phase: int) -> AsyncIterator[Record]:
        """The picked texts with labels and with why they were picked."""
        why = {source.rows[one["row"]].id: one for one in picks}

        async def label(row: Record) -> Record:
            name, about = await label_of(run, row, self.annotator, source.given)
            picked = why[row.id]
            scores = {"vote_score": picked["score"], "confidence": picked["confidence"]}
            conditions = {"phase": phase, "order": picked["order"]}
            return labelled(row, name, self.annotator, about, columns={}, round=phase - 1, scores=scores, conditions=conditions)

        async for record in run.map(label, [source.rows[one["row"]] for one in picks], label=f"annotate {phase}"):
            yield record

    async def sure(self, run: Run, source: Pool, vectors: npt.ArrayLike, chosen: Sequence[int], shown: Sequence[Record]) -> list[float]:
        """The model's confidence in its label of each text of the pool; 0 for those that are chosen (nothing reads it)."""
        near = await self.demonstrations(run, source, vectors, shown)
        open_ones = [row for at, row in enumerate(source.rows) if at not in set(chosen)]

        async def look(row: Record) -> float:
            return await self.confident(run, str(row["text"]), [shown[at] for at in near[str(row.id)]])

        found = await run.map(look, open_ones, label="confidence", on_failure="keep")
        unread = sum(isinstance(one, Failure) for one in found)
        if unread:
            run.note(f"vote-k: of {unread} of {len(found)} texts the model's reply named no label; they count as the least sure.")
        read = [one for one in found if not isinstance(one, Failure)]
        lowest = min(read, default=0.0) - 1.0
        by_id = {str(row.id): lowest if isinstance(one, Failure) else one for row, one in zip(open_ones, found, strict=True)}
        return [by_id.get(id_, 0.0) for id_ in source.ids]

    async def demonstrations(self, run: Run, source: Pool, vectors: npt.ArrayLike, shown: Sequence[Record]) -> dict[str, list[int]]:
        """For each text the numbers of the `shots` most similar ones among the labelled, the nearest last."""
        import numpy as np

        from tilth.stats.neighbours import nearest

        if not shown or not self.shots:
            return {id_: [] for id_ in source.ids}
        rows = np.asarray(vectors)
        places = {id_: at for at, id_ in enumerate(source.ids)}
        found = nearest(rows, rows[[places[str(record.id)] for record in shown]], k=min(self.shots, len(shown))).indices
        return {id_: [int(one) for one in reversed(found[at])] for at, id_ in enumerate(source.ids)}

    async def confident(self, run: Run, text: str, shown: Sequence[Record]) -> float:
        """How sure the model is of its label for one text; higher is surer. One scale within a run."""
        can, labels = run.models()[0].can, list(run.task.labels)
        if can.score:
            plain = [{"text": " ".join(str(one["text"]).split()), "label": one["label"]} for one in shown]
            line = Template(self.prompts["score"]).render(text=" ".join(text.split()), demonstrations=plain, task=run.task)
            return max(normalised(await run.score(line, [f" {label}" for label in labels])))
        prompt = build(self.prompts["ask"], task=run.task, conditions={"text": text}, demonstrations=shown, parse=parsers.label(labels))
        if can.logprobs:
            reply = await run.ask(prompt, temperature=0.0, logprobs=True, reasks=0, max_tokens=self.max_tokens)
            found = [value for _, value in reply.logprobs or ()]
            if found:
                return math.fsum(found) / len(found)
            run.note(f"vote-k: the server sends no log-probabilities; {self.votes} answers to each text say how sure the model is.")

        async def vote(number: int) -> str:
            return str((await run.ask(prompt, temperature=1.0, reasks=0, max_tokens=self.max_tokens)).value)

        answers = await run.map(vote, range(self.votes), label="vote", on_failure="keep")
        read = [one for one in answers if not isinstance(one, Failure)]
        if not read:
            raise Failure("no_votes", "No answer named a label.")
        return math.log(max(read.count(label) for label in read) / self.votes)

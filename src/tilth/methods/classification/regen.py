"""ReGen (Yu, Zhuang, Zhang, Meng, Shen, Zhang, Findings of ACL 2023, arXiv 2305.10703): labelled texts found in a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import RequestError
from tilth.generate.quotas import split
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.prompts.template import Template
from tilth.records.record import Record
from tilth.stats.arrays import Vectors
from tilth.stats.neighbours import nearest
from tilth.train.embedding import EmbeddingLogistic

if TYPE_CHECKING:
    from tilth.engine.run import Run


@dataclass(frozen=True)
class Hit:
    """A passage (by its number) that a query found, with the query's label and the likeness to the best of its queries."""

    passage: int
    label: str
    similarity: float


class ReGen(Method):
    """Texts for each label, found in an unlabelled corpus by rounds of retrieval; no label is written by a model.

    1. Corpus and queries are embedded alike, as unit vectors; passages of `exclude` (test texts) are left out.
    2. Round 0: one query per label finds its `top` nearest passages. A passage that two labels find is dropped.
    3. Further rounds: the passages that a label kept last are its queries, with its own query before each. A hit stays if its
       `agree` nearest queries of the round all have the label that found it.
    4. Each round: a student that did not see the row (out-of-fold, trained on all that is kept and found) must give it the
       same label, with at least `confidence` (from `judge_from` texts of each label on). What was once found is not looked at again.
    5. At most `per_label` texts of a label are kept, the likest first; a label with fewer than `least` is told.

    With `rewrite` a model then says each passage anew, as a text of its label.

    Differs: logistic regression on the vectors for the fine-tuned student, out of fold, where the paper's has seen the rows;
    the embedder is given, not trained on the corpus. Losses for the last student are in `tilth.train.robust`. When: there is a large
    corpus and no label. Needs: corpus, task.labels, an embedder. Calls: none but the embedder's; with `rewrite` 1 per text.
    """

    name: ClassVar[str] = "regen"
    paper: ClassVar[str] = "2305.10703"
    family: ClassVar[str] = "classification"
    inputs: ClassVar[Mapping[str, str]] = {"corpus": "text", "exclude": "?text"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str, "doc_id": str, "similarity": float}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "embedder": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "query": "{{ label }}{% if definition %}: {{ definition }}{% endif %}",
        "rewrite": (
            "{% if task.about %}{{ task.about }}\n{% endif %}"
            "Say the following passage anew, as one natural text of the kind '{{ label }}'"
            "{% if definition %} ({{ definition }}){% endif %}. Keep what it is about. Reply with the text alone.\n\n{{ text }}"
        ),
    }

    queries: dict[str, str] = Field({}, description="Label to its query; default: the prompt 'query'.", json_schema_extra={"from": "paper"})
    top: int = Field(50, ge=1, description="Passages that each query finds.", json_schema_extra={"from": "repo, 50 to 100"})
    rounds: int = Field(
        2, ge=0, le=5, description="Rounds after the first; many drift off the subject.", json_schema_extra={"from": "repo"}
    )
    agree: int = Field(5, ge=1, description="Nearest queries that must have one label.", json_schema_extra={"from": "repo"})
    confidence: float = Field(0.0, ge=0, lt=1, description="Least probability that the student gives to the label.")
    folds: int = Field(5, ge=2, description="Folds of the student's judgement.")
    judge_from: int = Field(10, ge=2, description="Texts of each label from which on the student is asked; from fewer it learns nothing.")
    per_label: int | None = Field(None, ge=1, description="Most texts of a label; 'rows' bounds them too.")
    least: int = Field(20, ge=0, description="A label with fewer texts than these is told.")
    separator: str = Field(" [SEP] ", description="Between the label's query and a passage.", json_schema_extra={"from": "repo"})
    rewrite: bool = Field(False, description="A model says each passage anew.", json_schema_extra={"from": "AttrPrompt's data"})
    temperature: float = Field(1.0, ge=0)
    max_tokens: int = Field(300, ge=1)

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        passages = list(self.passages(run))
        words = self.words(run)
        if not passages:
            raise RequestError("regen: 'corpus' holds no usable text.", code="data.corpus")
        vectors = await run.embed([row["text"] for row in passages])
        visited, kept, fronts = set[int](), list[Hit](), dict[str, list[Hit]]()
        most = split(self.rows or len(passages) * len(words), words)
        most = {label: min(n, self.per_label or n) for label, n in most.items()}
        written = Counter[str]()
        for turn in range(self.rounds + 1):
            last = [hit for label in words for hit in fronts.get(label, ())]
            further = [(hit.label, words[hit.label] + self.separator + str(passages[hit.passage]["text"])) for hit in last]
            found = await self.search(run, further if turn else list(words.items()), vectors, visited, passages, turn)
            new = self.capped(run, await self.consistent(run, found, kept, vectors, passages), kept, most, passages)
            if not new:
                break
            fronts |= {label: mine for label in words if (mine := [hit for hit in new if hit.label == label])}
            kept += new
            async for record in self.records(run, new, passages, turn):
                written[record["label"]] += 1
                yield record
        self.tell(run, words, written, most)

    def passages(self, run: Run) -> Iterator[Record]:
        """The texts of the corpus, each once, without those to be excluded."""
        excluded = {_plain(row["text"]) for row in run.data("exclude")} if run.has("exclude") else set()
        seen = set[str]()
        for row in run.data("corpus"):
            plain = _plain(row["text"])
            reason = "empty" if not plain else "excluded" if plain in excluded else "repeated" if plain in seen else None
            if reason:
                run.reject(row, reason)
            else:
                seen.add(plain)
                yield row

    def words(self, run: Run) -> dict[str, str]:
        """Each label's query."""
        labels = run.task.labels
        unknown = sorted(set(self.queries) - set(labels))
        if len(labels) < 2 or unknown:
            what = f"'{unknown[0]}' of queries is none of them" if unknown else f"there are {len(labels)}"
            raise RequestError(f"regen: task.labels must name all labels, at least two; {what}.", code="task.labels")
        template = Template(self.prompts["query"])
        return {one: self.queries.get(one) or template.render(label=one, definition=text, task=run.task) for one, text in labels.items()}

    async def search(
        self, run: Run, asked: Sequence[tuple[str, str]], vectors: Vectors, visited: set[int], passages: Sequence[Record], turn: int
    ) -> list[Hit]:
        """What the queries find and nobody found before. Turned away: in round 0 what two labels find, later what queries disagree on."""
        queries = await run.embed([text for _, text in asked])
        found = await run.do(hits, queries, vectors, self.top)
        by_passage: dict[int, dict[str, float]] = {}
        for (label, _), (indices, likeness) in zip(asked, found, strict=True):
            for passage, one in zip(indices, likeness, strict=True):
                if passage not in visited:
                    labels = by_passage.setdefault(passage, {})
                    labels[label] = max(one, labels.get(label, -1.0))
        fresh = sorted(by_passage)
        near = (await run.do(hits, vectors[fresh], queries, self.agree)) if turn and fresh else [([], [])] * len(fresh)
        out: list[Hit] = []
        for passage, (indices, _) in zip(fresh, near, strict=True):
            labels = by_passage[passage]
            label = max(labels, key=lambda one: (labels[one], one))
            row = passages[passage].replace(label=label)
            if not turn and len(labels) > 1:
                run.reject(row, "two_labels", score=labels[label], detail=", ".join(sorted(labels)))
            elif any(asked[query][0] != label for query in indices):
                run.reject(row, "queries_disagree", score=labels[label])
            else:
                out.append(Hit(passage, label, labels[label]))
            visited.add(passage)
        return out

    async def consistent(
        self, run: Run, found: Sequence[Hit], kept: Sequence[Hit], vectors: Vectors, passages: Sequence[Record]
    ) -> list[Hit]:
        """The hits whose label a student gives them too that never saw them."""
        rows = [*kept, *found]
        each = Counter(hit.label for hit in rows)
        if not found or min(each[label] for label in run.task.labels) < self.judge_from:
            if found:
                run.note(f"regen: a round was kept unjudged, as a label had fewer than {self.judge_from} texts to learn from.")
            return list(found)
        ids = [str(passages[hit.passage].id) for hit in rows]
        said = await run.do(judged, vectors[[hit.passage for hit in rows]], [hit.label for hit in rows], ids, self.folds, run.seed)
        out: list[Hit] = []
        for hit, (label, own) in zip(found, said[len(kept) :], strict=True):
            if label == hit.label and own >= self.confidence:
                out.append(hit)
            else:
                reason = "not_judged" if label is None else "student_disagrees" if label != hit.label else "unsure"
                run.reject(passages[hit.passage].replace(label=hit.label), reason, score=own)
        return out

    def capped(self, run: Run, found: Sequence[Hit], kept: Sequence[Hit], most: Mapping[str, int], passages: Sequence[Record]) -> list[Hit]:
        """The likest of each label, as many as there is room for; equals by the order of the corpus."""
        held, out = Counter(hit.label for hit in kept), list[Hit]()
        for hit in sorted(found, key=lambda one: (-one.similarity, one.passage)):
            if held[hit.label] < most[hit.label]:
                held[hit.label] += 1
                out.append(hit)
            else:
                run.reject(passages[hit.passage].replace(label=hit.label), "label_full", score=hit.similarity)
        return out

    async def records(self, run: Run, found: Sequence[Hit], passages: Sequence[Record], turn: int) -> AsyncIterator[Record]:
        """The rows of a round, rewritten if that is wanted; the text may be a person's, the label is not."""
        finder = run.models("embedder")[0].identity

        async def record(hit: Hit) -> Record:
            row = passages[hit.passage]
            text, origin = str(row["text"]), "human"
            if self.rewrite:
                given = {"text": text, "label": hit.label, "definition": run.task.labels[hit.label]}
                prompt = build(self.prompts["rewrite"], task=run.task, conditions=given, parse=parsers.text())
                text = str((await run.ask(prompt, temperature=self.temperature, max_tokens=self.max_tokens)).value)
                origin = "mixed"
            scores = {"similarity": hit.similarity}
            meta = {"seed_ids": [row.id], "round": turn, "origin": origin, "labelled_by": finder, "scores": scores}
            return Record(text=text, label=hit.label, doc_id=str(row.id), similarity=hit.similarity, meta=meta)

        async for one in run.map(record, found, label=f"round {turn}", key=lambda hit: str(passages[hit.passage].id)):
            yield one

    def tell(self, run: Run, words: Mapping[str, str], held: Mapping[str, int], most: Mapping[str, int]) -> None:
        """What each label has, and which have too few: fewer than `least`, and fewer than were asked for."""
        run.artifact("regen", {label: {"query": query, "texts": held[label]} for label, query in words.items()})
        for label in words:
            if held[label] < (least := min(self.least, most[label])):
                run.note(f"regen: label '{label}' has {held[label]} texts, fewer than {least}. Reword its query, or raise top or rounds.")


def hits(queries: Vectors, rows: Vectors, k: int) -> list[tuple[list[int], list[float]]]:
    """For each query the numbers of the k nearest rows and their cosines, nearest first; equals by number."""
    found = nearest(queries, rows, k=min(k, len(rows)))
    return [
        ([int(n) for n in one], [round(float(s), 6) for s in like]) for one, like in zip(found.indices, found.similarities, strict=True)
    ]


def judged(vectors: Vectors, labels: list[str], ids: list[str], folds: int, seed: int) -> list[tuple[str | None, float]]:
    """For each row what a student says that did not see it, and its probability of the row's own label; None: it cannot say."""
    found = EmbeddingLogistic().out_of_fold(np.asarray(vectors), labels, ids=ids, folds=folds, seed=seed)
    return list(zip(found.predicted(), (own or 0.0 for own in found.of(labels)), strict=True))


def _plain(text: object) -> str:
    return " ".join(str(text or "").split()).casefold()

"""WRAP (Maini, Seto, Bai, Grangier, Zhang, Jaitly, ACL 2024, arXiv 2401.16380): documents in other styles beside the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.methods.pretraining._cleaning import pairs, tidied, unlabelled
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.records.record import Record
from tilth.score.languages import probabilities
from tilth.text.sentences import chunks, tokens

if TYPE_CHECKING:
    from tilth.engine.run import Run

Style = Literal["easy", "medium", "hard", "qa"]
SURE = 0.9
"""Probability from which on a text is taken to be in a language."""


class Chunk(NamedTuple):
    """A part of a document: its id, which part, and the text."""

    source: str
    number: int
    text: str


class WRAP(Method):
    """Each document in chunks, each chunk rephrased in one or more styles, in one stream with the real chunks.

    1. Documents are cut at sentences into chunks of at most `chunk_tokens`; a longer sentence is a chunk of its own.
    2. One call for each chunk and style: easy (a toddler), medium (an encyclopaedia), hard (a terse scholar), qa (questions and answers).
    3. Announcements and offers are taken off. Turned away: refusals, other languages, a length outside `length`, too unlike the chunk
       (other content) or too like it (not rewritten), qa without a pair. Such a chunk stays as real text alone.
    4. Each real chunk leaves, and behind it what was made of it. `weight` times the tokens of a row is its share: by it, real and
       synthetic text are mixed 1 : `ratio` by tokens, and no real text is dropped for it.

    A model says nothing here that the documents do not say: what is learned better is the form. Split off test documents before this.

    Differs: tokens are words and marks; the mixture is a weight per row, not a sampled stream; the guards are ours (the paper cleans by
    rules). artifacts/wrap.json: tokens and likeness by style, beside the likeness of pairs that do not belong together; rephrasings
    that are no more alike than those would bring in content of their own. When: text for pre-training is short or noisy.
    Needs: documents. Calls: 1 per chunk and style.
    """

    name: ClassVar[str] = "wrap"
    paper: ClassVar[str] = "2401.16380"
    family: ClassVar[str] = "pretraining"
    inputs: ClassVar[Mapping[str, str]] = {"documents": "text", "exclude": "?text"}
    columns: ClassVar[Mapping[str, object]] = {
        "text": str, "style": str, "source_id": str, "chunk_index": int, "n_tokens_src": int, "n_tokens_out": int, "weight": float,
    }  # fmt: skip
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "embedder": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "easy": (
            "Say the following paragraph again for a small child: very short sentences, very easy words. Keep what it says, and add "
            "nothing. Reply with the paraphrase alone.\n\n{{ text }}"
        ),
        "medium": (
            "Paraphrase the following paragraph in clear, diverse, well-formed language, as a good encyclopaedia would write it. Keep all "
            "that it says, and add nothing. Reply with the paraphrase alone.\n\n{{ text }}"
        ),
        "hard": (
            "Paraphrase the following paragraph in terse and abstruse language that only a learned scholar follows, with rare and exact "
            "words. Keep all that it says, and add nothing. Reply with the paraphrase alone.\n\n{{ text }}"
        ),
        "qa": (
            "Turn the following paragraph into a conversation of several questions and answers that together tell all that it says, and "
            'nothing else. Begin each question with "Question:" and each answer, on the next line, with "Answer:". Reply with these lines '
            "alone.\n\n{{ text }}"
        ),
    }

    styles: list[Style] = Field(["medium", "qa"], min_length=1, description="Of each chunk.", json_schema_extra={"from": "paper"})
    chunk_tokens: int = Field(300, ge=1, description="Most tokens of a chunk.", json_schema_extra={"from": "paper, about 300"})
    ratio: float = Field(1.0, gt=0, description="Synthetic tokens per real one.", json_schema_extra={"from": "paper, 1:1"})
    real: bool = Field(True, description="Real chunks leave too; without them the result is no training set by itself.")
    length: tuple[float, float] = Field((0.5, 2.0), description="Tokens of a rephrasing, relative to its chunk.")
    alike: tuple[float, float] = Field((0.2, 0.98), description="Cosine of a rephrasing to its chunk; below: other content, above: a copy.")
    batch: int = Field(256, ge=1, description="Chunks that are held in memory at once.")
    temperature: float = Field(0.7, ge=0)
    max_tokens: int = Field(1024, ge=1)

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        parts, left, owed = self.parts(run), self.rows, 0.0
        report: dict[str, dict[str, Any]] = {}
        while left is None or left > 0:
            size, styles = self.next_size(left)
            batch = list(islice(parts, size))
            if not batch:
                break
            made = await self.rephrased(run, batch, styles, report)
            owed += self.ratio * sum(tokens(part.text) for part in batch)
            written = sum(row["n_tokens_out"] for rows in made for row in rows)
            weight, owed = (owed / written, 0.0) if written and self.real else (1.0, owed)
            for part, rows in zip(batch, made, strict=True):
                if self.real:
                    yield self.record(part, "real", part.text, 1.0, {"origin": "human"})
                for row in rows:
                    yield row.replace(weight=round(weight, 6))
            left = None if left is None else left - len(batch) * self.real - sum(map(len, made))
        self.report(run, report)

    def parts(self, run: Run) -> Iterator[Chunk]:
        """The chunks of all documents but the excluded ones."""
        excluded = list(run.data("exclude")) if run.has("exclude") else []
        ids, texts = {row.id for row in excluded}, {_plain(str(row["text"])) for row in excluded}
        for document in run.data("documents"):
            text = str(document["text"] or "")
            if document.id in ids or _plain(text) in texts:
                run.reject(document, "excluded", detail="A text of 'exclude' is the same.")
            elif not text.strip():
                run.reject(document, "empty_document")
            else:
                yield from (Chunk(str(document.id), n, part) for n, part in enumerate(chunks(text, self.chunk_tokens)))

    def next_size(self, left: int | None) -> tuple[int, list[Style]]:
        """How many chunks come next, and in which styles, so that no more rows are made than are wanted."""
        each = len(self.styles) + self.real
        if left is None or left >= each:
            return self.batch if left is None else min(self.batch, left // each), self.styles
        return 1, self.styles[: left - self.real]

    async def rephrased(
        self, run: Run, batch: Sequence[Chunk], styles: Sequence[Style], report: dict[str, dict[str, Any]]
    ) -> list[list[Record]]:
        """For each chunk the rephrasings that pass."""
        jobs = [(at, style) for at in range(len(batch)) for style in styles]

        async def rephrase(job: tuple[int, Style]) -> Record:
            part, style = batch[job[0]], job[1]
            prompt = build(self.prompts[style], task=run.task, conditions={"text": part.text.strip()}, parse=parsers.text())
            reply = await run.ask(prompt, temperature=self.temperature, max_tokens=self.max_tokens, parse=self.read(style, part))
            return self.record(part, style, str(reply.value), 1.0, {"at": job[0]})

        made = await run.map(rephrase, jobs, label="rephrase", key=lambda job: f"{batch[job[0]].source}/{batch[job[0]].number}/{job[1]}")
        kept: list[list[Record]] = [[] for _ in batch]
        if not made:
            return kept
        vectors = await run.embed([batch[row.meta["at"]].text for row in made] + [row["text"] for row in made])
        real, new = vectors[: len(made)], vectors[len(made) :]
        alike, strangers = np.sum(real * new, axis=1), np.sum(real[strangers_of([row["source_id"] for row in made])] * new, axis=1)
        for row, cosine, other in zip(made, alike, strangers, strict=True):
            at = row.meta.pop("at")
            row.meta["scores"] = {"similarity": round(float(cosine), 6)}
            reason = "other_content" if cosine < self.alike[0] else "not_rewritten" if cosine > self.alike[1] else None
            if reason:
                run.reject(row, reason, score=float(cosine))
                continue
            kept[at].append(row)
            told = report.setdefault(row["style"], {"rows": 0, "tokens": 0, "similarity": 0.0, "to_another": 0.0})
            for name, value in (("rows", 1), ("tokens", row["n_tokens_out"]), ("similarity", float(cosine)), ("to_another", float(other))):
                told[name] += value
        return kept

    def read(self, style: Style, part: Chunk) -> parsers.Parser:
        """What is left of a reply when the packaging is off, if it can stand for the chunk."""
        whole = parsers.text()

        def parse(reply: Reply) -> str:
            text = tidied(whole(reply))
            share, (least, most) = tokens(unlabelled(text) if style == "qa" else text) / max(1, tokens(part.text)), self.length
            if not least <= share <= most:
                what = f"The text must be {least:g} to {most:g} times as long as the paragraph."
                raise Failure("too_short" if share < least else "too_long", what)
            if style == "qa" and not pairs(text):
                raise Failure("no_pairs", 'There must be lines that begin with "Question:" and "Answer:".')
            before, after = _language(part.text), _language(text)
            if before and after and before != after:
                raise Failure("language", "The text must be in the language of the paragraph.")
            return text

        return parse

    def record(self, part: Chunk, style: str, text: str, weight: float, meta: Mapping[str, Any]) -> Record:
        """A row with what it was made of."""
        columns = {"text": text, "style": style, "source_id": part.source, "chunk_index": part.number}
        counts = {"n_tokens_src": tokens(part.text), "n_tokens_out": tokens(text), "weight": weight}
        return Record({**columns, **counts}, meta={"seed_ids": [part.source], **meta})

    def report(self, run: Run, report: Mapping[str, Mapping[str, Any]]) -> None:
        """Tell tokens and likeness by style, and where a style is no nearer to its chunk than to another."""
        means = {
            style: {
                **told,
                "similarity": round(told["similarity"] / told["rows"], 4),
                "to_another": round(told["to_another"] / told["rows"], 4),
            }
            for style, told in sorted(report.items())
        }
        run.artifact("wrap", means)
        for style, told in means.items():
            if told["rows"] > 1 and told["similarity"] < told["to_another"]:
                run.note(f"wrap: texts in the style '{style}' are no more like their chunk than like another. They bring in other content.")
        if not means:
            run.note("wrap: no rephrasing passed; only real text was kept.")


def strangers_of(sources: Sequence[str]) -> list[int]:
    """For each row the next one of another document, round the end; itself where there is no other document."""
    n = len(sources)
    return [next((k % n for k in range(at + 1, at + n) if sources[k % n] != sources[at]), at) for at in range(n)]


def _language(text: str) -> str | None:
    found = probabilities(text)
    best = max(found, key=found.__getitem__, default=None)
    return best if best is not None and found[best] >= SURE else None


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()

"""ZeroGen for extractive question answering (arXiv 2202.07922): questions to the named things of real passages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.generate.rows import filled
from tilth.methods.classification._continuing import Mode, checked, one_text, up_to_question_mark
from tilth.records.ids import Occurrences, canonical
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

_NUMBER = r"[$€£]?\d[\d.,]*\d%?|[$€£]?\d%?"
_NAME = r"[^\W\d_a-z][\w'’-]*(?:\s+(?:(?:of|the|de|von|van|and)\s+)*[^\W\d_a-z][\w'’-]*)*"
_SPAN = re.compile(rf"(?<!\w)(?:{_NUMBER}|{_NAME})(?!\w)")
_OPENS = re.compile(r"(?:^|[.!?:]\s+|\n\s*|[\"“(]\s*)$")


class Span(NamedTuple):
    """A possible answer and where it begins (in characters)."""

    text: str
    start: int


class Asked(NamedTuple):
    """One question to write."""

    passage: Record
    answer: Span
    entry: int


class ZeroGenQA(Method):
    """Questions whose answer is a given span of a given passage, in the form of SQuAD.

    The passage is ZeroGen's context and is real; the answers are its named things; the question continues a prompt
    that holds both. It is cut at the first question mark, and dropped if there is none or if it contains its answer.

    Differs: as zerogen; and named entities are found by a small rule (runs of capitalised words, numbers), not by
    spaCy, which is no dependency: words that are capitalised only because they open a sentence are left out. The rule
    needs a script with capitals. A model that only chats is asked for one question as JSON.
    When: passages exist and questions do not. Needs: data 'passages'. Calls: `entries` per answer.
    """

    name: ClassVar[str] = "zerogen-qa"
    paper: ClassVar[str] = "2202.07922"
    family: ClassVar[str] = "classification"
    inputs: ClassVar[Mapping[str, str]] = {"passages": "text"}
    columns: ClassVar[Mapping[str, object]] = {"context": str, "question": str, "answers": dict}
    prompts: ClassVar[Mapping[str, str]] = {
        "question": '{{ context }}\nA question about this text whose answer is "{{ answer }}": "',
        "question_chat": (
            "Text: {{ context }}\n"
            'Write one question about this text whose answer is "{{ answer }}". Do not use the answer in the question.\n'
            'Reply with JSON only: {"text": "..."}'
        ),
    }

    entries: int = Field(2, ge=1, description="Questions per passage and answer.", json_schema_extra={"from": "repo, num_entries of QA"})
    answers: int = Field(5, ge=1, description="At most so many answers per passage, drawn at random.")
    min_words: int = Field(3, ge=1, description="Shorter questions are dropped; the repo counts 5 tokens.")
    max_tokens: int = Field(40, ge=1, description="Of a question.", json_schema_extra={"from": "repo, QA"})
    temperature: float = Field(1.0, ge=0, json_schema_extra={"from": "paper"})
    top_p: float = Field(0.9, gt=0, le=1, json_schema_extra={"from": "paper"})
    mode: Mode = Field("auto", description="auto: completion where the model can continue raw text, else chat.")
    lag: int = Field(64, ge=1, description="Questions asked ahead of the last one kept; at most so many are asked in vain.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        asked = self._asked(run)
        seen, kept = Occurrences(), 0
        async for record in run.unfold(lambda k: next(asked, None), partial(self._question, run), lag=self.lag, label="question"):
            if seen.next(canonical(record.columns)):
                run.reject(record, "duplicate", detail="The same was kept before.")
                continue
            yield record
            kept += 1
            if kept == self.rows:
                break

    def _asked(self, run: Run) -> Iterator[Asked]:
        """Each passage's answers, in the order of the data; the passages are read as they are needed."""
        rng = run.rng("answers")
        for passage in filled(run, "passages", "text"):
            found = spans(passage["text"])
            for answer in sorted(rng.sample(found, min(self.answers, len(found))), key=lambda span: span.start):
                for entry in range(self.entries):
                    yield Asked(passage, answer, entry)

    async def _question(self, run: Run, asked: Asked) -> Record:
        passage, answer = asked.passage, asked.answer

        def check(question: str) -> str:
            if answer.text.casefold() in question.casefold():
                raise Failure("gives_answer", "The question contains its answer.")
            return checked(question, min_words=self.min_words)

        text = await one_text(
            run,
            self.prompts,
            "question",
            {"context": passage["text"], "answer": answer.text},
            cut=up_to_question_mark,
            check=lambda question: check(up_to_question_mark(question)),
            mode=self.mode,
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
        )
        answers = {"text": [answer.text], "answer_start": [answer.start]}
        return Record(context=passage["text"], question=text, answers=answers, meta={"seed_ids": [passage.id], "origin": "mixed"})


_LEADS = frozenset(("the", "a", "an", "in", "on", "at", "by", "for", "from", "when", "after", "before", "during", "with", "as"))
"""Words that are capitalised where they open a sentence and belong to no name."""


def spans(passage: str) -> list[Span]:
    """Names and numbers of a text, each once, by a rule: runs of capitalised words, and digits.

    A single capitalised word that opens a sentence is left out; of a run there, a leading article or preposition.

    >>> [span.text for span in spans("The tower of Gustave Eiffel was opened in 1889. It is in Paris. In May Zola came.")]
    ['Gustave Eiffel', '1889', 'Paris', 'May Zola']
    """
    found: dict[str, Span] = {}
    for match in _SPAN.finditer(passage):
        span: Span | None = Span(match.group(), match.start())
        if span and not span.text[0].isdigit() and _OPENS.search(passage[: span.start][-8:]):
            span = _after_lead(span)
        if span:
            found.setdefault(span.text.casefold(), span)
    return list(found.values())


def _after_lead(span: Span) -> Span | None:
    first, _, rest = span.text.partition(" ")
    if not rest:
        return None
    rest = rest.lstrip()
    return Span(rest, span.start + len(span.text) - len(rest)) if first.casefold() in _LEADS else span

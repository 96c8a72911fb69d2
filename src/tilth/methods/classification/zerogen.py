"""ZeroGen (Ye, Gao, Li, Xu et al., EMNLP 2022, arXiv 2202.07922): texts of each label, from no data at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.generate.quotas import fill, split
from tilth.methods.classification._continuing import Mode, checked, labels_of, one_text, up_to_quote
from tilth.prompts.conditions import word_list
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run


class ZeroGen(Method):
    """Texts of each label by continuing a prompt that names the label and ends with an opening quotation mark.

    1. A context, such as a film title, is sampled from a prompt that is only its kind, a colon and an opening quote.
       It is what makes the texts diverse.
    2. For each context and label the prompt of the label is continued `entries` times.
    3. A continuation is cut at the closing quote, else at the line break, else at the last full stop, else dropped;
       then too short ones and copies of the context are dropped.
    4. Equal (context, text, label) are kept once; labels take turns until each has its rows.

    Differs: a model that only chats is asked for exactly one text as JSON, and each of its contexts starts from a random
    English word, because asked alike a strong model names the same few again and again. Rejected texts are replaced, so that counts
    per label are exact, up to `attempts`. Self-debiasing decoding (of DINO) is left out: it needs the next-token
    probabilities of several prompts at each step, which no endpoint gives. Training and testing the small model is
    the business of evaluation. Pairs and questions: zerogen-nli, zerogen-qa.
    When: no data, and a model that continues texts. Needs: task.labels. Calls: 1 per row, 1 per context.
    """

    name: ClassVar[str] = "zerogen"
    paper: ClassVar[str] = "2202.07922"
    family: ClassVar[str] = "classification"
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str}
    prompts: ClassVar[Mapping[str, str]] = {
        "context": '{{ context_kind }}: "',
        "context_chat": (
            "{{ task.about }}\n"
            'Name one {{ context_kind }}, not the first that comes to mind. Let the word "{{ word }}" lead you to it, however loosely.\n'
            'Reply with JSON only: {"text": "..."}'
        ),
        "text": 'One {{ phrase }} {{ kind }}{% if context %} about the {{ context_kind }} "{{ context }}"{% endif %}: "',
        "text_chat": (
            "{{ task.about }}\n"
            "Write one {{ phrase }} {{ kind }}{% if definition %} ({{ definition }}){% endif %}.\n"
            '{% if context %}\n{{ context_kind|capitalize }}: "{{ context }}"\n{% endif %}\n'
            'Reply with JSON only: {"text": "..."}'
        ),
    }

    kind: str = Field("text", description="What is written, as the prompts call it, such as 'film review'.")
    phrases: dict[str, str] = Field(
        default={}, description="Label to the words before the kind, such as {pos: 'enthusiastic'}; default: the label itself."
    )
    context_kind: str = Field("", description="What a context is, such as 'film title'; empty: texts are written without one.")
    entries: int = Field(32, ge=1, description="Texts per context and label.", json_schema_extra={"from": "repo, num_entries_per_input"})
    per_label: int = Field(100, ge=1, description="Rows of each label where 'rows' is not given.")
    attempts: int | None = Field(None, ge=1, description="Texts tried per label; default: 4 per row wanted.")
    min_words: int = Field(10, ge=1, description="Shorter texts are dropped.", json_schema_extra={"from": "repo, min_length of TC"})
    max_tokens: int = Field(40, ge=1, description="Of a text.", json_schema_extra={"from": "repo, max_length of TC"})
    context_tokens: int = Field(10, ge=1, description="Of a context.", json_schema_extra={"from": "repo, stage C"})
    temperature: float = Field(1.0, ge=0, json_schema_extra={"from": "paper"})
    top_p: float = Field(0.9, gt=0, le=1, description="With no top_k, as in the repo.", json_schema_extra={"from": "paper"})
    mode: Mode = Field("auto", description="auto: completion where the model can continue raw text, else chat.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        labels = labels_of(run, self.name)
        quotas = split(self.rows or self.per_label * len(labels), labels)
        contexts = await self._contexts(run, -(-max(quotas.values()) // self.entries)) if self.context_kind else []
        attempts = {label: self.attempts or 4 * quota for label, quota in quotas.items()}
        write = partial(self._text, run, contexts)
        async for record in fill(run, quotas, write, attempts=attempts, same=identity, label="text"):
            yield record

    async def _contexts(self, run: Run, n: int) -> list[str]:
        """Stage C: as many contexts as the largest quota needs; texts beyond go round again."""

        async def one(number: int) -> str:
            conditions = {"context_kind": self.context_kind, "word": run.rng("word").choice(word_list())}
            return await self._ask(run, "context", conditions, max_tokens=self.context_tokens, min_words=1)

        found: list[str] = await run.map(one, range(n), label="context")
        if not found:
            raise Failure("no_context", f"None of {n} replies was usable as a {self.context_kind}.")
        return found

    async def _text(self, run: Run, contexts: Sequence[str], slot: Record, **more: object) -> Record:
        """Stage X: one text of a label, about the context whose turn it is. more: what else the prompt may show."""
        label = slot["label"]
        context = contexts[slot.meta["number"] // self.entries % len(contexts)] if contexts else None
        phrase = self.phrases.get(label, label.replace("_", " "))
        definition = run.task.labels[label]
        conditions = {"kind": self.kind, "phrase": phrase, "definition": definition, "context": context, "context_kind": self.context_kind}
        conditions |= more
        text = await self._ask(run, "text", conditions, max_tokens=self.max_tokens, min_words=self.min_words, unlike=context)
        return Record(text=text, label=label, meta={"conditions": {"context": context, "phrase": phrase}})

    async def _ask(
        self, run: Run, name: str, conditions: Mapping[str, object], *, max_tokens: int, min_words: int, unlike: str | None = None
    ) -> str:
        sampling = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": max_tokens}
        check = partial(checked, min_words=min_words, unlike=unlike)
        return await one_text(run, self.prompts, name, conditions, cut=up_to_quote, check=check, mode=self.mode, **sampling)


def identity(record: Record) -> list[object]:
    """What makes two rows the same: context, text and label, not the text alone."""
    return [record.meta["conditions"]["context"], record["text"], record["label"]]

"""ZeroGen for pairs of texts (arXiv 2202.07922): hypotheses to real premises, for each relation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import RequestError
from tilth.generate.quotas import fill, split
from tilth.generate.rows import filled
from tilth.methods.classification._continuing import Mode, checked, labels_of, one_text, up_to_quote
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

LINKS: Mapping[str, str] = {
    "entailment": "So it is certain that the following is true",
    "neutral": "It may or may not be true that",
    "contradiction": "So it is certain that the following is false",
}
"""Our words between premise and hypothesis for the usual three labels."""


class ZeroGenNLI(Method):
    """Hypotheses that stand in a given relation to premises from an unlabelled corpus.

    The premise takes the place of ZeroGen's context and is real; the hypothesis continues a prompt that names the
    relation and ends with an opening quotation mark. Cutting, duplicates and balance are those of zerogen.

    Differs: as zerogen. `entries` is 2, not 32, so that a small set covers many premises.
    When: unlabelled texts of the domain exist. Needs: data 'unlabelled', task.labels. Calls: 1 per row.
    """

    name: ClassVar[str] = "zerogen-nli"
    paper: ClassVar[str] = "2202.07922"
    family: ClassVar[str] = "classification"
    inputs: ClassVar[Mapping[str, str]] = {"unlabelled": "text"}
    columns: ClassVar[Mapping[str, object]] = {"premise": str, "hypothesis": str, "label": str}
    prompts: ClassVar[Mapping[str, str]] = {
        "hypothesis": '"{{ premise }}" {{ link }}: "',
        "hypothesis_chat": (
            "{{ task.about }}\n"
            'Text: "{{ premise }}"\n'
            'Write one sentence that completes this: {{ link }}: "..."\n'
            'Reply with JSON only: {"text": "..."}'
        ),
    }

    links: dict[str, str] = Field(
        default={},
        description="Label to the words between premise and hypothesis; default: our words for the usual three, else the definition.",
    )
    entries: int = Field(2, ge=1, description="Hypotheses per premise and label.")
    attempts: int | None = Field(None, ge=1, description="Hypotheses tried per label; default: 4 per row wanted.")
    min_words: int = Field(3, ge=1, description="Shorter hypotheses are dropped.")
    max_tokens: int = Field(40, ge=1, description="Of a hypothesis.", json_schema_extra={"from": "repo"})
    temperature: float = Field(1.0, ge=0, json_schema_extra={"from": "paper"})
    top_p: float = Field(0.9, gt=0, le=1, json_schema_extra={"from": "paper"})
    mode: Mode = Field("auto", description="auto: completion where the model can continue raw text, else chat.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        links = self._links(labels_of(run, self.name))
        most = None if self.rows is None else -(-max(split(self.rows, links).values()) // self.entries)
        premises = list(islice(filled(run, "unlabelled", "text"), most))
        if not premises:
            raise RequestError("data 'unlabelled' is empty. Give it with: --data unlabelled=FILE", code="data.empty")
        quotas = split(self.rows or len(premises) * self.entries * len(links), links)
        attempts = {label: self.attempts or 4 * quota for label, quota in quotas.items()}
        write = partial(self._hypothesis, run, premises, links)
        async for record in fill(run, quotas, write, attempts=attempts, same=lambda record: record.columns, label="hypothesis"):
            yield record

    def _links(self, labels: Mapping[str, str]) -> dict[str, str]:
        links = {label: self.links.get(label) or LINKS.get(label) or definition for label, definition in labels.items()}
        bare = [label for label, link in links.items() if not link]
        if bare:
            raise RequestError(f"zerogen-nli needs words for label '{bare[0]}'. Give it a definition, or set: links.", code="task.labels")
        return links

    async def _hypothesis(self, run: Run, premises: Sequence[Record], links: Mapping[str, str], slot: Record) -> Record:
        label = slot["label"]
        premise = premises[slot.meta["number"] // self.entries % len(premises)]
        sampling = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        text = await one_text(
            run,
            self.prompts,
            "hypothesis",
            {"premise": premise["text"], "link": links[label]},
            cut=up_to_quote,
            check=partial(checked, min_words=self.min_words, unlike=premise["text"]),
            mode=self.mode,
            **sampling,
        )
        lineage = {"seed_ids": [premise.id], "origin": "mixed", "conditions": {"link": links[label]}}
        return Record(premise=premise["text"], hypothesis=text, label=label, meta=lineage)

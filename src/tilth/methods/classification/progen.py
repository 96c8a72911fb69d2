"""ProGen (Ye, Gao, Wu, Feng, Yu, Kong, Findings of EMNLP 2022, arXiv 2210.12329): the student chooses the next demonstrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from tilth.generate.quotas import fill, split
from tilth.methods.classification._continuing import labels_of
from tilth.methods.classification._helpful import Judge
from tilth.methods.classification.zerogen import ZeroGen, identity
from tilth.records.ids import Occurrences
from tilth.records.record import Record
from tilth.text.ngrams import words

if TYPE_CHECKING:
    from tilth.engine.run import Run


class ProGen(ZeroGen):
    """Texts of each label in rounds: after each a small model says which rows helped it, and these are shown in the next.

    1. The first round is ZeroGen's; rounds end at 100, 200, 400, ... rows.
    2. Once there are twice `validation` rows, so many random ones, as many of each label, are set aside: V, never
       learned from, never shown.
    3. After a round a fresh student learns all other rows. A row's influence is what its weight does to the student's loss
       on V. That loss is the reverse cross-entropy, which wrong labels in V hardly move. Negative: the row helps.
    4. The `pool` rows of lowest influence of each class, all below 0, are the next round's pool.
    5. A prompt shows, with probability `feedback`, `shots` pool rows of its label, without any label word; else none.
    6. A text with at least `overlap` of the distinct words of a shown one is turned away.

    Rows leave when their round ends, with its number and their influence then; ``artifacts/influence.json`` has the last values.

    Differs: the student is logistic regression on sentence vectors, so influence is exact, for all rows and not for a sample of
    10,000. V is balanced: one that leans to a label calls all rows of the others harmful. Runs of less than 40,000 rows rank from
    a quarter of them on, with smaller V. The removal of harmful rows (off in the paper) is a filter on the score.
    When: as zerogen, with a model that takes to examples. Needs: task.labels. Calls: 1 per row, 1 per context.
    """

    name: ClassVar[str] = "progen"
    paper: ClassVar[str] = "2210.12329"
    family: ClassVar[str] = "classification"
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "embedder": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        **ZeroGen.prompts,
        "text": (
            '{% for text in shown %}\n{{ kind|capitalize }}: "{{ text }}"\n\n{% endfor %}\n'
            'One {{ phrase }} {{ kind }}{% if context %} about the {{ context_kind }} "{{ context }}"{% endif %}: "'
        ),
        "text_chat": (
            "{{ task.about }}\n"
            '{% if shown %}\nExamples ({{ kind }}):\n{% for text in shown %}\n- "{{ text }}"\n{% endfor %}\n\n{% endif %}\n'
            "Write one {{ phrase }} {{ kind }}{% if definition %} ({{ definition }}){% endif %}."
            "{% if shown %} It is as natural as the examples, but takes neither their words nor their subject.{% endif %}\n\n"
            '{% if context %}\n{{ context_kind|capitalize }}: "{{ context }}"\n{% endif %}\n'
            'Reply with JSON only: {"text": "..."}'
        ),
    }

    max_tokens: int = Field(100, ge=1, description="Of a text.", json_schema_extra={"from": "repo, max_length"})
    first: int = Field(100, ge=1, description="Rows of the first round; each later round doubles them.", json_schema_extra={"from": "repo"})
    shots: int = Field(8, ge=1, description="Rows shown in a prompt.", json_schema_extra={"from": "repo, in_context_num"})
    feedback: float = Field(0.5, ge=0, le=1, description="Share of prompts that show rows.", json_schema_extra={"from": "repo"})
    pool: int = Field(50, ge=1, description="Helpful rows of each class.", json_schema_extra={"from": "repo, in_context_ratio"})
    validation: int | None = Field(
        None, ge=1, description="Rows set aside; default: 1000, or a twelfth of the rows.", json_schema_extra={"from": "repo, 1000"}
    )
    influence_from: int | None = Field(
        None, ge=2, description="Rows from which on rows are ranked; default: 10,000, or a quarter.", json_schema_extra={"from": "repo"}
    )
    overlap: float = Field(
        0.9, gt=0, le=1, description="Share of a shown row's words that makes a copy.", json_schema_extra={"from": "repo"}
    )
    strength: float = Field(1.0, gt=0, description="C of the student.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        labels = labels_of(run, self.name)
        quotas = split(self.rows or self.per_label * len(labels), labels)
        contexts = await self._contexts(run, -(-max(quotas.values()) // self.entries)) if self.context_kind else []
        judge = Judge(run, list(labels), *self.sizes(sum(quotas.values())), self.pool, self.strength)
        seen, pool = Occurrences(), dict[str, list[Record]]()
        for number, part in enumerate(rounds(quotas, self.first)):
            write = partial(self.write, run, contexts, pool, Counter(row["label"] for row in judge.rows), number)
            attempts = {label: self.attempts or 4 * quota for label, quota in part.items()}
            fresh = [row async for row in fill(run, part, write, attempts=attempts, same=identity, label="text", seen=seen)]
            pool = await judge.rank(fresh)
            for row in fresh:
                yield row
        if not judge.ranked:
            run.note(f"progen: rows were never ranked, so none was shown: {len(judge.rows)} rows, ranked from {judge.start} on.")

    def sizes(self, rows: int) -> tuple[int, int]:
        """From how many rows on rows are ranked, and how many are set aside, in a run of so many rows."""
        start = self.influence_from or max(2, min(10_000, rows // 4))
        return start, self.validation or max(1, min(1000, start // 3))

    async def write(
        self, run: Run, contexts: Sequence[str], pool: Mapping[str, list[Record]], done: Mapping[str, int], number: int, slot: Record
    ) -> Record | None:
        """One text of a label, behind helpful rows of that label or behind none; None where it copies one of them."""
        label, rng = slot["label"], run.rng("demonstrations")
        helpful = pool.get(label, [])
        shown = rng.sample(helpful, min(self.shots, len(helpful))) if rng.random() < self.feedback else []
        turn = Record(label=label, meta={"number": done[label] + slot.meta["number"]})
        record = await self._text(run, contexts, turn, shown=[row["text"] for row in shown])
        record.meta |= {"round": number, "parents": [row.id for row in shown]}
        for row in shown:
            if (same := covered(row["text"], record["text"])) >= self.overlap:
                run.reject(record, "copied_demonstration", score=same, neighbour=row.id)
                return None
        return record


def rounds(quotas: Mapping[str, int], first: int) -> Iterator[dict[str, int]]:
    """What each round adds: the total is `first`, then twice as much each time, up to the quotas.

    >>> [sum(one.values()) for one in rounds({"a": 350, "b": 350}, 100)]
    [100, 100, 200, 300]
    """
    done, total = dict.fromkeys(quotas, 0), first
    while done != dict(quotas):
        upto = {label: min(quotas[label], n) for label, n in split(total, quotas).items()}
        part = {label: n - done[label] for label, n in upto.items() if n > done[label]}
        done, total = upto, 2 * total
        if part:
            yield part


def covered(shown: str, text: str) -> float:
    """The share of the distinct words of `shown` that `text` has too; 0 where it has none."""
    vocabulary = set(words(shown.lower()))
    return len(vocabulary & set(words(text.lower()))) / len(vocabulary) if vocabulary else 0.0

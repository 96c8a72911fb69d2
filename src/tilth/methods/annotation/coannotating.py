"""CoAnnotating (Li, Shi, Ziems, Kan, Chen, Liu, Yang, EMNLP 2023, arXiv 2310.15638): an LLM labels what is easy, people the rest."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.labelling import Who, label_of, labelled, pool
from tilth.methods.annotation._allocation import cost, table
from tilth.methods.annotation._report import entropy
from tilth.methods.annotation._variants import LETTERS, reader, sure_reader, variants
from tilth.prompts.prompt import build
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

OTHER = "(other)"
"""The answer of a reply that cannot be read: it raises the entropy, and is no label."""
MOSTLY = 0.5
"""Share of unread replies above which their entropy would fall again: such a text is less sure than all others."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the LLM said of a text. votes: variant to label, None where the reply could not be read. sure: mean stated confidence."""

    votes: Mapping[str, str | None]
    sure: float | None = None

    @property
    def label(self) -> str | None:
        """The label with the most votes (ties: the one that came first); None where nothing could be read."""
        readable = [vote for vote in self.votes.values() if vote is not None]
        return Counter(readable).most_common(1)[0][0] if readable else None

    @property
    def entropy(self) -> float:
        """In bits, over the labels and "other"."""
        counts = Counter(vote or OTHER for vote in self.votes.values())
        return entropy(count / len(self.votes) for count in counts.values())

    @property
    def unread(self) -> float:
        """Share of the replies that could not be read."""
        return round(sum(vote is None for vote in self.votes.values()) / len(self.votes), 6)

    def probs(self, labels: Sequence[str]) -> dict[str, float] | None:
        """Shares of the readable votes."""
        readable = [vote for vote in self.votes.values() if vote is not None]
        return {label: round(readable.count(label) / len(readable), 6) for label in labels} if readable else None


class CoAnnotating(Method):
    """Labels of a pool of texts by an LLM where its answers agree, by people where they do not.

    1. Each text is asked about in several wordings (two labels: 9, some of them negated; more labels: 7), once each. Each wording has
       its own reader; a reply that cannot be read is an answer of its own, "other". The LLM's label is the majority without "other".
    2. Uncertainty is the entropy of the answers in bits (``entropy``), or 1 - the mean of stated confidences (``confidence``), or
       chance (``random``), the baseline to compare with.
    3. Sorted by it, ties at random: the first floor(`llm_share` x n) texts keep the LLM's label, the others go to people, and so
       does a text of which no reply could be read.
    4. artifacts/allocation.json: the cost of both parts with all calls, and the LLM's accuracy by entropy where an answer is known.

    People never see what the model said. They get the texts on which readers differ, where one person is no oracle (measured on real
    raters): ask for 3 `answers` where the labels matter. With `audit`, a random part of the LLM's texts goes to people too, and their
    answer stands: only these tell how good the LLM's part is; those that entropy sent to people are the hard ones.

    Differs: a text of which more than half of the replies could not be read counts as less sure than all others (by entropy alone
    it would look sure). The classifier trained on both parts and the Pareto curve over shares are left to evaluation. With more than
    two labels the true/false and yes/no wordings become "which statement is true" and "which one is false". When: texts without
    labels, people for some of them, an LLM that knows the task a little. Needs: task.labels. Calls: 9 per text (7 with more than
    two labels).
    """

    name: ClassVar[str] = "coannotating"
    paper: ClassVar[str] = "2310.15638"
    family: ClassVar[str] = "annotation"
    inputs: ClassVar[Mapping[str, str]] = {"unlabelled": "text"}
    columns: ClassVar[Mapping[str, object]] = {
        "text": str, "label": str, "label_source": str, "label_probs": "dict | None", "llm_label": "str | None", "votes": dict,
    }  # fmt: skip
    prompts: ClassVar[Mapping[str, str]] = {
        "instruction": (
            "{{ rules }}Labels:\n{{ defined }}\n\nSay which of these labels is right for the text below. "
            "Reply with the label and nothing else.\n\n<text>{{ text }}</text>"
        ),
        "text_first": (
            "<text>{{ text }}</text>\n\n{{ rules }}The text above gets one of these labels:\n{{ defined }}\n\n"
            "Reply with the one that is right, and nothing else."
        ),
        "classify": "{{ rules }}Classify the text as one of: {{ names }}.\n{{ defined }}\n\nText: {{ text }}\n\nOnly the class, please.",
        "question": (
            "{{ rules }}{{ defined }}\n\n<text>{{ text }}</text>\n\n"
            "What would a careful reader call this text: {{ names }}? Answer with that one word or name alone."
        ),
        "multiple_choice": (
            "{{ rules }}<text>{{ text }}</text>\n\nWhich describes this text best?\n"
            "{% for one in choices %}\n"
            "({{ one.letter }}) {{ one.name }}{{ ': ' ~ one.definition if one.definition else '' }}\n"
            "{% endfor %}\n\n"
            "Reply with the letter alone."
        ),
        "true_false": (
            '{{ rules }}{{ defined }}\n\n<text>{{ text }}</text>\n\nStatement: the right label for this text is "{{ first }}".\n'
            "Is the statement true or false? Reply with one word."
        ),
        "true_false_negated": (
            '{{ rules }}{{ defined }}\n\n<text>{{ text }}</text>\n\nStatement: the right label for this text is not "{{ first }}".\n'
            "Is the statement true or false? Reply with one word."
        ),
        "yes_no": (
            '{{ rules }}{{ defined }}\n\n<text>{{ text }}</text>\n\nA colleague labels this text "{{ first }}". Do you agree? '
            "Reply with yes or no."
        ),
        "yes_no_negated": (
            '{{ rules }}{{ defined }}\n\n<text>{{ text }}</text>\n\nA colleague says that "{{ first }}" is the wrong label for this text. '
            "Do you agree? Reply with yes or no."
        ),
        "one_true": (
            "{{ rules }}{{ defined }}\n\n<text>{{ text }}</text>\n\nExactly one of these statements is true:\n"
            '{% for one in choices %}\n{{ one.number }}. The right label for this text is "{{ one.name }}".\n{% endfor %}\n\n'
            "Which one? Reply with its number alone."
        ),
        "one_false": (
            "{{ rules }}{{ defined }}\n\n<text>{{ text }}</text>\n\nAll of these statements are true but one:\n"
            '{% for one in choices %}\n{{ one.number }}. The label "{{ one.name }}" is wrong for this text.\n{% endfor %}\n\n'
            "Which one is false? Reply with its number alone."
        ),
        "confidence": (
            "{{ rules }}Labels:\n{{ defined }}\n\n<text>{{ text }}</text>\n\nWhich label is right for this text, and how sure are you, "
            "from 0 (a guess) to 1 (certain)? Reply with the label, a semicolon and the number, such as: {{ first }}; 0.5"
        ),
    }

    llm_share: float = Field(0.5, ge=0, le=1, description="Share that the LLM labels.", json_schema_extra={"from": "paper: 0 to 1"})
    uncertainty: Literal["entropy", "confidence", "random"] = Field(
        "entropy", description="What decides who labels a text.", json_schema_extra={"from": "paper"}
    )
    variants: list[str] = Field(
        [], description="Wordings that are asked; default: all that fit the number of labels. Confidence has one of its own."
    )
    repeats: int = Field(1, ge=1, description="How often each wording is asked; with one wording the paper's repeated prompt.")
    people: Literal["people", "given"] = Field(
        "people", description="Who labels the rest; given: the column gold or label, as experiments do."
    )
    answers: int = Field(1, ge=1, description="People asked about each of these texts; what most say counts.")
    audit: float = Field(0.0, ge=0, le=1, description="Share of the LLM's texts, at random, that people label too.")
    human_price: float = Field(0.11, ge=0, description="US dollars of a person's label.", json_schema_extra={"from": "2108.13487"})
    call_price: float = Field(0.0, ge=0, description="US dollars of one call, for the cost of the allocation.")
    temperature: float = Field(1.0, ge=0, json_schema_extra={"from": "repo: the model's default"})
    max_tokens: int | None = Field(None, ge=1, description="Of an answer; default: the role's.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        source = pool(run, self.rows)
        asked = self.wordings(run)

        async def opinion(row: Record) -> Opinion:
            return await self.opinion(run, row, asked)

        said = dict(zip(source.ids, await run.map(opinion, source.rows, label="opinion", on_failure="raise"), strict=True))
        by_llm = self.allocated(run, said)
        audited = set(run.rng("audit").sample(sorted(by_llm), math.ceil(round(self.audit * len(by_llm), 9))))

        async def settle(row: Record) -> Record:
            return await self.settle(run, row, said[str(row.id)], by_llm, audited, source.given)

        answers: dict[str, str] = {}
        async for record in run.map(settle, source.rows, label="settle"):
            if record["label_source"] == "human":
                answers[str(record.id)] = record["label"]
            yield record
        people = len(said) - len(by_llm) + len(audited)
        paid = cost(len(said) * len(asked), people * self.answers, self.call_price, self.human_price)
        given = {id_: label for id_, label in source.given.items() if label in run.task.labels}
        right = table(said, {**answers, **given}, {id_: answers[id_] for id_ in sorted(audited & set(answers))})
        facts = {"n": len(said), "llm": len(by_llm), "people": people, "answered": len(answers), "uncertainty": self.uncertainty}
        run.artifact("allocation", {**facts, "cost": paid, **right})
        if unread := sum(vote is None for one in said.values() for vote in one.votes.values()):
            none = sum(one.label is None for one in said.values())
            lost = f"; {none} of {len(said)} texts, with no readable reply at all, went to people" if none else ""
            run.note(f"coannotating: {unread} of {paid['calls']} replies could not be read{lost}.")

    async def settle(self, run: Run, row: Record, said: Opinion, by_llm: Set[str], audited: Set[str], given: Mapping[str, str]) -> Record:
        """The record of one text, with the label of whoever it was assigned to; a person's answer stands also where it is an audit."""
        to_llm, checked = row.id in by_llm, row.id in audited
        who: Who = "model" if to_llm and not checked else self.people
        if who == "model":
            label = str(said.label)
            about: Mapping[str, Any] = {"labelled_by": run.models()[0].identity}
        else:
            label, about = await label_of(run, row, who, given, answers=self.answers)
        probs = said.probs(list(run.task.labels)) if who == "model" else None
        columns = {"label_probs": probs, "llm_label": said.label, "votes": dict(said.votes)}
        facts = {"assigned_to": "llm" if to_llm else "human", "audited": checked}
        scores = {"label_entropy": said.entropy, "confidence": said.sure}
        return labelled(row, label, who, about, columns=columns, scores=scores, conditions=facts)

    def allocated(self, run: Run, said: Mapping[str, Opinion]) -> set[str]:
        """The texts that the LLM labels: the surest share, ties at random; one of which nothing could be read is never among them."""
        chance = run.rng("ties")
        ties = {id_: chance.random() for id_ in said}

        def unsure(id_: str) -> tuple[bool, float, float, float]:
            one = said[id_]
            u = {"entropy": one.entropy, "confidence": 1 - (one.sure or 0.0), "random": 0.0}[self.uncertainty]
            mostly = one.unread if one.unread > MOSTLY and self.uncertainty != "random" else 0.0
            return one.label is None, mostly, round(u, 6), ties[id_]

        first = sorted(said, key=unsure)[: math.floor(round(self.llm_share * len(said), 9))]
        return {id_ for id_ in first if said[id_].label is not None}

    def wordings(self, run: Run) -> list[tuple[str, int]]:
        """What is asked about every text: (variant, number of the repetition)."""
        fit = variants(list(run.task.labels))
        unknown = next((name for name in self.variants if name not in fit), None)
        if unknown is not None:
            what = f"coannotating: '{unknown}' is no wording for {len(run.task.labels)} labels. There are: {', '.join(fit)}."
            raise RequestError(what, code="method.parameter")
        names = ["confidence"] if self.uncertainty == "confidence" else self.variants or list(fit)
        return [(name, number) for name in dict.fromkeys(names) for number in range(self.repeats)]

    async def opinion(self, run: Run, row: Record, asked: Sequence[tuple[str, int]]) -> Opinion:
        """All answers of the LLM about one text."""
        labels = run.task.labels
        parts = [part for part in (run.task.about.strip(), run.task.codebook.strip()) if part]
        choices = [
            {"letter": LETTERS[at % 26], "number": at + 1, "name": name, "definition": labels[name]} for at, name in enumerate(labels)
        ]
        given = {
            "text": row["text"],
            "rules": "\n".join(parts) + "\n\n" if parts else "",
            "defined": "\n".join(f"- {name}: {meaning}" if meaning else f"- {name}" for name, meaning in labels.items()),
            "names": ", ".join(list(labels)[:-1]) + f" or {list(labels)[-1]}",
            "choices": choices,
            "first": next(iter(labels)),
        }
        read = {name: sure_reader(list(labels)) if name == "confidence" else reader(name, list(labels)) for name, _ in asked}

        async def vote(wording: tuple[str, int]) -> Any:
            prompt = build(self.prompts[wording[0]], task=run.task, conditions=given, parse=read[wording[0]])
            return (await run.ask(prompt, reasks=0, temperature=self.temperature, max_tokens=self.max_tokens)).value

        answers = await run.map(vote, asked, label="vote", key=_called, on_failure="keep")
        found = {_called(wording): None if isinstance(one, Failure) else one for wording, one in zip(asked, answers, strict=True)}
        if self.uncertainty != "confidence":
            return Opinion(found)
        sure = [one[1] for one in found.values() if one]
        return Opinion({name: one[0] if one else None for name, one in found.items()}, round(sum(sure) / len(sure), 6) if sure else None)


def _called(wording: tuple[str, int]) -> str:
    """The name of a wording among the votes."""
    return wording[0] if wording[1] == 0 else f"{wording[0]} {wording[1] + 1}"

"""AttrPrompt (Yu, Zhuang, Zhang, Meng, Ratner, Krishna, Shen, Zhang, NeurIPS 2023, arXiv 2306.15895): attributed prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.quotas import fill, split
from tilth.methods.classification._attributes import Attributes, Choice
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.demonstrations import random_k
from tilth.prompts.prompt import build
from tilth.prompts.refusals import refusal
from tilth.prompts.template import Template
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

LENGTH, OPENING = "length", "opening"
_KNOWN = "{% for other in known %}\n- {{ other }}{{ ': ' ~ known[other] if known[other] }}\n{% endfor %}\n"
"""All labels, in a prompt."""


class AttrPrompt(Method):
    """Texts of each label, every one to its own random combination of attributes (label, topic, length, style ...).

    1. Attributes are given, or the model is asked which matter. Some are shared by all labels (length, style), some have
       values of their own for each label (topics, products).
    2. For each label the most similar other labels are found.
    3. Values are asked for once, before any text. A value found for a label is dropped when the model says that it is
       related to one of the similar labels.
    4. For each text every attribute is drawn independently and uniformly; the prompt numbers them as requirements, the
       last one being to fit the label and none of the similar ones.
    5. Refusals and copies are dropped and replaced until each label has its rows.

    Differs: exact duplicates are removed; the authors' code keeps them. In the paper a person picks the attributes that
    the model names; with ``attributes: ask`` the first `asked_attributes` are taken. With as few labels as
    `similar_labels` + 1 all others count as similar, without a call. The repository tries 200 batches per label; here
    `attempts` counts texts. `prefill` is ours: the answer's given beginning names the label in its first words, the only
    shape in which a very small model writes to a label (a model that cannot be given one is told to begin so).
    When: labels are few to a hundred and plain prompts give look-alikes. Needs: task.labels or labelled support.
    Calls: 1 per row, and per label with asked values 2 + one per value.
    """

    name: ClassVar[str] = "attrprompt"
    paper: ClassVar[str] = "2306.15895"
    family: ClassVar[str] = "classification"
    inputs: ClassVar[Mapping[str, str]] = {"support": "?text label"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str}
    prompts: ClassVar[Mapping[str, str]] = {
        "attributes": (
            "I am building a varied set of texts. {{ task.about }}\n"
            "The labels are:\n"
            + _KNOWN
            + "In which respects, apart from their label and their length, should the texts differ so that the set is varied?\n"
            "List {{ n }} that are independent of one another, one per line, each in one or two words, without explanation."
        ),
        "values": (
            "I am building a varied set of texts. {{ task.about }}\n"
            "The texts should differ in: {{ attribute }}.\n"
            "List {{ n }} very different values for it, one per line, each in a few words, without explanation. "
            "Each must be possible with every label: {{ known|join(', ') }}."
        ),
        "similar": (
            "{{ task.about }}\n"
            "These are the labels:\n" + _KNOWN + "Which {% if n == 1 %}other label is{% else %}{{ n }} other labels are{% endif %} "
            'most easily mixed up with "{{ label }}"? Copy {{ "its name" if n == 1 else "their names, one per line," }} and nothing else.'
        ),
        "label_values": (
            "I am building a varied set of texts. {{ task.about }}\n"
            "Label: {{ label }}{% if definition %} ({{ definition }}){% endif %}.\n"
            'List {{ n }} very different values of "{{ attribute }}" for texts of this label, one per line, each in a few words, '
            "without explanation.{% if similar %} None may have to do with: {{ similar|join(', ') }}.{% endif %}"
        ),
        "related": (
            "{{ task.about }}\n"
            'A text with the label "{{ label }}" is to have this {{ attribute }}: "{{ value }}".\n'
            "Is this related to another label, so that the text could be taken for one of these: {{ similar|join(', ') }}?\n"
            "Answer 1 for yes or 0 for no, with the digit alone."
        ),
        "text": (
            "{{ task.about }}\n"
            'Write one text with the label "{{ label }}"{% if definition %} ({{ definition }}){% endif %}.\n'
            "{% if demonstrations %}\nOther texts with this label:\n"
            "{% for shown in demonstrations %}\n- {{ shown.text }}\n{% endfor %}\n{% endif %}\n"
            "Requirements:\n"
            "{% for requirement in requirements %}\n{{ loop.index }}. {{ requirement }}\n{% endfor %}\n"
            "Reply with the text alone."
        ),
    }

    attributes: dict[str, list[Any]] | Literal["ask"] = Field(
        "ask",
        description="Attribute to its values, for all labels; 'ask' lets the model propose.",
        json_schema_extra={"from": "paper, section 3.1"},
    )
    label_attributes: dict[str, int | dict[str, list[Any]] | None] = Field(
        default={},
        description="Attribute with values of its own for each label: how many to ask for, or the values by label.",
        json_schema_extra={"from": "paper, section 3.1"},
    )
    asked_attributes: int = Field(4, ge=1, description="How many attributes 'ask' takes; in the paper a person picks 3 to 6.")
    values_per_label: int = Field(
        10, ge=1, description="Values asked for where no number is given.", json_schema_extra={"from": "repo, n of subtopics"}
    )
    similar_labels: int = Field(5, ge=0, description="Labels that a text must not fit.", json_schema_extra={"from": "repo"})
    length: list[int] = Field(
        default=[30, 80],
        description="Values of the attribute length: from v to v + 50 words; empty: none.",
        json_schema_extra={"from": "repo"},
    )
    length_span: int = Field(
        50, ge=0, description="Words by which a text may be longer than its length.", json_schema_extra={"from": "repo"}
    )
    max_reject: int = Field(
        5, ge=0, description="Times that an answer other than 0 or 1 is asked for again.", json_schema_extra={"from": "repo"}
    )
    per_label: int = Field(
        500, ge=1, description="Rows of each label where 'rows' is not given.", json_schema_extra={"from": "repo, n_sample"}
    )
    attempts: int | None = Field(
        None, ge=1, description="Texts tried per label; default: 200 (repo) or 4 per row wanted, whichever is more."
    )
    demonstrations: int = Field(
        0, ge=0, description="Support texts of the label shown in each prompt.", json_schema_extra={"from": "paper: none"}
    )
    prefill: dict[str, list[str]] = Field(
        default={}, description="Label to openings, templates over the attributes; the text is the opening and its continuation."
    )
    temperature: float = Field(1.0, ge=0, json_schema_extra={"from": "paper"})
    top_p: float = Field(1.0, gt=0, le=1, json_schema_extra={"from": "paper"})
    max_tokens: int = Field(2048, ge=1, json_schema_extra={"from": "repo"})
    reasks: int = Field(1, ge=0, description="Times that an unusable reply is asked for again before the attempt counts as failed.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        support = list(run.data("support")) if run.has("support") else []
        labels = run.task.labels or {str(row["label"]): "" for row in support}
        if not labels:
            raise RequestError("attrprompt needs task.labels, or labelled examples: --data support=FILE.", code="task.labels")
        similar = await self.find_similar(run, labels)
        attributes = await self.find_attributes(run, labels, similar)
        run.artifact("attributes", attributes.lists())
        quotas = split(self.rows or self.per_label * len(labels), labels)
        attempts = {label: self.attempts or max(200, 4 * quota) for label, quota in quotas.items()}
        write = partial(self.write, run, labels, similar, attributes, support)
        fits: list[int] = [0, 0]
        async for record in fill(run, quotas, write, attempts=attempts, same=lambda record: record.columns):
            fit = record.meta["scores"].get("length_fits")
            fits = [fits[0] + 1, fits[1] + int(fit)] if fit is not None else fits
            yield record
        if fits[0]:
            run.note(f"length: {fits[1] / fits[0]:.0%} of {fits[0]} texts are as long as asked; none was dropped for its length.")

    # what is found once, before any text

    async def find_similar(self, run: Run, labels: Mapping[str, str]) -> dict[str, list[str]]:
        """For each label up to `similar_labels` others that it is easily mixed up with; never itself, never a name not in the list."""
        if len(labels) - 1 <= self.similar_labels or not self.similar_labels:
            return {label: [other for other in labels if other != label and self.similar_labels] for label in labels}

        async def similar(label: str) -> list[str]:
            others = [other for other in labels if other != label]
            lines = await self._list(run, "similar", label=label, known=labels, n=self.similar_labels)
            named = [parsers.match_label(line, others) for line in lines]
            return list(dict.fromkeys(name for name in named if name))[: self.similar_labels]

        found = await run.map(similar, list(labels), label="similar", on_failure="raise")
        return dict(zip(labels, found, strict=True))

    async def find_attributes(self, run: Run, labels: Mapping[str, str], similar: Mapping[str, list[str]]) -> Attributes:
        """The lists that every text draws from; asked for once, never per text."""
        shared = await self._asked_shared(run, labels) if self.attributes == "ask" else dict(self.attributes)
        if self.length:
            shared.setdefault(LENGTH, list(self.length))
        own: dict[str, dict[str, list[Any]]] = {}
        for name, given in self.label_attributes.items():
            if isinstance(given, dict):
                own[name] = dict(given)
            else:
                own[name] = await self._asked_own(run, name, given or self.values_per_label, labels, similar)
        if self.prefill:
            own[OPENING] = dict(self.prefill)
        return Attributes(shared, own).check(labels)

    async def _asked_shared(self, run: Run, labels: Mapping[str, str]) -> dict[str, list[Any]]:
        names = await self._list(run, "attributes", known=labels, n=self.asked_attributes)
        names = [name.lower() for name in names if name.lower() != LENGTH][: self.asked_attributes]

        async def values(name: str) -> list[str]:
            return (await self._list(run, "values", attribute=name, known=labels, n=self.values_per_label))[: self.values_per_label]

        found = await run.map(values, names, label="values", on_failure="raise")
        return dict(zip(names, found, strict=True))

    async def _asked_own(
        self, run: Run, name: str, n: int, labels: Mapping[str, str], similar: Mapping[str, list[str]]
    ) -> dict[str, list[Any]]:
        told = {label: described(others, labels) for label, others in similar.items()}

        async def values(label: str) -> list[str]:
            conditions = {"attribute": words(name), "label": label, "definition": labels[label], "similar": told[label], "n": n}
            found = (await self._list(run, "label_values", **conditions))[:n]
            return await self._unrelated(run, name, label, found, told[label])

        lists = await run.map(values, list(labels), label=f"values of {name}", on_failure="raise")
        return dict(zip(labels, lists, strict=True))

    async def _unrelated(self, run: Run, name: str, label: str, values: list[str], similar: list[str]) -> list[str]:
        """The filter: without the values that are related to a similar label; one without a clear answer is kept."""
        if not similar:
            return values

        async def related(value: str) -> str:
            conditions = {"attribute": words(name), "value": value, "label": label, "similar": similar}
            prompt = build(self.prompts["related"], task=run.task, conditions=conditions)
            # T 0.7 and top_p 0.95 as in filter.py of the repository
            return str((await run.ask(prompt, parse=_digit, reasks=self.max_reject, temperature=0.7, top_p=0.95)).value)

        answers = await run.map(related, values, label="related", on_failure="keep")
        kept = [value for value, answer in zip(values, answers, strict=True) if answer != "1"]
        if not kept:
            run.note(f"every value of '{name}' for label '{label}' is related to another label; all are used.")
        return kept or values

    async def _list(self, run: Run, name: str, **conditions: Any) -> list[str]:
        prompt = build(self.prompts[name], task=run.task, conditions=conditions, parse=parsers.lines())
        reply = await run.ask(prompt, reasks=2, temperature=self.temperature, top_p=self.top_p)
        return list(reply.value)

    # one text

    async def write(
        self,
        run: Run,
        labels: Mapping[str, str],
        similar: Mapping[str, list[str]],
        attributes: Attributes,
        support: list[Record],
        slot: Record,
    ) -> Record:
        """A text to freshly drawn attributes, recorded with it as values and as indices into the saved lists."""
        label = slot["label"]
        drawn = attributes.draw(label, run.rng("attributes"))
        values = {name: choice.value for name, choice in drawn.items()}
        opening = Template(values.pop(OPENING)).render(**values, label=label).rstrip() if OPENING in values else ""
        given = bool(opening) and run.models("generator")[0].can.prefill
        shown = random_k(self.demonstrations)([row for row in support if row["label"] == label], run.rng("demonstrations"))
        prompt = build(
            self.prompts["text"],
            task=run.task,
            conditions={
                **values,
                "label": label,
                "definition": labels[label],
                "similar": similar[label],
                "requirements": self._requirements(label, similar[label], values, "" if given else opening),
            },
            demonstrations=shown,
            prefill=opening if given else "",
            stop=("\n",) if given else (),
            parse=partial(_continued, opening) if given else parsers.text(),
        )
        reply = await run.ask(prompt, reasks=self.reasks, temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens)
        return Record(text=reply.value, label=label, meta=self._lineage(drawn, reply.value, shown))

    def _requirements(self, label: str, similar: list[str], values: Mapping[str, Any], opening: str) -> list[str]:
        """The numbered list: every attribute, then the label and what it must not be."""
        asked = [self._length(value) if name == LENGTH else f"{words(name)}: {value}" for name, value in values.items()]
        if opening:
            asked.append(f'It begins with exactly these words: "{opening}"')
        unlike = f", and has nothing to do with: {', '.join(similar)}" if similar else ""
        return [*asked, f'It clearly belongs to "{label}"{unlike}.']

    def _length(self, value: Any) -> str:
        return f"length: from {value} to {value + self.length_span} words" if isinstance(value, int) else f"length: {value}"

    def _lineage(self, drawn: Mapping[str, Choice], text: str, shown: list[Record]) -> dict[str, Any]:
        length = drawn[LENGTH].value if LENGTH in drawn else None
        fits = length <= len(text.split()) <= length + self.length_span if isinstance(length, int) else None
        return {
            "conditions": {name: asdict(choice) for name, choice in drawn.items()},
            "seed_ids": [row.id for row in shown],
            "scores": {} if fits is None else {"length_fits": float(fits)},
        }


def words(name: str) -> str:
    """The name of an attribute as prompts write it."""
    return name.replace("_", " ")


def described(names: list[str], labels: Mapping[str, str]) -> list[str]:
    """Labels as the prompts name them: with their definitions, where they have any."""
    return [f"{name} ({labels[name]})" if labels[name] else name for name in names]


def _digit(reply: Reply) -> str:
    answer = reply.text.strip().rstrip(".")
    if answer not in ("0", "1"):
        raise Failure("not_a_digit", "The answer must be the digit 0 or the digit 1.")
    return answer


def _continued(opening: str, reply: Reply) -> str:
    """The opening and what the model added, up to the last finished sentence."""
    if marker := refusal(reply.text):
        raise Failure("refused", f"The reply is a refusal ({marker}).")
    text = parsers.finished(" ".join((opening + reply.text).split()))
    if len(text) <= len(opening):
        raise Failure("unfinished", "No sentence was finished after the opening.")
    return text

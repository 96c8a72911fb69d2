"""Who labels a row: people, the column that came with it, or a model. What the methods that choose rows for labels share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from tilth.errors import Failure, RequestError
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.people import Answer
    from tilth.engine.run import Run

Who = Literal["people", "given", "model"]
"""people: they are asked, and the run waits. given: the row's own column ``gold`` or ``label``, as if a person had answered;
experiments and labels that are bought elsewhere. model: the run's generator."""

OF_A_LABEL = ("label", "gold", "label_probs", "label_source")
"""Columns that speak of the label that a row brings; they do not stay beside another one."""

CANNOT_TELL = "(cannot tell)"
"""The answer of a person who finds no label right; the row is rejected by that name and counts as not labelled."""

QUESTION = "Which label is right for this text?"

SHOWN = (
    "{% if task.about %}{{ task.about }}\n\n{% endif %}"
    "{% if task.codebook %}Rules:\n{{ task.codebook }}\n\n{% endif %}"
    "Labels:\n"
    "{% for name, definition in labels.items() %}\n"
    "- {{ name }}{{ ': ' ~ definition if definition else '' }}\n"
    "{% endfor %}\n"
    "{% for one in demonstrations %}\n\n<text>{{ one.text }}</text>\nLabel: {{ one.label }}\n{% endfor %}\n\n"
    "<text>{{ text }}</text>\n\n"
)
"""What a model that labels sees: the task, its labels, demonstrations and the text; an instruction follows."""

ASK = SHOWN + QUESTION + " Reply with exactly one label and nothing else."
"""The prompt of a model that labels."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows to choose from, with what they bring as their label kept apart: nothing but `label_of` reads it."""

    rows: list[Record]
    given: Mapping[str, str]

    @property
    def texts(self) -> list[str]:
        """The texts, in the order of the rows."""
        return [row["text"] for row in self.rows]

    @property
    def ids(self) -> list[str]:
        """The ids, in the order of the rows."""
        return [str(row.id) for row in self.rows]


def pool(run: Run, limit: int | None = None, *, name: str = "unlabelled", by_id: bool = True) -> Pool:
    """The first `limit` rows of an input; those whose text is none are rejected as ``no_text``.

    by_id: rows are sorted by their ids, so that another order of the file chooses the same ones; else they stay as they came.

    Raises
    ------
    RequestError: fewer than two labels in the task.
    """
    if len(run.task.labels) < 2:
        raise RequestError("task.labels: at least two labels wanted, each with a definition.", code="task.labels")
    rows: list[Record] = []
    given: dict[str, str] = {}
    for row in islice(run.data(name), limit):
        gold = row.get("gold", row.get("label"))
        plain = Record({key: value for key, value in row.items() if key not in OF_A_LABEL}, meta={"origin": None, **row.meta})
        text = row.get("text")
        if not isinstance(text, str) or not text.strip():
            run.reject(plain.derive(plain.columns), "no_text", detail="The column 'text' holds no text.")
            continue
        rows.append(plain)
        if gold not in (None, ""):
            given[str(row.id)] = str(gold)
    return Pool(sorted(rows, key=lambda row: str(row.id)) if by_id else rows, given)


async def label_of(
    run: Run, row: Record, who: Who, given: Mapping[str, str], *, prompt: str = ASK, answers: int = 1
) -> tuple[str, Mapping[str, Any]]:
    """The label of one row, and what goes into its meta: who it was.

    People see the text, the labels and nothing that a model said of it. With more than one of the `answers` the same question waits
    so often, each for another person, and the label is what most of them said.

    Raises
    ------
    Failure: `cannot_tell`, `people_disagree` (no label has the most answers), `no_given_label`, `not_a_label`; or the model's reply names
        no label.
    """
    labels = run.task.labels
    if who == "model":
        asked = build(prompt, task=run.task, conditions={"text": row["text"]}, parse=parsers.label(labels))
        reply = await run.ask(asked, temperature=0.0)
        return str(reply.value), {"labelled_by": run.models()[0].identity}
    if who == "given":
        label = given.get(str(row.id))
        if label is None:
            raise Failure("no_given_label", "The row brings no label in a column 'gold' or 'label'.")
        if label not in labels:
            raise Failure("not_a_label", f"'{label}' is none of: {', '.join(labels)}.")
        return label, {}
    about = Record(id=row.id, text=row["text"])

    async def one(number: int) -> Answer:
        return await run.ask_person(question(run), options=[*labels, CANNOT_TELL], about=about)

    if answers == 1:
        answer = await one(0)
        return _majority([answer]), {"person": answer.by} if answer.by else {}
    said = await run.map(one, range(answers), label="person")
    return _majority(said), {"answers": [{"by": answer.by, "label": str(answer.value)} for answer in said]}


def _majority(said: Sequence[Answer]) -> str:
    """The label that most people gave; those who could not tell do not count."""
    counts = Counter(str(one.value) for one in said if one.value != CANNOT_TELL).most_common(2)
    if not counts:
        raise Failure("cannot_tell", f"Nobody could tell ({', '.join(one.by or 'unnamed' for one in said)}).")
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        raise Failure("people_disagree", f"As many said {counts[0][0]} as {counts[1][0]}.")
    return counts[0][0]


def question(run: Run) -> str:
    """What people read above the text: the question, the rules and what each label means."""
    defined = [f"{name}: {definition}" for name, definition in run.task.labels.items() if definition]
    return "\n".join(part for part in (QUESTION, run.task.codebook.strip(), *defined) if part)


def labelled(row: Record, label: str, who: Who, about: Mapping[str, Any], *, columns: Mapping[str, Any], **meta: Any) -> Record:
    """The row with its label, and ``label_source``: human or llm. Columns of the row that have the name of one of these give way."""
    ours = {"text": row["text"], "label": label, "label_source": "llm" if who == "model" else "human", **columns}
    return Record({**ours, **{name: value for name, value in row.items() if name not in ours}}, meta={**row.meta, **about, **meta})

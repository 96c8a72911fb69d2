"""Tasks in their versions, as AgentInstruct carries them from flow to flow, and the record of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from random import Random
from typing import Any, NamedTuple

from tilth.methods.instructions._course import Course
from tilth.methods.instructions._functions import apis
from tilth.methods.instructions._skills import copies
from tilth.records.record import Record


class Drawn(NamedTuple):
    """A seed that goes through a skill, and how many records are wanted of it."""

    seed: Record
    course: Course
    wanted: int


class Source(NamedTuple):
    """What came out of flow 1."""

    seed: Record
    course: Course
    transform: str
    text: str


class Item(NamedTuple):
    """A task with its text, in one version, and its record."""

    of: Source
    text: str
    task: str
    record: Record


def version(of: Source, system: str = "", text: str = "", task: str = "", type_: str = "", **conditions: str) -> Record:
    """A version as a record that is not answered yet. system: its system message, if there is one."""
    context = of.course.skill.context
    parts = {"before": (text, task), "after": (task, text)}.get(context, (task,))
    said = [{"role": "system", "content": system}] if system else []
    said.append({"role": "user", "content": "\n\n".join(filter(None, parts))})
    tools = [api.function() for api in apis(text).values()] if context == "tools" and text else []
    about = {"skill": of.course.name, "transform": of.transform, "type": type_, **conditions}
    origin = "mixed" if same(text, text_of(of.seed)) else "model"
    meta = {"seed_ids": [str(of.seed.id)], "round": 0, "origin": origin, "conditions": about}
    return Record(messages=said, tools=tools, text=text, skill=of.course.name, type=type_, meta=meta)


def gives_away(item: Item, span: int) -> bool:
    """Whether a user message that has to stand without seed or text copies `span` words of them."""
    skill = item.of.course.skill
    if not skill.hides_seed or skill.context not in ("tools", "none"):
        return False
    return any(copies(item.task, text, span) for text in (text_of(item.of.seed), item.text))


def some(rng: Random, names: Sequence[str], n: int, *, again: bool = False) -> list[str]:
    """`n` of the names in an order of chance; more than there are only with `again`. Fewer are a beginning of more."""
    shuffled = rng.sample(names, len(names))
    return list(islice(cycle(shuffled), n)) if again else shuffled[:n]


def kind(of: Source, type_: str) -> dict[str, Any]:
    """What prompts say of a type."""
    return {"type": type_, "definition": of.course.skill.types[type_]}


def text_of(seed: Record) -> str:
    """A seed's text, empty where it has none."""
    return str(seed["text"] or "").strip()


def user_of(record: Record) -> Any:
    """What the user says in a record."""
    return next(one["content"] for one in record["messages"] if one["role"] == "user")


def same(one: str, other: str) -> bool:
    """Whether two texts are the same but for case and spaces."""
    return one.casefold().split() == other.casefold().split()


def first(job: tuple[Any, ...]) -> Any:
    """What a job is about: its key."""
    return job[0]

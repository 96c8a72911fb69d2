"""Skills of AgentInstruct as data: which agents transform a text, what is asked about it, and how tasks are refined.

The three that the paper shows in full are tables in assets/skills; a user adds others, or replaces parts of these.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tilth.text.ngrams import words

SHIPPED = ("reading_comprehension", "text_modification", "tool_use")
IDENTITY: Mapping[str, str] = {"identity": ""}


class Goal(BaseModel):
    """One way to refine a task. text: the edit changes the text that the task is about; otherwise the task alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: str = Field(description="What the suggester is asked for, and the editor carries out.")
    text: bool = Field(False, description="Whether the edit changes the text too.")


class Skill(BaseModel):
    """What is to be learned, and the agents that write data for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str = Field("", description="What is to be learned; agents are told.")
    text: str = Field("text", description="What the agents call the transformed text.")
    context: Literal["before", "after", "tools", "none"] = Field(
        "before", description="Where the text stands in the user's message: before or after the task, nowhere, or as functions to call."
    )
    hides_seed: bool = Field(True, description="Whether transformed texts and messages must not copy the seed.")
    sees_answer: bool = Field(False, description="Whether the suggester also reads the answer or conversation.")
    types_per_text: int = Field(1, ge=1, description="Types drawn for a text, unless `types` says otherwise.")
    transforms: dict[str, str] = Field(dict(IDENTITY), min_length=1, description="Agent to what it writes; empty: the seed as it is.")
    types: dict[str, str] = Field({}, description="Type of task to its definition, as its agent is told.")
    types_of: dict[str, list[str]] = Field({}, description="Transformation to the types that suit it; a missing one: all.")
    goals: dict[str, Goal] = Field({}, description="Goals of refinement; none: tasks are not refined.")


def skill_of(name: str, own: Mapping[str, Skill]) -> Skill:
    """A skill by name: the user's, whose unset parts are those of the shipped one of that name. KeyError where there is none."""
    mine = own.get(name)
    if name not in SHIPPED:
        return own[name]
    if mine is None:
        return shipped(name)
    changed = {field: getattr(mine, field) for field in mine.model_fields_set}
    if changed.keys() & {"types", "transforms"}:  # the shipped table speaks of the shipped ones
        changed.setdefault("types_of", {})
    return shipped(name).model_copy(update=changed)


@lru_cache(maxsize=len(SHIPPED))
def shipped(name: str) -> Skill:
    """A skill of assets/skills."""
    text = resources.files("tilth").joinpath("assets", "skills", f"{name}.toml").read_text("utf-8")
    return Skill.model_validate(tomllib.loads(text))


def copies(text: str, source: str, span: int) -> bool:
    """Whether `text` holds `span` words of `source` in a row, or all of a shorter source.

    >>> copies("He said: the cat sat on the mat today.", "A cat sat on the mat.", 4), copies("The mat.", "A cat sat on the mat.", 4)
    (True, False)
    """
    left, right = words(text), words(source)
    span = min(span, len(right))
    runs = {tuple(right[at : at + span]) for at in range(len(right) - span + 1)}
    return bool(span) and any(tuple(left[at : at + span]) in runs for at in range(len(left) - span + 1))

"""Parts of STaR: how a question and its hint are shown, how a reply is cut, and what fine-tunes the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tilth.models.roles import RoleModel
from tilth.verify.math import gold_answer

MARK = "####"
"""Stands before the answer, as in GSM8K's solutions."""


class Trainer(Protocol):
    """Fine-tunes the base model. Python only: ``Star(trainer=...)``.

    name: part of the journal's key for a training, so that a trainer with other settings trains anew.
    """

    name: str

    def fit(self, base: str, rows: list[dict[str, str]], steps: int) -> str:
        """Train the base model (its name) on rows of `prompt` and `completion` for so many steps; where the checkpoint is.

        Deterministic, and kept: it is not called again when the run is executed again.
        """
        ...

    def load(self, checkpoint: str) -> RoleModel:
        """The model of a checkpoint."""
        ...


@dataclass(frozen=True, slots=True)
class Solved:
    """A reply: its rationale, and its answer (None where it states none)."""

    rationale: str
    answer: str | None


def read(text: str) -> Solved:
    """The rationale before the first mark, the answer in the rest of its line; what follows that line is cut.

    >>> read("3 + 4 = 7\\n#### 7\\nQ: Another one?")
    Solved(rationale='3 + 4 = 7', answer='7')
    """
    rationale, mark, rest = text.partition(MARK)
    line = rest.lstrip(" :").split("\n")[0].strip()
    answer = line.rstrip(".").strip("() ") if mark else ""
    return Solved(rationale.strip(), answer or None)


def shown(row: Mapping[str, Any], *, hint: bool) -> str:
    """The question with its choices; with a hint the right answer is marked: the choice, or in brackets after the question."""
    question, gold, choices = str(row["question"]).strip(), gold_answer(row["answer"]), choices_of(row)
    if not choices:
        return f"{question} ({gold})" if hint else question
    lines = [f"({key}) {text}{' (CORRECT)' if hint and key.casefold() == gold.casefold() else ''}" for key, text in choices.items()]
    return "\n".join([question, "Answer Choices:", *lines])


def choices_of(row: Mapping[str, Any]) -> Mapping[str, str]:
    """Letter to text; a list of texts gets the letters A, B, C ..."""
    choices = row.get("choices") or {}
    if isinstance(choices, Mapping):
        return {str(key): str(text) for key, text in choices.items() if text is not None}
    return {chr(ord("A") + number): str(text) for number, text in enumerate(choices)}


def chosen(solved: Solved, choices: Mapping[str, str]) -> Solved:
    """The answer as the letter of a choice, where it is that choice's text, alone or behind its letter.

    >>> chosen(Solved("It is near.", "B) The wood"), {"A": "the lake", "B": "the wood"})
    Solved(rationale='It is near.', answer='B')
    """
    said = _plain(solved.answer or "")
    if not said or said in {_plain(key) for key in choices}:
        return solved
    named = [key for key, text in choices.items() if said in {_plain(mark + text) for mark in ("", f"{key}) ", f"{key}. ", f"{key}: ")}]
    return Solved(solved.rationale, named[0]) if len(named) == 1 else solved


def _plain(text: str) -> str:
    return text.strip("() .").casefold()


def demonstrations_of(rows: Sequence[Mapping[str, Any]], *, hint: bool) -> list[dict[str, str]]:
    """The same examples, with the hint or without it."""
    return [
        {"question": shown(row, hint=hint), "rationale": str(row["rationale"]).strip(), "answer": gold_answer(row["answer"])}
        for row in rows
    ]

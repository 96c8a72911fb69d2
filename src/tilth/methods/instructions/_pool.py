"""The growing pool of Self-Instruct: tasks by people and by the model, and the most similar of all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from tilth.records.record import Record
from tilth.text.rouge import Pool


class TaskPool:
    """Belongs to the loop that admits tasks: nothing else may write to it."""

    def __init__(self, human: Sequence[Record]) -> None:
        self.human = list(human)
        self.machine: list[Record] = []
        self.last_request = -1
        """Number of the last request that gave a new task; -1 before there is one."""
        self._index = Pool(str(row["instruction"]) for row in self.human)

    def add(self, task: Record) -> None:
        """Accept a task, with the number of its request in its meta."""
        self.machine.append(task)
        self.last_request = task.meta["request"]
        self._index.add(task["instruction"])

    def task(self, number: int) -> Record | None:
        """The model's task of this number, if there is one."""
        return self.machine[number] if number < len(self.machine) else None

    def most_similar(self, text: str) -> tuple[Record | None, float]:
        """The task with the highest ROUGE-L F1 of both kinds, and that score; (None, 0.0) where none shares a word."""
        found = self._index.most_similar(text)
        if found is None:
            return None, 0.0
        machine = found.number - len(self.human)
        return (self.human[found.number] if machine < 0 else self.machine[machine]), found.score


def unsuitable(task: str, words: Iterable[str]) -> str | None:
    """The first of `words` in the task: whole words, in any case.

    >>> unsuitable("Describe the Graph.", ["graph"]), unsuitable("Describe the photograph.", ["graph"])
    ('Graph', None)
    """
    pattern = _pattern(tuple(words))
    found = pattern.search(task) if pattern else None
    return found.group() if found else None


@lru_cache(maxsize=8)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE) if words else None

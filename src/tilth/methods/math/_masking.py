"""Backward questions: one number of a question becomes an unknown. And how a question is cut into its givens and what it asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tilth.text.lexicon import NUMERALS

_NUMERIC = re.compile(r"(?P<before>[\"'(]?\$?)(?P<number>-?\d[\d,]*(?:\.\d+)?(?:/\d+)?|-?\.\d+)(?P<after>%?[.,;!?\"')]*)")
_WORD = re.compile(r"(?P<before>[\"'(]?)(?P<number>[A-Za-z]+)(?P<after>[.,;!?\"')]*)")
_WORDS = {word: number for word, number in NUMERALS.items() if word != "zero"} | {"half": "50%"}
"""Words that count as numbers, as in the authors' code: one to twelve and the like, and half."""
_PRONOUN = re.compile(r"\b(?:each|every|any|no|this|that|which|the|another|some|last)\s*$", re.IGNORECASE)
"""Before "one": it is no number there."""
_SPACES = re.compile(r"(\s+)")
UNKNOWNS = ("x", "z", "w", "u")
"""Names of the unknown; the first that the question does not use itself."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A question with one number unknown.

    text: the question. unknown: the letter that stands there. written: what stood there. target: the same as a number, "half" as 50%.
    start: where the letter stands, in characters.
    """

    text: str
    unknown: str
    written: str
    target: str
    start: int

    def restored(self) -> str:
        """The original question."""
        return self.text[: self.start] + self.written + self.text[self.start + len(self.unknown) :]


def masked(question: str) -> Iterator[Masked]:
    """One variant for each number of the question, in its order; none where no letter is free.

    >>> [one.text for one in masked("Ann has 5 cats and $1,000.")]
    ['Ann has x cats and $1,000.', 'Ann has 5 cats and $x.']
    """
    unknown = free_letter(question)
    if unknown is None:
        return
    at = 0
    for token in _SPACES.split(question):
        found = _number(token)
        if found and not (found["number"].lower() == "one" and _PRONOUN.search(question[:at][-10:])):
            start = at + found.end("before")
            written = found["number"]
            text = question[:start] + unknown + question[start + len(written) :]
            yield Masked(text, unknown, written, _target(written), start)
        at += len(token)


def free_letter(question: str) -> str | None:
    """A letter for the unknown that is no variable of the question, also not beside a number as in 13x."""
    for letter in UNKNOWNS:
        if not re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", question, re.IGNORECASE):
            return letter
    return None


def _number(token: str) -> re.Match[str] | None:
    """A numeric token: digits without letters, brackets or marks of a formula, or a word of the list."""
    if found := _NUMERIC.fullmatch(token):
        return found
    found = _WORD.fullmatch(token)
    return found if found and found["number"].lower() in _WORDS else None


def _target(written: str) -> str:
    return _WORDS.get(written.lower(), written.replace(",", ""))


def split_last(question: str) -> tuple[str, str]:
    """(givens with their mark, what is asked): cut at the last full stop or comma; no givens where there is none.

    >>> split_last("Ann has 3.5 l. Bob has 2. How much have they?")
    ('Ann has 3.5 l. Bob has 2.', 'How much have they?')
    """
    cuts = [found.end() for found in re.finditer(r"[.,](?=\s)", question.strip())]
    text = question.strip()
    return (text[: cuts[-1]], text[cuts[-1] :].strip()) if cuts else ("", text)

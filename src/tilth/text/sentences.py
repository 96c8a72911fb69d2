"""Sentences, and chunks of whole sentences. Joined again they are the text, to the last space."""

from __future__ import annotations

import re
from collections.abc import Iterator

TOKEN = re.compile(r"\w+|[^\w\s]")
"""A word or a mark."""
_END = re.compile(r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’»)\]]))\s+(?=[\"'“‘«(\[]?[^\Wa-z_])|(?<=[。！？])|\n\s*\n")
_SHORT = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|No|Fig|Eq|Sec|approx|e\.g|i\.e|cf|al)|\b[A-Z])\.\s*$")


def tokens(text: str) -> int:
    """Words and marks; a model's own tokens are about 1.3 times as many in English."""
    return len(TOKEN.findall(text))


def sentences(text: str) -> list[str]:
    """The sentences, each with the white space behind it; an initial or a common abbreviation ends none.

    >>> sentences("Dr. Who came. He left!  Then?")
    ['Dr. Who came. ', 'He left!  ', 'Then?']
    """
    out: list[str] = []
    start = 0
    for found in _END.finditer(text):
        if found.end() > start and not ("\n\n" not in found.group() and abbreviated(text[start : found.start()])):
            out.append(text[start : found.end()])
            start = found.end()
    return [*out, text[start:]] if start < len(text) else out


def abbreviated(text: str) -> bool:
    """Whether the full stop at the end of a text belongs to an initial or a common abbreviation.

    >>> abbreviated("I saw Dr."), abbreviated("I saw it.")
    (True, False)
    """
    return _SHORT.search(text) is not None


def chunks(text: str, most: int) -> Iterator[str]:
    """Consecutive sentences packed up to `most` tokens; a longer sentence is a chunk of its own, and is not cut."""
    held, size = "", 0
    for sentence in sentences(text):
        n = tokens(sentence)
        if held and size + n > most:
            yield held
            held, size = "", 0
        held, size = held + sentence, size + n
    if held:
        yield held

"""What Evol-Instruct asks for, operation by operation, and the rules that eliminate an evolution."""

from __future__ import annotations

import re
import string
from typing import NamedTuple

from tilth.text.ngrams import words


class Operation(NamedTuple):
    """depth: a harder version of the same prompt; otherwise a new one of its kind."""

    depth: bool
    how: str = ""


OPERATIONS: dict[str, Operation] = {
    "constraints": Operation(True, "Add one more constraint or requirement."),
    "deepening": Operation(True, "If it asks about some matter, ask about it more deeply and more broadly."),
    "concretizing": Operation(True, "Put more specific concepts in the place of general ones."),
    "reasoning": Operation(True, "If a few simple steps of thought would solve it, demand explicitly that several steps are reasoned out."),
    "complicating_input": Operation(True, "Add input data to it, written as {format}, so that the data is needed for the answer."),
    "breadth": Operation(False),
}
"""The six operations of the paper: five go into depth, one into breadth."""

FRAME = ("given prompt", "rewritten prompt", "created prompt")
"""Labels of the evolving prompts; an evolution that has one of them copied its frame."""


class Shown(NamedTuple):
    """A demonstration of the operation complicating_input."""

    format: str
    given: str
    rewritten: str


COMPLICATED = (
    Shown(
        "XML",
        "How do I find the cheapest product of a catalogue?",
        "How do I find the cheapest product of this catalogue with XPath, leaving out what is sold out?\n"
        '<catalogue><product sold_out="no"><name>Lamp</name><price>19</price></product>'
        '<product sold_out="yes"><name>Mug</name><price>4</price></product></catalogue>',
    ),
    Shown(
        "SQL",
        "Which customers have not ordered for a long time?",
        "Which customers have not ordered for a year? Correct my query, which lists all of them:\n"
        "SELECT c.name FROM customers c LEFT JOIN orders o ON o.customer = c.id AND o.day > '2023-01-01';",
    ),
    Shown(
        "Python code",
        "Why is my average wrong?",
        "Why is this average 0.0 for [1, None, 3], and what would you change?\n"
        "def average(values):\n    total = 0\n    for v in values:\n        if v is None:\n            return 0.0\n        total += v\n"
        "    return total / len(values)",
    ),
    Shown(
        "HTML",
        "How do I centre a picture on a page?",
        "How do I centre the picture on this page without a change to its paragraph?\n"
        '<body><p style="float: left">Opening hours</p><img src="door.png" width="200"></body>',
    ),
    Shown(
        "a shell session",
        "How do I free some space on my disk?",
        "What may I delete to free 5 GB, given this output?\n"
        "$ du -sh /var/log /var/cache /home/ann\n6.1G\t/var/log\n1.2G\t/var/cache\n48G\t/home/ann",
    ),
    Shown(
        "JSON",
        "What should I cook tonight?",
        "What should I cook tonight from exactly what is left here, for two people who eat no meat?\n"
        '{"fridge": {"eggs": 3, "spinach_g": 200, "ham_g": 150}, "shelf": ["rice", "chickpeas"]}',
    ),
)
"""One for each format of the paper, which alone among the operations needs demonstrations."""

_WORDS = (
    "a about above after again against all am an and any are as at be because been before being below between both but by can could did "
    "do does doing down during each few for from further had has have having he her here hers him his how i if in into is it its itself "
    "just me more most my nor now of off on once only or other our ours out over own same she should so some such than that the their "
    "theirs them then there these they this those through to too under until up very was we were what when where which while who whom "
    "why will with would you your yours"
)
_STOP_WORDS = frozenset(_WORDS.split())
"""The paper names no list. "No" and "not" are left out of this one: they answer questions."""
_BLOCK = re.compile(r"```.*?```|(?:^[ \t]*\|.*\|[ \t]*$\n?){2,}", re.DOTALL | re.MULTILINE)


def copies_frame(instruction: str) -> bool:
    """Rule d: whether it has a label of the evolving prompt in it, in any case."""
    lowered = " ".join(instruction.lower().split())
    return any(label in lowered for label in FRAME)


def sorry(answer: str, *, below: int) -> bool:
    """Rule b: whether the answer has "sorry" in it and fewer than `below` words."""
    return "sorry" in answer.lower() and len(answer.split()) < below


def says_nothing(answer: str) -> bool:
    """Rule c: whether it consists of punctuation and stop words alone.

    >>> says_nothing("Of the and, so..."), says_nothing("42"), says_nothing("...")
    (True, False, True)
    """
    return all(word in _STOP_WORDS or not word.strip(string.punctuation) for word in words(answer))


def same(one: str, other: str) -> bool:
    """Whether two instructions are the same but for case and spaces."""
    return one.casefold().split() == other.casefold().split()


def lost_block(parent: str, child: str) -> bool:
    """Whether a fenced block or a table of the parent is not in the child, letter by letter."""
    return any(block.group().strip() not in child for block in _BLOCK.finditer(parent))

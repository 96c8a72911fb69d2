"""From Self-Instruct's replies to tasks and instances, and the rules that drop some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_NUMBERED = re.compile(r"^[ \t]{0,3}\d{1,3}[ \t]?\.(?:[ \t]+|(?=\n)|$)", re.MULTILINE)
# the authors' marks, and the same in bold or as headings, which is how chat models like to write them
_EXAMPLE = re.compile(r"(?:#+ |\*\*)?Example\s?\d*\.?:?(?:\*\*:?)?")
_OUTPUT = re.compile(r"(?:\*\*)?Output\s*\d*\s*(?:\*\*:|:(?:\*\*)?)")
_INPUT = re.compile(r"(?:\*\*)?Input\s*\d*\s*(?:\*\*:|:(?:\*\*)?)")
_LABEL = re.compile(r"(?:\*\*)?Class label(?:\*\*:|:(?:\*\*)?)")


class Instance(NamedTuple):
    """One input of a task (may be empty) and its output."""

    input: str
    output: str


def listed(text: str) -> list[str]:
    """The items of a numbered list, whitespace collapsed, first letter capital; what stands before the first number is left out.

    >>> listed("9. name a bird\\n10 . Sing  a song\\n\\nThat is all")
    ['Name a bird', 'Sing a song']
    """
    pieces = (" ".join(piece.strip().split("\n\n")[0].split()) for piece in _NUMBERED.split(text)[1:])
    return [piece[0].upper() + piece[1:] for piece in pieces if piece]


def input_first(text: str) -> list[Instance]:
    """Instances of "Example k" sections, or of one text with "Output:"; none where there is neither."""
    text = text.strip()
    if _EXAMPLE.search(text):
        return [_input_output(part) for part in _EXAMPLE.split(text) if part.strip()]
    return [_input_output(text)] if _OUTPUT.search(text) else []


def _input_output(text: str) -> Instance:
    """Before "Output:" the input, after it the output up to the next "Input:"; without "Output:" all is output."""
    parts = _OUTPUT.split(text)
    given, answer = (parts[0], parts[1]) if len(parts) > 1 else ("", text)
    answer = _INPUT.split(answer)[0]
    given = given.strip()
    opening = _INPUT.match(given)
    return Instance((given[opening.end() :] if opening else given).strip(), answer.strip())


def output_first(text: str) -> list[Instance]:
    """Instances of "Class label:" sections: the first line is the output, what follows the input."""
    found = []
    for part in _LABEL.split(text)[1:]:
        label, _, given = part.strip().partition("\n")
        found.append(Instance(given.strip(), label.strip()))
    return found


def dropped(instances: Sequence[Instance]) -> Iterator[tuple[Instance, str]]:
    """Every instance with the reason for which it is dropped, or "" if it stays.

    One by one: ``copies_input``, ``empty_output``, ``ends_with_colon``. Then, of those left: if two share an input that
    is not empty and differ in their output, all are ``conflict``; a repeated one is ``duplicate``.
    """
    reasons = [_alone(instance) for instance in instances]
    whole = [instance for instance, reason in zip(instances, reasons, strict=True) if not reason]
    outputs: dict[str, set[str]] = {}
    for given, answer in whole:
        outputs.setdefault(given, set()).add(answer)
    conflict = any(given and len(answers) > 1 for given, answers in outputs.items())
    seen: set[Instance] = set()
    for instance, reason in zip(instances, reasons, strict=True):
        if not reason:
            reason = "conflict" if conflict else "duplicate" if instance in seen else ""
            seen.add(instance)
        yield instance, reason


def _alone(instance: Instance) -> str:
    if instance.input == instance.output:
        return "copies_input"
    if not instance.output:
        return "empty_output"
    if instance.input.endswith(":") or instance.output.endswith(":"):
        return "ends_with_colon"
    return ""

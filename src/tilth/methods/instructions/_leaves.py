"""Leaves of a taxonomy with their seeds, and what stands between tags in a reply (LAB)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Literal, NamedTuple, TypeVar

from tilth.errors import Failure
from tilth.models.base import Reply
from tilth.prompts.refusals import refusal
from tilth.records.record import Record

Kind = Literal["freeform", "grounded", "knowledge"]
Found = TypeVar("Found")


class Seed(NamedTuple):
    """One seed example of a leaf, or one document with the examples that are shown for it."""

    leaf: str
    number: int
    kind: Kind
    task: str
    row: Record
    examples: tuple[Record, ...]

    @property
    def seed_ids(self) -> list[str]:
        """Of what prompts show."""
        return list(dict.fromkeys(str(row.id) for row in (self.row, *self.examples)))


def seeds_of(rows: Iterable[Record], examples: int) -> tuple[dict[str, list[Seed]], list[Record]]:
    """The seeds of each leaf in the order of the data, and the rows that lack what their kind needs.

    A row with a document is knowledge, one with a context grounded, any other freeform. Knowledge has one seed for each document, with
    up to `examples` of its questions and answers, else of the leaf's.
    """
    leaves: dict[str, list[Seed]] = {}
    by_leaf: dict[str, list[Record]] = {}
    incomplete: list[Record] = []
    documents: dict[tuple[str, str], list[Record]] = {}
    for row in rows:
        leaf, document = _said(row, "leaf"), _said(row, "document")
        asked = bool(_said(row, "question") and _said(row, "answer"))
        if not leaf or not (asked or document):
            incomplete.append(row)
            continue
        seeds = leaves.setdefault(leaf, [])
        if asked and document:
            by_leaf.setdefault(leaf, []).append(row)
        if document:
            documents.setdefault((leaf, document), []).append(row)
            if len(documents[leaf, document]) > 1:
                continue
        kind: Kind = "knowledge" if document else "grounded" if _said(row, "context") else "freeform"
        seeds.append(Seed(leaf, len(seeds), kind, _said(row, "task_description"), row, ()))
    for leaf, seeds in leaves.items():
        for at, seed in enumerate(seeds):
            own = [row for row in documents.get((leaf, _said(seed.row, "document")), ()) if _said(row, "question")]
            seeds[at] = seed._replace(examples=tuple((own or by_leaf.get(leaf, []))[:examples])) if seed.kind == "knowledge" else seed
        incomplete += [seed.row for seed in seeds if seed.kind == "knowledge" and not seed.examples]
        leaves[leaf] = [seed for seed in seeds if seed.kind != "knowledge" or seed.examples]
    return {leaf: seeds for leaf, seeds in leaves.items() if seeds}, incomplete


def in_turns(leaves: Mapping[str, Collection[Found]]) -> Iterator[Found]:
    """The first of every leaf, then the second of each that has one, and so on."""
    return (one for turn in zip_longest(*leaves.values()) for one in turn if one is not None)


def tagged(reply: Reply, tag: str) -> list[str]:
    """What stands between ``<tag>`` and ``</tag>``, each once; what was cut off before its end is left out.

    Raises
    ------
    Failure: there is none (``no_tags``), or the reply is a refusal.
    """
    found = [" ".join(part.split()) if tag == "question" else part.strip() for part in _between(reply.text, tag)]
    return _some(reply, list(dict.fromkeys(part for part in found if part)), tag)


def pairs(reply: Reply) -> list[tuple[str, str]]:
    """(question, answer), each answer the one that follows its question."""
    blocks = re.findall(r"<question>((?:(?!<question>).)*?)</question>\s*<answer>(.*?)</answer>", reply.text, re.DOTALL | re.IGNORECASE)
    found = {" ".join(question.split()): answer.strip() for question, answer in reversed(blocks)}
    return _some(reply, [(question, answer) for question, answer in reversed(found.items()) if question and answer], "question")


def _some(reply: Reply, found: list[Found], tag: str) -> list[Found]:
    if not found and (marker := refusal(reply.text)):
        raise Failure("refused", f"The reply is a refusal ({marker}).", raw=reply.text)
    if not found:
        raise Failure("no_tags", f"The reply must hold each {tag} between <{tag}> and </{tag}>.", raw=reply.text)
    return found


def _between(text: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL | re.IGNORECASE)


def _said(row: Mapping[str, object], column: str) -> str:
    value = row.get(column)
    return value.strip() if isinstance(value, str) else ""

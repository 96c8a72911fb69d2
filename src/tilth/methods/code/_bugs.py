"""A bug and the program it is put into: what must hold before anything is run, and what the tests said about it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tilth.errors import Failure
from tilth.methods.code._programs import changed_lines, comments, difference, docstrings, imports, signatures, tree_of

Injector = Literal["rule", "llm_located", "llm_reimpl"]
Outcomes = Mapping[str, str]
"""Test to its status; only tests that ran."""

_CRASHES = ("NameError", "UnboundLocalError", "SyntaxError", "ImportError", "ModuleNotFoundError")


@dataclass(frozen=True, slots=True)
class Source:
    """A program whose tests pass, and how many bugs it is to give."""

    id: str
    code: str
    tests: str
    wanted: int


@dataclass(frozen=True, slots=True)
class Bug:
    """A changed program. `kind`: the rule's operator, or the injector. `why`: its author's words, for the record alone."""

    code: str
    injector: Injector
    kind: str
    why: str = ""


def check(source: Source, bug: Bug, seen: set[str], max_lines: int) -> None:
    """What must hold before anything is run: one small change, and no sign of it. `seen` holds the texts tried, and gets this one.

    Raises
    ------
    Failure: ``syntax``, ``unchanged``, ``duplicate``, ``signature``, ``import``, ``comment`` or ``too_large``.
    """
    was, now = ast.parse(source.code), tree_of(bug.code)
    if now is None:
        raise Failure("syntax", "The changed program is no Python.")
    if ast.dump(was) == ast.dump(now):
        raise Failure("unchanged", "The change leaves the program as it was.")
    if bug.code in seen:
        raise Failure("duplicate", "This bug was tried before.")
    seen.add(bug.code)
    if signatures(was) != signatures(now):
        raise Failure("signature", "A signature was changed.")
    if imports(now) - imports(was):
        raise Failure("import", "Something new is imported.")
    if bug.injector == "llm_reimpl":  # a body written anew may be long, and may hold comments
        return
    if comments(bug.code) - comments(source.code) or docstrings(now) - docstrings(was):
        raise Failure("comment", "A comment was added.")
    size = len(changed_lines(difference(bug.code, source.code)))
    if size > 2 * max_lines:
        raise Failure("too_large", f"{size} changed lines.")


def outcomes(evidence: Mapping[str, Any]) -> dict[str, str]:
    """The tests that ran, with their status."""
    return {one["id"]: one["status"] for one in evidence["tests"] if one["status"] != "not_run"}


def class_of(reason: str, evidence: Mapping[str, Any]) -> str:
    """What the bug does: wrong (a test's assertion fails), error, crash (a name that is not there), timeout or oom."""
    if reason in ("timeout", "oom"):
        return reason
    told = [str(one["error"]) for one in evidence["tests"] if one.get("error")]
    if evidence["load_type"] or (told and all(error.startswith(_CRASHES) for error in told)):
        return "crash"
    return "wrong" if reason == "failed_tests" else "error"


def why(text: str) -> str:
    """What a model says about its own bug, between <why> and </why>."""
    _, found, rest = text.partition("<why>")
    return rest.partition("</why>")[0].strip() if found else ""

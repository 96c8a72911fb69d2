"""Every verifier by name, loaded when it is used: its class, and the arguments that it reads from a row.

In a flow: ``passed: {verify: math, using: {answer: output, gold: answer}}``. From Python: ``verifier_of("math", using={...})``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..errors import RequestError
from ..records.hints import did_you_mean
from .base import Verifier


@dataclass(frozen=True, slots=True)
class Entry:
    """One verifier.

    target: ``module:Class``; the class takes its parameters and ``using`` (argument to column) as keyword arguments.
    arguments: what it reads from a row, by name; a leading ``?`` makes one optional. extra: what must be installed for it.
    """

    target: str
    summary: str
    arguments: Mapping[str, str]
    extra: str = ""

    def load(self) -> type[Any]:
        """The class; imports its module and no other verifier's."""
        module, _, name = self.target.partition(":")
        found: type[Any] = getattr(import_module(module), name)
        return found


_CODE = {"code": "a Python module", "tests": "assert statements, functions test...(), or a list of them"}

VERIFIERS: Mapping[str, Entry] = {
    "python": Entry("tilth.verify.python:PythonTests", "code passes its tests, in the sandbox", _CODE),
    "mutation": Entry("tilth.verify.mutation:Mutation", "tests notice small mistakes put into the code", _CODE),
    "math": Entry(
        "tilth.verify.math.verifier:Math",
        "the final answer of a text equals the gold answer",
        {"answer": "text that holds the answer", "gold": "the right answer, or a text that holds it"},
    ),
    "sql": Entry(
        "tilth.verify.sql:Sql",
        "a query returns what the gold query returns on the database",
        {"query": "the SQL query", "gold": "the right query", "database": "SQL that builds the database, or a list of such texts"},
        extra="sql",
    ),
    "schema": Entry(
        "tilth.verify.schema:JsonSchema",
        "a text is JSON that fits a JSON Schema",
        {"text": "JSON, as text or as a value", "schema": "?the JSON Schema of this row; else the parameter 'against'"},
    ),
    "regex": Entry(
        "tilth.verify.regex:Regex",
        "a text matches a regular expression",
        {"text": "the text", "pattern": "?the expression of this row; else the parameter 'expression'"},
    ),
    "grounding": Entry(
        "tilth.verify.grounding:Grounding",
        "quotes, numbers, names and words of a text are in its source",
        {"claim": "the text to be checked", "source": "the text that it must rest on, or a list of texts"},
    ),
}
"""Name of a verifier, as flows write it, to its entry."""


def entry(name: str) -> Entry:
    """The entry called `name`.

    Raises
    ------
    RequestError: there is none; the nearest name is suggested.
    """
    if name not in VERIFIERS:
        raise RequestError(f"no verifier is called '{name}'.{did_you_mean(name, VERIFIERS)}", code="verify.unknown")
    return VERIFIERS[name]


def verifier_of(name: str, *, using: Mapping[str, str] | None = None, **parameters: Any) -> Verifier:
    """A verifier from what a flow would say.

    Raises
    ------
    RequestError: the name, an argument or a parameter is wrong, or its extra is not installed.
    """
    from pydantic import ValidationError

    try:
        made: Verifier = entry(name).load()(using=dict(using or {}), **parameters)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
        raise RequestError(f"verify {name}: {where}: {message}.", code="verify.setting") from None
    return made

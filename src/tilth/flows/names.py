"""Which names a template or an expression uses, and where; and what an expression says. Templates are rendered by `tilth.prompts`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

BUILTINS = frozenset({"task", "labels", "row"})
"""Names that every template sees beside the columns of its record."""


@dataclass(frozen=True)
class Use:
    """A name that a text needs. line, column: from 1, inside the text."""

    name: str
    line: int
    column: int


class TemplateMistake(RequestError):
    """A template or expression that cannot be parsed; `line` and `column` are inside the text."""


def template_uses(text: str) -> list[Use]:
    """Undeclared names of a template, in order of appearance, each once.

    Raises
    ------
    TemplateMistake: the template has a mistake.
    """
    from tilth.prompts.template import variables

    try:
        return [Use(found.name, found.line, found.column) for found in variables(text)]
    except RequestError as error:
        line = error.line or 1
        sentence = getattr(error.__cause__, "message", None) or error.what
        raise TemplateMistake(str(sentence).rstrip("."), line=line, column=_first_brace(text, line)) from None


def expression_uses(text: str) -> list[Use]:
    """Undeclared names of an expression such as ``quality.helpful >= 4``."""
    head = "{{ ("
    try:
        found = template_uses(f"{head}{text}\n) }}}}")
    except TemplateMistake as error:
        raise TemplateMistake(error.what, line=1, column=1) from None
    return [Use(use.name, use.line, max(1, use.column - len(head)) if use.line == 1 else use.column) for use in found]


def loop_fields(text: str, name: str) -> list[str]:
    """Fields that a template reads from each item of ``{% for item in NAME %}``, in order of appearance."""
    from jinja2 import TemplateSyntaxError, nodes

    try:
        loops = _environment().parse(text).find_all(nodes.For)
    except TemplateSyntaxError:
        return []
    fields: dict[str, None] = {}
    for loop in loops:
        if isinstance(loop.iter, nodes.Name) and loop.iter.name == name and isinstance(loop.target, nodes.Name):
            item = loop.target.name
            reads = (found for part in loop.body for found in part.find_all(nodes.Getattr))
            fields.update({read.attr: None for read in reads if isinstance(read.node, nodes.Name) and read.node.name == item})
    return list(fields)


def _first_brace(text: str, line: int) -> int:
    """Jinja knows only the line of a mistake: take the first brace on it."""
    lines = text.split("\n")
    found = re.search(r"\{[{%#]", lines[line - 1]) if line <= len(lines) else None
    return found.start() + 1 if found else 1


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """See :func:`tilth.prompts.expressions.evaluate`."""
    from tilth.prompts import expressions

    return expressions.evaluate(text, values)


@functools.lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)

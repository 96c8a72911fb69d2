"""Templates: sandboxed Jinja2 that fills text in and never evaluates what it fills in.

Values come from models, files and the web. They are inserted as they are: a value that contains ``{{ ... }}`` is
text, attributes that begin with ``_`` are out of reach, and nothing can be changed from within a template.
"""

from __future__ import annotations

import json
import re
import traceback
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tilth.errors import RequestError

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_FILE = "<template>"


class Variable(NamedTuple):
    """A name that a template asks for, where it does so first (line and column begin at 1)."""

    name: str
    line: int
    column: int


class Template:
    """A compiled template. Compiling happens once per source.

    >>> Template("A {{ label }} review of {{ film.title }}.").render(label="kind", film={"title": "Alien"})
    'A kind review of Alien.'

    Parameters
    ----------
    source: Jinja2. A name that is not given is an error, never an empty string.

    Raises
    ------
    RequestError: the source is no template (``template.syntax``), with its line.
    """

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._compiled = _compile(source)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    def render(self, **values: Any) -> str:
        """Fill the template in.

        Raises
        ------
        RequestError: a name is missing, an attribute is forbidden, or a filter cannot work with the value
            (``template.render``); the line counts within the template.
        """
        try:
            return self._compiled.render(values)
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            line = _line_of(error)
            where = f" in line {line} of the template" if line else ""
            raise RequestError(f"cannot fill the template in{where}: {_sentence(error)}.", code="template.render", line=line) from error


def variables(source: str) -> list[Variable]:
    """Names that the template asks for and does not define itself, sorted by place.

    >>> variables("{% for d in shots %}{{ d }}{% endfor %}\\nA {{ tone }} text")
    [Variable(name='shots', line=1, column=13), Variable(name='tone', line=2, column=6)]

    Raises
    ------
    RequestError: the source is no template (``template.syntax``).
    """
    tree = _parse(source)
    wanted = meta.find_undeclared_variables(tree)
    first: dict[str, Variable] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in wanted and node.ctx == "load" and node.name not in first:
            first[node.name] = Variable(node.name, *_place(source, node.name, node.lineno))
    return sorted(first.values(), key=lambda variable: (variable.line, variable.column))


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False
    )
    # Jinja's own `tojson` writes "<" as an escape, for web pages; a prompt should read as people write.
    environment.filters["tojson"] = _tojson
    return environment


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _parse(source: str) -> nodes.Template:
    try:
        return _environment().parse(source)
    except jinja2.TemplateSyntaxError as error:
        raise _syntax(error) from error


@lru_cache(maxsize=1024)
def _compile(source: str) -> jinja2.Template:
    try:
        return _environment().from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise _syntax(error) from error


def _syntax(error: jinja2.TemplateSyntaxError) -> RequestError:
    return RequestError(f"not a template (line {error.lineno}): {_sentence(error)}.", code="template.syntax", line=error.lineno)


def _sentence(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _line_of(error: BaseException) -> int | None:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _FILE]
    return lines[-1] if lines else None


def _place(source: str, name: str, line: int) -> tuple[int, int]:
    """Line and column of the first use of `name` inside a tag, at or after `line` (Jinja keeps no columns)."""
    word = re.compile(rf"(?<![\w.'\"]){re.escape(name)}(?!\w)")
    starts = [0, *(match.end() for match in re.finditer("\n", source))]
    for tag in _TAG.finditer(source):
        for match in word.finditer(source, tag.start(), tag.end()):
            row = source.count("\n", 0, match.start()) + 1
            if row >= line:
                return row, match.start() - starts[row - 1] + 1
    return line, 1

"""Expressions over a record's values, such as ``quality >= 4 and label != 'other'``: Jinja's, sandboxed, for every row alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tilth.errors import Failure, RequestError


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """What the expression says about `values`.

    >>> evaluate("stars >= 4", {"stars": 5})
    True

    Raises
    ------
    Failure: ``expression``, when it cannot be evaluated for this row.
    """
    try:
        result = _compiled(text)(**values)
        if isinstance(result, jinja2.Undefined):
            raise Failure("expression", f"'{text}' has no value.")
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise Failure("expression", f"'{text}': {error}") from error
    return result


@functools.lru_cache(maxsize=256)
def names(text: str) -> frozenset[str]:
    """The names that an expression asks for.

    Raises
    ------
    RequestError: it is no expression (``template.syntax``).
    """
    return frozenset(meta.find_undeclared_variables(_parsed(text)))


@functools.lru_cache(maxsize=256)
def tested(text: str) -> frozenset[str]:
    """Names that an expression itself tests for being there: ``x is none``, ``x is defined``, ``x | default(0)``.

    >>> sorted(tested("a is not none and b > 1 and c|default(0) > 2"))
    ['a', 'c']
    """
    tree = _parsed(text)
    tests = [test.node for test in tree.find_all(nodes.Test) if test.name in ("none", "defined", "undefined")]
    tests += [one.node for one in tree.find_all(nodes.Filter) if one.name in ("default", "d") and one.node is not None]
    return frozenset(node.name for node in tests if isinstance(node, nodes.Name))


def _parsed(text: str) -> nodes.Template:
    try:
        return _environment().parse(f"{{{{ ({text}\n) }}}}")
    except jinja2.TemplateSyntaxError as error:
        raise RequestError(f"'{text}' is no expression: {str(error.message).rstrip('.')}.", code="template.syntax") from error


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    return _environment().compile_expression(text, undefined_to_none=False)


@functools.lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)

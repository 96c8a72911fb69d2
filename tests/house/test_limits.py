"""Sizes that keep the house readable: files, functions, nesting. Offenders are listed by name."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from house.sources import Source, package

FILE_MEDIAN, FILE_MOST = 150, 700
FUNCTION_MEDIAN, FUNCTION_NINE_TENTHS, FUNCTION_MOST = 12, 40, 80
NESTING_MOST = 4

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


@dataclass(frozen=True)
class Measured:
    """One function. lines: with its signature, without its docstring. nesting: blocks inside blocks (`elif` is no deeper)."""

    where: str
    name: str
    lines: int
    nesting: int


def functions(source: Source) -> Iterator[Measured]:
    """Every function and method of a file, nested ones too (each also counts in the one around it)."""
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            yield Measured(source.at(node.lineno), node.name, _lines(node), _nesting(node.body, 0))


def _lines(node: Function) -> int:
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)
    return whole


def _nesting(body: list[ast.stmt], depth: int) -> int:
    deepest = depth
    for node in body:
        if isinstance(node, Function | ast.ClassDef):  # measured by itself
            continue
        inner = depth + 1 if isinstance(node, _BLOCKS) else depth
        for part in _parts(node):
            is_elif = isinstance(node, ast.If) and part is node.orelse and len(part) == 1 and isinstance(part[0], ast.If)
            deepest = max(deepest, _nesting(part, depth if is_elif else inner))
    return deepest


def _parts(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        if part := getattr(node, name, None):
            yield part
    for name in ("handlers", "cases"):
        for branch in getattr(node, name, ()):
            yield branch.body


def _all_functions() -> list[Measured]:
    return [one for source in package() for one in functions(source)]


def _listed(offenders: list[str]) -> str:
    return "\n" + "\n".join(offenders)


def test_files_are_short() -> None:
    sizes = [len(source.lines) for source in package()]
    longest = sorted(package(), key=lambda source: -len(source.lines))
    offenders = [f"{source.at(1)}: {len(source.lines)} lines" for source in longest if len(source.lines) > FILE_MOST]
    assert not offenders, _listed(offenders)
    assert statistics.median(sizes) <= FILE_MEDIAN, _listed([f"{s.at(1)}: {len(s.lines)} lines" for s in longest[:10]])


def test_functions_are_short() -> None:
    measured = sorted(_all_functions(), key=lambda one: -one.lines)
    offenders = [f"{one.where}: {one.name} has {one.lines} lines" for one in measured if one.lines > FUNCTION_MOST]
    assert not offenders, _listed(offenders)
    long = [f"{one.where}: {one.name} has {one.lines} lines" for one in measured if one.lines > FUNCTION_NINE_TENTHS]
    assert len(long) <= len(measured) / 10, _listed(long)
    assert statistics.median(one.lines for one in measured) <= FUNCTION_MEDIAN


def test_functions_are_flat() -> None:
    offenders = [f"{one.where}: {one.name} nests {one.nesting} deep" for one in _all_functions() if one.nesting > NESTING_MOST]
    assert not offenders, _listed(offenders)


def test_the_measures_measure() -> None:
    text = '''
def f(x):
    """A docstring
    of two lines."""
    if x:
        for y in x:
            while y:
                y -= 1
    elif x is None:
        return 2
    return 1
'''
    source = Source(package()[0].path, "made_up", (), ast.parse(text))
    (one,) = functions(source)
    assert (one.lines, one.nesting) == (8, 3)

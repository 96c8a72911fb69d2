"""Which tests a text of tests holds, decided before anything runs, so that a test that was never run cannot be counted as passed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of the tests' text, in order. `id` None: it prepares, and is no test. `checks`: how many checks it states."""

    id: str | None
    kind: str
    source: str
    line: int
    name: str = ""
    checks: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "source": self.source, "line": self.line, "name": self.name}


class NoTests(ValueError):
    """The text cannot be read as Python, or holds no test."""


def plan(tests: str | Sequence[str]) -> tuple[Step, ...]:
    """The steps of a text (or of a list of statements, as MBPP has them): assert statements of the top level, functions
    `test...`, methods `test...` of classes, and calls of functions that assert (`check(f)`).

    Raises
    ------
    NoTests: no Python, or nothing in it is a test.
    """
    text = tests if isinstance(tests, str) else "\n".join(tests)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NoTests(f"the tests are no Python: {error}") from None
    steps = tuple(_numbered(_steps(tree, text)))
    if not any(step.id for step in steps):
        raise NoTests("no test: no assert, no function test...(), no method test...()")
    return steps


def _steps(tree: ast.Module, text: str) -> Iterator[Step]:
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        source = _source(node, text)
        if isinstance(node, ast.Assert):
            yield Step(f"assert_{node.lineno}", "statement", source, node.lineno, checks=1)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _called(node, node.value, source, functions)
        elif not _entry(node):
            yield Step(None, "statement", source, _line(node))
            yield from _defined(node)


def _called(node: ast.Expr, call: ast.Call, source: str, functions: dict[str, ast.FunctionDef]) -> Iterator[Step]:
    """`test_add()` is found by its definition already; `check(add)` is a test by its call; anything else prepares."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name in functions and _is_test(functions[name]):
        return
    if name in functions and checks(functions[name]):
        yield Step(name, "statement", source, node.lineno, checks=checks(functions[name]))
    elif not ast.unparse(call.func).endswith(("unittest.main", "pytest.main")):
        yield Step(None, "statement", source, node.lineno)


def _defined(node: ast.stmt) -> Iterator[Step]:
    if isinstance(node, ast.FunctionDef) and _is_test(node):
        yield Step(node.name, "function", "", node.lineno, node.name, checks(node))
    elif isinstance(node, ast.ClassDef):
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name.startswith("test"):
                name = f"{node.name}.{part.name}"
                yield Step(name, "method", "", part.lineno, name, checks(part))


def _is_test(node: ast.FunctionDef) -> bool:
    wanted = len(node.args.args) - len(node.args.defaults)
    return node.name.startswith("test") and wanted == 0


def _entry(node: ast.stmt) -> bool:
    """`if __name__ == "__main__": ...`"""
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def checks(node: ast.AST) -> int:
    """Checks that are stated: assert statements, self.assert...(), pytest.raises and the like."""
    found = 0
    for one in ast.walk(node):
        if isinstance(one, ast.Assert):
            found += 1
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            found += one.func.attr.startswith(("assert", "fail")) or one.func.attr == "raises"
        elif isinstance(one, ast.Raise):
            found += "AssertionError" in ast.unparse(one)
    return found


def _line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def _source(node: ast.stmt, text: str) -> str:
    """The lines of a statement, as they are written: line numbers and messages stay those of the text."""
    assert node.end_lineno is not None and node.end_col_offset is not None
    lines = text.splitlines()[_line(node) - 1 : node.end_lineno]
    whole = ast.get_source_segment(text, node) or ""
    return whole if _line(node) == node.lineno else "\n".join(lines)


def _numbered(steps: Iterable[Step]) -> Iterator[Step]:
    """Equal names (several asserts on one line, a check called twice) get numbers."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    for step in steps:
        if step.id is None:
            yield step
            continue
        seen[step.id] = seen.get(step.id, 0) + 1
        yield step if seen[step.id] == 1 else replace(step, id=f"{step.id}#{seen[step.id]}")

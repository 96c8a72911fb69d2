"""What methods of code do with the text of a Python module: signatures, empty bodies, differences, tests shown and kept back."""

from __future__ import annotations

import ast
import difflib
import io
import random
import re
import tokenize
from collections.abc import Collection, Iterator, Sequence

from tilth.errors import Failure
from tilth.models.base import Reply
from tilth.verify.sandbox.plan import plan

Function = ast.FunctionDef | ast.AsyncFunctionDef


def tree_of(code: str) -> ast.Module | None:
    """The syntax tree, or None where the text is no Python."""
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return None


def functions(tree: ast.Module) -> list[Function]:
    """Functions of the top level and methods of its classes."""
    parts = [*tree.body, *(part for node in tree.body if isinstance(node, ast.ClassDef) for part in node.body)]
    return [node for node in parts if isinstance(node, Function)]


def signatures(tree: ast.Module) -> set[str]:
    """Names and parameters of all functions and classes, as they must stay."""
    found = {f"{node.name}({ast.unparse(node.args)})" for node in functions(tree)}
    return found | {f"class {node.name}" for node in tree.body if isinstance(node, ast.ClassDef)}


def imports(tree: ast.Module) -> set[str]:
    """Every name that the module imports, wherever it does."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {f"{getattr(node, 'module', None) or ''}.{alias.name}" for node in nodes for alias in node.names}


def comments(code: str) -> set[str]:
    """All comments of a text."""
    try:
        return {token.string.strip() for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type == tokenize.COMMENT}
    except (tokenize.TokenError, SyntaxError):
        return set()


def docstrings(tree: ast.Module) -> set[str]:
    """All docstrings of a module."""
    return {ast.get_docstring(node) or "" for node in [tree, *functions(tree)]}


def emptied(code: str, name: str | None = None) -> str:
    """The module with the bodies of its functions (or of the one called `name`) removed; signatures and docstrings stay."""
    tree = ast.parse(code)
    for node in functions(tree):
        if name in (None, node.name):
            kept = node.body[:1] if ast.get_docstring(node) is not None else []
            node.body = [*kept, ast.Pass()]
    return ast.unparse(ast.fix_missing_locations(tree))


def statements(code: str) -> list[int]:
    """Lines on which a statement inside a function begins, docstrings and nested definitions left out."""
    tree = tree_of(code)
    inside = [part for node in functions(tree) for part in ast.walk(node) if part is not node] if tree else []
    plain = [part for part in inside if isinstance(part, ast.stmt) and not isinstance(part, Function | ast.ClassDef)]
    return sorted({part.lineno for part in plain if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))})


def numbered(code: str) -> str:
    """The text with line numbers, as prompts show it."""
    return "\n".join(f"{number:3d}  {line}" for number, line in enumerate(code.splitlines(), 1))


def difference(old: str, new: str) -> str:
    """A unified diff that leads from `old` to `new`; :func:`applied` is its inverse."""
    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), "a/program.py", "b/program.py")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def changed_lines(diff: str) -> list[str]:
    """The lines that a diff takes away or adds, without their sign, stripped."""
    return [line[1:].strip() for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---") and line[1:].strip()]


def applied(diff: str, text: str, *, reverse: bool = False) -> str:
    """`text` with a diff of :func:`difference` applied (or undone).

    Raises
    ------
    ValueError: the diff does not fit the text.
    """
    take, put = ("+", "-") if reverse else ("-", "+")
    source, result, position = text.splitlines(keepends=True), list[str](), 0
    for start, hunk in _hunks(diff, old=not reverse):
        result += source[position:start]
        position = start
        for sign, line in hunk:
            if sign in (" ", take):
                if position >= len(source) or source[position] != line:
                    raise ValueError(f"the diff does not fit at line {position + 1}")
                position += 1
            if sign in (" ", put):
                result.append(line)
    return "".join([*result, *source[position:]])


def _hunks(diff: str, *, old: bool) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    start, lines = -1, list[tuple[str, str]]()
    for line in diff.splitlines(keepends=True)[2:]:
        if head := re.match(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line):
            if start >= 0:
                yield start, lines
            first, count = (head[1], head[2]) if old else (head[3], head[4])
            start, lines = int(first) - (0 if count == "0" else 1), []
        elif line.startswith("\\"):
            sign, last = lines[-1]
            lines[-1] = (sign, last.removesuffix("\n"))
        else:
            lines.append((line[0], line[1:]))
    if start >= 0:
        yield start, lines


def shown_and_hidden(tests: str, share: float, rng: random.Random, failing: Collection[str] = ()) -> tuple[str, str]:
    """The tests that a model may see and those kept back, at least one of each kind where there are two; what prepares is in both.

    A test of `failing` (ids) is shown, and a second one kept back: what is shown tells what is wrong, what is not judges a repair.
    """
    tree = ast.parse(tests)
    lines = tests.splitlines()
    parts = ["\n".join(lines[_first(node) - 1 : node.end_lineno]) for node in tree.body]
    places = [(step.line, step.id) for step in plan(tests) if step.id]
    held = [{name for line, name in places if _first(node) <= line <= (node.end_lineno or 0)} for node in tree.body]
    numbers = [number for number, names in enumerate(held) if names]
    count = min(max(1, round(share * len(numbers))), max(1, len(numbers) - 1))
    told = [number for number in numbers if held[number] & set(failing)]
    rng.shuffle(told)
    shown = {*told[:1], *rng.sample([number for number in numbers if number not in told[:2]], count - len(told[:1]))}
    visible = [text for number, text in enumerate(parts) if number in shown or number not in numbers]
    hidden = [text for number, text in enumerate(parts) if number not in shown]
    return "\n".join(visible), "\n".join(hidden) if len(numbers) > count else ""


def _first(node: ast.stmt) -> int:
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


_FENCE = re.compile(r"^```[ \t]*(?:python|py)?[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL | re.IGNORECASE)


def fenced(reply: Reply) -> str:
    """The one module of a reply: its only fence of code, ended.

    Raises
    ------
    Failure: ``truncated``, ``no_code`` (no fence, or an empty one), ``many_fences`` or ``syntax``.
    """
    if reply.finish == "length":
        raise Failure("truncated", "The reply was cut off before it ended.")
    found = _FENCE.findall(reply.text)
    if not found or not found[0].strip():
        raise Failure("no_code", "Write the whole module in one block that begins with ```python and ends with ```.")
    if len(found) > 1:
        raise Failure("many_fences", "Write one block of code only, with the whole module in it.")
    if tree_of(found[0]) is None:
        raise Failure("syntax", "The code is no valid Python.")
    return str(found[0])

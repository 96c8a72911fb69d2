"""Small changes to Python code that keep it readable: one operator, literal, name or pair of arguments, edited in place.

The seven operators of BugLab (arXiv 2105.12787, its code): binary, boolean, comparison and assignment operators, literals,
another variable of the scope, two swapped arguments. Edits are ranges of the text found on the syntax tree, so everything
outside of them is byte for byte the original, and every edit can be undone.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass

OPERATORS = ("binary", "boolean", "comparison", "assignment", "literal", "variable", "arguments")

_BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&", ast.MatMult: "@",
}  # fmt: skip
_COMPARISON = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_LITERALS: tuple[int, ...] = (-2, -1, 0, 1, 2)


@dataclass(frozen=True, slots=True)
class Site:
    """A place that can be changed: bytes `start` to `end` of the UTF-8 text, and what may stand there instead."""

    operator: str
    start: int
    end: int
    line: int
    column: int
    before: str
    choices: tuple[str, ...]
    function: str = ""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed text. `undo()` gives the original."""

    code: str
    site: Site
    after: str

    def undo(self) -> str:
        raw, end = self.code.encode(), self.site.start + len(self.after.encode())
        return (raw[: self.site.start] + self.site.before.encode() + raw[end:]).decode()


def sites(code: str) -> tuple[Site, ...]:
    """All places of a module that can be changed, in the order of the text. Empty where the text is no Python."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    finder = _Finder(code)
    finder.visit(tree)
    return tuple(sorted(finder.found, key=lambda site: (site.start, site.end, site.operator)))


def mutants(code: str, n: int, rng: random.Random) -> list[Mutant]:
    """Up to `n` different mutants: an operator uniformly among those with a place, then a place, then a change.

    Every mutant differs from the original in exactly one place of its tree; a change that leaves the tree as it is
    (or the text unreadable) is drawn again.
    """
    by_operator: dict[str, list[tuple[Site, str]]] = {}
    for site in sites(code):
        for choice in site.choices:
            by_operator.setdefault(site.operator, []).append((site, choice))
    original, found, seen = _dump(code), list[Mutant](), {code}
    while by_operator and len(found) < n:
        name = rng.choice(sorted(by_operator))
        options = by_operator[name]
        site, after = options.pop(_drawn(options, rng))
        if not options:
            del by_operator[name]
        mutant = Mutant(changed(code, site, after), site, after)
        if mutant.code not in seen and _dump(mutant.code) not in (None, original):
            seen.add(mutant.code)
            found.append(mutant)
    return found


def _drawn(options: list[tuple[Site, str]], rng: random.Random) -> int:
    """A place uniformly, then one of its changes: a place with many choices is not drawn more often."""
    places = sorted({(site.start, site.end) for site, _ in options})
    place = rng.choice(places)
    return rng.choice([number for number, (site, _) in enumerate(options) if (site.start, site.end) == place])


def changed(code: str, site: Site, after: str) -> str:
    """The text with one place changed."""
    raw = code.encode()
    return (raw[: site.start] + after.encode() + raw[site.end :]).decode()


def _dump(code: str) -> str | None:
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError):
        return None


class _Finder(ast.NodeVisitor):
    """Walks a module; knows the names of the scope it is in."""

    def __init__(self, code: str) -> None:
        self._raw = code.encode()
        self._lines = [0]
        for line in self._raw.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._scope: list[str] = []
        self._function = ""
        self.found: list[Site] = []

    def _at(self, line: int, column: int) -> int:
        return self._lines[line - 1] + column

    def _add(self, operator: str, start: int, end: int, node: ast.expr | ast.stmt, choices: Iterator[str] | tuple[str, ...]) -> None:
        before = self._raw[start:end].decode()
        others = tuple(choice for choice in dict.fromkeys(choices) if choice != before)
        if others:
            self.found.append(Site(operator, start, end, node.lineno, node.col_offset, before, others, self._function))

    def _between(self, left: ast.expr, right: ast.expr, sign: str) -> tuple[int, int] | None:
        """The range of an operator's sign between two parts; comments and brackets may stand there too."""
        assert left.end_lineno is not None and left.end_col_offset is not None
        start, end = self._at(left.end_lineno, left.end_col_offset), self._at(right.lineno, right.col_offset)
        words = sign.split()
        position = start
        first = -1
        for word in words:
            position = _find(self._raw, word.encode(), position, end)
            if position < 0:
                return None
            first = position if first < 0 else first
            position += len(word)
        return first, position

    # scopes

    def _in_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer, name = self._scope, self._function
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        local = [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]
        local += [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
        self._scope, self._function = list(dict.fromkeys(local)), node.name
        for statement in node.body:  # defaults and annotations are the signature, which stays
            self.visit(statement)
        self._scope, self._function = outer, name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._in_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._in_function(node)

    # places

    def visit_BinOp(self, node: ast.BinOp) -> None:
        sign = _BINARY[type(node.op)]
        if place := self._between(node.left, node.right, sign):
            self._add("binary", *place, node, tuple(_BINARY.values()))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        sign = _BINARY[type(node.op)] + "="
        if place := self._between(node.target, node.value, sign):
            self._add("assignment", *place, node, (*(one + "=" for one in _BINARY.values()), "="))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        sign, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        place = self._between(node.values[0], node.values[1], sign) if len(node.values) == 2 else None
        if place:
            self._add("boolean", *place, node, (other,))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        parts = [node.left, *node.comparators]
        for number, operator in enumerate(node.ops):
            sign = _COMPARISON[type(operator)]
            if place := self._between(parts[number], parts[number + 1], sign):
                kin = ("in", "not in") if "in" in sign.split() else ("is", "is not") if "is" in sign.split() else tuple(_ORDER)
                self._add("comparison", *place, node, kin)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        inner = node.operand
        if isinstance(node.op, ast.USub) and isinstance(inner, ast.Constant) and type(inner.value) is int:
            if -inner.value in _LITERALS:
                self._literal(node, -inner.value)
            return
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if type(node.value) is bool:
            self._add("literal", *self._span(node), node, ("True", "False"))
        elif type(node.value) is int and node.value in _LITERALS:
            self._literal(node, node.value)

    def _literal(self, node: ast.expr, value: int) -> None:
        start, end = self._span(node)
        if self._raw[start:end].decode() == str(value):  # not 0x1, not 1_0
            self._add("literal", start, end, node, tuple(str(one) for one in _LITERALS))

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id in self._scope:
            self._add("variable", *self._span(node), node, tuple(self._scope))

    def visit_Call(self, node: ast.Call) -> None:
        plain = len(node.args) >= 2 and not any(isinstance(one, ast.Starred) for one in node.args)
        if plain:
            for left, right in zip(node.args, node.args[1:], strict=False):
                (start, middle), (again, end) = self._span(left), self._span(right)
                first, gap, second = (self._raw[a:b].decode() for a, b in ((start, middle), (middle, again), (again, end)))
                self._add("arguments", start, end, node, (second + gap + first,))
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Positions inside f-strings differ between Python versions; they are left as they are."""

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # docstrings
            self.generic_visit(node)

    def _span(self, node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)


_ORDER = ("==", "!=", "<", "<=", ">", ">=")


def _find(raw: bytes, word: bytes, start: int, end: int) -> int:
    """The first `word` between two positions that stands in no comment."""
    position = start
    while position < end:
        if raw[position : position + 1] == b"#":
            newline = raw.find(b"\n", position, end)
            position = end if newline < 0 else newline
        elif raw.startswith(word, position) and position + len(word) <= end:
            return position
        else:
            position += 1
    return -1

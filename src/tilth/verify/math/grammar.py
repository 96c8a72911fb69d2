"""From marks to a tree: numbers, symbols, calls; brackets, sets, lists, matrices and relations as structures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from .tokens import Token, Unread, tokens

DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Number:
    """decimal: written with a point, so that it may be rounded."""

    value: Fraction
    decimal: bool = False


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator: add, multiply, divide, negative, power, root, sin, percent, degrees, plusminus, apply f ..."""

    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """Parts that are compared one by one. kind: brackets (left and right count), set, list, union, row, matrix, ratio, based."""

    kind: str
    parts: tuple[Node, ...]
    left: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain such as 0 < x <= 5: one more side than signs."""

    signs: tuple[str, ...]
    sides: tuple[Node, ...]


Node = Number | Symbol | Call | Structure | Relation
RELATIONS = ("=", "<", ">", "<=", ">=", "!=")
_OPEN = {"(": (")", "]"), "[": ("]", ")"), "<(": (">)",)}
_CONSTANTS: dict[str, Node] = {"pi": Symbol("pi"), "infinity": Symbol("infinity"), "empty": Structure("set", ()), "reals": Symbol("reals")}
_STARTS = frozenset(
    {"number", "symbol", "function", "frac", "binom", "(", "[", "{", "set{", "|", "floor[", "ceil[", "matrix[", "<(", *_CONSTANTS}
)
_APPLIED = frozenset({"f", "g", "h", "F", "G", "P", "Q"})


def parse(text: str) -> Node:
    """The tree of a normalised answer.

    Raises
    ------
    Unread: it is not in the grammar.
    """
    reader = _Reader(tokens(text))
    node = reader.listing()
    reader.end()
    return node


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    for one in _inner(node):
        yield from walk(one)


def _inner(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Call):
        return node.args
    if isinstance(node, Structure):
        return node.parts
    return node.sides if isinstance(node, Relation) else ()


class _Reader:
    """Recursive descent: list, relation, union, sum, product, sign, power, atom."""

    def __init__(self, marks: list[Token]) -> None:
        self.marks = marks
        self.at = 0
        self.depth = 0
        self.bars = 0

    # marks

    @property
    def kind(self) -> str:
        return self.marks[self.at].kind if self.at < len(self.marks) else "end"

    def next(self) -> Token:
        if self.at >= len(self.marks):
            raise Unread("it ends too early")
        self.at += 1
        return self.marks[self.at - 1]

    def accept(self, *kinds: str) -> bool:
        if self.kind in kinds:
            self.at += 1
            return True
        return False

    def expect(self, *kinds: str) -> str:
        if self.kind not in kinds:
            raise Unread(f"expected {kinds[0]}")
        return self.next().kind

    def end(self) -> None:
        if self.kind != "end":
            raise Unread(f"unexpected {self.next().text[:20]}")

    # levels

    def listing(self) -> Node:
        parts = [self.relation()]
        while self.accept(",", ";"):
            parts.append(self.relation())
        return parts[0] if len(parts) == 1 else Structure("list", tuple(parts))

    def relation(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unread("too deep")
        sides, signs = [self.union()], []
        while self.kind in (*RELATIONS, "in"):
            signs.append(self.next().kind)
            sides.append(self.union())
        self.depth -= 1
        if signs == ["in"]:
            return sides[1]
        if "in" in signs:
            raise Unread("a chain with a membership")
        return Relation(tuple(signs), tuple(sides)) if signs else sides[0]

    def union(self) -> Node:
        parts = [self.ratio()]
        while self.accept("cup"):
            parts.append(self.ratio())
        return parts[0] if len(parts) == 1 else Structure("union", tuple(parts))

    def ratio(self) -> Node:
        parts = [self.sum()]
        while self.accept(":"):
            parts.append(self.sum())
        return parts[0] if len(parts) == 1 else Structure("ratio", tuple(parts))

    def sum(self) -> Node:
        node = self.product()
        while self.kind in ("+", "-", "pm"):
            sign = self.next().kind
            other = self.product()
            if sign == "pm":
                node = Call("plusminus", (node, other))
            else:
                node = Call("add", (node, other if sign == "+" else Call("negative", (other,))))
        return node

    def product(self) -> Node:
        node = self.signed()
        while True:
            if self.accept("*"):
                node = Call("multiply", (node, self.signed()))
            elif self.accept("/"):
                node = Call("divide", (node, self.signed()))
            elif self._continues(node):
                node = self._beside(node)
            else:
                return node

    def _continues(self, node: Node) -> bool:
        if self.kind == "|" and self.bars:
            return False
        if self.kind == "number" and isinstance(node, Number):
            raise Unread("two numbers side by side")
        return self.kind in _STARTS and self.kind != "["

    def _beside(self, node: Node) -> Node:
        """Two factors without a sign; an integer before a fraction of integers is a mixed number."""
        mixed = isinstance(node, Number) and not node.decimal and node.value.denominator == 1 and self.kind == "frac"
        negative = isinstance(node, Call) and node.name == "negative" and isinstance(node.args[0], Number) and self.kind == "frac"
        other = self.power()
        proper = other == Call("divide", tuple(one for one in _inner(other) if isinstance(one, Number) and not one.decimal))
        if (mixed or negative) and proper:
            return Call("negative", (Call("add", (node.args[0], other)),)) if isinstance(node, Call) else Call("add", (node, other))
        return Call("multiply", (node, other))

    def signed(self) -> Node:
        if self.accept("-"):
            return Call("negative", (self._signed_inside(),))
        if self.accept("+"):
            return self._signed_inside()
        if self.accept("pm"):
            return Call("plusminus", (Number(Fraction(0)), self._signed_inside()))
        return self.power()

    def _signed_inside(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unread("too deep")
        node = self.signed()
        self.depth -= 1
        return node

    def power(self) -> Node:
        node = self.atom()
        while True:
            if self.accept("!"):
                node = Call("factorial", (node,))
            elif self.accept("%"):
                node = Call("percent", (node,))
            elif self.accept("_"):
                node = self._subscript(node)
            elif self.accept("^"):
                if self.accept("circ"):
                    node = Call("degrees", (node,))
                else:
                    node = Call("power", (node, self._exponent()))
                    if self.kind == "^":
                        raise Unread("a power of a power without braces")
            else:
                return node

    def _exponent(self) -> Node:
        return Call("negative", (self.atom(),)) if self.accept("-") else self._tower(self.atom())

    def _tower(self, node: Node) -> Node:
        """9^9^9 is 9^(9^9)."""
        return Call("power", (node, self._exponent())) if self.accept("^") else node

    def _subscript(self, node: Node) -> Node:
        index = self.braced() if self.kind == "{" else self.next_atom_as_index()
        if isinstance(node, Number) and isinstance(index, Number):
            return Structure("based", (node, index))
        if isinstance(node, Symbol) and isinstance(index, (Number, Symbol)):
            return Symbol(f"{node.name}_{index.name if isinstance(index, Symbol) else index.value}")
        raise Unread("a subscript")

    def next_atom_as_index(self) -> Node:
        mark = self.next()
        if mark.kind == "number":
            return _number(mark.text)
        if mark.kind == "symbol":
            return Symbol(mark.text)
        raise Unread("a subscript")

    # atoms

    def atom(self) -> Node:
        mark = self.next()
        if mark.kind == "number":
            return _number(mark.text)
        if mark.kind in _CONSTANTS:
            return _CONSTANTS[mark.kind]
        if mark.kind == "symbol":
            return self._symbol(mark)
        if mark.kind == "function":
            return self._function(mark.text)
        if mark.kind in ("frac", "binom"):
            top, bottom = self.argument(), self.argument()
            return Call("divide" if mark.kind == "frac" else "binomial", (top, bottom))
        return self._bracketed(mark.kind)

    def _symbol(self, mark: Token) -> Node:
        if mark.text in _APPLIED and self.kind == "(" and not self.marks[self.at].spaced:
            self.next()
            inner = self.relation()
            self.expect(")")
            return Call(f"apply {mark.text}", (inner,))
        return Symbol(mark.text)

    def _bracketed(self, kind: str) -> Node:
        if kind in _OPEN:
            return self._brackets(kind)
        if kind in ("{", "set{"):
            return self._braces(kind)
        if kind == "|":
            self.bars += 1
            inner = self.relation()
            self.bars -= 1
            self.expect("|")
            return Call("abs", (inner,))
        if kind in ("floor[", "ceil["):
            inner = self.relation()
            self.expect(kind[:-1] + "]")
            return Call(kind[:-1], (inner,))
        if kind == "matrix[":
            return self._matrix()
        raise Unread(f"unexpected {kind}")

    def _brackets(self, left: str) -> Node:
        bars, self.bars = self.bars, 0
        inner = self.listing()
        self.bars = bars
        right = self.expect(*_OPEN[left])
        if isinstance(inner, Structure) and inner.kind == "list":
            return Structure("brackets", inner.parts, left, right)
        if (left, right) not in (("(", ")"), ("[", "]")):
            raise Unread("unlike brackets around one part")
        return inner

    def _braces(self, kind: str) -> Node:
        close = "}" if kind == "{" else "set}"
        if kind == "set{" and self.accept(close):
            return Structure("set", ())
        inner = self.listing()
        self.expect(close)
        several = isinstance(inner, Structure) and inner.kind == "list"
        if kind == "set{" or several:
            return Structure("set", inner.parts if several and isinstance(inner, Structure) else (inner,))
        return inner

    def _matrix(self) -> Node:
        rows: list[Node] = []
        while self.kind != "matrix]":
            cells = [self.relation()]
            while self.accept("cell"):
                cells.append(self.relation())
            rows.append(Structure("row", tuple(cells)))
            if not self.accept("row"):
                break
        self.expect("matrix]")
        return Structure("matrix", tuple(rows))

    def braced(self) -> Node:
        self.expect("{")
        inner = self.relation()
        self.expect("}")
        return inner

    def argument(self) -> Node:
        """What follows \\frac or \\sqrt: a group, or one mark; \\frac12 takes one digit each."""
        if self.kind == "{":
            return self.braced()
        mark = self.marks[self.at] if self.at < len(self.marks) else None
        if mark and mark.kind == "number" and len(mark.text) > 1 and "." not in mark.text:
            self.marks[self.at : self.at + 1] = [Token("number", mark.text[0]), Token("number", mark.text[1:])]
        return self.atom()

    def _function(self, name: str) -> Node:
        if name == "sqrt":
            return self._root()
        base = self._log_base() if name == "log" else None
        exponent = self._exponent() if self.accept("^") else None
        argument = self._function_argument()
        node: Node = Call(name, (argument,))
        if base is not None:
            node = Call("divide", (Call("ln", (argument,)), Call("ln", (base,))))
        elif name in ("log", "lg"):
            node = Call(name, (argument,))
        if exponent is None:
            return node
        if exponent == Call("negative", (Number(Fraction(1)),)) and name in ("sin", "cos", "tan"):
            return Call(f"arc{name}", (argument,))
        return Call("power", (node, exponent))

    def _log_base(self) -> Node | None:
        if not self.accept("_"):
            return None
        return self.braced() if self.kind == "{" else self.argument()

    def _function_argument(self) -> Node:
        if self.kind in ("(", "{", "["):
            return self.power() if self.kind == "(" else self.atom()
        node = Call("negative", (self.power(),)) if self.accept("-") else self.power()
        while self.kind in ("number", "symbol", "pi", "frac") or (self.kind == "/" and self._plain_after_slash()):
            node = Call("divide", (node, self.power())) if self.accept("/") else Call("multiply", (node, self.power()))
        return node

    def _plain_after_slash(self) -> bool:
        following = self.marks[self.at + 1] if self.at + 1 < len(self.marks) else None
        return following is not None and following.kind in ("number", "symbol")

    def _root(self) -> Node:
        degree: Node = Number(Fraction(2))
        if self.accept("["):
            degree = self.relation()
            self.expect("]")
        if not isinstance(degree, Number) or degree.value.denominator != 1 or not 2 <= degree.value <= 1000:
            raise Unread("the degree of a root")
        inner = self.atom() if self.kind == "(" else self.argument() if self.kind != "number" else self._root_number()
        return Call("root", (inner, degree))

    def _root_number(self) -> Node:
        """\\sqrt3 and sqrt 12: LaTeX would take one digit, people mean the number."""
        return _number(self.next().text)


def _number(text: str) -> Node:
    if len(text) > 1000:
        raise Unread("a number of over 1000 digits")
    return Number(Fraction(Decimal(text)), decimal="." in text)

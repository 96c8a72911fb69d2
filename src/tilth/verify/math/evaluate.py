"""The value of a tree at a point, and whether two trees have the same value everywhere.

Two formulas are compared by their values at fixed rational points (Schwartz 1980, Zippel 1979: a polynomial that is not zero
is zero at few of them). Fractions are exact, roots and transcendental functions are computed to 60 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from random import Random

from . import number as numbers
from .grammar import Call, Node, Number, Relation, Structure, Symbol, walk
from .number import Undefined, Value, add, divide, multiply, negative, power
from .tokens import Unread

Point = Mapping[str, Value]
POINTS, ENOUGH = 10, 4
"""Points that are tried, and at how many both formulas must have a value."""
_CONSTANT = {"pi": Value(numbers.PI), "i": numbers.IMAGINARY, "e": Value(numbers.E)}
_ONE = numbers.ONE


def is_formula(node: Node) -> bool:
    """Whether it has one value: no structure and no relation in it."""
    return not any(isinstance(one, (Structure, Relation)) or one in (Symbol("infinity"), Symbol("reals")) for one in walk(node))


def names(*nodes: Node) -> list[str]:
    """The variables, sorted."""
    found = {one.name for node in nodes for one in walk(node) if isinstance(one, Symbol)}
    return sorted(found - set(_CONSTANT) - {"infinity", "reals"})


def has_decimals(node: Node) -> bool:
    """Whether a number in it is written with a point."""
    return any(isinstance(one, Number) and one.decimal for one in walk(node))


def points(*nodes: Node) -> list[Point]:
    """Fixed points for the variables: positive and negative fractions, or small integers where something is counted.

    One empty point where there are no variables.
    """
    variables = names(*nodes)
    if not variables:
        return [{}]
    chance = Random(20_000 + len(variables))
    if any(isinstance(one, Call) and one.name in ("factorial", "binomial") for node in nodes for one in walk(node)):
        return [{name: Value(Fraction(chance.randint(0, 12))) for name in variables} for _ in range(2 * POINTS)]
    return [
        {name: Value(Fraction(chance.choice((-1, 1)) * chance.randint(2, 60), chance.choice((1, 2, 3, 5, 7)))) for name in variables}
        for _ in range(POINTS)
    ]


def value_at(node: Node, point: Point) -> Value:
    """The value.

    Raises
    ------
    Undefined, TooBig: there is none, or none within the limits. Unread: the node is no formula.
    """
    if isinstance(node, Number):
        return Value(node.value)
    if isinstance(node, Symbol):
        if node.name in _CONSTANT:
            return _CONSTANT[node.name]
        if node.name not in point:
            raise Unread(f"no value for {node.name}")
        return point[node.name]
    if not isinstance(node, Call):
        raise Unread("not a formula")
    if node.name.startswith("apply "):
        return _applied(node.name, value_at(node.args[0], point))
    function = _CALLS.get(node.name)
    if function is None:
        raise Unread(f"no value for {node.name}")
    return function(*(value_at(one, point) for one in node.args))


def same(a: Node, b: Node, tolerance: Decimal | None = None) -> bool | None:
    """Whether two formulas are equal wherever both have a value; None where that could not be found out."""
    agreed, tried = 0, points(a, b)
    for point in tried:
        left, right = _maybe(a, point), _maybe(b, point)
        if (left is None) != (right is None) and not names(a, b):
            return None
        if left is None or right is None:
            continue
        if not numbers.close(left, right, tolerance):
            return False
        agreed += 1
    return True if agreed >= min(ENOUGH, len(tried)) else None


def proportion(a: Node, b: Node) -> Value | None:
    """The constant c with a = c b at every point; None where there is none."""
    found: Value | None = None
    agreed, tried = 0, points(a, b)
    for point in tried:
        left, right = _maybe(a, point), _maybe(b, point)
        if left is None or right is None:
            continue
        try:
            ratio = divide(left, right)
        except Undefined:
            return None
        if found is not None and not numbers.close(found, ratio):
            return None
        found = ratio
        agreed += 1
    return found if agreed >= min(ENOUGH, len(tried)) else None


def _maybe(node: Node, point: Point) -> Value | None:
    try:
        return value_at(node, point)
    except Undefined:
        return None


def _applied(name: str, value: Value) -> Value:
    """f(x) for an f that nobody defined: some number that depends on f and x alone."""
    if value.exact:
        told = f"{name} {value.re} {value.im}"
    else:
        told = f"{name} {numbers.decimal(value.re):.30E} {numbers.decimal(value.im):.30E}"
    return Value(Fraction(int.from_bytes(blake2b(told.encode(), digest_size=4).digest(), "big"), 1000))


def _trigonometric(value: Value) -> tuple[Value, Value]:
    """(sine, cosine), by exponentials where the argument is complex."""
    if value.real:
        x = numbers.decimal(value.re)
        return Value(numbers.sine(x)), Value(numbers.cosine(x))
    up = numbers.exponential(multiply(numbers.IMAGINARY, value))
    down = divide(_ONE, up)
    return divide(add(up, negative(down)), Value(Fraction(0), Fraction(2))), divide(add(up, down), Value(Fraction(2)))


def _sin(value: Value) -> Value:
    return _trigonometric(value)[0]


def _cos(value: Value) -> Value:
    return _trigonometric(value)[1]


def _tan(value: Value) -> Value:
    return divide(_sin(value), _cos(value))


def _arctan(value: Value) -> Value:
    if not value.real:
        raise Undefined
    return Value(numbers.arctangent(numbers.decimal(value.re)))


def _arcsin(value: Value) -> Value:
    x = numbers.decimal(value.re)
    if not value.real or abs(x) > 1:
        raise Undefined
    return Value(numbers.angle((1 - x * x).sqrt(), x))


def _arccos(value: Value) -> Value:
    return add(Value(numbers.PI / 2), negative(_arcsin(value)))


def _hyperbolic(value: Value) -> tuple[Value, Value]:
    up = numbers.exponential(value)
    down = divide(_ONE, up)
    return divide(add(up, negative(down)), Value(Fraction(2))), divide(add(up, down), Value(Fraction(2)))


def _absolute(value: Value) -> Value:
    if value.exact and value.im == 0:
        return Value(value.re if value.re >= 0 else -value.re)
    return numbers.root(add(multiply(Value(value.re), Value(value.re)), multiply(Value(value.im), Value(value.im))), 2)


def _factorial(value: Value) -> Value:
    n = numbers.whole(value)
    if n is None or n < 0:
        raise Undefined
    if n > 2000:
        raise numbers.TooBig
    from math import factorial

    return Value(Fraction(factorial(n)))


def _binomial(n: Value, k: Value) -> Value:
    top, bottom = numbers.whole(n), numbers.whole(k)
    if top is None or bottom is None or top < 0 or bottom < 0:
        raise Undefined
    if top > 2000:
        raise numbers.TooBig
    from math import comb

    return Value(Fraction(comb(top, bottom)))


def _rounded(up: bool) -> Callable[[Value], Value]:
    def rounded(value: Value) -> Value:
        if not value.real:
            raise Undefined
        down = value.re.__floor__()
        return Value(Fraction(down if value.re == down or not up else down + 1))

    return rounded


def _root(value: Value, degree: Value) -> Value:
    return numbers.root(value, numbers.whole(degree) or 2)


_CALLS: Mapping[str, Callable[..., Value]] = {
    "add": add,
    "negative": negative,
    "multiply": multiply,
    "divide": divide,
    "power": power,
    "root": _root,
    "percent": lambda value: divide(value, Value(Fraction(100))),
    "degrees": lambda value: divide(multiply(value, Value(numbers.PI)), Value(Fraction(180))),
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "sec": lambda value: divide(_ONE, _cos(value)),
    "csc": lambda value: divide(_ONE, _sin(value)),
    "cot": lambda value: divide(_cos(value), _sin(value)),
    "cis": lambda value: add(_cos(value), multiply(numbers.IMAGINARY, _sin(value))),
    "arcsin": _arcsin,
    "asin": _arcsin,
    "arccos": _arccos,
    "acos": _arccos,
    "arctan": _arctan,
    "atan": _arctan,
    "sinh": lambda value: _hyperbolic(value)[0],
    "cosh": lambda value: _hyperbolic(value)[1],
    "tanh": lambda value: divide(*_hyperbolic(value)),
    "exp": numbers.exponential,
    "ln": numbers.logarithm,
    "lg": lambda value: divide(numbers.logarithm(value), numbers.logarithm(Value(Fraction(10)))),
    "abs": _absolute,
    "floor": _rounded(False),
    "ceil": _rounded(True),
    "factorial": _factorial,
    "binomial": _binomial,
}

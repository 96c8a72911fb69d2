"""Whether two answers are equal: by string, then by number, then by structure, then by value at many points.

The ladder of the card (NeMo-Skills math_equal, PRM800K grader, Math-Verify), on a grammar of our own that evaluates nothing
but numbers and known functions. What it cannot decide is undecided, with the reason; it never guesses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any, Literal

from .evaluate import has_decimals, is_formula, names, proportion, same
from .grammar import Call, Node, Number, Relation, Structure, Symbol, parse, walk
from .normal import LONGEST, normalise
from .number import TooBig, Value, close, precise
from .tokens import Unread
from .units import Unit, split_unit

Percent = Literal["unit", "value", "either"]
_PLAIN = re.compile(r"-?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})")
_WORDS = re.compile(r"[A-Za-z][A-Za-z' -]*")
_FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Rules:
    """How strictly answers are compared.

    tolerance: relative, where a number is written with a point; 0: exactly. Integers and fractions are always exact.
    percent: what a written % means beside an answer without one. unit: 50% is 50. value: 50% is 0.5. either: both. A number without
        a % is never moved by 100. intervals: a gold interval accepts an inequality (the other way round is always accepted).
    """

    tolerance: float = 1e-6
    percent: Percent = "either"
    intervals: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """equal: None where it is undecided. method: the rung that decided. reason: why not, or why undecided."""

    equal: bool | None
    method: Literal["string", "numeric", "structure", "symbolic", "none"]
    reason: str = ""
    normalised: str = ""
    gold_normalised: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Undecided(Exception):
    """The two cannot be told apart or together by these rules; the text is a short name."""


def quick(answer: str | None, gold: str | None, rules: Rules) -> Compared | None:
    """The rungs that take no time: nothing given, equal strings, plain numbers. None: the others must decide."""
    if not (gold or "").strip() or not (answer or "").strip():
        return Compared(False, "none", "empty")
    assert answer is not None and gold is not None
    if len(answer) > LONGEST or len(gold) > LONGEST:
        return Compared(None, "none", "too_long")
    a, g = normalise(answer), normalise(gold)
    if not a or not g:
        return Compared(False, "none", "empty", a, g)
    if a.casefold() == g.casefold() or _squeezed(a) == _squeezed(g):
        return Compared(True, "string", "", a, g)
    if _PLAIN.fullmatch(a) and _PLAIN.fullmatch(g):
        equal = _plain_equal(a, g, rules)
        return Compared(equal, "numeric", "" if equal else "differs", a, g)
    return None


def compare(answer: str | None, gold: str | None, rules: Rules | None = None) -> Compared:
    """Whether `answer` is equal to `gold`, by all rungs; bounded in memory, but only nearly so in time: call it in a worker.

    >>> compare("0.5", "\\\\frac12").equal, compare("(1,2)", "(2,1)").equal, compare("2\\\\sqrt{2}", "\\\\sqrt{8}").method
    (True, False, 'symbolic')
    """
    rules = rules or Rules()
    done = quick(answer, gold, rules)
    if done is not None:
        return done
    assert answer is not None and gold is not None
    a, g = normalise(answer), normalise(gold)
    with precise():
        equal, method, reason = _slow(a, g, rules)
    return Compared(equal, method, reason, a, g)


def in_worker(payload: dict[str, Any]) -> dict[str, Any]:
    """What a worker process runs."""
    return compare(payload["answer"], payload["gold"], Rules(**payload["rules"])).as_json()


Found = tuple[bool | None, Literal["string", "numeric", "structure", "symbolic", "none"], str]


def _slow(a: str, g: str, rules: Rules) -> Found:
    if (by_words := _words(a, g)) is not None:
        return by_words, "string", "" if by_words else "differs"
    try:
        return _with_units(a, g, rules)
    except Unread as unread:
        return _unread(a, g, str(unread))
    except TooBig:
        return None, "none", "too_big"
    except Undecided as undecided:
        return None, "none", str(undecided)
    except (RecursionError, OverflowError, ArithmeticError) as error:
        return None, "none", type(error).__name__


def _unread(a: str, g: str, why: str) -> Found:
    """Plain prose against a formula is a wrong answer; anything that may be mathematics beyond the grammar is undecided."""
    try:
        parse(split_unit(g)[0])
    except Unread:
        return None, "none", f"unread: {why}"
    if "\\" in a or re.search(r"[=<>^_{}\[\]|∫∑]", a):
        return None, "none", f"unread: {why}"
    return False, "string", "not_a_formula"


def _words(a: str, g: str) -> bool | None:
    """Answers that are words (Saturday, even) are compared as words; None where they are not."""
    both = _WORDS.fullmatch(a) and _WORDS.fullmatch(g)
    if both and any(len(run) > 3 for text in (a, g) for run in re.findall("[A-Za-z]+", text)):
        return a.casefold().split() == g.casefold().split()
    return None


def _squeezed(text: str) -> str:
    """Without spaces where they carry nothing: not between two digits or letters."""
    return re.sub(r"(?<![0-9A-Za-z])\s+|\s+(?![0-9A-Za-z])", "", text)


def _plain_equal(a: str, g: str, rules: Rules) -> bool:
    left, right = Fraction(Decimal(a)), Fraction(Decimal(g))
    if left == right or "." not in a + g:
        return left == right
    return abs(left - right) <= Fraction(rules.tolerance) * max(abs(left), abs(right))


# units


def _with_units(a: str, g: str, rules: Rules) -> Found:
    left, a_unit, a_scale = split_unit(a)
    right, g_unit, g_scale = split_unit(g)
    factor = Fraction(a_scale, g_scale)
    if a_unit and g_unit and a_unit != g_unit:
        factor *= _conversion(a_unit, g_unit)
    answer, gold = parse(left.replace("$", "")), parse(right.replace("$", ""))
    if factor != 1:
        answer = Call("multiply", (answer, Number(factor)))
    plain = isinstance(answer, Number) and isinstance(gold, Number)
    structured = isinstance(answer, (Structure, Relation)) or isinstance(gold, (Structure, Relation))
    equal = _equal(answer, gold, rules)
    method: Literal["structure", "numeric", "symbolic"] = "structure" if structured else "numeric" if plain else "symbolic"
    return equal, method, "" if equal else "differs"


def _conversion(a: Unit, g: Unit) -> Fraction:
    if a.kind == g.kind:
        return a.size / g.size
    raise Undecided("unit")


# trees


def _equal(a: Node, g: Node, rules: Rules) -> bool:
    """Whether two trees are equal.

    Raises
    ------
    Undecided
    """
    if a == g:
        return True
    a, g = _unfolded(a), _unfolded(g)
    if isinstance(a, Relation) or isinstance(g, Relation):
        return _relations(a, g, rules)
    if isinstance(a, Structure) or isinstance(g, Structure):
        return _structures(a, g, rules)
    return _formulas(a, g, rules)


def _unfolded(node: Node) -> Node:
    """A formula with plus-minus as the list of its two values."""
    if not any(isinstance(one, Call) and one.name == "plusminus" for one in walk(node)) or isinstance(node, (Structure, Relation)):
        return node
    return Structure("list", (_signed(node, 1), _signed(node, -1)))


def _signed(node: Node, sign: int) -> Node:
    if not isinstance(node, Call):
        return node
    args = tuple(_signed(one, sign) for one in node.args)
    if node.name == "plusminus":
        return Call("add", (args[0], args[1] if sign > 0 else Call("negative", (args[1],))))
    return Call(node.name, args)


def _formulas(a: Node, g: Node, rules: Rules) -> bool:
    infinite = [_infinite(one) for one in (a, g)]
    if any(infinite):
        return infinite[0] == infinite[1]
    if not (is_formula(a) and is_formula(g)):
        raise Undecided("mixed")
    a, g, both = _without_marks(a, g)
    if isinstance(a, Call) and a.name == "percent" and not both:
        return any(_values(one, g, rules) for one in _percent(a, rules))
    if isinstance(g, Call) and g.name == "percent" and not both:
        return any(_values(a, one, rules) for one in _percent(g, rules))
    return _values(a, g, rules)


def _without_marks(a: Node, g: Node) -> tuple[Node, Node, bool]:
    """Both without % or degrees where both have it; degrees also where one has it and the other is no multiple of pi."""
    for mark in ("percent", "degrees"):
        marked = [isinstance(one, Call) and one.name == mark for one in (a, g)]
        lone = a if marked[1] else g
        unit = mark == "degrees" and any(marked) and Symbol("pi") not in set(walk(lone))
        if all(marked) or unit:
            return _inside(a, mark), _inside(g, mark), True
    return a, g, False


def _inside(node: Node, mark: str) -> Node:
    return node.args[0] if isinstance(node, Call) and node.name == mark else node


def _percent(node: Call, rules: Rules) -> Sequence[Node]:
    readings: dict[str, Sequence[Node]] = {"unit": [node.args[0]], "value": [node], "either": [node, node.args[0]]}
    return readings[rules.percent]


def _infinite(node: Node) -> int:
    if node == Symbol("infinity"):
        return 1
    return -_infinite(node.args[0]) if isinstance(node, Call) and node.name == "negative" else 0


def _values(a: Node, g: Node, rules: Rules) -> bool:
    if any(isinstance(one, Call) and one.name == "log" for node in (a, g) for one in walk(node)):
        found = {_values(_rebased(a, base), _rebased(g, base), rules) for base in ("ln", "lg")}
        if len(found) > 1:
            raise Undecided("base of the logarithm")
        return found.pop()
    rounded = (has_decimals(a) or has_decimals(g)) and rules.tolerance > 0
    if rounded and not names(a, g) and _whole_numbers(a, g):
        rounded = False
    equal = same(a, g, Decimal(rules.tolerance) if rounded else None)
    if equal is None:
        raise Undecided("no common value")
    return equal


def _whole_numbers(a: Node, g: Node) -> bool:
    return all(isinstance(one, Number) and one.value.denominator == 1 for one in (a, g))


def _rebased(node: Node, base: str) -> Node:
    if not isinstance(node, Call):
        return node
    return Call(base if node.name == "log" else node.name, tuple(_rebased(one, base) for one in node.args))


# structures


def _structures(a: Node, g: Node, rules: Rules) -> bool:
    if not (isinstance(a, Structure) and isinstance(g, Structure)):
        return _one_against_many(a, g, rules)
    kinds = {a.kind, g.kind}
    if a.kind == g.kind:
        if a.kind == "ratio":
            return len(a.parts) == len(g.parts) and _proportional(a.parts, g.parts)
        if a.kind in ("set", "list", "union"):
            return _as_sets(a.parts, g.parts, rules)
        return (a.left, a.right) == (g.left, g.right) and _in_order(a.parts, g.parts, rules)
    if kinds == {"set", "list"}:
        return _as_sets(a.parts, g.parts, rules)
    flat = [_flat(one) for one in (a, g)]
    if kinds <= {"list", "brackets", "row", "matrix"} and _in_order(flat[0], flat[1], rules):
        raise Undecided("shape")  # 1, 2 for (1, 2), or a pair for a column: a person must say whether that is meant
    return False


def _one_against_many(a: Node, g: Node, rules: Rules) -> bool:
    several, one = (a, g) if isinstance(a, Structure) else (g, a)
    assert isinstance(several, Structure)
    if several.kind == "based" and _equal(several.parts[0], one, rules):
        raise Undecided("base of the number")
    if several.kind in ("set", "list") and several.parts:
        return all(_equal(part, one, rules) for part in several.parts)
    if several.kind == "matrix" and len(_flat(several)) == 1:
        return _equal(_flat(several)[0], one, rules)
    if several.kind == "ratio" and len(several.parts) == 2 and _equal(Call("divide", several.parts), one, rules):
        raise Undecided("ratio")
    return False


def _flat(node: Structure) -> tuple[Node, ...]:
    if node.kind != "matrix":
        return node.parts
    return tuple(cell for row in node.parts if isinstance(row, Structure) for cell in row.parts)


def _in_order(a: Sequence[Node], g: Sequence[Node], rules: Rules) -> bool:
    return len(a) == len(g) and all(_equal(x, y, rules) for x, y in zip(a, g, strict=True))


def _as_sets(a: Sequence[Node], g: Sequence[Node], rules: Rules) -> bool:
    """Each part of one is in the other; repeated parts count once."""
    if len(a) * len(g) > 400:
        raise Undecided("too_many_parts")
    pairs = {(x, y) for (x, left), (y, right) in product(enumerate(a), enumerate(g)) if _equal(left, right, rules)}
    return {x for x, _ in pairs} == set(range(len(a))) and {y for _, y in pairs} == set(range(len(g)))


def _proportional(a: Sequence[Node], g: Sequence[Node]) -> bool:
    factors = [proportion(x, y) for x, y in zip(a, g, strict=True)]
    first = factors[0]
    return first is not None and all(one is not None and close(one, first) for one in factors)


# relations


def _relations(a: Node, g: Node, rules: Rules) -> bool:
    if isinstance(a, Relation) and isinstance(g, Relation):
        return _same_relation(a, g, rules) or _same_relation(_flipped(a), g, rules) or _rearranged(a, g)
    if isinstance(g, Relation):
        if g.signs == ("=",):
            return _solved(g, a)
        interval = _interval(g)
        return interval is not None and _equal(a, interval, rules)
    assert isinstance(a, Relation)
    if set(a.signs) == {"="}:
        return _equation_for(a, g, rules)
    interval = _interval(a)
    if interval is None or not _equal(interval, g, rules):
        return False
    if not rules.intervals:
        raise Undecided("inequality for an interval")
    return True


def _equation_for(a: Relation, g: Node, rules: Rules) -> bool:
    """An equation as the answer: one that says the same (2x + y = 3 for 3 - 2x), or a worked chain (S = 3 + 4 = 7 for 7)."""
    if len(a.sides) == 2 and is_formula(g) and set(names(*a.sides)) - set(names(g)):
        return _solved(a, g)
    steps = a.sides[1:] if isinstance(a.sides[0], Symbol) else a.sides
    if not _equal(a.sides[-1], g, rules):
        return False
    if not all(_equal(one, a.sides[-1], rules) for one in steps):
        raise Undecided("chain")
    return True


def _flipped(relation: Relation) -> Relation:
    return Relation(tuple(_FLIP[sign] for sign in reversed(relation.signs)), tuple(reversed(relation.sides)))


def _same_relation(a: Relation, g: Relation, rules: Rules) -> bool:
    return a.signs == g.signs and _in_order(a.sides, g.sides, rules)


def _rearranged(a: Relation, g: Relation) -> bool:
    """2x + y = 3 is y = 3 - 2x: the differences of the sides are proportional; for an order, with a positive factor."""
    if len(a.signs) != 1 or len(g.signs) != 1 or not all(is_formula(one) for one in (*a.sides, *g.sides)):
        return False
    if names(*a.sides) != names(*g.sides):
        return False
    factor = proportion(_difference(a), _difference(g))
    if factor is None or not factor.real or factor.re == 0:
        return False
    if a.signs[0] in ("=", "!="):
        return a.signs == g.signs
    return (a.signs[0] if factor.re > 0 else _FLIP[a.signs[0]]) == g.signs[0]


def _solved(equation: Relation, formula: Node) -> bool:
    """Whether `y = formula` says the same as the equation, for a y that the formula does not hold ("y =" is dropped as a name)."""
    if not is_formula(formula) or not all(is_formula(one) for one in equation.sides):
        return False
    unknown = set(names(*equation.sides)) - set(names(formula))
    return any(_rearranged(equation, Relation(("=",), (Symbol(one), formula))) for one in unknown)


def _difference(relation: Relation) -> Node:
    return Call("add", (relation.sides[0], Call("negative", (relation.sides[1],))))


def _interval(relation: Relation) -> Node | None:
    """0 < x <= 5 as (0, 5]; None where it is no bound of one variable."""
    ascending = relation if relation.signs[0] in ("<", "<=") else _flipped(relation)
    if any(sign not in ("<", "<=") for sign in ascending.signs):
        return None
    infinity = Symbol("infinity")
    sides, signs = ascending.sides, ascending.signs
    if len(sides) == 3 and isinstance(sides[1], Symbol):
        return Structure("brackets", (sides[0], sides[2]), "[" if signs[0] == "<=" else "(", "]" if signs[1] == "<=" else ")")
    if len(sides) == 2 and isinstance(sides[0], Symbol):
        return Structure("brackets", (Call("negative", (infinity,)), sides[1]), "(", "]" if signs[0] == "<=" else ")")
    if len(sides) == 2 and isinstance(sides[1], Symbol):
        return Structure("brackets", (sides[0], infinity), "[" if signs[0] == "<=" else "(", ")")
    return None


__all__ = ["Compared", "Rules", "Undecided", "Value", "compare", "in_worker", "quick"]

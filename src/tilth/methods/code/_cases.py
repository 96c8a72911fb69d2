"""Inputs of a function, written by a model or made from its tests by rule; and the ways in which cases are shown."""

from __future__ import annotations

import ast
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.errors import Failure
from tilth.methods.code._programs import tree_of
from tilth.verify.sandbox.inside.plain import NotPlain, encode

Arguments = dict[str, Any]
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class Target:
    """The function that is to be inferred: its name, the names of its arguments in order, and those that must be given."""

    name: str
    arguments: tuple[str, ...]
    needed: frozenset[str]
    positional: int

    @classmethod
    def of(cls, code: str, name: str = "") -> Target:
        """The function called `name`, or the last of the module.

        Raises
        ------
        Failure: ``syntax``, or ``no_function``: none that takes arguments by name and returns a value.
        """
        tree = tree_of(code)
        if tree is None:
            raise Failure("syntax", "The program is no Python.")
        found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and name in ("", node.name)]
        if not found or not _returns(found[-1]):
            raise Failure("no_function", f"No function {name or 'at the top level'} that returns a value.")
        given = found[-1].args
        if given.posonlyargs or given.vararg or given.kwarg or not (given.args or given.kwonlyargs):
            raise Failure("no_function", "The function takes no arguments that can be given by name, or any number of them.")
        plain, named = [one.arg for one in given.args], [one.arg for one in given.kwonlyargs]
        defaults = zip(named, given.kw_defaults, strict=True)
        needed = [*plain[: len(plain) - len(given.defaults)], *(one for one, default in defaults if default is None)]
        return cls(found[-1].name, (*plain, *named), frozenset(needed), len(plain))

    def takes(self, arguments: Mapping[str, Any]) -> bool:
        """Whether these names fit the signature."""
        return self.needed <= set(arguments) <= set(self.arguments)

    def ordered(self, arguments: Mapping[str, Any]) -> Arguments:
        """In the order of the signature."""
        return {name: arguments[name] for name in self.arguments if name in arguments}


def _returns(node: ast.FunctionDef) -> bool:
    """A value is returned somewhere; a generator that passes by it gives no plain data, and is dropped when it runs."""
    return any(isinstance(part, ast.Return) and part.value is not None for part in ast.walk(node))


# ---- inputs that a model wrote


def written(text: str, target: Target, least: int) -> list[Arguments]:
    """The list `examples` of a reply: entries that are no literals, or do not fit the signature, are left out.

    Raises
    ------
    Failure: ``no_examples`` (no fence that holds the list), ``not_literal``, ``arguments`` or ``few_inputs`` where too few are left.
    """
    entries = next((found for block in _blocks(text) if (found := _list_of(block)) is not None), None)
    if entries is None:
        raise Failure("no_examples", "Write the list in one ```python block: examples = [dict(...), ...]")
    kept, wrong = dict[str, Arguments](), Counter[str]()
    for entry in entries:
        arguments = _arguments_of(entry)
        if arguments is None:
            wrong["not_literal"] += 1
        elif not target.takes(arguments):
            wrong["arguments"] += 1
        else:
            kept.setdefault(repr(target.ordered(arguments)), target.ordered(arguments))
    if len(kept) < least:
        reason = wrong.most_common(1)[0][0] if wrong else "few_inputs"
        names = ", ".join(target.arguments)
        raise Failure(reason, f"{len(kept)} of {len(entries)} inputs can be used. Write literal values only, for these arguments: {names}.")
    return list(kept.values())


def _blocks(text: str) -> Iterator[str]:
    """What stands in fences, one after the other; a fence begins and ends a line."""
    inside: list[str] | None = None
    for line in text.splitlines():
        if line.strip().startswith(_FENCE):
            if inside is not None:
                yield "\n".join(inside)
            inside = [] if inside is None else None
        elif inside is not None:
            inside.append(line)


def _list_of(block: str) -> list[ast.expr] | None:
    tree = tree_of(block)
    for node in tree.body if tree else []:
        names = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(name, ast.Name) and name.id == "examples" for name in names):
            value = getattr(node, "value", None)
            return value.elts if isinstance(value, ast.List) else None
    return None


def _arguments_of(entry: ast.expr) -> Arguments | None:
    """dict(a=1) or {"a": 1}; None where anything in it is no literal."""
    try:
        if isinstance(entry, ast.Call) and isinstance(entry.func, ast.Name) and entry.func.id == "dict" and not entry.args:
            found: Any = {str(one.arg): ast.literal_eval(one.value) for one in entry.keywords}
        else:
            found = ast.literal_eval(entry)
        encode(found)
    except (ValueError, TypeError, NotPlain, MemoryError, RecursionError):
        return None
    return found if isinstance(found, dict) and all(isinstance(name, str) for name in found) else None


# ---- inputs by rule


def called(tests: str, target: Target) -> list[Arguments]:
    """The arguments of every call of the function in its tests, where they are literals."""
    tree, found = tree_of(tests), dict[str, Arguments]()
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree else []
    for node in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        entry = _call_arguments(node, target) if isinstance(node.func, ast.Name) and node.func.id == target.name else None
        if entry is not None and target.takes(entry):
            found.setdefault(repr(target.ordered(entry)), target.ordered(entry))
    return list(found.values())


def _call_arguments(node: ast.Call, target: Target) -> Arguments | None:
    if len(node.args) > target.positional:
        return None
    try:
        given = {name: ast.literal_eval(one) for name, one in zip(target.arguments, node.args, strict=False)}
        given |= {str(one.arg): ast.literal_eval(one.value) for one in node.keywords}
        encode(given)
    except (ValueError, TypeError, NotPlain, MemoryError, RecursionError):
        return None
    return given


def varied(seeds: Sequence[Arguments], n: int, rng: random.Random) -> list[Arguments]:
    """`n` inputs at most: the seeds, then changes of one argument of an input that was found, of the same type (EvalPlus' mutation)."""
    found = {repr(seed): seed for seed in seeds[:n]}
    for _ in range(20 * n):
        changeable = [one for one in found.values() if one]
        if len(found) >= n or not changeable:
            break
        old = rng.choice(changeable)
        name = rng.choice(list(old))
        new = {**old, name: _changed(old[name], rng)}
        found.setdefault(repr(new), new)
    return list(found.values())


def _changed(value: Any, rng: random.Random) -> Any:
    """A value like this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice([value + 1, value - 1, value * 2, value // 2, rng.randint(min(value, 0), max(2 * abs(value), 10))])
    if isinstance(value, float):
        return rng.choice([value + 1.0, value - 1.0, value * 2, round(value / 2, 3), float(round(value))])
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        return {**value, key: _changed(value[key], rng)} if rng.random() < 0.7 else {k: v for k, v in value.items() if k != key}
    if isinstance(value, str | list | tuple) and value:
        return _rearranged(value, rng)
    return value


def _rearranged(value: Any, rng: random.Random) -> Any:
    """A sequence with a part left out, doubled, moved or changed."""
    parts, place = list(value), rng.randrange(len(value))
    kind = rng.choice(["leave", "double", "swap", "change"])
    if kind == "leave":
        del parts[place]
    elif kind == "double":
        parts.insert(place, parts[place])
    elif kind == "swap":
        other = rng.randrange(len(parts))
        parts[place], parts[other] = parts[other], parts[place]
    else:
        parts[place] = rng.choice(parts) if isinstance(value, str) else _changed(parts[place], rng)
    return "".join(parts) if isinstance(value, str) else type(value)(parts)


# ---- how cases are shown


@dataclass(frozen=True, slots=True)
class Case:
    """One input and what came of it."""

    arguments: Arguments
    output: Mapping[str, str]

    @property
    def result(self) -> str:
        return self.output.get("return") or f"exception {self.output['error']}"

    def call(self, name: str, *, named: bool) -> str:
        inside = (f"{key}={value!r}" if named else repr(value) for key, value in self.arguments.items())
        return f"{name}({', '.join(inside)})"


def _doctest(case: Case, name: str, named: bool) -> str:
    told = case.output.get("return") or f"Traceback (most recent call last):\n    ...\n{case.output['error']}"
    return f">>> {case.call(name, named=named)}\n{told}"


def _assert(case: Case, name: str, named: bool) -> str:
    return f"assert {case.call(name, named=named)} == {case.output['return']}"


RENDERINGS: Mapping[str, Callable[[Case, str], str]] = {
    "dict": lambda case, _: f"Input: {case.arguments!r}\nOutput: {case.result}",
    "names": lambda case, _: "\n".join([*(f"{key} = {value!r}" for key, value in case.arguments.items()), f"-> {case.result}"]),
    "values": lambda case, _: f"{', '.join(map(repr, case.arguments.values()))} => {case.result}",
    "call": lambda case, name: f"{case.call(name, named=True)} gives {case.result}",
    "call_values": lambda case, name: f"{case.call(name, named=False)}  # {case.result}",
    "doctest": lambda case, name: _doctest(case, name, True),
    "doctest_values": lambda case, name: _doctest(case, name, False),
    "assert": lambda case, name: _assert(case, name, True),
    "assert_values": lambda case, name: _assert(case, name, False),
}
"""Ways to show a case, in two styles: raw inputs, and calls."""


def fitting(cases: Sequence[Case], target: Target) -> list[str]:
    """The renderings that say the truth about all of these cases."""
    by_position = all(tuple(case.arguments) == target.arguments[: min(len(case.arguments), target.positional)] for case in cases)
    equal = all(_is_literal(case.output.get("return", "")) for case in cases)
    return [name for name in RENDERINGS if (by_position or "values" not in name) and (equal or "assert" not in name)]


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True

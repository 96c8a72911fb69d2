"""From what was read to a checked flow: every mistake as one line with file, line and column.

Two passes. The *shape* pass gives the data to pydantic and translates its errors; what is wrong there is then repaired (a misspelt
key is taken for the one it resembles, a wrong value is left out), so that the *meaning* pass (`tilth.flows.check`) still sees the
rest and all mistakes of a file come at once.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from tilth.errors import ManyErrors, RequestError
from tilth.flows import afterwards, grammar
from tilth.flows.load import Source, Where
from tilth.flows.planned import later
from tilth.flows.words import near, shown, suggestion

if TYPE_CHECKING:
    from tilth.engine.method import Method

V = TypeVar("V")

MOST = 20
"""Mistakes reported at once; the rest is counted."""


@dataclass
class Problems:
    """Collects mistakes with their places. held: inputs that are given in memory, so that no file is looked for.

    objects: roles whose models are given as objects, so that their names are no specs.
    """

    source: Source
    held: frozenset[str] = frozenset()
    own: Method | None = None
    objects: frozenset[str] = frozenset()
    found: list[RequestError] = field(default_factory=list)
    waiting: list[RequestError] = field(default_factory=list)
    broken: list[Where] = field(default_factory=list)

    def add(self, path: Where, what: str, *, code: str = "flow.value", key: bool = False, at: tuple[int, int] | None = None) -> None:
        """Note a mistake. `key`: it is the key that is wrong, not its value; `at`: (line, column) inside the text at `path`."""
        self._note(self.found, path, what, code, key, at)

    def wait(self, path: Where, what: str, *, key: bool = False) -> None:
        """Note a part that this version does not have: no mistake, but the flow cannot run."""
        self._note(self.waiting, path, later(what), "flow.not_built", key, None)

    def _note(self, into: list[RequestError], path: Where, what: str, code: str, key: bool, at: tuple[int, int] | None) -> None:
        if at is not None:
            line, column = self.source.inside(path, *at)
        else:
            line, column = self.source.key(path) if key else self.source.place(path)
        error = RequestError(what, code=code, file=self.source.file, line=line, column=column)
        if not any((error.line, error.column, error.what) == (other.line, other.column, other.what) for other in into):
            into.append(error)

    def reported(self, path: Where) -> bool:
        """Whether the shape pass already complained about the value at `path` or about something in it."""
        known = self.source.known(path)
        return any(broken[: len(known)] == known or known[: len(broken)] == broken for broken in self.broken if broken)

    def raise_any(self) -> None:
        """Raise what was found: one error, or `ManyErrors` sorted by place, at most `MOST` with a count of the rest."""
        raise_all(self.found)


def raise_all(found: Sequence[RequestError]) -> None:
    """Raise the one error, or all of them sorted by place, at most `MOST` with a count of the rest; nothing where there is none."""
    found = sorted(found, key=lambda error: (error.line or 0, error.column or 0))
    if len(found) == 1:
        raise found[0]
    if len(found) > MOST:
        more = RequestError(f"and {len(found) - MOST} more mistakes.", code="flow.more", file=found[0].file)
        found = [*found[:MOST], more]
    if found:
        raise ManyErrors(found)


@dataclass(frozen=True)
class Examined:
    """A flow that is right. waiting: its parts that this version does not have, each with its place, in the order of the file."""

    spec: grammar.FlowSpec
    waiting: tuple[RequestError, ...] = ()


def validate(source: Source, **options: Any) -> grammar.FlowSpec:
    """The parts of a flow, checked. See :func:`examine`."""
    return examine(source, **options).spec


def examine(
    source: Source,
    *,
    held: frozenset[str] = frozenset(),
    own: Method | None = None,
    objects: frozenset[str] = frozenset(),
    meaning: Callable[[grammar.FlowSpec, Problems], None] | None = None,
) -> Examined:
    """Check what was read.

    held: inputs that are given in memory. own: a method object, instead of one of the catalog.
    meaning: the second pass; default `tilth.flows.check.check`.

    Raises
    ------
    RequestError, ManyErrors: the mistakes, sorted by place.
    """
    if meaning is None:
        from tilth.flows.check import check

        meaning = check
    problems = Problems(source, held, own, objects)
    spec = _shape(problems)
    if spec is not None:
        meaning(spec, problems)
    problems.raise_any()
    if spec is None:
        raise RequestError("the flow cannot be read.", code="flow.value", file=source.file)  # unreachable: no spec means a problem
    waiting = sorted(problems.waiting, key=lambda error: (error.line or 0, error.column or 0))
    return Examined(spec, tuple(waiting))


# --- shape ------------------------------------------------------------------------------------------------------------


def _shape(problems: Problems, rounds: int = 8) -> grammar.FlowSpec | None:
    """The flow's parts, repaired where they were wrong; None where it cannot be repaired."""
    data = copy.deepcopy(problems.source.data)
    for _ in range(rounds):
        try:
            return grammar.FlowSpec.model_validate(data)
        except ValidationError as error:
            mistakes = _translate(error, problems)
            if not all([_repair(data, mistake, problems.source) for mistake in mistakes]):
                return None
    return None


@dataclass(frozen=True)
class _Mistake:
    """path: where, as pydantic names it. rename: the key that was meant. fill: what a missing key is given to go on."""

    path: Where
    rename: str | None = None
    missing: bool = False


def _translate(error: ValidationError, problems: Problems) -> list[_Mistake]:
    """Report pydantic's errors in our words."""
    mistakes: list[_Mistake] = []
    renamed: set[Where] = set()
    unions: dict[Where, list[str]] = {}
    details = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")  # misspellings first: they explain missing keys
    for detail in details:
        path: Where = tuple(detail["loc"])
        if detail["type"] == "extra_forbidden":
            meant = unknown_key(path, problems)
            renamed.add((*path[:-1], meant) if meant else ())
            mistakes.append(_Mistake(path, rename=meant))
        elif detail["type"] == "missing":
            known = problems.source.known(path)
            if path not in renamed and not (known[-1:] == path[-1:] and known in problems.broken):  # it is there, but wrong
                _missing(path, problems)
            if path not in renamed:
                mistakes.append(_Mistake(path, missing=True))
        elif path[-1:] == ("[key]",):
            names = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
            mistakes.append(_Mistake(path[:-1], rename=_not_a_key(path[:-1], names, problems)))
        else:
            known = problems.source.known(path)
            unions.setdefault(known, []).append(wanted(detail, full="/".join(map(str, path))))
            mistakes.append(_Mistake(path))
            if len(unions[known]) == 1:
                unions[known].append(shown(detail["input"]))
    for known, (first, value, *others) in unions.items():
        _wrong(known, first, value, others, problems)
    return mistakes


def _wrong(known: Where, first: str, value: str, others: list[str], problems: Problems) -> None:
    """Report a wrong value: ``'rows' must be a whole number, not "1k".``"""
    problems.broken.append(known)
    if known == ("tilth",):
        problems.add(known, _other_grammar(problems.source.data.get("tilth")), code="flow.grammar")
        return
    name = next((str(part) for part in reversed(known) if isinstance(part, str)), "a flow")
    where = f"an item of '{name}'" if known and isinstance(known[-1], int) else f"'{name}'"
    if first.startswith("="):
        problems.add(known, f"{where} {first[1:]}", code="flow.value")
        return
    choices = [first, *(other for other in others if not other.startswith("="))]
    problems.add(known, f"{where} must be {' or '.join(dict.fromkeys(choices))}, not {value}.", code="flow.type")


WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
}


def wanted(detail: Any, full: str = "") -> str:
    """What pydantic wanted, in our words; a sentence that says more than a type begins with ``=``."""
    kind, context = str(detail["type"]), detail.get("ctx", {})
    if kind in WANTED:
        return WANTED[kind]
    if kind == "literal_error":
        expected = str(context["expected"]).replace(" or ", ", ")
        if "literal[" in full:  # one branch of a union: "a list or 'labels'"
            return expected
        return f"=cannot be {shown(detail['input'])}. It is one of {expected}."
    bounds = {"greater_than_equal": ("ge", "at least"), "greater_than": ("gt", "more than")}
    bounds |= {"less_than_equal": ("le", "at most"), "less_than": ("lt", "less than")}
    if kind in bounds:
        key, word = bounds[kind]
        return f"{word} {context[key]:g}"
    if kind in {"too_short", "too_long"}:
        least, most = context.get("min_length"), context.get("max_length")
        if isinstance(detail["input"], dict):
            return "filled in"
        bound = f"at least {least}" if least is not None else f"at most {most}"
        return f"=must have {bound} items, not {context['actual_length']}."
    message = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return f"=is not right: {message[:1].lower()}{message[1:].rstrip('.')}."


def unknown_key(path: Where, problems: Problems) -> str | None:
    """Report a key that is not known at its place; return the one that was probably meant."""
    return _not_a_key(path, known_keys(path[:-1]), problems)


def _not_a_key(path: Where, known: list[str], problems: Problems) -> str | None:
    name = str(path[-1])
    problems.broken.append(problems.source.known(path))
    problems.add(path, f"'{name}' is not a key here. {suggestion(name, known)}".rstrip(), code="flow.unknown_key", key=True)
    meant = near(name, known)
    return meant if meant in known else None


def known_keys(path: Where) -> list[str]:
    """The keys of the level that `path` leads to."""
    level = _level([part for part in path if isinstance(part, str)])
    return [one.alias or name for name, one in level.model_fields.items()]


def _level(names: list[str]) -> type[BaseModel]:
    """The part that the names of keys lead to: ``[generate, columns, text]`` leads to a column."""
    part: type[BaseModel] = grammar.FlowSpec
    for at, name in enumerate(names):
        part = INSIDE.get((part, name), part)
        named = BY_NAME.get((part, name))
        if named is not None and at + 1 < len(names):  # what follows is a free name: of a role, of data, of a column, of a metric
            return _level_in(named, names[at + 2 :])
    return part


def _level_in(part: type[BaseModel], names: list[str]) -> type[BaseModel]:
    for name in names:
        part = INSIDE.get((part, name), part)
    return part


INSIDE: dict[tuple[type[BaseModel], str], type[BaseModel]] = {
    (grammar.FlowSpec, "budget"): grammar.Budget,
    (grammar.FlowSpec, "task"): grammar.TaskSpec,
    (grammar.FlowSpec, "generate"): grammar.Stage,
    (grammar.FlowSpec, "evaluate"): afterwards.EvaluateSpec,
    (grammar.FlowSpec, "review"): afterwards.ReviewSpec,
    (grammar.FlowSpec, "export"): afterwards.ExportSpec,
    (afterwards.EvaluateSpec, "utility"): afterwards.UtilitySpec,
    (grammar.ModelSpec, "price"): grammar.PriceSpec,
    (grammar.DataSpec, "split"): grammar.SplitSpec,
    (grammar.ColumnSpec, "demonstrations"): grammar.DemonstrationSpec,
}
"""Where a key leads to a part."""

BY_NAME: dict[tuple[type[BaseModel], str], type[BaseModel]] = {
    (grammar.FlowSpec, "models"): grammar.ModelSpec,
    (grammar.FlowSpec, "data"): grammar.DataSpec,
    (grammar.Stage, "models"): grammar.ModelSpec,
    (grammar.Stage, "columns"): grammar.ColumnSpec,
    (afterwards.EvaluateSpec, "gates"): afterwards.GateSpec,
}
"""Where a key leads to parts by free names."""


def _missing(path: Where, problems: Problems) -> None:
    """Report a required key that is not there, at the thing that lacks it."""
    name = str(path[-1])
    problems.broken.append(problems.source.known(path[:-1]))
    if path == ("tilth",):
        problems.add((), "'tilth' is missing. Write as the first key: tilth: 1", code="flow.missing_key")
        return
    inside = next((str(part) for part in reversed(path[:-1]) if isinstance(part, str)), "")
    where = f"'{inside}' needs '{name}'." if inside else f"'{name}' is missing."
    problems.add(path[:-1], where, code="flow.missing_key", key=bool(inside))


def _other_grammar(version: Any) -> str:
    """``this flow needs tilth grammar 2; this is tilth 0.4 (grammar 1). Upgrade with: pip install -U tilth``"""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        have = ".".join(installed("tilth").split(".")[:2])
    except PackageNotFoundError:  # run from a source tree that is not installed
        have = "(not installed)"
    if isinstance(version, int) and not isinstance(version, bool) and version > grammar.GRAMMAR:
        return (
            f"this flow needs tilth grammar {version}; this is tilth {have} (grammar {grammar.GRAMMAR}). Upgrade with: pip install -U tilth"
        )
    return f"'tilth' must be {grammar.GRAMMAR} (the version of the grammar), not {shown(version)}."


# --- repair -----------------------------------------------------------------------------------------------------------

_FILL: dict[Where, Any] = {("tilth",): 1, ("task",): {}}


def _repair(data: dict[str, Any], mistake: _Mistake, source: Source) -> bool:
    """Change `data` so that the rest can be checked; False where that is not possible."""
    if mistake.path in _FILL and (mistake.missing or mistake.path == ("tilth",)):
        data[str(mistake.path[0])] = copy.deepcopy(_FILL[mistake.path])
        return True
    path = source.known(mistake.path[:-1] if mistake.missing else mistake.path)
    if not mistake.missing and mistake.rename is None:
        while path and isinstance(path[-1], int):  # an item of a list: leave the whole list out
            path = path[:-1]
    if not path:
        return False
    parent = _find(data, path[:-1])
    if not isinstance(parent, dict) or path[-1] not in parent:
        return not mistake.missing  # left out already, together with another mistake
    value = parent.pop(path[-1])
    if mistake.rename is not None and mistake.rename not in parent:
        parent[mistake.rename] = value
        _rename(source, path, (*path[:-1], mistake.rename))
    return True


def _find(data: Any, path: Iterable[str | int]) -> Any:
    """The value at `path`, or None."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _rename(source: Source, old: Where, new: Where) -> None:
    """Let the places of what stands under `old` be found under `new` as well."""
    _moved(source.marks, old, new)
    _moved(source.styles, old, new)


def _moved(table: dict[Where, V], old: Where, new: Where) -> None:
    size = len(old)
    moved = {(*new, *path[size:]): value for path, value in table.items() if path[:size] == old}
    table.update({path: value for path, value in moved.items() if path not in table})

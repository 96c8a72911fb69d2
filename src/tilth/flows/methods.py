"""Methods by name, and what is wrong with the parameters that a flow gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tilth.flows.load import Where
from tilth.flows.words import shown, suggestion

if TYPE_CHECKING:
    from tilth.engine.method import Method

Problem = tuple[Where, str, str, bool]
"""Where in the parameters, the sentence, its code, and whether the key itself is wrong."""


def find(name: str) -> type[Method]:
    """The class of the method called `name`; RequestError with the nearest name where there is none."""
    from tilth import catalog

    return catalog.find(name).load()


def parameter_problems(method: type[Method], given: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with `given` as the method's parameters."""
    from pydantic import ValidationError

    from tilth.flows.validate import wanted

    try:
        method.model_validate(dict(given))
    except ValidationError as error:
        known = [name for name in method.model_fields if name != "rows"]
        seen: set[Where] = set()
        for detail in error.errors():
            path: Where = tuple(detail["loc"])
            key = path[:1] if len(path) > 1 and not isinstance(path[-1], int) and path[0] in method.model_fields else path
            if key in seen:  # branches of a union
                continue
            seen.add(key)
            name = str(path[0]) if path else "with"
            if detail["type"] == "extra_forbidden":
                yield (
                    path,
                    f"'{path[-1]}' is no parameter of {method.name}. {suggestion(str(path[-1]), known)}".rstrip(),
                    "method.parameter",
                    True,
                )
            elif detail["type"] == "missing":
                yield (), f"{method.name} needs the parameter '{path[-1]}'.", "method.parameter", True
            else:
                yield path, _sentence(name, wanted(detail), detail["input"]), "method.parameter", False
    if "rows" in given:
        yield ("rows",), "'rows' stands beside 'method', not under 'with'.", "method.parameter", True


def _sentence(name: str, want: str, value: Any) -> str:
    return f"'{name}' {want[1:]}" if want.startswith("=") else f"'{name}' must be {want}, not {shown(value)}."

"""Every step by name, loaded when it is used; and how a step is written."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tilth.curate.base import Step
from tilth.errors import RequestError
from tilth.records.hints import did_you_mean

STEPS = {
    "refusals": "tilth.curate.rules:Refusals",
    "length": "tilth.curate.rules:Length",
    "language": "tilth.curate.rules:Language",
    "drop_if": "tilth.curate.rules:DropIf",
    "keep_if": "tilth.curate.rules:KeepIf",
    "dedupe": "tilth.curate.duplicates:Dedupe",
    "decontaminate": "tilth.curate.duplicates:Decontaminate",
    "label_probability": "tilth.curate.labels:LabelProbability",
    "label_noise": "tilth.curate.labels:LabelNoise",
    "judge": "tilth.curate.judged:Judge",
    "balance": "tilth.curate.balance:Balance",
}
"""Name of a step to its class."""

NOT_BUILT = ("pii", "toxicity", "grounded", "verify", "score", "relabel", "weight", "outliers", "select", "mix")
"""Steps of the grammar that this version refuses by name."""


def step_class(name: str) -> type[Step]:
    """The class of a step.

    Raises
    ------
    RequestError: there is no such step, or it is not built yet.
    """
    if name in NOT_BUILT:
        raise RequestError(f"step '{name}' is not built yet in this version; leave it out.", code="flow.not_built")
    target = STEPS.get(name)
    if target is None:
        raise RequestError(f"no step is called '{name}'.{did_you_mean(name, STEPS)}", code="curate.unknown_step")
    module, _, attribute = target.partition(":")
    found: type[Step] = getattr(import_module(module), attribute)
    return found


def written(item: Any) -> tuple[str, dict[str, Any]]:
    """Name and settings of a step as it is written: ``NAME``, ``{NAME: VALUE}`` or ``{NAME: {setting: value}}``.

    Raises
    ------
    RequestError: it is none of these, the step is unknown, or it takes no value.
    """
    if isinstance(item, str):
        step_class(item)
        return item, {}
    if not isinstance(item, Mapping) or len(item) != 1:
        raise RequestError("a step is NAME, NAME: VALUE, or NAME: {setting: value}, one in each list item.", code="curate.step")
    name, value = next(iter(item.items()))
    found = step_class(str(name))
    if value is None:
        return str(name), {}
    if isinstance(value, Mapping):
        return str(name), dict(value)
    if not found.plain:
        raise RequestError(f"step '{name}' takes no plain value. Write: {name}: {{setting: value}}", code="curate.step")
    return str(name), found.settings_of(value)


def step_of(item: Any) -> Step:
    """A step from what a flow would say, or the step itself.

    >>> step_of({"length": {"words": [3, 400]}}).step_id
    'length'

    Raises
    ------
    RequestError: what is written is wrong.
    """
    from pydantic import ValidationError

    if isinstance(item, Step):
        return item
    name, settings = written(item)
    try:
        return step_class(name)(**settings)
    except ValidationError as error:
        raise RequestError(f"step '{name}': {problem(error, step_class(name))}", code="curate.setting") from None


def problem(error: Any, step: type[Step]) -> str:
    """The first mistake in a step's settings, in one sentence."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("function", "literal", "constrained")))
    if first["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in step.model_fields.items()]
        return f"'{where}' is no setting.{did_you_mean(where, known)}"
    message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{where}: {message}." if where else f"{message}."

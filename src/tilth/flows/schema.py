"""The JSON Schema (2020-12) of a flow file, for editors: keys, types, what each means, and the parameters of every method.

Made from the grammar, the methods, the steps and the metrics; nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.flows import planned
from tilth.flows.grammar import FlowSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

USUAL = {
    "temperature": "0 always takes the likeliest token.",
    "top_p": "Nucleus sampling: only the likeliest tokens that make up this share.",
    "max_tokens": "Most tokens of one reply.",
    "frequency_penalty": "Lowers the odds of tokens by how often they came.",
    "presence_penalty": "Lowers the odds of tokens that came before.",
}
"""What parameters mean that methods leave without a word."""

PLAIN = {"type": ["string", "number", "boolean", "array", "null"]}


def flow_schema() -> dict[str, Any]:
    """The whole schema. Loads every method."""
    whole = _tidy(FlowSpec.model_json_schema(by_alias=True))
    definitions = whole["$defs"]
    _stage(definitions["Stage"], definitions)
    whole["properties"]["curate"]["items"] = _steps(definitions)
    evaluate = definitions["EvaluateSpec"]["properties"]
    evaluate["metrics"]["anyOf"] = [{"type": "array", "items": _metrics(definitions)}, {"type": "null"}]
    return {
        "$schema": DIALECT,
        "title": "tilth flow",
        **whole,
        "patternProperties": {"^x-": {"description": "Ignored: a place for anchors and notes."}},
    }


def _stage(stage: dict[str, Any], definitions: dict[str, Any]) -> None:
    """``if method = x then with = schema of x``."""
    from tilth import catalog

    built = catalog.methods()
    names = sorted({spelt for name in (*built, *planned.METHODS) for spelt in _spellings(name)})
    stage["properties"]["method"] = {**_bare(stage["properties"]["method"]), "enum": [*names, None]}
    stage["allOf"] = [
        {
            "if": {"properties": {"method": {"enum": _spellings(name)}}, "required": ["method"]},
            "then": {"properties": {"with": _parameters(entry.load(), f"method.{name}", definitions)}},
        }
        for name, entry in built.items()
    ]


def _bare(field: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in field.items() if key not in ("anyOf", "type")}


def _spellings(name: str) -> list[str]:
    """As the catalog has it, and as a flow may write it.

    >>> _spellings("evol-instruct"), _spellings("zerogen")
    (['evol-instruct', 'evol_instruct'], ['zerogen'])
    """
    return list(dict.fromkeys([name, name.replace("-", "_"), name.replace("_", "-")]))


def _parameters(model: Any, prefix: str, definitions: dict[str, Any], *, without: tuple[str, ...] = ("rows",)) -> dict[str, Any]:
    """The schema of a model's fields; its own definitions move to the flow's under `prefix`."""
    schema: dict[str, Any] = _moved(_tidy(model.model_json_schema(by_alias=True)), prefix)
    definitions.update({f"{prefix}.{name}": body for name, body in schema.pop("$defs", {}).items()})
    schema["properties"] = {name: field for name, field in schema.get("properties", {}).items() if name not in without}
    for name, field in schema["properties"].items():
        field.setdefault("description", USUAL.get(name, f"Parameter of {prefix.partition('.')[2]}."))
    return schema


def _steps(definitions: dict[str, Any]) -> dict[str, Any]:
    """``NAME``, ``NAME: VALUE`` or ``NAME: {setting: value}``."""
    from tilth.curate.catalog import STEPS, step_class

    settings: dict[str, Any] = {}
    for name in STEPS:
        step = step_class(name)
        schema = _parameters(step, f"step.{name}", definitions, without=())
        described = {"description": _first(step.__doc__) or f"Step {name}."}
        if step.plain:
            schema.pop("required", None)
        settings[name] = {**described, "anyOf": [schema, PLAIN if step.plain else {"type": "null"}]}
    settings |= {name: {"description": "Not in this version yet."} for name in sorted(planned.STEPS - set(STEPS))}
    return _named(settings)


def _metrics(definitions: dict[str, Any]) -> dict[str, Any]:
    from tilth.evaluate.metrics import BY_NAME

    settings: dict[str, Any] = {}
    for name, metric in BY_NAME.items():
        schema = _parameters(metric, f"metric.{name}", definitions, without=())
        settings[name] = {"description": _first(metric.__doc__) or f"Metric {name}.", "anyOf": [schema, {"type": "null"}]}
    settings["utility"] = {"description": "What the records are worth to students.", "type": ["object", "null"]}
    settings |= {name: {"description": "Not in this version yet."} for name in sorted(planned.METRICS - set(settings))}
    return _named(settings)


def _named(settings: dict[str, Any]) -> dict[str, Any]:
    """An item of a list that is a name, or one name with its settings."""
    one = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False, "properties": settings}
    return {"anyOf": [{"enum": list(settings)}, one]}


def _first(text: str | None) -> str:
    """The first sentence of a docstring, on one line."""
    return " ".join((text or "").split("\n\n")[0].split())


def _tidy(node: Any, *, name: str = "") -> Any:
    """Without the titles that pydantic makes of names (a property called ``title`` stays)."""
    if isinstance(node, list):
        return [_tidy(one) for one in node]
    if not isinstance(node, dict):
        return node
    named = name in ("properties", "$defs")
    return {key: _tidy(value, name=key) for key, value in node.items() if named or key != "title" or not isinstance(value, str)}


def _moved(node: Any, prefix: str) -> Any:
    """References to a model's own definitions, as they are called in the flow's schema."""
    if isinstance(node, list):
        return [_moved(one, prefix) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"#/$defs/{prefix}.{value.removeprefix('#/$defs/')}" if key == "$ref" else _moved(value, prefix) for key, value in node.items()
    }

"""The JSON Schema for editors: it accepts what we accept, refuses what it can see to be wrong, and explains every field."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tilth import catalog
from tilth.flows.load import load, loads
from tilth.flows.presets import preset, presets
from tilth.flows.schema import flow_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted([*(ROOT / "examples").glob("*.yaml"), *(ROOT / "examples" / "flows").glob("*.yaml")])

GOOD = loads("""\
tilth: 1
x-note: {anything: 1}
models: {generator: local, judge: {model: openai/m, price: {in: 1, out: 2}}, pool: [local, {model: openai/m}]}
task: {kind: classification, labels: [a, b]}
data: {support: s.csv, docs: {read: d.md, split: {by: heading}}}
generate:
  method: evol_instruct
  rows: 3
  with: {rounds: 2}
curate:
  - refusals
  - dedupe: exact
  - length: {words: [3, 40]}
  - pii: {action: mask}
evaluate:
  metrics: [vendi, {agreement: {with: people}}, utility]
  utility: {student: tfidf_lr}
  gates: {near_duplicates: {at_most: 0.1, level: should}}
review: {audit: 100}
export: [{to: parquet, split: {train: 0.9, test: 0.1}}]
""").data


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return flow_schema()


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def wrong(validator: Draft202012Validator, data: Any) -> list[str]:
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(data)]


def test_it_accepts_the_flows_that_we_accept(validator: Draft202012Validator) -> None:
    assert wrong(validator, GOOD) == []
    for data in [*(load(path).data for path in EXAMPLES), *(preset(name).source.data for name in presets())]:
        assert wrong(validator, data) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("task", "knd"), "text"),
        (("generate", "rows"), "1k"),
        (("generate", "method"), "atrprompt"),
        (("generate", "with", "ronds"), 3),
        (("generate", "with", "rounds"), "many"),
        (("curate", 0), "refusal"),
        (("curate", 2, "length", "wrds"), [1, 2]),
        (("evaluate", "metrics", 0), "vend"),
        (("evaluate", "gates", "near_duplicates", "min"), 1),
        (("export", 0, "to"), "xml"),
        (("data", "docs", "split", "by"), "chapter"),
        (("models", "judge", "price", "inn"), 1),
    ],
)
def test_it_refuses_what_we_refuse(validator: Draft202012Validator, path: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(GOOD)
    inside = data
    for part in path[:-1]:
        inside = inside[part]
    inside[path[-1]] = value
    assert wrong(validator, data)


def properties(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of the schema, with where it stands; conditions of `if` are none."""
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from properties(one, f"{at}/{number}")
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "properties":
                yield from ((f"{at}/{name}", field) for name, field in value.items())
            if key != "if":
                yield from properties(value, f"{at}/{key}")


def test_every_field_is_described(schema: dict[str, Any]) -> None:
    fields = [(at, field) for at, field in properties(schema) if not at.endswith("then/with")]
    assert len(fields) > 150
    assert [at for at, field in fields if not field.get("description")] == []


def test_every_field_of_the_grammar_has_an_example(schema: dict[str, Any]) -> None:
    parts = {name: body for name, body in schema["$defs"].items() if "." not in name}
    fields = [(f"{part}.{name}", field) for part, body in {"flow": schema, **parts}.items() for name, field in body["properties"].items()]
    assert [name for name, field in fields if not field.get("examples")] == []
    assert [name for name, field in fields if "default" not in field and name.partition(".")[2] not in REQUIRED] == []
    assert all(body["additionalProperties"] is False for body in parts.values())


REQUIRED = {"tilth", "task", "generate", "model", "in", "out", "read", "from", "to"}


def test_every_method_brings_its_parameters(schema: dict[str, Any]) -> None:
    known = {name for rule in schema["$defs"]["Stage"]["allOf"] for name in rule["if"]["properties"]["method"]["enum"]}
    assert set(catalog.methods()) <= known


def test_it_is_small_enough_for_an_editor(schema: dict[str, Any]) -> None:
    assert len(json.dumps(schema)) < 400_000

"""Every method is told in full: paper, inputs, roles, columns, parameters, and what a record costs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cli.conftest import Tell
from tilth import catalog

NAMES = sorted(catalog.methods())
COST = re.compile(r"\d|\bone\b|\bnone\b|`\w+`|\bas \w+")
"""A figure, or a formula of the parameters."""


@pytest.fixture(scope="module")
def parts() -> dict[str, dict[str, Any]]:
    from tilth.cli.commands.catalog import _in_full, everything

    return {one.slug: _in_full(one) for one in everything() if one.kind == "method"}


def test_catalog_and_methods_list_the_same_methods(tilth: Tell) -> None:
    listed = {one["name"]: one for one in tilth("methods", "--json").json["result"]["methods"] if one["kind"] == "method"}
    parts = tilth("catalog", "--kind", "method", "--json").json["result"]["parts"]
    assert [one["slug"] for one in parts] == sorted(listed) == NAMES
    for part in parts:
        for key in ("paper", "family", "inputs", "roles", "columns", "calls"):
            assert listed[part["slug"]][key] == part[key], (part["slug"], key)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_method_is_left_open(name: str, parts: dict[str, dict[str, Any]]) -> None:
    part = parts[name]
    assert re.fullmatch(r"\d{4}\.\d{4,5}", part["paper"]), part["paper"]
    assert part["summary"] and part["family"] and part["roles"] and part["columns"] and isinstance(part["inputs"], dict)
    assert COST.search(part["calls"]), f"{name}: the docstring says no 'Calls:' with a figure or a formula: {part['calls']!r}"
    assert {"when", "needs", "calls"} <= set(part["notes"]), f"{name}: {sorted(part['notes'])}"
    assert [one["name"] for one in part["parameters"] if not one["meaning"]] == [] and len(part["parameters"]) >= 3


def test_one_method_says_the_same_alone(tilth: Tell, parts: dict[str, dict[str, Any]]) -> None:
    told = tilth("methods", "gpt3mix", "--json").json["result"]
    assert {key: value for key, value in told.items() if key in parts["gpt3mix"]} == {
        key: value for key, value in parts["gpt3mix"].items() if key in told
    }
    assert told["calls"] == "1 per text (score: 2, votes: 1 + votes)."

"""Numbers, continuing commands, options and estimates: the small pure parts."""

from __future__ import annotations

import doctest
import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from tilth.cli import again, estimate, numbers, trial
from tilth.cli.commands.run import pairs, roles, values
from tilth.cli.estimate import Call, Unit, divide, project
from tilth.errors import RequestError
from tilth.methods.instructions.agentinstruct import AgentInstruct
from tilth.records.data import Data


@pytest.mark.parametrize("name", ["again", "clean", "numbers", "commands.run"])
def test_examples_in_docstrings_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"tilth.cli.{name}"))
    assert found.attempted and not found.failed


def test_unknown_is_never_zero() -> None:
    assert numbers.money(None) == numbers.count(None) == numbers.tokens(None) == numbers.duration(None) == "unknown"
    assert numbers.money(0.00001) == "under $0.0001"


def test_reasons_are_ranked_and_the_rest_is_summed() -> None:
    assert (
        numbers.reasons({"parse": 3, "refused": 9, "a_b": 1, "x": 1}, top=2)
        == "9 refused to answer, 3 reply not readable, 2 for other reasons"
    )


def test_moment() -> None:
    day = 86400.0
    assert numbers.moment(1000.0 * day, 1000.0 * day + 3) == "now"
    assert len(numbers.moment(990 * day, 1000 * day)) == 10


def test_a_larger_budget_is_suggested_from_what_the_rows_cost() -> None:
    line, more = again.larger(["run", "h.yaml", "--budget", "4"], spent=4.0, kept=500, asked=5000)
    assert line == "tilth run h.yaml --budget 44" and more == "continues (about $36.00 more)"
    line, more = again.larger(["run", "h.yaml", "--budget=0.01"], spent=0.009, kept=0, asked=5000)
    assert line == "tilth run h.yaml --budget 0.02" and more == "continues"


def test_values_are_read_as_a_flow_would() -> None:
    assert values(["a.b=[1, yes]", "c=0.5", "d=true", "e="], "-s") == {"a.b": [1, "yes"], "c": 0.5, "d": True, "e": None}
    with pytest.raises(RequestError, match=r"-s a: write it as NAME=VALUE\."):
        values(["a"], "-s")
    with pytest.raises(RequestError, match=r"-p a=\[1: not YAML"):
        values(["a=[1"], "-p")


def test_a_role_is_told_from_a_spec() -> None:
    given = ["openai/m@http://h:1/v1?a=b", "judge=openai/x@http://h/v1", "local?fast"]
    assert roles(given) == {"generator": ["openai/m@http://h:1/v1?a=b", "local?fast"], "judge": ["openai/x@http://h/v1"]}
    assert pairs(["support=a=b.csv"], "--data") == {"support": "a=b.csv"}


def test_an_estimate_scales_units_and_not_what_they_share() -> None:
    units = [Unit(1, 2, 100, 10, 0.5), Unit(0, 2, 100, 10, 0.5)] * 10
    found = project(units, Unit(0, 7, 0, 0, 0.0), rows=1000)
    assert found["calls"].expected == 7 + 1000 * 4
    assert found["usd"].expected == 1000
    low, high = found["calls"].low, found["calls"].high
    assert low is not None and high is not None and low < 4007 < high
    assert project(units, Unit(0, 7, 0, 0, 0.0), rows=1000) == found


def test_an_estimate_without_a_kept_unit_or_a_price_is_unknown() -> None:
    assert project([Unit(0, 1, 1, 1, 1.0)], Unit(0, 0, 0, 0, 0.0), 10)["calls"] == estimate.Span(None, None, None)
    found = project([Unit(1, 1, 1, 1, None)], Unit(0, 0, 0, 0, 0.0), 10)
    assert found["usd"].expected is None and found["calls"].expected == 10


def test_calls_belong_to_the_record_at_their_place() -> None:
    calls = [
        Call("attributes", 1, 1, 0.1, 1.0),
        Call("values:tone", 1, 1, 0.1, 1.0),
        Call("write:0", 10, 5, 0.2, 1.0),
        Call("write:0/check:1", 10, 5, 0.2, 1.0),
        Call("write:1", 10, 5, None, 1.0),
        Call("write:99", 10, 5, 9.0, 1.0),
    ]
    units, shared = divide({"write:0": (1, 1), "write:1": (0, 0)}, calls)
    assert units == [Unit(1, 2, 20, 10, 0.4, 2.0, 1), Unit(0, 1, 10, 5, None, 1.0)]
    assert (shared.calls, shared.usd) == (2, 0.2)


def test_a_method_may_foretell_its_rows() -> None:
    def rows(**settings: Any) -> int | None:
        method = AgentInstruct(types=1, suggestions=2, **settings)
        data = {"seeds": Data.of([{"text": "One."}, {"text": "Two.", "skill": "tool_use"}, {"text": " "}], name="seeds")}
        return trial.wanted(SimpleNamespace(method=method, settings=SimpleNamespace(data=data)))  # type: ignore[arg-type]

    assert (rows(), rows(rounds=0), rows(rows=7)) == (9, 3, 7)


def test_rows_that_come_of_one_call_are_one_unit_with_it() -> None:
    texts = [Call("text:0", 8, 1, 0.1, 1.0), Call("text:0/task:0", 1, 1, 0.1, 1.0), Call("text:0/task:1", 1, 1, 0.1, 1.0)]
    calls = [*texts, Call("text:9", 8, 1, 0.1, 1.0), Call("rubric:b07e", 4, 1, 0.5, 2.0, "judge")]
    places = {"text:0/task:0": (1, 1), "text:0/task:1": (1, 0), "text:1/task:0": (1, 1)}
    units, shared = divide(places, calls, {"b07e": "text:0/task:1"}, frozenset({"rubric"}))
    assert [(unit.kept, unit.after, unit.calls) for unit in units] == [(2, 1, 4), (1, 1, 0)] and shared.calls == 0


def test_the_calls_of_a_judge_count_where_their_row_was_made() -> None:
    calls = [Call("write:0", 1, 1, 0.1, 1.0), Call("write:2", 1, 1, 0.1, 1.0), Call("rubric:b07e", 4, 1, 0.5, 2.0, "judge")]
    units, shared = divide({"write:0": (1, 1), "write:2": (1, 0)}, calls, {"3fa9": "write:0", "b07e": "write:2"}, frozenset({"rubric"}))
    assert [unit.calls for unit in units] == [1, 2] and units[1].by_role["judge"] == (0.5, 4, 1) and shared.calls == 0

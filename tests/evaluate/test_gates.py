"""Gates: which end of the interval decides, and that nothing passes which was not measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from tilth.evaluate.base import Value
from tilth.evaluate.gates import Gate, check, gates_of, suggested
from tilth.records.figures import figure
from tilth.stats.intervals import wilson


def share(metric: str, hits: int, n: int, **more: Any) -> Value:
    found = wilson(hits, n)
    assert found is not None
    return Value(metric, found.value, (found.low, found.high), n=n, **more)


def one(gate: Gate, *values: Value) -> Any:
    (checked,) = check([gate], values)
    return checked


AUDIT = Gate(metric="label_agreement", at_least=0.85)
PEOPLE = {"people": 2}


def test_the_running_example_holds() -> None:
    audited = one(AUDIT, share("label_agreement", 94, 100, detail=PEOPLE))
    assert (audited.state, audited.bound, audited.shown) == ("holds", "at least 0.85", "0.94 [0.88, 0.97]")
    assert audited.why == "100 audited, 2 people"
    near = one(Gate(metric="near_duplicates", at_most=0.05), share("near_duplicates", 17, 820))
    assert near.state == "holds" and near.value.interval == pytest.approx((0.013, 0.033), abs=5e-4)
    clean = one(Gate(metric="contamination", at_most=0, on="point"), share("contamination_8", 0, 820))
    assert (clean.state, clean.bound, clean.shown) == ("holds", "at most 0", "0 of 820")


def test_91_of_100_is_above_the_bound_and_yet_fails_because_its_interval_reaches_below() -> None:
    value = share("label_agreement", 91, 100, detail=PEOPLE)
    assert value.interval == pytest.approx((0.838, 0.952), abs=5e-4)
    failed = one(AUDIT, value)
    assert failed.state == "fails" and failed.why == "the lower end of its interval, 0.838, is below 0.85"
    assert one(AUDIT.model_copy(update={"on": "point"}), value).state == "holds"


def test_at_most_asks_the_upper_end_and_says_when_that_can_never_hold() -> None:
    value = share("contamination_8", 0, 820)
    strict = one(Gate(metric="contamination", at_most=0), value)
    assert strict.state == "fails" and strict.why.endswith("that end is never 0: write on: point")
    assert one(Gate(metric="contamination", at_most=0.01), value).state == "holds"
    assert one(Gate(metric="contamination", at_most=0.004), value).state == "fails"


def test_a_bound_that_is_met_exactly_holds() -> None:
    value = Value("x", 0.5, (0.4, 0.6), n=10)
    assert [one(gate, value).state for gate in (Gate(metric="x", at_least=0.4), Gate(metric="x", at_most=0.6))] == ["holds", "holds"]
    assert one(Gate(metric="x", at_least=0.4, at_most=0.59), value).state == "fails"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "it was not measured"),
        (Value("x", None, detail={"why": "needs the real data: --real FILE"}), "needs the real data: --real FILE"),
        (Value("x", float("nan"), (0.9, 0.9)), "it was not measured"),
        (Value("x", 0.9), "it has no interval; to ask the figure itself: on: point"),
        (Value("x", 0.9, (0.9, float("nan"))), "it has no interval; to ask the figure itself: on: point"),
        (Value("y", 0.9, (0.9, 0.95)), "it was not measured"),
    ],
)
def test_what_is_not_known_never_passes(value: Value | None, why: str) -> None:
    checked = one(Gate(metric="x", at_least=0.1), *([value] if value is not None else []))
    assert (checked.state, checked.why) == ("unknown", why)


def test_what_a_student_says_of_labels_is_not_what_people_say() -> None:
    student = share("label_agreement", 99, 100, detail={"judge": "trained on 100 real rows"})
    assert (one(AUDIT, student).state, one(AUDIT, student).why) == ("unknown", "no human labels yet: review 100 records")
    assert one(Gate(metric="student_agreement", at_least=0.85), student).state == "holds"
    people = share("label_agreement", 80, 100, detail=PEOPLE)
    assert one(AUDIT, student, people).state == "fails"


def test_a_name_for_several_figures_asks_each_and_shows_the_worst() -> None:
    values = [
        Value("utility_16_tfidf", 0.71, (0.67, 0.75), n=400, reference=0.49, detail={"majority": [0.11, 0.1, 0.12]}),
        Value("utility_100_tfidf", 0.80, (0.78, 0.83), n=400, reference=0.75),
    ]
    held = one(Gate(metric="utility", at_least=0.6), *values)
    assert (held.state, held.shown, held.why) == ("holds", "0.71 [0.67, 0.75]", "16 real alone 0.49, majority 0.11")
    assert one(Gate(metric="utility", at_least=0.7), *values).value.metric == "utility_16_tfidf"
    assert one(Gate(metric="utility_100_tfidf", at_least=0.7), *values).state == "holds"
    partly = [replace(values[0], value=None, interval=None), values[1]]
    assert one(Gate(metric="utility", at_least=0.6), *partly).state == "unknown"
    assert one(Gate(metric="utility", at_least=0.9), *partly).state == "fails"


def test_the_stricter_rule_of_contamination_decides() -> None:
    values = [share("contamination_8", 9, 100), share("contamination_13", 0, 100)]
    assert one(Gate(metric="contamination", at_most=0.05), *values).value.metric == "contamination_8"


@pytest.mark.parametrize(
    "settings", [{}, {"at_least": float("nan")}, {"at_least": 0.9, "at_most": 0.1}, {"at_least": 1, "level": "may"}, {"least": 1}]
)
def test_a_gate_without_a_sensible_bound_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        gates_of({"x": settings})


def test_a_gate_reads_as_the_flow_wrote_it() -> None:
    (gate,) = gates_of({"contamination": {"at_least": None, "at_most": 0, "on": "point", "level": "must"}})
    assert gate == Gate(metric="contamination", at_most=0, on="point")
    assert gates_of({gate.metric: gate.settings()}) == (gate,)
    assert gates_of(None) == ()


@pytest.mark.parametrize("kind", ["classification", "instruction", "code", "preference", "tabular", "text", "qa"])
def test_suggested_gates_decide_nothing(kind: str) -> None:
    gates = suggested(kind)
    assert gates and all(gate.level == "should" and gate.suggested for gate in gates)


def test_the_gates_that_are_suggested_for_labels() -> None:
    bounds = {gate.metric: gate.bound for gate in suggested("classification")}
    assert bounds == {"label_agreement": "at least 0.85", "near_duplicates": "at most 0.05", "contamination": "at most 0"}


def test_as_json() -> None:
    plain = one(Gate(metric="utility", at_least=0.6), Value("utility_16_tfidf", 0.71, (0.67, 0.75), n=400)).to_json()
    wanted = {
        "metric": "utility",
        "bound": {"at_least": 0.6},
        "level": "must",
        "on": "interval",
        "value": 0.71,
        "ci": [0.67, 0.75],
        "n": 400,
    }
    assert plain == {**wanted, "suggested": False, "state": "holds", "why": ""}
    missing = one(AUDIT).to_json()
    assert (missing["value"], missing["ci"], missing["n"], missing["state"]) == (None, None, 0, "unknown")


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [(0.0, (0.0, 0.00466), "0 [0, 0.005]"), (0.0207, (0.013, 0.033), "0.021 [0.013, 0.033]"), (168.2, None, "168"), (12.34, None, "12.3")],
)
def test_figures_have_as_many_digits_as_they_need(value: float, interval: Any, text: str) -> None:
    assert figure(value, interval) == text

"""The verdict: five answers, and never a better one than the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluate.test_gates import share
from tilth.evaluate.base import Value
from tilth.evaluate.gates import Gate, check, family, suggested
from tilth.evaluate.verdict import Evidence, Verdict, verdict

AUDIT = share("label_agreement", 94, 100, detail={"people": 2})
UTILITY = Value(
    "utility_16_tfidf", 0.71, (0.67, 0.75), n=400, kernel="tfidf, logistic regression, macro_f1", reference=0.49,
    detail={"majority": [0.11, 0.1, 0.12]},
)  # fmt: skip
VALUES = (AUDIT, UTILITY, share("near_duplicates", 17, 820), share("contamination_8", 0, 820))
GATES = (
    Gate(metric="near_duplicates", at_most=0.05),
    Gate(metric="contamination", at_most=0, on="point"),
    Gate(metric="utility", at_least=0.6),
    Gate(metric="label_agreement", at_least=0.85),
)
EVIDENCE = Evidence(run="support-intents", kind="classification", language="en", kept=820, values=VALUES, holdout=400)


def answer(gates: Sequence[Gate] = GATES, values: Sequence[Value] = VALUES, **more: Any) -> Verdict:
    return verdict(check(gates, values), replace(EVIDENCE, values=values, **more))


def without(*names: str) -> tuple[Value, ...]:
    return tuple(one for one in VALUES if family(one.metric) not in names)


def test_yes() -> None:
    found = answer()
    assert (found.state, found.text, found.passed) == ("yes", "YES, for training classifiers.", True)
    assert found.gates == "4 of 4 gates hold" and found.remedy == ""
    assert found.sentence == (
        "A small model trained on 16 real records and these 820 reaches macro f1 0.71 [0.67, 0.75] on 400 real ones that nothing "
        "else has seen; the 16 real ones alone give 0.49, the most frequent label 0.11."
    )


def test_a_gate_without_evidence_makes_it_unknown() -> None:
    found = answer(values=without("label_agreement"))
    assert (found.state, found.text, found.passed) == ("unknown", "NOT KNOWN YET: 1 of 4 gates has no evidence.", False)
    assert (found.holds, found.of, found.remedy) == (3, 4, "")


def test_91_of_100_is_not_yet() -> None:
    found = answer(values=(share("label_agreement", 91, 100, detail={"people": 2}), *VALUES[1:]))
    assert found.state == "not_yet"
    assert found.text == (
        "NOT YET: label_agreement is 0.91 [0.84, 0.95], and at least 0.85 is asked: the lower end of its interval, 0.838, is below 0.85."
    )


def test_the_worst_of_several_failures_is_named() -> None:
    values = (share("near_duplicates", 60, 820), share("contamination_8", 300, 820), *VALUES[:2])
    assert answer(values=values).text.startswith("NOT YET: contamination is 300 of 820, and at most 0 is asked")
    assert answer(values=values).remedy == 'tilth curate support-intents -s "decontaminate" --holdout FILE'
    assert answer(values=values, steps=("dedupe",)).remedy == "tilth report support-intents --open"


def test_a_failure_is_said_before_what_is_missing() -> None:
    assert answer(values=(share("near_duplicates", 90, 820),)).state == "not_yet"


@pytest.mark.parametrize("bad", [True, False])
def test_a_should_that_fails_or_is_unknown_is_a_but(bad: bool) -> None:
    gates = (*GATES, Gate(metric="length_bias", at_most=0.6, level="should"))
    found = answer(gates, (*VALUES, Value("length_bias", 0.65, (0.61, 0.69), n=200)) if bad else VALUES)
    assert (found.state, found.passed) == ("yes_but", True)
    assert found.text == ("YES, BUT length_bias 0.65 [0.61, 0.69]." if bad else "YES, BUT length_bias is not known.")


@pytest.mark.parametrize(
    ("gates", "missing"),
    [
        ((), "no gate is set"),
        (suggested("classification"), "no gate must hold; those shown are suggestions"),
        ((Gate(metric="near_duplicates", at_most=0.05, level="should"),), "no gate must hold; all are 'should'"),
        ((Gate(metric="near_duplicates", at_most=0.05),), "no gate rests on people or on real data that nothing else has seen"),
        (GATES[:2], "no gate rests on people or on real data that nothing else has seen"),  # an empty text passes both
    ],
)
def test_gates_that_prove_nothing_give_no_yes(gates: tuple[Gate, ...], missing: str) -> None:
    found = answer(gates)
    assert (found.state, found.text) == ("unknown", f"NOT KNOWN YET: {missing}.")
    assert found.remedy == "tilth evaluate support-intents --real FILE --holdout FILE --utility --gate 'utility>=0.6'"
    known = answer(gates, named=("support", "holdout", "real"), where=" --runs x")
    assert known.remedy == "tilth evaluate support-intents --utility --gate 'utility>=0.6' --runs x"


def test_utility_without_holdout_rows_is_no_evidence() -> None:
    assert answer(GATES[:3]).state == "yes"
    assert answer(GATES[:3], holdout=0).state == "unknown"
    assert answer((GATES[3],), holdout=0).state == "yes"  # people are enough


def test_figures_of_other_records_and_no_records_are_no_evidence() -> None:
    assert answer(values=(), stale=True).text.startswith("NOT KNOWN YET: the figures speak of other records")
    assert answer(kept=0).text == "NOT KNOWN YET: no record is kept."


def test_what_the_embedded_model_writes_is_a_demonstration_whatever_holds() -> None:
    found = answer(embedded=True)
    assert (found.state, found.text, found.passed) == ("demo", "A DEMONSTRATION: not for training.", False)
    assert answer(values=(share("near_duplicates", 90, 820),), embedded=True).state == "demo"


def test_what_is_unfavourable_is_said() -> None:
    values = (share("label_agreement", 30, 30, detail={"people": 1}), Value("c2st", 0.83, (0.80, 0.86), n=820), UTILITY)
    same, loosened = ("openai/gpt-4.1-mini",), ("near_duplicates from at most 0.02 to at most 0.05",)
    unscored = {"judge": 0.08, "length": 0.05}
    found = answer(values=values, holdout=40, generators=same, judges=same, unscored=unscored, loosened=loosened)
    assert found.know == (
        "a classifier can tell it from real text (AUC 0.83)",
        "English only",
        "judge and generator are the same model (openai/gpt-4.1-mini); a model rates its own text too well",
        "people have read only 30 records",
        "the holdout has only 40 real rows",
        "judge could not score 8% of the records",
        "a gate was loosened after its figure was seen: near_duplicates from at most 0.02 to at most 0.05",
        "what may be trained on text of openai/gpt-4.1-mini is a matter of its terms",
    )


def test_records_that_add_nothing_to_real_ones_say_so() -> None:
    useless = replace(UTILITY, value=0.48, interval=(0.4, 0.5), detail={"verdict": "no gain"})
    line = "utility_16_tfidf: it adds nothing beside real records (0.48, without it 0.49)"
    assert line in answer(values=(useless,)).know


def test_what_is_favourable_is_not_said_there() -> None:
    values = (*VALUES, Value("c2st", 0.55, (0.5, 0.6), n=820))
    assert answer(values=values, unscored={"judge": 0.01}, generators=("local/x",), judges=("other",)).know == ("English only",)


def test_without_people_that_is_said() -> None:
    assert "no person has read any of it" in answer(values=without("label_agreement")).know


# never better than the evidence

RANK = {"yes": 2, "yes_but": 1, "not_yet": 0, "unknown": 0, "demo": 0}
NAMES = ("near_duplicates", "contamination_8", "utility_16_tfidf", "utility_100_tfidf", "label_agreement", "c2st", "vendi")


@st.composite
def figures(draw: st.DrawFn) -> Value:
    name = draw(st.sampled_from(NAMES))
    low, value, high = sorted(draw(st.lists(st.floats(0, 1), min_size=3, max_size=3)))
    detail = draw(st.sampled_from([{}, {"people": 2}])) if name == "label_agreement" else {}
    return Value(name, value, draw(st.sampled_from([(low, high), None])), n=draw(st.integers(0, 900)), detail=detail)


@st.composite
def bounds(draw: st.DrawFn) -> Gate:
    name = draw(st.sampled_from((*{family(one) for one in NAMES}, "faithfulness", "utility_16_tfidf")))
    side = draw(st.sampled_from(["at_least", "at_most"]))
    level, on = draw(st.sampled_from(["must", "should"])), draw(st.sampled_from(["interval", "point"]))
    return Gate(metric=name, level=level, on=on, **{side: draw(st.sampled_from([0.0, 0.3, 1.0]))})


@given(
    gates=st.lists(bounds(), max_size=5),
    values=st.lists(figures(), max_size=7, unique_by=lambda one: one.metric),
    holdout=st.sampled_from([0, 400]),
    data=st.data(),
)
@settings(max_examples=300, deadline=None)
def test_less_evidence_never_gives_a_better_answer(gates: list[Gate], values: list[Value], holdout: int, data: st.DataObject) -> None:
    before = answer(gates, values, holdout=holdout)
    gone = data.draw(st.sampled_from(sorted({family(one.metric) for one in values} | {"holdout", "records", "nothing"})))
    how = data.draw(st.sampled_from(["removed", "not computed", "no interval", "no people"]))
    worse = {
        "removed": lambda one: None,
        "not computed": lambda one: replace(one, value=None, interval=None),
        "no interval": lambda one: replace(one, interval=None),
        "no people": lambda one: replace(one, detail={}),
    }[how]
    left = [kept for one in values if (kept := worse(one) if family(one.metric) == gone else one) is not None]
    after = answer(gates, left, holdout=0 if gone == "holdout" else holdout, kept=0 if gone == "records" else 820)
    assert RANK[after.state] <= RANK[before.state], (before.text, after.text)
    if not any(one.detail.get("people") for one in values) and (holdout == 0 or not any(family(one.metric) == "utility" for one in values)):
        assert before.state in ("unknown", "not_yet")

"""Verifiers of code: by its tests, and of tests by small mistakes put into the code."""

from __future__ import annotations

import ast
import random
from collections import Counter

import pytest

from tilth.verify import Verifier
from tilth.verify.mutants import OPERATORS, mutants, sites
from tilth.verify.mutation import Mutation
from tilth.verify.python import PythonTests
from tilth.verify.sandbox import kind

needs_isolation = pytest.mark.skipif("kind() is None", reason="no isolation works here")
__all__ = ["kind"]

CLAMP = '''def clamp(x, low=0, high=10):
    """Between low and high: 1 < 2."""
    # a < b, never
    if x < low or not True:  # é
        return low
    best = min(x, high)
    best += 1 - 1
    return best
'''
TESTS = ["assert clamp(5) == 5", "assert clamp(-5) == 0", "assert clamp(50) == 10", "assert clamp(2.5, 3, 4) == 3"]


# python


@needs_isolation
@pytest.mark.parametrize(
    ("code", "tests", "state", "reason"),
    [
        (CLAMP, TESTS, "passed", ""),
        (CLAMP, "\n".join(TESTS), "passed", ""),
        (CLAMP, ["assert clamp(5) == 6"], "failed", "failed_tests"),
        ("def clamp(x): return 1 / 0", TESTS[:1], "failed", "error"),
        ("def clamp(x) return x", TESTS[:1], "failed", "syntax_error"),
        ("raise ValueError('no')", TESTS[:1], "failed", "load_error"),
        ("def clamp(x):\n    while True: pass", TESTS[:1], "failed", "timeout"),
        ("def clamp(x): return 'x' * 10**11", TESTS[:1], "failed", "oom"),
        ("import sys\ndef clamp(x): sys.exit(0)", TESTS[:1], "failed", "error"),
        ("", TESTS, "unscored", "no_code"),
        (CLAMP, "", "unscored", "no_tests"),
        (CLAMP, "this is no Python", "unscored", "no_tests"),
        (CLAMP, "print(clamp(5))", "unscored", "no_tests"),
        (CLAMP, "def test_nothing():\n    print(clamp(5))", "unscored", "no_checks"),
        (CLAMP, None, "unscored", "no_tests"),
    ],
)
async def test_a_row_of_code_and_tests(code, tests, state, reason):
    verdict = await PythonTests(wall=1.5).verify(None, {"code": code, "tests": tests})
    assert (verdict.state, verdict.reason) == (state, reason), verdict


@needs_isolation
async def test_the_evidence_holds_every_test_and_what_a_model_may_see():
    verdict = await PythonTests(using={"code": "output"}).verify(None, {"output": CLAMP, "tests": [TESTS[0], "assert clamp(6) == 7"]})
    assert [(one["id"], one["status"]) for one in verdict.evidence["tests"]] == [("assert_1", "passed"), ("assert_2", "failed")]
    assert verdict.evidence["passed"] == 1 and "got 6, expected 7" in verdict.evidence["trace"]
    assert "wall" not in str(verdict.evidence)  # nothing depends on the clock
    assert (await PythonTests(using={"code": "output"}).verify(None, {"output": CLAMP, "tests": TESTS})).passed


def test_both_are_verifiers():
    assert isinstance(PythonTests(), Verifier) and isinstance(Mutation(), Verifier)


async def test_a_timeout_is_believed_at_the_second_time(monkeypatch):
    """The first may be the machine's: a program that then passes has passed."""
    from tilth.verify.python import tested
    from tilth.verify.sandbox import OneTest, Result, SuiteRun

    result = Result("ok", 0, "", "", False, 0.0, 0.0, 0, "bubblewrap")

    class Slow:
        runs = 0

        def run_tests_now(self, *_, **__):
            self.runs += 1
            return SuiteRun((OneTest("assert_1", "timeout" if self.runs == 1 else "passed"),), result)

    slow = Slow()
    assert tested(slow, {"code": "", "tests": "", "module": "solution"})["tests"] == [{"id": "assert_1", "status": "passed"}]
    assert slow.runs == 2


# mutants


def test_a_mutant_changes_one_place_and_can_be_undone():
    made = mutants(CLAMP, 40, random.Random(1))
    assert len({one.code for one in made}) == len(made) == 40
    for one in made:
        assert one.undo() == CLAMP
        raw = CLAMP.encode()
        assert one.code.encode().startswith(raw[: one.site.start]) and one.code.encode().endswith(raw[one.site.end :])
        assert ast.dump(ast.parse(one.code)) != ast.dump(ast.parse(CLAMP))


def test_docstrings_comments_defaults_and_f_strings_stay():
    code = 'def f(a, b=1):\n    "1 < 2"\n    # a < b\n    return f"{a + 1}" if (a # a < b\n        < b) else ""\n'
    assert {(one.before, one.line) for one in sites(code)} == {("<", 4), ("a", 4), ("b", 5)}
    assert [one.start for one in sites(code) if one.before == "<"] == [code.rindex("<")]


def test_the_seven_operators_and_their_changes():
    code = (
        "def f(a, b):\n    c = a + b\n    c += 1\n    if a and b > 2 is not None or a not in b:\n        return g(a, b)\n    return True\n"
    )
    found = {}
    for one in sites(code):
        found.setdefault(one.operator, {}).setdefault(one.before, one.choices)
    assert set(found) == set(OPERATORS)
    assert set(found["comparison"]) == {">", "is not", "not in"} and found["comparison"]["not in"] == ("in",)
    assert found["boolean"]["and"] == ("or",) and found["arguments"]["a, b"] == ("b, a",)
    assert set(found["literal"]) == {"1", "2", "True"} and "1" not in found["literal"]["1"]
    assert "=" in found["assignment"]["+="] and len(found["binary"]["+"]) == 12
    assert set(found["variable"]["a"]) == {"b", "c"}


def test_operators_are_drawn_evenly_and_by_seed():
    counts = Counter(mutants(CLAMP, 1, random.Random(seed))[0].site.operator for seed in range(700))
    kinds = {one.operator for one in sites(CLAMP)}
    assert set(counts) == kinds and min(counts.values()) > 0.6 * 700 / len(kinds)
    assert mutants(CLAMP, 5, random.Random(3)) == mutants(CLAMP, 5, random.Random(3)) != mutants(CLAMP, 5, random.Random(4))


def test_what_is_no_python_has_no_mutant():
    assert mutants("def f(:", 3, random.Random(0)) == [] == mutants("x", 3, random.Random(0))


# mutation


@needs_isolation
async def test_good_tests_catch_more_than_weak_ones():
    strong = await Mutation(seed=2).verify(None, {"code": CLAMP, "tests": TESTS})
    weak = await Mutation(seed=2).verify(None, {"code": CLAMP, "tests": ["assert clamp(5) is not None"]})
    assert strong.passed and strong.evidence["of"] == 10 and strong.evidence["caught"] > weak.evidence["caught"]
    assert (
        weak.state == "failed"
        and weak.reason == "survived"
        and {"operator", "line", "before", "after"} <= set(weak.evidence["survivors"][0])
    )


@needs_isolation
@pytest.mark.parametrize(
    ("code", "tests", "reason"),
    [
        (CLAMP, ["assert clamp(5) == 6"], "code_fails"),
        ("def f():\n    return 'a'", ["assert f() == 'a'"], "no_mutants"),
        ("", TESTS, "no_code"),
    ],
)
async def test_where_tests_cannot_be_judged_the_row_is_unscored(code, tests, reason):
    verdict = await Mutation().verify(None, {"code": code, "tests": tests})
    assert (verdict.state, verdict.reason) == ("unscored", reason)

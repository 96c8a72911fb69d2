"""Bug repair: every record fails before and passes after, in the sandbox; bugs are small, silent and really tested."""

import ast
import random
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from methods.remembering import remembered
from tilth.methods.code._programs import applied, changed_lines, difference, fenced, shown_and_hidden
from tilth.methods.code.bug_repair import BugRepair
from tilth.models.base import Reply
from tilth.verify.mutants import mutants
from tilth.verify.sandbox import Sandbox, kind, plan

if kind() is None:
    pytest.skip("no isolation works here, and code runs in no other way", allow_module_level=True)

SIGN = '''def sign(x):
    """Minus one, nought or one."""
    if x < 0:
        return -1
    if x > 0:
        return 1
    return 0
'''
COUNT = '''def count(words, wanted):
    """How often `wanted` occurs."""
    found = 0
    for word in words:
        if word == wanted:
            found += 1
    return found
'''
PROGRAMS = [
    {"code": SIGN, "tests": "assert sign(-5) == -1\nassert sign(0) == 0\nassert sign(7) == 1\nassert sign(0.5) == 1"},
    {"code": COUNT, "tests": ["assert count(['a', 'b', 'a'], 'a') == 2", "assert count([], 'a') == 0", "assert count(['b'], 'a') == 0"]},
]
BUGGY = {
    "sign": [SIGN.replace("x > 0", "x > 1"), SIGN.replace("return -1", "return 1")],
    "count": [COUNT.replace("found += 1", "found = 1"), COUNT.replace("==", "!=")],
}
RIGHT = {"sign": SIGN, "count": COUNT}


def answers(request):
    """A capable reader: bugs where bugs are asked for, repairs that are right every second time."""
    asked = asked_of(request)
    name = "sign" if "def sign" in asked or "sign" in asked.split("Function(s):")[-1][:20] else "count"
    if "<why>" in asked:
        code = BUGGY[name][request.seed % 2]
        return f"```python\n{code}```\n<why>One statement is off.</why>"
    if "is missing in this Python module" in asked:
        return f"```python\n{(BUGGY[name] * 2)[request.seed % 3]}```"
    if "Write the report" in asked:
        return f"I called {name} and the answer was not what its name promises."
    return f"The comparison is wrong.\n```python\n{RIGHT[name] if request.seed % 2 else BUGGY[name][0]}```"


ALL = {"rule": 1.0, "llm_located": 1.0, "llm_reimpl": 1.0}
SCENARIO = Scenario(BugRepair(injectors=ALL, each=2, issue=True, repairs=2, wall=8), answers, data={"programs": PROGRAMS})
LOCAL = {"parameters": {"each": 1, "repairs": 1}, "data": {"programs": PROGRAMS[:2]}}


@pytest.fixture(scope="module", autouse=True)
def _each_pair_runs_once():
    """Equal code with equal tests is run once in this file: the programs are deterministic. `sandbox` below is not remembered."""
    from tilth.verify import python

    with remembered(python, "tested"):
        yield


@pytest.fixture(scope="module")
def sandbox():
    return Sandbox()


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """One run with everything in it; most invariants read it."""
    method = BugRepair(injectors=ALL, each=4, issue=True, repairs=2, wall=8)
    return grow(method, answers, data={"programs": PROGRAMS}, seed=3, folder=tmp_path_factory.mktemp("run"))


def rules(programs, **settings):
    return grow(BugRepair(**{"each": 3, "wall": 2, **settings}), answers, data={"programs": programs})


def reasons(grown):
    return Counter(row["reason"] for row in grown.rejected)


def test_invariant_1_the_repair_passes_all_tests_and_the_bug_fails_one(grown, sandbox):
    assert len(grown.rows) >= 4
    tests = {SIGN: PROGRAMS[0]["tests"], COUNT: PROGRAMS[1]["tests"]}
    for row in grown.rows:
        again = tests[row["fixed_code"]]
        assert sandbox.run_tests_now(row["fixed_code"], again).passed
        failed = {one.id for one in sandbox.run_tests_now(row["buggy_code"], again).outcomes if one.status != "passed"}
        assert failed == set(row["pass_to_fail"]) and failed
        assert not failed & set(row["pass_to_pass"])
        assert failed | set(row["pass_to_pass"]) == {step.id for step in plan(again) if step.id}


def test_invariant_2_the_diff_leads_there_and_back(grown):
    for row in grown.rows:
        assert applied(row["diff"], row["buggy_code"]) == row["fixed_code"]
        assert applied(row["diff"], row["fixed_code"], reverse=True) == row["buggy_code"]


@pytest.mark.parametrize("old", ["", "a\n", "a", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n", "x\ny"])
@pytest.mark.parametrize("new", ["", "a\n", "b", "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nK\nl", "y\nx\n"])
def test_diffs_of_any_texts_lead_there_and_back(old, new):
    diff = difference(old, new)
    assert applied(diff, old) == new and applied(diff, new, reverse=True) == old
    if diff and old:
        with pytest.raises(ValueError, match="does not fit"):
            applied(diff, "something else\nentirely\n")


def test_invariant_3_a_rule_changes_one_place_and_nothing_around_it():
    grown = rules(PROGRAMS)
    assert {row["injector"] for row in grown.rows} == {"rule"} and grown.requests == []
    for row in grown.rows:
        assert len(changed_lines(row["diff"])) == 2
        assert ast.dump(ast.parse(row["buggy_code"])) != ast.dump(ast.parse(row["fixed_code"]))


def test_invariant_4_classes_are_drawn_evenly():
    counts = Counter(mutants(COUNT, 1, random.Random(seed))[0].site.operator for seed in range(400))
    assert len(counts) >= 4 and max(counts.values()) < 1.5 * min(counts.values())


def test_invariant_5_neither_report_nor_prompt_tells_the_fix(grown):
    asked = [prompt for prompt in grown.prompts if "Write the report" in prompt or "has a bug" in prompt]
    assert asked
    for row in grown.rows:
        fixed = [line[1:].strip() for line in row["diff"].splitlines() if line.startswith("+") and not line.startswith("+++")]
        assert row["issue"] and not any(line in row["issue"] for line in fixed if len(line) > 5)
        assert row["explanation"] not in row["issue"] or not row["explanation"]
    assert not any("One statement is off" in prompt for prompt in asked)


def test_invariant_5_a_report_that_quotes_the_source_is_dropped():
    leaky = BugRepair(issue=True, each=4)
    grown = grow(leaky, lambda request: f"It is like this:\n{SIGN}\n{BUGGY['sign'][0]}", data={"programs": PROGRAMS[:1]})
    assert reasons(grown)["leak"] >= 2
    assert not any(line in row["issue"] for row in grown.rows for line in changed_lines(row["diff"]) if len(line) > 5)


def test_invariant_6_a_change_that_no_test_notices_is_dropped():
    same = [{"code": "def f(x):\n    y = x * 1\n    return y\n", "tests": "assert f(0) == 0\nassert f(0.0) == 0\nassert f(1) is not None"}]
    grown = rules(same, each=10)
    assert reasons(grown)["equivalent"] >= 1
    assert all(row["pass_to_fail"] for row in grown.rows)


def test_invariant_6_a_program_that_fails_its_tests_gives_nothing():
    broken = [{"code": SIGN, "tests": "assert sign(1) == 1\nassert sign(-1) == 5"}]
    grown = rules(broken)
    assert grown.rows == [] and reasons(grown) == {"baseline_fails": 1}


def test_a_program_without_tests_gives_nothing_and_a_weight_of_nought_is_refused():
    grown = rules([{"code": SIGN, "tests": None}, {"code": COUNT, "tests": []}])
    assert grown.rows == [] and reasons(grown) == {"baseline_fails": 2} and {row["detail"] for row in grown.rejected} == {"no_tests"}
    with pytest.raises(ValueError, match="greater than 0"):
        BugRepair(injectors={"rule": 0})


def test_a_program_whose_tests_are_flaky_gives_nothing(monkeypatch):
    from tilth.verify.base import Verdict
    from tilth.verify.python import PythonTests

    verify, runs = PythonTests.verify, Counter()

    async def flaky(self, run, row):
        runs[row["code"]] += 1
        return Verdict("failed", "failed_tests") if row["code"] == SIGN and runs[SIGN] == 2 else await verify(self, run, row)

    monkeypatch.setattr(PythonTests, "verify", flaky)
    grown = rules(PROGRAMS)
    assert reasons(grown)["unstable"] == 1 and {row["fixed_code"] for row in grown.rows} == {COUNT}


def test_invariant_7_a_repair_is_judged_by_tests_that_it_has_not_seen(grown, sandbox):
    tried = [(row, code, name == "repairs") for row in grown.rows for name in ("repairs", "failed_repairs") for code in row[name]]
    assert {passed for _, _, passed in tried} == {True, False}
    for row, code, passed in tried:
        tests = PROGRAMS[0 if row["fixed_code"] == SIGN else 1]["tests"]
        assert passed == sandbox.run_tests_now(code, tests).passed


def test_invariant_7_a_repair_for_the_visible_tests_alone_fails():
    def special(request):
        asked = asked_of(request)
        if "Some of its tests" in asked:
            shown = asked.split("Some of its tests:\n```\n")[1].split("```")[0]
            known = {line.split("(")[1].split(")")[0]: line.split("== ")[1] for line in shown.strip().splitlines()}
            return "```python\ndef sign(x):\n    return {" + ", ".join(f"{k}: {v}" for k, v in known.items()) + "}.get(x, 99)\n```"
        return answers(request)

    grown = grow(BugRepair(repairs=1, each=3), special, data={"programs": PROGRAMS[:1]})
    assert grown.rows and not any(row["repairs"] for row in grown.rows)
    assert sum(len(row["failed_repairs"]) for row in grown.rows) == len(grown.rows)


def test_invariant_8_an_endless_loop_is_an_outcome():
    loop = [{"code": "def down(n):\n    while n > 0:\n        n -= 1\n    return n\n", "tests": "assert down(3) == 0\nassert down(0) == 0"}]
    grown = rules(loop, each=6, at_most=6, wall=0.8)
    assert "timeout" in {row["outcome"] for row in grown.rows}
    assert all(row["pass_to_fail"] for row in grown.rows)


def test_invariant_9_a_program_that_is_not_tested_costs_no_call():
    hollow = [{"code": SIGN, "tests": "assert callable(sign)\nassert sign.__name__"}]
    grown = grow(BugRepair(injectors={"llm_located": 1.0}), answers, data={"programs": hollow})
    assert grown.requests == [] and reasons(grown) == {"untested": 1}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (SIGN, "unchanged"),
        (SIGN.replace("return 0", "return 0  # the bug"), "unchanged"),
        (SIGN.replace("return 0", "return 2  # wrong on purpose"), "comment"),
        (SIGN.replace("def sign(x)", "def sign(x, y=0)"), "signature"),
        ("import os\n" + SIGN.replace("x < 0", "x > 0"), "import"),
        ("import os\n" + SIGN.replace("return 0", "return 1"), "import"),
        (SIGN.replace("return 0", "\n    ".join(f"x = {n}" for n in range(20)) + "\n    return x"), "too_large"),
    ],
)
def test_a_models_bug_must_be_small_and_silent(code, reason):
    grown = grow(
        BugRepair(injectors={"llm_located": 1.0}, each=1), lambda request: f"```python\n{code}```", data={"programs": PROGRAMS[:1]}
    )
    assert grown.rows == [] and reasons(grown) == {reason: 1}


def test_a_bug_is_tried_once(grown):
    twice = grow(
        BugRepair(injectors={"llm_located": 1.0}, each=3),
        lambda request: f"```python\n{BUGGY['sign'][0]}```",
        data={"programs": PROGRAMS[:1]},
    )
    assert len(twice.rows) == 1 and reasons(twice) == {"duplicate": 2}
    assert len({row["buggy_code"] for row in grown.rows}) == len(grown.rows)


def test_crashes_are_a_small_share():
    code = SIGN.replace("x > 0", "y > 0")
    crashing = grow(
        BugRepair(injectors={"llm_located": 1.0}, each=1), lambda request: f"```python\n{code}```", data={"programs": PROGRAMS[:1] * 3}
    )
    assert crashing.rows == [] and reasons(crashing) == {"trivial_crash": 3}


def test_rows_and_the_share_of_a_program_hold():
    assert len(rules(PROGRAMS * 4, rows=5, each=2).rows) == 5
    assert max(Counter(row["fixed_code"] for row in rules(PROGRAMS, each=6, at_most=2).rows).values()) <= 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no code", "no_code"),
        ("```python\nx = 1\n```\n```python\ny = 2\n```", "many_fences"),
        ("```python\nx = (\n```", "syntax"),
        ("```python\nx = 1", "no_code"),
    ],
)
def test_a_reply_holds_one_whole_module(text, reason):
    from tilth.errors import Failure

    with pytest.raises(Failure) as caught:
        fenced(Reply(text=text))
    assert caught.value.reason == reason
    assert fenced(Reply(text="Well.\n```python\nx = 1\n```\nDone.")) == "x = 1\n"


def test_tests_are_shown_and_kept_back():
    tests = "import math\nassert a\nassert b\ndef test_c():\n    assert c\nx = 1\nassert d"
    visible, hidden = shown_and_hidden(tests, 0.5, random.Random(0))
    for part in (visible, hidden):
        assert part.startswith("import math") and "x = 1" in part
        assert len([step for step in plan(part) if step.id]) == 2
    assert shown_and_hidden("assert a", 0.5, random.Random(0)) == ("assert a", "")


@pytest.mark.parametrize("seed", range(5))
def test_a_test_that_fails_is_shown_and_another_kept_back(seed):
    tests = "\n".join(f"assert f({n})" for n in range(8))
    visible, hidden = shown_and_hidden(tests, 0.5, random.Random(seed), ["assert_2", "assert_7"])
    assert (visible + hidden).count("assert") == 8 and visible.count("assert") == 4
    assert ("f(1)" in visible) != ("f(6)" in visible)
    assert "f(3)" in shown_and_hidden(tests, 0.2, random.Random(seed), ["assert_4"])[0]


def test_a_report_is_written_from_a_run_that_failed(grown):
    asked = [prompt for prompt in grown.prompts if "Write the report" in prompt]
    assert asked and all("What was run:\n```\n" in prompt and "assert_" in prompt.split("What came of it:")[1] for prompt in asked)


def test_an_attempt_without_code_is_told():
    grown = grow(BugRepair(repairs=2, each=1), lambda request: "I would look at the comparison.", data={"programs": PROGRAMS[:1]})
    assert len(grown.rows) == 1 and reasons(grown) == {"repair_no_code": 2}

"""Case2Code: what a record shows is what the interpreter gave, each time; what hangs, exits or varies is left out."""

import ast
import json
import random
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from methods.remembering import remembered
from tilth.errors import Failure
from tilth.methods.code._cases import RENDERINGS, Case, Target, called, fitting, varied, written
from tilth.methods.code.case2code import Case2Code
from tilth.verify.sandbox import Call, Sandbox, kind

if kind() is None:
    pytest.skip("no isolation works here, and code runs in no other way", allow_module_level=True)


def function(name, body, arguments="x"):
    return {"id": name, "code": f"def {name}({arguments}):\n    " + body.replace("\n", "\n    ") + "\n"}


GOOD = [
    function("twice", '"""SECRET doubles."""\nreturn 2 * x'),
    function("halves", "return x / 2"),
    function("tail", "x.append(0)\nreturn x[1:]"),
    function("power", "return x ** y", "x, y=2"),
    function("checked", "if x < 0:\n    raise ValueError('below nought')\nreturn x - 1"),
]
BAD = {
    "random": function("chance", "import random\nreturn random.random()"),
    "order": function("letters", "return list(set('abcdefgh' * x))"),
    "state": {"id": "count", "code": "seen = []\ndef count(x):\n    seen.append(x)\n    return len(seen)\n"},
    "address": function("thing", "return object()"),
    "loop": function("forever", "while True:\n    x = x\nreturn x"),
    "exit": function("leave", "import sys\nsys.exit(x)\nreturn 1"),
    "huge": function("huge", "return 'a' * 5000 * x"),
    "same": function("same", "return 7"),
    "errors": function("errors", "return x.nothing"),
    "memory": function("memory", "return len([0] * 10 ** 10)"),
}


def examples(values):
    lines = "\n".join(f"    {value}," for value in values)
    return f"The argument is a number.\n\n```python\nexamples = [\n{lines}\n]\n```\nThese cover the usual cases. Outputs: 9999."


def inputs(request):
    """A capable writer: three or four literal inputs, by the function it is shown."""
    asked = asked_of(request)
    if "def tail" in asked:
        return examples(["dict(x=[1, 2])", "dict(x=[5])", "dict(x=[3, 1, 4])"])
    if "def power" in asked:
        return examples(["dict(x=2)", "dict(x=3, y=1)", '{"y": 3, "x": 2}', "dict(x=1, y=0)"])
    if "def lazy" in asked:
        return examples(["dict(x=2 ** 10)", "dict(x=list(range(9)))", "dict(x=1)"])
    return examples(["dict(x=1)", "dict(x=4)", "dict(x=-2)", "dict(x=7)", "dict(x=4)"])


LAZY = [function(f"lazy{n}", f"return x + {n}") for n in range(3)]
SCENARIO = Scenario(Case2Code(times=2, wall=8), inputs, data={"programs": [*GOOD, *LAZY]})
LOCAL = {"data": {"programs": GOOD[:3]}}


@pytest.fixture(scope="module", autouse=True)
def _each_call_runs_once():
    """Equal work is done once in this file. `sandbox` below is not remembered."""
    from tilth.methods.code import case2code

    with remembered(case2code, "observed"):
        yield


@pytest.fixture(scope="module")
def sandbox():
    return Sandbox()


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    return grow(Case2Code(), inputs, data={"programs": GOOD}, seed=2, folder=tmp_path_factory.mktemp("run"))


def make(programs, reply=inputs, **settings):
    return grow(Case2Code(**settings), reply, data={"programs": programs})


def reasons(grown):
    return Counter(row["reason"] for row in grown.rejected)


def outputs(row):
    return json.loads(row["example_outputs"])


def test_invariant_1_each_input_gives_its_output_again(grown, sandbox):
    assert len(grown.rows) == len(GOOD)
    for row in grown.rows:
        calls = [Call((), ast.literal_eval(text)) for text in row["example_inputs"]]
        again = sandbox.call_now(row["code"], row["func_name"], calls, seed=99).outcomes
        got = [{"return": one.repr} if one.status == "ok" else {"error": f"{one.error.type}: {one.error.message}"} for one in again]
        assert got == outputs(row)


def test_invariant_2_no_output_comes_from_a_model(grown):
    assert not any("9999" in row["prompt"] or "9999" in row["example_outputs"] for row in grown.rows)
    assert {row["func_name"]: outputs(row)[0] for row in grown.rows}["twice"] == {"return": "2"}


def test_outputs_are_told_as_python_writes_them():
    assert outputs(make([function("label", "return f'n{x}'")]).rows[0])[0] == {"return": "'n1'"}


@pytest.mark.parametrize("what", ["random", "order", "state"])
def test_invariant_3_what_varies_is_dropped(what):
    grown = make([BAD[what]])
    assert grown.rows == [] and reasons(grown) == {"unstable": 1}


def test_invariant_3_an_address_is_no_output():
    assert reasons(make([BAD["address"]])) == {"opaque": 1}


def test_invariant_4_three_inputs_at_least_are_shown_and_outputs_differ(grown):
    for row in grown.rows:
        shown = json.loads(row["extras"])["meta"]["conditions"]["shown"]
        assert 3 <= len(shown) == len(set(shown)) <= len(row["example_inputs"]) == len(set(row["example_inputs"]))
        assert len({str(one) for one in outputs(row)}) > 1
    assert reasons(make([BAD["same"]])) == {"all_equal": 1} and len(make([BAD["same"]], differing=False).rows) == 1
    assert reasons(make([BAD["errors"]])) == {"errors": 1} == reasons(make([BAD["errors"]], max_errors=1))
    assert reasons(make([GOOD[4]], max_errors=0.2)) == {"errors": 1}


def test_invariant_4_a_few_exceptions_are_outputs(grown):
    checked = next(row for row in grown.rows if row["func_name"] == "checked")
    assert {"error": "ValueError: below nought"} in outputs(checked) and {"return": "0"} in outputs(checked)


def test_invariant_4_how_many_are_shown_is_uniform():
    cases = [Case({"x": n}, {"return": str(n)}) for n in range(5)]
    target, method = Target.of(GOOD[0]["code"]), Case2Code()
    from tilth.records.record import Record

    program = Record(GOOD[0])
    made = [method._record(program, target, cases, random.Random(seed)) for seed in range(300)]
    counts = Counter(len(one.meta["conditions"]["shown"]) for one in made)
    assert set(counts) == {3, 4, 5} and min(counts.values()) > 70
    named = sum("twice" in one["prompt"] for one in made)
    assert 0.72 < named / 300 < 0.88, "a name in four of five prompts, in the calls too"
    assert len({one.meta["conditions"]["rendering"] for one in made}) == len(RENDERINGS)


def test_invariant_5_inputs_are_those_before_the_call(grown):
    tail = next(row for row in grown.rows if row["func_name"] == "tail")
    assert tail["example_inputs"] == ["{'x': [1, 2]}", "{'x': [5]}", "{'x': [3, 1, 4]}"]
    assert outputs(tail) == [{"return": "[2, 0]"}, {"return": "[0]"}, {"return": "[1, 4, 0]"}]


def test_invariant_6_a_program_cannot_write_its_own_results():
    body = (
        "import os, json\n"
        "for number in range(3, 12):\n"
        "    try:\n        os.write(number, json.dumps({'call': 0, 'value': 666, 'repr': '666'}).encode() + b'\\n')\n"
        "    except OSError:\n        pass\n"
        "print('RETURN 666')\nreturn x + 1"
    )
    grown = make([function("liar", body)])
    assert not any("666" in row["example_outputs"] for row in grown.rows)
    assert len(grown.rows) + len(grown.rejected) == 1


SIGNS = {
    "dict": "\nOutput: ",
    "names": "\n-> ",
    "values": " => ",
    "call": " gives ",
    "call_values": "  # ",
    "doctest": "\n",
    "assert": " == ",
}


def read_back(style, text, target):
    """The input and output that a rendered case shows: at the first sign before which an input is complete."""
    sign = SIGNS.get(style) or SIGNS[style.removesuffix("_values")]
    text = re.sub(r"^(Input: |>>> |assert )", "", text)
    for place in [match.start() for match in re.finditer(re.escape(sign), text)]:
        try:
            return arguments_in(style, text[:place], target), text[place + len(sign) :].rpartition("\n")[2]
        except SyntaxError:
            continue
    raise AssertionError(f"no input can be read in {text!r}")


def arguments_in(style, text, target):
    if style == "dict":
        return ast.literal_eval(text)
    if style == "names":
        return {line.partition(" = ")[0]: ast.literal_eval(line.partition(" = ")[2]) for line in text.split("\n")}
    node = ast.parse(f"power({text})" if style == "values" else text, mode="eval").body
    assert isinstance(node, ast.Call)
    given = {name: ast.literal_eval(one) for name, one in zip(target.arguments, node.args, strict=False)}
    return given | {one.arg: ast.literal_eval(one.value) for one in node.keywords}


@pytest.mark.parametrize("style", RENDERINGS)
def test_invariant_7_every_rendering_can_be_read_back(style):
    target = Target.of(GOOD[3]["code"])
    cases = [
        Case({"x": "a == b => c", "y": [1, (2,)]}, {"return": "'p => q'"}),
        Case({"x": -1.5, "y": {"k": None}}, {"return": "{1: 'x', 'y': [True]}"}),
        Case({"x": 0}, {"error": "ValueError: not so"}),
    ]
    for case in cases:
        if style in fitting([case], target):
            arguments, output = read_back(style, RENDERINGS[style](case, "power"), target)
            assert arguments == case.arguments
            assert output.removeprefix("exception ") == (case.output.get("return") or case.output["error"])


def test_invariant_7_a_rendering_that_would_not_be_true_is_not_used():
    target = Target.of(GOOD[3]["code"])
    assert not [name for name in fitting([Case({"x": 1}, {"error": "E: e"})], target) if "assert" in name]
    assert not [name for name in fitting([Case({"x": 1}, {"return": "nan"})], target) if "assert" in name]
    assert not [name for name in fitting([Case({"y": 1}, {"return": "1"})], target) if "values" in name]


@pytest.mark.parametrize(("what", "reason"), [("loop", "timeout"), ("exit", "exit"), ("huge", "too_long"), ("memory", "oom")])
def test_invariant_8_a_loop_an_exit_and_a_huge_output_are_dropped(what, reason):
    grown = make([BAD[what], GOOD[0]], wall=0.6 if what == "loop" else 5.0, times=2)
    assert [row["func_name"] for row in grown.rows] == ["twice"] and reasons(grown) == {reason: 1}


def test_neither_docstring_nor_code_is_in_the_prompt(grown):
    for row in grown.rows:
        assert "SECRET" not in row["prompt"] and "return x" not in row["prompt"]
        assert row["completion"] == row["code"].strip()
    assert make(GOOD[:1], fenced=True).rows[0]["completion"].startswith("```python\ndef twice")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dict(x=1), dict(x=2), dict(x=3)", "no_examples"),
        ("```python\ncases = [dict(x=1)]\n```", "no_examples"),
        ("```python\nexamples = [dict(x=1), dict(\n```", "no_examples"),
        ("```python\nexamples = []\n```", "few_inputs"),
        ("```python\nexamples = [dict(x=1), dict(x=1), dict(x=1)]\n```", "few_inputs"),
        ("```python\nexamples = [dict(x=open('f')), dict(x=f(1)), dict(x=1)]\n```", "not_literal"),
        ("```python\nexamples = [dict(z=1), dict(x=1, z=2), dict()]\n```", "arguments"),
    ],
)
def test_a_list_of_inputs_must_fit(text, reason):
    with pytest.raises(Failure) as caught:
        written(text, Target.of(GOOD[0]["code"]), 3)
    assert caught.value.reason == reason


def test_the_list_is_found_among_other_code_and_what_cannot_be_used_is_left_out():
    text = "```python\ndef twice(x):\n    return 2 * x\n```\nThen:\n" + examples(["dict(x=1)", "{'x': 2}", "dict(x=3 * 4)", "dict(x=[])"])
    assert written(text, Target.of(GOOD[0]["code"]), 3) == [{"x": 1}, {"x": 2}, {"x": []}]


def test_the_writer_is_asked_again_and_then_the_program_is_told():
    grown = make([LAZY[0]])
    assert len(grown.requests) == 2 and reasons(grown) == {"not_literal": 1}
    assert "x" in grown.prompts[1] and grown.rejected[0]["code"] == LAZY[0]["code"]


@pytest.mark.parametrize(
    "code",
    ["def f():\n    return 1", "def f(x):\n    print(x)", "def f(*x):\n    return x", "x = 1", "def f(x, /):\n    return x"],
)
def test_functions_that_cannot_be_called_by_name_or_give_nothing_cost_no_call(code):
    grown = make([{"code": code}])
    assert grown.requests == [] and reasons(grown) == {"no_function": 1}


def test_a_program_is_used_once_whatever_its_docstring_says():
    again = {"code": GOOD[0]["code"].replace("SECRET doubles.", "Another text.")}
    grown = make([GOOD[0], again])
    assert len(grown.rows) == 1 and reasons(grown) == {"duplicate_program": 1}


def test_so_many_rows_as_asked():
    assert [row["func_name"] for row in make([BAD["same"], *GOOD], rows=2).rows] == ["twice", "halves"]


# ---- inputs by rule


def test_inputs_by_rule_ask_no_model_and_come_from_the_tests():
    tested = {**GOOD[3], "tests": ["assert power(2, 3) == 8", "assert power(y=1, x=5) == 5", "assert power(n) == 1"]}
    grown = make([tested, GOOD[0]], inputs_by="rule")
    assert grown.requests == [] and reasons(grown) == {"no_calls": 1}
    assert grown.rows[0]["example_inputs"][:2] == ["{'x': 2, 'y': 3}", "{'x': 5, 'y': 1}"] and len(grown.rows[0]["example_inputs"]) == 10


def test_calls_are_read_from_tests():
    target = Target.of("def f(a, b=1):\n    return a")
    tests = "assert f(1, b=2) == 1\ndef test_more():\n    assert g(f([1, 'x'])) and f(-1)\nassert f(len('a')) == 1\nassert f(1, 2, 3)"
    assert called(tests, target) == [{"a": 1, "b": 2}, {"a": [1, "x"]}, {"a": -1}]


def test_changes_keep_types_and_differ():
    seed = {"n": 3, "s": "abc", "l": [1, 2], "t": (1.5, True), "d": {"k": 1}}
    made = varied([seed], 60, random.Random(0))
    assert len(made) == 60 == len({repr(one) for one in made}) and made[0] == seed
    assert all({name: type(value) for name, value in one.items()} == {name: type(value) for name, value in seed.items()} for one in made)
    assert seed == {"n": 3, "s": "abc", "l": [1, 2], "t": (1.5, True), "d": {"k": 1}}


def test_a_call_without_arguments_is_an_input_and_changes_of_it_are_none():
    assert varied([{}], 5, random.Random(0)) == [{}]
    assert len(varied([{}, {"x": 1}], 5, random.Random(0))) == 5

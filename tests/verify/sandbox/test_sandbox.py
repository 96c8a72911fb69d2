"""What the sandbox gives to those who use it rightly: outputs, calls, tests, languages, many programs at once, plain refusals."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from pathlib import Path

import pytest

from tilth.errors import RequestError
from tilth.verify.sandbox import Limits, Sandbox, chosen, describe, kind
from tilth.verify.sandbox import sandbox as module
from tilth.verify.sandbox.languages import language


@pytest.fixture
def any_sandbox():
    if kind() is None:
        pytest.skip("no isolation works here")
    return Sandbox()


# run


def test_a_program_reads_writes_and_exits(sandbox):
    result = sandbox.run_now("import sys\nprint(input()[::-1])\nprint('warned', file=sys.stderr)\nsys.exit(3)", stdin="abc\nrest")
    assert (result.status, result.exit_code, result.stdout, result.stderr) == ("error", 3, "cba\n", "warned\n")
    assert result.isolation == sandbox.isolation and not result.truncated


def test_an_error_is_told_with_its_line_and_type(sandbox):
    result = sandbox.run_now("def f(x):\n    return 1 / x\n\nprint('before')\nf(0)\n")
    assert result.status == "error" and result.stdout == "before\n"
    assert (result.error.type, result.error.line, result.error.frames[0]) == ("ZeroDivisionError", 2, (5, "<module>"))
    assert result.stderr.startswith("Traceback") and "inside" not in result.stderr


def test_time_out_and_error_are_told_apart(sandbox):
    quick = Limits(wall=0.8)
    assert sandbox.run_now("raise TimeoutError", limits=quick).status == "error"
    assert sandbox.run_now("import time\ntime.sleep(9)", limits=quick).status == "timeout"
    assert sandbox.run_now("import os\nos.kill(os.getpid(), 9)").status == "killed"
    assert sandbox.run_now("import sys\nsys.exit(137)").status != "timeout"
    assert sandbox.run_now("x = 'x' * 10**10").status == "oom"


def test_equal_runs_are_equal(any_sandbox):
    text = "import random, time\nprint({str(i) for i in range(50)}, hash('x'), time.tzname)"
    assert any_sandbox.run_now(text).stdout == any_sandbox.run_now(text).stdout
    assert any_sandbox.run_now(text).stdout != Sandbox(seed=1).run_now(text).stdout


def test_a_large_input_arrives_whole(any_sandbox):
    assert any_sandbox.run_now("import sys\nprint(len(sys.stdin.read()))", stdin="é" * 300_000).stdout == "300000\n"
    assert any_sandbox.run_now("print(1)", stdin="x" * 3_000_000).status == "ok"  # not read at all


# call


def test_values_come_back_as_they_are(any_sandbox):
    code = "from fractions import Fraction\ndef f(n):\n    return VALUES[n]\n"
    values = [None, True, -(2**70), 1.5, float("inf"), "\ud800é", [1, (2, {3})], {(1, 2): b"x"}, frozenset({1}), 1 + 2j, range(3)]
    found = any_sandbox.call_now(f"{code}inf = float('inf')\nVALUES = {values!r}", "f", [(n,) for n in range(len(values))])
    assert [one.value for one in found.outcomes] == values
    assert [type(one.value) for one in found.outcomes] == [type(value) for value in values]
    found = any_sandbox.call_now(code + "VALUES = [Fraction(1, 3)]", "f", [(0,)])
    assert found.outcomes[0].value == Fraction(1, 3) and found.outcomes[0].repr == "Fraction(1, 3)"


def test_an_error_of_one_call_leaves_the_others(any_sandbox):
    found = any_sandbox.call_now("def f(x):\n    if x == 2: exit()\n    return 10 // x", "f", [(1,), (0,), (2,), (5,)])
    assert [one.status for one in found.outcomes] == ["ok", "error", "error", "ok"]
    assert [one.error.type for one in found.outcomes[1:3]] == ["ZeroDivisionError", "SystemExit"]


def test_a_call_that_never_ends_is_known_by_name(any_sandbox):
    code = "def f(x):\n    while x: pass\n    return x"
    found = any_sandbox.call_now(code, "f", [(0,), (1,), (0,)], limits=Limits(wall=1))
    assert [one.status for one in found.outcomes] == ["ok", "timeout", "not_run"]


def test_a_method_is_called_by_its_path_and_a_missing_name_is_an_error(any_sandbox):
    code = "class A:\n    @staticmethod\n    def f(x): return x"
    assert any_sandbox.call_now(code, "A.f", [(1,)]).outcomes[0].value == 1
    lost = any_sandbox.call_now(code, "g", [(1,)])
    assert lost.outcomes[0].status == "not_run" and lost.result.error.type == "AttributeError"


# run_tests: the code is in another process, and tests do not notice

CODE = """
import math
class Odd(ValueError): pass
class Point:
    def __init__(self, x): self.x = x
    def __add__(self, other): return Point(self.x + other.x)
    def __eq__(self, other): return self.x == other.x
    def __len__(self): return self.x
LIMIT = 3
def half(n):
    if n % 2: raise Odd(f"{n} is odd")
    return n // 2
def sort(values): values.sort()
def each(function, values):
    for value in values: yield function(value)
def walk(node): return [] if node is None else [node.value, *walk(node.next)]
def mark(node): node.value = "seen"; return node
def defaults(*, a=1, **more): return a, more
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert half(4) == 2",
        "import solution\nassert solution.half(4) == 2",
        "from solution import half as h\nassert h(8) == 4",
        "try:\n    half(3)\nexcept Odd as error:\n    ok = str(error) == '3 is odd' and isinstance(error, ValueError)\nassert ok",
        "values = [3, 1, 2]\nalias = values\nsort(values)\nassert alias == [1, 2, 3]",
        "assert list(each(lambda x: x * 2, [1, 2])) == [2, 4]",
        "assert Point(1) + Point(2) == Point(3) and Point(1) != Point(2)",
        "p = Point(1)\np.x = 5\nassert p.x == 5 and len(p) == 5 and isinstance(p, Point)",
        "assert math.floor(2.5) == 2 and LIMIT == 3",
        "assert defaults(a=2, b=[1]) == (2, {'b': [1]})",
        "class Node:\n    def __init__(self, v, n=None): self.value, self.next = v, n\nassert walk(Node(1, Node(2))) == [1, 2]",
        "class Node:\n    value = 0\nn = Node()\nassert mark(n) is n and n.value == 'seen'",
        "def check(candidate):\n    assert candidate(6) == 3\ncheck(half)",
        "def test_a(): assert half(2) == 1\ndef test_b(x=1): assert x\n",
        "class TestHalf:\n    def setup_method(self): self.n = 2\n    def test_it(self): assert half(self.n) == 1",
        "import unittest\nclass T(unittest.TestCase):\n    def test_odd(self):\n        with self.assertRaises(Odd): half(3)",
        "assert abs(half(2) - 1.0) < 1e-9 and sorted({half(4), half(2)}) == [1, 2]",
    ],
)
def test_right_code_passes(any_sandbox, test):
    found = any_sandbox.run_tests_now(CODE, test)
    assert found.passed, found.trace()


@pytest.mark.parametrize(
    ("test", "status", "words"),
    [
        ("assert half(4) == 3", "failed", "got 2, expected 3"),
        ("assert half(3) == 1", "error", "Odd: 3 is odd (line 11, in half)"),
        ("assert unknown(1)", "error", "NameError"),
        ("assert Point(3) == 3", "failed", "expected 3"),
        ("assert Point(3) < 4", "error", "TypeError"),
        ("def test_x():\n    a = 1\n    assert half(4) == a, 'told'", "failed", "told (line 3, in test_x)"),
        ("assert LIMIT.real == 4", "failed", "got 3, expected 4"),
    ],
)
def test_wrong_code_is_told_with_what_happened(any_sandbox, test, status, words):
    found = any_sandbox.run_tests_now(CODE, test)
    assert found.outcomes[0].status == status and words in found.outcomes[0].error.text


def test_the_code_may_not_reach_into_the_tests(any_sandbox):
    """What the tests hand over can be called, not taken apart: no frame, no module, no global of theirs."""
    code = "def f(g):\n    found = []\n    for name in ('__globals__', '__code__', 'gi_frame', '__class__'):\n"
    code += "        try: getattr(g, name); found.append(name)\n        except Exception: pass\n    return found"
    found = any_sandbox.run_tests_now(code, "assert f(lambda: 1) in (['__class__'], [])\nassert f(x for x in ()) in (['__class__'], [])")
    assert found.passed, found.trace()


def test_a_test_that_hangs_does_not_hide_the_others(any_sandbox):
    code = "def f(x):\n    while x == 2: pass\n    return x"
    found = any_sandbox.run_tests_now(code, "assert f(1) == 1\nassert f(2) == 2\nassert f(3) == 3", limits=Limits(wall=1))
    assert [one.status for one in found.outcomes] == ["passed", "timeout", "not_run"]


def test_code_that_does_not_load_says_why(any_sandbox):
    found = any_sandbox.run_tests_now("def f(:\n  pass", "assert f(1)")
    assert found.load_error.type == "SyntaxError" and found.load_error.line == 1 and found.outcomes[0].status == "not_run"
    assert any_sandbox.run_tests_now("import nothing_such", "assert f(1)").load_error.type == "ModuleNotFoundError"


# languages


@pytest.mark.parametrize(
    ("name", "text", "output"),
    [
        ("bash", "read x; echo $((x * 2))", "42\n"),
        ("javascript", "const n = parseInt(require('fs').readFileSync(0)); console.log(n * 2)", "42\n"),
        ("c", '#include <stdio.h>\nint main() { int n; scanf("%d", &n); printf("%d\\n", 2 * n); return 0; }', "42\n"),
        ("perl", "my $n = <STDIN>; print 2 * $n, qq(\\n);", "42\n"),
    ],
)
def test_other_languages_run_where_their_tool_is(any_sandbox, name, text, output):
    try:
        language(name)
    except RequestError as error:
        pytest.skip(error.what)
    result = any_sandbox.run_now(text, stdin="21\n", language=name)
    assert (result.status, result.stdout) == ("ok", output), result.stderr


def test_an_unknown_language_is_refused():
    with pytest.raises(RequestError, match="no language is called 'cobol'"):
        language("cobol")


# many at once


async def test_a_hundred_programs_at_once(any_sandbox):
    """At most `at_once` run at a time, all come back right, each with its own output."""
    sandbox = Sandbox(at_once=8)
    text = "import time\nprint({n})\ntime.sleep(0.1)"
    began = time.monotonic()
    results = await asyncio.gather(*(sandbox.run(text.format(n=n)) for n in range(100)))
    assert [one.stdout for one in results] == [f"{n}\n" for n in range(100)]
    assert {one.status for one in results} == {"ok"}
    assert time.monotonic() - began >= 100 / 8 * 0.1


async def test_no_more_than_the_bound_run_together(any_sandbox, monkeypatch):
    together, most, execute = 0, 0, module.execute

    def counted(*args, **kwargs):
        nonlocal together, most
        together += 1
        most = max(most, together)
        try:
            return execute(*args, **kwargs)
        finally:
            together -= 1

    monkeypatch.setattr(module, "execute", counted)
    sandbox = Sandbox(at_once=2)
    waiting = [sandbox.run("pass") for _ in range(4)] + [asyncio.to_thread(sandbox.run_now, "pass") for _ in range(4)]
    await asyncio.gather(*waiting)
    assert most == 2


# where nothing isolates


def test_without_isolation_nothing_runs_and_one_line_says_so(monkeypatch):
    monkeypatch.setattr("tilth.verify.sandbox.probe.why_not", lambda kind: "Operation not permitted")
    assert kind() is None
    for isolation in ("auto", "bubblewrap", "namespaces"):
        with pytest.raises(RequestError, match="Operation not permitted") as caught:
            Sandbox(isolation=isolation).run_now("print(1)")
        assert "\n" not in caught.value.what
    assert "isolation='limits'" in describe()


def test_root_is_refused_limits_alone(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(RequestError, match="refused for root"):
        chosen("limits")


def test_a_sandbox_that_breaks_is_no_verdict(any_sandbox, monkeypatch):
    monkeypatch.setattr("tilth.verify.sandbox.kinds.HOME_INSIDE", "/nowhere")
    monkeypatch.setattr("tilth.verify.sandbox.kinds.INSIDE", Path("/nowhere/inside"))
    with pytest.raises(module.SandboxFailed, match="could not start"):
        any_sandbox.run_tests_now("def f(): return 1", "assert f() == 1")

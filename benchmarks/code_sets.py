"""Sets of code from public programs: their tests made readable for `bug-repair` and `case2code`, the sets, and a check of what was written.

    python benchmarks/code_sets.py programs FILE                    the programs with their tests, as JSON lines
    python benchmarks/code_sets.py make bug-repair [--n 300] [--runs FOLDER]
    python benchmarks/code_sets.py check FOLDER                     every record again, from the written files alone
    python benchmarks/code_sets.py                                  makes and checks both sets, 20 records each

The programs are functions with doctests (python_snippets), MBPP (sanitized) and QuixBugs, from ../shared/data/reasoning_code. No model
is asked: bugs are put in by rule, inputs are made by rule.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import doctest
import importlib
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tilth
from tilth.methods.code._programs import applied
from tilth.records.read import read
from tilth.verify.sandbox import Call, Limits, Sandbox

DATA = Path(__file__).parents[1] / "../shared/data/reasoning_code"
AT_ONCE = 2
LIBRARY = (
    "math", "collections", "itertools", "functools", "heapq", "bisect", "copy", "string", "random", "dataclasses", "decimal", "fractions",
)  # fmt: skip
"""Modules whose names a function may use that was cut out of its file, without the imports above it."""


# programs with tests


def programs(seed: int = 0) -> list[dict[str, str]]:
    """All programs with at least two tests, in an order of chance: id, code, tests, name, source."""
    found = [*_snippets(), *_mbpp(), *_quixbugs()]
    random.Random(seed).shuffle(found)
    return found


def _rows(file: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / file).read_text("utf-8").splitlines()]


def _snippets() -> Iterator[dict[str, str]]:
    for row in _rows("python_snippets/snippets.jsonl"):
        code, tests = imported(row["code"]), of_doctests(row["docstring"])
        if code is not None and len(tests) >= 2:
            yield _program(f"python_snippets/{row['id']}", without_doctests(code), "\n".join(tests), row["name"])


def _mbpp() -> Iterator[dict[str, str]]:
    for row in _rows("mbpp_sanitized/test.jsonl"):
        code = "\n".join(row["code"].splitlines()) + "\n"
        calls = [node.func for node in ast.walk(ast.parse("\n".join(row["test_list"]))) if isinstance(node, ast.Call)]
        called = [node.id for node in calls if isinstance(node, ast.Name)]
        defined = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
        name = next((one for one in called if one in defined), "")
        yield _program(f"mbpp_sanitized/{row['id']}", code, "\n".join([*row["test_imports"], *row["test_list"]]), name)


def _quixbugs() -> Iterator[dict[str, str]]:
    node = next(row["code"] for row in _rows("quixbugs/helpers.jsonl") if row["id"] == "python_testcases/node.py")
    for row in _rows("quixbugs/programs.jsonl"):
        tests = _of_json(row) if row["json_tests"] else _of_functions(row, node)
        yield _program(f"quixbugs/{row['id']}", _without_texts(row["correct_code"]), tests, row["id"])


def _program(identity: str, code: str, tests: str, name: str) -> dict[str, str]:
    return {"id": identity, "code": code, "tests": tests, "name": name, "source": identity.partition("/")[0]}


def imported(code: str) -> str | None:
    """A function cut out of its file, with the imports from the standard library that it needs; None where it needs more."""
    tree = ast.parse(code)
    known = {name: module for module in reversed(LIBRARY) for name in dir(importlib.import_module(module)) if not name.startswith("_")}
    lines = ["from __future__ import annotations"] if _annotations(tree) else []
    for name in sorted(_free(tree)):
        if name in sys.stdlib_module_names:
            lines.append(f"import {name}")
        elif name in known:
            lines.append(f"from {known[name]} import {name}")
        else:
            return None
    return "\n".join(lines) + ("\n\n\n" if lines else "") + code.rstrip() + "\n"


def _annotations(tree: ast.AST) -> list[ast.AST]:
    parts = [getattr(node, field, None) for node in ast.walk(tree) for field in ("annotation", "returns")]
    return [part for part in parts if part is not None]


def _free(tree: ast.Module) -> set[str]:
    """Names that are used and nowhere bound; annotations, which are not evaluated, left out."""
    apart = {id(node) for part in _annotations(tree) for node in ast.walk(part)}
    used, bound = set[str](), set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in apart:
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            bound.add(node.name or "")
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
    return used - bound


def of_doctests(docstring: str) -> list[str]:
    """Asserts and statements that say what the examples of a docstring show, in their order; what cannot be said so is left out.

    An expected value that is a literal is compared as a value, an expected exception by its type and message; printed text is not.
    """
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return []
    found = []
    for number, example in enumerate(examples):
        source = example.source.strip()
        if example.exc_msg:
            found.append(_raises(number, source, example.exc_msg))
        elif example.want:
            found.append(None if example.options else _equals(source, example.want.strip()))
        else:
            found.append(source)
    found = [one for one in found if one]
    checks = sum(one.startswith(("assert", "def test")) for one in found)
    return found if checks >= 2 and _parses("\n".join(found)) else []


def _raises(number: int, source: str, told: str) -> str | None:
    kind, _, message = told.strip().partition(": ")
    if not isinstance(getattr(builtins, kind, None), type) or "..." in message:
        return None
    body = "\n        ".join(source.splitlines())
    return (
        f"def test_raises_{number}():\n    try:\n        {body}\n    except {kind} as error:\n"
        f"        assert str(error) == {message!r}\n    else:\n        raise AssertionError('no {kind}')"
    )


def _equals(source: str, want: str) -> str | None:
    try:
        ast.literal_eval(want)
        ast.parse(source, mode="eval")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return None if source.startswith("print(") else f"assert ({source}) == {want}"


def without_doctests(code: str) -> str:
    """The text without the examples of its docstrings: they are the tests, and some of those are to stay unseen."""
    lines = code.splitlines()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno - 1, (node.body[0].end_lineno or 1) - 1
            inside = False
            for number in range(first, last + 1):
                text = lines[number].strip()
                inside = text.startswith(">>>") or (inside and text not in ("", '"""', "'''"))
                if inside:
                    lines[number] = "\0" + ('"""' if text.endswith('"""') else "")
    kept = "\n".join(line.removeprefix("\0") for line in lines if line != "\0") + "\n"
    kept = re.sub(r"\n(?:[ \t]*\n)+([ \t]*\"\"\")", r"\n\1", kept)
    return kept if _parses(kept) and ">>>" not in kept else code


def _of_json(row: dict) -> str:
    """One assert for each case, with the arguments in place of the names that its test file gives them."""
    checked = next(node for node in ast.walk(ast.parse(row["test_code"])) if isinstance(node, ast.Assert))
    wanted = ast.unparse(checked.test)
    tests = []
    for case in row["json_tests"]:
        arguments = ", ".join(repr(one) for one in case["args"])
        text = wanted.replace("*input_data", arguments)
        if "pytest.approx" in text:
            text = f"abs({text.partition(' == ')[0]} - {case['expected']!r}) <= {case['args'][-1]!r}"
        tests.append(f"assert {re.sub(r'expected$', lambda _, case=case: repr(case['expected']), text)}")
    return "\n".join(tests)


def _of_functions(row: dict, node: str) -> str:
    """The test functions of a program of graphs, with the class of its nodes."""
    parts = ast.parse(row["test_code"]).body
    kept = [ast.unparse(part) for part in parts if not isinstance(part, ast.Import | ast.ImportFrom | ast.If)]
    return "\n\n".join([node.rstrip(), *kept])


def _without_texts(code: str) -> str:
    """Without the texts at the end of a file, which hold other solutions."""
    tree = ast.parse(code)
    lines = code.splitlines()
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or 0) - node.lineno + 1)
    return "\n".join(lines).strip() + "\n"


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


# the sets


def make(method: str, n: int, runs: str) -> Path:
    """A set of `n` records; its folder."""
    from tilth.models.scripted import ScriptedModel

    settings = {"bug-repair": {"each": 2}, "case2code": {"inputs_by": "rule"}}[method]
    done = tilth.run(
        method,
        rows=n,
        data={"programs": programs()},
        parameters=settings,
        models={"generator": ScriptedModel(lambda request: "")},  # never asked
        runs=runs,
        name=f"{method}-{n}",
        concurrency=AT_ONCE,
    )
    return Path(done.folder.path)


def check(folder: Path) -> list[str]:
    """What is wrong with the records of a run's folder; empty: nothing."""
    records = list(read(str(folder / "data")))
    judge = {True: _check_bug, False: _check_cases}["buggy_code" in records[0]]
    sandbox = Sandbox(Limits(wall=10.0))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [problem for problems in pool.map(lambda record: judge(sandbox, record), records) for problem in problems]
    sources = Counter(record.meta["seed_ids"][0] for record in records)
    print(f"{len(records)} records from {len(sources)} sources, at most {max(sources.values())} of one; {len(wrong)} exceptions")
    print("  by source:", dict(Counter(source.partition("/")[0] for source in sources.elements())))
    return wrong


def _check_bug(sandbox: Sandbox, record) -> list[str]:
    """Fixed passes all tests, buggy fails as many as are named, and the difference leads from one to the other."""
    parts = [part for part in (record["tests_visible"], record["tests_hidden"]) if part]
    fixed = [sandbox.run_tests_now(record["fixed_code"], part) for part in parts]
    buggy = [sandbox.run_tests_now(record["buggy_code"], part) for part in parts]
    wrong = []
    if not all(one.passed for one in fixed):
        wrong.append("the repair does not pass")
    failed = sum(one.status != "passed" for part in buggy for one in part.outcomes)
    if not failed:
        wrong.append("the bug passes")
    if record["outcome"] != "timeout" and failed != len(record["pass_to_fail"]):
        wrong.append(f"{failed} tests fail, {len(record['pass_to_fail'])} are named")
    if applied(record["diff"], record["buggy_code"]) != record["fixed_code"]:
        wrong.append("the difference does not lead to the repair")
    return [f"{record.id} ({record.meta['seed_ids'][0]}): {problem}" for problem in wrong]


def _check_cases(sandbox: Sandbox, record) -> list[str]:
    """Every input, called again in a process with another order of sets, gives the output that stands there."""
    calls = [Call((), ast.literal_eval(text)) for text in record["example_inputs"]]
    found = sandbox.call_now(record["code"], record["func_name"], calls, seed=12345).outcomes
    wrong = []
    for one, wanted in zip(found, record["example_outputs"], strict=True):
        got = {"return": one.repr} if one.status == "ok" else {"error": f"{one.error.type}: {one.error.message}"} if one.error else {}
        if got != {name: value for name, value in wanted.items() if value is not None}:
            wrong.append(f"{got} instead of {wanted}")
    if len({str(one) for one in record["example_outputs"]}) < 2:
        wrong.append("all outputs are equal")
    return [f"{record.id} ({record.meta['seed_ids'][0]}): {problem}" for problem in wrong]


def _report(folder: Path) -> int:
    wrong = check(folder)
    for line in wrong:
        print(" ", line)
    return 1 if wrong else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "programs", "make", "check"])
    parser.add_argument("where", nargs="?", default="", help="a file, a method or a folder")
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--runs", default="runs/code_sets")
    given = parser.parse_args()
    if given.what == "check":
        sys.exit(_report(Path(given.where)))
    if given.what == "programs":
        found = programs()
        Path(given.where).write_text("".join(json.dumps(row) + "\n" for row in found), "utf-8")
        print(len(found), dict(Counter(row["source"] for row in found)))
        return
    failed = 0
    for method, n in [(given.where, given.n)] if given.what == "make" else [("bug-repair", 20), ("case2code", 20)]:
        began = time.perf_counter()
        folder = make(method, n, given.runs)
        print(f"{method}: {folder}, {time.perf_counter() - began:.0f} s")
        if given.what == "all":
            failed |= _report(folder)
    sys.exit(failed)


if __name__ == "__main__":
    main()

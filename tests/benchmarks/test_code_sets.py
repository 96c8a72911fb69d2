"""The programs of benchmarks/code_sets.py: doctests become tests that say the same, functions get the imports that they need."""

import ast
import sys
import warnings
from pathlib import Path

import pytest

from tilth.verify.sandbox import plan

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from code_sets import DATA, imported, of_doctests, programs, without_doctests

CODE = '''def half(x: np.ndarray) -> float:
    """
    Half of it.

    >>> half(4)
    2.0
    >>> half('a')
    Traceback (most recent call last):
        ...
    TypeError: no number

    Nothing else.
    """
    return floor(x) / 2
'''


def test_examples_become_asserts_and_exceptions():
    docstring = ast.get_docstring(ast.parse(CODE).body[0])
    first, second = of_doctests(docstring)
    assert first == "assert (half(4)) == 2.0"
    assert "except TypeError as error:" in second and "assert str(error) == 'no number'" in second and "else:\n        raise" in second
    assert [step.id for step in plan(f"{first}\n{second}") if step.id] == ["assert_1", "test_raises_1"]


def test_statements_stay_in_order_and_what_cannot_be_compared_is_left_out():
    docstring = ">>> x = [1]\n>>> f(x)\n1\n>>> print(f(x))\n2\n>>> f(x)  # doctest: +ELLIPSIS\n3\n>>> g(x)\n<object>\n>>> f(x)\n4"
    assert of_doctests(docstring) == ["x = [1]", "assert (f(x)) == 1", "assert (f(x)) == 4"]
    assert of_doctests(">>> f(1)\n1") == [], "one test is too few"
    assert of_doctests("No examples.") == []


def test_examples_leave_the_code_and_the_rest_stays():
    kept = without_doctests(CODE)
    assert ">>>" not in kept and "Traceback" not in kept and "Half of it." in kept and "Nothing else." in kept
    assert ast.dump(ast.parse(kept).body[0].body[1]) == ast.dump(ast.parse(CODE).body[0].body[1])


def test_a_function_gets_its_imports_or_is_left_out():
    assert imported(CODE).startswith("from __future__ import annotations\nfrom math import floor\n\n\ndef half")
    assert imported("def f(x):\n    return math.pi * x") == "import math\n\n\ndef f(x):\n    return math.pi * x\n"
    assert imported("def f(x):\n    return other(x)") is None
    assert imported("def f(x):\n    return np.mean(x)") is None


@pytest.fixture(scope="module")
def found():
    """All programs; texts of these years hold escapes that today's Python warns of."""
    if not DATA.is_dir():
        pytest.skip("the shared data are not here")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return programs()


def test_real_programs_have_tests_that_are_not_in_their_text(found):
    assert len(found) > 900 and len({one["id"] for one in found}) == len(found)
    assert {one["source"] for one in found} == {"python_snippets", "mbpp_sanitized", "quixbugs"}
    assert sum(">>>" in one["code"] for one in found) < 10
    for one in found[:100]:
        assert "assert" in one["tests"] and one["name"] in one["code"]


@pytest.mark.parametrize("name", ["gcd", "sqrt", "kheapsort", "topological_ordering"])
def test_quixbugs_names_its_functions_in_its_tests(found, name):
    one = next(one for one in found if one["id"] == f"quixbugs/{name}")
    assert name in one["tests"] and "import" not in one["tests"] and "input_data" not in one["tests"] and '"""' not in one["code"]

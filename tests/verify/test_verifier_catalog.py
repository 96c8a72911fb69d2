"""The table of verifiers agrees with the classes, and errors name the remedy."""

import subprocess
import sys

import pytest

from tilth.errors import RequestError
from tilth.verify.catalog import VERIFIERS, entry, verifier_of


@pytest.mark.parametrize("name", sorted(VERIFIERS))
def test_the_table_says_what_the_class_says(name):
    one = VERIFIERS[name]
    found = one.load()
    assert found.name == name and isinstance(found.version, int)
    assert dict(one.arguments) == dict(found.arguments)
    assert found.__doc__ and one.summary


def test_the_table_is_light():
    code = "import sys, tilth.verify.catalog as c; sys.exit(bool({'sqlglot', 'jsonschema', 'pydantic', 'sympy'} & set(sys.modules)))"
    path = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"]
    assert subprocess.run(path, timeout=60).returncode == 0


def test_an_unknown_verifier_is_refused_with_the_nearest_name():
    with pytest.raises(RequestError, match="Did you mean 'math'"):
        entry("maths")


def test_an_unknown_argument_is_refused_with_the_nearest_name():
    with pytest.raises(RequestError, match="'anser' is no argument of verify math. Did you mean 'answer'"):
        verifier_of("math", using={"anser": "output"})

"""The common mistakes of the method cards, as patches: a method's tests must notice each of them.

``tests/mutants/<method>/<mistake>.patch`` is a unified diff against ``src/``. It is applied to a copy, and the tests of
that method (``tests/methods/test_<method>.py``) must then fail. A patch that does not apply any more fails too: write it
anew with ``git diff``.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PATCHES = sorted(HERE.glob("*/*.patch"))
pytestmark = pytest.mark.slow  # a new Python for each patch

METHODS = sorted({path.parent.name for path in PATCHES})


@pytest.fixture(scope="module")
def copy(root, tmp_path_factory):
    """A copy of what the methods' tests need; `copy(patch)` is a fresh one with a patch applied."""

    def make(patch=None):
        place = tmp_path_factory.mktemp("mutant")
        shutil.copy(root / "pyproject.toml", place)
        shutil.copytree(root / "src", place / "src")
        for folder in ("methods", "contract"):  # a method's tests declare a scenario of the contract
            shutil.copytree(root / "tests" / folder, place / "tests" / folder)
        shutil.copy(root / "tests" / "conftest.py", place / "tests")
        if patch is not None:
            environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(place.parent)}
            applied = subprocess.run(["git", "apply", "-p1", str(patch)], cwd=place, env=environment, capture_output=True, text=True)
            assert applied.returncode == 0, f"{patch.name} does not apply any more: {applied.stderr}"
        return place

    return make


def run_tests(place, method):
    """Exit code and output of the method's tests in a copy, up to the first failure."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"tests/methods/test_{method.replace('-', '_')}.py"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("method", METHODS)
def test_the_unpatched_copy_passes(copy, method):
    code, output = run_tests(copy(), method)
    assert code == 0, output[-2000:]


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: f"{patch.parent.name}-{patch.stem}")
def test_a_common_mistake_is_noticed(copy, patch):
    code, output = run_tests(copy(patch), patch.parent.name)
    assert code == 1, f"no test failed, or pytest could not run them (exit {code}): {output[-2000:]}"

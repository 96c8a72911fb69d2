"""The common mistakes of the method cards, as patches: a method's tests must notice each of them.

``tests/mutants/<method>/<mistake>.patch`` is a unified diff against ``src/``. The patched files are imported in place of the
real ones, in a process of its own, and the tests of that method (``tests/methods/test_<method>.py``) must then fail. A patch
that does not apply any more fails too: write it anew with ``git diff``.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATCHES = sorted(HERE.glob("*/*.patch"))
METHODS = sorted({path.parent.name for path in PATCHES})
PRELOADED = ["numpy", "pyarrow.parquet", "pydantic", "orjson", "jinja2", "aiohttp", "jsonschema", "rapidfuzz", "yaml", "pytest"]
"""Imported once, before the fork; never tilth itself, which each process imports with its own mistake."""

pytestmark = pytest.mark.slow


class Patched(importlib.abc.MetaPathFinder):
    """Finds the patched files under their module names, before the real ones."""

    def __init__(self, src: Path) -> None:
        self._src = src

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a module that has a patched file here."""
        file = self._src / Path(*name.split(".")).with_suffix(".py")
        return importlib.util.spec_from_file_location(name, file) if file.is_file() else None


def apply(patch: Path, place: Path) -> Path:
    """The files that a patch touches, patched, under place/src."""
    for name in re.findall(r"^\+\+\+ b/(\S+)", patch.read_text("utf-8"), re.MULTILINE):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(place.parent)}
    applied = subprocess.run(["git", "apply", "-p1", str(patch)], cwd=place, env=environment, capture_output=True, text=True)
    assert applied.returncode == 0, f"{patch.name} does not apply any more: {applied.stderr}"
    return place / "src"


def in_process(method: str, src: str | None, output: str) -> None:
    """In a fresh process: the method's tests up to the first failure, with the patched files in place."""
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    assert "tilth" not in sys.modules
    if src is not None:
        sys.meta_path.insert(0, Patched(Path(src)))
    with open(output, "w", encoding="utf-8") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        name = f"tests/methods/test_{method.replace('-', '_')}.py"
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", name])
        file.flush()
        os._exit(int(code))


@pytest.fixture(scope="module")
def server():
    """Processes forked from a clean one that has imported the libraries."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def run_tests(server, method: str, src: Path | None, place: Path) -> tuple[int | None, str]:
    """Exit code and output of a method's tests."""
    output = place / "output.txt"
    process = server.Process(target=in_process, args=(method, None if src is None else str(src), str(output)))
    process.start()
    process.join(120)
    process.kill()
    return process.exitcode, output.read_text("utf-8")[-2000:]


@pytest.mark.parametrize("method", METHODS)
def test_the_tests_pass_without_a_mistake(server, method, tmp_path):
    code, output = run_tests(server, method, None, tmp_path)
    assert code == 0, output


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: f"{patch.parent.name}-{patch.stem}")
def test_a_common_mistake_is_noticed(server, patch, tmp_path):
    code, output = run_tests(server, patch.parent.name, apply(patch, tmp_path), tmp_path)
    assert code == 1, f"no test failed, or pytest could not run them (exit {code}): {output}"

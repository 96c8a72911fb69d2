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
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATCHES = sorted(HERE.glob("*/*.patch"))
METHODS = sorted({path.parent.name for path in PATCHES})
PRELOADED = [
    "numpy", "pyarrow.parquet", "pydantic", "orjson", "jinja2.sandbox", "aiohttp", "jsonschema", "rapidfuzz", "yaml",
    "pytest", "hypothesis", "_hypothesis_pytestplugin", "pytest_asyncio.plugin",
    "tilth.engine.execute", "tilth.engine.run", "tilth.models.scripted", "tilth.models.hashed", "tilth.prompts", "tilth.records",
]  # fmt: skip
"""Imported once, before the fork. Never a method: each process imports that with its own mistake."""

pytestmark = pytest.mark.mutants


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
    assert not [name for name in sys.modules if name.startswith("tilth.methods")]
    if src is not None:
        sys.meta_path.insert(0, Patched(Path(src)))
        if not (Path(src) / "tilth" / "methods").is_dir():  # a floor below was patched: what was loaded holds the real one
            for name in [name for name in sys.modules if name.split(".")[0] == "tilth"]:
                del sys.modules[name]
    with open(output, "w", encoding="utf-8") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        name = f"tests/methods/test_{method.replace('-', '_')}.py"
        # plain: rewriting the assertions of a hundred modules that cannot be cached here takes longer than the tests
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--assert=plain", name])
        file.flush()
        os._exit(int(code))


class Runs:
    """Runs the wanted tests with their mistakes, as many at once as there are processors; each result is waited for where it is asked."""

    def __init__(self, wanted: Sequence[tuple[str, Path | None]], place: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._context, self._place = context, place
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="mutants")
        self._found = {one: self._pool.submit(self._run, *one) for one in wanted}

    def result(self, method: str, patch: Path | None) -> tuple[int | None, str]:
        """Exit code and output of a method's tests with a patch applied."""
        return self._found[method, patch].result()

    def _run(self, method: str, patch: Path | None) -> tuple[int | None, str]:
        place = self._place / method / (patch.stem if patch else "none")
        place.mkdir(parents=True)
        src = None if patch is None else str(apply(patch, place))
        output = place / "output.txt"
        process = self._context.Process(target=in_process, args=(method, src, str(output)))
        process.start()
        process.join(120)
        process.kill()
        return process.exitcode, output.read_text("utf-8")[-2000:]

    def close(self) -> None:
        """Start nothing more, and wait for what runs."""
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory):
    """The runs of all tests of this module that were selected."""
    mine = [item for item in request.session.items if item.module is request.module]
    found = Runs([item.callspec.params["run"] for item in mine], tmp_path_factory.mktemp("mutants"))
    yield found
    found.close()


@pytest.mark.parametrize("run", [(method, None) for method in METHODS], ids=METHODS)
def test_the_tests_pass_without_a_mistake(runs, run):
    code, output = runs.result(*run)
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        pytest.skip("these tests skip themselves on this machine, for want of a sandbox say")
    assert code == 0, output


@pytest.mark.parametrize("run", [(patch.parent.name, patch) for patch in PATCHES], ids=lambda run: f"{run[0]}-{run[1].stem}")
def test_a_common_mistake_is_noticed(runs, run):
    code, output = runs.result(*run)
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        pytest.skip("these tests skip themselves on this machine, for want of a sandbox say")
    assert code == 1, f"no test failed, or pytest could not run them (exit {code}): {output}"
    broken = re.search(r"\b(NameError|ImportError|ModuleNotFoundError|SyntaxError|UnboundLocalError)\b.*", output)
    assert not broken, f"the patch breaks the program instead of making the mistake: {broken and broken[0]}"

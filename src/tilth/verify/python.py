"""Code is right when its tests pass: run in the sandbox, code and tests in two processes, every test with its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from .base import Verdict
from .reading import OfRow
from .sandbox import Limits, NoTests, Sandbox, SuiteRun, plan
from .sandbox.limits import MEBIBYTE

if TYPE_CHECKING:
    from ..engine.run import Run

_OUTPUT = 2000
_UNSURE = ("timeout",)


class OfCode(OfRow):
    """What the verifiers of code share: what they read, limits, isolation, and work that is journaled where there is a run."""

    arguments: ClassVar[Mapping[str, str]] = {
        "code": "a Python module",
        "tests": "assert statements, functions test...(), or a list of them",
    }

    module: str = Field(default="solution", description="The name under which tests may import the code.")
    wall: float = Field(default=10.0, gt=0, le=600, description="Seconds until a program with its tests is stopped.")
    memory: int = Field(default=512, ge=64, description="MiB of memory of one program.")
    isolation: str = Field(
        default="auto", description="auto: the best kind that works here; limits: process limits only, which must be named."
    )
    _sandbox: Sandbox | None = PrivateAttr(default=None)

    def sandbox(self) -> Sandbox:
        """The sandbox of this verifier, made at first use."""
        if self._sandbox is None:
            limits = Limits(wall=self.wall, cpu=max(1, round(self.wall)), memory=self.memory * MEBIBYTE)
            self._sandbox = Sandbox(limits, isolation=self.isolation)
        return self._sandbox

    def asked(self, row: Mapping[str, Any]) -> dict[str, Any] | Verdict:
        """The code and tests of a row; or the verdict where they cannot decide anything."""
        given = self.take(row)
        code, tests = given["code"], given["tests"]
        if not code or not str(code).strip():
            return Verdict("unscored", "no_code")
        if problem := without_checks(tests):
            return Verdict("unscored", *problem)
        return {"code": str(code), "tests": tests if isinstance(tests, str) else list(tests), "module": self.module}

    async def _work(self, run: Run | None, work: Callable[..., dict[str, Any]], payload: Mapping[str, Any]) -> dict[str, Any]:
        """`work(sandbox, payload)`, journaled where there is a run: the same run executed again decides the same."""
        bound = partial(work, self.sandbox())
        asked = {**payload, "wall": self.wall, "memory": self.memory}
        if run is not None:
            answer: dict[str, Any] = await run.do(bound, asked, version=self.version)
            return answer
        import asyncio

        return await asyncio.to_thread(bound, asked)


class PythonTests(OfCode):
    """Code passes all its tests, and there is at least one check among them.

    unscored: there is no code or no test to run (`no_code`, `no_tests`, `no_checks`).
    failed: `syntax_error`, `load_error`, `failed_tests`, `error`, `timeout`, `oom`; the evidence holds every test's outcome.
    """

    name: ClassVar[str] = "python"

    async def verify(self, run: Run | None, row: Mapping[str, Any]) -> Verdict:
        """The verdict on a row's code by its tests."""
        asked = self.asked(row)
        return asked if isinstance(asked, Verdict) else verdict_of(await self._work(run, tested, asked))


def without_checks(tests: Any) -> tuple[str, dict[str, Any]] | None:
    """Why tests cannot decide anything: (reason, evidence); None where they can."""
    if not tests:
        return "no_tests", {}
    try:
        steps = plan(tests)
    except NoTests as error:
        return "no_tests", {"detail": str(error)}
    return None if any(step.checks for step in steps) else ("no_checks", {})


def tested(sandbox: Sandbox, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Tests run against code, as JSON. A time-out is believed when it happens twice: the first may be the machine's."""
    found = sandbox.run_tests_now(payload["code"], payload["tests"], module=payload["module"])
    if any(one.status in _UNSURE for one in found.outcomes):
        found = sandbox.run_tests_now(payload["code"], payload["tests"], module=payload["module"])
    return as_json(found)


def as_json(found: SuiteRun) -> dict[str, Any]:
    """What is kept of a run of tests: nothing in it depends on the clock."""
    return {
        "tests": [one.as_json() for one in found.outcomes],
        "load_error": found.load_error.text if found.load_error else None,
        "load_type": found.load_error.type if found.load_error else None,
        "stdout": found.result.stdout[:_OUTPUT],
        "stderr": found.result.stderr[:_OUTPUT],
        "trace": found.trace(_OUTPUT),
        "isolation": found.result.isolation,
    }


def verdict_of(found: Mapping[str, Any]) -> Verdict:
    """The verdict of what :func:`tested` gave."""
    tests: Sequence[Mapping[str, Any]] = found["tests"]
    statuses = [one["status"] for one in tests]
    evidence = {**found, "passed": statuses.count("passed"), "of": len(statuses)}
    if tests and all(status == "passed" for status in statuses):
        return Verdict("passed", "", evidence)
    return Verdict("failed", _reason(found, statuses), evidence)


def _reason(found: Mapping[str, Any], statuses: list[str]) -> str:
    if found["load_type"] in ("SyntaxError", "IndentationError", "TabError"):
        return "syntax_error"
    for status in ("timeout", "oom"):
        if status in statuses:
            return status
    if found["load_type"]:
        return "load_error"
    return "failed_tests" if "failed" in statuses else "error"

"""The sandbox: each program in a fresh process tree that sees nothing of this machine, judged from outside."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from ...errors import OutsideError, RequestError
from .inside.plain import encode
from .kinds import KINDS, WHAT, Kind, missing
from .languages import language as language_of
from .launch import Asked, execute
from .limits import Limits
from .plan import plan
from .reading import calls_of, tests_of
from .result import Calls, Result, SuiteRun

T = TypeVar("T")
_TRIES = 3


class SandboxFailed(OutsideError):
    """The sandbox itself failed, again and again; says nothing about any program (exit 3)."""


@dataclass(frozen=True, slots=True)
class Call:
    """Arguments of one call: plain data only."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None


class Sandbox:
    """Runs programs that nobody trusts.

    Parameters
    ----------
    limits: bounds of every program.
    isolation: a kind, or "auto": the best that works here. "limits" (no isolation of files and network) must be named.
    at_once: programs that run at the same time; default: the cores of this machine.
    seed: fixes the order of Python's sets of texts; equal seeds, equal runs.

    Each method has two forms: `run` waits on the event loop and is killed with its task; `run_now` blocks (for `run.do`).

    Raises
    ------
    RequestError: no kind of isolation works here, or the named one does not.
    SandboxFailed: a program could not be started three times running.
    """

    def __init__(self, limits: Limits | None = None, *, isolation: str = "auto", at_once: int | None = None, seed: int = 0) -> None:
        self.limits = limits or Limits()
        self.isolation = isolation
        self.at_once = at_once or os.cpu_count() or 1
        self.seed = seed
        self._free = threading.BoundedSemaphore(self.at_once)
        self._pool: ThreadPoolExecutor | None = None

    @property
    def kind(self) -> Kind:
        """The kind of isolation in use, found at the first program."""
        return chosen(self.isolation)

    # three ways to run a program

    async def run(self, code: str, *, stdin: str = "", language: str = "python", limits: Limits | None = None) -> Result:
        """Run a whole program; its output is for the caller to compare."""
        return await self._away(lambda stop: self.run_now(code, stdin=stdin, language=language, limits=limits, stop=stop))

    def run_now(
        self, code: str, *, stdin: str = "", language: str = "python", limits: Limits | None = None, stop: threading.Event | None = None
    ) -> Result:
        """See :meth:`run`."""
        asked = Asked({"mode": "run", "code": code}, stdin.encode())
        if language != "python":
            tool = language_of(language)
            asked.config |= {"mode": "tool", "file": tool.file, "compile": list(tool.compile), "command": list(tool.command)}
            asked.address_space = tool.address_space
        return self._execute([asked], limits, stop)[0]

    async def call(
        self, code: str, entry: str, arguments: Iterable[Any], *, limits: Limits | None = None, seed: int | None = None
    ) -> Calls:
        """Load a module and call its function `entry` ("f" or "Class.method") with each of `arguments`.

        An argument is a :class:`Call`, or a sequence of positional arguments. Expected values stay outside: compare `Calls` with them.
        """
        given = list(arguments)
        return await self._away(lambda stop: self.call_now(code, entry, given, limits=limits, seed=seed, stop=stop))

    def call_now(
        self,
        code: str,
        entry: str,
        arguments: Iterable[Any],
        *,
        limits: Limits | None = None,
        seed: int | None = None,
        stop: threading.Event | None = None,
    ) -> Calls:
        """See :meth:`call`."""
        given = [_encoded(one) for one in arguments]
        asked = Asked({"mode": "call", "code": code, "entry": entry, "arguments": given})
        return calls_of(self._execute([asked], limits, stop, seed)[0], len(given))

    async def run_tests(self, code: str, tests: str | Sequence[str], *, module: str = "solution", limits: Limits | None = None) -> SuiteRun:
        """Run tests against a module, each with an outcome of its own; code and tests are in two processes.

        The tests may name the module's functions directly or import them from `module`.

        Raises
        ------
        NoTests: the tests are no Python, or hold no test.
        """
        return await self._away(lambda stop: self.run_tests_now(code, tests, module=module, limits=limits, stop=stop))

    def run_tests_now(
        self,
        code: str,
        tests: str | Sequence[str],
        *,
        module: str = "solution",
        limits: Limits | None = None,
        stop: threading.Event | None = None,
    ) -> SuiteRun:
        """See :meth:`run_tests`."""
        steps = plan(tests)
        testing = Asked({"mode": "test", "module": module, "steps": [step.as_json() for step in steps]})
        serving = Asked({"mode": "serve", "module": module, "code": code})
        judged, served = self._execute([testing, serving], limits, stop)
        return tests_of(steps, judged, served, testing.nonce)

    # how

    def _execute(self, asked: list[Asked], limits: Limits | None, stop: threading.Event | None, seed: int | None = None) -> list[Result]:
        kind, stop = self.kind, stop or threading.Event()
        with self._free:
            for _ in range(_TRIES):
                results = execute(kind, asked, limits or self.limits, seed=self.seed if seed is None else seed, stop=stop)
                if not any(one.status == "sandbox_error" for one in results):
                    return results
        said = next((one.stderr.strip().splitlines()[-1] for one in results if one.stderr.strip()), "no message")
        raise SandboxFailed(f"the sandbox ({kind}) could not start a program: {said[:200]}", code="sandbox.failed")

    async def _away(self, work: Callable[[threading.Event], T]) -> T:
        """`work` in a thread; a cancelled task kills its program and waits until it is gone."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.at_once, thread_name_prefix="tilth-sandbox")
        stop = threading.Event()
        working = self._pool.submit(work, stop)
        waiting = asyncio.wrap_future(working)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            stop.set()
            if not working.cancel():  # it runs: its end is near, and is waited for
                await asyncio.wait([waiting])
            raise


def _encoded(argument: Any) -> list[Any]:
    call = argument if isinstance(argument, Call) else Call(tuple(argument))
    return [encode(call.args), encode(dict(call.kwargs or {}))]


def chosen(isolation: str = "auto") -> Kind:
    """The kind of isolation that `isolation` gives on this machine.

    Raises
    ------
    RequestError: none works, or the one named does not.
    """
    from .probe import why_not

    if isolation != "auto":
        if isolation not in KINDS:
            raise RequestError(f"no isolation is called '{isolation}'. There is: auto, {', '.join(KINDS)}.", code="sandbox.isolation")
        named: Kind = isolation
        if reason := missing(named) or why_not(named):
            raise RequestError(f"isolation '{named}' does not work here: {reason}.", code="sandbox.isolation")
        return named
    reasons = []
    for kind in KINDS[:2]:
        reason = missing(kind) or why_not(kind)
        if reason is None:
            return kind
        reasons.append(f"{kind}: {reason}")
    raise RequestError(
        f"no sandbox works here ({'; '.join(reasons)}), and model-written code is run in no other way. "
        "Install bubblewrap, or accept process limits only with isolation='limits'.",
        code="sandbox.none",
    )


def describe(isolation: str = "auto") -> str:
    """One line for people: which isolation programs get, or why none."""
    try:
        return WHAT[chosen(isolation)]
    except RequestError as error:
        return error.what

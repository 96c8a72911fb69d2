"""From a method and its settings to a finished run folder."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tilth.engine.asking import roles_of
from tilth.engine.journal import Journal
from tilth.engine.maps import close
from tilth.engine.method import Method
from tilth.engine.place import CURRENT
from tilth.engine.run import Run
from tilth.engine.session import Session, Settings, versions
from tilth.engine.sink import Sink
from tilth.errors import Bug, Failure, Interrupted, Stop, TilthError
from tilth.records.folder import RunFolder, check_local
from tilth.records.results import finalise

GC_THRESHOLDS = (10_000, 50, 100)
"""Thousands of live tasks make the collector's sweeps a quarter of the run time at the default thresholds (measured)."""

STALL, STALLS = 0.5, 10
"""Seconds by which the event loop may be late, and how often, before the user is told. A busy machine is late now and then."""

GRACE = 30.0
"""Seconds to wait for sent calls after a stop."""


@dataclass(slots=True)
class Outcome:
    """How a run ended.

    status: done, stopped, incomplete, waiting or failed. exit: the command's exit code. stop: the line that says why it stopped.
    reasons: (step, reason) to how many. from_journal: calls that cost nothing because they were answered before.
    """

    folder: RunFolder
    status: str
    exit: int
    kept: int
    rejected: int
    asked: int | None
    reasons: dict[tuple[str, str], int]
    calls: int
    from_journal: int
    tokens_in: int
    tokens_out: int
    usd: float
    usd_unknown: bool
    roles: dict[str, Any]
    seconds: float
    warnings: list[str] = field(default_factory=list)
    stop: str = ""
    code: str = ""
    trace: str = ""
    questions: int = 0

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path


class Handle:
    """Lets another thread or a signal handler stop a run gently."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._early: Interrupted | None = None

    def attach(self, session: Session) -> None:
        """Used by :func:`execute`."""
        self._session = session
        if self._early is not None:
            session.stop(self._early)

    def interrupt(self, signal_exit: int = 130) -> None:
        """Send no new call; what was sent is awaited and saved. Safe from any thread, and before the run has begun."""
        stop = Interrupted("stopped by Ctrl-C" if signal_exit == 130 else "stopped by SIGTERM", signal_exit=signal_exit)
        session = self._session
        if session is None:
            self._early = stop
            return
        session.loop.call_soon_threadsafe(session.stop, stop)

    @property
    def in_flight(self) -> int:
        """Calls that were sent and not answered yet."""
        return self._session.progress.in_flight if self._session is not None else 0


async def execute(method: Method, settings: Settings, *, handle: Handle | None = None) -> Outcome:
    """Run a method to its end, or to a stop. All models of the settings are closed afterwards.

    Raises
    ------
    RequestError: what was asked is wrong (exit 2). Every other end is an Outcome.
    """
    folder = settings.folder
    check_local(settings.journal or folder.path)
    folder.create()
    with folder.lock(), _collector():
        try:
            return await _execute(method, settings, handle)
        finally:
            for model in roles_of(settings.roles):
                await model.model.close()


async def _execute(method: Method, settings: Settings, handle: Handle | None) -> Outcome:
    clock, folder, progress = settings.clock, settings.folder, settings.progress
    started, stamp = clock.now(), clock.stamp()
    progress.stage, progress.method, progress.total, progress.started = settings.stage, method.name, method.rows, started
    about = {"asked": dict(settings.asked), "identity": settings.identity.hex(), "seed": settings.seed}
    about |= {"versions": versions(), "started": stamp}
    folder.write_state({**about, "status": "running"})
    folder.partial.unlink(missing_ok=True)
    journal = Journal(settings.journal or folder.journal, reuse=settings.reuse)
    try:
        sink = Sink(folder, method, run=settings.identity.hex()[:16], stage=settings.stage, progress=progress)
        session = Session(settings, journal, sink)
        for model in roles_of(settings.roles):
            session.budget.check_price(model.price, model.name)
        if handle is not None:
            handle.attach(session)
        try:
            end = await _supervise(method, session)
        finally:
            for spool in session.spools:
                spool.close()
        sink.close()
        finalise(folder, sink.schema)
    finally:
        journal.close()
        progress.finished = True
    outcome = _outcome(session, end, clock.now() - started)
    _write_queue(session)
    if outcome.trace:
        folder.crash.write_text(outcome.trace, encoding="utf-8")
    folder.write_state({**about, "status": outcome.status, "ended": clock.stamp(), "totals": _totals(outcome)})
    return outcome


async def _supervise(method: Method, session: Session) -> Stop | None:
    """Run `generate`; returns the Stop that ended it, or None."""
    watch = asyncio.create_task(_watch(session))
    task = asyncio.create_task(_generate(method, session))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=1.0 if session.stopping is None else GRACE)
            if session.stopping is not None and not task.done():
                await asyncio.wait({task}, timeout=GRACE)
                task.cancel()
        return await task
    except asyncio.CancelledError:
        return session.stopping or Interrupted("stopped")
    finally:
        watch.cancel()


async def _generate(method: Method, session: Session) -> Stop | None:
    """The driver: boundary between a method and the run."""
    CURRENT.set(session.root)
    session.root.enter()
    end: Stop | None = None
    try:
        async for record in method.generate(Run(session)):
            session.adopt(session.root, record)
            session.sink.keep(record)
        await close(session.root)
    except Stop as stop:
        end = stop
    except TilthError:
        await close(session.root, failed=True)
        session.sink.close()
        raise
    except Failure as failure:
        end = Bug(f"the method could not go on: {failure.reason}. {failure.detail}".strip(), code="method.gave_up")
        end.trace = f"{failure}\n\nThe reply:\n{failure.raw}\n" if failure.raw is not None else ""
    except Exception as error:  # boundary: a defect of the method ends the run with its traceback
        end = Bug(f"{type(error).__name__}: {error}", trace=traceback.format_exc())
    if end is not None:
        session.stop(end)
        await close(session.root, failed=True)
    return end or session.left


async def _watch(session: Session) -> None:
    """Copies the limiter's state to the progress, keeps the hours cap, and says when a row blocks all others."""
    stalls = 0
    hours = session.settings.caps.hours
    started = session.clock.now()
    while True:
        before = session.clock.now()
        await asyncio.sleep(0.25)
        late = session.clock.now() - before - 0.25
        stalls += late > STALL
        if stalls == STALLS:
            session.note("rows hold up all others again and again: heavy work belongs into run.do or a plain function given to run.map.")
        session.progress.limit, session.progress.direction = session.caller.limit()
        if hours is not None and session.clock.now() - started > hours * 3600:
            from tilth.errors import BudgetReached

            session.stop(BudgetReached(f"{hours:g} hours have passed", code="budget.hours"))


def _outcome(session: Session, end: Stop | None, seconds: float) -> Outcome:
    progress, sink = session.progress, session.sink
    status, code = ("done", 0 if progress.kept else 1) if end is None else (end.status, end.exit)
    if isinstance(end, Interrupted):
        code = end.signal_exit
    if end is not None and end.code == "method.gave_up":
        code = 1
    return Outcome(
        folder=session.settings.folder,
        status=status,
        exit=code,
        kept=progress.kept,
        rejected=progress.rejected,
        asked=progress.total,
        reasons=dict(sink.reasons),
        calls=progress.calls,
        from_journal=progress.from_journal,
        tokens_in=progress.tokens_in,
        tokens_out=progress.tokens_out,
        usd=progress.usd,
        usd_unknown=progress.usd_unknown,
        roles={name: asdict(usage) for name, usage in progress.roles.items()},
        seconds=round(seconds, 3),
        warnings=list(progress.warnings),
        stop=end.what if end is not None else "",
        code=end.code if end is not None else "",
        trace=end.trace if isinstance(end, Bug) else "",
        questions=len(session.questions),
    )


def _totals(outcome: Outcome) -> dict[str, Any]:
    return {
        "kept": outcome.kept,
        "rejected": outcome.rejected,
        "asked": outcome.asked,
        "reasons": [{"step": step, "reason": reason, "n": n} for (step, reason), n in sorted(outcome.reasons.items())],
        "calls": outcome.calls,
        "from_journal": outcome.from_journal,
        "tokens_in": outcome.tokens_in,
        "tokens_out": outcome.tokens_out,
        "usd": round(outcome.usd, 6),
        "usd_unknown": outcome.usd_unknown,
        "roles": outcome.roles,
        "seconds": outcome.seconds,
        "warnings": outcome.warnings,
        "stop": outcome.stop,
        "code": outcome.code,
        "exit": outcome.exit,
    }


def _write_queue(session: Session) -> None:
    """The questions that people have not answered, one a line; the file goes when there are none."""
    path = session.settings.folder.people
    if not session.questions:
        path.unlink(missing_ok=True)
        return
    aside = path.with_suffix(".tmp")
    aside.write_bytes(b"".join(orjson.dumps(question) + b"\n" for question in session.questions.values()))
    aside.rename(path)


@contextlib.contextmanager
def _collector() -> Iterator[None]:
    """Rarer garbage collection for the time of a run."""
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def start(make: Callable[[], Any]) -> Any:
    """Run a coroutine to its end from plain code, also inside a running event loop (a notebook): then in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, thread_name_prefix="tilth-run") as pool:
        return pool.submit(lambda: asyncio.run(make())).result()

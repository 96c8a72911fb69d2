"""From a method and its settings to a finished run folder."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import orjson

from tilth.engine.asking import roles_of
from tilth.engine.drive import Stage, generate, supervise
from tilth.engine.journal import Journal
from tilth.engine.method import Method
from tilth.engine.outcome import Outcome, outcome_of, totals
from tilth.engine.run import Run
from tilth.engine.session import Session, Settings, versions
from tilth.engine.sink import Sink
from tilth.errors import Interrupted, RequestError, Stop
from tilth.records.folder import check_local
from tilth.records.results import finalise, schema_of

__all__ = ["Handle", "Outcome", "Stage", "check_prices", "execute", "start"]

OWN = ("asked", "identity", "seed", "stages", "inputs", "models")
"""What run.json says of a run that a later stage over its rows does not change."""

GC_THRESHOLDS = (10_000, 50, 100)
"""Thousands of live tasks make the collector's sweeps a quarter of the run time at the default thresholds (measured)."""


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


async def execute(method: Method | None, settings: Settings, *, stages: Sequence[Stage] = (), handle: Handle | None = None) -> Outcome:
    """Run a method to its end, then the stages after it; or to a stop. All models of the settings are closed afterwards.

    Parameters
    ----------
    method: what fills rows/; None: they are there, and only the stages run.

    Raises
    ------
    RequestError: what was asked is wrong (exit 2). Every other end is an Outcome.
    """
    folder = settings.folder
    check_local(settings.journal or folder.path)
    folder.create()
    with folder.lock(), _collector():
        try:
            return await _execute(method, settings, stages, handle)
        finally:
            for model in roles_of(settings.roles):
                await model.model.close()


async def _execute(method: Method | None, settings: Settings, stages: Sequence[Stage], handle: Handle | None) -> Outcome:
    clock, folder, progress = settings.clock, settings.folder, settings.progress
    started, stamp = clock.now(), clock.stamp()
    progress.started = started
    about = {"asked": dict(settings.asked), "identity": settings.identity.hex(), "seed": settings.seed}
    about |= {"versions": versions(), "started": stamp, **settings.noted}
    about["models"] = {role: [one.name for one in many] for role, many in settings.roles.items()}
    check_prices(settings)
    if method is None:  # the run stays what it is: only a stage goes over its rows
        about |= {name: value for name, value in folder.read_state().items() if name in OWN}
    folder.write_state({**about, "status": "running"})
    folder.partial.unlink(missing_ok=True)
    journal = Journal(settings.journal or folder.journal, reuse=settings.reuse)
    try:
        sink = _sink(method, settings) if method else None
        session = Session(settings, journal, sink)
        if handle is not None:
            handle.attach(session)
        try:
            end = await _stages(method, session, stages)
        finally:
            for spool in session.spools:
                spool.close()
        schema = sink.schema if sink is not None else schema_of(folder)
        kept, rejected = finalise(folder, schema) if schema is not None else (0, 0)
    finally:
        journal.close()
        progress.finished = True
    outcome = outcome_of(session, end, kept, rejected, clock.now() - started)
    _write_queue(session)
    if outcome.trace:
        folder.crash.write_text(outcome.trace, encoding="utf-8")
    folder.write_state({**about, "status": outcome.status, "ended": clock.stamp(), "totals": totals(outcome)})
    return outcome


def _sink(method: Method, settings: Settings) -> Sink:
    columns, run = method.columns_for(settings.data), settings.identity.hex()[:16]
    return Sink(settings.folder, method, columns, run=run, stage=settings.stage, progress=settings.progress)


def check_prices(settings: Settings) -> None:
    """Refuse a dollar cap that cannot be kept, before the folder says that anything began."""
    for model in roles_of(settings.roles):
        if settings.caps.usd is not None and model.price is None:
            raise RequestError(
                f"a budget in USD needs a price, and {model.name} has none. Give one in the flow (models: {{ROLE: {{model: {model.name}, "
                "price: {in: …, out: …}}}) or cap tokens instead: --max-tokens.",
                code="budget.no_price",
            )


async def _stages(method: Method | None, session: Session, stages: Sequence[Stage]) -> Stop | None:
    """Generation, then each stage; a stop ends them, and so does an empty result."""
    progress, sink = session.progress, session.sink
    if method is not None and sink is not None:
        progress.stage, progress.method, progress.total = session.settings.stage, method.name, method.rows
        try:
            end = await supervise(session, partial(generate, method, session))
        finally:
            sink.close()
        if end is not None or not progress.kept:
            return end
        finalise(session.settings.folder, sink.schema)
    schema = schema_of(session.settings.folder) if sink is None else sink.schema
    if schema is None:
        raise RequestError(f"{session.settings.folder.path} has no rows. Generate some first with: tilth run", code="run.no_rows")
    for number, stage in enumerate(stages):
        if number:  # what the stage before has dropped is gone for this one
            finalise(session.settings.folder, schema)
        session.begin(stage.name, stage.reads)
        end = await supervise(session, partial(stage.work, Run(session), session.settings.folder))
        if end is not None:
            return end
    return None


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

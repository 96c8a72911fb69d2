"""Runs a method, then the stages after it, under supervision: the boundary between their code and the run."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Protocol

from tilth.engine.maps import close
from tilth.engine.method import Method
from tilth.engine.place import CURRENT
from tilth.engine.run import Run
from tilth.engine.session import Session
from tilth.errors import BudgetReached, Bug, Failure, Interrupted, Stop, TilthError
from tilth.records.folder import RunFolder

STALL, STALLS = 0.25, 5
"""Seconds that the event loop may compute in one go, and how often, before the user is told. Its own CPU time counts: a busy
machine, or a model that holds the interpreter's lock, makes it late without any row's fault.
"""

GRACE = 30.0
"""Seconds to wait for sent calls after a stop."""


class Stage(Protocol):
    """What comes after generation (curate, evaluate, annotate): reads the rows, writes files of its own beside them.

    name: the root of its places, so that calls of different stages never meet. reads: fenced inputs that it may read.
    """

    @property
    def name(self) -> str: ...
    @property
    def reads(self) -> frozenset[str]: ...

    async def work(self, run: Run, folder: RunFolder) -> None:
        """Do it. Everything of `run` is at hand but `reject`: a stage decides in files, it does not edit rows."""
        ...


async def generate(method: Method, session: Session) -> None:
    """Every record that the method yields goes to the sink."""
    assert session.sink is not None
    async for record in method.generate(Run(session)):
        session.adopt(session.root, record)
        session.sink.keep(record)
    session.sink.check_ids()
    wanted, kept = method.rows, session.progress.kept
    if wanted and kept < wanted and not any(re.search(r"\bshort\b", line) for line in session.progress.warnings):
        session.note(f"{wanted - kept} short of {wanted} rows: the method could make no more.")  # it did not say so itself


async def supervise(session: Session, work: Callable[[], Awaitable[None]]) -> Stop | None:
    """Drive one stage from the session's root; returns the Stop that ended it, or None."""
    watch = asyncio.create_task(_watch(session))
    task = asyncio.create_task(_drive(session, work))
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


async def _drive(session: Session, work: Callable[[], Awaitable[None]]) -> Stop | None:
    CURRENT.set(session.root)
    session.root.enter()
    end: Stop | None = None
    try:
        await work()
        await close(session.root)
    except Stop as stop:
        end = stop
    except TilthError as error:
        session.stop(Stop(error.what, code=error.code))  # rows under way send nothing more
        await close(session.root, failed=True)
        raise
    except Failure as failure:
        end = Bug(f"the method could not go on: {failure.reason}. {failure.detail}".strip(), code="method.gave_up")
        end.trace = f"{failure}\n\nThe reply:\n{failure.raw}\n" if failure.raw is not None else ""
    except Exception as error:  # boundary: a defect of the method or stage ends the run with its traceback
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
        cpu = time.thread_time()
        await asyncio.sleep(0.25)
        # many small steps add up to as much in a busy run, so only a whole interval spent in one step counts
        stalls += time.thread_time() - cpu > 0.25 + STALL
        if stalls == STALLS:
            session.note("rows hold up all others again and again: heavy work belongs into run.do or a plain function given to run.map.")
        session.progress.limit, session.progress.direction = session.caller.limit()
        if hours is not None and session.clock.now() - started > hours * 3600:
            session.stop(BudgetReached(f"{hours:g} hours have passed", code="budget.hours"))

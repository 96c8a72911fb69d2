"""What all tasks of one run share: settings, journal, budget, counters, and the way to stop."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import orjson

from tilth.engine.budget import Budget, Caps, Spent
from tilth.engine.calls import Caller
from tilth.engine.clock import Clock
from tilth.engine.executors import Executor, LocalExecutor
from tilth.engine.journal import Journal
from tilth.engine.method import Task
from tilth.engine.place import Frame, Reject
from tilth.engine.progress import Progress, RoleUsage
from tilth.engine.sink import Sink
from tilth.engine.spool import Spool
from tilth.errors import Bug, Stop
from tilth.models.base import Usage
from tilth.records.folder import RunFolder
from tilth.records.ids import digest
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.models.roles import RoleModel
    from tilth.records.data import Data

WINDOW = 1024
"""Rows in flight in an outermost map: max(1024, 16 x the limit). A window equal to the limit loses 70 to 88 % of the endpoint."""

FIRST_ROWS, ENOUGH_ROWS, BAD_SHARE = 5, 50, 0.2
"""A defect: the same unexpected exception in the first 5 rows in input order, or in over 20 % of at least 50."""


@dataclass(slots=True)
class Settings:
    """Everything a run needs beside its method. `identity` is what makes a run this run (no budget, rows, concurrency, display, URL).

    roles: role to its models; an unset role falls back to the generator. data: name to records. fenced: names that
    `run.data` refuses. asked: the resolved request, for run.json; noted: what run.json says beside it (inputs with their
    digests). journal: another place for the journal.
    """

    folder: RunFolder
    roles: Mapping[str, Sequence[RoleModel]]
    identity: bytes
    task: Task = field(default_factory=Task)
    data: Mapping[str, Data] = field(default_factory=dict)
    fenced: frozenset[str] = frozenset({"holdout"})
    seed: int = 0
    stage: str = "generate"
    caps: Caps = field(default_factory=Caps)
    concurrency: int | None = None
    reuse: Sequence[Path] = ()
    journal: Path | None = None
    clock: Clock = field(default_factory=Clock)
    asked: Mapping[str, Any] = field(default_factory=dict)
    noted: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    executor: Executor = field(default_factory=LocalExecutor)


class Bugs:
    """Tells a defect from a bad row."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._same: Counter[tuple[str, str]] = Counter()

    def fine(self, label: str) -> None:
        """A row of this map did not fail unexpectedly."""
        self._rows[label] += 1

    def saw(self, label: str, error: Exception, trace: str) -> None:
        """A row failed unexpectedly; raises Bug where that is no accident."""
        self._rows[label] += 1
        last = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
        signature = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}" if last else type(error).__name__
        self._same[(label, signature)] += 1
        same, rows = self._same[(label, signature)], self._rows[label]
        if same == rows == FIRST_ROWS or (rows >= ENOUGH_ROWS and same > BAD_SHARE * rows):
            raise Bug(f"'{label}' fails with {signature} in {same} of {rows} rows: {error}", trace=trace, code="bug.every_row")


class Session:
    """The engine of one run, from its start to its end, in one event loop."""

    def __init__(self, settings: Settings, journal: Journal, sink: Sink | None) -> None:
        self.settings = settings
        self.journal = journal
        self.sink = sink
        self.clock = settings.clock
        self.progress = settings.progress
        self.loop = asyncio.get_running_loop()
        self.bugs = Bugs()
        self.stopping: Stop | None = None
        self.left: Stop | None = None
        self.caller = Caller(self)
        calls, tokens, usd = journal.totals() if settings.caps != Caps() else (0, 0, 0.0)
        self.budget = Budget(settings.caps, Spent(usd, calls, tokens))
        self.window = max(WINDOW, 16 * (settings.concurrency or 0))
        self.reasons: Counter[tuple[str, str]] = sink.reasons if sink is not None else Counter()
        self.stage, self.fenced = settings.stage, settings.fenced
        self.root = Frame(digest("tilth/1", settings.stage, settings.seed), "", (), emit=sink.reject if sink else _no_rejects)
        self.spools: list[Spool] = []
        self.embedding: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # sets in the making, by name
        self.questions: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, dict[str, Any]] | None = None
        self._sleepers: set[asyncio.Future[None]] = set()

    def begin(self, stage: str, reads: frozenset[str]) -> None:
        """Go on with another stage, at a root of its own. reads: fenced inputs that it may read."""
        self.stage, self.fenced = stage, self.settings.fenced - reads
        self.progress.stage = stage
        self.root = Frame(digest("tilth/1", stage, self.settings.seed), "", (), emit=_no_rejects)

    # stopping

    def stop(self, stop: Stop) -> Stop:
        """Send no new call from now on. Answered calls are still served, sent ones are awaited and committed."""
        if self.stopping is None:
            self.stopping = stop
            self.caller.fail_waiting(stop)
            self.budget.wake()
            for sleeper in self._sleepers:
                if not sleeper.done():
                    sleeper.set_result(None)
        return self.stopping

    def leave(self, stop: Stop) -> Stop:
        """One row cannot be finished in this start; the others go on."""
        self.left = self.left or stop
        return stop

    def check_stop(self) -> None:
        """Raise the Stop that is in force."""
        if self.stopping is not None:
            raise self.stopping

    async def pause(self, seconds: float) -> None:
        """Wait before a retry; a stop ends the wait."""
        self.check_stop()
        sleeper: asyncio.Future[None] = self.loop.create_future()
        self._sleepers.add(sleeper)
        handle = self.loop.call_later(seconds, _end_sleep, sleeper)
        try:
            await sleeper
        finally:
            handle.cancel()
            self._sleepers.discard(sleeper)
        self.check_stop()

    def answers(self) -> dict[str, dict[str, Any]]:
        """What people have answered so far, by question id; read once a start."""
        if self._answers is None:
            path = self.settings.folder.path / "answers.jsonl"
            lines = path.read_bytes().splitlines() if path.exists() else []
            answers = [orjson.loads(line) for line in lines if line.strip()]
            self._answers = {answer["id"]: answer for answer in answers}
        return self._answers

    # records

    def adopt(self, frame: Frame, made: Any) -> Any:
        """Give records made at a place their id and place: H(run identity, place, j), j-th record of the place."""
        if isinstance(made, Record):
            if made.id is None:
                made.meta["id"] = digest(self.settings.identity, frame.place, frame.next_record()).hex()
                made.meta.setdefault("place", frame.path)
        elif isinstance(made, (list, tuple)):
            for one in made:
                if isinstance(one, Record):
                    self.adopt(frame, one)
        return made

    def partial(self, results: list[Any]) -> None:
        """Finished rows behind a stop."""
        if self.sink is not None:
            self.sink.partial([one for one in results if isinstance(one, Record)])

    # counting

    def book(self, role: str, model: str, usage: Usage, usd: float | None, *, free: bool = False) -> None:
        """Count a paid call."""
        progress = self.progress
        progress.calls += 1
        progress.tokens_in += usage.input
        progress.tokens_out += usage.output
        by_role = progress.roles.get(role)
        if by_role is None:
            by_role = progress.roles[role] = RoleUsage(model)
        by_role.calls += 1
        by_role.tokens_in += usage.input
        by_role.tokens_out += usage.output
        if usd is not None:
            progress.usd += usd
            by_role.usd += usd
        elif not free:
            progress.unpriced += 1
            by_role.unpriced += 1

    def note(self, text: str) -> None:
        """One line for the user, once."""
        if text not in self.progress.warnings:
            self.progress.warnings.append(text)


def _no_rejects(reject: Reject) -> None:
    raise Bug(f"run.reject('{reject.reason}') belongs to generation; a later stage decides without editing rows.", code="bug.reject")


def _end_sleep(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


def versions() -> dict[str, str]:
    """What a result may depend on, for run.json."""
    import platform

    import numpy as np

    from tilth import __version__

    return {"tilth": __version__, "python": sys.version.split()[0], "numpy": np.__version__, "machine": platform.machine(), "cpu": _cpu()}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")

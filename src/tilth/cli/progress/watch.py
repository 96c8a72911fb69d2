"""What all displays share: the snapshot, moving rates, the time left, and the thread that looks at it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tilth.cli.numbers import count, duration, money, reasons, share, tokens

WINDOW = 60.0
"""Seconds over which rates are taken."""
QUIET = 10.0
"""Seconds before a time left is shown."""


class Snapshot(Protocol):
    """The numbers of a run; `tilth.engine.progress.Progress` is one."""

    stage: str
    method: str
    total: int | None
    kept: int
    rejected: int
    reasons: Any
    calls: int
    from_journal: int
    in_flight: int
    limit: int
    direction: str
    retries: int
    tokens_in: int
    tokens_out: int
    usd: float
    unpriced: int
    waiting_for: str
    last_kept: str
    finished: bool


@dataclass(frozen=True)
class StageLine:
    """A stage as the displays show it. what: beside its name (`7 steps`). now, over: what to say while it works, and afterwards.

    rows: it makes the rows that are counted, so a bar shows them.
    """

    name: str
    what: str
    now: Callable[[], str] = str
    over: Callable[[], str] = str
    rows: bool = False


@dataclass
class Header:
    """What is known before the first call: the lines above the numbers. spent_usd: by earlier starts of the run.

    brief: a trial, of which nothing stays on the screen.
    """

    name: str
    seed: int
    folder: str
    models: dict[str, str] = field(default_factory=dict)
    budget_usd: float | None = None
    spent_usd: float = 0.0
    estimate: str = ""
    stages: list[StageLine] = field(default_factory=list)
    brief: bool = False

    def at(self, stage: str) -> int:
        """The position of a stage; 0 for one that is not listed (generation in parts)."""
        return next((number for number, line in enumerate(self.stages) if line.name == stage), 0)

    def unpriced(self) -> str:
        """The models, for a cost that nobody knows."""
        return ", ".join(dict.fromkeys(self.models.values()))


@dataclass
class Rates:
    """Calls per second, and seconds left, over the last minute."""

    points: deque[tuple[float, int, int]] = field(default_factory=deque)
    start: float | None = None

    def add(self, now: float, snapshot: Snapshot) -> None:
        """Remember the numbers of this moment (seconds of a monotonic clock)."""
        self.start = now if self.start is None else self.start
        self.points.append((now, snapshot.calls, snapshot.kept))
        while len(self.points) > 2 and now - self.points[0][0] > WINDOW:
            self.points.popleft()

    def elapsed(self) -> float:
        """Seconds since the first look."""
        return self.points[-1][0] - self.start if self.points and self.start is not None else 0.0

    def calls_per_second(self) -> float:
        """Mean of the window."""
        return self._rate(1)

    def eta(self, snapshot: Snapshot) -> float | None:
        """Seconds left of generation; None when not known: no total, all there, too early, or nothing came in the last minute."""
        rate = self._rate(2)
        if snapshot.total is None or snapshot.kept >= snapshot.total or self.elapsed() < QUIET or rate <= 0:
            return None
        return max(0.0, (snapshot.total - snapshot.kept) / rate)

    def _rate(self, index: int) -> float:
        if len(self.points) < 2:
            return 0.0
        first, last = self.points[0], self.points[-1]
        return (last[index] - first[index]) / (last[0] - first[0]) if last[0] > first[0] else 0.0


class Watcher:
    """Looks at a snapshot every `period` seconds from its own thread and calls `look(final)`."""

    def __init__(self, look: Callable[[bool], None], period: float) -> None:
        self._look = look
        self._period = period
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._turn, name="tilth-progress", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look a last time and end the thread."""
        if not self._over.is_set():
            self._over.set()
            self._thread.join(5)
            self._look(True)

    def _turn(self) -> None:
        while not self._over.wait(self._period):
            self._look(False)


def cost(snapshot: Snapshot, budget: float | None, before: float = 0.0) -> str:
    """`$0.31 of $3.00`, with what earlier starts spent; `unknown` where no call has a price."""
    spent = "unknown" if snapshot.unpriced and not snapshot.usd else money(before + snapshot.usd)
    more = " and more: some calls have no known price" if snapshot.unpriced and snapshot.usd else ""
    return f"{spent}{f' of {money(budget)}' if budget is not None else ''}{more}"


def costs(snapshot: Snapshot, header: Header) -> str:
    """`$0.31 of $3.00 · about $0.88 at the end`; for a model without a price: `unknown for vllm/…; tokens are counted`."""
    if snapshot.unpriced and not snapshot.usd:
        return f"unknown for {header.unpriced() or 'these models'}; tokens are counted"
    end = at_the_end(snapshot, header.spent_usd)
    return cost(snapshot, header.budget_usd, header.spent_usd) + (f" · about {money(end)} at the end" if end else "")


def at_the_end(snapshot: Snapshot, before: float = 0.0) -> float | None:
    """Dollars when all rows are there, as far as the rows so far say; `before` was spent by earlier starts.

    A row that was answered from the journal cost nothing now, but needs as many calls as the others. None before there are some
    rows, where a price is unknown, and when nothing is left to pay.
    """
    if not snapshot.total or not snapshot.kept or not snapshot.calls or snapshot.unpriced or snapshot.kept >= snapshot.total:
        return None
    calls_left = (snapshot.total - snapshot.kept) * (snapshot.calls + snapshot.from_journal) / snapshot.kept
    return round(before + snapshot.usd + calls_left * snapshot.usd / snapshot.calls, 6)


def calls(snapshot: Snapshot, rates: Rates) -> str:
    """`860   7.7/s · 24 in flight, limit 32 (rising) · 3 retried · 0 from the journal`."""
    parts = [f"{count(snapshot.calls)}   {rates.calls_per_second():.1f}/s"]
    bound = f", limit {snapshot.limit} ({snapshot.direction})" if snapshot.limit else ""
    parts.append(f"{snapshot.in_flight} in flight{bound}")
    if snapshot.retries:
        parts.append(f"{count(snapshot.retries)} retried")
    free = ", free" if snapshot.from_journal else ""
    return " · ".join([*parts, f"{count(snapshot.from_journal)} from the journal{free}"])


def rows(snapshot: Snapshot) -> str:
    """`742 kept · 58 rejected (7.2 %): 31 refused to answer, 19 reply not readable`."""
    line = f"{count(snapshot.kept)} kept · {count(snapshot.rejected)} rejected"
    if snapshot.rejected:
        line += f" ({share(snapshot.rejected, snapshot.kept + snapshot.rejected)}): {reasons(dict(snapshot.reasons))}"
    return line


def goal(snapshot: Snapshot) -> str:
    """`742 of 1,000 rows`, or `742 rows` where no total is known."""
    return f"{count(snapshot.kept)} of {count(snapshot.total)} rows" if snapshot.total else f"{count(snapshot.kept)} rows"


def times(rates: Rates, snapshot: Snapshot) -> str:
    """`1 min 52 s · about 2 min 40 s left`."""
    left = rates.eta(snapshot)
    return duration(rates.elapsed()) + (f" · about {duration(left)} left" if left is not None else "")


def event(snapshot: Snapshot, rates: Rates) -> dict[str, Any]:
    """The fields of one `progress` event."""
    left = rates.eta(snapshot)
    end = at_the_end(snapshot)
    return {
        "t": round(rates.elapsed(), 1),
        "stage": snapshot.stage,
        "done": snapshot.kept,
        "total": snapshot.total,
        "kept": snapshot.kept,
        "rejected": snapshot.rejected,
        "reasons": dict(snapshot.reasons),
        "calls": snapshot.calls,
        "in_flight": snapshot.in_flight,
        "concurrency": snapshot.limit,
        "retries": snapshot.retries,
        "from_journal": snapshot.from_journal,
        "tokens_in": snapshot.tokens_in,
        "tokens_out": snapshot.tokens_out,
        "usd": None if snapshot.unpriced else round(snapshot.usd, 6),
        "usd_end": end,
        "eta_s": None if left is None else round(left),
    }


def short_tokens(snapshot: Snapshot) -> str:
    """`327k in · 112k out`."""
    return f"{tokens(snapshot.tokens_in)} in · {tokens(snapshot.tokens_out)} out"


now = time.monotonic

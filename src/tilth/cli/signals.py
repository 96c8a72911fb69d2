"""Ctrl-C and SIGTERM during a run, in one place.

First Ctrl-C (or SIGTERM): no new calls; those in flight are paid, so wait for them, at most 30 s (10 s). Second, at any
time: leave at once; the journal is safe, and the calls in flight, whose number is printed, are lost. On Windows
Ctrl-Break is the second.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Protocol

from tilth.cli.numbers import plural
from tilth.cli.printer import Printer

WAIT = {signal.SIGINT: 30.0, signal.SIGTERM: 10.0}
"""Seconds that calls in flight are waited for."""


class Interruptible(Protocol):
    """What a run offers: stop gently, and leave with this exit code."""

    def interrupt(self, exit_code: int) -> None:
        """Start no new call; finish those in flight; then stop."""


class Signals:
    """Context manager that watches over one run. Before `handle` is set, Ctrl-C is an ordinary KeyboardInterrupt.

    in_flight: number of calls on their way. leave: what to do last (replaced in tests); it must not return.
    """

    def __init__(self, printer: Printer, in_flight: Callable[[], int], leave: Callable[[int], Any] = os._exit) -> None:
        self.handle: Interruptible | None = None
        self.stopped_by: int | None = None
        self._printer = printer
        self._in_flight = in_flight
        self._leave = leave
        self._before: dict[int, Any] = {}
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            names = ("SIGINT", "SIGTERM", "SIGBREAK")
            for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        code = 143 if number == signal.SIGTERM else 130
        if self.handle is None:
            raise KeyboardInterrupt
        if self.stopped_by is not None or number == getattr(signal, "SIGBREAK", None):
            self._go(self.stopped_by or code)
            return
        self.stopped_by = code
        waiting = self._in_flight()
        if waiting:
            what = (
                "1 call is in flight and already paid; waiting for it"
                if waiting == 1
                else (f"{waiting} calls are in flight and already paid; waiting for them")
            )
            self._printer.say(f"Stopping: {what}. Press Ctrl-C again to leave now.")
        self._timer = threading.Timer(WAIT.get(signal.Signals(number), 30.0), self._go, (code,))
        self._timer.daemon = True
        self._timer.start()
        self.handle.interrupt(code)

    def _go(self, code: int) -> None:
        lost = self._in_flight()
        self._printer.restore()
        why = f"{plural(lost, 'call')} in flight lost" if lost else "no call was in flight"
        self._printer.mark("warn", f"left at once: {why}. Everything answered before is saved; the same command continues.")
        self._leave(code)

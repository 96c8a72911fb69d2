"""Driving processes that are not trusted: feed, read up to a cap, watch clock and memory from outside, kill all, reap all."""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .limits import Limits
from .tree import usage

TICK = 0.05
"""Seconds between two looks at memory and at `stop`."""
_FLOOD = 16
"""Output beyond this many times the cap ends the program."""
_START = 10.0
"""Seconds within which a starter says which process it started, on a machine that is very busy."""
_REPORT = 32 << 20
"""Bytes of messages that one process may send."""


@dataclass(eq=False)
class Child:
    """A started program with this side's ends of its pipes."""

    process: subprocess.Popen[bytes]
    to_write: memoryview
    report: int
    status: int | None
    limits: Limits
    began: float
    kept: dict[str, bytearray] = field(default_factory=lambda: {name: bytearray() for name in ("stdout", "stderr", "report", "status")})
    seen: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("stdout", "stderr", "report", "status"), 0))
    ended_by: str = ""
    cpu_s: float = 0.0
    max_rss: int = 0
    wall_s: float = 0.0
    exit: int | None = None
    _first: int | None = None

    def cap(self, name: str) -> int:
        return self.limits.output if name in ("stdout", "stderr") else _REPORT

    def first(self) -> int | None:
        """The process whose end ends all others: the first of the pid namespace, once it is known."""
        if self.status is None:
            return self.process.pid
        if self._first is None:
            self._first = self.told("child-pid")
        return self._first

    def told(self, name: str) -> int | None:
        """A number of the status channel, which the program cannot write."""
        for line in bytes(self.kept["status"]).splitlines():
            with contextlib.suppress(ValueError):
                value = json.loads(line).get(name)
                if isinstance(value, int):
                    return value
        return None

    def ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        """End everything that the program started; returns when it is gone."""
        if self.process.stdin is not None:  # a starter that still waits for its configuration starts nothing more
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self._wait_for_first()
        first = self.first()
        if self.status is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        elif first is not None:
            _kill_and_wait(first)
        self.process.kill()
        self.process.wait()

    def _wait_for_first(self) -> None:
        """A program that is just being started is not killed before its first process is known: that one would live on."""
        until = time.monotonic() + _START
        while self.status is not None and self.first() is None and time.monotonic() < until:
            if select.select([self.status], [], [], TICK)[0]:
                part = os.read(self.status, 1 << 12)
                self.kept["status"] += part
                if not part:
                    return

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        for descriptor in (self.report, self.status, self.exit):
            if descriptor is not None:
                os.close(descriptor)


def _kill_and_wait(pid: int) -> None:
    """Kill the first process of a pid namespace; its end is waited for, and comes after that of all others in it."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            select.select([handle], [], [], 5.0)
        finally:
            os.close(handle)


def drive(main: Child, others: list[Child], wall: float, stop: threading.Event) -> None:
    """Serve all children until `main` has ended, the clock ran out, or `stop` is set; then nothing of them is left."""
    children = [main, *others]
    with selectors.DefaultSelector() as ready:
        for child in children:
            _register(ready, child)
        try:
            _loop(ready, main, children, time.monotonic() + wall, stop)
        finally:
            for child in children:
                _measure(child)
                child.kill()
                child.wall_s = time.monotonic() - child.began
            _drain(ready)
            for child in children:
                child.close()


def _register(ready: selectors.BaseSelector, child: Child) -> None:
    pipes: dict[str, Any] = {"stdout": child.process.stdout, "stderr": child.process.stderr, "report": child.report}
    if child.status is not None:
        pipes["status"] = child.status
    for name, pipe in pipes.items():
        os.set_blocking(pipe if isinstance(pipe, int) else pipe.fileno(), False)
        ready.register(pipe, selectors.EVENT_READ, (child, name))
    assert child.process.stdin is not None
    os.set_blocking(child.process.stdin.fileno(), False)
    ready.register(child.process.stdin, selectors.EVENT_WRITE, (child, "stdin"))
    if hasattr(os, "pidfd_open"):
        child.exit = os.pidfd_open(child.process.pid)
        ready.register(child.exit, selectors.EVENT_READ, (child, "exit"))


def _loop(ready: selectors.BaseSelector, main: Child, children: list[Child], deadline: float, stop: threading.Event) -> None:
    looked = time.monotonic()
    while not main.ended():
        now = time.monotonic()
        if now >= deadline or stop.is_set():
            for child in children:
                if not child.ended():
                    child.ended_by = child.ended_by or ("timeout" if now >= deadline else "killed")
            return
        for key, _ in ready.select(min(TICK, deadline - now)):
            _serve(ready, key)
        if now - looked >= TICK:
            looked = now
            for child in children:
                _measure(child)
        if any(child.ended_by for child in children):
            return


def _measure(child: Child) -> None:
    first = child.first()
    if first is None or child.ended():
        return
    cpu, resident = usage(first)
    child.cpu_s, child.max_rss = max(cpu, child.cpu_s), max(resident, child.max_rss)
    if resident > child.limits.memory:
        child.ended_by = child.ended_by or "oom"


def _serve(ready: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    child, name = key.data
    if name == "stdin":
        _feed(ready, key, child)
        return
    if name == "exit":
        ready.unregister(key.fileobj)  # it only wakes the loop
        return
    try:
        part = os.read(key.fd, 1 << 16)
    except BlockingIOError:
        return
    if not part:
        ready.unregister(key.fileobj)
        return
    child.seen[name] += len(part)
    room = child.cap(name) - len(child.kept[name])
    child.kept[name] += part[: max(room, 0)]
    flood = _FLOOD * max(child.cap(name), 1 << 16) if name in ("stdout", "stderr") else _REPORT
    if child.seen[name] > flood:
        child.ended_by = child.ended_by or "output_limit"


def _feed(ready: selectors.BaseSelector, key: selectors.SelectorKey, child: Child) -> None:
    try:
        child.to_write = child.to_write[os.write(key.fd, child.to_write[: 1 << 16]) :]
    except BlockingIOError:
        return
    except OSError:  # it does not read its input
        child.to_write = child.to_write[:0]
    if not child.to_write:
        ready.unregister(key.fileobj)
        assert child.process.stdin is not None
        with contextlib.suppress(OSError):
            child.process.stdin.close()


def _drain(ready: selectors.BaseSelector) -> None:
    """What is still in the pipes; their writers are dead, so each ends (or, with limits only, is left after a moment)."""
    until = time.monotonic() + 0.5
    for key in list(ready.get_map().values()):
        if key.data[1] in ("stdin", "exit"):
            ready.unregister(key.fileobj)
    while ready.get_map() and time.monotonic() < until:
        for key, _ in ready.select(0.05):
            _serve(ready, key)

"""Processes for work that may never end: each is killed from outside at its time limit, and a new one takes its place."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .base import Verdict

if TYPE_CHECKING:
    from ..engine.run import Run

START_SECONDS = 60.0
"""How long a new process may take to import what it needs; a busy machine with a cold disk is slow."""
_BOOT = "import json,sys; sys.path[:]=json.loads(sys.argv[1]); from tilth.verify.workers import serve; serve(sys.argv[2], int(sys.argv[3]))"


class TimedOut(Exception):
    """The work took longer than its limit; its process was killed."""


class Broke(Exception):
    """The process died, ran out of memory, or the function raised; the text says which."""


class Workers:
    """Up to `most` processes that each run one function, one call after the other.

    Parameters
    ----------
    target: ``package.module:function`` of a function from one JSON value to another. Model-written text goes in as data; the
        function must not execute it. A function ``warm`` of that module is called first; its time does not count.
    seconds: wall-clock limit of one call. megabytes: address space of a process.

    A process gets an empty environment (no keys) and is started when it is first needed. Calls may come from any thread.
    """

    def __init__(self, target: str, *, seconds: float = 5.0, megabytes: int = 1024, most: int = 2) -> None:
        self.target = target
        self.seconds = seconds
        self.megabytes = megabytes
        self.most = most
        self._idle: list[subprocess.Popen[bytes]] = []
        self._places = threading.Semaphore(most)
        self._close = weakref.finalize(self, _end_all, self._idle)  # also at the end of Python

    def __reduce__(self) -> Any:
        return partial(Workers, seconds=self.seconds, megabytes=self.megabytes, most=self.most), (self.target,)

    def close(self) -> None:
        """End the idle processes; the next call starts new ones."""
        while self._idle:
            _end(self._idle.pop())

    def call(self, payload: Any) -> Any:
        """The function's answer.

        Raises
        ------
        TimedOut, Broke: there is none; the process is gone, and the next call gets a new one.
        """
        with self._places:
            try:
                process = self._idle.pop()
            except IndexError:
                process = self._start()
            try:
                answer = _exchange(process, payload, time.monotonic() + self.seconds)
            except BaseException:  # also when the calling thread is interrupted: nobody may read a late answer
                _end(process)
                raise
            self._idle.append(process)
        if "error" in answer:
            raise Broke(answer["error"])
        return answer["value"]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-c", _BOOT, json.dumps(sys.path), self.target, str(self.megabytes)]
        environment = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, cwd="/")
        try:
            _line(process, time.monotonic() + START_SECONDS)  # "ready"
        except BaseException:
            _end(process)
            raise
        return process


async def work(run: Run | None, workers: Workers, payload: Mapping[str, Any], *, version: int) -> dict[str, Any]:
    """What a worker answers, as ``{"value": ...}``, or ``{"error": "timeout" | ...}``; journaled where there is a run.

    Journaled errors too: a time-out depends on the machine, and the same run executed again must decide the same.
    """
    if run is not None:
        answer: dict[str, Any] = await run.do(partial(_attempt, workers), payload, version=version)
        return answer
    import asyncio

    return await asyncio.to_thread(_attempt, workers, payload)


def unanswered(reply: Mapping[str, Any], **evidence: Any) -> Verdict | None:
    """The verdict where a worker gave no value: unscored, by a name that can be counted; what was raised is in the evidence."""
    if "error" not in reply:
        return None
    return Verdict("unscored", str(reply["error"]).split(":")[0], {**evidence, "error": reply["error"]})


def _attempt(workers: Workers, payload: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"value": workers.call(payload)}
    except TimedOut:
        return {"error": "timeout"}
    except Broke as broke:
        return {"error": str(broke) or "crashed"}


def _exchange(process: subprocess.Popen[bytes], payload: Any, deadline: float) -> dict[str, Any]:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(payload).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        raise Broke("crashed") from None
    answer: dict[str, Any] = json.loads(_line(process, deadline))
    return answer


def _line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    assert process.stdout is not None
    file, read = process.stdout.fileno(), b""
    poll = select.poll()
    poll.register(file, select.POLLIN | select.POLLHUP)
    while not read.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimedOut
        block = os.read(file, 1 << 16)
        if not block:
            raise Broke("crashed")
        read += block
    return read


def _end_all(processes: list[subprocess.Popen[bytes]]) -> None:
    while processes:
        _end(processes.pop())


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # what was still to be written has no reader any more
                pass
    process.wait()


def serve(target: str, megabytes: int) -> None:
    """The process: reads one JSON value a line, writes what the function makes of it. Ends with its input."""
    import importlib
    import resource

    name, _, attribute = target.partition(":")
    module = importlib.import_module(name)
    function = getattr(module, attribute)
    getattr(module, "warm", int)()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out.write(b"ready\n")
    out.flush()
    for line in sys.stdin.buffer:
        try:
            answer = {"value": function(json.loads(line))}
        except MemoryError:
            answer = {"error": "memory"}
        except RecursionError:
            answer = {"error": "recursion"}
        except Exception as error:  # boundary: the process; the caller decides what an error of the function means
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()

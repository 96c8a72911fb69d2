"""Starting programs under a kind of isolation and reading what came of them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .drive import Child, drive
from .kinds import Kind, start
from .limits import Limits
from .result import ProgramError, Result, Status
from .seccomp import program

SIGXCPU, SIGKILL = 24, 9


@dataclass(slots=True)
class Asked:
    """One process to start: what the process inside is told, and what it reads after that."""

    config: dict[str, Any]
    stdin: bytes = b""
    address_space: bool = True
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))


def execute(kind: Kind, asked: list[Asked], limits: Limits, *, seed: int, stop: threading.Event) -> list[Result]:
    """Start the programs, the first being the one whose end ends all; two are linked by a socket. Nothing is left behind."""
    with contextlib.ExitStack() as stack:
        links = _links(stack, len(asked))
        folder = stack.enter_context(tempfile.TemporaryDirectory()) if kind == "limits" else None
        children: list[Child] = []
        try:
            for one, link in zip(asked, links, strict=True):
                children.append(_spawn(kind, one, limits, seed, link, folder))
        except BaseException:
            for child in children:
                child.kill()
                child.close()
            raise
        finally:
            for end in links:
                if end is not None:
                    end.close()
        drive(children[0], children[1:], limits.wall, stop)
        return [_read(kind, child, one) for child, one in zip(children, asked, strict=True)]


def _links(stack: contextlib.ExitStack, count: int) -> list[socket.socket | None]:
    if count == 1:
        return [None]
    pair = socket.socketpair()
    for end in pair:
        stack.callback(end.close)
    return list(pair)


def _spawn(kind: Kind, asked: Asked, limits: Limits, seed: int, link: socket.socket | None, folder: str | None) -> Child:
    with _inherited(kind) as (report, status, seccomp):
        given = start(
            kind,
            limits,
            seed=seed,
            address_space=asked.address_space,
            report=report[1],
            status=status[1] if status else -1,
            seccomp=seccomp,
        )
        config = {**given.config, **asked.config, "nonce": asked.nonce}
        passed = [report[1], *([status[1]] if status else []), *([seccomp] if seccomp >= 0 else [])]
        if link is not None:
            config["link"] = link.fileno()
            passed.append(link.fileno())
        body = json.dumps(config).encode()
        process = subprocess.Popen(
            given.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=given.environment,
            pass_fds=passed,
            start_new_session=True,
            cwd=folder or "/",
        )
        kept = os.dup(report[0]), os.dup(status[0]) if status else None
    frame = memoryview(b"%d\n" % len(body) + body + asked.stdin)
    return Child(process, frame, kept[0], kept[1], limits, time.monotonic())


@contextlib.contextmanager
def _inherited(kind: Kind) -> Iterator[tuple[tuple[int, int], tuple[int, int] | None, int]]:
    """The pipes of reports and of status (both read end, write end), and the filter's descriptor or -1; closed on leaving."""
    report = os.pipe()
    status = None if kind == "limits" else os.pipe()
    seccomp = -1
    try:
        if kind == "bubblewrap" and program():
            seccomp, write = os.pipe()
            os.write(write, program())
            os.close(write)
        yield report, status, seccomp
    finally:
        for descriptor in (*report, *(status or ()), *([seccomp] if seccomp >= 0 else [])):
            os.close(descriptor)


def _read(kind: Kind, child: Child, asked: Asked) -> Result:
    messages = list(_messages(bytes(child.kept["report"])))
    ready = bool(messages) and messages[0] == {"ready": asked.nonce}
    error = next((program_error(one["error"]) for one in messages if "error" in one and "call" not in one and "test" not in one), None)
    code = _exit_code(child)
    return Result(
        status=_status(child, code, ready, error),
        exit_code=code,
        stdout=child.kept["stdout"].decode(errors="replace"),
        stderr=child.kept["stderr"].decode(errors="replace"),
        truncated=any(child.seen[name] > len(child.kept[name]) for name in ("stdout", "stderr")),
        wall_s=round(child.wall_s, 3),
        cpu_s=round(child.cpu_s, 3),
        max_rss=child.max_rss,
        isolation=kind,
        error=error,
        messages=tuple(messages[1:]),
    )


def _exit_code(child: Child) -> int | None:
    if child.status is not None:
        return child.told("exit-code")
    code = child.process.returncode
    return 128 - code if code is not None and code < 0 else code


def _status(child: Child, code: int | None, ready: bool, error: ProgramError | None) -> Status:
    if not ready:
        return "killed" if child.ended_by == "killed" else "sandbox_error"
    if child.ended_by in ("timeout", "oom", "output_limit", "killed"):
        return child.ended_by  # type: ignore[return-value]
    if code in (128 + SIGXCPU, 128 + SIGKILL) and child.wall_s >= 0.5 * child.limits.cpu:
        return "timeout"  # the kernel's own count of processor time
    if error is not None and error.type == "MemoryError":
        return "oom"
    if code is None or code > 128:
        return "killed"
    return "ok" if code == 0 else "error"


def _messages(raw: bytes) -> Iterator[Mapping[str, Any]]:
    """The lines that are JSON objects, up to the first that is not: what follows it cannot be trusted to be whole."""
    for line in raw.split(b"\n"):
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict):
            return
        yield message


def program_error(told: Any) -> ProgramError:
    """An error as a process told it; whatever is malformed is left out."""
    if not isinstance(told, dict):
        return ProgramError("unknown")
    frames = []
    for one in told.get("frames") or ():
        if isinstance(one, list) and len(one) == 2 and isinstance(one[0], int):
            frames.append((one[0], str(one[1])))
    return ProgramError(str(told.get("type"))[:200], _stable(str(told.get("message") or ""))[:2000], tuple(frames))


def _stable(message: str) -> str:
    """Without addresses in memory, which differ from run to run."""
    import re

    return re.sub(r" at 0x[0-9a-fA-F]+", " at 0x0", message)

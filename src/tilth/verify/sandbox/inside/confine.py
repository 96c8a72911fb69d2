"""Before a program starts: a uid of its own, limits that it cannot raise, no new privileges, fewer system calls."""

from __future__ import annotations

import base64
import os
import resource
from typing import Any

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 38, 22, 2


def confine(config: dict[str, Any]) -> None:
    """Apply `config`: uid (or None), limits ({name of RLIMIT: value}), filter (base64 of a seccomp program, or "")."""
    _drop(config.get("uid"))
    os.umask(0o077)
    os.nice(5)
    for name, value in config["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    if config.get("filter"):
        seccomp(base64.b64decode(config["filter"]))


def _drop(uid: int | None) -> None:
    if uid is None or os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def seccomp(program: bytes) -> None:
    """Install a seccomp filter (an array of struct sock_filter); it holds for everything this process starts."""
    import ctypes

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    head = Program(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(head), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")

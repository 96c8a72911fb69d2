"""Does a kind of isolation work on this machine? A program is run under it, and must come back as confined."""

from __future__ import annotations

import os
import threading
from functools import lru_cache

from .kinds import Kind
from .launch import Asked, execute
from .limits import Limits

_PROGRAM = """
import os, socket
assert os.geteuid() != 0, "root"
if {isolated}:
    assert os.listdir("/tmp") == [], "files in /tmp"
    assert not os.path.exists("/home") and not os.path.exists("/etc/passwd"), "files of this machine"
    try:
        socket.create_connection(("127.0.0.1", {port}), 1).close()
        raise AssertionError("network")
    except OSError:
        pass
"""


@lru_cache(maxsize=8)
def why_not(kind: Kind) -> str | None:
    """None where a program ran under `kind` and saw neither files nor network of this machine; else the reason, one line."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        text = _PROGRAM.format(isolated=kind != "limits", port=listening.getsockname()[1])
        try:
            result = execute(kind, [Asked({"mode": "run", "code": text})], Limits(wall=10), seed=0, stop=threading.Event())[0]
        except OSError as error:
            return os.strerror(error.errno or 0)
    if result.status == "ok":
        return None
    lines = result.stderr.strip().splitlines()
    return lines[-1][:160] if lines else result.status

"""Kinds of isolation, best first, and how a program is started under each. What works is tried, never guessed."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .limits import Limits

Kind = Literal["bubblewrap", "namespaces", "limits"]
KINDS: tuple[Kind, ...] = ("bubblewrap", "namespaces", "limits")
WHAT: dict[Kind, str] = {
    "bubblewrap": "bubblewrap: own users, processes, network and files",
    "namespaces": "own namespaces: own users, processes, network and files",
    "limits": "process limits only: programs can read this user's files and reach the network",
}

INSIDE = Path(__file__).parent / "inside"
HOME_INSIDE = "/opt/tilth"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
    "OMP_NUM_THREADS": "1",
}
"""All a program sees of an environment, with PYTHONHASHSEED beside it."""

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_TABLES = ("/etc/ld.so.cache", "/etc/alternatives")
_FIRST_UID, _UIDS = 2_000_000_000, 100_000_000


@dataclass(frozen=True, slots=True)
class Start:
    """How to start one program: the command, its environment, and what the process inside is told."""

    command: list[str]
    environment: dict[str, str]
    config: dict[str, Any]


def interpreter() -> Path:
    """The real Python of this process: no virtual environment's link, no version manager's shim."""
    return Path(getattr(sys, "_base_executable", "") or sys.executable).resolve()


def start(kind: Kind, limits: Limits, *, seed: int, address_space: bool, report: int, status: int, seccomp: int) -> Start:
    """The start of a program under `kind`; `report`, `status` and `seccomp` are descriptors that it inherits."""
    from .seccomp import program

    home = HOME_INSIDE if kind == "bubblewrap" else str(INSIDE.parent)
    entry = "namespaces" if kind == "namespaces" else "main"
    text = f"import sys; sys.path.insert(0, {home!r}); from inside.{entry} import main; main()"
    python = [str(interpreter()), "-s", "-S", "-P", "-B", "-c", text]
    environment = {**ENVIRONMENT, "PYTHONHASHSEED": str(seed)}
    root = os.geteuid() == 0
    config: dict[str, Any] = {
        "limits": limits.kernel(address_space=address_space),
        "uid": _FIRST_UID + secrets.randbelow(_UIDS) if root and kind != "limits" else None,
        "report": report,
    }
    if kind == "bubblewrap":
        return Start([*_bubblewrap(limits, environment, root, status, seccomp), *python], environment, config)
    config["filter"] = _text(program())
    if kind == "namespaces":
        config |= {"mounts": [list(one) for one in mounts()], "tmp": limits.tmp, "status": status, "home": HOME_INSIDE}
    return Start(python, environment, config)


def _text(filter_program: bytes) -> str:
    import base64

    return base64.b64encode(filter_program).decode()


def _bubblewrap(limits: Limits, environment: dict[str, str], root: bool, status: int, seccomp: int) -> list[str]:
    """Options of bwrap. Root makes the namespaces itself and then takes a uid of its own: for uid 0 the kernel counts no processes."""
    found = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    if root:
        found[1:2] = [f"--unshare-{name}" for name in ("pid", "net", "ipc", "uts", "cgroup-try")]
    else:
        found += ["--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534"]
    found += ["--cap-drop", "ALL", *(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else [])]
    for name, value in environment.items():
        found += ["--setenv", name, value]
    for folder in _parents(target for _, _, target in mounts()):  # bwrap would make them for root alone
        found += ["--perms", "0755", "--dir", folder]
    for how, source, target in mounts():
        found += ["--symlink" if how == "link" else "--ro-bind", source, target]
    small = str(min(limits.tmp, 1 << 20))
    found += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", small, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    found += ["--perms", "1777", "--size", str(limits.tmp), "--tmpfs", "/tmp", "--chdir", "/tmp", "--remount-ro", "/"]
    return [*found, "--json-status-fd", str(status), *(["--seccomp", str(seccomp)] if seccomp >= 0 else [])]


def _parents(targets: Iterable[str]) -> list[str]:
    return sorted({str(parent) for target in targets for parent in Path(target).parents} - {"/"})


def mounts() -> Sequence[tuple[str, str, str]]:
    """(bind or link, source, target): the system's programs and libraries, this Python, and the folder `inside`; no more."""
    found: list[tuple[str, str, str]] = []
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            found.append(("link", os.readlink(path), name))
        elif path.is_dir():
            found.append(("bind", name, name))
    found += [("bind", name, name) for name in _TABLES if Path(name).exists()]
    prefix = Path(sys.base_prefix).resolve()
    if not any(prefix.is_relative_to(name) for name in _SYSTEM):
        found.append(("bind", str(prefix), str(prefix)))
    return [*found, ("bind", str(INSIDE), f"{HOME_INSIDE}/inside")]


def missing(kind: Kind) -> str | None:
    """Why `kind` cannot even be tried on this machine, or None."""
    if kind == "bubblewrap" and shutil.which("bwrap") is None:
        return "bwrap not found"
    if kind != "limits" and not sys.platform.startswith("linux"):
        return "not Linux"
    if kind == "limits" and hasattr(os, "geteuid") and os.geteuid() == 0:
        return "refused for root"
    return None

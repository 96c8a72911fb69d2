"""The second kind of isolation: this process makes the namespaces and the file system itself, with no tool but the kernel.

Three processes: the launcher (outside; says who the first one inside is, and how it ended), the first one inside (its death
kills every other), and the program. Calls of the C library that Python 3.11 lacks go through ctypes.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
from typing import Any

from .channel import read_config
from .main import start

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
MNT_DETACH, AT_FDCWD, AT_RECURSIVE, MOUNT_SETATTR, PIVOT_ROOT = 2, -100, 0x8000, 442, {"x86_64": 155, "aarch64": 41}
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, CAPSET = 1, 4, 38, 24, {"x86_64": 126, "aarch64": 91}
NOBODY = 65534


def main() -> None:
    """Make the namespaces, tell the status channel, wait, and exit as the program did; never returns."""
    config = read_config(0)
    status = config["status"]
    space = Space()
    space.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    space.unshare(as_root=os.geteuid() == 0)
    first = os.fork()
    if first == 0:
        _first(space, config)
    _tell(status, {"child-pid": first})
    os.close(config["report"])
    for link in filter(None, [config.get("link")]):
        os.close(link)
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    _, ended = os.waitpid(first, 0)
    _tell(status, {"exit-code": _code(ended)})
    os._exit(0)


def _tell(descriptor: int, message: dict[str, Any]) -> None:
    os.write(descriptor, json.dumps(message).encode() + b"\n")


def _code(ended: int) -> int:
    return 128 + os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)


def _first(space: Space, config: dict[str, Any]) -> None:
    """The first process of the namespaces: build the file system, start the program, wait for it, and end with it."""
    space.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    space.build(config["mounts"], config["tmp"])
    program = os.fork()
    if program == 0:
        os.close(config["status"])
        _program(space, config)
    space.prctl(PR_SET_DUMPABLE, 0)
    for descriptor in [0, 1, 2, config["status"], config["report"], *filter(None, [config.get("link")])]:
        os.close(descriptor)
    while True:
        who, ended = os.wait()  # orphans are this process's children; they are reaped here
        if who == program:
            os._exit(_code(ended))


def _program(space: Space, config: dict[str, Any]) -> None:
    import sys

    sys.modules[__package__ or "inside"].__path__ = [f"{config['home']}/inside"]  # where this folder is from here on
    sys.path[0] = config["home"]

    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(config["uid"], config["uid"], config["uid"])
        os.setresuid(config["uid"], config["uid"], config["uid"])
    space.give_up()
    os.chdir("/tmp")
    start({**config, "uid": None})


class Space:
    """System calls that set up namespaces; each raises OSError where the kernel refuses."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._machine = os.uname().machine

    def _checked(self, result: int, what: str) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")

    def prctl(self, option: int, value: int) -> None:
        self._checked(self._libc.prctl(option, value, 0, 0, 0), f"prctl {option}")

    def unshare(self, *, as_root: bool) -> None:
        """Own mount, pid, net, ipc, uts and cgroup namespaces; an ordinary user needs a user namespace for that."""
        kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP
        user, group = os.geteuid(), os.getegid()
        self._checked(self._libc.unshare(kinds if as_root else kinds | CLONE_NEWUSER), "unshare")
        if as_root:
            return
        for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {user} 1"), ("gid_map", f"{NOBODY} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)

    def mount(self, source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
        parts = [part.encode() if part else None for part in (source, target, kind)]
        self._checked(self._libc.mount(*parts, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")

    def bind(self, source: str, target: str, *, read_only: bool = True) -> None:
        """`source` as it is, without devices and setuid, with everything mounted below it."""
        self.mount(source, target, flags=MS_BIND | MS_REC)
        if not read_only:
            return
        attributes = (ctypes.c_uint64 * 4)(MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)
        path = target.encode()
        result = self._libc.syscall(MOUNT_SETATTR, AT_FDCWD, path, AT_RECURSIVE, ctypes.byref(attributes), ctypes.sizeof(attributes))
        self._checked(result, f"mount_setattr {target}")

    def pivot(self, new: str, old: str) -> None:
        self._checked(self._libc.syscall(PIVOT_ROOT[self._machine], new.encode(), old.encode()), "pivot_root")

    def build(self, mounts: list[list[str]], tmp: int) -> None:
        """A root of its own: `mounts` ([bind or link, source, target]) read-only, /proc, few devices, an empty /tmp of `tmp` bytes."""
        self.mount("none", "/", flags=MS_REC | MS_PRIVATE)
        self.mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")
        for folder in ("/tmp/new", "/tmp/old"):
            os.mkdir(folder, 0o755)
        self.pivot("/tmp", "/tmp/old")
        os.chdir("/")
        self.mount("tmpfs", "/new", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")
        for kind, source, target in mounts:
            _mounted(self, kind, source, f"/new{target}")
        self._devices(tmp)
        self._own(tmp)
        os.chdir("/new")
        self.pivot(".", ".")
        self._checked(self._libc.umount2(b".", MNT_DETACH), "umount")
        os.chdir("/")
        self.mount("tmpfs", "/", flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
        self._checked(self._libc.sethostname(b"sandbox", 7), "sethostname")

    def _devices(self, tmp: int) -> None:
        os.mkdir("/new/dev", 0o755)
        for name in ("null", "zero", "full", "random", "urandom"):
            with open(f"/new/dev/{name}", "w"):
                pass
            self.bind(f"/old/dev/{name}", f"/new/dev/{name}", read_only=False)
        for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            os.symlink(f"/proc/self/fd{target}", f"/new/dev/{name}")
        os.mkdir("/new/dev/shm")
        self.mount("tmpfs", "/new/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={min(tmp, 1 << 20)}")

    def _own(self, tmp: int) -> None:
        for folder in ("/new/tmp", "/new/proc"):
            os.mkdir(folder, 0o755)
        self.mount("tmpfs", "/new/tmp", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={tmp}")
        try:
            self.mount("proc", "/new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        except OSError:
            pass  # inside some containers no new /proc may be mounted: then there is none, which is safe

    def give_up(self) -> None:
        """No capabilities, now or after an exec."""
        self.prctl(PR_SET_NO_NEW_PRIVS, 1)
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        nothing = (ctypes.c_uint32 * 6)()
        self._checked(self._libc.syscall(CAPSET[self._machine], ctypes.byref(header), ctypes.byref(nothing)), "capset")


def _mounted(space: Space, kind: str, source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
    if kind == "link":
        os.symlink(source, target)
        return
    if os.path.isdir(f"/old{source}"):
        os.makedirs(target, 0o755, exist_ok=True)
    else:
        with open(target, "w"):
            pass
    space.bind(f"/old{source}", target)

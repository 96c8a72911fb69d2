"""How much a program may use."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one program. All of them hold for a single run, test files and functions under test included."""

    wall: float = 10.0
    """Seconds until everything is killed; measured outside."""
    cpu: int = 10
    """Seconds of processor time of one process (whole seconds; the kernel counts)."""
    memory: int = 512 * MEBIBYTE
    """Bytes: address space of one process, and resident memory of all its processes together."""
    processes: int = 16
    """Processes and threads at a time."""
    file: int = 16 * MEBIBYTE
    """Bytes of one written file."""
    tmp: int = 64 * MEBIBYTE
    """Bytes of all files in /tmp."""
    output: int = 64 << 10
    """Bytes kept of standard output, and of standard error."""
    files: int = 64
    """Open files of one process."""

    def __post_init__(self) -> None:
        for name in ("wall", "cpu", "memory", "processes", "file", "tmp", "output", "files"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")

    def kernel(self, *, address_space: bool = True) -> dict[str, int]:
        """Names of RLIMITs and values. Some runtimes (V8, the JVM) reserve more address space than they use: without it."""
        found = {
            "RLIMIT_CPU": self.cpu,
            "RLIMIT_FSIZE": self.file,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_NOFILE": self.files,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
        }
        return {**found, "RLIMIT_AS": self.memory} if address_space else found

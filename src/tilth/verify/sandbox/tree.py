"""What a tree of processes uses, read from /proc of the machine."""

from __future__ import annotations

import os

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_MANY = 4096


def usage(first: int) -> tuple[float, int]:
    """(processor seconds, resident bytes) of a process and all its descendants that are alive; what cannot be read counts 0."""
    cpu, resident, waiting, seen = 0.0, 0, [first], 0
    while waiting and seen < _MANY:
        pid = waiting.pop()
        seen += 1
        spent, pages = _one(pid)
        cpu, resident = cpu + spent, resident + pages * _PAGE
        waiting += _children(pid)
    return cpu, resident


def _one(pid: int) -> tuple[float, int]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0.0, 0
    return sum(int(one) for one in fields[11:15]) / _TICKS, int(fields[21])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(one) for one in file.read().split()]
    except OSError:
        pass
    return found

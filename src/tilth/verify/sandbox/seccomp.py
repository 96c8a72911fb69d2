"""System calls that no program under test needs: they answer EPERM. A second line; the namespaces are the first."""

from __future__ import annotations

import os
import struct
from itertools import chain

# number on x86_64, number on aarch64 (-1: not there); from the kernel's tables of system calls
DENIED: dict[str, tuple[int, int]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "mount_setattr": (442, 442),
    "unshare": (272, 97), "setns": (308, 268), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "syslog": (103, 116), "quotactl": (179, 60),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "mbind": (237, 235), "set_mempolicy": (238, 237),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "iopl": (172, -1), "ioperm": (173, -1), "personality": (135, 92),
}  # fmt: skip

CLONE, CLONE3 = (56, 220), (435, 435)
NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWUSER and its like: with any of them clone answers EPERM."""
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _EPERM, _ENOSYS, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
_X32 = 0x40000000


def program(machine: str | None = None) -> bytes:
    """The filter as an array of struct sock_filter; empty on a machine whose numbers are not listed."""
    known = ARCHITECTURES.get(machine or os.uname().machine)
    if known is None:
        return b""
    column, architecture = known
    head = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    foreign = [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _EPERM)] if column == 0 else []
    denied = [((_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _EPERM)) for numbers in DENIED.values() if numbers[column] >= 0]
    # glibc falls back to clone, whose flags can be read, when clone3 is said not to exist
    clone = [(_EQUAL, 0, 1, CLONE3[column]), (_RETURN, 0, 0, _ENOSYS), (_EQUAL, 0, 3, CLONE[column]), (_LOAD, 0, 0, 16)]
    flags = [(_ANY_BIT, 0, 1, NEW_NAMESPACES), (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)]
    lines = chain(head, foreign, *denied, clone, flags)
    return b"".join(struct.pack("=HBBI", *line) for line in lines)

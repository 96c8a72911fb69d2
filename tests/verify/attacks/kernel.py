"""14 and 15. Tries system calls that it should not have, and says how it is confined."""

import ctypes
import fcntl
import os
import platform
import resource
import sys

libc = ctypes.CDLL(None, use_errno=True)
calls = {
    "x86_64": {"ptrace": 101, "unshare": 272, "mount": 165, "bpf": 321, "keyctl": 250, "io_uring_setup": 425, "setns": 308},
    "aarch64": {"ptrace": 117, "unshare": 97, "mount": 40, "bpf": 280, "keyctl": 219, "io_uring_setup": 425, "setns": 268},
}
for name, number in calls[platform.machine()].items():
    first = 0x10000000 if name == "unshare" else 0
    print("call", name, libc.syscall(number, first, 0, 0, 0, 0), ctypes.get_errno())
clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
result = libc.syscall(clone, 0x10000000 | 17, 0, 0, 0, 0)
if result == 0:
    os._exit(0)
print("call clone_newuser", result, ctypes.get_errno())
if os.path.exists("/proc/self/status"):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(("NoNewPrivs", "Seccomp:", "CapEff", "CapPrm")):
                print(*line.split())
print("uid", os.getuid(), os.geteuid())
print("pid", os.getpid())
print("session", os.getsid(0) > 0, os.isatty(0), os.isatty(1))
try:
    fcntl.ioctl(0, 0x5412, b"x")  # TIOCSTI: a key for the terminal
    print("TYPED")
except OSError:
    print("no terminal")
for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_CORE"):
    soft, hard = resource.getrlimit(getattr(resource, name))
    try:
        resource.setrlimit(getattr(resource, name), (hard + 1, hard + 1))
        print("RAISED", name)
    except (OSError, ValueError):
        print("limit", name, soft, hard)
sys.exit(0)

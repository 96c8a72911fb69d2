"""11. Gets back whatever a guard inside the interpreter could have taken away, and uses it against the parent and its session."""

import importlib
import os
import posix
import signal
import sys

sys.modules.pop("os")
os = importlib.reload(importlib.import_module("os"))
print("system", posix.system("echo run"))
for pid in {os.getppid(), 1, -1}:
    try:
        os.kill(pid, signal.SIGKILL)
        print("signalled", pid)
    except OSError as error:
        print("refused", error.errno)
print("end")

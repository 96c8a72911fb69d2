"""9. Ends itself before its answer can be compared; in the ways of `how`."""

import os
import signal
import sys


def sys_exit(x):
    sys.exit(0)


def os_exit(x):
    os._exit(0)


def suicide(x):
    os.kill(os.getpid(), signal.SIGKILL)


def at_import():
    pass


def stop_iteration(x):
    raise StopIteration


def keyboard(x):
    raise KeyboardInterrupt

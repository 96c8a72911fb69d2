"""3. Leaves a grandchild in a session of its own that holds the output open and wants to live on. Its argv is its name."""

import os
import sys

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, ["TILTH-DAEMON", "-S", "-c", "import time; time.sleep(600)"])
    os._exit(0)
print("left")

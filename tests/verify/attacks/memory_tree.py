"""4. Takes memory in many processes, each within its own limit."""

import os
import time

for _ in range(12):
    if os.fork() == 0:
        held = bytearray(100 << 20)
        for place in range(0, len(held), 4096):
            held[place] = 1
        time.sleep(60)
        os._exit(0)
time.sleep(60)

"""2. Starts as many processes as it can, and says how many there were."""

import os
import time

started = 0
try:
    while started < 5000:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        started += 1
except OSError as error:
    print("refused", error.errno)
print("started", started)

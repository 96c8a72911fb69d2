"""5. Fills and destroys what it can write; says what it could."""

import os
import shutil
import sys

written = 0
for number in range(1000):
    try:
        with open(f"/tmp/{number}", "wb") as file:
            written += file.write(b"x" * (1 << 20))
    except OSError:
        break
print("written", written)
try:
    with open("/tmp/large", "wb") as file:
        file.truncate(1 << 40)
        print("truncated")
except OSError:
    print("file limited")
for folder in ("/usr", "/usr/bin", "/", "/dev", "/etc", sys.prefix, os.path.dirname(os.__file__), "/proc/sys/kernel"):
    try:
        with open(f"{folder}/tilth-canary", "w"):
            print("WROTE", folder)
    except OSError:
        pass
shutil.rmtree("/usr/lib", ignore_errors=True)
shutil.rmtree(os.path.dirname(os.__file__), ignore_errors=True)
shutil.rmtree("/opt", ignore_errors=True)
print("end")

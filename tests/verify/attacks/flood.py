"""6. Writes a gibibyte."""

import os

block = b"\xff" * (1 << 20)
for _ in range(1024):
    os.write(1, block)

"""Promise 5 in small: four times the rows take at most 1.3 times the private memory. benchmarks/memory.py does a million."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "memory.py"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="private memory is read from /proc")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = []
    for number, rows in enumerate((10_000, 10_000, 10_000, 40_000)):  # a short run's peak can lie between two samples
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [sys.executable, str(BENCHMARK), "--child", "range", "--rows", str(rows), "--folder", str(folder)]
        # Arrow's default allocator keeps pages for a while, by the clock: the system's shows what is really held
        environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
        done = [subprocess.run(command, capture_output=True, text=True, check=True, env=environment) for _ in range(2)]
        fresh, resumed = (json.loads(one.stdout) for one in done)
        assert fresh["calls"] == rows and resumed["calls"] == 0
        peaks.append((fresh["peak_mb"], resumed["peak_mb"]))
    *small, large = peaks
    assert large[0] <= 1.3 * max(fresh for fresh, _ in small)
    assert large[1] <= 1.3 * max(resumed for _, resumed in small)


@pytest.mark.soak
def test_a_million_rows_take_no_more_memory() -> None:
    done = subprocess.run([sys.executable, str(BENCHMARK), "--json"], capture_output=True, text=True, check=True)
    assert all(row["ratio"] <= 1.3 for row in json.loads(done.stdout).values()), done.stdout

"""Promise 5: private memory at 1,000,000 rows against 10,000, fresh and on resume.

    python benchmarks/memory.py [--rows 1000000] [--small 10000] [--json]

A scripted model answers at once, so memory is the engine's own: map, journal, ids, parts. Each run is a process of its
own; the figure is its highest private memory (private clean and dirty pages, so mapped files do not count). Arrow uses the system's
allocator here: its default one keeps freed pages for a while by the clock, so that the same run shows 80 or 122 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

SHAPES = ("range", "file")


def private_mb() -> float:
    """Private memory of this process."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


class Peak(threading.Thread):
    """Samples private memory a hundred times a second: writing a part takes less than a tenth."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.mb = 0.0
        self.done = False

    def run(self) -> None:
        """Sample until told to stop."""
        while not self.done:
            self.mb = max(self.mb, private_mb())
            time.sleep(0.01)


def rows_file(path: Path, rows: int) -> None:
    """Records to read: no ids, all different, so ids come from their content."""
    with path.open("w") as file:
        file.writelines(f'{{"text": "seed text number {number}", "label": "{number % 5}"}}\n' for number in range(rows))


def child(shape: str, rows: int, folder: Path) -> None:
    """One run; prints its peak."""
    from tilth.engine.execute import execute, start
    from tilth.engine.method import Method
    from tilth.engine.run import Run
    from tilth.engine.session import Settings
    from tilth.models.roles import open_role
    from tilth.models.scripted import ScriptedModel
    from tilth.records.data import Data
    from tilth.records.folder import RunFolder
    from tilth.records.read import read
    from tilth.records.record import Record

    class Grow(Method):
        name = "grow"
        columns = {"text": str, "label": str}

        async def generate(self, run: Run) -> AsyncIterator[Record]:
            async def one(item: object) -> Record:
                reply = await run.ask(f"Write about {item}", max_tokens=50)
                if len(reply.text) % 50 == 0:
                    run.reject(Record(text=reply.text, label="x"), "fiftieth")
                return Record(text=reply.text, label="x")

            items: object = range(rows) if shape == "range" else run.data("rows")
            async for record in run.map(one, items, label="one"):
                yield record

    peak = Peak()
    peak.start()
    model = ScriptedModel(lambda request: f"A reply with the seed {request.seed} and some more words to it.", keep=0)
    data: dict[str, Data] = {"rows": read(folder / "rows.jsonl")} if shape == "file" else {}
    settings = Settings(folder=RunFolder(folder / "run"), roles={"generator": [open_role(model)]}, identity=b"memory", data=data)
    outcome = start(lambda: execute(Grow(rows=rows), settings))
    peak.done = True
    peak.join()
    assert outcome.kept == rows, (outcome.kept, outcome.stop)
    print(json.dumps({"peak_mb": round(max(peak.mb, private_mb()), 1), "seconds": outcome.seconds, "calls": outcome.calls}))


def measure(shape: str, rows: int) -> Iterator[tuple[str, dict[str, float]]]:
    """A fresh run and its resume."""
    with tempfile.TemporaryDirectory() as folder:
        if shape == "file":
            rows_file(Path(folder) / "rows.jsonl", rows)
        for state in ("fresh", "resume"):
            command = [sys.executable, __file__, "--child", shape, "--rows", str(rows), "--folder", folder]
            environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
            if done.returncode:
                sys.exit(done.stderr)
            yield state, json.loads(done.stdout)


def main() -> None:
    """Measure small and large, and print the ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--small", type=int, default=10_000)
    options.add_argument("--json", action="store_true")
    options.add_argument("--child", choices=SHAPES)
    options.add_argument("--folder", type=Path)
    given = options.parse_args()
    if given.child:
        child(given.child, given.rows, given.folder)
        return
    result = {}
    for shape in SHAPES:
        # a run of a second can end between two samples of its peak: the highest of three
        tries = [dict(measure(shape, given.small)) for _ in range(3)]
        small = {state: max((one[state] for one in tries), key=lambda found: found["peak_mb"]) for state in tries[0]}
        large = dict(measure(shape, given.rows))
        for state in ("fresh", "resume"):
            ratio = large[state]["peak_mb"] / small[state]["peak_mb"]
            result[f"{shape}, {state}"] = {
                "small_mb": small[state]["peak_mb"],
                "large_mb": large[state]["peak_mb"],
                "ratio": round(ratio, 3),
                "large_rows_per_s": round(given.rows / large[state]["seconds"]),
            }
    if given.json:
        print(json.dumps(result))
        return
    for name, row in result.items():
        print(f"{name:15}", *(f"{key} {value}" for key, value in row.items()), sep="  ")


if __name__ == "__main__":
    main()

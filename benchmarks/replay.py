"""How fast a finished run replays from its journal, against a bare SQLite loop over the same keys.

python benchmarks/replay.py [--rows 100000] [--times 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tilth.engine.execute import Outcome, execute, start
from tilth.engine.method import Method
from tilth.engine.run import Run
from tilth.engine.session import Settings
from tilth.models.roles import open_role
from tilth.models.scripted import ScriptedModel
from tilth.records.folder import RunFolder
from tilth.records.record import Record


class Grow(Method):
    """One call a row."""

    name = "grow"
    columns = {"text": str}

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        """A map over numbers."""

        async def one(number: int) -> Record:
            return Record(text=(await run.ask(f"Write product review number {number}. " + "Keep it short and lively. " * 12)).text)

        async for record in run.map(one, range(self.rows or 1), label="one"):
            yield record


def grow(folder: Path, rows: int) -> tuple[Outcome, float]:
    """Run once more; seconds of the whole execution."""
    model = ScriptedModel(lambda request: f"Review with seed {request.seed}. " + "It was a pleasure to use. " * 8, keep=0)
    settings = Settings(folder=RunFolder(folder), roles={"generator": [open_role(model)]}, identity=b"replay")
    started = time.perf_counter()
    return start(lambda: execute(Grow(rows=rows), settings)), time.perf_counter() - started


def bare(path: Path) -> float:
    """Calls a second of a loop that looks each key up, in random order of the index, and reads the packed reply."""
    connection = sqlite3.connect(path)
    keys = [key for (key,) in connection.execute("SELECT key FROM calls ORDER BY id")]
    started = time.perf_counter()
    found = sum(1 for key in keys if connection.execute("SELECT max_tokens, dictionary, reply FROM calls WHERE key = ?", (key,)).fetchone())
    seconds = time.perf_counter() - started
    connection.close()
    return found / seconds


def main() -> None:
    """Grow once, then replay and read in turn."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--times", type=int, default=3)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        first, seconds = grow(path, given.rows)
        pairs = []
        for _ in range(given.times):
            outcome, again = grow(path, given.rows)
            assert outcome.calls == 0 and outcome.from_journal == given.rows
            pairs.append((given.rows / again, bare(path / "journal.db")))
        size = (path / "journal.db").stat().st_size
    result = {
        "rows": given.rows,
        "first_per_s": round(given.rows / seconds),
        "replay_per_s": round(statistics.median(replay for replay, _ in pairs)),
        "bare_sqlite_per_s": round(statistics.median(read for _, read in pairs)),
        "ratio": round(statistics.median(replay / read for replay, read in pairs), 3),
        "journal_bytes_per_call": round(size / given.rows),
        "paid": first.calls,
    }
    if given.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:23} {value}")


if __name__ == "__main__":
    main()

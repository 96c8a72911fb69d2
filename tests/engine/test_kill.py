"""kill -9 at random moments, on an endpoint with every fault: same bytes, nothing paid twice but what was in flight."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.support import prints
from tilth.models.faults import Faults, FaultServer

WORKER = Path(__file__).with_name("kill_worker.py")
CONCURRENCY, ROWS, MOST_KILLS = 24, 150, 12

CONTENT = Faults(truncate=0.02, refuse=0.02)
EVERYTHING = replace(CONTENT, p429=0.05, p500=0.02, drop=0.01, malformed=0.01, retry_after=0.02)


def start(folder: Path, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), str(folder), url, str(CONCURRENCY), str(ROWS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n", process.communicate()
    return process


def finish(folder: Path, url: str) -> tuple[str, int, int]:
    process = start(folder, url)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    status, calls, from_journal = out.split()
    return status, int(calls), int(from_journal)


def committed(folder: Path) -> int:
    path = folder / "journal.db"
    if not path.exists():
        return 0
    connection = sqlite3.connect(path)
    count = connection.execute("SELECT count(*) FROM calls").fetchone()[0]
    connection.close()
    return int(count)


def kill_until_done(folder: Path, server: FaultServer, rng: random.Random) -> tuple[int, int]:
    """Start and kill until a start comes to its end. Returns kills and the most requests that were in flight at them, summed."""
    kills = in_flight = 0
    while True:
        process = start(folder, server.url)
        try:
            # on a machine so busy that a start does not get past its replay, the last start is let through
            process.wait(timeout=rng.uniform(0.05, 0.45) if kills < MOST_KILLS else 120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            while server.stats()["open_now"]:
                time.sleep(0.01)
            in_flight += server.stats()["ok"] - committed(folder) - in_flight
            continue
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)
        return kills, in_flight


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    with FaultServer(latency=(0.005, 0.02), faults=CONTENT, seed=7) as server:
        status, calls, _ = finish(folder, server.url)
        assert status == "done" and server.stats()["repeats"] == 0 and server.stats()["ok"] == calls
    return prints(folder)


def killing(tmp_path: Path, undisturbed: dict[str, str], wanted: int) -> None:
    rng = random.Random(wanted)
    kills = trial = 0
    while kills < wanted:
        trial += 1
        folder = tmp_path / f"trial-{trial}"
        with FaultServer(latency=(0.005, 0.04), faults=EVERYTHING, seed=7) as server:
            times, in_flight = kill_until_done(folder, server, rng)
            stats = server.stats()
            assert prints(folder) == undisturbed
            assert stats["repeats"] <= in_flight
            assert stats["ok"] - committed(folder) == stats["repeats"], "what was answered is in the journal, or was in flight at a kill"
            assert in_flight <= times * 2 * CONCURRENCY
            status, calls, from_journal = finish(folder, server.url)
            assert (status, calls) == ("done", 0) and from_journal > 0
            assert server.stats()["requests"] == stats["requests"], "a finished run executed again makes no call"
            assert prints(folder) == undisturbed
        assert times > 0
        kills += times


@pytest.mark.slow
def test_thirty_kills_lose_nothing(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    killing(tmp_path, undisturbed, 30)


@pytest.mark.soak
def test_a_hundred_kills_lose_nothing(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    killing(tmp_path, undisturbed, 100)

"""The fault server itself: its counters, its draws, its life as a process."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from tilth.errors import ModelError
from tilth.models import Faults, FaultServer, Request, open_model
from tilth.models.faults.draws import Draws


def request(k):
    return Request(messages=({"role": "user", "content": f"number {k}"},))


async def ask_all(url, n, repeat=1):
    """Text or kind of error of each request, asked `repeat` times one after the other."""
    model = open_model(f"openai/m@{url}", env={})

    async def one(k):
        try:
            return (await model.complete(request(k))).text
        except ModelError as error:
            return type(error).__name__

    try:
        return [await asyncio.gather(*(one(k) for k in range(n))) for _ in range(repeat)]
    finally:
        await model.close()


async def test_content_faults_depend_on_the_body_alone():
    faults = Faults(p400=0.1, truncate=0.2, refuse=0.2, duplicate=0.2)
    with FaultServer(faults=faults, seed=1) as server:
        first, second = await ask_all(server.url, 200, 2)
        stats = server.stats()
    with FaultServer(faults=faults, seed=1) as server:
        (third,) = await ask_all(server.url, 200)
    assert first == second == third
    assert set(stats["by_kind"]) == {"400", "truncate", "refuse", "duplicate"}
    assert 0 < first.count("Declined") < 60
    assert stats["repeats"] == stats["ok"] / 2


async def test_transport_faults_are_drawn_anew_and_leave_no_trace():
    with FaultServer(faults=Faults(p429=0.2, p500=0.2, drop=0.1, cut=0.1, malformed=0.1), seed=2) as server:
        first, second = await ask_all(server.url, 200, 2)
        stats = server.stats()
    assert first != second
    both = [pair for pair in zip(first, second, strict=True) if not {"Throttled", "Unavailable"} & set(pair)]
    assert len(both) > 10
    assert all(a == b for a, b in both)
    assert set(stats["by_kind"]) == {"429", "500", "drop", "cut", "malformed"}
    assert stats["ok"] + stats["faults"] == stats["requests"] == 400


async def test_a_cap_answers_429_and_slots_wait():
    with FaultServer(latency=0.05, cap=8) as server:
        (answers,) = await ask_all(server.url, 32)
    assert answers.count("Throttled") == 24
    with FaultServer(latency=0.02, slots=8) as server:
        start = time.perf_counter()
        (answers,) = await ask_all(server.url, 32)
        took = time.perf_counter() - start
    assert answers.count("Throttled") == 0
    assert took >= 0.08


def test_shares_are_checked_and_followed():
    with pytest.raises(ValueError, match="shares"):
        Faults(p429=0.7, p500=0.7)
    draws = Draws(Faults(p429=0.25, drop=0.25), 3)
    drawn = [draws.transport() for _ in range(4000)]
    assert drawn.count("p429") == pytest.approx(1000, abs=120)
    assert drawn.count("") == pytest.approx(2000, abs=150)
    assert draws.latency(0.5, 0.0) == 0.5
    assert 0.1 <= draws.latency((0.1, 0.2), 0.0) <= 0.2


def test_its_pages():
    with FaultServer() as server:
        asyncio.run(ask_all(server.url, 3))

        def page(path):
            with urllib.request.urlopen(server.origin + path) as answer:
                return json.load(answer)

        assert page("/stats")["ok"] == 3
        assert page("/v1/models")["data"][0]["id"] == "test"
        assert page("/reset") == {"ok": True}
        assert server.stats()["requests"] == 0


def test_a_taken_port_is_an_error():
    with FaultServer() as server, pytest.raises(OSError, match="in use"):
        FaultServer(port=server.port).start()


def test_as_a_process():
    command = [sys.executable, "-m", "tilth.models.faults", "--latency", "0.001:0.002", "--p400", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            assert asyncio.run(ask_all(url, 2)) == [["Declined", "Declined"]]
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()

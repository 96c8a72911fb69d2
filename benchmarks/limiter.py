"""The limiter against a real server over loopback: random faults, hard caps, and none of them.

    python benchmarks/limiter.py [--rows 10000] [--seconds 15] [--latency 0.05] [--json]

The server is `python -m tilth.models.faults`, a process of its own on the same machine, so the two share its cores; that
is why random faults are also measured at 64 at once, where the processor is not what limits. A run of a fixed number of rows
has its tail in it (rows that failed three times in a row); a steady one is the last two thirds of a fixed time.
Goodput of a cap: good replies per second after the first third, over those of exactly `cap` requests at once without a cap
(which is cap / latency where the processors keep up). Throttled share: 429s among all replies of the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from tilth.engine.limiter import Limiter, Outcome, backoff

NOISE = ["--p429", "0.05", "--p500", "0.02", "--drop", "0.01"]


@dataclass
class Client:
    """Asks until `rows` are answered or `seconds` are over, as the engine does: retries with backoff, in place order."""

    url: str
    limiter: Limiter
    rows: int = 10**9
    seconds: float = 1e9
    window: int = 1024
    replies: list[tuple[float, Outcome]] = field(default_factory=list)

    async def run(self) -> float:
        import aiohttp

        self.rng, self.rows_left = random.Random(5), iter(range(self.rows))
        self.started = time.perf_counter()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as self.http:
            await asyncio.gather(*(self.worker() for _ in range(max(self.window, 4 * self.limiter.limit))))
        return time.perf_counter() - self.started

    async def worker(self) -> None:
        for row in self.rows_left:
            attempt = 0
            while time.perf_counter() - self.started < self.seconds:
                outcome, wait = await self.once(row)
                if outcome is Outcome.OK:
                    break
                attempt += 1
                await asyncio.sleep(max(backoff(attempt, self.rng), wait or 0.0))
            else:
                return

    async def once(self, row: int) -> tuple[Outcome, float | None]:
        import aiohttp

        limiter = self.limiter
        if not limiter.try_acquire():
            await limiter.acquire((row,))
        sent, outcome, wait = time.monotonic(), Outcome.FAILED, None
        body = {"model": "m", "messages": [{"role": "user", "content": f"number {row}"}]}
        try:
            async with self.http.post(f"{self.url}/chat/completions", json=body) as response:
                await response.read()
                limiter.observe_headers(response.headers)
                if response.status == 200:
                    outcome = Outcome.OK
                elif response.status == 429:
                    outcome = Outcome.THROTTLED
                    told = response.headers.get("retry-after")
                    wait = float(told) if told else None
        except aiohttp.ClientError:
            pass  # dropped: FAILED
        limiter.release(outcome, latency=time.monotonic() - sent, retry_after=wait)
        self.replies.append((time.perf_counter() - self.started, outcome))
        return outcome, wait


def measure(options: list[str], limiter: dict[str, Any], latency: float, **client: Any) -> tuple[Client, float]:
    """One client against one server."""
    command = [sys.executable, "-m", "tilth.models.faults", "--latency", str(latency), *options]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()

        async def go() -> tuple[Client, float]:
            made = Client(url, Limiter(**limiter), **client)
            return made, await made.run()

        return asyncio.run(go())
    finally:
        server.terminate()
        server.wait()


@dataclass
class Row:
    """One line of the table."""

    what: str
    rate: float
    ratio: float
    of: str
    throttled: float
    limit: int


def whole(what: str, done: tuple[Client, float], reference: float, of: str) -> Row:
    """A run of a fixed number of rows, start and tail included."""
    client, took = done
    rate = client.rows / took
    return Row(what, rate, rate / reference if reference else 1.0, of, share(client.replies), client.limiter.limit)


def steady(what: str, done: tuple[Client, float], ideal: float, of: str) -> Row:
    """The last two thirds of a run of a fixed time."""
    client, _ = done
    since, until = client.seconds / 3, client.seconds
    inside = [reply for reply in client.replies if since <= reply[0] < until]
    rate = sum(outcome is Outcome.OK for _, outcome in inside) / (until - since)
    return Row(what, rate, rate / ideal if ideal else 1.0, of, share(inside), client.limiter.limit)


def share(replies: list[tuple[float, Outcome]]) -> float:
    """Of 429s."""
    return sum(outcome is Outcome.THROTTLED for _, outcome in replies) / max(1, len(replies))


def table(rows: int, seconds: float, latency: float) -> list[Row]:
    """All measurements."""
    made: list[Row] = []
    for at_once, count in ((64, rows // 2), (256, rows)):
        settings = {"ceiling": at_once}
        fixed = whole(f"undisturbed, starts at {at_once}", measure([], {"start": at_once, **settings}, latency, rows=count), 0.0, "")
        found = whole(f"undisturbed, finds {at_once}", measure([], settings, latency, rows=count), fixed.rate, "starts there")
        noisy = whole(f"5 % 429, 2 % 500, 1 % drops, {at_once}", measure(NOISE, settings, latency, rows=count), found.rate, "undisturbed")
        made += [fixed, found, noisy]
        calm = steady(f"undisturbed, {at_once}, steady", measure([], {"start": at_once, **settings}, latency, seconds=seconds), 0.0, "")
        made.append(calm)
        for what, faults in (("5 % 429", ["--p429", "0.05"]), ("5 % 429, 2 % 500, 1 % drops", NOISE)):
            done = measure(faults, settings, latency, seconds=seconds)
            made.append(steady(f"{what}, {at_once}, steady", done, calm.rate, "undisturbed"))
    noisy = whole("5 % 429, 2 % 500, 1 % drops, no ceiling", measure(NOISE, {}, latency, rows=rows), found.rate, "undisturbed")
    made.append(noisy)
    for cap in (8, 32, 100):
        exact = steady(f"exactly {cap} at once", measure([], {"start": cap, "ceiling": cap}, latency, seconds=seconds), 0.0, "")
        made.append(exact)
        for kind, delay in (("instant", 0.0), ("slow", latency)):
            options = ["--cap", str(cap), "--cap-delay", str(delay), "--retry-after", "-1"]
            done = measure(options, {}, latency, seconds=seconds)
            made.append(steady(f"hard cap {cap}, {kind} 429", done, exact.rate, "exactly cap"))
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    made = table(given.rows, given.seconds, given.latency)
    if given.json:
        print(json.dumps({"settings": vars(given), "rows": [asdict(row) for row in made]}, indent=1))
        return
    print(f"{'':38s} {'rows/s':>8s} {'ratio':>6s}  {'of':14s} {'429s':>6s} {'limit':>6s}")
    for row in made:
        print(f"{row.what:38s} {row.rate:8.0f} {row.ratio:6.2f}  {row.of:14s} {row.throttled:6.1%} {row.limit:6d}")


if __name__ == "__main__":
    main()

"""Throughput against a bare aiohttp loop: same prompts, same server, in turn.

    python benchmarks/throughput.py [--rows 10000] [--concurrency 256] [--latency 0.05] [--times 3] [--json]

Each measurement is a process of its own. `inside` is the time of the loop or map alone, `whole` the life of the process.
The server is a loopback process on the same machine, so the two share its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

BORN = time.perf_counter()


def prompt(number: int) -> str:
    """About 480 bytes, all different."""
    return f"Write product review number {number}. " + "Keep it short and lively, and name one thing that you liked. " * 7


async def bare(url: str, rows: int, concurrency: int) -> float:
    """The loop that people write themselves."""
    import aiohttp
    import orjson

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        queue = iter(range(rows))
        texts: list[str] = []

        async def worker() -> None:
            for number in queue:
                body = {"model": "m", "messages": [{"role": "user", "content": prompt(number)}], "temperature": 1.0}
                async with http.post(f"{url}/chat/completions", json=body) as response:
                    texts.append(orjson.loads(await response.read())["choices"][0]["message"]["content"])

        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(concurrency)))
        assert len(texts) == rows
        return time.perf_counter() - started


def tilth(url: str, rows: int, concurrency: int, folder: str) -> float:
    """The same through a run: journal synchronous=FULL, zstd, ordered results, parts."""
    from tilth.engine.execute import execute, start
    from tilth.engine.method import Method
    from tilth.engine.run import Run
    from tilth.engine.session import Settings
    from tilth.models.roles import open_role
    from tilth.records.folder import RunFolder
    from tilth.records.record import Record

    spent = 0.0

    class Reviews(Method):
        name = "reviews"
        columns = {"text": str}

        async def generate(self, run: Run) -> AsyncIterator[Record]:
            nonlocal spent

            async def one(number: int) -> Record:
                return Record(text=(await run.ask(prompt(number))).text)

            started = time.perf_counter()
            async for record in run.map(one, range(rows), label="write"):
                yield record
            spent = time.perf_counter() - started

    role = open_role({"model": f"openai/m@{url}", "concurrency": concurrency})
    settings = Settings(folder=RunFolder(folder), roles={"generator": [role]}, identity=b"benchmark-reviews", concurrency=concurrency)
    outcome = start(lambda: execute(Reviews(rows=rows), settings))
    assert (outcome.kept, outcome.calls) == (rows, rows), (outcome.status, outcome.kept, outcome.calls, outcome.stop)
    return spent


def child(kind: str, url: str, rows: int, concurrency: int) -> dict[str, float]:
    """One measurement in a fresh process."""
    command = [sys.executable, __file__, "--child", kind, "--url", url, "--rows", str(rows), "--concurrency", str(concurrency)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    whole = time.perf_counter() - started
    return {"inside": rows / json.loads(done.stdout)["seconds"], "whole": rows / whole}


def main() -> None:
    """Alternate the two and print the ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=10_000)
    options.add_argument("--concurrency", type=int, default=256)
    options.add_argument("--latency", type=float, default=0.05)
    options.add_argument("--times", type=int, default=3)
    options.add_argument("--json", action="store_true")
    options.add_argument("--child", choices=["bare", "tilth"])
    options.add_argument("--url", default="")
    given = options.parse_args()
    if given.child:
        if given.child == "bare":
            seconds = asyncio.run(bare(given.url, given.rows, given.concurrency))
        else:
            with tempfile.TemporaryDirectory() as folder:
                seconds = tilth(given.url, given.rows, given.concurrency, str(Path(folder) / "run"))
        print(json.dumps({"seconds": seconds}))
        return
    command = [sys.executable, "-m", "tilth.models.faults", "--port", "0", "--latency", str(given.latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        try:
            pairs = []
            for _ in range(given.times):
                pairs.append({kind: child(kind, url, given.rows, given.concurrency) for kind in ("bare", "tilth")})
        finally:
            server.terminate()
    result = {
        "rows": given.rows,
        "concurrency": given.concurrency,
        "latency_s": given.latency,
        "bare_per_s": round(statistics.median(pair["bare"]["inside"] for pair in pairs)),
        "tilth_per_s": round(statistics.median(pair["tilth"]["inside"] for pair in pairs)),
        "ratio_inside": round(statistics.median(pair["tilth"]["inside"] / pair["bare"]["inside"] for pair in pairs), 3),
        "ratio_whole": round(statistics.median(pair["tilth"]["whole"] / pair["bare"]["whole"] for pair in pairs), 3),
        "inside_each": [round(pair["tilth"]["inside"] / pair["bare"]["inside"], 3) for pair in pairs],
    }
    if given.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:14} {value}")


if __name__ == "__main__":
    main()

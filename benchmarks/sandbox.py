"""What the sandbox costs: the start of a program, of calls, of tests in two processes, and many at once.

    python benchmarks/sandbox.py [--n 60] [--json]

Each figure is the median of `n` runs with its quartiles, beside the same work without isolation (a bare `python -S -c`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Callable

from tilth.verify.sandbox import Sandbox
from tilth.verify.sandbox.kinds import interpreter, missing
from tilth.verify.sandbox.probe import why_not

CODE = "def f(x):\n    return x + 1\n"
TESTS = "\n".join(f"assert f({n}) == {n + 1}" for n in range(10))


def milliseconds(work: Callable[[], object], n: int) -> dict[str, float]:
    """Median and quartiles of `n` runs, after one that is not counted."""
    work()
    taken = []
    for _ in range(n):
        began = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - began))
    low, middle, high = statistics.quantiles(taken, n=4)
    return {"median": round(middle, 1), "low": round(low, 1), "high": round(high, 1)}


def bare() -> None:
    subprocess.run([str(interpreter()), "-S", "-c", "pass"], check=True, env={})


async def many(kind: str, at_once: int) -> float:
    """Seconds for 100 programs that each sleep a tenth of a second."""
    sandbox = Sandbox(isolation=kind, at_once=at_once)
    began = time.perf_counter()
    results = await asyncio.gather(*(sandbox.run("import time; time.sleep(0.1)") for _ in range(100)))
    assert {one.status for one in results} == {"ok"}
    return time.perf_counter() - began


def measure(n: int) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {"none (bare python)": {"run": milliseconds(bare, n)}}
    for kind in ("bubblewrap", "namespaces"):
        if reason := missing(kind) or why_not(kind):
            found[kind] = {"why not": reason}
            continue
        sandbox = Sandbox(isolation=kind)
        found[kind] = {
            "run": milliseconds(lambda sandbox=sandbox: sandbox.run_now("pass"), n),
            "10 calls": milliseconds(lambda sandbox=sandbox: sandbox.call_now(CODE, "f", [(n,) for n in range(10)]), n),
            "10 tests": milliseconds(lambda sandbox=sandbox: sandbox.run_tests_now(CODE, TESTS), n),
            "100 sleeps of 0.1 s, 8 at once (s)": round(asyncio.run(many(kind, 8)), 2),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.n)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for kind, figures in found.items():
        for name, value in figures.items():
            shown = f"{value['median']} ms [{value['low']}, {value['high']}]" if isinstance(value, dict) else value
            print(f"{kind:20} {name:36} {shown}")


if __name__ == "__main__":
    main()

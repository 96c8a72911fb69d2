"""``python -m tilth.models.faults``: the fault server as a process of its own. Prints its address, then serves until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from tilth.models.faults.draws import Faults
from tilth.models.faults.server import FaultServer


def parser() -> argparse.ArgumentParser:
    """The options; each share of :class:`Faults` is one."""
    made = argparse.ArgumentParser(prog="python -m tilth.models.faults", description="A loopback OpenAI-compatible server with faults.")
    made.add_argument("--port", type=int, default=0, help="0 takes a free one")
    made.add_argument("--latency", type=_latency, default=0.0, metavar="SECONDS|LO:HI", help="time until an answer")
    made.add_argument("--sigma", type=float, default=0.0, help="log-normal spread of the latency (0: none)")
    made.add_argument("--slots", type=int, default=None, help="requests worked on at once; the others wait")
    made.add_argument("--cap", type=int, default=None, help="requests open at once before 429")
    made.add_argument("--cap-delay", type=float, default=0.0, help="seconds until such a 429")
    made.add_argument("--retry-after", type=float, default=0.2, help="seconds named in a 429; negative: none")
    made.add_argument("--seed", type=int, default=0)
    for name in Faults.names():
        made.add_argument(f"--{name}", type=float, default=0.0, metavar="SHARE")
    return made


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    given = parser().parse_args(arguments)
    wait = None if given.retry_after < 0 else given.retry_after
    faults = Faults(**{name: getattr(given, name) for name in Faults.names()}, retry_after=wait)
    server = FaultServer(
        latency=given.latency,
        sigma=given.sigma,
        faults=faults,
        slots=given.slots,
        cap=given.cap,
        cap_delay=given.cap_delay,
        seed=given.seed,
        port=given.port,
    )

    def ready() -> None:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(server.serve(ready))
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            pass  # asked to stop

    _run(serve())


def _latency(text: str) -> float | tuple[float, float]:
    low, found, high = text.partition(":")
    return (float(low), float(high)) if found else float(low)


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


if __name__ == "__main__":
    main()

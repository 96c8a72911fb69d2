"""Work that computes for long leaves the event loop free: a stop and the display stay responsive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def aside(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """``fn(...)`` in a thread, linear algebra on one core: sums in another order give other last bits."""

    def work() -> R:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            return fn(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(None, work)

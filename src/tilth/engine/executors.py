"""Where work that is not a call runs. The seam for other machines: draws, gates and decisions always stay with the driver."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any, Protocol


class Executor(Protocol):
    """Runs plain functions for `run.do` and for maps over plain functions. The result must not depend on where."""

    async def do(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Deterministic but expensive work: BLAS on one thread."""
        ...

    async def call(self, fn: Callable[[Any], Any], item: Any) -> Any:
        """One row of a map over a plain function, in the caller's context (it may use run.rng and run.reject)."""
        ...


class LocalExecutor:
    """Threads of this process."""

    async def do(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """See :class:`Executor`."""
        return await asyncio.get_running_loop().run_in_executor(None, _single_threaded, fn, args)

    async def call(self, fn: Callable[[Any], Any], item: Any) -> Any:
        """See :class:`Executor`."""
        return await asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, fn, item)


def _single_threaded(fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """BLAS on one thread: sums in another order give other last bits, and those may decide."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return fn(*args)

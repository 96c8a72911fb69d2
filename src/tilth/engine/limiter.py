"""One limiter per endpoint: who may send now, in place order; and when to give up on the endpoint.

:class:`Gate` decides (pure, no event loop); :class:`Limiter` lets tasks wait for it. How many requests at once is
found by :class:`~tilth.engine.adaptive.AdaptiveLimit`; requests and tokens per minute by
:class:`~tilth.engine.buckets.Buckets`.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import time
from collections.abc import Callable, Mapping

from tilth.engine.adaptive import AdaptiveLimit, Direction, Outcome
from tilth.engine.buckets import Buckets

__all__ = ["AdaptiveLimit", "Gate", "Limiter", "Outcome", "backoff"]

MOST_FAILURES = 200
"""This many failures in a row break the endpoint."""

MOST_SILENCE = 300.0
"""Seconds of trying without one good reply that break the endpoint."""

FIRST_FAILURES, FIRST_PATIENCE = 7, 2.0
"""An endpoint that has never answered is given up after so many failures in a row and so many seconds: its address is likely wrong."""

_BLIP = 10.0
"""An endpoint that has answered before is given this many seconds, so that the drop of many open connections at once is survived."""


def backoff(attempt: int, rng: random.Random, *, base: float = 0.05, cap: float = 30.0) -> float:
    """Seconds to wait before try `attempt` + 1 of a request (attempt >= 1): exponential, capped, with full jitter.

    Uniform in [0, min(cap, base * 2 ** (attempt - 1))]. Source: M. Brooker, "Exponential Backoff And Jitter", AWS, 2015.
    """
    return rng.uniform(0.0, min(cap, base * 2.0 ** min(attempt - 1, 40)))


class Gate:
    """Whether one more request may be sent at a given moment. Pure: the caller says what time it is.

    Parameters: see :class:`Limiter`. `now`: seconds of a steady clock at the beginning.
    """

    __slots__ = (
        "_carried", "_failures", "_gated", "_last_ok", "_last_start", "_paused_until", "_trying_since",
        "adaptive", "broken", "buckets", "in_flight",
    )  # fmt: skip

    def __init__(
        self, *, start: int = 32, floor: int = 1, ceiling: int = 1024, now: float = 0.0, rpm: float | None = None, tpm: float | None = None
    ) -> None:
        self.adaptive = AdaptiveLimit(start=start, floor=floor, ceiling=ceiling)
        self.buckets = Buckets(rpm, tpm, now)
        self.in_flight = 0
        self.broken = ""
        self._gated = bool(self.buckets)  # anything else than the limit holds requests back
        self._paused_until = -math.inf
        self._carried = 0.0  # share of replies with retry-after, over about the last ten
        self._failures = 0
        self._last_ok = -math.inf
        self._last_start = -math.inf
        self._trying_since: float | None = None  # the first reply since the last good one

    def delay(self, now: float, tokens: int = 0) -> float:
        """Seconds until a request of `tokens` may be sent: 0.0 now, inf when a reply must come first."""
        if self.in_flight >= self.adaptive.limit:
            return math.inf
        if not self._gated:
            return 0.0
        return self._gated_delay(now, tokens)

    def take(self, now: float, tokens: int = 0) -> None:
        """A request is sent."""
        self.in_flight += 1
        if self._gated:
            self._last_start = now
            self.buckets.take(tokens)

    def give(self, outcome: Outcome, latency: float, now: float, retry_after: float | None = None) -> None:
        """A request ended."""
        adaptive = self.adaptive
        adaptive.on_reply(outcome, latency, now, self.in_flight)
        self.in_flight -= 1
        if outcome is Outcome.OK:
            self._last_ok = now
            self._failures = 0
            self._trying_since = None
            self._carried *= 0.9
        elif outcome is not Outcome.CANCELLED:
            self._on_away(outcome, now, retry_after)
        if adaptive.level < 1.0 and not self._gated:
            self._gated, self._last_start = True, now

    def observe(self, headers: Mapping[str, str], now: float) -> None:
        """Learn requests and tokens per minute from a reply's headers (names in lower case)."""
        self.buckets.observe(headers, self.in_flight, now)
        self._gated = self._gated or bool(self.buckets)

    def _gated_delay(self, now: float, tokens: int) -> float:
        pace = self.adaptive.pace
        until = max(self._paused_until, self._last_start + pace) if pace else self._paused_until
        wait = max(until - now, self.buckets.wait(tokens, now) if self.buckets else 0.0, 0.0)
        if not pace and until <= now and not self.buckets:
            self._gated = False
        return wait

    def _on_away(self, outcome: Outcome, now: float, retry_after: float | None) -> None:
        if self._trying_since is None:
            self._trying_since = now
        if retry_after is not None and retry_after > 0.0:
            self._carried += (1.0 - self._carried) * 0.1
            if self._nothing_served(now) and (self._carried > 0.5 or self.adaptive.level <= 1.0):
                self._paused_until = max(self._paused_until, now + retry_after)
                self._gated = True
        if outcome is Outcome.FAILED:
            self._failures += 1
        self._judge(now)

    def _nothing_served(self, now: float) -> bool:
        """Whether the endpoint seems to answer nobody at present; else a pause would idle slots that it serves."""
        return self.in_flight == 0 or (self._last_ok > -math.inf and now - self._last_ok > 2.0 * self.adaptive.ok_latency)

    def _judge(self, now: float) -> None:
        silent = now - (self._trying_since if self._trying_since is not None else now)
        never = self._last_ok == -math.inf
        blip = 0.0 if never else _BLIP
        if never and self._failures >= FIRST_FAILURES and silent >= FIRST_PATIENCE:
            self.broken = "it has never answered"
        elif self._failures >= MOST_FAILURES and silent >= blip:
            self.broken = f"{self._failures} failures in a row"
        elif silent >= MOST_SILENCE:
            self.broken = f"no good reply for {silent / 60:.0f} minutes"


class Limiter:
    """The queue in front of one endpoint. Belongs to one event loop.

    Parameters
    ----------
    start: requests at once at first. floor, ceiling: bounds (1 <= floor <= ceiling).
    clock: seconds of a steady clock. rpm, tpm: requests and tokens per minute, if the user states them (> 0).

    Attributes: `in_flight` (requests sent and unanswered), `waiting`, `limit`, `direction`, `broken` (why no request will be
    answered any more; empty while all is well).
    """

    __slots__ = ("_adaptive", "_clock", "_gate", "_queue", "_serial", "_stop", "_timer", "waiting")

    def __init__(
        self,
        *,
        start: int = 32,
        floor: int = 1,
        ceiling: int = 1024,
        clock: Callable[[], float] = time.monotonic,
        rpm: float | None = None,
        tpm: float | None = None,
    ) -> None:
        self._clock = clock
        self._gate = Gate(start=start, floor=floor, ceiling=ceiling, now=clock(), rpm=rpm, tpm=tpm)
        self._adaptive = self._gate.adaptive
        self._queue: list[tuple[tuple[int, ...], int, asyncio.Future[None], int]] = []
        self._serial = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stop: BaseException | None = None
        self.waiting = 0

    @property
    def limit(self) -> int:
        """Requests at once that are allowed now."""
        return self._adaptive.limit

    @property
    def in_flight(self) -> int:
        """Requests sent and not answered."""
        return self._gate.in_flight

    @property
    def direction(self) -> Direction:
        """Which way the limit goes, for the display."""
        return self._adaptive.direction

    @property
    def broken(self) -> str:
        """Why the endpoint is given up; empty while it works. Looked at after each `release`."""
        return self._gate.broken

    def try_acquire(self, tokens: int = 0) -> bool:
        """Take a slot if one is free, nobody waits, and no rate holds it back. Where a rate per minute is known, `acquire` decides."""
        gate = self._gate
        if self.waiting or gate.in_flight >= self._adaptive.limit or self._stop is not None or gate._gated:
            return False
        gate.in_flight += 1
        return True

    async def acquire(self, order: tuple[int, ...], tokens: int = 0) -> None:
        """Take a slot, waiting in place order (the smallest tuple first).

        tokens: prompt and most output of the request, for the tokens-per-minute bucket. Raises what `fail_all` was given.
        """
        if self._stop is not None:
            raise self._stop
        if not self.waiting:
            now = self._clock()
            if self._gate.delay(now, tokens) <= 0.0:
                self._gate.take(now, tokens)
                return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._serial += 1
        heapq.heappush(self._queue, (order, self._serial, future, tokens))
        self.waiting += 1
        self._wake()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.release(Outcome.CANCELLED, latency=0.0)  # the slot had been given just before
            elif future.cancelled():
                self.waiting -= 1
                self._sweep()
            raise

    def release(self, outcome: Outcome, *, latency: float, retry_after: float | None = None) -> None:
        """Give a slot back. latency: seconds from sending to the outcome; retry_after: seconds the reply asked for, if any."""
        self._gate.give(outcome, latency, self._clock(), retry_after)
        if self.waiting:
            self._wake()

    def observe_headers(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of any reply (``x-ratelimit-*``, names in lower case)."""
        if "x-ratelimit-limit-requests" in headers or "x-ratelimit-limit-tokens" in headers:
            self._gate.observe(headers, self._clock())

    def fail_all(self, stop: BaseException) -> None:
        """Wake everybody who waits, and whoever comes later, with `stop`."""
        self._stop = stop
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        queue, self._queue, self.waiting = self._queue, [], 0
        for _, _, future, _ in queue:
            if not future.done():
                future.set_exception(stop)

    def _wake(self) -> None:
        """Give free slots to the earliest who wait; come back when a rate allows more."""
        queue, gate, now = self._queue, self._gate, self._clock()
        while queue:
            _, _, future, tokens = queue[0]
            if future.done():  # cancelled
                heapq.heappop(queue)
                continue
            delay = gate.delay(now, tokens)
            if delay > 0.0:
                if delay < math.inf:
                    self._come_back(delay)
                return
            heapq.heappop(queue)
            self.waiting -= 1
            gate.take(now, tokens)
            future.set_result(None)

    def _come_back(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(delay, 0.001), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._wake()

    def _sweep(self) -> None:
        """Drop the cancelled once they are the larger half of the queue."""
        if len(self._queue) > 64 and len(self._queue) > 2 * self.waiting:
            self._queue = [entry for entry in self._queue if not entry[2].done()]
            heapq.heapify(self._queue)

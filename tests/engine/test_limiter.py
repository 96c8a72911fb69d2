"""Waiting for a slot: order, cancellation, stops, rates and the breaker."""

from __future__ import annotations

import asyncio
import random

import pytest

from tilth.engine.buckets import Bucket, seconds
from tilth.engine.limiter import Gate, Limiter, Outcome, backoff
from tilth.errors import Interrupted


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def full(limit: int = 1, **more: object) -> Limiter:
    """A limiter whose slots are all taken."""
    limiter = Limiter(start=limit, ceiling=limit, **more)  # type: ignore[arg-type]
    while limiter.try_acquire():
        pass
    return limiter


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_slots_are_given_in_place_order() -> None:
    limiter, got = full(), []

    async def one(order: tuple[int, ...]) -> None:
        await limiter.acquire(order)
        got.append(order)
        limiter.release(Outcome.OK, latency=0.01)

    places = [(3,), (1, 2), (1,), (2, 0, 7), (0, 9), (1, 1, 5)]
    tasks = [asyncio.create_task(one(place)) for place in places]
    await settle()
    assert limiter.waiting == len(places)
    limiter.release(Outcome.OK, latency=0.01)
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert got == sorted(places)
    assert (limiter.in_flight, limiter.waiting) == (0, 0)


async def test_nobody_overtakes_those_who_wait() -> None:
    limiter = full()
    task = asyncio.create_task(limiter.acquire((5,)))
    await settle()
    limiter.release(Outcome.OK, latency=0.01)
    assert not limiter.try_acquire()
    await task
    assert limiter.in_flight == 1


async def test_never_more_at_once_than_the_limit() -> None:
    limiter, most = Limiter(start=7, ceiling=7), 0

    async def one(order: int) -> None:
        nonlocal most
        await limiter.acquire((order,))
        most = max(most, limiter.in_flight)
        await asyncio.sleep(0)
        limiter.release(Outcome.OK, latency=0.001)

    await asyncio.gather(*(one(order) for order in range(500)))
    assert most == 7
    assert limiter.in_flight == 0


async def test_a_waiter_may_be_cancelled() -> None:
    limiter = full()
    first, second = asyncio.create_task(limiter.acquire((1,))), asyncio.create_task(limiter.acquire((2,)))
    await settle()
    first.cancel()
    await settle()
    assert limiter.waiting == 1
    limiter.release(Outcome.OK, latency=0.01)
    await asyncio.wait_for(second, 5)
    assert (limiter.in_flight, limiter.waiting) == (1, 0)


async def test_a_slot_given_to_a_waiter_that_is_cancelled_at_once_is_not_lost() -> None:
    limiter = full()
    first, second = asyncio.create_task(limiter.acquire((1,))), asyncio.create_task(limiter.acquire((2,)))
    await settle()
    limiter.release(Outcome.OK, latency=0.01)  # the slot is the first one's
    first.cancel()  # before it runs
    await asyncio.wait_for(second, 5)
    assert first.cancelled()
    assert limiter.in_flight == 1


async def test_many_cancelled_waiters_leave_no_queue_behind() -> None:
    limiter = full()
    tasks = [asyncio.create_task(limiter.acquire((order,))) for order in range(1000)]
    await settle()
    for task in tasks[:-1]:
        task.cancel()
    await settle()
    assert limiter.waiting == 1
    assert len(limiter._queue) <= 64
    tasks[-1].cancel()


async def test_a_stop_wakes_everybody_and_refuses_the_next() -> None:
    limiter, stop = full(), Interrupted("stop")
    tasks = [asyncio.create_task(_caught(limiter, order)) for order in range(20)]
    await settle()
    limiter.fail_all(stop)
    assert await asyncio.gather(*tasks) == [stop] * 20
    assert limiter.waiting == 0
    limiter.release(Outcome.OK, latency=0.01)
    assert not limiter.try_acquire()
    assert await _caught(limiter, 1) is stop


async def _caught(limiter: Limiter, order: int) -> BaseException | None:
    try:
        await limiter.acquire((order,))
    except Interrupted as stop:
        return stop
    return None


async def test_stated_requests_per_minute_hold_calls_back_until_a_timer() -> None:
    limiter = Limiter(start=64, rpm=6000)  # 100 per second, ten seconds' worth at once
    bucket = limiter._gate.buckets.requests
    assert bucket is not None
    bucket.left = 2.0
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.wait_for(asyncio.gather(*(limiter.acquire((order,)) for order in range(12))), 5)
    assert 0.07 <= loop.time() - started < 1.0
    assert limiter.in_flight == 12


def test_tokens_per_minute_count_each_request() -> None:
    gate = Gate(tpm=600)  # 10 per second; 100 at once
    assert gate.delay(0.0, 80) == 0.0
    gate.take(0.0, 80)
    assert gate.delay(0.0, 80) == pytest.approx(6.0)
    assert gate.delay(6.0, 80) == 0.0
    assert gate.delay(6.0, 10_000) == pytest.approx(2.0)  # larger than the bucket: waits for a full one


def test_headers_tell_the_rate_and_what_is_left() -> None:
    gate = Gate()
    told = {"x-ratelimit-limit-requests": "600", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s"}
    gate.observe(told, 0.0)
    assert gate.delay(0.0) == pytest.approx(0.1)
    assert gate.delay(0.11) == 0.0
    gate.observe({**told, "x-ratelimit-remaining-requests": "500", "x-ratelimit-reset-requests": "10s"}, 1.0)
    assert gate.delay(1.0) == 0.0


@pytest.mark.parametrize("value", ["", "soon", "-3", "nan", "inf", "1e400"])
def test_headers_that_say_nothing_are_ignored(value: str) -> None:
    limiter = Limiter()
    limiter.observe_headers({"x-ratelimit-limit-requests": value, "x-ratelimit-remaining-requests": "0"})
    limiter.observe_headers({"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": value})
    assert limiter.try_acquire()


def test_unanswered_requests_are_not_taken_for_refilled_ones() -> None:
    bucket = Bucket(10.0, 600.0, 0.0)
    bucket.take(600)
    bucket.observe(600, 599, 0.1, unanswered=599, now=0.05)  # the first of 600 replies
    assert bucket.left <= 1.0


@pytest.mark.parametrize(("text", "value"), [("6m0s", 360.0), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("7", 7.0), ("x", None), ("1m?", None)])
def test_durations(text: str, value: float | None) -> None:
    assert seconds(text) == value


def test_retry_after_pauses_the_endpoint_only_when_nobody_is_served() -> None:
    gate = Gate(start=4, ceiling=4)
    for _ in range(4):
        gate.take(0.0)
    gate.give(Outcome.OK, 0.1, 0.1)
    gate.give(Outcome.THROTTLED, 0.1, 0.1, retry_after=5.0)
    assert gate.delay(0.11) == 0.0  # two are being served: that request waits, the endpoint does not
    for turn in range(20):
        while gate.delay(0.2 + turn) == 0.0:
            gate.take(0.2 + turn)
        while gate.in_flight:
            gate.give(Outcome.THROTTLED, 0.01, 0.3 + turn, retry_after=5.0)
    assert 3.0 < gate.delay(19.31) <= 5.0


def test_breaker_after_many_failures_in_a_row() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    for attempt in range(200):
        assert not limiter.broken, attempt
        assert limiter.try_acquire() or limiter._adaptive.pace > 0
        limiter.release(Outcome.FAILED, latency=0.01)
    assert limiter.broken == "200 failures in a row"


def test_breaker_survives_the_drop_of_many_connections_at_once() -> None:
    gate = Gate(start=512)
    gate.take(0.0)
    gate.give(Outcome.OK, 0.1, 1.0)
    for _ in range(400):
        gate.take(1.0)
        gate.give(Outcome.FAILED, 0.1, 1.1)
    assert not gate.broken
    gate.take(12.0)
    gate.give(Outcome.FAILED, 0.1, 12.0)
    assert gate.broken


def test_breaker_after_five_minutes_of_nothing_but_429s() -> None:
    gate = Gate()
    for second in range(301):
        assert not gate.broken
        gate.take(float(second))
        gate.give(Outcome.THROTTLED, 0.01, float(second))
    assert gate.broken == "no good reply for 5 minutes"


def test_breaker_is_reset_by_a_good_reply_and_does_not_count_429s() -> None:
    gate = Gate()
    for round_trip in range(5):
        for outcome in [Outcome.FAILED] * 150 + [Outcome.THROTTLED] * 300 + [Outcome.OK]:
            gate.take(float(round_trip))
            gate.give(outcome, 0.01, float(round_trip))
    assert not gate.broken


def test_silence_counts_only_while_requests_are_tried() -> None:
    gate = Gate()
    gate.take(0.0)
    gate.give(Outcome.OK, 0.1, 0.1)
    gate.take(5000.0)
    gate.give(Outcome.FAILED, 0.1, 5000.1)  # an hour of people's work lies between
    assert not gate.broken


def test_cancelled_requests_say_nothing() -> None:
    limiter = Limiter(start=10, ceiling=10)
    for _ in range(1000):
        assert limiter.try_acquire()
        limiter.release(Outcome.CANCELLED, latency=0.0)
    assert (limiter.limit, limiter.in_flight, limiter.broken) == (10, 0, "")


def test_direction_is_told() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    assert limiter.direction == "rising"
    for _ in range(32):
        assert limiter.try_acquire()
    for _ in range(8):
        clock.now += 0.001
        limiter.release(Outcome.THROTTLED, latency=0.001)
    assert limiter.direction == "backing off"
    assert limiter.limit < 32
    assert Limiter(start=64, ceiling=64).direction == "steady"


def test_backoff_grows_is_capped_and_comes_from_its_stream() -> None:
    waits = [backoff(attempt, random.Random(3)) for attempt in (1, 2, 3, 50, 10_000)]
    assert waits == [backoff(attempt, random.Random(3)) for attempt in (1, 2, 3, 50, 10_000)]
    assert waits[1] == pytest.approx(2 * waits[0])
    assert waits[3] == waits[4] <= 30.0
    assert all(0.0 <= backoff(attempt, random.Random(attempt)) <= 0.05 * 2 ** (attempt - 1) for attempt in range(1, 9))


@pytest.mark.parametrize(("floor", "ceiling"), [(0, 5), (9, 5)])
def test_bounds_are_checked(floor: int, ceiling: int) -> None:
    with pytest.raises(ValueError, match="floor"):
        Limiter(floor=floor, ceiling=ceiling)

"""A discrete-event simulation of an endpoint and of the engine's retry loop, with a clock of its own."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tilth.engine.limiter import Gate, Outcome, backoff

Answer = tuple[Outcome, float, float | None]
"""What becomes of a request: outcome, seconds until the client has it, retry-after."""


class Server:
    """Base: latency (median seconds, log-normal with sigma), random faults. Subclasses turn requests away."""

    def __init__(self, latency: float = 0.05, *, sigma: float = 0.0, p429: float = 0.0, failed: float = 0.0, seed: int = 7) -> None:
        self.latency, self.sigma, self.p429, self.failed = latency, sigma, p429, failed
        self.rng = random.Random(seed)

    def draw(self) -> float:
        return self.latency * math.exp(self.rng.gauss(0.0, self.sigma)) if self.sigma else self.latency

    def work(self) -> Answer:
        chance = self.rng.random()
        outcome = Outcome.THROTTLED if chance < self.p429 else Outcome.FAILED if chance < self.p429 + self.failed else Outcome.OK
        return outcome, self.draw(), None

    def answer(self, now: float) -> Answer:
        return self.work()

    def leave(self, now: float, served: bool) -> None:
        """The reply goes out."""


class Capped(Server):
    """At most cap(now) at once. Excess: 429 after `delay` seconds (None: after a latency); `open_counts`: they take part in the count."""

    def __init__(self, cap: Callable[[float], int], *, delay: float | None = 0.001, open_counts: bool = False, **server: float) -> None:
        super().__init__(**server)  # type: ignore[arg-type]
        self.cap, self.delay, self.open_counts = cap, delay, open_counts
        self.busy = 0

    def answer(self, now: float) -> Answer:
        if self.busy >= self.cap(now):
            self.busy += self.open_counts
            return Outcome.THROTTLED, self.draw() if self.delay is None else self.delay, -1.0
        self.busy += 1
        return self.work()

    def leave(self, now: float, served: bool) -> None:
        if served or self.open_counts:
            self.busy -= 1


class PerMinute(Server):
    """A token bucket; excess gets 429 at once, with retry-after if `tells`, and headers if `headers`."""

    def __init__(self, rpm: float, *, burst: float, tells: bool = True, headers: bool = False, **server: float) -> None:
        super().__init__(**server)  # type: ignore[arg-type]
        self.rate, self.burst, self.left, self.seen, self.tells, self.headers = rpm / 60, burst, burst, 0.0, tells, headers

    def answer(self, now: float) -> Answer:
        self.left = min(self.burst, self.left + (now - self.seen) * self.rate)
        self.seen = now
        if self.left < 1.0:
            return Outcome.THROTTLED, 0.001, (1.0 - self.left) / self.rate if self.tells else -1.0
        self.left -= 1.0
        return self.work()

    def told(self) -> dict[str, str]:
        return {
            "x-ratelimit-limit-requests": str(int(self.burst)),
            "x-ratelimit-remaining-requests": str(int(self.left)),
            "x-ratelimit-reset-requests": f"{(self.burst - self.left) / self.rate:.3f}s",
        }


class Queueing(Server):
    """Never turns away: works on `slots` at once, the others wait inside."""

    def __init__(self, slots: int, **server: float) -> None:
        super().__init__(**server)  # type: ignore[arg-type]
        self.free = [0.0] * slots

    def answer(self, now: float) -> Answer:
        start = max(now, heapq.heappop(self.free))
        end = start + self.draw()
        heapq.heappush(self.free, end)
        return Outcome.OK, end - now, None


@dataclass
class Log:
    """Every reply: (time, outcome); and the limit in force."""

    times: list[tuple[float, Outcome]] = field(default_factory=list)
    limits: list[tuple[float, int]] = field(default_factory=list)
    end: float = 0.0

    def rate(self, since: float = 0.0, until: float = math.inf) -> float:
        until = min(until, self.end)
        return sum(1 for at, what in self.times if what is Outcome.OK and since <= at < until) / (until - since)

    def share(self, since: float = 0.0, until: float = math.inf) -> float:
        inside = [what for at, what in self.times if since <= at < until]
        return sum(what is Outcome.THROTTLED for what in inside) / max(1, len(inside))


@dataclass
class Simulation:
    """`demand` rows at most in the window, `rows` in all, until `seconds` are over."""

    server: Server
    gate: Gate
    rows: int = 10**9
    demand: int = 4096
    seconds: float = 60.0
    seed: int = 1

    def run(self) -> Log:
        self.rng, self.log, self.events, self.serial = random.Random(self.seed), Log(), [], 0  # type: ignore[var-annotated]
        self.queue: list[int] = []
        self.drawn = self.active = 0
        self.tries: dict[int, int] = {}
        self.timer = math.inf
        now = 0.0
        self.fill(now)
        while self.events and now <= self.seconds:
            now, _, action = heapq.heappop(self.events)
            action(now)
        self.log.end = min(now, self.seconds)
        return self.log

    def at(self, when: float, action: Callable[[float], None]) -> None:
        self.serial += 1
        heapq.heappush(self.events, (when, self.serial, action))

    def fill(self, now: float) -> None:
        while self.active < self.demand and self.drawn < self.rows:
            heapq.heappush(self.queue, self.drawn)
            self.drawn += 1
            self.active += 1
        self.wake(now)

    def wake(self, now: float) -> None:
        while self.queue:
            delay = self.gate.delay(now)
            if delay > 0.0:
                if delay < math.inf and now + delay < self.timer:
                    self.timer = now + max(delay, 1e-6)
                    self.at(self.timer, self.on_timer)
                return
            self.send(heapq.heappop(self.queue), now)

    def on_timer(self, now: float) -> None:
        self.timer = math.inf
        self.wake(now)

    def send(self, row: int, now: float) -> None:
        self.gate.take(now)
        outcome, latency, hint = self.server.answer(now)
        served = hint is None
        self.at(now + latency, lambda at: self.reply(row, outcome, latency, hint, served, at))

    def reply(self, row: int, outcome: Outcome, latency: float, hint: float | None, served: bool, now: float) -> None:
        self.server.leave(now, served)
        retry_after = hint if hint is not None and hint > 0 else None
        if isinstance(self.server, PerMinute) and self.server.headers:
            self.gate.observe(self.server.told(), now)
        self.gate.give(outcome, latency, now, retry_after)
        self.log.times.append((now, outcome))
        self.log.limits.append((now, self.gate.adaptive.limit))
        if outcome is Outcome.OK:
            self.tries.pop(row, None)
            self.active -= 1
            self.fill(now)
            return
        attempt = self.tries[row] = self.tries.get(row, 0) + 1
        wait = max(backoff(attempt, self.rng), retry_after or 0.0)
        self.at(now + wait, lambda at: self.again(row, at))
        self.wake(now)

    def again(self, row: int, now: float) -> None:
        heapq.heappush(self.queue, row)
        self.wake(now)

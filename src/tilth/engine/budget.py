"""Caps on what a run may spend: reserve the worst case before a call is sent, settle with what it used.

A prompt has at most as many tokens as UTF-8 bytes. Once enough calls were seen, the bound follows the highest ratio of
tokens to bytes that was observed, times a margin. Reasoning tokens count as output; max_tokens bounds both.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tilth.errors import BudgetReached
from tilth.models.base import Price, Usage

OVERHEAD = 64
"""Tokens that a chat template may add to a request beside its text: generous for a few messages."""

OBSERVATIONS, MARGIN = 50, 1.5
"""After so many calls the bound is the highest tokens-per-byte ratio seen, times this margin."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Upper bounds; None is no bound. usd in dollars, tokens of input plus output, hours of wall clock in this process."""

    usd: float | None = None
    calls: int | None = None
    tokens: int | None = None
    hours: float | None = None

    @property
    def needs_max_tokens(self) -> bool:
        """Whether a call must say how long its answer may be."""
        return self.usd is not None or self.tokens is not None


@dataclass(slots=True)
class Spent:
    """What was paid, or is held for calls in flight."""

    usd: float = 0.0
    calls: int = 0
    tokens: int = 0

    def add(self, other: Spent, sign: int = 1) -> None:
        """Add or take away another amount."""
        self.usd += sign * other.usd
        self.calls += sign * other.calls
        self.tokens += sign * other.tokens


def cost(price: Price | None, usage: Usage) -> float | None:
    """Dollars of one call, or None where the price is unknown."""
    if price is None:
        return None
    cached = price.input if price.cached is None else price.cached
    return ((usage.input - usage.cached) * price.input + usage.cached * cached + usage.output * price.output) / 1e6


class Budget:
    """The account of a run. `spent` starts with what earlier starts of the same run paid."""

    def __init__(self, caps: Caps, spent: Spent) -> None:
        self.caps = caps
        self.spent = spent
        self.held = Spent()
        self._ratio = 0.0
        self._seen = 0
        self._waiters: list[asyncio.Future[None]] = []
        self.bounded = caps.usd is not None or caps.calls is not None or caps.tokens is not None

    def reserve(self, price: Price | None, prompt_bytes: int, max_tokens: int) -> Spent | None:
        """Hold the worst case of one call; None where it does not fit beside what is spent and held."""
        worst = self.worst_case(price, prompt_bytes, max_tokens)
        if not self._fits(worst):
            return None
        self.held.add(worst)
        return worst

    async def room(self) -> None:
        """Wait until a call in flight settles (it may use less than was held); BudgetReached where nothing is in flight."""
        if self.held.calls == 0:
            raise BudgetReached(self._line(), code="budget.reached")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def worst_case(self, price: Price | None, prompt_bytes: int, max_tokens: int) -> Spent:
        """The most that a call can cost."""
        ratio = min(1.0, self._ratio * MARGIN) if self._seen >= OBSERVATIONS else 1.0
        tokens_in = int(prompt_bytes * ratio) + OVERHEAD
        usd = cost(price, Usage(tokens_in, max_tokens)) or 0.0
        return Spent(usd, 1, tokens_in + max_tokens)

    def settle(self, held: Spent, price: Price | None, usage: Usage | None, prompt_bytes: int) -> None:
        """Give back what was held and book what was used (None: the call came to nothing). prompt_bytes 0: its usage teaches nothing."""
        self.held.add(held, -1)
        if usage is not None:
            self.spent.add(Spent(cost(price, usage) or 0.0, 1, usage.input + usage.output))
            if prompt_bytes:
                self._ratio = max(self._ratio, (usage.input - OVERHEAD) / prompt_bytes)
                self._seen += 1
        self.wake()

    def wake(self) -> None:
        """Let those who wait for room look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _fits(self, worst: Spent) -> bool:
        caps = self.caps
        return (
            (caps.usd is None or self.spent.usd + self.held.usd + worst.usd <= caps.usd)
            and (caps.calls is None or self.spent.calls + self.held.calls + 1 <= caps.calls)
            and (caps.tokens is None or self.spent.tokens + self.held.tokens + worst.tokens <= caps.tokens)
        )

    def _line(self) -> str:
        caps, spent = self.caps, self.spent
        parts = []
        if caps.usd is not None:
            parts.append(f"${spent.usd:.2f} of ${caps.usd:.2f} spent")
        if caps.calls is not None:
            parts.append(f"{spent.calls:,} of {caps.calls:,} calls made")
        if caps.tokens is not None:
            parts.append(f"{spent.tokens:,} of {caps.tokens:,} tokens used")
        return ", ".join(parts)

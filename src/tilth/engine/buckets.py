"""Requests and tokens per minute: what a user or an endpoint's headers say may be sent.

Headers are those of the OpenAI API: ``x-ratelimit-limit-requests``, ``-remaining-requests``, ``-reset-requests`` and the
same for ``tokens``. `remaining` belongs to the moment at which the endpoint saw the request, so requests sent since then may
or may not be in it: our own count is kept within [remaining - sent and unanswered, remaining].
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|h|m|s|d)?")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


def seconds(text: str) -> float | None:
    """Seconds of a header such as ``6m0s``, ``20ms``, ``1.5``; None if it is something else.

    >>> seconds("1m30s"), seconds("250ms"), seconds("soon")
    (90.0, 0.25, None)
    """
    text = text.strip()
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


class Bucket:
    """A token bucket.

    Parameters
    ----------
    rate: units per second that flow in. capacity: most that it holds. now: seconds of a steady clock. It starts full.
    """

    __slots__ = ("capacity", "left", "rate", "seen")

    def __init__(self, rate: float, capacity: float, now: float) -> None:
        if rate <= 0 or capacity <= 0:
            raise ValueError("rate and capacity of a bucket must be above 0")
        self.rate = rate
        self.capacity = capacity
        self.left = capacity
        self.seen = now

    def wait(self, units: float, now: float) -> float:
        """Seconds until `units` may be taken (0.0: now). More than the capacity waits for a full bucket."""
        self._flow(now)
        missing = min(units, self.capacity) - self.left
        return missing / self.rate if missing > 1e-9 else 0.0

    def take(self, units: float) -> None:
        """Take out, below 0 if need be."""
        self.left -= units

    def observe(self, limit: float, remaining: float, reset: float | None, unanswered: float, now: float) -> None:
        """Believe the endpoint: `limit` when full, `remaining` now, full again in `reset` seconds."""
        self._flow(now)
        used = limit - remaining
        if reset and used >= 1.0:
            self.rate = used / reset
        self.capacity = max(1.0, limit)
        self.left = min(remaining, max(self.left, remaining - unanswered))

    def _flow(self, now: float) -> None:
        self.left = min(self.capacity, self.left + (now - self.seen) * self.rate)
        self.seen = now


class Buckets:
    """Both buckets of an endpoint; each exists once it is known.

    Parameters
    ----------
    rpm, tpm: requests and tokens per minute that the user stated (> 0), or None. A burst of ten seconds is allowed.
    """

    __slots__ = ("_mean_tokens", "_stated", "requests", "tokens")

    def __init__(self, rpm: float | None, tpm: float | None, now: float) -> None:
        self.requests = _stated(rpm, now)
        self.tokens = _stated(tpm, now)
        self._stated = (rpm, tpm)
        self._mean_tokens = 0.0

    def __bool__(self) -> bool:
        return self.requests is not None or self.tokens is not None

    def wait(self, tokens: int, now: float) -> float:
        """Seconds until a request of `tokens` (prompt and most output) may be sent."""
        first = self.requests.wait(1.0, now) if self.requests is not None else 0.0
        second = self.tokens.wait(tokens, now) if self.tokens is not None else 0.0
        return max(first, second)

    def take(self, tokens: int) -> None:
        """A request was sent."""
        if self.requests is not None:
            self.requests.take(1.0)
        if self.tokens is not None:
            self.tokens.take(tokens)
            self._mean_tokens += (tokens - self._mean_tokens) * 0.1

    def observe(self, headers: Mapping[str, str], in_flight: int, now: float) -> None:
        """Learn from a reply's headers; what the user stated stays a bound of its own and is not loosened."""
        if self._stated[0] is None:
            self.requests = _observe(self.requests, "requests", headers, in_flight, now)
        if self._stated[1] is None:
            self.tokens = _observe(self.tokens, "tokens", headers, in_flight * self._mean_tokens, now)


def _stated(per_minute: float | None, now: float) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute / 60.0, max(1.0, per_minute / 6.0), now)


def _observe(bucket: Bucket | None, unit: str, headers: Mapping[str, str], unanswered: float, now: float) -> Bucket | None:
    limit, remaining = _number(headers.get(f"x-ratelimit-limit-{unit}")), _number(headers.get(f"x-ratelimit-remaining-{unit}"))
    if limit is None or remaining is None or limit <= 0:
        return bucket
    if bucket is None:
        bucket = Bucket(limit / 60.0, max(1.0, limit), now)
    reset = headers.get(f"x-ratelimit-reset-{unit}")
    bucket.observe(limit, min(remaining, limit), seconds(reset) if reset else None, unanswered, now)
    return bucket


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0.0 <= value < 1e15 else None

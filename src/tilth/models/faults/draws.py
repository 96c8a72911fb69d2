"""Which fault strikes which request.

Two kinds, and the difference matters for comparing runs:

- **Transport** faults (429, 500, 401, drop, cut, malformed, hang) come from one random stream of the server, so asking
  again gets another draw. They must leave no trace in a dataset.
- **Content** faults (400, truncation, refusal, duplicate) are a function of the request's body alone, so a resumed run
  sees the same ones as an undisturbed run.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, fields

TRANSPORT = ("p429", "p500", "p401", "drop", "cut", "malformed", "hang")
CONTENT = ("p400", "truncate", "refuse", "duplicate")


@dataclass(frozen=True, slots=True)
class Faults:
    """Share of requests that meet each fault, in [0, 1]; the shares of one kind add up to at most 1.

    p429: throttled, with ``retry-after``. p500: server error. p401: key refused.
    drop: connection closed before any answer. cut: closed in the middle of the body.
    malformed: status 200 with HTML, half a JSON, no choices, or no content. hang: never answered.
    p400: declined. truncate: cut short, finish ``length``. refuse: an apology instead of a reply.
    duplicate: one of four fixed texts. retry_after: seconds named in a 429; None: no header.
    """

    p429: float = 0.0
    p500: float = 0.0
    p401: float = 0.0
    drop: float = 0.0
    cut: float = 0.0
    malformed: float = 0.0
    hang: float = 0.0
    p400: float = 0.0
    truncate: float = 0.0
    refuse: float = 0.0
    duplicate: float = 0.0
    retry_after: float | None = 0.2

    def __post_init__(self) -> None:
        for names in (TRANSPORT, CONTENT):
            shares = [getattr(self, name) for name in names]
            if min(shares) < 0 or sum(shares) > 1 + 1e-9:
                raise ValueError(f"{', '.join(names)} are shares: each >= 0, together at most 1")

    @classmethod
    def names(cls) -> list[str]:
        """Every share by name (without `retry_after`)."""
        return [each.name for each in fields(cls) if each.name != "retry_after"]


class Draws:
    """Draws faults and latencies. `seed` makes both kinds repeatable; transport draws depend on the order of arrival."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._stream = random.Random(seed)
        self._salt = str(seed).encode()
        self._transport = [(name, share) for name in TRANSPORT if (share := getattr(faults, name))]
        self._content = [(name, share) for name in CONTENT if (share := getattr(faults, name))]

    def transport(self) -> str:
        """Name of the transport fault of this request, or ""."""
        return _pick(self._transport, self._stream.random()) if self._transport else ""

    def content(self, body: bytes) -> str:
        """Name of the content fault that this body always meets, or ""."""
        if not self._content:
            return ""
        digest = hashlib.blake2b(body, digest_size=8, key=self._salt[:64]).digest()
        return _pick(self._content, int.from_bytes(digest, "big") / 2**64)

    def latency(self, latency: float | tuple[float, float], sigma: float) -> float:
        """Seconds until the answer: fixed, uniform in (lo, hi), or log-normal around a median where sigma > 0."""
        if isinstance(latency, tuple):
            return self._stream.uniform(*latency)
        return latency * self._stream.lognormvariate(0.0, sigma) if sigma else latency

    def choose(self, n: int) -> int:
        """One of n, from the transport stream."""
        return self._stream.randrange(n)


def _pick(shares: list[tuple[str, float]], where: float) -> str:
    for name, share in shares:
        if where < share:
            return name
        where -= share
    return ""

"""The one seam to time: what the engine waits for and stamps with goes through here."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Real time. Tests hand in a subclass of their own."""

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def stamp(self) -> str:
        """UTC, ISO 8601, whole seconds: for files, never for results."""
        return datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

"""What a display may read while a run is going on: plain numbers, updated in place."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class RoleUsage:
    """Tokens and dollars of one role. ``usd`` counts priced calls only; see ``unpriced``."""

    model: str = ""
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    unpriced: int = 0


@dataclass(slots=True)
class Progress:
    """A snapshot of a run; the engine writes, a display reads (single attributes, so no lock is needed).

    done: records that left the stage. total: records asked for, if known. calls: answered by a model in this process;
    from_journal: answered from disk, free. usd: None-free sum of priced calls; unpriced: calls without a known price.
    answered: roles whose models have answered, in this process or before.
    """

    stage: str = "generate"
    method: str = ""
    total: int | None = None
    kept: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    from_journal: int = 0
    in_flight: int = 0
    limit: int = 0
    direction: str = "steady"
    retries: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    unpriced: int = 0
    roles: dict[str, RoleUsage] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    waiting_for: str = ""
    last_kept: str = ""
    started: float = 0.0
    finished: bool = False

    @property
    def done(self) -> int:
        """Records that left the stage so far."""
        return self.kept

    @property
    def usd_unknown(self) -> bool:
        """Whether some call has no known price."""
        return self.unpriced > 0

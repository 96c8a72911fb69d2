"""How a run ended, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tilth.engine.budget import Caps
from tilth.engine.session import Session
from tilth.errors import Bug, Interrupted, Stop
from tilth.records.folder import RunFolder


@dataclass(slots=True)
class Outcome:
    """How a run ended.

    status: done, stopped, incomplete, waiting or failed. exit: the command's exit code. stop: the line that says why it stopped.
    reasons: (step, reason) to how many. from_journal: calls that cost nothing because they were answered before. caps: what it ran under.
    """

    folder: RunFolder
    status: str
    exit: int
    kept: int
    rejected: int
    asked: int | None
    reasons: dict[tuple[str, str], int]
    calls: int
    from_journal: int
    tokens_in: int
    tokens_out: int
    usd: float
    usd_unknown: bool
    roles: dict[str, Any]
    seconds: float
    warnings: list[str] = field(default_factory=list)
    stop: str = ""
    code: str = ""
    trace: str = ""
    questions: int = 0
    caps: Caps = field(default_factory=Caps)

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path


def outcome_of(session: Session, end: Stop | None, kept: int, rejected: int, seconds: float) -> Outcome:
    """The outcome of a session; nothing kept is exit 1."""
    progress = session.progress
    status, code = ("done", 0 if kept else 1) if end is None else (end.status, end.exit)
    if isinstance(end, Interrupted):
        code = end.signal_exit
    if end is not None and end.code == "method.gave_up":
        code = 1
    return Outcome(
        folder=session.settings.folder,
        status=status,
        exit=code,
        kept=kept,
        rejected=rejected,
        asked=progress.total,
        reasons=dict(session.reasons),
        calls=progress.calls,
        from_journal=progress.from_journal,
        tokens_in=progress.tokens_in,
        tokens_out=progress.tokens_out,
        usd=progress.usd,
        usd_unknown=progress.usd_unknown,
        roles={name: asdict(usage) for name, usage in progress.roles.items()},
        seconds=round(seconds, 3),
        warnings=list(progress.warnings),
        stop=end.what if end is not None else "",
        code=end.code if end is not None else "",
        trace=end.trace if isinstance(end, Bug) else "",
        questions=len(session.questions),
        caps=session.settings.caps,
    )


def totals(outcome: Outcome) -> dict[str, Any]:
    """As run.json keeps it."""
    return {
        "kept": outcome.kept,
        "rejected": outcome.rejected,
        "asked": outcome.asked,
        "reasons": [{"step": step, "reason": reason, "n": n} for (step, reason), n in sorted(outcome.reasons.items())],
        "calls": outcome.calls,
        "from_journal": outcome.from_journal,
        "tokens_in": outcome.tokens_in,
        "tokens_out": outcome.tokens_out,
        "usd": round(outcome.usd, 6),
        "usd_unknown": outcome.usd_unknown,
        "roles": outcome.roles,
        "seconds": outcome.seconds,
        "warnings": outcome.warnings,
        "stop": outcome.stop,
        "code": outcome.code,
        "exit": outcome.exit,
    }

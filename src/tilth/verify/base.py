"""Verifiers: a row is right, wrong, or nobody can say; with the evidence, decided outside whatever wrote the row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..engine.run import Run

State = Literal["passed", "failed", "unscored"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier found. `unscored` (nothing to check against, no tool, the outside failed) is never counted as `failed`."""

    state: State
    reason: str = ""
    """A short name for why, countable over many rows: "wrong_answer", "timeout", "no_tests"; empty where it passed."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What a person would want to see; JSON-able."""

    def __bool__(self) -> bool:
        raise TypeError("a Verdict has three states; ask `verdict.passed` or `verdict.state`")

    @property
    def passed(self) -> bool:
        return self.state == "passed"

    def as_json(self) -> dict[str, Any]:
        return {"state": self.state, "reason": self.reason, "evidence": dict(self.evidence)}


@runtime_checkable
class Verifier(Protocol):
    """Checks one row. It must accept its own gold answer, and give the same verdict for the same row."""

    name: str
    version: int

    async def verify(self, run: Run | None, row: Mapping[str, Any]) -> Verdict:
        """The verdict on a row (a Record or any mapping of columns). With a run the work is journaled; without one it is just done."""
        ...

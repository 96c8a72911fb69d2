"""Running programs that nobody trusts: files, network, other processes and the verdict are out of their reach."""

from .kinds import KINDS, Kind
from .limits import Limits
from .plan import NoTests, plan
from .result import Calls, Outcome, ProgramError, Result, TestOutcome, TestRun
from .sandbox import Call, Sandbox, SandboxFailed, chosen, describe

__all__ = [
    "KINDS",
    "Call",
    "Calls",
    "Kind",
    "Limits",
    "NoTests",
    "Outcome",
    "ProgramError",
    "Result",
    "Sandbox",
    "SandboxFailed",
    "TestOutcome",
    "TestRun",
    "chosen",
    "describe",
    "kind",
    "plan",
]


def kind() -> str | None:
    """The kind of isolation that works on this machine ("bubblewrap", "namespaces"), or None. Tries it: a few hundredths of a second."""
    from ...errors import RequestError

    try:
        return chosen()
    except RequestError:
        return None

"""Running programs that nobody trusts: files, network, other processes and the verdict are out of their reach."""

from .kinds import KINDS, Kind
from .limits import Limits
from .plan import NoTests, plan
from .result import Calls, OneTest, Outcome, ProgramError, Result, SuiteRun
from .sandbox import Call, Sandbox, SandboxFailed, chosen, describe

__all__ = [
    "KINDS",
    "Call",
    "Calls",
    "Kind",
    "Limits",
    "NoTests",
    "OneTest",
    "Outcome",
    "ProgramError",
    "Result",
    "Sandbox",
    "SandboxFailed",
    "SuiteRun",
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

"""One small tree of errors, by what the reader can do about them.

    Exception
    ├── TilthError                 stops a command; printed as one line: WHAT. REMEDY
    │   ├── RequestError    (2)    what was asked is wrong; nothing was spent
    │   │   ├── MissingExtra       an optional dependency is not installed
    │   │   └── ManyErrors         several mistakes of one file, reported together
    │   ├── OutsideError    (3)    provider, network, disk; the same command continues
    │   └── CheckFailed     (1)    it finished, but what came out is not what was required
    ├── ModelError                 raised by models, answered by the engine, never seen by a method
    │   ├── Throttled              429: ask again later
    │   ├── Unavailable            5xx, time-out, drop, a body that is no reply: ask again
    │   ├── Declined               400, 413, 422, content filter: this request will never be answered
    │   └── Misconfigured          401, 403, 404: no request will be answered until somebody mends it
    └── Failure                    a property of one row: it is rejected with this reason
    BaseException
    └── Stop                       ends the run; never caught by row isolation nor by `except Exception`
        ├── BudgetReached   (4)
        ├── EndpointDown    (3)
        ├── Unanswered      (3)    one request, while others were answered
        ├── Pending        (75)    a batch or a person answers later
        ├── Interrupted   (130)    Ctrl-C (143 for SIGTERM)
        └── Bug             (5)    a defect of a method or of tilth; carries the traceback

The number is the exit code of the command line (product rules: 0 done, 1 a check failed, 2 request wrong,
3 outside failed, 4 budget, 5 defect, 75 waiting, 130/143 stopped).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class TilthError(Exception):
    """A mistake or a failure that one line explains.

    Parameters
    ----------
    what: the sentence (without "error:"); ends with a full stop and a remedy where there is one.
    code: stable dotted name for programs, such as ``flow.unknown_key``.
    file, line, column: where in a user's file (1-based), when known.
    """

    exit: ClassVar[int] = 2

    def __init__(
        self, what: str, *, code: str = "request", file: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{where}: {self.what}" if where else self.what


class RequestError(TilthError):
    """What was asked is wrong; nothing was spent (exit 2)."""


class MissingExtra(RequestError):
    """An optional dependency is not installed; see :func:`require`."""


class ManyErrors(RequestError):
    """Several mistakes of one file, sorted by place; ``errors`` holds them."""

    def __init__(self, errors: Sequence[TilthError]) -> None:
        super().__init__("\n".join(str(error) for error in errors), code=errors[0].code)
        self.errors = list(errors)


class OutsideError(TilthError):
    """The outside failed: provider, network, disk. All is saved; the same command continues (exit 3)."""

    exit = 3


class CheckFailed(TilthError):
    """The command finished, but a check did not hold (exit 1)."""

    exit = 1


def require(module: str, *, extra: str, feature: str) -> Any:
    """Import an optional dependency inside the function that needs it, or say what to install.

    >>> require("json", extra="none", feature="nothing").dumps([1])
    '[1]'
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != module.split(".")[0]:
            raise
        name = module.split(".")[0]
        raise MissingExtra(f"{feature} needs {name}. Install it with: pip install 'tilth[{extra}]'", code="extra.missing") from error


class ModelError(Exception):
    """What a model raises instead of a reply; the engine decides what it means."""

    def __init__(self, what: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.status = status
        self.retry_after = retry_after


class Throttled(ModelError):
    """429: the endpoint asks for fewer requests. ``retry_after`` in seconds where it says so."""


class Unavailable(ModelError):
    """5xx, time-out, dropped connection, or a body that is no reply. Asked again."""


class Declined(ModelError):
    """400, 413, 422 or a content filter: this request is the trouble. Journaled, so that it is not asked again."""


class Misconfigured(ModelError):
    """401, 403, 404: key or model name. Ends the run with one line (exit 3)."""


class Failure(Exception):
    """A row's own fault: the row is rejected with `reason`; its neighbours never notice.

    Parameters
    ----------
    reason: short stable name, such as ``refused`` or ``parse``; it is counted and shown.
    detail: one sentence for people (and for the model, when it is asked again).
    raw: the model's reply that led here, if there is one.
    """

    def __init__(self, reason: str, detail: str = "", *, raw: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.raw = raw


class Stop(BaseException):
    """Ends the run. Everything answered is saved, and the same command continues."""

    exit: ClassVar[int] = 3
    status: ClassVar[str] = "stopped"

    def __init__(self, what: str = "", *, code: str = "stop") -> None:
        super().__init__(what)
        self.what = what
        self.code = code


class BudgetReached(Stop):
    """The next call could pass the cap (exit 4)."""

    exit = 4


class EndpointDown(Stop):
    """The endpoint answers no request, or none any more (exit 3)."""

    status = "incomplete"


class Unanswered(Stop):
    """A request stayed unanswered: its row is unfinished, the run ends `incomplete` (exit 3) and the next start asks again."""

    status = "incomplete"


class Pending(Stop):
    """A batch or a person has not answered yet (exit 75)."""

    exit = 75
    status = "waiting"


class Interrupted(Stop):
    """Ctrl-C (exit 130) or SIGTERM (exit 143)."""

    exit = 130

    def __init__(self, what: str = "", *, code: str = "interrupted", signal_exit: int = 130) -> None:
        super().__init__(what, code=code)
        self.signal_exit = signal_exit


class Bug(Stop):
    """A defect of a method, of a user's function or of tilth (exit 5); ``trace`` is the traceback's text."""

    exit = 5
    status = "failed"

    def __init__(self, what: str, *, trace: str = "", code: str = "bug") -> None:
        super().__init__(what, code=code)
        self.trace = trace


class PlaceError(Bug):
    """One of the three bans was broken: `run.*` used outside the task that it belongs to."""

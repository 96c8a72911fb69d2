"""What came of a program, of calls of its functions, and of tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "error", "timeout", "oom", "killed", "output_limit", "sandbox_error"]
TestStatus = Literal["passed", "failed", "error", "timeout", "oom", "not_run"]


@dataclass(frozen=True, slots=True)
class ProgramError:
    """An exception of the program; as the program tells it, so it is a hint for people and models, never a verdict."""

    type: str
    message: str = ""
    frames: tuple[tuple[int, str], ...] = ()
    """(line of the program's own text, function), outermost first."""

    @property
    def line(self) -> int | None:
        """The line of the program in which it happened."""
        return self.frames[-1][0] if self.frames else None

    @property
    def text(self) -> str:
        """One line, as Python shows it, with the place."""
        where = f" (line {self.line}, in {self.frames[-1][1]})" if self.frames else ""
        return f"{self.type}: {self.message}{where}" if self.message else f"{self.type}{where}"


@dataclass(frozen=True, slots=True)
class Result:
    """One process tree, from start to the last process's end."""

    status: Status
    exit_code: int | None
    stdout: str
    stderr: str
    truncated: bool
    wall_s: float
    cpu_s: float
    """Seconds, as far as seen: sampled while it ran."""
    max_rss: int
    """Bytes of all its processes together, as far as seen."""
    isolation: str
    error: ProgramError | None = None
    messages: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def signal(self) -> int | None:
        """The signal that ended the program, where one did."""
        return self.exit_code - 128 if self.exit_code is not None and 128 < self.exit_code < 160 else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call: `value` (decoded plain data) and its `repr`, or an error. `status` other than ok and error: see :class:`Result`."""

    status: Literal["ok", "error", "opaque", "timeout", "oom", "not_run"]
    value: Any = None
    repr: str = ""
    error: ProgramError | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """Outcomes of all calls, in order; `result` tells about the process."""

    outcomes: tuple[Outcome, ...]
    result: Result


@dataclass(frozen=True, slots=True)
class OneTest:
    """One test; `inside`: its error was raised by the program, not by the test."""

    id: str
    status: TestStatus
    error: ProgramError | None = None
    inside: bool = False

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"id": self.id, "status": self.status}
        return {**found, "error": self.error.text, "line": self.error.line, "inside": self.inside} if self.error else found


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """All planned tests, in order; a test of which nothing is known is `not_run`, never passed."""

    outcomes: tuple[OneTest, ...]
    result: Result
    """Of the process of the code under test."""
    load_error: ProgramError | None = None

    @property
    def passed(self) -> bool:
        """At least one test, and all passed."""
        return bool(self.outcomes) and all(one.status == "passed" for one in self.outcomes)

    def counts(self) -> Mapping[str, int]:
        """Tests by status."""
        found: dict[str, int] = {}
        for one in self.outcomes:
            found[one.status] = found.get(one.status, 0) + 1
        return found

    def trace(self, limit: int = 2000) -> str:
        """What a model that is to repair the code may see: errors of loading, then of each test that did not pass."""
        lines = [f"loading: {self.load_error.text}"] if self.load_error else []
        lines += [
            f"{one.id}: {one.status}" + (f": {one.error.text}" if one.error else "") for one in self.outcomes if one.status != "passed"
        ]
        return "\n".join(lines)[:limit]

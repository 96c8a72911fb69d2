"""From the messages of a process to outcomes. Whatever is not known to have happened did not happen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .inside.plain import NotPlain, decode
from .launch import program_error
from .plan import Step
from .result import Calls, OneTest, Outcome, ProgramError, Result, SuiteRun, TestStatus


def calls_of(result: Result, planned: int) -> Calls:
    """Outcomes of `planned` calls; the first message of a call counts."""
    found: dict[int, Outcome] = {}
    started = -1
    for message in result.messages:
        if isinstance(message.get("start"), int):
            started = message["start"]
        number = message.get("call")
        if isinstance(number, int) and 0 <= number < planned and number not in found:
            found[number] = _outcome(message)
    for number in range(planned):
        if number not in found:
            found[number] = _lost(result, number == started)
    return Calls(tuple(found[number] for number in range(planned)), result)


def _outcome(message: Any) -> Outcome:
    shown = str(message.get("repr", ""))
    if "error" in message:
        error = program_error(message["error"])
        return Outcome("oom" if error.type == "MemoryError" else "error", error=error)
    if "opaque" in message:
        return Outcome("opaque", repr=shown, error=ProgramError("opaque", str(message["opaque"])))
    try:
        return Outcome("ok", decode(message.get("value")), shown)
    except (NotPlain, RecursionError):
        return Outcome("opaque", repr=shown, error=ProgramError("opaque", "malformed"))


def _lost(result: Result, started: bool) -> Outcome:
    """A call without a message: the running one ended with its process, later ones did not run."""
    if not started:
        return Outcome("not_run", error=result.error)
    if result.status in ("timeout", "oom"):
        return Outcome("timeout" if result.status == "timeout" else "oom")
    return Outcome("error", error=result.error or ended(result))


def ended(result: Result) -> ProgramError:
    """What is known of a process that went away in the middle."""
    if result.status == "output_limit":
        return ProgramError("OutputLimit", "the program wrote too much")
    how = f"signal {result.signal}" if result.signal else f"exit code {result.exit_code}"
    return ProgramError("Ended", f"the program ended itself ({how})")


def tests_of(steps: Sequence[Step], judged: Result, served: Result, nonce: str) -> SuiteRun:
    """Outcomes of the planned tests from the process of the tests; why the program went away, from its own process."""
    found: dict[str, OneTest] = {}
    started, load, setup = "", None, None
    for message in judged.messages:
        name = message.get("test")
        if "load" in message:
            load = program_error(message["load"])
        elif "start" in message:
            started = str(message["start"])
        elif isinstance(name, str) and name not in found:
            found[name] = _test(name, message, served)
        elif "test" in message and name is None:
            setup = program_error(message.get("error"))
    if load is not None and load.type == "Ended" and served.status not in ("ok", "killed"):
        load = served.error or ProgramError(served.status)
    finished = any(message == {"done": nonce} for message in judged.messages)
    outcomes = list[OneTest]()
    for name in (step.id for step in steps if step.id is not None):
        if name not in found:
            running = name == started or (not started and not outcomes)  # nothing started: it hung while it was loaded
            found[name] = _untold(name, running and not finished, judged, served, load or setup)
        outcomes.append(found[name])
    return SuiteRun(tuple(outcomes), served, load)


def _test(name: str, message: Any, served: Result) -> OneTest:
    status = message.get("status")
    if status == "passed":
        return OneTest(name, "passed")
    if status == "gone":
        return OneTest(name, _why(served), ended(served), inside=True)
    error = program_error(message.get("error"))
    if error.type == "MemoryError":
        return OneTest(name, "oom", error, bool(message.get("inside")))
    return OneTest(name, "failed" if status == "failed" else "error", error, bool(message.get("inside")))


def _why(served: Result) -> TestStatus:
    if served.status == "timeout":
        return "timeout"
    return "oom" if served.status == "oom" else "error"


def _untold(name: str, running: bool, judged: Result, served: Result, before: ProgramError | None) -> OneTest:
    """A planned test of which there is no message."""
    if before is not None or not running:
        return OneTest(name, "not_run", before)
    for result in (judged, served):
        if result.status in ("timeout", "oom"):
            return OneTest(name, "timeout" if result.status == "timeout" else "oom")
        if result.status == "output_limit":
            return OneTest(name, "error", ended(result))
    return OneTest(name, "error", ended(judged))

"""What a function gives for given inputs: run several times in the sandbox, so that only what is the same each time is believed."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .sandbox import Call, Outcome, Sandbox

_ENDED = ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "Ended", "OutputLimit")


@dataclass(frozen=True, slots=True)
class Observed:
    """Each input's output: ``{"return": repr}`` or ``{"error": "Type: message"}``; `problem`: why there is none to believe."""

    outputs: tuple[dict[str, str], ...] = ()
    problem: str = ""
    detail: str = ""


def observed(sandbox: Sandbox, payload: dict[str, Any]) -> dict[str, Any]:
    """Call a function with each input, `times` times over: in processes with another order of sets, and from the other end.

    payload: code; name of the function; inputs, each the text of a dict of arguments; times; longest (characters of an output).
    As JSON: "outputs", and "problem" ("" if they can be believed): ``load_error``, ``timeout``, ``oom``, ``exit``, ``opaque``
    (no plain data), ``too_long``, ``many_lines`` (of an error), ``unstable`` (other outputs in another process or order) or ``not_run``.
    """
    inputs = [ast.literal_eval(text) for text in payload["inputs"]]
    first: Observed | None = None
    for number in range(payload["times"]):
        turned = number % 2 == 1
        calls = [Call((), arguments) for arguments in (reversed(inputs) if turned else inputs)]
        found = sandbox.call_now(payload["code"], payload["name"], calls, seed=sandbox.seed + number)
        if any(one.status == "timeout" for one in found.outcomes):  # believed when it happens twice: the first may be the machine's
            found = sandbox.call_now(payload["code"], payload["name"], calls, seed=sandbox.seed + number)
        outcomes = tuple(reversed(found.outcomes)) if turned else found.outcomes
        seen = _seen(outcomes, payload["longest"])
        if seen.problem:
            return {"outputs": [], "problem": seen.problem, "detail": seen.detail}
        if first is not None and seen != first:
            return {"outputs": [], "problem": "unstable", "detail": "Another process or order gives other outputs."}
        first = seen
    return {"outputs": list(first.outputs) if first else [], "problem": "", "detail": ""}


def _seen(outcomes: Sequence[Outcome], longest: int) -> Observed:
    outputs = []
    for one in outcomes:
        error = one.error
        if one.status not in ("ok", "error"):
            return Observed(problem=_why(one), detail=error.text[:200] if error else "")
        if one.status == "error" and (error is None or error.type in _ENDED):
            return Observed(problem="exit", detail=error.text[:200] if error else "")
        text = one.repr if one.status == "ok" else f"{error.type}: {error.message}" if error else ""
        if "\n" in text:
            return Observed(problem="many_lines", detail=text[:200])
        if len(text) > longest:
            return Observed(problem="too_long", detail=f"An output of {len(text)} characters or more.")
        outputs.append({"return": text} if one.status == "ok" else {"error": text})
    return Observed(tuple(outputs))


def _why(one: Outcome) -> str:
    if one.status == "not_run":
        return "load_error" if one.error else "not_run"
    return one.status

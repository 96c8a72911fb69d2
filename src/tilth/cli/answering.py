"""May I train on this? The verdict of a run and its gates, as lines on screen and as an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilth.cli.options import Session

if TYPE_CHECKING:
    from tilth.evaluate.gates import Checked
    from tilth.evaluate.verdict import Verdict
    from tilth.report.facts import Facts

_STYLES = {"yes": "green", "yes_but": "yellow", "not_yet": "red", "unknown": "yellow", "demo": "yellow"}
_MARKS = {"holds": ("done", "green"), "fails": ("fail", "red"), "unknown": ("", "yellow")}


def show(session: Session, found: Facts) -> None:
    """The question, its answer, and a line for each gate; suggested gates only where one of them was measured."""
    from tilth.evaluate.verdict import QUESTION

    printer, verdict = session.printer, found.verdict
    printer.say()
    printer.say("  ", (f"{QUESTION}  ", "bold"), (verdict.text, _STYLES[verdict.state]))
    for line in gate_lines(session, _worth_showing(found.gates)):
        printer.say("    ", *line)
    if verdict.passed and verdict.know:
        printer.say("    ", ("know before use: ", "dim"), " · ".join(verdict.know))
    printer.say()


def gate_lines(session: Session, gates: Sequence[Checked]) -> list[list[tuple[str, str] | str]]:
    """`✓ near_duplicates  at most 0.05     0.02 [0.01, 0.03]`"""
    from tilth.cli.clean import pad

    if not gates:
        return []
    names, bounds = max(len(one.gate.metric) for one in gates), max(len(one.bound) for one in gates)
    lines: list[list[tuple[str, str] | str]] = []
    for one in gates:
        level = "suggested" if one.gate.suggested else "" if one.gate.level == "must" else "should"
        line = f"  {pad(one.bound, bounds)}    {said(one)}" + (f"   ({level})" if level else "")
        lines.append([mark(session, one), " ", pad(one.gate.metric, names), line])
    return lines


def said(one: Checked) -> str:
    """What a gate found: the figure with what it is compared with, or why there is none."""
    if one.state == "unknown":
        return f"{one.shown}, but {one.why}" if one.shown else one.why
    why = f"  ({one.why})" if one.why else ""
    return f"{one.shown}{why}"


def mark(session: Session, one: Checked) -> tuple[str, str]:
    """`✓`, `✗` or `?`, with its colour."""
    name, style = _MARKS[one.state]
    return (session.printer.symbol(name) if name else "?", style)


def tally(session: Session, gates: Sequence[Checked]) -> str:
    """`3 ✓ 1 ?`; `–` where no gate is set."""
    counts = {state: sum(one.state == state for one in gates) for state in _MARKS}
    parts = [f"{n} {session.printer.symbol(_MARKS[state][0]) if _MARKS[state][0] else '?'}" for state, n in counts.items() if n]
    return " ".join(parts) or "–"


def strict(verdict: Verdict) -> tuple[str, str] | None:
    """Why `--strict` ends with exit 1: code and line; None where one may train on it."""
    if verdict.passed:
        return None
    return "gates.strict", f"--strict: {verdict.text}" + (f" {verdict.remedy}" if verdict.remedy else "")


def _worth_showing(gates: Sequence[Checked]) -> list[Checked]:
    some = any(not one.gate.suggested or one.value is not None for one in gates)
    return list(gates) if some else []

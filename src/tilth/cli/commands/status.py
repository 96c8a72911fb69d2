"""`tilth status`: all runs, or one."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from tilth.cli import again, runs
from tilth.cli.answering import gate_lines, tally
from tilth.cli.numbers import count, duration, moment, money, plural, reasons, tokens
from tilth.cli.options import Answer, Session, command
from tilth.cli.runs import RunView
from tilth.evaluate.verdict import QUESTION
from tilth.records.folder import RunFolder
from tilth.report.counts import laid_out
from tilth.report.facts import facts as read
from tilth.report.facts import gates as gates_of

if TYPE_CHECKING:
    from tilth.report.facts import Facts

SHOWN = 20
"""Runs that the list shows without --all."""


@command(
    "status",
    examples=("status", "status demo-classification --watch"),
    help="All runs, or one (RUN: a name in the folder of runs, a path, or . for the newest).",
)
@click.argument("run", required=False)
@click.option("-w", "--watch", is_flag=True, help="Look again each second until the run is over.")
@click.option("--all", "everything", is_flag=True, help=f"All runs, not only the newest {SHOWN}.")
def status(session: Session, run: str | None, watch: bool, everything: bool) -> Answer:
    """Show one run when it is named or watched, else a table of all."""
    if run is not None or watch:
        return _one(session, run, watch)
    found = runs.everything(session.runs)
    if not found:
        session.printer.say("no runs yet")
        session.printer.advise("tilth demo")
        return Answer({"runs": []})
    shown = found if everything else found[:SHOWN]
    columns = ["run", "state", "rows", "cost", "gates", "last", ""]
    session.printer.table(columns, [_row(session, one) for one in shown], right=frozenset({2, 3}))
    if len(shown) < len(found):
        session.printer.say(f"and {plural(len(found) - len(shown), 'older run')}: tilth status --all")
    return Answer({"runs": [facts(one) for one in shown]})


def _one(session: Session, name: str | None, watch: bool) -> Answer:
    view = runs.find(session, name)
    if watch and not session.json:
        for now in runs.watch(view):
            view = now
            if now.status == "running":
                session.printer.say(_line(now))
    found = None if view.status == "running" else read(RunFolder(view.folder), where=session.where)
    for label, text in [*_details(view, found), *(_answer(session, found) if found is not None else [])]:
        session.printer.result((f"{label:<10}", "dim"), text)
    if view.status not in ("running", "done") and view.again:
        session.printer.advise(view.again, "continues here")
    elif view.status == "done":
        session.printer.advise(f"tilth trace {view.name}" + (" --reason any" if numbers(view)["rejected"] else "") + session.where)
    answer = {} if found is None else {"verdict": found.verdict.to_json(), "to_review": found.to_review, "reasons": _lost(found)}
    return Answer({**facts(view), **answer})


def _lost(found: Facts) -> dict[str, int]:
    """Reason to how many, over all stages, of what was turned away."""
    total: Counter[str] = Counter()
    for loss in found.losses:
        if loss.action == "drop":
            total[loss.reason] += loss.n
    return dict(total)


def _answer(session: Session, found: Facts) -> list[tuple[str, str]]:
    """May I train on this, and the gates that the user has set."""
    if not found.kept:
        return []
    lines = ["".join(part if isinstance(part, str) else part[0] for part in line) for line in gate_lines(session, found.set_gates)]
    return [("train", f"{QUESTION}  {found.verdict.text}"), *(("gates" if number == 0 else "", line) for number, line in enumerate(lines))]


def numbers(view: RunView) -> dict[str, Any]:
    """The run's numbers under fixed names; None where unknown."""
    totals = view.totals
    names = ("kept", "rejected", "calls", "from_journal", "tokens_in", "tokens_out")
    found: dict[str, Any] = {name: totals.get(name) for name in names}
    found["total"] = totals.get("total", totals.get("asked", view.document.get("rows")))
    found["reasons"] = _by_reason(totals.get("reasons") or {})
    found["usd"] = None if totals.get("usd_unknown") else totals.get("usd")
    found.update(runs.paid(view) or {})
    now = laid_out(RunFolder(view.folder)) if view.status not in ("running", "interrupted") else None
    if now is not None:  # a curation of its own may have moved what is kept since the totals were written
        found["kept"], found["rejected"] = now
    return found


def _by_reason(found: Any) -> dict[str, int]:
    if isinstance(found, dict):
        return dict(found)
    total: Counter[str] = Counter()
    for one in found:
        total[one["reason"]] += one["n"]
    return dict(total)


def facts(view: RunView) -> dict[str, Any]:
    """One run in the JSON object."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(view.last))
    alive = view.pid if view.status == "running" else None
    base = {"run": view.name, "path": str(view.folder), "state": view.status, "exit": view.totals.get("exit")}
    checked = [one.to_json() for one in gates_of(RunFolder(view.folder))]
    return {**base, "process": alive, "last": stamp, **numbers(view), "gates": checked, "continue": view.again or None}


def _state(view: RunView) -> str:
    found = numbers(view)
    if view.status == "running" and found["total"] and found["kept"] is not None:
        return f"running {100 * found['kept'] // found['total']}%"
    return view.status


def _rows(found: dict[str, Any]) -> str:
    if found["kept"] is None:
        return "unknown"
    return f"{count(found['kept'])} / {count(found['total'])}" if found["total"] else count(found["kept"])


def _row(session: Session, view: RunView) -> list[str]:
    found, printer = numbers(view), session.printer
    more = f"process {view.pid}" if view.status == "running" else ""
    if view.status not in ("running", "done"):
        command = _continued(view, found)
        fits = not printer.terminal(printer.out) or len(command) < printer.columns(printer.out) - 70
        more = command if fits else f"see: tilth status {view.name}{session.where}"
    gates = tally(session, gates_of(RunFolder(view.folder)))
    return [view.name, _state(view), _rows(found), money(found["usd"]), gates, moment(view.last, time.time()), more]


def _continued(view: RunView, found: dict[str, Any]) -> str:
    """The command that goes on; for a run that stopped at its budget with a budget that should do."""
    if view.totals.get("exit") != 4 or "--budget" not in view.again or found["usd"] is None:
        return view.again
    words = shlex.split(view.again)[1:]
    return f"budget: {again.larger(words, found['usd'], found['kept'] or 0, found['total'])[0]}"


def _line(view: RunView) -> str:
    found = numbers(view)
    line = f"{view.name} {_state(view)}  {_rows(found)} rows, {count(found['rejected'] or 0)} rejected, {count(found['calls'])} calls"
    left = view.live.get("eta_s")
    return f"{line}, {money(found['usd'])}" + (f", {duration(left)} left" if left else "")


def _details(view: RunView, read_now: Facts | None) -> list[tuple[str, str]]:
    found = numbers(view)
    lost = _lost(read_now) if read_now is not None else found["reasons"]
    why = f" ({reasons(lost)})" if lost else ""
    lines = [
        ("run", str(view.folder)),
        ("state", _state(view) + (f", process {view.pid}" if view.status == "running" else "")),
        ("rows", f"{_rows(found)} kept, {count(found['rejected'])} rejected{why}"),
        ("calls", f"{count(found['calls'])}, {count(found['from_journal'] or 0)} from the journal"),
        ("tokens", f"{tokens(found['tokens_in'])} in, {tokens(found['tokens_out'])} out"),
        ("cost", money(found["usd"])),
        ("last", moment(view.last, time.time())),
    ]
    what = view.totals.get("stop")
    return [*lines, ("stopped", str(what))] if what else lines

"""`tilth status`: all runs, or one."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import click

from tilth.cli import runs
from tilth.cli.numbers import count, duration, moment, money, plural, reasons, tokens
from tilth.cli.options import Answer, Session, command
from tilth.cli.runs import RunView

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
    session.printer.table(["run", "state", "rows", "cost", "last", ""], [_row(session, one) for one in shown], right=frozenset({2, 3}))
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
    for label, text in _details(view):
        session.printer.result((f"{label:<10}", "dim"), text)
    if view.status not in ("running", "done") and view.again:
        session.printer.advise(view.again, "continues here")
    elif view.status == "done":
        session.printer.advise(f"tilth trace {view.name}" + (" --reason any" if numbers(view)["rejected"] else "") + session.where)
    return Answer(facts(view))


def numbers(view: RunView) -> dict[str, Any]:
    """The run's numbers under fixed names; None where unknown."""
    totals = view.totals
    names = ("kept", "rejected", "calls", "from_journal", "tokens_in", "tokens_out")
    found: dict[str, Any] = {name: totals.get(name) for name in names}
    found["total"] = totals.get("total", totals.get("asked", view.document.get("rows")))
    found["reasons"] = _by_reason(totals.get("reasons") or {})
    found["usd"] = None if totals.get("usd_unknown") else totals.get("usd")
    found.update(runs.paid(view) or {})
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
    return {**base, "process": alive, "last": stamp, **numbers(view), "continue": view.again or None}


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
        fits = not printer.terminal(printer.out) or len(view.again) < printer.columns(printer.out) - 60
        more = view.again if fits else f"see: tilth status {view.name}{session.where}"
    return [view.name, _state(view), _rows(found), money(found["usd"]), moment(view.last, time.time()), more]


def _line(view: RunView) -> str:
    found = numbers(view)
    line = f"{view.name} {_state(view)}  {_rows(found)} rows, {count(found['rejected'] or 0)} rejected, {count(found['calls'])} calls"
    left = view.live.get("eta_s")
    return f"{line}, {money(found['usd'])}" + (f", {duration(left)} left" if left else "")


def _details(view: RunView) -> list[tuple[str, str]]:
    found = numbers(view)
    why = f" ({reasons(found['reasons'])})" if found["reasons"] else ""
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

"""The lines after a run: what came out, what it cost, and what to type next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tilth.cli import again, answering, shipping, stages
from tilth.cli.numbers import count, duration, money, plural, reasons, tokens
from tilth.cli.options import Answer, Session
from tilth.engine.execute import Outcome

if TYPE_CHECKING:
    from tilth.report.facts import Facts


def finish(
    session: Session,
    outcome: Outcome,
    argv: Sequence[str],
    require: int | None = None,
    budget: float | None = None,
    *,
    advise: bool = True,
    strict: bool = False,
) -> Answer:
    """Write the summary of a run and return its answer. `require`: fewer records than that is exit 1.

    advise: also say what to type next after a finished run. strict: exit 1 unless one may train on it.
    """
    from tilth.report.facts import facts as facts_of

    found = facts_of(outcome.folder, where=session.where)
    exports: list[dict[str, Any]] = []
    if outcome.status == "done":
        shipping.describe(session, outcome, found)
        error = _done(session, outcome, found, require, strict)
        exports = shipping.ship(session, outcome, found) if session.command == "run" else exports
    else:
        error = _stopped(session, outcome, argv, budget)
    _rejected(session, outcome)
    session.printer.result(str(outcome.path))
    if advise or outcome.status != "done":
        _next(session, outcome, found, argv)
    code = 1 if error and outcome.exit == 0 else outcome.exit
    result = facts(session, outcome, found, code)
    return Answer({**result, "exports": exports} if exports else result, code, error)


def _done(session: Session, outcome: Outcome, found: Facts, require: int | None, strict: bool) -> tuple[str, str] | None:
    printer = session.printer
    head = f"{found.name}: {plural(found.kept, 'record')} kept of {count(found.tried)} {'read' if found.given else 'tried'}"
    printer.mark("done" if found.kept else "fail", head, " " * max(2, 70 - len(head)), (duration(outcome.seconds), "dim"))
    # `tilth curate` has shown its steps itself
    for step, line in [] if session.command == "curate" else stages.lines(found):
        printer.say("  ", (f"{step:<10}", "dim"), line)
    for number, line in enumerate(costs(outcome)):
        printer.say("  ", (f"{'cost' if number == 0 else '':<10}", "dim"), line)
    if found.kept and session.command != "annotate":
        answering.show(session, found)
    files = [path.name for path in (found.folder.report, found.folder.readme) if path.exists()]
    printer.say("  ", " · ".join([f"{outcome.path}   data {count(found.kept)}", f"rejected {count(found.rejected)}", *files]))
    if found.kept == 0:
        why = reasons(by_reason(outcome)) or "the method yielded nothing"
        why += ". Made-up words seldom have the form that a method asks for: -m local asks a model" if "--scripted" in session.argv else ""
        return _check(session, "run.empty", f"no record was kept: {why}. See: tilth trace {found.name} --reason any --calls")
    if require is not None and found.kept < require:
        return _check(session, "run.too_few", f"{plural(found.kept, 'record')} kept, fewer than --require {require}.")
    broken = answering.strict(found.verdict) if strict else None
    return _check(session, *broken) if broken else None


def _rejected(session: Session, outcome: Outcome) -> None:
    """With -v: the first rejected records, each with its reason and the beginning of what was rejected."""
    if not session.printer.verbose or not outcome.rejected:
        return
    from tilth.cli import lookup
    from tilth.cli.clean import cut

    for record, _ in lookup.some(outcome.folder, 20, "any"):
        meta = record.meta
        what = record.get("text") or meta.get("raw") or ""
        line = f"  {str(record.id)[:8]}  {meta.get('step')}: {meta.get('reason')}  {meta.get('detail') or ''}"
        session.printer.detail(cut(line, 100), "  ", cut(what, 80))


def _check(session: Session, code: str, line: str) -> tuple[str, str]:
    session.printer.error(line)
    return code, line


def _stopped(session: Session, outcome: Outcome, argv: Sequence[str], budget: float | None) -> tuple[str, str]:
    rows = f"{count(outcome.kept)} of {count(outcome.asked)} rows" if outcome.asked else plural(outcome.kept, "row")
    spent = "cost unknown" if outcome.usd_unknown else money(outcome.usd)
    if outcome.exit == 5:
        line = f"{outcome.stop}. The traceback is in {outcome.folder.crash}; please report it if the defect is not in your own code."
        session.printer.error(line)
        return outcome.code or "bug", line
    what = outcome.stop.rstrip(".") or "stopped"
    if outcome.exit == 4 and budget is not None:
        line = f"stopped at the budget: {spent} of {money(budget)} spent, {rows}. Everything is saved."
    elif outcome.exit == 4:
        line = f"stopped at the budget: {what}; {rows}, {plural(outcome.calls, 'call')}, {spent}. Everything is saved."
    elif outcome.exit == 75 and outcome.questions:
        line = _waits(outcome, rows)
    elif outcome.exit in (130, 143, 75):
        line = f"{what}: {rows}, {outcome.rejected} rejected, {plural(outcome.calls, 'call')}, {spent}. Everything is saved."
    else:
        session.printer.error(outcome.stop or f"{what}.")
        line = f"{outcome.status}: {rows}, {outcome.rejected} rejected, {plural(outcome.calls, 'call')}, {spent}. Everything is saved."
        session.printer.mark("warn", line)
        return outcome.code, outcome.stop or f"{what}."
    session.printer.mark("warn", line)
    return outcome.code, line


def _waits(outcome: Outcome, rows: str) -> str:
    """Where the questions are, where answers go, and in which form."""
    folder, many = outcome.folder, outcome.questions
    return (
        f"waiting for people: {plural(many, 'question')} in {folder.people}. Answer in {folder.path / 'answers.jsonl'}, one line each "
        f'({{"id": …, "answer": …}}), and run the same command again. {rows} so far, {plural(outcome.calls, "call")}. Everything is saved.'
    )


def _next(session: Session, outcome: Outcome, found: Facts, argv: Sequence[str]) -> None:
    printer, name = session.printer, outcome.folder.name
    if outcome.exit == 4 and "--budget" in " ".join(argv):
        printer.advise(*again.larger(argv, outcome.usd, outcome.kept, outcome.asked))
    elif outcome.exit == 4:
        printer.advise(*again.raised(argv, asdict(outcome.caps), outcome.kept, outcome.asked))
    elif outcome.status != "done":
        printer.advise(again.command(argv), "continues here")
    elif found.set_gates and found.verdict.remedy:
        printer.advise(found.verdict.remedy, "what is missing for a better answer")
    elif outcome.rejected:
        printer.advise(f"tilth trace {name} --reason any{session.where}", "why records were rejected")
    if outcome.status == "done" and outcome.kept:
        _look(session, name)


def _look(session: Session, name: str) -> None:
    from tilth.cli.app import COMMANDS

    if "report" in COMMANDS:
        session.printer.advise(f"tilth report {name}{session.where} --open", "see what came out and why")
    else:
        session.printer.advise(f"tilth trace {name}{session.where}", "the first records, and how each was made")


def by_reason(outcome: Outcome) -> dict[str, int]:
    """Reason to how many, over all steps."""
    return _totalled(outcome.reasons)


def _totalled(by_step_and_reason: Mapping[tuple[str, str], int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for (_, reason), n in by_step_and_reason.items():
        total[reason] = total.get(reason, 0) + n
    return total


def costs(outcome: Outcome) -> list[str]:
    """`$0.87 · 2,062 calls · 710k in, 185k out · $0.0011 per kept record`, and one line with the roles if there are several."""
    usd = None if outcome.usd_unknown else outcome.usd
    parts = [money(usd), plural(outcome.calls, "call")]
    if outcome.from_journal:
        parts.append(f"{count(outcome.from_journal)} from the journal, free")
    parts.append(f"{tokens(outcome.tokens_in)} in, {tokens(outcome.tokens_out)} out")
    if usd and outcome.kept:
        parts.append(f"{money(usd / outcome.kept)} per kept record")
    lines = [" · ".join(parts)]
    if len(outcome.roles) > 1:
        lines.append(" · ".join(f"{role} {_role_cost(one)} ({plural(one['calls'], 'call')})" for role, one in outcome.roles.items()))
    return lines


def _role_cost(one: dict[str, Any]) -> str:
    return "cost unknown" if one.get("unpriced") else money(one["usd"])


def facts(session: Session, outcome: Outcome, found: Facts, code: int) -> dict[str, Any]:
    """The `result` of `tilth run --json`. usage: of this start; rows, reasons, gates and verdict: of the whole run."""
    usage = {
        "calls": outcome.calls,
        "from_journal": outcome.from_journal,
        "tokens_in": outcome.tokens_in,
        "tokens_out": outcome.tokens_out,
        "usd": None if outcome.usd_unknown else round(outcome.usd, 6),
        "usd_unknown": outcome.usd_unknown,
        "by_role": outcome.roles,
    }
    counts = {name: getattr(found, name) for name in ("tried", "generated", "kept", "rejected", "to_review")}
    return {
        "run": outcome.folder.name,
        "path": str(outcome.path),
        "state": outcome.status,
        "exit": code,
        "rows": {"asked": outcome.asked, **counts},
        "reasons": [asdict(one) for one in found.losses],
        "usage": usage,
        "seconds": outcome.seconds,
        "gates": [one.to_json() for one in found.gates],
        "verdict": found.verdict.to_json(),
        "next": session.printer.next,
    }

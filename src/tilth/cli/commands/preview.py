"""`tilth preview`: a few records, each as it came to be, and what the whole would cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from tilth.cli import estimate, forecast, launching, trial
from tilth.cli.clean import clean, cut, one_line
from tilth.cli.commands.run import env_file_option, work_options
from tilth.cli.numbers import money, plural
from tilth.cli.numbers import reason as in_words
from tilth.cli.options import Answer, Session, command
from tilth.records.figures import scored

if TYPE_CHECKING:
    from tilth.records.record import Record

UNITS = 3


@dataclass
class Shown:
    """A record as the preview shows it.

    hidden: columns that the flow does not keep. scores: of curation, by step, in words. calls: at its place, then those of curation.
    """

    record: Record
    state: str
    hidden: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, str] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)


@command(
    "preview",
    examples=("preview intents.yaml", "preview intents.yaml --trace -n 1        prompts and replies too"),
    help="Make N units of a FLOW or METHOD through every column and every curation step that looks at one row alone, show each record "
    "with its scores or its reason, and say what the whole would take. The replies are kept: the real run does not pay them again. "
    "On a terminal one record at a time: n next, p previous, t trace, q quit.",
)
@click.argument("what", metavar="FLOW|METHOD")
@work_options
@env_file_option
@click.option("--record", "only", type=click.IntRange(1), metavar="I", help="Only the I-th record.")
@click.option("--scripted", is_flag=True, help="No model: words made up from each prompt. To try a flow out.")
@click.option("--trace", "traced", is_flag=True, help="Prompts and replies too.")
def preview(session: Session, what: str, *, only: int | None, traced: bool, scripted: bool, rows: int | None, **options: Any) -> Answer:
    """Run aside, show, foretell."""
    asked = launching.request(session, what, **options)
    if scripted:
        asked = launching.scripted(asked)
    made = trial.make(session, asked, rows or UNITS)
    bad = trial.ended(session, made)
    if bad is not None and made.outcome.status != "done":
        return bad
    found = records(made, asked)
    chosen = found if only is None else found[only - 1 : only]
    if session.may_ask and session.printer.terminal(session.printer.out) and len(chosen) > 1:
        page(session, chosen, found, traced)
    else:
        for one in chosen:
            show(session, one, found.index(one) + 1, len(found), traced)
    facts: dict[str, Any] = {}
    if made.outcome.kept:
        whole = estimate.of(made)
        session.printer.say(f"estimate for {plural(whole.rows, 'row')}: {forecast.one_line(whole)}")
        facts = {"rows": whole.rows, **forecast.facts(whole)}
        session.printer.advise(" ".join(["tilth run", what, *_options(session.argv, what)]), "the whole; these are used, not paid again")
    folder = made.whole.folder
    result = {"run": folder.name, "path": str(made.folder.path), "records": [_facts(one) for one in chosen], **facts}
    if bad is not None:
        return Answer(result, bad.exit, bad.error)
    return Answer(result)


def _options(argv: Sequence[str], what: str) -> list[str]:
    """What was typed, without what concerns the preview alone."""
    import shlex

    from tilth.cli import again

    kept = again.without(argv, "-n", "--rows", "--record")
    words = [word for word in kept if word not in ("preview", "--trace", what)]
    return [shlex.quote(word) for word in shlex.split(again.command(words))[1:]]


def records(made: trial.Trial, asked: launching.Asked) -> list[Shown]:
    """The records of a trial, kept and rejected, by their place; with what was asked for each."""
    from tilth.cli import lookup
    from tilth.engine.shelf import Shelf

    both = [*lookup.some(made.folder, 1000), *lookup.some(made.folder, 1000, "any")]
    used, scores = _keys(made), _scores(made)
    shelf = Shelf(made.journal) if made.journal.exists() else None
    shown = []
    try:
        for record, state in both:
            places = [str(record.meta.get("place")), *(f"{label}:{record.id}" for label in sorted(made.labels))]
            calls = [call for place in places for call in (shelf.calls_at(place) if shelf is not None else ())]
            mine = [call for call in calls if used is None or call["key"] in used]
            shown.append(Shown(record, state, _hidden(record), scores.get(str(record.id), {}), mine))
    finally:
        if shelf is not None:
            shelf.close()
    return sorted(shown, key=lambda one: _order(str(one.record.meta.get("place"))))


def _scores(made: trial.Trial) -> dict[str, dict[str, str]]:
    """Id to what each step of curation found, in words."""
    from tilth.curate.scored import Scores

    found: dict[str, dict[str, str]] = {}
    for path in sorted(made.folder.scores.glob("*.parquet")):
        for score in Scores.all(path):
            value = "not scored" if score.value is None else score.value if isinstance(score.value, str) else f"{score.value:g}"
            more = _detail(score.detail)
            found.setdefault(score.id, {})[path.stem] = value + (f"   {more}" if more else "")
    return found


def _detail(text: str) -> str:
    """What a scorer says beside its score; several criteria of a judge as `helpful 5 · standalone 5`."""
    try:
        criteria = json.loads(text)
    except ValueError:
        return cut(text, 70)
    if not isinstance(criteria, dict):
        return cut(text, 70)
    return " · ".join(f"{name} {number:g}" for name, number in criteria.items()) if len(criteria) > 1 else ""


def _keys(made: trial.Trial) -> set[str] | None:
    """Keys of the calls that belong to this trial; None: all."""
    if made.used is None:
        return None
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(f"file:{made.used}?mode=ro", uri=True)) as connection:
        return {key.hex() for (key,) in connection.execute("SELECT key FROM calls")}


def _order(place: str) -> list[tuple[int, str]]:
    """`write:10` after `write:9`."""
    import re

    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[/:]", place)]


def _hidden(record: Record) -> dict[str, Any]:
    """The conditions that the record was drawn with, where they are no columns of it."""
    drawn = record.meta.get("conditions")
    if not isinstance(drawn, dict):
        return {}
    values = {name: one["value"] if isinstance(one, dict) and "value" in one else one for name, one in drawn.items()}
    return {name: value for name, value in values.items() if name not in record.columns}


def page(session: Session, chosen: Sequence[Shown], found: Sequence[Shown], traced: bool) -> None:
    """One record at a time, by keys."""
    at, keys = 0, "n next · p previous · t trace · q quit"
    while 0 <= at < len(chosen):
        show(session, chosen[at], found.index(chosen[at]) + 1, len(found), traced)
        session.printer.say((keys, "dim"))
        key = click.getchar()
        if key in ("q", "\x1b", "\x03", "\x04"):
            return
        if key == "t":
            traced = not traced
        else:
            at = max(0, at - 1) if key == "p" else at + 1


def show(session: Session, one: Shown, number: int, of: int, traced: bool) -> None:
    """A record: verdict, cost, columns, scores; with `traced` its prompts and replies."""
    printer = session.printer
    wide = printer.columns(printer.out) if printer.terminal(printer.out) else 10_000
    verdict = "kept" if one.state == "kept" else f"rejected: {_why(one.record)}"
    color = "green" if one.state == "kept" else "yellow"
    head = f"record {number} of {of} · "
    cost = _cost(one.calls)
    gap = max(2, min(wide, 100) - len(head) - len(verdict) - len(cost))
    printer.result((head, "bold"), (verdict, color), " " * gap, (cost, "dim"))
    for name, value in one.hidden.items():
        _column(session, f"{name} (hidden)", value, wide)
    for name, value in one.record.items():
        _column(session, name, value, wide)
    noted = {name: scored(value) for name, value in (one.record.meta.get("scores") or {}).items()}
    for name, words in {**noted, **one.scores}.items():
        _column(session, name, words, wide)
    if one.state != "kept" and one.record.meta.get("raw"):
        _column(session, "reply", one.record.meta["raw"], wide)
    if traced:
        _trace(session, one.calls)


def _why(record: Record) -> str:
    detail = record.meta.get("detail")
    return f'{record.meta.get("step")} "{in_words(str(record.meta.get("reason")))}"' + (f", {cut(detail, 60)}" if detail else "")


def _column(session: Session, name: str, value: Any, wide: int) -> None:
    session.printer.result(f"  {cut(name, 18):<18} ", cut(value, max(20, wide - 23)) if wide < 10_000 else one_line(value))


def _cost(calls: Sequence[dict[str, Any]]) -> str:
    usd = [call.get("usd") for call in calls]
    spent = "cost unknown" if None in usd else money(sum(usd)) if usd else ""  # type: ignore[arg-type]
    return " · ".join(part for part in (plural(len(calls), "call"), spent) if part)


def _trace(session: Session, calls: Sequence[dict[str, Any]]) -> None:
    for number, call in enumerate(calls, 1):
        request, reply = call.get("request") or {}, call.get("reply") or {}
        for message in request.get("messages") or [{"role": "prompt", "content": request.get("prompt", "")}]:
            _block(session, f"call {number}, {message.get('role')}", message.get("content"))
        if request.get("prefill"):
            _block(session, f"call {number}, prefill", request["prefill"])
        _block(session, f"call {number}, reply ({reply.get('finish', 'stop')})", reply.get("text"))


def _block(session: Session, title: str, text: Any) -> None:
    session.printer.result("    ", (title, "dim"))
    for line in clean(text if isinstance(text, str) else str(text)).splitlines() or [""]:
        session.printer.result("      │ ", line)


def _facts(one: Shown) -> dict[str, Any]:
    same = {"id": one.record.id, "state": one.state, "columns": dict(one.record.columns), "meta": one.record.meta}
    return {**same, "scores": one.scores, "calls": one.calls}

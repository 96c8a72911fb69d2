"""`tilth trace`: why a record is here, or why it is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from tilth.cli import lookup, runs
from tilth.cli.clean import clean, cut, one_line, shorten
from tilth.cli.numbers import count, money, tokens
from tilth.cli.numbers import reason as in_words
from tilth.cli.options import Answer, Session, command
from tilth.cli.printer import Printer
from tilth.cli.runs import RunView
from tilth.errors import RequestError
from tilth.records.figures import scored
from tilth.records.folder import RunFolder
from tilth.records.record import Record

LONGEST = 24
"""Letters of a column's name; shorter, `n_tokens_src` and `n_tokens_out` would look the same."""


@command(
    "trace",
    examples=("trace . 3fa9c1", "trace demo-classification --reason too_short -n 3 --calls"),
    help="Why a record is here, or why not. RUN: a name, a path, or . for the newest; ID: 6 characters suffice. "
    "Without ID: the first records, or those rejected for a reason.",
)
@click.argument("run", required=False)
@click.argument("id", required=False)
@click.option("--reason", help="Records rejected for this reason, or by this step (any: all that were).")
@click.option("--label", help="Records of this label.")
@click.option("--where", metavar="EXPR", help="Records for which this holds, such as \"score > 0.9 and label != 'other'\".")
@click.option("-n", "n", type=click.IntRange(1), default=5, show_default=True, help="How many, without ID.")
@click.option("--calls", is_flag=True, help="Prompts and replies in full.")
def trace(session: Session, run: str | None, id: str | None, *, n: int, calls: bool, **which: str | None) -> Answer:
    """Show one record as a tree, or several in short."""
    view = runs.find(session, run)
    if id is None:
        return _several(session, view, which, n, calls)
    record, state = lookup.by_id(RunFolder(view.folder), id)
    found = made_by(view, record)
    _tree(session.printer, view, record, state, found, calls)
    return Answer(_facts(record, state, found))


def _several(session: Session, view: RunView, which: dict[str, str | None], n: int, calls: bool) -> Answer:
    folder, reason = RunFolder(view.folder), which.get("reason")
    found = list(_chosen(folder, n, **which))
    if not found and (which.get("label") or which.get("where")):
        session.printer.say("no record fits")
    elif not found and reason is None:
        lost = sum(lookup.all_reasons(folder).values())
        session.printer.say("no record was kept" + (f"; {count(lost)} rejected" if lost else ""))
        if lost:
            session.printer.advise(f"tilth trace {view.name} --reason any{session.where}", "why they were")
    elif reason is not None and not found:
        known = lookup.all_reasons(folder)
        there = f"there are: {', '.join(known)}" if known else "none was rejected"
        session.printer.say(f"no record was rejected for '{reason}'; {there}")
    if calls:
        for record, state in found:
            _tree(session.printer, view, record, state, made_by(view, record), True)
    elif found:
        rows = [[str(record.id)[:8], _verdict(record, state), str(record.get("label", "")), _text(record)] for record, state in found]
        session.printer.table(["id", "state", "label", "text"], rows)
    if found and not calls:
        session.printer.advise(f"tilth trace {view.name} {str(found[0][0].id)[:8]}{session.where}", "how this one was made")
    return Answer({"records": [_facts(record, state, made_by(view, record) if calls else []) for record, state in found]})


def _chosen(folder: RunFolder, n: int, reason: str | None, label: str | None, where: str | None) -> Iterator[tuple[Record, str]]:
    """The first n records that fit. An expression sees the columns, and of the lineage what they do not hide (score, step, reason)."""
    if label is None and where is None:
        yield from lookup.some(folder, n, reason)
        return
    from tilth.errors import Failure
    from tilth.prompts.expressions import evaluate, names

    asked = names(where) if where is not None else frozenset()
    states = [reason] if reason else [None, "any"]
    for record, state in (one for wanted in states for one in lookup.some(folder, -1, wanted)):
        values = {"state": state, **record.meta, **record.columns}
        if label is not None and str(values.get("label")) != label:
            continue
        try:
            if where is not None and not (asked <= values.keys() and evaluate(where, values)):
                continue
        except Failure:  # not for this row: a score that is not there, say
            continue
        yield record, state
        n -= 1
        if n <= 0:
            return


def made_by(view: RunView, record: Record) -> list[dict[str, Any]]:
    """The calls at the record's place, oldest first; empty where the journal is gone."""
    place, path = record.meta.get("place"), runs.journal(view)
    if not place or path is None:
        return []
    from tilth.engine.shelf import Shelf

    shelf = Shelf(path)
    try:
        return shelf.calls_at(str(place))
    finally:
        shelf.close()


def _verdict(record: Record, state: str) -> str:
    if state == "kept":
        return "kept"
    score = record.meta.get("score")
    amount = f" {score:.2f}" if isinstance(score, float) else ""
    return f"rejected: {in_words(str(record.meta.get('reason', 'unknown')))}{amount}"


def _tree(printer: Printer, view: RunView, record: Record, state: str, calls: list[dict[str, Any]], full: bool) -> None:
    meta = record.meta
    wide = printer.columns(printer.out) if printer.terminal(printer.out) else 10_000
    where = f" in {meta['stage']}/{meta['step']}" if meta.get("step") and meta.get("stage") else ""
    color = "green" if state == "kept" else "yellow"
    verdict = _verdict(record, state)
    near = f" of {str(meta['neighbour'])[:6]}" if meta.get("neighbour") else ""
    printer.result((str(record.id)[:8], "bold"), "  ", (verdict.replace("rejected", f"rejected{where}", 1) + near, color))
    seed = view.document.get("seed")
    made = f"{meta.get('method')}, stage {meta.get('stage')}"  # a record made between maps has no place
    made += (f", place {meta['place']}" if meta.get("place") else "") + (f", seed {seed}" if seed is not None else "")
    printer.result("├─ made by   ", shorten(clean(made), wide - 14))
    for line in _inside(meta, calls, full):
        printer.result("│  ├─ ", shorten(clean(line), wide - 7))
    if full:
        _replies(printer, calls)
    for name, text in _facets(record):
        printer.result(f"├─ {name:<9} ", cut(text, wide - 14))
    columns = list(record.items()) or [("text", "(none)")]
    for number, (name, value) in enumerate(columns):
        branch = "└─" if number == len(columns) - 1 else "├─"
        branch = "├─" if meta.get("neighbour") else branch
        printer.result(f"{branch} {cut(name, LONGEST):<9} ", cut(value, wide - 5 - max(9, len(name[:LONGEST]))))
    if meta.get("neighbour"):
        _neighbour(printer, view, record, str(meta["neighbour"]), wide)


def _neighbour(printer: Printer, view: RunView, record: Record, id_: str, wide: int) -> None:
    """The record that caused a rejection, and the words in which the two differ."""
    try:
        other, _ = lookup.by_id(RunFolder(view.folder), id_)
    except RequestError:
        printer.result(f"└─ {id_[:8]}  (not a record of this run)")
        return
    printer.result(f"└─ {id_[:8]}  ", cut(_text(other), wide - 13))
    changes = differences(_text(other), _text(record))
    printer.result("             differs in: ", cut(", ".join(changes) if changes else "nothing", wide - 26))


def differences(one: str, two: str, most: int = 6) -> list[str]:
    """Words that were exchanged between two texts, `one → other`.

    >>> differences("I returned the red shoes", "I sent back the red boots")
    ['returned → sent back', 'shoes → boots']
    """
    import difflib

    a, b = one.split(), two.split()
    steps = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    found = [f"{' '.join(a[i:j]) or '–'} → {' '.join(b[k:m]) or '–'}" for tag, i, j, k, m in steps if tag != "equal"]
    return found if len(found) <= most else [*found[:most], f"and {len(found) - most} more"]


def _inside(meta: dict[str, Any], calls: list[dict[str, Any]], full: bool) -> list[str]:
    lines = []
    conditions = meta.get("conditions")
    if isinstance(conditions, dict) and conditions:
        lines.append("conditions   " + "  ".join(f"{name}={one_line(_value(value))}" for name, value in conditions.items()))
    parents = meta.get("parents") or []
    if parents:
        lines.append("parents      " + ", ".join(str(parent)[:8] for parent in parents))
    seeds = meta.get("seed_ids") or []
    if seeds:
        lines.append("seeds        " + ", ".join(str(seed)[:8] for seed in seeds))
    return lines + [_call(call, "" if full else "  (--calls shows it)") for call in calls]


def _value(drawn: Any) -> Any:
    """A condition's value; it may be written with the index that was drawn."""
    return drawn["value"] if isinstance(drawn, dict) and "value" in drawn else drawn


def _call(call: dict[str, Any], more: str) -> str:
    request = call.get("request") or {}
    temperature = request.get("temperature")
    shown = f"  T={temperature}" if temperature is not None else ""
    cost = money(call["usd"]) if call.get("usd") is not None else "no price"
    seconds = call.get("seconds")
    time = f"  {seconds:.1f} s" if seconds is not None else ""
    used = f"{tokens(call.get('tokens_in'))} in, {tokens(call.get('tokens_out'))} out"
    return f"call {str(call.get('key', ''))[:6]}…   {call.get('model')}{shown}  {used}  {cost}{time}{more}"


def _replies(printer: Printer, calls: list[dict[str, Any]]) -> None:
    for number, call in enumerate(calls, 1):
        request, reply = call.get("request") or {}, call.get("reply") or {}
        printer.result("│")
        for message in request.get("messages") or [{"role": "prompt", "content": request.get("prompt", "")}]:
            _block(printer, f"call {number}, {message.get('role')}", message.get("content"))
        if request.get("prefill"):
            _block(printer, f"call {number}, prefill", request["prefill"])
        _block(printer, f"call {number}, reply ({reply.get('finish', 'stop')})", reply.get("text"))
    printer.result("│")


def _block(printer: Printer, title: str, text: Any) -> None:
    printer.result("│    ", (title, "dim"))
    for line in clean(text if isinstance(text, str) else str(text)).splitlines() or [""]:
        printer.result("│      ", line)


def _facets(record: Record) -> list[tuple[str, str]]:
    meta = record.meta
    lines = []
    scores = meta.get("scores")
    if isinstance(scores, dict) and scores:
        lines.append(("scores", " · ".join(f"{name} {scored(value)}" for name, value in scores.items())))
    if meta.get("detail"):
        lines.append(("detail", str(meta["detail"])))
    if meta.get("raw"):
        lines.append(("reply", str(meta["raw"])))
    return lines


def _text(record: Record) -> str:
    value = record.get("text") or next((value for name, value in record.items() if name != "label" and value), None)
    return one_line(value if value is not None else record.meta.get("raw") or "")


def _facts(record: Record, state: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": record.id, "state": state, "columns": dict(record.columns), "meta": record.meta, "calls": calls}

"""`tilth compare`: two runs side by side, with a test of each difference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from tilth.cli import comparing, runs
from tilth.cli.commands.completion import runs as complete
from tilth.cli.numbers import count, money, share
from tilth.cli.options import Answer, Session, command
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.evaluate.base import Value
    from tilth.report.facts import Facts

CHANGES = 12
"""Changes that are listed."""
WIDE = 120
"""Columns of a terminal from which each value has its interval; the difference always has it."""


@command(
    "compare",
    examples=("compare intents intents-2", "compare intents intents-2 --metric utility --fail-on worse        in CI"),
    help="The same metrics of two or more runs, each with the difference to the first, its 95 % interval and a verdict: better, worse, "
    "equivalent or inconclusive, corrected for the number of metrics (Holm). Then what was asked differently.",
)
@click.argument("names", nargs=-1, required=True, metavar="RUN RUN...", shell_complete=complete)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric.")
@click.option(
    "--margin",
    type=click.FloatRange(0, 1),
    default=comparing.MARGIN,
    show_default=True,
    help="Differences below this share of the first value count as none.",
)
@click.option("--fail-on", type=click.Choice(["worse"]), help="Exit 1 if a metric is worse.")
def compare(session: Session, names: tuple[str, ...], metrics: tuple[str, ...], margin: float, fail_on: str | None) -> Answer:
    """Read each run once; the first is what the others are compared with."""
    from tilth.records.folder import RunFolder
    from tilth.report.facts import facts

    if len(names) < 2:
        raise RequestError("compare needs two runs: tilth compare RUN RUN", code="usage")
    found = [facts(RunFolder(runs.find(session, name).folder)) for name in names]
    pairs = [_pair(session, found[0], other, metrics, margin) for other in found[1:]]
    worse = [row["metric"] for pair in pairs for row in pair["metrics"] if row["verdict"] == "worse"]
    result = {"runs": [run.name for run in found], "pairs": pairs, "worse": worse}
    if fail_on and worse:
        line = f"worse: {', '.join(dict.fromkeys(worse))}."
        session.printer.error(line)
        return Answer(result, 1, ("compare.worse", line))
    return Answer(result)


def _pair(session: Session, one: Facts, two: Facts, metrics: tuple[str, ...], margin: float) -> dict[str, Any]:
    rows = comparing.rows(one, two, metrics=metrics, margin=margin)
    for run in (one, two):
        if not run.values:
            session.printer.advise(f"tilth evaluate {run.name}{session.where}", "so that there is something to compare")
        elif run.stale:
            session.printer.warn(f"{run.name}: metrics.json is older than its data; measure again: tilth evaluate {run.name}", "run.stale")
    columns = ["metric", one.name, two.name, "difference", "verdict"]
    wide = not session.printer.terminal(session.printer.out) or session.printer.columns(session.printer.out) >= WIDE
    shown = [row for row in rows if metrics or row.how != "measured in neither"]
    session.printer.table(columns, [*(_cells(row, wide) for row in shown), *_others(one, two)], flex=4)
    for why in dict.fromkeys(row.how for row in shown if row.p is None and row.how):
        session.printer.say((f"{', '.join(row.metric for row in shown if row.how == why)}: {why}", "dim"))
    if len(shown) < len(rows):
        session.printer.say((f"measured in neither: {', '.join(row.metric for row in rows if row not in shown)}", "dim"))
    changed, same = comparing.changes(one.asked, two.asked), comparing.in_both(one, two)
    if changed:
        more = f", and {len(changed) - CHANGES} more" if len(changed) > CHANGES else ""
        session.printer.say(f"what changed: {', '.join(changed[:CHANGES])}{more}")
    else:
        session.printer.say("what changed: nothing that was asked")
    session.printer.say(f"records in both, word for word: {count(same)} of {count(one.kept)} and {count(two.kept)}")
    costs = [comparing.per_record(run) for run in (one, two)]
    return {
        "first": one.name,
        "second": two.name,
        "metrics": [_facts(row) for row in rows],
        "usd_per_record": costs,
        "kept": [one.kept, two.kept],
        "tried": [one.tried, two.tried],
        "in_both": same,
        "changed": changed,
    }


def _cells(row: comparing.Row, wide: bool) -> list[str]:
    gap = "" if row.difference is None else _signed(row.difference, 3)
    if row.interval is not None:
        gap += " [{}, {}]".format(*(_signed(edge, 2) for edge in row.interval))
    p = f"  (p {row.p_holm:.2g}, Holm)" if row.p_holm is not None and row.verdict == "inconclusive" else ""
    return [row.metric, _value(row.first, wide), _value(row.second, wide), gap, f"{row.verdict}{p}"]


def _signed(number: float, digits: int) -> str:
    return "0" if abs(number) < 1e-9 else f"{number:+.{digits}g}".replace("-", "−")


def _value(value: Value | None, wide: bool) -> str:
    if value is None or value.value is None:
        return "not measured"
    return f"{value.value:.3g}" + (" [{:.3g}, {:.3g}]".format(*value.interval) if value.interval and wide else "")


def _others(one: Facts, two: Facts) -> list[list[str]]:
    """Cost per record and share kept: neither is good or bad by itself."""
    costs = [comparing.per_record(run) for run in (one, two)]
    ratio = ""
    if costs[0] and costs[1] is not None:
        ratio = f"× {costs[1] / costs[0]:.2g}"
    kept = [share(run.kept, run.tried) for run in (one, two)]
    return [["cost per record", *(money(cost) for cost in costs), ratio, ""], ["kept of tried", *kept, "", ""]]


def _facts(row: comparing.Row) -> dict[str, Any]:
    values = {name: None if one is None else {"value": one.value, "interval": one.interval, "n": one.n} for name, one in _both(row)}
    numbers = {"difference": row.difference, "interval": row.interval, "p": row.p, "p_holm": row.p_holm}
    finite = {name: None if isinstance(one, float) and not math.isfinite(one) else one for name, one in numbers.items()}
    return {"metric": row.metric, **values, **finite, "verdict": row.verdict, "how": row.how}


def _both(row: comparing.Row) -> tuple[tuple[str, Value | None], ...]:
    return (("first", row.first), ("second", row.second))

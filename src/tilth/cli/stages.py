"""What each stage of a run has to say in its summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tilth.cli.numbers import count, reason, reasons
from tilth.records.figures import figure

if TYPE_CHECKING:
    from tilth.evaluate.base import Value
    from tilth.report.facts import Facts

METRICS = 8
"""Figures shown after a run without gates; metrics.json has them all."""

BETTER = {"up": "higher is better", "down": "lower is better", "target": "close to real is better"}


def lines(found: Facts) -> Iterator[tuple[str, str]]:
    """(stage, line) for what was made, what curation did and what was measured; only the first line of a stage names it."""
    made = "given" if found.given else "generate"
    for stage, some in ((made, _made(found)), ("curate", _curated(found)), ("evaluate", _evaluated(found))):
        for number, line in enumerate(some):
            yield stage if number == 0 else "", line


def _made(found: Facts) -> list[str]:
    """`1,078 tried    78 rejected   42 refused, 25 unreadable, 11 too long`"""
    why = reasons(totalled(found, "generate", "drop"), top=4)
    rejected = found.tried - found.generated
    if found.given and not rejected:
        return []
    return [f"{count(found.tried)} {'read' if found.given else 'tried'}    {count(rejected)} rejected" + (f"   {why}" if why else "")]


def _curated(found: Facts) -> list[str]:
    """`1,000 → 820   180 dropped    73 judge below 4, ...`, what waits for people, and what stays with a mark."""
    if not found.folder.decisions.exists():
        return []
    why = reasons(totalled(found, "curate", "drop"), top=6)
    dropped = found.generated - found.kept
    out = [f"{count(found.generated)} → {count(found.kept)}    {count(dropped)} dropped" + (f"   {why}" if why else "")]
    if found.to_review:
        out.append(f"{count(found.to_review)} sent to review ({', '.join(map(reason, totalled(found, 'curate', 'review')))})")
    marked = totalled(found, "curate", "flag", "weight", "relabel")
    return [*out, f"stay, with a mark: {reasons(marked, top=6)}"] if marked else out


def _evaluated(found: Facts) -> list[str]:
    """One line a figure where no gate says which matter; then what was not measured, and what was found."""
    if not found.values or found.stale:
        return []
    measured = [one for one in found.values if one.value is not None]
    out = [_figure(one) for one in measured[:METRICS]] if not found.set_gates else []
    if len(measured) > len(out):
        out.append(f"{count(len(measured) - len(out))} {'more figures' if out else 'figures'} in {found.folder.metrics}")
    unmeasured = [one.metric for one in found.values if one.value is None]
    if unmeasured:
        out.append(f"not measured: {', '.join(unmeasured)} (metrics.json says why)")
    return [*out, *(f"! {line}" for line in found.findings)]


def _figure(one: Value) -> str:
    assert one.value is not None
    real = f"   real {figure(one.reference)}" if one.reference is not None else ""
    return f"{one.metric:<18} {figure(one.value, one.interval)}{real}   {BETTER[one.direction]}, n {count(one.n)}"


def totalled(found: Facts, stage: str, *actions: str) -> dict[str, int]:
    """Reason to how many, over the steps of a stage."""
    total: dict[str, int] = {}
    for loss in found.losses:
        if loss.stage == stage and loss.action in actions:
            total[loss.reason] = total.get(loss.reason, 0) + loss.n
    return total

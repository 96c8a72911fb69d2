"""What the stages after generation have to say in a run's summary."""

from __future__ import annotations

import json
from typing import Any

from tilth.cli.numbers import count, reasons
from tilth.engine.execute import Outcome

METRICS = 8
"""Metrics shown after a run; metrics.json has them all."""


def curation(outcome: Outcome) -> list[dict[str, Any]]:
    """What each step of this run's curation did, in order; empty where it has none."""
    path = outcome.folder.artifacts / "curation.json"
    if outcome.status != "done" or not outcome.folder.read_state().get("asked", {}).get("curate") or not path.exists():
        return []
    steps: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["steps"]
    return steps


def curated(steps: list[dict[str, Any]]) -> list[str]:
    """`1,000 → 820   180 dropped   73 judge below 4, ...`, and what stays with a mark."""
    dropped: dict[str, int] = {}
    marked: dict[str, int] = {}
    for step in steps:
        drops = step["actions"].get("drop", 0)
        target = dropped if drops else marked
        for name, n in step["reasons"].items():
            target[name] = target.get(name, 0) + n
    before, after = steps[0]["before"], steps[-1]["after"]
    why = reasons(dropped, top=6)
    lines = [f"{count(before)} → {count(after)}    {count(before - after)} dropped" + (f"   {why}" if why else "")]
    return [*lines, f"stay, with a mark: {reasons(marked, top=6)}"] if marked else lines


def evaluated(outcome: Outcome) -> list[str]:
    """One line a metric: its value, its interval, the same figure for real data; then what was found."""
    path = outcome.folder.metrics
    if outcome.status != "done" or not outcome.folder.read_state().get("asked", {}).get("evaluate") or not path.exists():
        return []
    document = json.loads(path.read_text("utf-8"))
    values = [value for value in document["values"] if value["value"] is not None]
    lines = [_metric(value) for value in values[:METRICS]]
    if len(values) > METRICS:
        lines.append(f"and {len(values) - METRICS} more in {path}")
    unmeasured = [value["metric"] for value in document["values"] if value["value"] is None]
    if unmeasured:
        lines.append(f"not measured: {', '.join(unmeasured)} (metrics.json says why)")
    return [*lines, *(f"! {one['finding']}" for one in document.get("findings", ()))]


def _metric(value: dict[str, Any]) -> str:
    interval = "[{:.3g}, {:.3g}]".format(*value["interval"]) if value["interval"] else ""
    real = f"   real {value['reference']:.3g}" if value["reference"] is not None else ""
    arrow = {"up": "higher is better", "down": "lower is better", "target": "close to real is better"}[value["direction"]]
    return f"{value['metric']:<18} {value['value']:.3g} {interval}{real}   {arrow}, n {count(value['n'])}"

"""Which gates a run has had, and which figures were known then: so that a bound moved after the fact is seen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from pydantic import ValidationError

from tilth.evaluate.base import Value
from tilth.evaluate.gates import Gate, check
from tilth.records.atomic import replacing
from tilth.records.folder import RunFolder

NAME = "gates.json"


def note(folder: RunFolder, gates: Iterable[Gate], values: Sequence[Value]) -> None:
    """Append the gates and what they found to ``artifacts/gates.json``, where that differs from the last entry."""
    checked = [one for one in check(gates, values) if not one.gate.suggested]
    entry = {one.gate.metric: {**one.gate.settings(), "seen": one.value.value if one.value is not None else None} for one in checked}
    log = history(folder)
    if log[-1:] == [entry] or (not log and not entry):
        return
    path = folder.artifacts / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(orjson.dumps({"gates": [*log, entry]}, str, orjson.OPT_INDENT_2) + b"\n")


def history(folder: RunFolder) -> list[dict[str, dict[str, Any]]]:
    """The entries, oldest first; none where there is no log or it cannot be read."""
    try:
        found = json.loads((folder.artifacts / NAME).read_text("utf-8"))["gates"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def loosened(folder: RunFolder, gates: Iterable[Gate] | None = None) -> tuple[str, ...]:
    """Gates that are easier now than they were when their figure was known, in words. gates: those of now; None: of the last entry."""
    log = history(folder)
    now = {one.metric: one for one in gates} if gates is not None else _gates(log[-1] if log else {})
    lines: dict[str, str] = {}
    for entry in log:
        for name, old in _gates(entry).items():
            if entry[name].get("seen") is not None and (line := _easier(old, now.get(name))):
                lines.setdefault(name, line)
    return tuple(lines.values())


def _gates(entry: Mapping[str, Mapping[str, Any]]) -> dict[str, Gate]:
    found = {}
    for name, settings in entry.items():
        try:
            found[name] = Gate(metric=name, **{key: value for key, value in settings.items() if key != "seen"})
        except (ValidationError, TypeError, AttributeError):  # another version's
            continue
    return found


def _easier(old: Gate, new: Gate | None) -> str:
    """`near_duplicates from at most 0.05 to at most 0.2`; "" where it is not easier."""
    if new is None:
        return f"{old.metric}, {old.bound}, was taken away"
    lower = old.at_least is not None and (new.at_least is None or new.at_least < old.at_least)
    higher = old.at_most is not None and (new.at_most is None or new.at_most > old.at_most)
    if lower or higher:
        return f"{old.metric} from {old.bound} to {new.bound}"
    if old.on == "interval" and new.on == "point":
        return f"{old.metric} asks the figure itself, no longer its interval"
    if old.level == "must" and new.level == "should":
        return f"{old.metric} was a must and is a should"
    return ""

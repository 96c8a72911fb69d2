"""What a run has cost: over all its starts from the journal, else what its last start wrote."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tilth.records.folder import RunFolder
from tilth.report.counts import read

QUERY = """SELECT role, model, count(*), sum(tokens_in), sum(tokens_out), sum(usd), count(usd) FROM calls
WHERE paid AND kind != 'do' GROUP BY role, model ORDER BY role, model"""


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls, tokens and US dollars of all starts of a run.

    from_journal: calls of the last start that cost nothing because they were answered before. usd: None where a call has no
    known price. by_role: role to model, calls, tokens_in, tokens_out, usd. models: role to the names of the models that answered.
    silent: the journal and the last start both say that no model was asked at all.
    """

    calls: int = 0
    from_journal: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = 0.0
    by_role: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    silent: bool = False


def usage(folder: RunFolder) -> Usage:
    """The sums of a run's journal; where there is none, those of its last start."""
    totals = read(folder.run_json).get("totals")
    totals = totals if isinstance(totals, dict) else {}
    from_journal = _number(totals.get("from_journal"))
    rows = _paid(folder)
    if rows is None:
        return _of_start(totals, from_journal)
    if not rows and totals.get("calls") == 0 and from_journal == 0:
        return Usage(silent=True)
    by_role: dict[str, dict[str, Any]] = {}
    models: dict[str, tuple[str, ...]] = {}
    for role, model, *numbers in rows:
        calls, tokens_in, tokens_out, usd, priced = numbers
        one = by_role.setdefault(role, {"model": model, "calls": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0})
        models[role] = (*models.get(role, ()), model)
        one["model"] = ", ".join(models[role])
        one["calls"] += calls
        one["tokens_in"] += tokens_in or 0
        one["tokens_out"] += tokens_out or 0
        one["usd"] = None if one["usd"] is None or priced < calls else one["usd"] + (usd or 0.0)
    return _summed(by_role, models, from_journal)


def _summed(by_role: Mapping[str, Mapping[str, Any]], models: Mapping[str, tuple[str, ...]], from_journal: int) -> Usage:
    calls, tokens_in, tokens_out = (sum(one[name] for one in by_role.values()) for name in ("calls", "tokens_in", "tokens_out"))
    spent = [one["usd"] for one in by_role.values()]
    return Usage(calls, from_journal, tokens_in, tokens_out, None if None in spent else sum(spent), by_role, models)


def _paid(folder: RunFolder) -> list[tuple[Any, ...]] | None:
    """One line per role and model; None where no journal can be read."""
    aside = read(folder.progress).get("journal")
    path = next((one for one in (folder.journal, *([Path(aside)] if isinstance(aside, str) else [])) if one.exists()), None)
    if path is None:
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            return list(connection.execute(QUERY))
    except sqlite3.Error:
        return None


def _of_start(totals: Mapping[str, Any], from_journal: int) -> Usage:
    roles = totals.get("roles") if isinstance(totals.get("roles"), dict) else {}
    models = {role: (str(one["model"]),) for role, one in (roles or {}).items() if isinstance(one, dict) and one.get("model")}
    usd = None if totals.get("usd_unknown") else totals.get("usd", 0.0)
    calls, tokens_in, tokens_out = (_number(totals.get(name)) for name in ("calls", "tokens_in", "tokens_out"))
    return Usage(calls, from_journal, tokens_in, tokens_out, usd, roles or {}, models)


def _number(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) else 0

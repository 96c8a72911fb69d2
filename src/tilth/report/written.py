"""What run.json says, with a sensible value for whatever an old, stopped or foreign run does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tilth.evaluate.gates import Gate, gates_of, suggested
from tilth.records.folder import RunFolder
from tilth.report.counts import read


@dataclass(frozen=True, slots=True)
class Written:
    """See `tilth.report.facts.Facts`. gates: those of the flow, with those of the last evaluation; else the suggested ones."""

    asked: Mapping[str, Any] = field(default_factory=dict)
    describe: str = ""
    status: str = "unknown"
    task: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    versions: Mapping[str, Any] = field(default_factory=dict)
    started: str = ""
    ended: str | None = None
    seconds: float = 0.0
    wanted: int | None = None
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()


def written(folder: RunFolder) -> Written:
    """Read run.json; a run whose process is gone is `interrupted`."""
    state = read(folder.run_json)
    asked, totals = _mapping(state.get("asked")), _mapping(state.get("totals"))
    stages = _mapping(state.get("stages"))
    task = _mapping(asked.get("task"))
    generate = [one for one in asked.get("generate") or () if isinstance(one, Mapping)] if isinstance(asked.get("generate"), list) else []
    gates = _gates(asked, stages)
    kind = str(task.get("kind") or "text")
    ended = state.get("ended")
    return Written(
        asked=asked,
        describe=str(asked.get("describe") or task.get("about") or ""),
        status=_status(folder, state),
        task=task,
        seed=_number(state.get("seed")) or 0,
        versions=_mapping(state.get("versions")),
        started=str(state.get("started") or ""),
        ended=str(ended) if ended else None,
        seconds=float(totals["seconds"]) if isinstance(totals.get("seconds"), (int, float)) else 0.0,
        wanted=_number(totals.get("asked")) or next((rows for one in generate[::-1] if (rows := _number(one.get("rows")))), None),
        models=_models(state, asked, totals),
        methods=tuple(dict.fromkeys(str(one.get("method") or "columns") for one in generate)),
        inputs=_inputs(state, asked, stages),
        gates=gates or suggested(kind),
    )


def _status(folder: RunFolder, state: Mapping[str, Any]) -> str:
    said = str(state.get("status") or "unknown")
    return "interrupted" if said == "running" and not folder.held() else said


def _gates(asked: Mapping[str, Any], stages: Mapping[str, Any]) -> tuple[Gate, ...]:
    """Of the flow; an evaluation with gates of its own replaces those that it names."""
    found: dict[str, Any] = {}
    for part in (asked.get("evaluate"), stages.get("evaluate")):
        found |= {str(name): one for name, one in _mapping(_mapping(part).get("gates")).items()}
    gates: list[Gate] = []
    for name, settings in found.items():
        try:
            gates += gates_of({name: settings})
        except (ValidationError, TypeError):  # of a later version: not known is not passed, so it stays as one that nothing measures
            gates.append(Gate(metric=f"{name} (unreadable)", at_least=0))
    return tuple(gates)


def _models(state: Mapping[str, Any], asked: Mapping[str, Any], totals: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Role to models: those that were opened, else those that answered, else those that were asked for."""
    opened = _mapping(state.get("models"))
    if opened:  # of the start that generated; a judge of a later curation is known from the journal
        return {role: tuple(str(one) for one in many) for role, many in opened.items() if isinstance(many, list)}
    found: dict[str, tuple[str, ...]] = {}
    for role, many in _mapping(asked.get("models")).items():
        specs = many if isinstance(many, list) else [many]
        found[role] = tuple(str(_mapping(one).get("model") or one) for one in specs)
    for role, one in _mapping(totals.get("roles")).items():
        if _mapping(one).get("model"):
            found[role] = tuple(str(one["model"]).split(", "))
    return found


def _inputs(state: Mapping[str, Any], asked: Mapping[str, Any], stages: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, spec in _mapping(asked.get("data")).items():
        one = _mapping(spec) or {"read": spec}
        found[name] = {"file": Path(str(one.get("read") or "")).name, "licence": one.get("licence")}
    noted = [state.get("inputs"), *(_mapping(part).get("inputs") for part in stages.values())]
    for part in noted:
        for name, one in _mapping(part).items():
            found[name] = {**found.get(name, {}), **{key: value for key, value in _mapping(one).items() if value is not None}}
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None

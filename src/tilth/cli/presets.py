"""Preset flows as the list of methods shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """The head of a preset flow. data: names that the user has to give."""

    name: str
    kind: str
    describe: str
    paper: str
    makes: str
    data: tuple[str, ...] = ()


def everything() -> list[Preset]:
    """All presets, by name."""
    from tilth.flows.presets import presets

    return [_head(name, text(name)) for name in presets()]


def text(name: str) -> str:
    """The file of a preset as it is shipped."""
    from tilth.flows.presets import presets

    return presets()[name].read_text("utf-8")


def _head(name: str, source: str) -> Preset:
    import yaml

    document = yaml.safe_load(source) or {}
    stages = document.get("generate") or {}
    columns = (stages[0] if isinstance(stages, list) else stages).get("columns") or {}
    makes = ", ".join(column for column, spec in columns.items() if not _hidden(spec))
    kind = str((document.get("task") or {}).get("kind", "text"))
    data = tuple(document.get("data") or {})
    return Preset(name, kind, " ".join(str(document.get("describe", "")).split()), str(document.get("x-paper", "")), makes, data)


def _hidden(spec: Any) -> bool:
    return isinstance(spec, dict) and spec.get("keep") is False

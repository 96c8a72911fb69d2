"""Curation: which records stay. Steps score the rows that are still kept and decide; nothing is edited or lost.

    from tilth.curate import Curation
    Curation(steps=["refusals", {"length": {"words": [3, 400]}}, {"dedupe": {"near": 0.85}}])

Scores are kept in the run's folder, so another threshold costs nothing. Every dropped row keeps its reason, its score and,
for duplicates and leaks, the row that caused it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilth.curate.base import Decision, Step
    from tilth.curate.catalog import STEPS, step_of
    from tilth.curate.stage import Curation

__all__ = ["STEPS", "Curation", "Decision", "Step", "step_of"]

_HOME = {"Curation": "stage", "Decision": "base", "STEPS": "catalog", "Step": "base", "step_of": "catalog"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'tilth.curate' has no attribute {name!r}")
    return getattr(import_module(f"tilth.curate.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__

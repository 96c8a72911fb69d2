"""The features of JSON Lines, in the words of `datasets`: without them a reader guesses types from the first lines and fails on the last.

Parquet and CSV need none: Parquet's own schema counts, and a declared one that differs in one column breaks the viewer.
"""

from __future__ import annotations

from typing import Any

from tilth.report.contents import Contents
from tilth.report.export.source import META

_DTYPES = {"str": "string", "int": "int64", "float": "float64", "bool": "bool"}
_SCORES = {"name": "str", "value": "float", "by": "str", "detail": "str"}
_PROBS = {"label": "str", "prob": "float"}


def features(contents: Contents, config: str) -> list[dict[str, Any]]:
    """The features of a configuration; none where the file has a schema of its own, or a column whose inside nobody can tell."""
    kinds = contents.columns(config)
    if contents.ending != "jsonl" or any(_feature(kind) is None for kind in kinds.values()):
        return []
    found = [{"name": name, **(_feature(kind) or {})} for name, kind in kinds.items()]
    meta = [{"name": "meta", "struct": [{"name": name, **_meta(name)} for name in META]}] if contents.nested else []
    return [*found, *meta]


def _feature(kind: str) -> dict[str, Any] | None:
    if kind in _DTYPES:
        return {"dtype": _DTYPES[kind]}
    inside = kind.removeprefix("list[").removesuffix("]")
    return {"list": _DTYPES[inside]} if kind.startswith("list[") and inside in _DTYPES else None


def _meta(name: str) -> dict[str, Any]:
    inside = {"scores": _SCORES, "label_probs": _PROBS}.get(name)
    if inside is not None:
        return {"list": [{"name": key, "dtype": _DTYPES[kind]} for key, kind in inside.items()]}
    if name in ("parents", "seed_ids"):
        return {"list": "string"}
    return {"dtype": "int32" if name == "round" else "string"}

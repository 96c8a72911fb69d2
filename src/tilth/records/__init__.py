"""Records and the files that hold them: the lowest floor, which knows no model and no run.

Importing this package imports neither pyarrow nor numpy; each name is loaded when it is first used. Reading and
writing files: ``from tilth.records.read import read``, ``from tilth.records.write import write`` (modules of that name).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilth.records.data import Data, check_columns, check_labels
    from tilth.records.folder import RunFolder, check_local
    from tilth.records.ids import Occurrences, canonical, content_id, digest, hex_digest, json_text, json_value
    from tilth.records.parts import PartWriter, read_parts
    from tilth.records.record import META_KEYS, Record
    from tilth.records.results import finalise, find, read_decisions, write_decisions
    from tilth.records.schema import WHY, Schema

_HOMES = {
    "data": ("Data", "check_columns", "check_labels"),
    "folder": ("RunFolder", "check_local"),
    "ids": ("Occurrences", "canonical", "content_id", "digest", "hex_digest", "json_text", "json_value"),
    "parts": ("PartWriter", "read_parts"),
    "record": ("META_KEYS", "Record"),
    "results": ("finalise", "find", "read_decisions", "write_decisions"),
    "schema": ("WHY", "Schema"),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "META_KEYS",
    "WHY",
    "Data",
    "Occurrences",
    "PartWriter",
    "Record",
    "RunFolder",
    "Schema",
    "canonical",
    "check_columns",
    "check_labels",
    "check_local",
    "content_id",
    "digest",
    "finalise",
    "find",
    "hex_digest",
    "json_text",
    "json_value",
    "read_decisions",
    "read_parts",
    "write_decisions",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

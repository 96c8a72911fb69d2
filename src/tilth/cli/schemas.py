"""The JSON Schemas of what `--json` prints: one envelope for all commands, and the `result` of each."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def envelope() -> dict[str, Any]:
    """The schema of the object that every command prints."""
    return _read("answer")


def commands() -> list[str]:
    """The commands whose result has a schema."""
    return list(_read("results")["$defs"])


def answer(command: str) -> dict[str, Any]:
    """The schema of the whole object of one command: the envelope, with the command's own result (or null, on error).

    Raises
    ------
    KeyError: the command has none.
    """
    whole = envelope()
    own = _read("results")["$defs"][command]
    return {**whole, "properties": {**whole["properties"], "result": {"anyOf": [{"type": "null"}, own]}}}


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resources.files("tilth").joinpath("assets", f"{name}.schema.json").read_text("utf-8"))
    return found

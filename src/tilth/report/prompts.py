"""The prompts of a run, each under its name and the hash of its text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tilth.errors import RequestError


def prompts_of(asked: Mapping[str, Any]) -> dict[str, str]:
    """Name to template, of the stages of generation: a method's prompts with those that the user set over them, or those of columns."""
    generate = asked.get("generate") or []
    found: dict[str, str] = {}
    for stage in generate if isinstance(generate, list) else [generate]:
        if stage.get("method"):
            found |= _of_method(str(stage["method"]), stage.get("with") or {})
        for name, column in (stage.get("columns") or {}).items():
            found |= dict(_of_column(name, column))
    return {name: text for name, text in found.items() if isinstance(text, str)}


def _of_method(name: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    from tilth import catalog

    try:
        own = dict(catalog.find(name).load().prompts)
    except (RequestError, ImportError):  # a method of the user's own, or one that needs what is not here
        own = {}
    given = parameters.get("prompts") or parameters.get("own_prompts") or {}
    return {f"{name}.{key}": text for key, text in {**own, **given}.items()}


def _of_column(name: str, column: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part in ("system", "prompt", "prefill"):
        if isinstance(column.get(part), str):
            yield (name if part == "prompt" else f"{name}.{part}"), column[part]
    judge = column.get("judge")
    for criterion, question in judge.items() if isinstance(judge, Mapping) else [("", judge)] if judge else []:
        yield f"{name}.judge{'.' + criterion if criterion else ''}", question


def prompt_hashes(asked: Mapping[str, Any]) -> dict[str, str]:
    """Name to SHA-256 of the template."""
    return {name: hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() for name, text in prompts_of(asked).items()}


def write_prompts(asked: Mapping[str, Any], folder: Path) -> list[str]:
    """Write ``prompts/NAME-HASH.txt`` and return the paths, relative to the folder."""
    hashes, names = prompt_hashes(asked), []
    for name, text in prompts_of(asked).items():
        path = folder / "prompts" / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}-{hashes[name][:12]}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
        names.append(path.relative_to(folder).as_posix())
    return names

"""Runs for the tests of exports: records in memory become the folder of a finished run, without a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tilth.engine.execute import execute, start
from tilth.engine.method import Method
from tilth.engine.session import Settings
from tilth.models.roles import open_role
from tilth.models.scripted import ScriptedModel
from tilth.records.folder import RunFolder
from tilth.records.record import Record

ODD = (
    "",
    " ",
    "two\nlines",
    "carriage\rreturn\r\nand both",
    "quotes \" and '",
    "comma, semicolon; tab\there",
    "=cmd()",
    "emoji 🧵 and 👩‍👩‍👧",
    "שלום עולם",
    "\u202eright to left\u202c",
    "control \x01\x07\x1b[31m\x7f",
    "line\u2028separator\x85next",
    "```python\ncode```",
    "<!-- tilth:human bias -->",
    "{{ braces }} | pipe | \\back",
    "long " * 300,
)
"""Texts that break formats."""


def folder_of(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, Any],
    *,
    asked: Mapping[str, Any] | None = None,
    method: str = "attrprompt",
    rejected: Iterable[Mapping[str, Any]] = (),
    noted: Mapping[str, Any] | None = None,
) -> RunFolder:
    """A finished run. A row's key ``meta`` is its lineage. asked: what run.json says of the flow."""
    held, refused = list(rows), list(rejected)

    class Given(Method):
        """Yields what it was given."""

        async def generate(self, run: Any) -> Any:
            for row in refused:
                run.reject(Record(dict(row)), "too_short", detail="a reason")
            for row in held:
                meta = dict(row.get("meta") or {})
                yield Record({name: value for name, value in row.items() if name != "meta"}, meta=meta)

    Given.name, Given.columns = method, columns
    whole = {
        "name": path.name,
        "describe": "Records for tests.",
        "task": {"kind": "text", "language": "en"},
        "generate": [{"method": method}],
    }
    roles = {"generator": [open_role(ScriptedModel(lambda request: "no"))]}
    settings = Settings(folder=RunFolder(path), roles=roles, identity=b"\x01" * 16, asked={**whole, **(asked or {})})
    outcome = start(lambda: execute(Given(), settings))
    assert outcome.status == "done", outcome.stop
    state = settings.folder.read_state()
    wrote = {"models": {"generator": ["openai/gpt-test"]}, "totals": {**state["totals"], "calls": len(held)}}  # as if it had written them
    settings.folder.write_state({**state, **wrote, **(noted or {})})
    return settings.folder


LABELLED = {"text": str, "label": str}


def reviews(n: int) -> list[dict[str, Any]]:
    """Texts that are no duplicates of each other, with two labels."""
    words = ("harbour", "violin", "gravel", "meadow", "copper", "lantern", "pepper", "window", "thunder", "marble", "saddle", "cactus")
    return [
        {
            "text": f"{words[at % 12]} {words[at // 12 % 12]} {words[at // 144 % 12]} over {words[(at * 7 + 3) % 12]} number{at}",
            "label": ("good", "bad")[at % 2],
        }
        for at in range(n)
    ]

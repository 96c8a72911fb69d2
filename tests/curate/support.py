"""How curation tests run steps: over records in memory, in a folder, with scripted models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tilth.curate import Curation
from tilth.engine.execute import Outcome, execute, start
from tilth.engine.given import given
from tilth.engine.method import Task
from tilth.engine.session import Settings
from tilth.models.hashed import HashedTfidf
from tilth.models.roles import RoleModel, open_role
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data
from tilth.records.folder import RunFolder
from tilth.records.parts import read_parts
from tilth.records.read import read as read_file
from tilth.records.results import read_decisions

__all__ = ["Curated", "curate", "read_file"]


class Curated:
    """What a curation left in its folder."""

    def __init__(self, folder: Path, outcome: Outcome, curation: Curation, model: ScriptedModel) -> None:
        self.folder = RunFolder(folder)
        self.outcome = outcome
        self.report = {one.step: one for one in curation.report}
        self.model = model

    @property
    def kept(self) -> list[dict[str, Any]]:
        return list(read_parts(self.folder.data, "part"))

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.kept]

    @property
    def rejected(self) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in read_parts(self.folder.rejected, "part")}

    @property
    def decisions(self) -> list[dict[str, Any]]:
        return list(read_decisions(self.folder))

    def scores(self, step: str) -> dict[str, dict[str, Any]]:
        from tilth.records.parts import read_rows

        return {row["id"]: row for row in read_rows(self.folder.scores / f"{step}.parquet")}


def curate(
    folder: Path,
    rows: Iterable[Mapping[str, Any]],
    steps: Iterable[Any],
    *,
    data: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
    model: ScriptedModel | None = None,
    labels: Mapping[str, str] | None = None,
) -> Curated:
    """Import the rows as a run and curate them."""
    model = model or ScriptedModel(lambda request: "Score: 4")
    source = Data.of([{**row, "id": row.get("id", f"row-{number:04d}")} for number, row in enumerate(rows)])
    inputs = {"rows": source, **{name: Data.of(list(one)) for name, one in (data or {}).items()}}
    roles = {"generator": [open_role(model)], "embedder": [RoleModel(HashedTfidf())]}
    settings = Settings(folder=RunFolder(folder), roles=roles, identity=b"i", data=inputs, task=Task(labels=dict(labels or {})))
    curation = Curation(steps)
    outcome = start(lambda: execute(given(source), settings, stages=[curation]))
    return Curated(folder, outcome, curation, model)

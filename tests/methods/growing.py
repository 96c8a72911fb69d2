"""Runs a method through the real engine, offline, on a scripted model, and reads back what it left."""

import asyncio
import inspect
import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tilth.engine.execute import Outcome, execute
from tilth.engine.method import Task
from tilth.engine.session import Settings
from tilth.models.hashed import HashedTfidf
from tilth.models.roles import RoleModel
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data
from tilth.records.folder import RunFolder


@dataclass
class Grown:
    """What a run left: kept and rejected rows (with their meta), requests, notes, side files."""

    outcome: Outcome
    rows: list[dict]
    rejected: list[dict]
    requests: list
    folder: Path
    models: list = field(default_factory=list)

    @property
    def prompts(self) -> list[str]:
        return [asked_of(request) for request in self.requests]

    def lists(self) -> dict:
        """(attribute, label) to values, as AttrPrompt wrote them beside its rows; label None: for all labels."""
        lists = json.loads((self.folder / "artifacts" / "attributes.json").read_text("utf-8"))
        shared = {(name, None): values for name, values in lists["shared"].items()}
        return shared | {(name, label): values for name, by_label in lists["own"].items() for label, values in by_label.items()}


def asked_of(request) -> str:
    """All that a request shows to the model, the beginning of the answer included."""
    if request.messages is None:
        return request.prompt
    return "\n".join(message["content"] for message in request.messages) + "\n" + request.prefill


_FOLDERS = count()


def grow(
    method, reply, *, task=None, data=None, seed=0, can=None, score=None, concurrency=None, latency=0.0, folder=None, roles=None
) -> Grown:
    """Execute `method`; `reply` is the scripted model's function. The working folder is a test's own.

    roles: further roles, or a pool for the generator: name to models (a function is a scripted one, called ``name-0`` ...).
    """
    model = ScriptedModel(reply, latency=latency, score=score, **({"can": can} if can else {}))
    home = RunFolder(Path(folder or f"runs/{next(_FOLDERS)}").resolve())
    settings = Settings(
        folder=home,
        roles={"generator": [RoleModel(model)], "embedder": [RoleModel(HashedTfidf())], **opened(roles or {})},
        identity=b"test",
        task=Task(**(task or {})),
        data={name: Data.of(rows, name=name) for name, rows in (data or {}).items()},
        seed=seed,
        concurrency=concurrency,
    )
    outcome = asyncio.run(execute(method, settings))
    return Grown(outcome, table(home.path / "data"), table(home.path / "rejected"), model.requests, home.path)


def opened(roles) -> dict[str, list[RoleModel]]:
    """Roles with their models; functions become scripted models."""
    made = {}
    for role, models in roles.items():
        scripted = [ScriptedModel(one, name=f"{role}-{n}") if inspect.isfunction(one) else one for n, one in enumerate(models)]
        made[role] = [RoleModel(one) for one in scripted]
    return made


def table(folder: Path) -> list[dict]:
    """All rows of a folder of parts, in order."""
    import pyarrow.parquet as pq

    paths = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
    return [row for path in paths for row in pq.read_table(path).to_pylist()]

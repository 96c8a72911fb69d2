"""How engine tests run a method: on a scripted model, in a folder, and what they compare."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from tilth.engine.execute import Handle, Outcome, execute, start
from tilth.engine.method import Method
from tilth.engine.run import Run
from tilth.engine.session import Settings
from tilth.models.base import Request
from tilth.models.roles import open_role
from tilth.models.scripted import ScriptedModel
from tilth.records.folder import RunFolder
from tilth.records.parts import read_parts
from tilth.records.record import Record

WORDS = ["river", "copper", "lantern", "window", "market", "garden", "engine", "letter", "island", "signal", "winter", "paper", "bridge"]


def words(request: Request, n: int = 6) -> str:
    """A text that depends on the whole request and its seed, and on nothing else."""
    said = request.prompt if request.messages is None else str([message["content"] for message in request.messages])
    rng = random.Random(hashlib.sha256(f"{said}|{request.prefill}|{request.seed}".encode()).digest())
    return " ".join(rng.choices(WORDS, k=n))


class Body(Method):
    """A method whose algorithm is a function of the run, handed in by a test."""

    name: ClassVar[str] = "body"
    columns: ClassVar[Mapping[str, Any]] = {"text": str}
    body: Any

    def generate(self, run: Run) -> AsyncIterator[Record]:
        return self.body(run)


def run(
    body: Callable[[Run], AsyncIterator[Record]] | Method,
    folder: Path,
    *,
    model: ScriptedModel | None = None,
    models: Mapping[str, ScriptedModel] | None = None,
    handle: Handle | None = None,
    identity: bytes = b"identity",
    **settings: Any,
) -> Outcome:
    """Execute a body (or a method) to its end."""
    roles = {"generator": [open_role(model or ScriptedModel(words))]}
    roles |= {role: [open_role(one)] for role, one in (models or {}).items()}
    method = body if isinstance(body, Method) else Body(body=body)
    made = Settings(folder=RunFolder(folder), roles=roles, identity=identity, **settings)
    return start(lambda: execute(method, made, handle=handle))


def prints(folder: Path) -> dict[str, str]:
    """Digest of every result file."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.parquet"))}


def kept(folder: Path) -> list[dict[str, Any]]:
    """Kept rows, in order."""
    return list(read_parts(folder / "data", "part"))


def rejected(folder: Path) -> list[dict[str, Any]]:
    """Rejected rows, in order."""
    return list(read_parts(folder / "rejected", "part"))


def texts(folder: Path) -> list[str]:
    """Texts of the kept rows."""
    return [row["text"] for row in kept(folder)]

"""What a method's test file declares so that the contract test can run it: ``SCENARIO = Scenario(...)``."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from tilth.engine.budget import Caps
from tilth.engine.execute import Outcome, execute, start
from tilth.engine.method import Method, Task
from tilth.engine.session import Settings
from tilth.models.base import Request
from tilth.models.hashed import HashedTfidf
from tilth.models.roles import RoleModel
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data
from tilth.records.folder import RunFolder

METHOD_TESTS = Path(__file__).parents[1] / "methods"


@dataclass(frozen=True)
class Scenario:
    """A small run of a method: at least a dozen calls, some of them rejected if the method can reject.

    reply: the scripted model, a pure function of the request (its seed included). data: input name to rows.
    roles: further roles, or a pool for the generator: name to the reply functions of its models, called ``name-0``, ``name-1`` ...
    score: of the scripted generator. The embedder is always hashed TF-IDF.
    """

    method: Method
    reply: Callable[[Request], Any]
    task: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    seed: int = 1
    roles: Mapping[str, Sequence[Callable[[Request], Any]]] = field(default_factory=dict)
    score: Callable[[str, str], float] | None = None

    def run(
        self, folder: Path, *, concurrency: int | None = None, latency: Any = 0.0, caps: Caps | None = None, die_at: int | None = None
    ) -> tuple[Outcome, int]:
        """Execute in a folder; the outcome, and how often models were asked.

        die_at: the process is killed when models are asked for the so-manieth time.
        """

        def watched(function: Callable[..., Any]) -> Callable[..., Any]:
            def reply(*asked: Any) -> Any:
                if die_at is not None and sum(model.calls for model in counted) >= die_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*asked)

            return reply

        scored = watched(self.score) if self.score is not None else None
        model = ScriptedModel(watched(self.reply), latency=latency, score=scored)
        pools = {
            role: [ScriptedModel(watched(one), name=f"{role}-{number}", latency=latency) for number, one in enumerate(functions)]
            for role, functions in self.roles.items()
        }
        counted = [model, *(one for pool in pools.values() for one in pool)]
        roles = {"generator": [model], **pools, "embedder": [HashedTfidf()]}
        settings = Settings(
            folder=RunFolder(folder),
            roles={role: [RoleModel(one) for one in models] for role, models in roles.items()},
            identity=b"contract",
            task=Task(**self.task),
            data={name: Data.of(rows, name=name) for name, rows in self.data.items()},
            seed=self.seed,
            concurrency=concurrency,
            caps=caps or Caps(),
        )
        return start(lambda: execute(self.method, settings)), sum(model.calls for model in counted)


def file_of(name: str) -> Path | None:
    """The test file of a method, wherever it lies under tests/methods."""
    return next(iter(METHOD_TESTS.rglob(f"test_{name.replace('-', '_')}.py")), None)


def load(path: Path) -> ModuleType:
    """Import a test file by its path."""
    name = f"contract_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:  # a test file may skip itself, and does so each time
            del sys.modules[name]
            raise
    return sys.modules[name]


def run_and_die(path: str, folder: str, die_at: int) -> None:
    """In a process of its own: run a scenario until it is killed."""
    load(Path(path)).SCENARIO.run(Path(folder), concurrency=3, latency=(0.01, 0.02), die_at=die_at)

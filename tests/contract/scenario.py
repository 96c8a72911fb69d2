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
from tilth.models.roles import open_role
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data
from tilth.records.folder import RunFolder

METHOD_TESTS = Path(__file__).parents[1] / "methods"


@dataclass(frozen=True)
class Scenario:
    """A small run of a method: at least a dozen calls, some of them rejected if the method can reject.

    reply: the scripted model, a pure function of the request (its seed included). data: input name to rows.
    """

    method: Method
    reply: Callable[[Request], Any]
    task: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    seed: int = 1

    def run(
        self, folder: Path, *, concurrency: int | None = None, latency: Any = 0.0, caps: Caps | None = None, die_at: int | None = None
    ) -> tuple[Outcome, ScriptedModel]:
        """Execute in a folder; with `die_at` the process is killed when the model is asked for the so-manieth time."""

        def reply(request: Request) -> Any:
            if die_at is not None and model.calls >= die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return self.reply(request)

        model = ScriptedModel(reply, latency=latency)
        settings = Settings(
            folder=RunFolder(folder),
            roles={"generator": [open_role(model)]},
            identity=b"contract",
            task=Task(**self.task),
            data={name: Data.of(rows, name=name) for name, rows in self.data.items()},
            seed=self.seed,
            concurrency=concurrency,
            caps=caps or Caps(),
        )
        return start(lambda: execute(self.method, settings)), model


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
        spec.loader.exec_module(module)
    return sys.modules[name]


def run_and_die(path: str, folder: str, die_at: int) -> None:
    """In a process of its own: run a scenario until it is killed."""
    load(Path(path)).SCENARIO.run(Path(folder), concurrency=3, latency=(0.01, 0.02), die_at=die_at)

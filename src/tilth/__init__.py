"""Tilth grows datasets with LLMs: from a task, a few examples or documents to data you can train on, with the evidence.

Everything a user's script needs is here, loaded when it is first used; the rest is imported from its folder
(``tilth.models``, ``tilth.prompts``, ``tilth.methods``, ``tilth.records`` ...).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilth.engine.method import Method, Task
    from tilth.engine.run import Run
    from tilth.errors import Failure, RequestError, TilthError
    from tilth.flows.flow import Flow
    from tilth.models.base import Model, Reply, Request
    from tilth.models.scripted import ScriptedModel
    from tilth.records.record import Record
    from tilth.report.export.exporting import export
    from tilth.report.running import run

__version__ = "0.1.0"

_TARGETS = {
    "Failure": "tilth.errors:Failure",
    "Flow": "tilth.flows.flow:Flow",
    "Method": "tilth.engine.method:Method",
    "Model": "tilth.models.base:Model",
    "Record": "tilth.records.record:Record",
    "Reply": "tilth.models.base:Reply",
    "Request": "tilth.models.base:Request",
    "RequestError": "tilth.errors:RequestError",
    "Run": "tilth.engine.run:Run",
    "ScriptedModel": "tilth.models.scripted:ScriptedModel",
    "Task": "tilth.engine.method:Task",
    "TilthError": "tilth.errors:TilthError",
    "export": "tilth.report.export.exporting:export",
    "run": "tilth.report.running:run",
}

__all__ = [
    "Failure",
    "Flow",
    "Method",
    "Model",
    "Record",
    "Reply",
    "Request",
    "RequestError",
    "Run",
    "ScriptedModel",
    "Task",
    "TilthError",
    "__version__",
    "export",
    "run",
]


def __getattr__(name: str) -> Any:
    target = _TARGETS.get(name)
    if target is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module, _, attribute = target.partition(":")
    value = globals()[name] = getattr(importlib.import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

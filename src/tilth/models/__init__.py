"""LLMs and embedders behind one narrow seam: open them by a spec string, script them, or make them fail on purpose."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilth.models.base import Capabilities, Embedder, Message, Model, Price, Reply, Request, Scores, Usage
    from tilth.models.faults import Faults, FaultServer
    from tilth.models.openai_api import OpenAIEmbedder, OpenAIModel
    from tilth.models.prices import price_of
    from tilth.models.roles import RoleModel, open_role
    from tilth.models.scripted import ScriptedModel
    from tilth.models.spec import default_embedder, open_embedder, open_model, parse_spec

__all__ = [
    "Capabilities",
    "Embedder",
    "FaultServer",
    "Faults",
    "Message",
    "Model",
    "OpenAIEmbedder",
    "OpenAIModel",
    "Price",
    "Reply",
    "Request",
    "RoleModel",
    "Scores",
    "ScriptedModel",
    "Usage",
    "default_embedder",
    "open_embedder",
    "open_model",
    "open_role",
    "parse_spec",
    "price_of",
]

_WHERE = {
    "FaultServer": "faults",
    "Faults": "faults",
    "OpenAIEmbedder": "openai_api",
    "OpenAIModel": "openai_api",
    "RoleModel": "roles",
    "ScriptedModel": "scripted",
    "default_embedder": "spec",
    "open_embedder": "spec",
    "open_model": "spec",
    "open_role": "roles",
    "parse_spec": "spec",
    "price_of": "prices",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tilth.models' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tilth.models.{_WHERE.get(name, 'base')}"), name)


def __dir__() -> list[str]:
    return list(__all__)

"""Verification: verdicts taken outside whatever wrote a row. The sandbox, and the verifiers that use it or need none.

``verifier_of("python")`` gives any verifier by its name in flows. What is here is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import State, Verdict, Verifier

if TYPE_CHECKING:
    from .catalog import verifier_of
    from .mutation import Mutation
    from .python import PythonTests
    from .sandbox import Limits, Sandbox

__all__ = ["Limits", "Mutation", "PythonTests", "Sandbox", "State", "Verdict", "Verifier", "verifier_of"]

_TARGETS = {"Limits": "sandbox", "Mutation": "mutation", "PythonTests": "python", "Sandbox": "sandbox", "verifier_of": "catalog"}


def __getattr__(name: str) -> Any:
    if name not in _TARGETS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_TARGETS[name]}"), name)

"""``p = E(task, conditions, demonstrations)``: equation 2 of the survey (arXiv 2406.15126), as types.

A `Prompt` is what a model is asked; `build` makes one out of a template, the task, drawn conditions and
demonstrations; `conditions` are spaces to draw from; `parsers` turn a reply into a value or say why not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilth.prompts import demonstrations as demonstrations
    from tilth.prompts import parsers as parsers
    from tilth.prompts.conditions import Balanced, Integers, Space, Values, Words
    from tilth.prompts.prompt import Prompt, build
    from tilth.prompts.refusals import refusal
    from tilth.prompts.template import Template, variables

__all__ = [
    "Balanced",
    "Integers",
    "Prompt",
    "Space",
    "Template",
    "Values",
    "Words",
    "build",
    "demonstrations",
    "parsers",
    "refusal",
    "variables",
]

_HOME = {
    "Balanced": "conditions",
    "Integers": "conditions",
    "Prompt": "prompt",
    "Space": "conditions",
    "Template": "template",
    "Values": "conditions",
    "Words": "conditions",
    "build": "prompt",
    "refusal": "refusals",
    "variables": "template",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("demonstrations", "parsers"):
        return import_module(f"tilth.prompts.{name}")
    if name in _HOME:
        return getattr(import_module(f"tilth.prompts.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tilth.prompts' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

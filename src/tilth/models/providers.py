"""The providers that a spec string may name: where they are, which key they want, what they can do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from tilth.models.base import Capabilities
from tilth.models.openai_body import Dialect


@dataclass(frozen=True, slots=True)
class Provider:
    """One row of the table.

    base_url: of its OpenAI-compatible API. key_env: variable of its key; None: needs none.
    can: what its models can do in general. dialect: where it differs. concurrency: worth starting with.
    free: its models cost nothing per token (a server of one's own).
    """

    base_url: str
    key_env: str | None = None
    can: Capabilities = field(default_factory=Capabilities)
    dialect: Dialect = field(default_factory=Dialect)
    concurrency: int | None = None
    free: bool = False


PROVIDERS: dict[str, Provider] = {
    "openai": Provider(
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        Capabilities(logprobs=True, seed=True, schema=True, tools=True, images=True),
        concurrency=16,
    ),
    # its compatible endpoint ignores seed, response_format and logprobs
    "anthropic": Provider("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", Capabilities(tools=True, images=True), concurrency=8),
    "gemini": Provider(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        Capabilities(schema=True, tools=True, images=True),
        Dialect(strict=False),
        concurrency=8,
    ),
    "openrouter": Provider(
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        Capabilities(seed=True, schema=True, tools=True, images=True),
        concurrency=16,
    ),
    "ollama": Provider(
        "http://localhost:11434/v1",
        None,
        Capabilities(completion=True, seed=True, schema=True, tools=True, images=True),
        Dialect(explicit=True, strict=False),
        concurrency=4,
        free=True,
    ),
    "vllm": Provider(
        "http://localhost:8000/v1",
        None,
        Capabilities(completion=True, prefill=True, logprobs=True, seed=True, schema=True, tools=True, images=True),
        Dialect(explicit=True, strict=False),
        concurrency=64,
        free=True,
    ),
}

NAMES = ("local", *PROVIDERS)
"""What may stand before the first ``/`` of a spec."""

_REASONING = re.compile(r"^(o\d|gpt-5)")
_CHAT_OF_FAMILY = re.compile(r"-chat")
_INSTRUCT = re.compile(r"^(gpt-3\.5-turbo-instruct|davinci-002|babbage-002)")


def provider_of(name: str, model: str) -> Provider:
    """The provider's row as it holds for one model."""
    found = PROVIDERS[name]
    if name == "openai" and _INSTRUCT.match(model):
        return replace(found, can=Capabilities(chat=False, completion=True, logprobs=True, seed=True))
    if name == "openai" and _REASONING.match(model) and not _CHAT_OF_FAMILY.search(model):
        return replace(found, can=replace(found.can, logprobs=False), dialect=replace(found.dialect, reasoning=True))
    return found

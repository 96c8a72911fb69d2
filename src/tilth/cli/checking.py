"""Whether a model answers, and whether it does what it is said to do: a few calls of a few tokens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.cli.numbers import duration, plural, tokens
from tilth.errors import ModelError, RequestError

if TYPE_CHECKING:
    from tilth.models.base import Reply, Request

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"], "additionalProperties": False}
_LIMITS = {"x-ratelimit-limit-requests": "rpm", "x-ratelimit-limit-tokens": "tpm"}


def of_flow(path: str) -> list[str]:
    """The models that a flow names, each once; the embedded one where it names none."""
    from tilth.flows.environment import expand
    from tilth.flows.flow import Flow

    specs = [expand(one.model) for role, many in Flow.from_yaml(Path(path)).models().items() if role != "embedder" for one in many]
    return list(dict.fromkeys(specs)) or ["local"]


def check(spec: str) -> dict[str, Any]:
    """One row of `tilth models check`. probes: ability to whether it was seen; None: not said to have it, so not asked."""
    from tilth.models.spec import open_model

    limits: dict[str, int] = {}
    try:
        model = open_model(spec, role="check")
        started = time.monotonic()
        reply, seconds, probes = asyncio.run(_probe(model, started, limits))
    except RequestError as error:
        return {"spec": spec, "ok": False, "says": str(error), "seconds": None, "probes": {}, "limits": {}}
    except ModelError as error:
        return {"spec": spec, "ok": False, "says": error.what, "seconds": None, "probes": {}, "limits": {}}
    used = plural(reply.usage.input + reply.usage.output, "token")
    words = [f"answers in {duration(seconds)} ({used})", *(_word(name, seen) for name, seen in probes.items() if seen is not None)]
    if limits:
        words.append("limits " + ", ".join(f"{tokens(number)} {name}" for name, number in limits.items()))
    return {"spec": spec, "ok": True, "says": " · ".join(words), "seconds": round(seconds, 3), "probes": probes, "limits": limits}


def _word(name: str, seen: bool) -> str:
    return f"{name} ✓" if seen else f"{name} not honoured"


async def _probe(model: Any, started: float, limits: dict[str, int]) -> tuple[Reply, float, dict[str, bool | None]]:
    from tilth.models.base import Request

    def learn(headers: Mapping[str, str]) -> None:
        for header, name in _LIMITS.items():
            if headers.get(header, "").isdigit():
                limits[name] = int(headers[header])

    if hasattr(model, "on_headers"):
        model.on_headers = learn
    chat = Request(messages=({"role": "user", "content": "Answer with the word yes."},), temperature=0.0, max_tokens=8)
    raw = Request(prompt="Question: is water wet? Answer:", temperature=0.0, max_tokens=8)
    plain = chat if model.can.chat else raw
    try:
        reply = await model.complete(plain)
        seconds = time.monotonic() - started
        return reply, seconds, await _abilities(model, plain)
    finally:
        await model.close()


async def _abilities(model: Any, plain: Request) -> dict[str, bool | None]:
    """Those that one short call can show. What the model refuses here counts as not honoured."""
    found: dict[str, bool | None] = {"schema": None, "logprobs": None, "seed": None}
    if model.can.schema and model.can.chat:
        found["schema"] = await _tried(model, replace(plain, schema=SCHEMA, max_tokens=64), _fits)
    if model.can.logprobs:
        found["logprobs"] = await _tried(model, replace(plain, logprobs=True), lambda reply: bool(reply.logprobs))
    if model.can.seed:
        same = replace(plain, temperature=1.0, seed=7, max_tokens=16)
        first = await _text(model, same)
        found["seed"] = first is not None and first == await _text(model, same)
    return found


async def _text(model: Any, request: Request) -> str | None:
    try:
        return str((await model.complete(request)).text)
    except ModelError:
        return None


async def _tried(model: Any, request: Request, seen: Any) -> bool:
    try:
        return bool(seen(await model.complete(request)))
    except ModelError:
        return False


def _fits(reply: Reply) -> bool:
    try:
        return isinstance(json.loads(reply.text)["answer"], str)
    except (ValueError, KeyError, TypeError):
        return False

"""What a request and a reply look like in the journal and in a call's key.

The key of a call is made of the model's identity and everything that shapes the answer; not of its URL, and not of
max_tokens (a reply that ended by itself serves a larger bound as well).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tilth.models.base import Reply, Request, Usage

SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if value is not None}


def request_bytes(identity: str, request: Request) -> bytes:
    """Canonical JSON of a call: sorted keys, defaults and None absent, shortest floats; without seed and max_tokens."""
    body: dict[str, Any] = {"model": identity, "temperature": request.temperature}
    if request.messages is not None:
        body["messages"] = [_plain(message) for message in request.messages]
    else:
        body["prompt"] = request.prompt
    if request.top_p != 1.0:
        body["top_p"] = request.top_p
    for name in ("prefill", "stop", "presence_penalty", "frequency_penalty", "schema", "tools", "logprobs", "top_logprobs", "extra"):
        value = getattr(request, name)
        if value:
            body[name] = value
    return orjson.dumps(body, option=SORTED)


def score_bytes(identity: str, prompt: str, continuations: Sequence[str]) -> bytes:
    """Canonical JSON of a scoring call."""
    return orjson.dumps({"model": identity, "score": prompt, "continuations": list(continuations)}, option=SORTED)


def reply_bytes(reply: Reply) -> bytes:
    """A reply for the journal; defaults are absent."""
    body: dict[str, Any] = {"text": reply.text, "finish": reply.finish}
    usage = [reply.usage.input, reply.usage.output]
    body["usage"] = [*usage, reply.usage.cached] if reply.usage.cached else usage
    for name in ("reasoning", "tool_calls", "logprobs", "top_logprobs", "model"):
        value = getattr(reply, name)
        if value:
            body[name] = value
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def read_reply(stored: bytes, key: str) -> Reply:
    """The reply that the journal holds. What a method gets is always this, fresh or resumed."""
    body = orjson.loads(stored)
    logprobs, tables = body.get("logprobs"), body.get("top_logprobs")
    return Reply(
        text=body["text"],
        reasoning=body.get("reasoning", ""),
        tool_calls=tuple(body.get("tool_calls", ())),
        logprobs=None if logprobs is None else tuple((token, value) for token, value in logprobs),
        top_logprobs=None if tables is None else tuple(tuple((token, value) for token, value in table) for table in tables),
        finish=body["finish"],
        usage=Usage(*body["usage"]),
        model=body.get("model", ""),
        key=key,
    )

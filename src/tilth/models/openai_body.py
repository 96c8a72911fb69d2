"""The JSON of the OpenAI API: from a :class:`Request` to a body, and from a body to a :class:`Reply`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tilth.models.base import Capabilities, Reply, Request, Usage

_FINISH = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filter",
    "safety": "filter",
    "recitation": "filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


class NotAReply(Exception):
    """The body is JSON or not, but no reply; the engine asks again."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where servers differ.

    reasoning: a reasoning model of OpenAI: its bound is called ``max_completion_tokens``, and it refuses a temperature,
    top_p and penalties, which are left out. explicit: always send top_p, as the server has other defaults per model.
    strict: the schema's ``strict`` flag may be sent.
    """

    reasoning: bool = False
    explicit: bool = False
    strict: bool = True


STANDARD = Dialect()
"""As OpenAI itself does it."""


def request_body(model: str, request: Request, can: Capabilities, dialect: Dialect) -> bytes:
    """The body to post. Raises TypeError for text that is not valid Unicode (lone surrogates)."""
    body: dict[str, Any] = {"model": model}
    if request.messages is not None:
        _chat(body, request)
    else:
        body["prompt"] = (request.prompt or "") + request.prefill
    if dialect.reasoning:
        bound = "max_completion_tokens"
    else:
        bound = "max_tokens"
        _sampling(body, request, dialect)
    if request.max_tokens is not None:
        body[bound] = request.max_tokens
    if request.stop:
        body["stop"] = request.stop
    if request.seed is not None and can.seed:
        body["seed"] = request.seed
    if request.schema is not None:
        body["response_format"] = _response_format(request.schema, dialect)
    if request.tools:
        body["tools"] = request.tools
    if request.logprobs or request.top_logprobs:
        chat = request.messages is not None
        body["logprobs"] = True if chat else max(1, request.top_logprobs)
        if chat and request.top_logprobs:
            body["top_logprobs"] = request.top_logprobs
    if request.extra:
        body.update(request.extra)
    return orjson.dumps(body, default=_plain)


def _chat(body: dict[str, Any], request: Request) -> None:
    if not request.prefill:
        body["messages"] = request.messages
        return
    body["messages"] = (*(request.messages or ()), {"role": "assistant", "content": request.prefill})
    body["continue_final_message"] = True
    body["add_generation_prompt"] = False


def _sampling(body: dict[str, Any], request: Request, dialect: Dialect) -> None:
    body["temperature"] = request.temperature
    if request.top_p != 1.0 or dialect.explicit:
        body["top_p"] = request.top_p
    if request.presence_penalty:
        body["presence_penalty"] = request.presence_penalty
    if request.frequency_penalty:
        body["frequency_penalty"] = request.frequency_penalty


def _response_format(schema: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    made: dict[str, Any] = {"name": "reply", "schema": schema}
    if dialect.strict and _closed(schema):
        made["strict"] = True
    return {"type": "json_schema", "json_schema": made}


def _closed(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes the schema: every object is closed, and all its properties are required."""
    if isinstance(schema, Mapping):
        if "properties" in schema or schema.get("type") == "object":
            names = set(schema.get("properties", ()))
            if schema.get("additionalProperties") is not False or names != set(schema.get("required", ())):
                return False
        return all(_closed(inner) for inner in schema.values())
    return all(_closed(inner) for inner in schema) if isinstance(schema, list | tuple) else True


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def reply_of(body: bytes, identity: str) -> Reply:
    """The reply in a body with status 200. Raises :class:`NotAReply` where there is none."""
    try:
        made = orjson.loads(body)
    except ValueError:
        raise NotAReply("the body is not JSON") from None
    try:
        choice = made["choices"][0]
        message = choice.get("message")
        reason = choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise NotAReply("the body has no choices") from None
    finish = _FINISH.get(reason, "stop") if isinstance(reason, str) else "stop"
    usage = usage_of(made.get("usage"))
    if isinstance(message, Mapping):
        reply = _from_message(message, finish)
    else:
        reply = Reply(_text(choice.get("text"), finish), finish=finish)
    if reason == "error":
        raise NotAReply("the server broke off its reply")
    reply.usage = usage
    reply.model = identity
    logprobs = choice.get("logprobs")
    if logprobs:
        reply.logprobs = _logprobs(logprobs)
        reply.top_logprobs = _tables(logprobs)
    return reply


def _from_message(message: Mapping[str, Any], finish: str) -> Reply:
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    reasoning = reasoning if isinstance(reasoning, str) else ""
    calls = message.get("tool_calls")
    calls = tuple(call for call in calls if isinstance(call, Mapping)) if isinstance(calls, list) else ()
    refusal = message.get("refusal")
    content = message.get("content")
    if content is None and isinstance(refusal, str):
        return Reply(refusal, reasoning=reasoning, finish="filter")
    if content is None and (calls or reasoning):
        content = ""
    text = content if isinstance(content, str) else _text(content, finish)
    if calls and finish == "stop":
        finish = "tool_calls"  # some servers leave the reason at stop
    return Reply(text, reasoning=reasoning, tool_calls=calls, finish=finish)


def _text(content: Any, finish: str) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # content parts
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    if content is None and finish in ("length", "filter"):
        return ""  # all tokens went into thinking, or all text was withheld
    raise NotAReply("the reply has no text")


def _logprobs(found: Any) -> tuple[tuple[str, float], ...] | None:
    try:
        if found.get("content") is not None:
            return tuple((each["token"], float(each["logprob"])) for each in found["content"])
        pairs = zip(found["tokens"], found["token_logprobs"], strict=True)
        return tuple((token, float(value)) for token, value in pairs if value is not None)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotAReply("the reply's log-probabilities are malformed") from None


def _tables(found: Mapping[str, Any]) -> tuple[tuple[tuple[str, float], ...], ...] | None:
    """The likeliest tokens at each place, likeliest first; None where the reply has no such tables."""
    try:
        if found.get("content") is not None:
            tables = [[(each["token"], float(each["logprob"])) for each in place.get("top_logprobs") or ()] for place in found["content"]]
        else:
            tables = [[(token, float(value)) for token, value in (place or {}).items()] for place in found.get("top_logprobs") or ()]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotAReply("the reply's log-probabilities are malformed") from None
    return tuple(tuple(sorted(table, key=lambda pair: -pair[1])) for table in tables) if any(tables) else None


def usage_of(found: Any) -> Usage:
    """Tokens as the server counts them. Some leave reasoning out of ``completion_tokens`` but not out of the total."""
    if not isinstance(found, Mapping):
        return Usage()
    input_, output, total = _count(found, "prompt_tokens"), _count(found, "completion_tokens"), _count(found, "total_tokens")
    details = found.get("prompt_tokens_details")
    cached = _count(details, "cached_tokens") if isinstance(details, Mapping) else _count(found, "prompt_cache_hit_tokens")
    return Usage(input_, max(output, total - input_), min(cached, input_))


def _count(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    return max(0, int(value)) if isinstance(value, int | float) and value == value else 0

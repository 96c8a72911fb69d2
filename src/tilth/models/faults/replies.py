"""What the server answers: OpenAI's JSON around a text that depends on the request alone."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import orjson

ReplyFunction = Callable[[dict[str, Any]], "str | Mapping[str, Any]"]
"""Gets the request's JSON, returns the text, or a whole assistant message (for tool calls)."""

REFUSAL = "I'm sorry, but as an AI language model I cannot help with that."

DUPLICATES = (
    "The service was quick and friendly.",
    "Please tell me where my order is.",
    "It works, but the manual is hard to read.",
    "A fine film that is a little too long.",
)

_TEXT = (
    "apple basket candle desert engine forest garden harbor island jacket kettle ladder meadow needle orange pepper quarter "
    "ribbon saddle tunnel umbrella valley window yellow zipper bottle cotton dragon"
)
_WORDS = _TEXT.split()


def rng_of(body: bytes) -> random.Random:
    """A random stream that depends on the request's body alone."""
    return random.Random(hashlib.blake2b(body, digest_size=16).digest())


def default_text(body: bytes, job: Mapping[str, Any]) -> str:
    """Thirty words, or a document of the asked schema, as a function of the body."""
    rng = rng_of(body)
    form = job.get("response_format") or {}
    if form.get("type") == "json_schema":
        return orjson.dumps(filled(form.get("json_schema", {}).get("schema", {}), rng)).decode()
    text = " ".join(rng.choices(_WORDS, k=30))
    return orjson.dumps({"text": text}).decode() if form.get("type") == "json_object" else text


def filled(schema: Mapping[str, Any], rng: random.Random) -> Any:
    """Some value that fits a plain JSON Schema (no references)."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(list(schema["enum"]))
    match schema.get("type"):
        case "object":
            return {name: filled(inner, rng) for name, inner in schema.get("properties", {}).items()}
        case "array":
            return [filled(schema.get("items", {}), rng) for _ in range(max(1, schema.get("minItems", 1)))]
        case "integer" | "number":
            low = int(schema.get("minimum", 1))
            return rng.randint(low, max(low, int(schema.get("maximum", 5))))
        case "boolean":
            return bool(rng.getrandbits(1))
        case "null":
            return None
    return " ".join(rng.choices(_WORDS, k=6))


def answer(body: bytes, job: Mapping[str, Any], chat: bool, message: str | Mapping[str, Any], fault: str) -> bytes:
    """The whole JSON body of a served chat or completion request; `fault` is the content fault."""
    finish = "stop"
    if fault in ("refuse", "duplicate"):
        message = REFUSAL if fault == "refuse" else DUPLICATES[hashlib.blake2b(body, digest_size=1).digest()[0] % len(DUPLICATES)]
    made = {"role": "assistant", "content": message} if isinstance(message, str) else {"role": "assistant", **message}
    if made.get("tool_calls"):
        finish = "tool_calls"
    else:
        made["content"], finish = _cut(str(made.get("content") or ""), job, truncate=fault == "truncate")
    text = str(made.get("content") or "")
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
    choice |= {"message": made} if chat else {"text": text}
    if job.get("logprobs"):
        choice["logprobs"] = _logprobs(text, chat, int(job.get("top_logprobs") or (0 if chat else job["logprobs"])))
    usage = {"prompt_tokens": _prompt_tokens(job), "completion_tokens": max(1, _tokens(text))}
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    return orjson.dumps(
        {
            "id": "reply-" + hashlib.blake2b(body, digest_size=6).hexdigest(),
            "object": "chat.completion" if chat else "text_completion",
            "created": 0,
            "model": job.get("model", ""),
            "choices": [choice],
            "usage": usage,
        }
    )


def embeddings(job: Mapping[str, Any], size: int = 64) -> bytes:
    """One vector per input, a function of the text alone."""
    texts = job.get("input", [])
    texts = [texts] if isinstance(texts, str) else texts
    data = []
    for index, text in enumerate(texts):
        rng = rng_of(str(text).encode())
        data.append({"object": "embedding", "index": index, "embedding": [rng.gauss(0, 1) for _ in range(size)]})
    count = sum(_tokens(str(text)) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return orjson.dumps({"object": "list", "model": job.get("model", ""), "data": data, "usage": usage})


def _cut(text: str, job: Mapping[str, Any], *, truncate: bool) -> tuple[str, str]:
    stops = job.get("stop") or ()
    for stop in (stops,) if isinstance(stops, str) else stops:
        text = text.partition(stop)[0]
    limit = job.get("max_completion_tokens") or job.get("max_tokens")
    if truncate:
        return text[: len(text) // 2], "length"
    if limit and _tokens(text) > limit:
        return text[: 4 * limit], "length"
    return text, "stop"


def _tokens(text: str) -> int:
    return math.ceil(len(text) / 4)


def _prompt_tokens(job: Mapping[str, Any]) -> int:
    text = job.get("prompt") or "".join(str(message.get("content", "")) for message in job.get("messages", ()))
    return max(1, _tokens(str(text)))


def _logprobs(text: str, chat: bool, top: int) -> dict[str, Any]:
    tokens = [text[at : at + 4] for at in range(0, len(text), 4)]
    values = [-0.01 * (1 + len(token) + ord(token[0]) % 50) for token in tokens]
    tables = [{token: value, **{f"{token}{n}": value - n for n in range(1, top)}} for token, value in zip(tokens, values, strict=True)]
    if not chat:
        return {"tokens": tokens, "token_logprobs": values, **({"top_logprobs": tables} if top > 1 else {})}
    content: list[dict[str, Any]] = [{"token": token, "logprob": value} for token, value in zip(tokens, values, strict=True)]
    for place, table in zip(content, tables if top else (), strict=False):
        place["top_logprobs"] = [{"token": token, "logprob": value} for token, value in table.items()]
    return {"content": content}

"""Functions in AgentInstruct: a list of them out of a reply, the calls in a reply, and a conversation as messages."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tilth.errors import Failure
from tilth.generate.tools import Api, World, answer
from tilth.models.base import Message, Reply
from tilth.prompts import parsers

FUNCTIONS = {
    "type": "array",
    "minItems": 2,
    "items": {
        "type": "object",
        "required": ["name", "description", "parameters"],
        "properties": {
            "name": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"},
            "description": {"type": "string", "minLength": 1},
            "parameters": {
                "type": "object",
                "required": ["properties"],
                "properties": {"properties": {"type": "object"}, "required": {"type": "array", "items": {"type": "string"}}},
            },
        },
    },
}
"""What a list of functions must look like."""

_CALL = re.compile(r"<call>(.*?)(?:</call>|\Z)", re.DOTALL | re.IGNORECASE)


class Call(NamedTuple):
    """One call that a reply makes."""

    api: Api
    arguments: dict[str, Any]


class Step(NamedTuple):
    """A reply of the assistant: as it was written, what it says beside its calls, the calls, and what they gave."""

    raw: str
    said: str
    calls: tuple[Call, ...]
    results: tuple[str, ...] = ()


def read_functions(reply: Reply) -> str:
    """A list of functions as text: one JSON object a line, each name once.

    Raises
    ------
    Failure: the reply is no such list.
    """
    found: dict[str, Any] = {}
    for one in parsers.json(FUNCTIONS)(reply):
        parameters = {"type": "object", **one["parameters"]}
        found.setdefault(one["name"], {"name": one["name"], "description": one["description"], "parameters": parameters})
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in found.values())


def apis(text: str) -> dict[str, Api]:
    """The functions of such a text by name."""
    found = [json.loads(line) for line in text.splitlines()]
    return {
        one["name"]: Api(one["name"], "", one["name"], one["description"], "", "", one["parameters"], None, one["name"]) for one in found
    }


def read_step(reply: Reply, there: Mapping[str, Api]) -> Step:
    """What a reply says and calls.

    Raises
    ------
    Failure: it is empty or cut off, or a call is not JSON (``bad_call``), names no function of the list (``unknown_function``) or has
        arguments that do not fit (``bad_arguments``).
    """
    body = parsers.whole()(reply)
    calls = tuple(_call(part, there) for part in _CALL.findall(body))
    return Step(body, _CALL.sub("", body).strip(), calls)


def _call(part: str, there: Mapping[str, Api]) -> Call:
    try:
        value = parsers.find_json(part)
    except ValueError:
        value = None
    arguments = value.get("arguments", {}) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(arguments, dict) or not isinstance(value.get("name"), str):
        raise Failure("bad_call", 'A call is one JSON object {"name": ..., "arguments": {...}} between <call> and </call>.')
    api = there.get(value["name"])
    if api is None:
        raise Failure("unknown_function", f"There is no function '{value['name']}'. There is: {', '.join(there)}.")
    refused = answer(api, arguments, World())  # nothing is scripted: an answer here is a complaint about the arguments
    if refused is not None:
        raise Failure("bad_arguments", f"{api.name}: {json.loads(refused.text)['error']}. Ask the user for what is missing.")
    return Call(api, arguments)


async def converse(
    reply: Callable[[Sequence[Step]], Awaitable[Step]], play: Callable[[Call, World], Awaitable[str]], most: int
) -> list[Message]:
    """A conversation up to the reply that calls nothing, as it is kept.

    reply: the assistant's next step after those before. play: what a call gives; the world holds the calls before it. most: replies.

    Raises
    ------
    Failure: ``too_many_steps``, or what `reply` and `play` raise.
    """
    world, steps = World(), list[Step]()
    for _ in range(most):
        step = await reply(steps)
        results = []
        for call in step.calls:
            results.append(await play(call, world))
            world.log.append({"function": call.api.name, "arguments": call.arguments, "answer": results[-1]})
        steps.append(step._replace(results=tuple(results)))
        if not step.calls:
            return kept(steps)
    raise Failure("too_many_steps", f"No answer after {most} replies.")


def asked(steps: Sequence[Step]) -> list[Message]:
    """The conversation as the model sees it that writes it: calls and results in text."""
    messages: list[Message] = []
    for step in steps:
        messages.append({"role": "assistant", "content": step.raw})
        messages.append({"role": "user", "content": "\n".join(f"<result>{result}</result>" for result in step.results)})
    return messages


def kept(steps: Sequence[Step]) -> list[Message]:
    """The conversation as it is kept: calls in the form of chat APIs, numbered; the last step calls nothing."""
    messages: list[Message] = []
    number = 0
    for step in steps:
        calls, answers = [], []
        for call, result in zip(step.calls, step.results, strict=True):
            number += 1
            identity = f"call{number:05d}"
            about = {"name": call.api.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
            calls.append({"id": identity, "type": "function", "function": about})
            answers.append({"role": "tool", "tool_call_id": identity, "name": call.api.name, "content": result})
        said: Message = {"role": "assistant", "content": step.said or None}
        messages += [{**said, "tool_calls": calls} if calls else said, *answers]
    return messages


def written(messages: Sequence[Mapping[str, Any]]) -> str:
    """What follows the user's message, as text for another agent to read."""
    lines = []
    for one in messages:
        if one["role"] in ("system", "user"):
            continue
        if one.get("content"):
            lines.append(f"{'Result' if one['role'] == 'tool' else 'Assistant'}: {one['content']}")
        lines += [f"Call: {call['function']['name']} {call['function']['arguments']}" for call in one.get("tool_calls") or ()]
    return "\n".join(lines)

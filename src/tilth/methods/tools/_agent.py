"""The agent of ToolBench: what it did so far as messages, and its next act out of a reply, in native calls or in text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tilth.generate.search import Node
from tilth.generate.tools import BAD_INPUT, FINISHED, OK, RESTART, Observation, World, observation
from tilth.models.base import Message, Reply

FINISH = "Finish"
FINISH_TOOL: Mapping[str, Any] = {
    "type": "function",
    "function": {
        "name": FINISH,
        "description": "End the task: give the answer to the user, or give up this try, so that another one starts from an earlier step.",
        "parameters": {
            "type": "object",
            "properties": {
                "return_type": {"type": "string", "enum": ["give_answer", "give_up_and_restart"]},
                "final_answer": {"type": "string", "description": "The answer that the user reads; needed with give_answer."},
            },
            "required": ["return_type"],
        },
    },
}
INVALID = "invalid_function"
"""Stands in the history for the name of a function that is not there."""

_ACTION = re.compile(r"^[\s*#>]*Action\b[\s*]*:[\s*`]*([\w.-]+)", re.MULTILINE)
_INPUT = re.compile(r"^[\s*#>]*Action Input\b[\s*]*:[\s*]*(?:`{1,3}(?:json)?\s*)?", re.MULTILINE)
_THOUGHT = re.compile(r"^[\s*#>]*Thought\b[\s*]*:[\s*]*", re.MULTILINE)
_OBSERVATION = re.compile(r"^[\s*#>]*Observation\b[\s*]*:", re.MULTILINE)


class Act(NamedTuple):
    """A reply: a thought, and the call that it makes; name "" where it makes none. arguments: an object, or the text that is none."""

    thought: str
    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Step:
    """An act with what it gave."""

    act: Act
    observation: str
    code: int = OK


@dataclass(slots=True)
class Path:
    """One path through the tree: its steps, and the environment that they left."""

    steps: list[Step] = field(default_factory=list)
    world: World = field(default_factory=World)


def read_act(reply: Reply) -> Act:
    """The first call of a reply, native or written as Thought / Action / Action Input; an invented observation is cut off."""
    if reply.tool_calls:
        call = reply.tool_calls[0].get("function") or {}
        return Act(reply.text.strip(), str(call.get("name") or ""), _object(call.get("arguments") or "{}"))
    text = reply.text[: found.start()] if (found := _OBSERVATION.search(reply.text)) else reply.text
    action = _ACTION.search(text)
    thought = _THOUGHT.sub("", text[: action.start()] if action else text).strip()
    if action is None:
        return Act(thought, "", {})
    given = _INPUT.search(text, action.end())
    return Act(thought, action[1], _object(text[given.end() :].strip()) if given else {})


def transcript(steps: Sequence[Step], *, native: bool) -> list[Message]:
    """The steps as messages: OpenAI's calls and tool messages, or plain text for models without them.

    A thought without a call stands alone, and is asked to go on; ids are numbered, so that they do not differ between providers.
    """
    messages: list[Message] = []
    for number, step in enumerate(steps, 1):
        thought, name, arguments = step.act
        written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        if not name:
            messages += [{"role": "assistant", "content": thought}, {"role": "user", "content": step.observation}]
        elif native:
            messages += _native(number, thought, name, written, step.observation)
        else:
            said = f"Thought: {thought}\nAction: {name}\nAction Input: {written}"
            messages += [{"role": "assistant", "content": said}, {"role": "user", "content": f"Observation: {step.observation}"}]
    return messages


def kept_messages(steps: Sequence[Step]) -> list[Message]:
    """A path for training: always native; thoughts without a call join the next step's; nothing after the last call."""
    joined: list[Step] = []
    thoughts: list[str] = []
    for step in steps:
        thoughts.append(step.act.thought)
        if step.act.name:
            thought = "\n".join(thought for thought in thoughts if thought)
            joined.append(Step(step.act._replace(thought=thought), step.observation, step.code))
            thoughts = []
    return transcript(joined, native=True)[:-1]


def drawn(node: Node[Path]) -> dict[str, Any]:
    """A tree as JSON: each node's call, code, how it ended, and its children."""
    step = node.state.steps[-1] if node.state.steps else None
    about: dict[str, Any] = {"call": step.act.name, "arguments": step.act.arguments, "code": step.code} if step else {}
    return {**about, "end": node.end, "children": [drawn(child) for child in node.children]}


def finish(arguments: Mapping[str, Any] | None) -> Observation:
    """The end that the model asks for; without a known return_type it is badly formed, and the search goes on."""
    kind, final = (arguments or {}).get("return_type"), (arguments or {}).get("final_answer")
    if kind == "give_answer" and isinstance(final, str) and final.strip():
        return observation("the answer was given", code=FINISHED)
    if kind == "give_up_and_restart":
        return observation("given up", code=RESTART)
    return observation(error="Finish needs return_type, 'give_answer' with a final_answer or 'give_up_and_restart'", code=BAD_INPUT)


def shown(step: Step) -> dict[str, Any]:
    """A call as the diversity message lists it."""
    return {"name": step.act.name, "arguments": step.act.arguments, "output": step.observation}


def _native(number: int, thought: str, name: str, arguments: str, observation: str) -> list[Message]:
    identity = f"call{number:05d}"
    call = {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
    return [
        {"role": "assistant", "content": thought or None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": identity, "name": name, "content": observation},
    ]


def _object(text: Any) -> Any:
    """The JSON object at the beginning of a text, whatever follows it; the text itself where there is none."""
    if not isinstance(text, str):
        return text
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text.lstrip())
    except ValueError:
        return text
    return value if isinstance(value, dict) else text

"""How a record of one shape becomes a row of another: requests and answers, messages, preferences.

Every function takes the columns of a record and returns rows; which columns it needs is checked before, on the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tilth.errors import RequestError

Columns = Mapping[str, Any]

PAIRS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("instruction", "input"), ("output",)),
    (("instruction",), ("output",)),
    (("prompt",), ("completion",)),
    (("prompt",), ("response",)),
    (("prompt",), ("output",)),
    (("question",), ("rationale", "answer")),
    (("question",), ("answer",)),
    (("instruction",), ("code",)),
    (("prompt",), ("code",)),
    (("premise", "hypothesis"), ("label",)),
    (("text",), ("label",)),
)
"""Columns of the request and of the answer to it; the first pair that a schema has is taken."""

_ROLES = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def pair_of(columns: Columns) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The columns that are the request and the answer; None where there are none."""
    return next(((asks, says) for asks, says in PAIRS if all(name in columns for name in (*asks, *says))), None)


def as_text(value: Any) -> str:
    """A value as people would write it; nothing is the empty text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def request(columns: Columns) -> str:
    """The text of the request. Premise and hypothesis are named; other columns follow each other after a blank line."""
    asks, _ = pair_of(columns) or ((), ())
    if asks == ("premise", "hypothesis"):
        return f"Premise: {as_text(columns['premise'])}\nHypothesis: {as_text(columns['hypothesis'])}"
    return _joined(columns, asks)


def answer(columns: Columns) -> str:
    """The text of the answer; a rationale comes before what it leads to."""
    _, says = pair_of(columns) or ((), ())
    return _joined(columns, says)


def _joined(columns: Columns, names: Sequence[str]) -> str:
    first, *more = [as_text(columns[name]) for name in names]
    return "\n\n".join([first, *(text for text in more if text)]) if first or not more else "\n\n".join(text for text in more if text)


def messages(columns: Columns, system: str) -> list[dict[str, Any]]:
    """OpenAI messages: those of the record, or made of its request and answer. system: comes first where it is given."""
    if "messages" in columns:
        return [dict(message) for message in columns["messages"] or ()]
    before = [{"role": "system", "content": system}] if system else []
    return [*before, {"role": "user", "content": request(columns)}, {"role": "assistant", "content": answer(columns)}]


def chat(columns: Columns, system: str) -> Iterator[dict[str, Any]]:
    """``{"messages": [...]}``, for fine-tuning services and chat templates."""
    yield {"messages": messages(columns, system)}


def sharegpt(columns: Columns, system: str) -> Iterator[dict[str, Any]]:
    """``{"conversations": [{"from": "human", "value": ...}]}``; calls of tools are JSON under ``function_call``."""
    yield {"conversations": [_turn(message) for message in messages(columns, system)]}


def _turn(message: Mapping[str, Any]) -> dict[str, str]:
    if message.get("tool_calls"):
        return {"from": "function_call", "value": json.dumps(message["tool_calls"], ensure_ascii=False)}
    return {"from": _ROLES.get(message["role"], message["role"]), "value": as_text(message.get("content"))}


def alpaca(columns: Columns, system: str) -> Iterator[dict[str, Any]]:
    """``instruction, input, output``; earlier turns of a dialogue go to ``history``, its first message to ``system``."""
    if "messages" in columns:
        yield _alpaca_dialogue(columns["messages"] or ())
    elif {"instruction", "output"} <= columns.keys():
        yield {"instruction": as_text(columns["instruction"]), "input": as_text(columns.get("input")), "output": as_text(columns["output"])}
    else:
        yield {"instruction": request(columns), "input": "", "output": answer(columns)}


def _alpaca_dialogue(turns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    system = as_text(turns[0].get("content")) if turns and turns[0]["role"] == "system" else ""
    turns = turns[1:] if turns and turns[0]["role"] == "system" else turns
    roles = [turn["role"] for turn in turns]
    if not turns or roles != ["user", "assistant"] * (len(turns) // 2) or any(turn.get("tool_calls") for turn in turns):
        what = "alpaca holds dialogues in which user and assistant take turns, without tools. Use: --to chat, or --to sharegpt"
        raise RequestError(what, code="export.shape")
    texts = [as_text(turn.get("content")) for turn in turns]
    history = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
    return {"instruction": texts[-2], "input": "", "output": texts[-1], "system": system, "history": history}


def dpo(columns: Columns, system: str) -> Iterator[dict[str, Any]]:
    """TRL's preference type: ``prompt, chosen, rejected``, texts or lists of messages; without a prompt it is implicit."""
    yield {name: columns[name] for name in ("prompt", "chosen", "rejected") if name in columns}


def kto(columns: Columns, system: str) -> Iterator[dict[str, Any]]:
    """TRL's unpaired preference type: a preference becomes two rows, the one liked and the one not."""
    if "completion" in columns:
        yield {"prompt": columns["prompt"], "completion": columns["completion"], "label": columns["label"]}
        return
    yield {"prompt": columns["prompt"], "completion": columns["chosen"], "label": True}
    yield {"prompt": columns["prompt"], "completion": columns["rejected"], "label": False}


def prompt_completion(columns: Columns, system: str) -> Iterator[dict[str, Any]]:
    """TRL's ``prompt, completion``: texts; of a dialogue, the last answer and the messages before it."""
    if "messages" not in columns:
        yield {"prompt": request(columns), "completion": answer(columns)}
        return
    turns = messages(columns, system)
    if not turns or turns[-1]["role"] != "assistant":
        raise RequestError("prompt-completion needs dialogues that end with an answer. Use: --to chat", code="export.shape")
    yield {"prompt": turns[:-1], "completion": turns[-1:]}


def text(columns: Columns, system: str) -> Iterator[dict[str, Any]]:
    """``{"text": ...}``, for training on plain text: the column, or request and answer with a blank line between them."""
    yield {"text": as_text(columns["text"]) if "text" in columns else f"{request(columns)}\n\n{answer(columns)}"}

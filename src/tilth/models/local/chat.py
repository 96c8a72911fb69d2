"""From a request to the text that the model continues: SmolLM2's ChatML template, written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tilth.errors import Declined
from tilth.models.base import Message, Request

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""The system message that the model was trained with; used when the request has none of its own."""


def text_of(request: Request) -> str:
    """The raw text to continue, prefill included. Raises Declined for tools, images and unknown roles."""
    if request.tools:
        raise Declined("the embedded model takes no tools")
    body = request.prompt if request.messages is None else chat_text(request.messages)
    return (body or "") + request.prefill


def chat_text(messages: Sequence[Message]) -> str:
    """`messages` as ChatML, up to and including the opening of the assistant's turn.

    >>> chat_text([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
    '<|im_start|>system\\nBe brief.<|im_end|>\\n<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n'
    """
    turns = [(str(message.get("role", "")), _content(message)) for message in messages]
    if not turns or turns[0][0] != "system":
        turns.insert(0, ("system", SYSTEM))
    for role, _ in turns:
        if role not in ("system", "user", "assistant"):
            raise Declined(f"the embedded model knows no role '{role}'")
    return "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in turns) + "<|im_start|>assistant\n"


def _content(message: Message) -> str:
    content: Any = message.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    parts: list[str] = []
    for part in content:
        if part.get("type") != "text":
            raise Declined("the embedded model reads text only")
        parts.append(str(part.get("text", "")))
    return "".join(parts)

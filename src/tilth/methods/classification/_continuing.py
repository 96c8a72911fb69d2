"""What ZeroGen and its two siblings share: one text by continuation, and the rules that cut it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from tilth.errors import Failure, RequestError
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.prompts.refusals import refusal

if TYPE_CHECKING:
    from tilth.engine.run import Run

Mode = Literal["auto", "completion", "chat"]

ONE_TEXT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
"""What a chat model is asked for, so that there is exactly one text and no talk around it."""


def up_to_quote(continuation: str) -> str:
    """The text that was opened by a quotation mark: four branches, as in the code of ZeroGen.

    Up to the closing quote; where there is none up to the first line break; where there is none up to the last full
    stop, which stays; else Failure ``unfinished``.

    >>> [up_to_quote(text) for text in ('so good" he said', "so good\\nNext", "So good. And then", 'It is 8" long" x')]
    ['so good', 'so good', 'So good.', 'It is 8']
    """
    for mark in ('"', "\n"):
        if mark in continuation:
            return continuation[: continuation.index(mark)].strip()
    if "." in continuation:
        return continuation[: continuation.rindex(".") + 1].strip()
    raise Failure("unfinished", "The text has no closing quote, no line break and no full stop.")


def up_to_question_mark(continuation: str) -> str:
    """A question: up to the first question mark, else Failure ``unfinished``."""
    if "?" not in continuation:
        raise Failure("unfinished", "There is no question mark.")
    return continuation[: continuation.index("?") + 1].strip().strip('"').strip()


def checked(text: str, *, min_words: int, unlike: str | None = None) -> str:
    """The text, or Failure ``too_short`` (fewer than `min_words` words) or ``copied`` (it only repeats `unlike`)."""
    if len(text.split()) < min_words:
        raise Failure("too_short", f"The text has fewer than {min_words} words.")
    if unlike is not None and text.strip().casefold() == unlike.strip().casefold():
        raise Failure("copied", "The text only repeats what it was made from.")
    return text


async def one_text(
    run: Run,
    prompts: Mapping[str, str],
    name: str,
    conditions: Mapping[str, Any],
    *,
    cut: Callable[[str], str],
    check: Callable[[str], str],
    mode: Mode = "auto",
    **sampling: Any,
) -> str:
    """Ask for one text: by continuation of ``prompts[name]`` where the model can, else in a chat with ``prompts[name + "_chat"]``.

    Parameters
    ----------
    cut: from a continuation to the text. check: what a text must pass, however it was asked for. Both raise Failure.
    sampling: temperature, top_p, max_tokens, reasks.
    """

    def continued(reply: Reply) -> str:
        if marker := refusal(reply.text):
            raise Failure("refused", f"The reply is a refusal ({marker}).")
        return check(cut(reply.text))

    def chatted(reply: Reply) -> str:
        return check(parsers.json(ONE_TEXT)(reply)["text"].strip())

    if continues(run, mode):
        prompt = build(prompts[name], task=run.task, conditions=conditions, raw=True, parse=continued)
    else:
        prompt = build(prompts[f"{name}_chat"], task=run.task, conditions=conditions, parse=chatted)
        sampling.pop("max_tokens", None)  # a bound for bare continuations; JSON and a model's own manners need more
    return str((await run.ask(prompt, **sampling)).value)


def continues(run: Run, mode: Mode) -> bool:
    """Whether texts are continued rather than asked for."""
    return mode == "completion" or (mode == "auto" and run.continues())


def labels_of(run: Run, method: str) -> dict[str, str]:
    """The task's labels with their definitions; at least two."""
    if len(run.task.labels) < 2:
        raise RequestError(f"{method} needs task.labels: at least two, each with a definition.", code="task.labels")
    return run.task.labels

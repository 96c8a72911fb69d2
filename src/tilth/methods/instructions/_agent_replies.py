"""What AgentInstruct's agents reply: tasks between tags, numbered suggestions, an edited version, an answer."""

from __future__ import annotations

import re

from tilth.errors import Failure
from tilth.methods.instructions._leaves import tagged
from tilth.models.base import Reply
from tilth.prompts import parsers

_NUMBERED = re.compile(r"^[\s*#]*(\d{1,2})[.):]+[\s*]*", re.MULTILINE)
_NONE = re.compile(r"\W*none(?=\W*$|[*'\"]*\s*[.:;,(\u2013\u2014-])", re.IGNORECASE)
_NO_TASK = re.compile(r"<none\s*/?>", re.IGNORECASE)


def tasks_or_none(reply: Reply) -> list[str]:
    """The tasks of a reply; none where the agent says that its type does not apply."""
    if "<task>" not in reply.text.lower() and _NO_TASK.search(reply.text):
        return []
    return tagged(reply, "task")


def numbered(reply: Reply, n: int) -> list[str]:
    """What stands behind each number from 1 to `n`; empty where that is none, or missing."""
    parts = _NUMBERED.split(reply.text)
    found: dict[int, str] = {}
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        found.setdefault(int(number), " ".join(text.split()))
    if reply.finish == "length" or not any(number in found for number in range(1, n + 1)):
        reason = "truncated" if reply.finish == "length" else "no_suggestions"
        raise Failure(reason, f"The reply must be a numbered list of {n}.", raw=reply.text)
    texts = [found.get(number, "") for number in range(1, n + 1)]
    return ["" if _NONE.match(text) else text for text in texts]


def only(reply: Reply, tag: str) -> str:
    """What stands between the first two tags of this name."""
    return tagged(reply, tag)[0]


def answer(reply: Reply) -> str:
    """The reply as it is; a refusal may be the right answer, one of the provider's filter is none."""
    if reply.finish == "filter":
        raise Failure("refused", "The provider withheld the reply.", raw=reply.text)
    text: str = parsers.whole()(reply)
    return text

"""Parsers: a reply in, a value out, or a `Failure` that says why not by a short stable name.

Each function here makes a parser, a function of one `Reply`. Nothing is repaired silently, except what is known to be
packaging: code fences, prose around JSON, quotes and numbering around a text, an announcement before it, an offer of
more behind it.

| parser                        | value                     | reasons                                        |
|-------------------------------|---------------------------|------------------------------------------------|
| `text`                        | str                       | empty, refused, truncated, too_short           |
| `label`                       | one of the labels         | empty, refused, not_a_label                    |
| `json`                        | what the JSON says        | empty, refused, truncated, not_json, not_schema|
| `code`                        | str                       | empty, refused, truncated, no_code             |
| `lines`                       | list[str]                 | empty, refused, truncated                      |
| `messages`                    | list of role and content  | empty, refused, truncated, not_messages        |
"""

from __future__ import annotations

import json as _json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tilth.errors import Failure
from tilth.models.base import Reply
from tilth.prompts.refusals import refusal

Parser = Callable[[Reply], Any]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2028\u2029\ufeff]")
_SURE = r"(?:sure|certainly|of course|absolutely|okay|ok)[,!.]?"
_WRITTEN = r"(?:review|text|example|sample|sentence|paragraph|question|answer|list|version|story|message|title|response|reply)s?"
_HERE = rf"(?:{_SURE}\s+)?(?:here(?:'s|’s| is| are)|below (?:is|are))\b"
_ANNOUNCEMENT = re.compile(
    # what is announced is a text, or what follows stands on a line or in quotes of its own: "Here is the thing: ..." is data
    rf"^{_HERE}[^\n:]{{0,120}}\b{_WRITTEN}\b[^\n:]{{0,120}}:\s*(?=\S)"
    rf"|^{_HERE}[^\n:]{{0,120}}:\s*(?:\n\s*(?=\S)|(?=[\"“]))"
    rf"|^{_SURE}[ \t]*\n+",
    re.IGNORECASE,
)
_OFFER = re.compile(  # only behind a rule: in a message to a shop "let me know" is data
    r"\n\s*(?:-{3,}|\*{3,})\s*\n\s*(?:let me know|would you like|feel free|do you want|i can also|if you(?:'d| would) like)\b[^\n]*$",
    re.IGNORECASE,
)
_WHOLE_FENCE = re.compile(r"```[ \t]*(?:text|txt|plaintext|markdown)?[ \t]*\n((?:(?!```).)*)\n[ \t]*```", re.DOTALL)
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITEM = re.compile(r"^\s*(?:[-*•–]\s+|\(?\d{1,3}[.)]\s+)")
_FENCE = re.compile(r"```[ \t]*([\w+#.-]*)[ \t]*\n(.*?)(?:^|\n)[ \t]*```", re.DOTALL)
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "‘": "’", "「": "」"}
_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*(?=\s|$)|[。！？]")
_TURN = re.compile(r"^\s*\**(user|human|assistant|ai|system)\**\s*:\**\s*", re.IGNORECASE | re.MULTILINE)
_ROLES = {"user": "user", "human": "user", "assistant": "assistant", "ai": "assistant", "system": "system"}


def text(*, min_words: int = 1, cut: str = "fail") -> Parser:
    """The reply as one text, without quotes, numbering or an announcement around it.

    Parameters
    ----------
    min_words: fewer are `too_short`.
    cut: what a reply that ended at max_tokens becomes: ``fail`` (`truncated`), ``sentence`` (its finished sentences,
        else `truncated`), or ``keep``.
    """

    def parse(reply: Reply) -> str:
        body = clean(_body(reply))
        if reply.finish == "length" and cut != "keep":
            whole = finished(body) if cut == "sentence" else ""
            if not whole:
                raise Failure("truncated", "The reply was cut off before it ended.", raw=reply.text)
            body = whole
        if not body:
            raise Failure("empty", "The reply holds no text.", raw=reply.text)
        if len(body.split()) < min_words:
            raise Failure("too_short", f"The text has fewer than {min_words} words.", raw=reply.text)
        return body

    return parse


def whole() -> Parser:
    """The reply as it is, without anything taken for packaging, where it ended by itself; a refusal is an answer too."""

    def parse(reply: Reply) -> str:
        if reply.finish == "length":
            raise Failure("truncated", "The reply was cut off before it ended.")
        if not reply.text.strip():
            raise Failure("empty", "The reply is empty.")
        return reply.text.strip()

    return parse


def label(labels: Iterable[str]) -> Parser:
    """One of `labels`: named exactly, else in other case, else as a unique beginning, else as the only one in the reply."""
    known = list(labels)

    def parse(reply: Reply) -> str:
        body = _body(reply)
        found = match_label(clean(body), known)
        if found is None:
            raise Failure("not_a_label", f"The reply must be exactly one of: {', '.join(known)}.", raw=reply.text)
        return found

    return parse


def json(schema: Mapping[str, Any] | None = None) -> Parser:
    """The JSON value in the reply, fenced, bare or within prose; checked against a JSON Schema if one is given."""

    def parse(reply: Reply) -> Any:
        body = _body(reply)
        try:
            value = find_json(body)
        except ValueError as error:
            _refuse_cut(reply)
            raise Failure("not_json", f"The reply must be JSON ({error}).", raw=reply.text) from error
        if schema is not None:
            problem = _schema_problem(value, schema)
            if problem:
                raise Failure("not_schema", f"The JSON is not what was asked for: {problem}.", raw=reply.text)
        return value

    return parse


def code(language: str | None = None) -> Parser:
    """The first fenced block (of `language`, if given and any block names it), without the fence."""

    def parse(reply: Reply) -> str:
        blocks = _FENCE.findall(_body(reply))
        named = [block for tag, block in blocks if language and tag.lower() == language.lower()]
        if blocks:
            return str((named or [blocks[0][1]])[0]).strip("\n")
        _refuse_cut(reply)
        raise Failure("no_code", "The reply must hold one fenced block of code (```).", raw=reply.text)

    return parse


def lines(*, at_most: int | None = None) -> Parser:
    """The lines of the reply without bullets, numbering, bold and quotes; an announcement line and repeated lines are left out."""

    def parse(reply: Reply) -> list[str]:
        _refuse_cut(reply)
        body = _ANNOUNCEMENT.sub("", _body(reply))
        items = [unquote(_BOLD.sub(r"\1", _ITEM.sub("", line)).strip().strip("*").strip()) for line in body.splitlines()]
        kept = list(dict.fromkeys(item for item in items if item and not item.endswith(":")))
        if not kept:
            raise Failure("empty", "The reply holds no list.", raw=reply.text)
        return kept[:at_most]

    return parse


def messages() -> Parser:
    """A dialogue: a JSON list of messages, or lines that begin with ``User:`` and ``Assistant:``."""

    def parse(reply: Reply) -> list[dict[str, str]]:
        _refuse_cut(reply)
        body = _body(reply)
        turns = _json_turns(body) or _written_turns(body)
        if not turns:
            raise Failure("not_messages", "The reply must be a dialogue with user and assistant turns.", raw=reply.text)
        return turns

    return parse


PARSERS: Mapping[str, Callable[..., Parser]] = {
    "text": text, "label": label, "json": json, "code": code, "lines": lines, "list": lines, "messages": messages,
}  # fmt: skip
"""By the names that a flow's ``parse:`` uses."""


# ---- pieces, usable alone ----------------------------------------------------------------------------------------


def clean(body: str) -> str:
    """Without control characters, an announcement, an offer of more, a fence, numbering and quotes around it.

    >>> clean('Here is one review: "Great fun."')
    'Great fun.'
    """
    body = _CONTROL.sub("", body.replace("\r\n", "\n")).strip()
    body = _OFFER.sub("", _ANNOUNCEMENT.sub("", body)).strip()
    fenced = _WHOLE_FENCE.fullmatch(body)
    return unquote(_ITEM.sub("", fenced.group(1) if fenced else body, count=1).strip())


def unquote(body: str) -> str:
    """Without one pair of quotes, if the pair encloses the whole."""
    while len(body) > 1 and _QUOTES.get(body[0]) == body[-1] and body[-1] not in body[1:-1]:
        body = body[1:-1].strip()
    return body


def finished(body: str) -> str:
    """`body` up to the end of its last finished sentence; empty if none is.

    >>> finished("It is fun. And the music")
    'It is fun.'
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(body)]
    return body[: ends[-1]].strip() if ends else ""


def match_label(body: str, labels: Iterable[str]) -> str | None:
    """The label that `body` means, else None; never a guess between two.

    >>> match_label("Order status.", ["order_status", "order"])
    'order_status'
    """
    known = list(labels)
    plain = body.strip().strip(".!*`'\" ").casefold()
    if not plain:
        return None
    exact = [name for name in known if name.casefold() == plain]
    if exact:
        return exact[0] if len(exact) == 1 else next((name for name in exact if name == body.strip().strip(".!*`'\" ")), None)
    spaced = [name for name in known if _spaced(name) == _spaced(plain)]
    if len(spaced) == 1:
        return spaced[0]
    begun = [name for name in known if name.casefold().startswith(plain)]
    if len(begun) == 1:
        return begun[0]
    named = [name for name in known if re.search(rf"(?<!\w){re.escape(_spaced(name))}(?!\w)", _spaced(plain))]
    longest = [name for name in named if not any(name != other and name.casefold() in other.casefold() for other in named)]
    return longest[0] if len(longest) == 1 else None


def _spaced(name: str) -> str:
    """With spaces for underscores: models like to write names as people do."""
    return name.casefold().replace("_", " ")


def find_json(body: str) -> Any:
    """The first JSON object or list in `body`; ValueError says where bare JSON goes wrong."""
    fenced = _FENCE.search(body)
    inside = (fenced.group(2) if fenced else body).strip()
    try:
        return _json.loads(inside)
    except ValueError as error:
        first = error
    decoder = _json.JSONDecoder()
    for start in (match.start() for match in re.finditer(r"[{\[]", inside)):
        try:
            return decoder.raw_decode(inside, start)[0]
        except ValueError:
            continue
    raise ValueError(str(first))


def _body(reply: Reply) -> str:
    body = reply.text.strip()
    if reply.finish == "filter":
        raise Failure("refused", "The provider withheld the reply.", raw=reply.text)
    if not body:
        if reply.finish == "length":
            raise Failure("truncated", "The reply was cut off before it began.", raw=reply.text)
        raise Failure("empty", "The reply is empty.", raw=reply.text)
    marker = refusal(body)
    if marker:
        raise Failure("refused", f"The reply is a refusal ({marker}).", raw=reply.text)
    return body


def _refuse_cut(reply: Reply) -> None:
    if reply.finish == "length":
        raise Failure("truncated", "The reply was cut off before it ended.", raw=reply.text)


def _schema_problem(value: Any, schema: Mapping[str, Any]) -> str:
    import jsonschema

    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(dict(schema)).iter_errors(value))
    if error is None:
        return ""
    where = "/".join(str(part) for part in error.absolute_path)
    return f"{where}: {error.message}" if where else str(error.message)


def _json_turns(body: str) -> list[dict[str, str]]:
    try:
        value = find_json(body)
    except ValueError:
        return []
    if isinstance(value, dict):
        value = value.get("messages")
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        return []
    turns = [{"role": turn.get("role"), "content": turn.get("content")} for turn in value]
    fit = all(turn["role"] in _ROLES.values() and isinstance(turn["content"], str) and turn["content"].strip() for turn in turns)
    return turns if fit else []


def _written_turns(body: str) -> list[dict[str, str]]:
    marks = list(_TURN.finditer(body))
    ends = [mark.start() for mark in marks[1:]] + [len(body)]
    spans = zip(marks, ends, strict=False)  # without any mark there is one end too many, and no turn
    turns = [{"role": _ROLES[mark.group(1).lower()], "content": body[mark.end() : end].strip()} for mark, end in spans]
    return turns if len(turns) > 1 and all(turn["content"] for turn in turns) else []

"""Declared types and how a value of each is stored in a column and read back."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tilth.errors import RequestError
from tilth.records.ids import json_text, json_value

MESSAGE_KEYS = ("role", "content", "name", "tool_calls", "tool_call_id")
"""Keys of a chat message (OpenAI's); ``tool_calls`` is stored as JSON text."""

_SIMPLE = ("str", "int", "float", "bool", "dict", "list")
_NAMES = (*_SIMPLE, "list[str]", "list[int]", "list[float]", "list[dict]")


class Kind(NamedTuple):
    """A column's type by name (``"str"``, ``"list[dict]"`` ...), and whether it may be None."""

    name: str
    optional: bool = False


class Misfit(Exception):
    """A value does not fit its kind; ``more`` ends the message."""

    def __init__(self, more: str = "") -> None:
        super().__init__(more)
        self.more = more


def kind_of(column: str, declared: Any) -> Kind:
    """The kind of a declared type: a Python type, ``X | None``, or its name as text. Raises RequestError."""
    if isinstance(declared, Kind):
        return declared
    text, optional = declared if isinstance(declared, str) else _type_text(declared), False
    parts = [part.strip() for part in text.split("|")]
    if "None" in parts:
        parts.remove("None")
        optional = True
    name = parts[0] if len(parts) == 1 else text
    if name.startswith("dict["):
        name = "dict"
    if name not in _NAMES:
        what = f"column '{column}' has the type {text}, which cannot be stored. Use one of: {', '.join(_NAMES)}"
        raise RequestError(what, code="schema.type")
    if column == "label_probs":
        name = "label_probs"
    return Kind(name, optional)


def write_value(kind: str, value: Any) -> Any:
    """The value as pyarrow takes it; raises Misfit."""
    return _WRITE[kind](value)


def read_value(kind: str, value: Any) -> Any:
    """The inverse of :func:`write_value`; None stays None."""
    if value is None:
        return None
    if kind in ("dict", "list"):
        return json_value(value)
    if kind == "list[dict]":
        return [_read_message(message) for message in value]
    if kind == "scores":
        return {
            item["name"]: item["value"] if item["detail"] is None else {"value": item["value"], "detail": item["detail"]} for item in value
        }
    if kind == "label_probs":
        return {item["label"]: item["prob"] for item in value}
    return value


def start_of(value: Any, limit: int = 40) -> str:
    """A value for an error line: its type and its beginning."""
    text = repr(value[:limit] if isinstance(value, (str, bytes)) else value)
    return f"{type(value).__name__} {text[:limit]}{'...' if len(text) > limit else ''}"


def json_of(value: Any) -> Any:
    """The value if it has a JSON form, else its repr: for rejected records, which must never be lost."""
    try:
        json_text(value)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
    return value


def _type_text(declared: Any) -> str:
    if declared is type(None):
        return "None"
    origin, inner = typing.get_origin(declared), typing.get_args(declared)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(_type_text(part) for part in inner)
    if origin is list:
        first = inner[0]
        return f"list[{'dict' if typing.get_origin(first) is dict else _type_text(first)}]"
    if origin is dict:
        return "dict"
    return getattr(declared, "__name__", str(declared))


def _scalar(value: Any) -> Any:
    """numpy's scalars become Python's."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value


def _text(value: Any) -> str:
    if type(value) is str and value.isascii():  # nearly all of them
        return value
    value = _scalar(value)
    if not isinstance(value, str):
        raise Misfit
    text = str.__str__(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Misfit(" (it holds half of a surrogate pair)") from None
    return text


def _whole(bits: int) -> Callable[[Any], int]:
    def write(value: Any) -> int:
        value = _scalar(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Misfit
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise Misfit(f" (beyond {bits} bits)")
        return int(value)

    return write


def _number(value: Any) -> float:
    value = _scalar(value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Misfit
    try:
        return float(value)
    except OverflowError:
        raise Misfit(" (too large)") from None


def _truth(value: Any) -> bool:
    value = _scalar(value)
    if not isinstance(value, bool):
        raise Misfit
    return value


def _json(kind: type) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if not isinstance(value, (Mapping,) if kind is dict else (list, tuple)):
            raise Misfit
        try:
            return json_text(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise Misfit(f" ({error})") from None

    return write


def _items(write: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def write_all(value: Any) -> list[Any]:
        if hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1:
            value = value.tolist()
        if not isinstance(value, (list, tuple)):
            raise Misfit
        return [write(item) for item in value]

    return write_all


def _message(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not isinstance(value.get("role"), str):
        raise Misfit(" (a message needs a role)")
    unknown = [str(key) for key in value if key not in MESSAGE_KEYS]
    if unknown:
        raise Misfit(f" (a message has no '{unknown[0]}')")
    return {key: _or_none(_json(list) if key == "tool_calls" else _text, value.get(key)) for key in MESSAGE_KEYS}


def _read_message(stored: Mapping[str, Any]) -> dict[str, Any]:
    """``role`` and ``content`` are always there (content may be None beside tool calls), the others where they are set."""
    message = {key: value for key, value in stored.items() if value is not None or key == "content"}
    if "tool_calls" in message:
        message["tool_calls"] = json_value(message["tool_calls"])
    return message


def _scores(value: Any) -> list[dict[str, Any]]:
    """``{name: number or None}``, or ``{name: {"value": ..., "detail": ...}}``."""
    if not isinstance(value, Mapping):
        raise Misfit
    out = []
    for name in sorted(value):
        score: Any = value[name]
        detail = score.get("detail") if isinstance(score, Mapping) else None
        number = score.get("value") if isinstance(score, Mapping) else score
        out.append({"name": _text(name), "value": _or_none(_number, number), "detail": _or_none(_text, detail)})
    return out


def _or_none(write: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else write(value)


def _label_probs(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, Mapping):
        raise Misfit
    return [{"label": _text(label), "prob": _or_none(_number, prob)} for label, prob in value.items()]


_WRITE: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _whole(64),
    "int32": _whole(32),
    "float": _number,
    "bool": _truth,
    "dict": _json(dict),
    "list": _json(list),
    "list[str]": _items(_text),
    "list[int]": _items(_whole(64)),
    "list[float]": _items(_number),
    "list[dict]": _items(_message),
    "scores": _scores,
    "label_probs": _label_probs,
}

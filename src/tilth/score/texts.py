"""Which part of a record is its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FIRST = ("text", "instruction", "messages", "question", "prompt", "premise", "code", "tokens")
"""Columns that hold a record's text, the first that it has; with some come others."""

WITH = {
    "instruction": ("instruction", "input"),
    "premise": ("premise", "hypothesis"),
    "prompt": ("prompt", "chosen"),
}

On = str | tuple[str, ...] | None
"""The column (or columns) that a scorer reads; None: what :func:`columns_of` finds."""


def columns_of(record: Mapping[str, Any], on: On = None) -> tuple[str, ...]:
    """The columns that make a record's text.

    >>> columns_of({"instruction": "Add.", "input": "1 2", "output": "3"})
    ('instruction', 'input')
    >>> columns_of({"headline": "Rain", "label": "weather"})
    ('headline',)
    """
    if on is not None:
        return (on,) if isinstance(on, str) else tuple(on)
    first = next((name for name in FIRST if name in record), None)
    if first is not None:
        return tuple(name for name in WITH.get(first, (first,)) if name in record)
    texts = tuple(name for name, value in record.items() if isinstance(value, str) and name != "label")
    return texts or tuple(record)[:1]


def text_of(record: Mapping[str, Any], on: On = None) -> str:
    """A record's text; "" where it has none. Messages and lists of words are joined.

    >>> text_of({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]})
    'Hi\\nHello'
    """
    return "\n".join(part for name in columns_of(record, on) if (part := _plain(record.get(name))))


def _plain(value: Any) -> str:
    if value is None or value != value:  # NaN is how tables write an absent text
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return _plain(value.get("content")) if "content" in value else " ".join(_plain(one) for one in value.values())
    if isinstance(value, Sequence):
        return ("\n" if any(isinstance(one, Mapping) for one in value) else " ").join(_plain(one) for one in value)
    return str(value)

"""How a measured figure and its interval are written: the same on screen, in the report and on the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def figure(value: float, interval: Sequence[float] | None = None) -> str:
    """A value with its interval.

    >>> figure(0.9412, [0.8801, 0.9702]), figure(168.25), figure(0, [0, 0.0047])
    ('0.94 [0.88, 0.97]', '168', '0 [0, 0.005]')
    """
    widest = max(abs(value), *(map(abs, interval or [0])))
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3 if widest < 0.1 else 2
    shown = [f"{one:.{digits}f}" if one else "0" for one in (value, *(interval or ()))]
    return shown[0] if interval is None else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def scored(value: Any) -> str:
    """A score of a record: a number, or one with what was said about it; nobody could say: `not scored`.

    >>> scored(4.0), scored(None), scored({"value": 0.0, "detail": "no quotation"})
    ('4', 'not scored', '0 (no quotation)')
    """
    number, detail = (value.get("value"), value.get("detail")) if isinstance(value, Mapping) else (value, None)
    words = "not scored" if number is None else f"{number:g}" if isinstance(number, (int, float)) else str(number)
    return f"{words} ({detail})" if detail else words

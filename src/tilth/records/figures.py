"""How a measured figure and its interval are written: the same on screen, in the report and on the card."""

from __future__ import annotations

from collections.abc import Sequence


def figure(value: float, interval: Sequence[float] | None = None) -> str:
    """A value with its interval.

    >>> figure(0.9412, [0.8801, 0.9702]), figure(168.25), figure(0, [0, 0.0047])
    ('0.94 [0.88, 0.97]', '168', '0 [0, 0.005]')
    """
    widest = max(abs(value), *(map(abs, interval or [0])))
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3 if widest < 0.1 else 2
    shown = [f"{one:.{digits}f}" if one else "0" for one in (value, *(interval or ()))]
    return shown[0] if interval is None else f"{shown[0]} [{shown[1]}, {shown[2]}]"

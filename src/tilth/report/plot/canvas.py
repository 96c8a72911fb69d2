"""An SVG being drawn: escaped text that is measured so that it stays inside, shapes with classes instead of colours."""

from __future__ import annotations

import unicodedata
from html import escape

from tilth.report.plot.numbers import place

WIDE, NARROW = 720, 340
"""Widths of the two drawings, in user units; the page shows one of them."""
SIZE = 12.0
"""Font size of a plot's text."""

_SLIM, _MIDDLE, _BROAD = frozenset("iljI.,:;'|!·` "), frozenset("ftr()[]-/\"°"), frozenset("mwMW@%—…±≥≤→")


def measure(text: str, size: float = SIZE) -> float:
    """A width that text has at most in the usual sans-serif fonts, in user units."""
    return size * sum(_em(one) for one in text)


def _em(character: str) -> float:
    if character in _SLIM:
        return 0.34
    if character in _MIDDLE:
        return 0.46
    if character in _BROAD:
        return 1.02
    if character.isascii():
        return 0.78 if character.isupper() else 0.65
    return 1.1 if unicodedata.east_asian_width(character) in "WF" else 0.8


def fitted(text: str, width: float, size: float = SIZE) -> str:
    """The text, or its beginning with an ellipsis, so that it is at most `width` wide; controls become a visible mark."""
    text = plain(text)
    if measure(text, size) <= width:
        return text
    kept, used = "", size * 1.02
    for character in text:
        used += size * _em(character)
        if used > width:
            break
        kept += character
    return kept.rstrip() + "…" if kept else ""


def plain(text: str) -> str:
    """One line without control, bidi and unassigned characters, each of which becomes ␣ or �."""
    if text.isascii() and text.isprintable():
        return text
    swap = {"Cc": "␣", "Zl": "␣", "Zp": "␣", "Cf": "�", "Cs": "�", "Co": "�", "Cn": "�"}
    return "".join(swap.get(unicodedata.category(one), one) for one in text)


class Canvas:
    """Shapes and text in the order in which they are drawn. height: grows as the mark lays itself out."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.height = 0.0
        self._parts: list[str] = []

    @property
    def narrow(self) -> bool:
        """Whether this is the drawing for small screens."""
        return self.width < WIDE

    def text(self, x: float, y: float, text: str, kind: str = "", *, anchor: str = "start", room: float | None = None) -> None:
        """Text with its baseline at y; cut to `room`, by default to what is left inside the drawing."""
        left = {"start": self.width - x, "end": x, "middle": 2 * min(x, self.width - x)}[anchor]
        broad = 1.1 if kind == "strong" else 1.0
        shown = fitted(text, min(left, room if room is not None else left) / broad)
        end = "" if anchor == "start" else f' text-anchor="{anchor}"'
        named = f' class="{kind}"' if kind else ""
        self._parts.append(f'<text x="{place(x)}" y="{place(y)}"{named}{end}>{escape(shown)}</text>')

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """A rectangle."""
        at = f'x="{place(x)}" y="{place(y)}" width="{place(max(width, 0))}" height="{place(max(height, 0))}"'
        self._parts.append(f'<rect {at} class="{kind}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line."""
        self._parts.append(f'<path d="M{place(x1)} {place(y1)}L{place(x2)} {place(y2)}" class="{kind}"/>')

    def path(self, points: list[tuple[float, float]], kind: str, *, closed: bool = False) -> None:
        """A line through points."""
        if points:
            way = "L".join(f"{place(x)} {place(y)}" for x, y in points)
            self._parts.append(f'<path d="M{way}{"Z" if closed else ""}" class="{kind}"/>')

    def circle(self, x: float, y: float, radius: float, kind: str) -> None:
        """A dot or ring."""
        self._parts.append(f'<circle cx="{place(x)}" cy="{place(y)}" r="{place(radius)}" class="{kind}"/>')

    def svg(self, name: str, title: str, desc: str) -> str:
        """The drawing, for people who see it and for people who hear it. name: unique in the page."""
        size = "narrow" if self.narrow else "wide"
        return (
            f'<svg class="plot {size}" viewBox="0 0 {self.width} {place(self.height)}" role="img" '
            f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(plain(title))}</title>'
            f'<desc id="{name}-d">{escape(plain(desc))}</desc>{"".join(self._parts)}</svg>'
        )

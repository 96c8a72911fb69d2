"""Text that anybody may have written, made safe and visible for the page: escaped, controls and bidi marks as boxes with names."""

from __future__ import annotations

import re
import unicodedata
from html import escape

from markupsafe import Markup

LONGEST = 2000
"""Characters of a text that the page shows; `tilth trace` shows the rest."""

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
"""Controls but tab and newline, marks that reorder or hide text, lone surrogates, and what no document may hold."""

_RUN = re.compile(f"({_HIDDEN.pattern})\\1*")
_NAMES = {"\x00": "NUL", "\x07": "BEL", "\x08": "BS", "\x1b": "ESC", "\r": "CR", "\x7f": "DEL"}
_NAMES |= {"\u200e": "LRM", "\u200f": "RLM", "\u202a": "LRE"}
_NAMES |= {"\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO"}
_NAMES |= {"\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI"}
_NAMES |= {"\u200b": "ZWSP", "\ufeff": "BOM", "\u00ad": "SHY"}


def visible(text: object) -> Markup:
    """The text as HTML. It cannot leave its element, reorder its line, or hide anything.

    >>> str(visible("<b>\\u202e"))
    '&lt;b&gt;<span class="ctl" title="U+202E RIGHT-TO-LEFT OVERRIDE">RLO</span>'
    """
    whole = str(text).replace("\r\n", "\n")
    if whole.isascii() and whole.isprintable():
        return Markup(escape(whole))
    parts, at = [], 0
    for found in _RUN.finditer(whole):
        parts += [escape(whole[at : found.start()]), _box(found.group(0))]
        at = found.end()
    return Markup("".join([*parts, escape(whole[at:])]))


def _box(run: str) -> str:
    one, often = run[0], len(run)
    code = f"U+{ord(one):04X}"
    name = f"{code} {unicodedata.name(one, 'CONTROL CHARACTER' if ord(one) < 160 else 'NO CHARACTER')}"
    times = f" ×{often:,}" if often > 1 else ""
    return f'<span class="ctl" title="{escape(name)}">{_NAMES.get(one, code)}{times}</span>'


def cut(text: object, most: int = LONGEST) -> Markup:
    """The text, at most `most` characters of it, and how many there are more."""
    whole = str(text)
    if len(whole) <= most:
        return visible(whole)
    return visible(whole[:most]) + Markup('<span class="more">… {} more (tilth trace)</span>').format(f"{len(whole) - most:,}")


def excerpt(text: object, most: int = 110) -> Markup:
    """One line of it."""
    line = " ".join(str(text)[: 4 * most].split())
    return visible(line if len(line) <= most else line[: most - 1].rstrip() + "…")

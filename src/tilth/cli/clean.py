"""Text from models, files and servers, made safe for a terminal.

A reply may hold anything: ANSI colours, a title change, a hyperlink (OSC 8) that lies about its target, a write to
the clipboard (OSC 52), bidi overrides that reorder a line, NUL. None of it may reach a terminal; everything that
the command line writes passes here first.
"""

from __future__ import annotations

import re
import unicodedata

_SEQUENCE = re.compile(
    r"""
      (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]) [^\x07\x1b\x9c]* (?:\x07|\x1b\\|\x9c)   # OSC, DCS, SOS, PM, APC with their end
    | (?:\x1b\[|\x9b) [0-?]* [ -/]* [@-~]                                             # CSI: colours, cursor
    | \x1b [ -/]* [0-~]                                                               # two-byte escapes
    """,
    re.VERBOSE,
)
UNSAFE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
"""Characters that no output holds, as the inside of a regex class: controls (but tab and newline), bidi, invisible."""

_CONTROL = re.compile(f"[{UNSAFE}]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: object) -> str:
    r"""Return `text` without escape sequences, control characters, bidi controls and lone surrogates.

    Tab and newline stay; other line ends become newlines.

    >>> clean("\x1b[31mred\x1b[0m \x1b]8;;http://evil\x07here\x1b]8;;\x07 \u202eabc\x00")
    'red here abc'
    """
    result = str(text)
    if result.isascii() and result.isprintable():
        return result
    result = result.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    result = _SEQUENCE.sub("", result)
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", result))


def one_line(text: object) -> str:
    r"""Return `text` cleaned, every run of white space one blank.

    >>> one_line("a\n\n b\tc")
    'a b c'
    """
    return " ".join(clean(text).split())


def width(text: str) -> int:
    """Return how many terminal cells `text` takes: East Asian wide characters take two, combining marks none.

    >>> width("abc"), width("日本")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def cut(text: object, cells: int) -> str:
    """Return `text` on one line, cut to at most `cells` terminal cells with an ellipsis.

    >>> cut("a long line", 6)
    'a lon…'
    """
    return shorten(one_line(text), cells)


def shorten(line: str, cells: int) -> str:
    """Return `line` cut to `cells`; its inner blanks stay as they are (tables)."""
    if width(line) <= cells:
        return line
    used, kept = 0, []
    for character in line:
        used += _cells(character)
        if used > cells - 1:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…" if cells > 0 else ""


def pad(text: str, cells: int, right: bool = False) -> str:
    """Return `text` filled with blanks to `cells` terminal cells, on the left if `right` (for numbers)."""
    blanks = " " * max(0, cells - width(text))
    return blanks + text if right else text + blanks


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

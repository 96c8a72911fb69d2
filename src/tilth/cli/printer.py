"""The one place that writes to the terminal: results to stdout, everything else to stderr.

`Printer` knows the quiet level, the colours, the symbols that the terminal can show, and whether stdout carries one
JSON object. All text passes :func:`tilth.cli.clean.clean` before it is coloured, so a model's reply cannot write escapes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from tilth.cli.clean import UNSAFE, clean, pad, shorten, width

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_SYMBOLS = {"done": ("✓", "ok"), "fail": ("✗", "fail"), "warn": ("!", "!"), "wait": ("╌", ".."), "next": ("→", "->")}
_COLOURS = {"done": "green", "fail": "red", "warn": "yellow", "wait": "dim", "next": "cyan"}
_LOOKALIKES = {"·": "-", "…": "...", "├": "|", "─": "-", "└": "`", "│": "|", "–": "-", "×": "x", "→": "->", "✓": "ok", "✗": "fail"}
_ASCII = str.maketrans(_LOOKALIKES)
_JSON_ESCAPE = re.compile(f"[{UNSAFE}\ud800-\udfff]")

Part = str | tuple[str, str]
"""A piece of a line: text, or (text, style)."""


@dataclass
class Printer:
    """Writes lines. `quiet` 1: errors and result only; 2: result only. `verbose` 1: more; 2: tracebacks.

    color: ``auto`` (terminal, no NO_COLOR, TERM not dumb), ``always``, ``never``.
    """

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    json: bool = False
    quiet: int = 0
    verbose: int = 0
    color: str = "auto"
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    warnings: list[dict[str, str]] = field(default_factory=list)
    next: list[str] = field(default_factory=list)
    events: bool = False
    """stderr carries one JSON event a line (``--progress json``): warnings and errors become events, narration is left out."""
    above: Callable[[str], None] | None = None
    """While a live display is on: writes a line above it."""

    def result(self, *parts: Part) -> None:
        """Write one line of the result to stdout (nothing in JSON mode: the object is the result)."""
        if not self.json:
            self._write(self.out, parts)

    def say(self, *parts: Part) -> None:
        """Write one line of narration to stderr; silent with -q."""
        if self.quiet == 0 and not self.events:
            self._write(self.err, parts)

    def detail(self, *parts: Part) -> None:
        """Write one line that only -v shows."""
        if self.verbose:
            self.say(*parts)

    def mark(self, symbol: str, *parts: Part) -> None:
        """Write a narration line that begins with a symbol (done, fail, warn, wait, next)."""
        self.say((self.symbol(symbol), _COLOURS[symbol]), " ", *parts)

    def warn(self, message: str, code: str = "warning") -> None:
        """Write `warning: message` to stderr and keep it for the JSON object; the same warning is written once."""
        if any(known["message"] == message for known in self.warnings):
            return
        self.warnings.append({"code": code, "message": clean(message)})
        if self.events:
            self.event("warning", **self.warnings[-1])
        self.say(("warning:", "yellow"), " ", message)

    def error(self, line: str) -> None:
        """Write `error: line` to stderr; silent with -qq."""
        if self.events:
            self.event("error", message=clean(line))
        elif self.quiet < 2:
            self._write(self.err, (("error:", "red"), " ", line))

    def advise(self, command: str, why: str = "") -> None:
        """Write `→ command   why`: what to type next. At most two in one command."""
        if len(self.next) >= 2 or command in self.next:
            return
        self.next.append(command)
        self.say((self.symbol("next"), "cyan"), " ", (command, "bold"), *([f"      {why}"] if why else []))

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        right: frozenset[int] = frozenset(),
        flex: int = -1,
        wrap: bool = False,
    ) -> None:
        """Write a table to stdout: aligned on a terminal, else tab-separated with a header and untruncated.

        right: columns of numbers. flex: the column that gives way on a narrow terminal; wrap: it goes on below, else it is cut.
        """
        if self.json:
            return
        cells = [list(columns), *([clean(cell).replace("\t", " ").replace("\n", " ") for cell in row] for row in rows)]
        if not self.terminal(self.out):
            for row in cells:
                self.result("\t".join(row))
            return
        for number, line in enumerate(grid(cells, self.columns(self.out) - 3, right, flex % len(columns), wrap)):
            self.result("  ", (line, "dim" if number == 0 else ""))

    def item(self, label: str, text: str, cells: int = 10) -> None:
        """Write `label   text` to stdout; on a terminal a long text goes on below, indented."""
        room = self.columns(self.out) - cells - 3 if self.terminal(self.out) else 0
        lines = folded(text, room) if room >= 20 else [text]
        for number, line in enumerate(lines):
            self.result("  ", (pad(label if number == 0 else "", cells), "dim"), line)

    def symbol(self, name: str) -> str:
        """The symbol `name` as this terminal can show it."""
        return _SYMBOLS[name][0 if self.unicode(self.err) else 1]

    def restore(self) -> None:
        """Show the cursor again if a live display has hidden it (before leaving at once)."""
        if self.above is not None:
            self.above = None
            self._put(self.err, "\x1b[?25h")

    def terminal(self, stream: TextIO) -> bool:
        """Whether `stream` is a terminal."""
        try:
            return stream.isatty()
        except ValueError:  # closed
            return False

    def columns(self, stream: TextIO) -> int:
        """Width of the terminal behind `stream`, 80 if there is none. COLUMNS wins."""
        if self.environ.get("COLUMNS", "").isdigit():
            return int(self.environ["COLUMNS"])
        try:
            return os.get_terminal_size(stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def unicode(self, stream: TextIO) -> bool:
        """Whether `stream` can carry more than ASCII."""
        return "utf" in (getattr(stream, "encoding", None) or "ascii").lower()

    def colored(self, stream: TextIO) -> bool:
        """Whether lines on `stream` are coloured."""
        if self.color != "auto":
            return self.color == "always"
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return True
        return self.terminal(stream) and self.environ.get("TERM") != "dumb"

    def event(self, name: str, **fields: Any) -> None:
        """Write one JSON event to stderr. Nobody reads it: the work goes on."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.err.write(json.dumps({"event": name, **fields}) + "\n")
            self.err.flush()

    def envelope(self, document: Mapping[str, Any]) -> None:
        """Write the one JSON object of `--json`. Characters that could steer a terminal are written as escapes."""
        text = json.dumps(document, ensure_ascii=not self.unicode(self.out), default=str)
        self._put(self.out, _JSON_ESCAPE.sub(lambda found: _escape(found.group()), text))

    def _write(self, stream: TextIO, parts: Sequence[Part]) -> None:
        colored = self.colored(stream)
        pieces = [(part, "") if isinstance(part, str) else part for part in parts]
        self._put(stream, "".join(_paint(clean(text), style if colored else "") for text, style in pieces))

    def _put(self, stream: TextIO, line: str) -> None:
        if not self.unicode(stream):
            line = line.translate(_ASCII).encode(getattr(stream, "encoding", None) or "ascii", "replace").decode("ascii", "replace")
        if stream is self.err and self.above is not None:
            self.above(line)
        elif stream is self.err:
            with contextlib.suppress(BrokenPipeError, ValueError):  # nobody reads the narration: go on with the work
                stream.write(line + "\n")
                stream.flush()
        else:
            stream.write(line + "\n")
            stream.flush()


def grid(cells: Sequence[Sequence[str]], room: int, right: frozenset[int], flex: int, wrap: bool) -> list[str]:
    """Lines of an aligned table of at most `room` cells; the first row is the header and always one line."""
    widths = [max(width(row[index]) for row in cells) for index in range(len(cells[0]))]
    others = sum(widths) - widths[flex] + 2 * (len(widths) - 1)
    widths[flex] = min(widths[flex], max(10, room - others))
    lines = []
    for row in cells:
        pieces = folded(row[flex], widths[flex]) if wrap else [shorten(row[flex], widths[flex])]
        for number, piece in enumerate(pieces):
            whole = [piece if index == flex else cell if number == 0 else "" for index, cell in enumerate(row)]
            line = "  ".join(pad(cell, widths[index], index in right) for index, cell in enumerate(whole))
            lines.append(shorten(line.rstrip(), room))
    return lines


def folded(text: str, cells: int) -> list[str]:
    """The words of `text` in lines of at most `cells`; a longer word is cut."""
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width(longer) <= cells:
            lines[-1] = longer
        else:
            lines.append(shorten(word, cells))
    return lines if len(lines) == 1 or lines[0] else lines[1:]


def _paint(text: str, style: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style and text else text


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))

"""What a section is made of. Blocks hold plain values; how they look is the templates' business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tilth.report.plot.figure import Cell, Figure, Table, table


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure."""

    figure: Figure
    block: str = "plot"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table that is shown, not folded away. note: below it."""

    caption: str
    table: Table
    note: str = ""
    block: str = "sheet"


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph. kind: "" or warning."""

    text: str
    kind: str = ""
    block: str = "line"


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not known. why: in words; command: what would fill it in, "" where nothing can yet."""

    what: str
    why: str
    command: str = ""
    block: str = "missing"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Key figures: name, value, and what it is compared with ("" where nothing)."""

    rows: tuple[tuple[str, str, str], ...]
    block: str = "pairs"


@dataclass(frozen=True, slots=True)
class Folded:
    """Text that is long: the flow, a prompt. untrusted: it may hold anything, so controls are shown as boxes."""

    title: str
    text: str
    block: str = "folded"


@dataclass(frozen=True, slots=True)
class Quotes:
    """Records in short: (id, label, text). words: what they are."""

    words: str
    rows: tuple[tuple[str, str, str], ...]
    block: str = "quotes"


@dataclass(frozen=True, slots=True)
class Headline:
    """The box of the first section; reads the verdict itself."""

    block: str = "headline"


@dataclass(frozen=True, slots=True)
class Browser:
    """The records; reads them from the material itself."""

    block: str = "browser"


Block = Plot | Sheet | Line | Missing | Pairs | Folded | Quotes | Headline | Browser


@dataclass(frozen=True, slots=True)
class Section:
    """One question with what answers it. anchor: its id in the page."""

    number: int
    anchor: str
    title: str
    question: str
    blocks: tuple[Block, ...] = field(default=())


def sheet(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], note: str = "") -> Sheet:
    """A table from rows."""
    return Sheet(caption, table(columns, rows), note)

"""README.md of a folder with data: header, sections, folded datasheet. No clock, no absolute path, no key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.report.card import sections
from tilth.report.card.about import About, origins_of
from tilth.report.card.datasheet import datasheet
from tilth.report.card.header import header, written
from tilth.report.card.human import Items, blocks, marked
from tilth.report.card.licences import Licence
from tilth.report.contents import Contents

if TYPE_CHECKING:
    from tilth.report.facts import Facts


@dataclass(frozen=True, slots=True)
class Card:
    """The text, and how much of it is answered (`21 of 24 items answered`)."""

    text: str
    complete: str


def card(facts: Facts, contents: Contents, licence: Licence, *, failed: Sequence[str] = (), earlier: Sequence[Path] = ()) -> Card:
    """Make the card.

    Parameters
    ----------
    failed: gates that must hold and do not, in words; the card says so first. earlier: cards whose human sections are kept, the later
    ones over the earlier.
    """
    kept: dict[str, str] = {}
    for path in earlier:
        if path.is_file():
            kept |= blocks(path.read_text(encoding="utf-8", errors="replace"))
    origins = origins_of(facts)
    about = About(facts, contents, licence, origins, tuple(failed), Items(kept))
    pieces = [
        written(header(facts, contents, licence, frozenset(origins))),
        sections.summary(about),
        sections.use(about),
        sections.structure(about),
        sections.making(about),
        sections.labels(about),
        sections.quality(about),
        sections.risks(about),
        sections.citation(about),
        datasheet(about),
    ]
    text = "\n".join(piece for piece in pieces if piece)
    added = about.items.rest(text)
    if added:
        text += "\n" + "\n\n".join(["## Notes", *(marked(name, note) for name, note in added.items())]) + "\n"
    return Card(f"{text}\n*card: {about.items.complete}*\n", about.items.complete)

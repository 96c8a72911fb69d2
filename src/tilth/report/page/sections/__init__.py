"""The sections of the report, one module each, in the order of the page."""

from __future__ import annotations

from tilth.report.look.material import Material
from tilth.report.page.blocks import Section
from tilth.report.page.sections import content, diversity, headline, likeness, losses, making, people, records, safety, truth, usefulness

ALL = (headline, content, losses, truth, diversity, likeness, usefulness, safety, people, records, making)


def sections(m: Material) -> list[Section]:
    """All eleven, whatever is known; what is not is said in a line of its own."""
    out = []
    for number, module in enumerate(ALL, 1):
        out.append(Section(number, module.ANCHOR, module.TITLE, module.QUESTION, tuple(module.blocks(m))))
    return out

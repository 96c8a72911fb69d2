"""Section 10: records, kept and rejected, with how each came to be."""

from __future__ import annotations

from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Browser, Missing

ANCHOR, TITLE, QUESTION = "records", "Records", "Some of them, each with its prompt, its reply and its way through curation."


def blocks(m: Material) -> list[Block]:
    """The browser, or why there is none."""
    if not m.texts:
        return [Missing("Records", "this report was made without texts", f"tilth report {m.command}")]
    if not m.shown:
        why = "no record was asked for" if m.facts.tried else "nothing was tried yet"
        return [Missing("Records", why, f"tilth report {m.command} --samples 60" if m.facts.tried else f"tilth status {m.command}")]
    return [Browser()]

"""Section 9: people. Until somebody has answered, one line."""

from __future__ import annotations

from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Missing, Pairs

ANCHOR, TITLE, QUESTION = "people", "People", "Who has read it, and how far they agree."


def blocks(m: Material) -> list[Block]:
    """Answers that were given, and the queue."""
    folder = m.facts.folder
    answers = sum(1 for line in folder.people.read_text("utf-8", "replace").splitlines() if line.strip()) if folder.people.exists() else 0
    out: list[Block] = []
    rows = [("answers of people", f"{answers:,}", "")] if answers else []
    if m.facts.to_review:
        rows.append(("kept records that wait for people", f"{m.facts.to_review:,}", ""))
    if rows:
        out.append(Pairs(tuple(rows)))
    why = "agreement between people was not computed" if answers else "no person has judged a record yet"
    return [*out, Missing("Agreement, annotators, adjudication", why, f"tilth review {m.command}")]

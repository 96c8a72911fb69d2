"""Section 9: people. Until somebody has answered, one line."""

from __future__ import annotations

from tilth.evaluate.gates import audited
from tilth.evaluate.verdict import REVIEW
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Missing, Pairs
from tilth.report.page.figures import shown

ANCHOR, TITLE, QUESTION = "people", "People", "Who has read it, and how far they agree."


def blocks(m: Material) -> list[Block]:
    """Answers that were given, and the queue."""
    folder = m.facts.folder
    answers = sum(1 for line in folder.people.read_text("utf-8", "replace").splitlines() if line.strip()) if folder.people.exists() else 0
    out: list[Block] = []
    rows = [("answers of people", f"{answers:,}", "")] if answers else []
    judged = [one for one in m.facts.values if audited(one) and not m.facts.stale]
    rows += [(f"{one.metric}, judged by people", shown(one), f"{audited(one):,} records") for one in judged]
    if m.facts.to_review:
        rows.append(("kept records that wait for people", f"{m.facts.to_review:,}", ""))
    if rows:
        out.append(Pairs(tuple(rows)))
    answers = answers or len(judged)
    why = "agreement between people was not computed" if answers else "no person has judged a record yet, and tilth cannot ask one yet"
    return [*out, Missing("Agreement, annotators, adjudication", why, REVIEW)]

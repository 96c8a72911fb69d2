"""The folded datasheet (Gebru et al., arXiv 1803.09010): each question answered from the run, or by people, or "Not known."."""

from __future__ import annotations

from collections.abc import Callable

from tilth.report.card.about import About, count, day, plain
from tilth.report.card.sections import funnel

Answer = Callable[[About], str]


def _purpose(about: About) -> str:
    return plain(about.facts.describe)


def _instances(about: About) -> str:
    kind = plain(about.facts.task.get("kind") or "text")
    return f"Records of the kind '{kind}' with the columns {', '.join(plain(name) for name in about.contents.kinds)}."


def _how_many(about: About) -> str:
    parts = ", ".join(f"{part.split} {part.rows:,}" for part in about.contents.default)
    return f"{count(about.contents.rows, 'record')} ({parts})."


def _sample(about: About) -> str:
    return "No: they were made for this purpose, and are a sample of nothing." if about.written_by_model else ""


def _missing(about: About) -> str:
    return f"{about.facts.rejected:,} records were rejected: {funnel(about)}."


def _splits(about: About) -> str:
    if len(about.contents.default) < 2:
        return "There is one split."
    return "Near-duplicates and records with a common parent or seed are on one side; the shares of labels are alike."


def _noise(about: About) -> str:
    found = "; ".join(plain(one) for one in about.facts.findings)
    return f"{found}." if found and not about.facts.stale else ""


def _how(about: About) -> str:
    methods = ", ".join(plain(name) for name in about.facts.methods)
    models = ", ".join(plain(name) for name in about.generators)
    return f"By the method {methods}{f' with {models}' if models else ''}, on {day(about.facts.started)}." if methods else ""


def _who(about: About) -> str:
    return "A program; no crowd workers were involved." if about.written_by_model and not about.origins.get("human") else ""


def _processing(about: About) -> str:
    steps = dict.fromkeys(plain(loss.step) for loss in about.facts.losses if loss.stage != "generate")
    return f"Curation steps: {', '.join(steps)}; counts above." if steps else "None after generation." if about.facts.finished else ""


def _raw(about: About) -> str:
    return "Yes, in the run's folder: every reply in its journal, every row before curation, every decision."


def _licence(about: About) -> str:
    return " ".join([f"{about.licence.id}.", *about.licence.lines])


def _none(about: About) -> str:
    return ""


QUESTIONS: tuple[tuple[str, str, str, Answer], ...] = (
    ("Motivation", "purpose", "For what purpose was it made?", _purpose),
    ("Motivation", "creators", "Who made it, and for whom?", _none),
    ("Motivation", "funding", "Who paid for it?", _none),
    ("Composition", "instances", "What do the instances represent?", _instances),
    ("Composition", "how-many", "How many are there?", _how_many),
    ("Composition", "sample", "Are they a sample of a larger set?", _sample),
    ("Composition", "missing", "Is anything missing?", _missing),
    ("Composition", "split-rule", "Are there recommended splits?", _splits),
    ("Composition", "noise", "Are there errors, noise or redundancies?", _noise),
    ("Composition", "offensive", "May anything in it offend or harm?", _none),
    ("Collection", "how", "How was the data acquired?", _how),
    ("Collection", "who", "Who was involved, and how were they paid?", _who),
    ("Collection", "consent", "Did the people behind the real inputs agree?", _none),
    ("Preprocessing", "processing", "Was it cleaned or labelled?", _processing),
    ("Preprocessing", "raw", "Was the raw data kept?", _raw),
    ("Uses", "used", "Has it been used already?", _none),
    ("Uses", "avoid", "What should it not be used for?", _none),
    ("Distribution", "terms", "Under which terms is it distributed?", _licence),
    ("Maintenance", "contact", "Who maintains it, and how can they be reached?", _none),
    ("Maintenance", "updates", "Will it be updated?", _none),
)
"""Section, name of the item, question, and what answers it where a run can."""


def datasheet(about: About) -> str:
    """The seven sections, folded."""
    lines = ["<details>", "<summary>Datasheet</summary>", ""]
    before = ""
    for section, name, question, answer in QUESTIONS:
        if section != before:
            lines += [f"### {section}", ""]
            before = section
        known = answer(about)
        said = about.items.say(name, known) if known and name not in about.items.written else about.items.human(name, known)
        lines += [f"*{question}*", "", said, ""]
    return "\n".join([*lines, "</details>", ""])

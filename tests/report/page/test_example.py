"""The running example of the specification: the page shows its figures, and its answer is never better than the evidence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from report.example import DROPPED, REFUSED, running_example
from report.reporting import page


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_it_shows_the_figures_of_the_example(tmp_path: Path) -> None:
    html = words(page(running_example(tmp_path / "support-intents", audited=94)))
    for told in (
        "YES, for training classifiers.",
        "4 of 4 gates hold",
        "0.94 [0.88, 0.97]",
        "0 of 820",
        "the 16 real ones alone give 0.49",
        "a classifier can tell it from real text (AUC 0.83)",
        "820 of 1,078 records are kept; the largest loss is judge below 4 (73)",
        "820 (76 % of tried)",
        "A kept record cost $0.0011",
        "The 5 labels are balanced",
        "generator openai/gpt-4.1-mini 1,138 432,440 147,940 $0.41",
        "judge anthropic/claude-haiku-4-5 924 277,200 36,960 $0.46",
    ):
        assert told in html, told
    for n in (*REFUSED.values(), *DROPPED.values()):
        assert re.search(rf"− [a-z0-9 ]+ {n} [a-z_]+", html), n


@pytest.mark.parametrize(("audited", "answer"), [(None, "NOT KNOWN YET"), (80, "NOT YET"), (94, "YES, for")])
def test_the_answer_follows_the_evidence(tmp_path: Path, audited: int | None, answer: str) -> None:
    html = page(running_example(tmp_path / "run", audited=audited), samples=0)
    box = re.search(r'<div class="box.*?</div>', html, re.S)
    assert box and answer in words(box.group(0))
    assert sum(one in words(html) for one in ("NOT KNOWN YET", "NOT YET:", "YES, for")) == 1

"""Runs to report on: planted faults with curation and figures, and texts that try to break the page."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from curate.planted import planted, review
from curate.support import curate
from tilth.engine.execute import start
from tilth.flows.evaluating import Wanted, prepare
from tilth.models.hashed import HashedTfidf
from tilth.records.data import Data
from tilth.records.folder import RunFolder
from tilth.report.page.build import Options, build

STEPS = ["refusals", {"length": {"words": [3, 400]}}, {"dedupe": {"near": 0.85}}, "decontaminate", {"label_noise": {"action": "drop"}}]
METRICS = ["near_duplicates", "contamination", "label_agreement", "distinct_n", "compression", "aps", "c2st"]


def real_rows(n: int) -> list[dict[str, str]]:
    rng = random.Random(99)
    labels = ("positive", "negative")
    return [{"id": f"real-{k}", "text": review(rng, labels[k % 2]) + " today", "label": labels[k % 2]} for k in range(n)]


def bad_run(folder: Path, n: int = 240) -> tuple[RunFolder, dict[str, Data]]:
    """A set with planted faults, curated and evaluated with hashed words; and the real sets it was held against."""
    faults = planted(n)
    run = curate(folder, faults.rows, STEPS, data={"holdout": faults.holdout}).folder
    sets = {"real": Data.of(real_rows(80), name="real"), "holdout": Data.of(faults.holdout, name="holdout")}
    utility = {"students": ("tfidf",), "sizes": (8, 16), "seeds": 2, "draws": 100, "weightings": ("plain",)}
    wanted = Wanted(sets=sets, metrics=METRICS, utility=utility, models={"embedder": HashedTfidf(128)}, runs=folder.parent)
    outcome = start(prepare(folder, wanted).execute)
    assert outcome.status == "done", (outcome.stop, outcome.trace)
    return run, sets


NASTY = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "style": "</style><style>body{display:none}</style></script>",
    "cdata": "]]> --> <!-- <![CDATA[ </svg></title></desc>",
    "link": "javascript:alert(1) <a href='javascript:alert(1)'>here</a> http://evil.example/",
    "bidi": "abc \u202e gnp.exe \u2066 x \x00\x07\x1b[31mred\x1b]8;;http://evil.example\x07",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} &lt;b&gt; \" ' `",
    "surrogate": "half \ud800 of a pair, \ufffe and \U000e0041 tags",
    "long": "x" * 1_000_000,
    "blank": "   ",
}


def nasty_run(folder: Path) -> RunFolder:
    """Texts, labels and ids that try to leave their place."""
    rows: list[dict[str, Any]] = []
    for at, (name, text) in enumerate(NASTY.items()):
        clean = text.encode("utf-8", "replace").decode()  # parquet holds no lone surrogate
        rows.append({"id": f"{name}-{at}", "text": clean, "label": ("<b>one</b>", "two\u202e")[at % 2]})
    rows += [{"id": f"same-{k}", "text": f"<i>row</i> number {k} of many words here", "label": "<b>one</b>"} for k in range(6)]
    return curate(folder, rows, ["refusals", {"length": {"words": [1, 400_000]}}]).folder


def page(folder: RunFolder, **options: Any) -> str:
    return build(folder, Options(**options)).text

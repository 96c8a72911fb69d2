"""Rows with known faults, and an evaluation of rows in memory."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tilth.engine.execute import start
from tilth.flows.evaluating import Wanted, prepare
from tilth.models.hashed import HashedTfidf
from tilth.records.data import Data

GOOD = ["superb", "moving", "warm", "clever", "funny", "bright", "tender", "gripping", "fresh", "honest"]
BAD = ["dull", "clumsy", "cold", "stupid", "tedious", "bleak", "shallow", "boring", "stale", "hollow"]
FILLER = [
    "the",
    "film",
    "story",
    "actor",
    "scene",
    "ending",
    "music",
    "pace",
    "script",
    "camera",
    "plot",
    "was",
    "with",
    "this",
    "very",
    "when",
    "every",
    "moment",
    "in",
    "that",
    "light",
    "evening",
    "river",
    "garden",
    "window",
    "summer",
    "winter",
    "bridge",
    "letter",
    "captain",
    "doctor",
    "teacher",
    "market",
    "village",
    "island",
    "harbour",
    "station",
    "journey",
    "promise",
    "silence",
    "shadow",
    "mirror",
    "candle",
    "picture",
    "winter",
    "forest",
    "mountain",
    "kitchen",
    "dinner",
    "money",
    "secret",
    "brother",
    "sister",
    "mother",
    "father",
]


def review(rng: random.Random, label: str) -> str:
    """A made-up review: about fourteen words, two of which tell the label."""
    told = rng.sample(GOOD if label == "good" else BAD, 2)
    return " ".join([*rng.choices(FILLER, k=6), told[0], *rng.choices(FILLER, k=5), told[1], rng.choice(FILLER)])


def reviews(n: int, seed: int, name: str) -> list[dict[str, Any]]:
    """As many reviews of either label."""
    rng = random.Random(seed)
    out = []
    for at in range(n):
        label = ("good", "bad")[at % 2]
        out.append({"id": f"{name}{at}", "text": review(rng, label), "label": label})
    return out


def evaluated(rows: Sequence[Any], folder: Path, *, metrics: Sequence[str] | None = None, utility: Any = None, **sets: Any) -> Any:
    """The stage after it has measured rows in memory against sets in memory."""
    given = {name: Data.of(one, name=name) for name, one in sets.items()}
    wanted = Wanted(sets=given, metrics=metrics, utility=utility, models={"embedder": HashedTfidf(128)}, runs=folder / "runs")
    ready = prepare(Data.of(rows), wanted)
    outcome = start(ready.execute)
    assert outcome.status == "done", (outcome.stop, outcome.trace)
    return ready.stage


def by_name(stage: Any) -> dict[str, Any]:
    """Its values by metric."""
    return {value.metric: value for value in stage.values}

"""Who labels, and what: allocation by entropy against chance on real raters, and ways of choosing rows against chance.

    python benchmarks/annotation_choice.py [--seeds 5] [--minilm FOLDER]      # on ../shared/data; FOLDER keeps the vectors

Allocation (POPQUORN, offensive or not): of each text's raters four play a model's answers, one is the person, the majority of three
others is the truth. So the person is no oracle: where raters differ, one more rater is wrong more often too. `oracle` is the same
allocation with people who are always right.
Choosing: pools of 600 rows, 60 labels from the file (20 at random, then 2 rounds of 20; vote-k takes 60 at once), accuracy of logistic
regression on 500 other rows; each seed is another pool. Vectors: hashed TF-IDF, or MiniLM with --minilm.
Differences are to `random` on the same seed, with a 95 % interval over seeds (Student's t).
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from sys import path
from types import SimpleNamespace
from typing import get_args

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
path[:0] = [str(Path(__file__).resolve().parent), str(ROOT / "src")]

from lowdata_sets import Vectors  # noqa: E402

from tilth.methods.annotation._rounds import accuracy_on, pick  # noqa: E402
from tilth.methods.annotation.coannotating import CoAnnotating, Opinion  # noqa: E402
from tilth.models.hashed import HashedTfidf  # noqa: E402
from tilth.stats.queries import Strategy  # noqa: E402
from tilth.stats.votes import vote_k  # noqa: E402

DATA = ROOT / ".." / "shared" / "data"
ANSWERS, TRUTH = 4, 3
"""Raters of a text that play the model, and those whose majority is the truth; one between them is the person."""
STUDENT_T = {4: 2.776, 9: 2.262, 19: 2.093}
"""97.5 % points by degrees of freedom: for 5, 10 and 20 seeds."""


def lines(name: str) -> list[dict]:
    """Rows of a JSON Lines file of the shared data."""
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def ratings(name: str, least: int) -> dict[str, list[bool]]:
    """Text to its raters' answers: whether the label is at least `least`."""
    found: dict[str, list[bool]] = defaultdict(list)
    for one in lines(f"annotator_level/{name}/annotations.jsonl"):
        found[one["item_id"]].append(one["label"] >= least)
    return {item: given for item, given in sorted(found.items()) if len(given) >= ANSWERS + 1 + TRUTH}


def allocation(rated: dict[str, list[bool]], seed: int, share: float) -> dict[str, float]:
    """Share of right labels for each way of allocating, people as raters and as oracles."""
    said, person, truth = {}, {}, {}
    for item, given in rated.items():
        mixed = random.Random(f"{item} {seed}").sample(given, ANSWERS + 1 + TRUTH)
        said[item] = Opinion({str(n): str(vote) for n, vote in enumerate(mixed[:ANSWERS])})
        person[item], truth[item] = str(mixed[ANSWERS]), str(sum(mixed[ANSWERS + 1 :]) * 2 > TRUTH)
    out = {}
    for how in ("entropy", "random"):
        method = CoAnnotating(llm_share=share, uncertainty=how)
        by_model = method.allocated(SimpleNamespace(rng=lambda *name: random.Random(seed)), said)
        out[how] = float(np.mean([(said[one].label if one in by_model else person[one]) == truth[one] for one in said]))
        out[f"{how}, oracle"] = float(np.mean([one not in by_model or said[one].label == truth[one] for one in said]))
    return out


def choices(name: str, seed: int, embed: Callable[[list[str]], np.ndarray]) -> dict[str, float]:
    """Accuracy on other rows for each way of choosing 60 rows of 600."""
    drawn = random.Random(seed).sample(lines(f"text_classification/{name}/train.jsonl"), 1100)
    vectors = np.asarray(embed([row["text"] for row in drawn]))
    rows, tested = vectors[:600], vectors[600:]
    labels, truth = [str(row["label"]) for row in drawn[:600]], [str(row["label"]) for row in drawn[600:]]

    def reached(picks: Sequence[int]) -> float:
        return accuracy_on(rows, {str(at): labels[at] for at in picks}, tested, truth, 10.0)

    first = np.random.default_rng(seed).permutation(600)[:20].tolist()
    out = {}
    for strategy in get_args(Strategy):
        picks = list(first)
        for number in range(2):
            picks += pick(strategy, rows, {str(at): labels[at] for at in picks}, [], 20, 10.0, 1000 * seed + number)
        out[strategy] = reached(picks)
    return {**out, "vote-k, k 150": reached(vote_k(rows, 60, k=150)), "vote-k, k 20": reached(vote_k(rows, 60, k=20))}


def told(values: Sequence[float], beside: Sequence[float]) -> str:
    """Mean, and the mean difference with its interval over seeds."""
    gaps = np.subtract(values, beside)
    half = STUDENT_T[len(gaps) - 1] * gaps.std(ddof=1) / math.sqrt(len(gaps))
    return f"{100 * np.mean(values):.1f} | {100 * gaps.mean():+.1f} [{100 * (gaps.mean() - half):+.1f}, {100 * (gaps.mean() + half):+.1f}]"


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, choices=(5, 10, 20))
    parser.add_argument("--minilm", type=Path, help="a folder for the vectors of tilth's local embedder")
    options = parser.parse_args()
    seeds = range(options.seeds)
    print("| raters | n | share | people | entropy | minus random, points |\n| --- | --- | --- | --- | --- | --- |")
    rated = ratings("popquorn_offensiveness", 2)
    for share in (0.25, 0.5, 0.75):
        allocated = [allocation(rated, seed, share) for seed in seeds]
        for people, end in (("a rater", ""), ("oracle", ", oracle")):
            both = [[one[how + end] for one in allocated] for how in ("entropy", "random")]
            print(f"| POPQUORN | {len(rated)} | {share} | {people} | {told(*both)} |")
    print("\n| pool | chosen by | accuracy | minus random, points |\n| --- | --- | --- | --- |")
    for name in ("trec6", "sst2"):
        embed = Vectors(options.minilm / f"minilm-{name}.npz") if options.minilm else HashedTfidf().vectors
        found = [choices(name, seed, embed) for seed in seeds]
        for how in found[0]:
            print(f"| {name} | {how} | {told([one[how] for one in found], [one['random'] for one in found])} |")


if __name__ == "__main__":
    main()

"""What progen's influence and sungen's weights are worth on published synthetic reviews, judged on real SST-2 test sentences.

    python benchmarks/quality.py [--seeds 5] [--folder DIR] [--only CELL]      # about four minutes of a core; reads ../shared/data

Rows: 1,000 balanced rows per seed of FewGen's and of SuperGen's SST-2 sets, as published and with labels flipped by us (evenly 30 %,
or 40 % of one class and 5 % of the other), so that it is known which are wrong. V and everything that is chosen come from the same
noisy rows; real sentences are only tested on. Students: TF-IDF and MiniLM logistic regression. Intervals: 95 %, Student's t over the
seeds, of differences on the same rows.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from pathlib import Path
from sys import path

import numpy as np

# isort: off
path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "src")]

from lowdata_sets import Vectors  # noqa: E402
from tilth.methods.classification._helpful import influence  # noqa: E402
from tilth.methods.classification.sungen import weigh  # noqa: E402
from tilth.train.embedding import EmbeddingLogistic  # noqa: E402
from tilth.train.influence import influences  # noqa: E402
from tilth.train.reweighting import Settings, centred, reweigh  # noqa: E402
from tilth.train.tfidf import TfidfLogistic  # noqa: E402

DATA = Path(__file__).resolve().parents[1] / "../shared/data"
SOURCES = {"FewGen": "synthetic_published/fewgen_sst2/train", "SuperGen": "synthetic_published/supergen_sst2/train"}
NOISE = {"as published": (0.0, 0.0), "30 % flipped": (0.3, 0.3), "40 % / 5 % flipped": (0.4, 0.05)}
ROWS, VALIDATION = 1000, 200
SETTINGS = {"steps": 40, "rate": 0.25}
T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}
"""Quantiles of Student's t for so many seeds."""


def read(name):
    """Texts and labels (1: positive)."""
    with open(DATA / f"{name}.jsonl", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], np.array([int(row["label"] == "positive") for row in rows])


def drawn(labels, seed, noise):
    """Numbers of balanced rows, their labels after flipping, and which were flipped."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.permutation(np.flatnonzero(labels == label))[: ROWS // 2] for label in (0, 1)])
    rng.shuffle(rows)
    flipped = rng.random(ROWS) < np.where(labels[rows] == 1, *noise)
    return rows, np.where(flipped, 1 - labels[rows], labels[rows]), flipped


def auroc(values, positive):
    ranks = np.argsort(np.argsort(values))
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n - 1) / 2) / (n * (~positive).sum()))


class Bench:
    """One source with one noise and seed: its rows, and the accuracy of students of any part of them with any weights."""

    def __init__(self, texts, vectors, labels, test, seed, noise):
        rows, self.labels, self.flipped = drawn(labels, seed, noise)
        self.texts, self.vectors = [texts[at] for at in rows], vectors[rows]
        self.ids = [f"{at:05}" for at in rows]
        self.test, self.seed, self.rng = test, seed, np.random.default_rng([seed, 1])
        self.counted = TfidfLogistic().features([*self.texts, *test[0]])

    def accuracy(self, weights=None, kept=None):
        """(TF-IDF, MiniLM)."""
        kept = np.arange(len(self.texts)) if kept is None else np.asarray(kept)
        names = [str(label) for label in self.labels[kept]]
        given = None if weights is None else weights[kept]
        tfidf = TfidfLogistic().fit(self.counted[kept], names, weight=given)
        mini = EmbeddingLogistic().fit(self.vectors[kept], names, weight=given)
        found = tfidf.predict(self.counted[np.arange(len(self.texts), len(self.counted))]), mini.predict(self.test[1])
        return tuple(float(np.mean(np.array(one) == self.test[2].astype(str))) for one in found)

    def sungen(self, plain):
        """Weights, and what they do beside two controls: the same weights shuffled within the labels, and the cross-entropy outside."""
        places = [int(label) for label in self.labels]
        found = weigh(self.vectors, places, self.ids, SETTINGS, 50_000, 0.2, self.seed)
        weights = np.array(found["weights"])
        shuffled, settings = weights.copy(), {**SETTINGS, "steps": 20, "rate": 0.1}
        for label in (0, 1):
            at = np.flatnonzero(self.labels == label)
            shuffled[at] = weights[self.rng.permutation(at)]
        outer = self.rng.permutation(len(weights))[: len(weights) // 2]
        targets, rows = np.eye(2)[self.labels], centred(self.vectors)
        arms = {"weights": weights, "weights shuffled": shuffled, "20 slow steps": reweigh(rows, targets, outer, Settings(**settings))}
        arms["20 slow steps, CE outside"] = reweigh(rows, targets, outer, Settings(**settings, loss="ce"))
        arms["20 slow steps, as published"] = reweigh(rows, targets, outer, Settings(**settings, by_class=False))
        out = {"steps": found["steps"]}
        for name, one in arms.items():
            out[f"gain: {name}"] = differences(self.accuracy(one), plain)
            if self.flipped.any():
                out[f"auroc: {name}"] = auroc(one, ~self.flipped)
        return out

    def progen(self, plain):
        """Is influence right about wrong rows, with V as wrong as they are; and what are its best and worst rows worth?"""
        order = self.rng.permutation(len(self.texts))
        held, learned = order[:VALIDATION], order[VALIDATION:]
        labels = [int(one) for one in self.labels]
        pick = [labels[at] for at in learned]
        robust = np.array(influence(self.vectors[learned], pick, self.vectors[held], [labels[at] for at in held], 1.0))
        columns = np.eye(2)
        plain_ce = influences(self.vectors[learned], columns[pick], self.vectors[held], columns[self.labels[held]], loss="ce")
        out = {}
        if self.flipped.any():
            wrong = self.flipped[learned]
            out |= {"auroc: influence (RCE)": auroc(robust, wrong), "auroc: influence (CE)": auroc(plain_ce, wrong)}
        best, random = [], []
        for label in (0, 1):
            at = np.flatnonzero(np.array(pick) == label)
            best += list(at[np.argsort(robust[at], kind="stable")][:50])
            random += list(self.rng.permutation(at)[:50])
        out["wrong in the pool"], out["wrong in a random pool"] = (float(self.flipped[learned[part]].mean()) for part in (best, random))
        worst = np.argsort(-robust, kind="stable")[: len(learned) // 10]
        base = self.accuracy(kept=learned)
        out["gain: without the worst tenth"] = differences(self.accuracy(kept=np.delete(learned, worst)), base)
        out["gain: without a random tenth"] = differences(self.accuracy(kept=self.rng.permutation(learned)[len(learned) // 10 :]), base)
        out["gain: pool of 100 over 100 random"] = differences(self.accuracy(kept=learned[best]), self.accuracy(kept=learned[random]))
        return out


def differences(one, other):
    return [round(100 * (a - b), 3) for a, b in zip(one, other, strict=True)]


def measure(seeds, folder, only):
    """{source: {noise: {method: [one result per seed]}}}; each cell is kept in a file of `folder` and not measured again."""
    vectors, out = Vectors(folder / "vectors.npz"), {}
    for number, (source, noise) in enumerate((source, noise) for source in SOURCES for noise in NOISE):
        file = folder / f"cell-{number}-{seeds}.json"
        if not file.exists() and only in (None, number):
            file.write_text(json.dumps(cell(seeds, vectors, source, NOISE[noise])), "utf-8")
        if file.exists():
            out.setdefault(source, {})[noise] = json.loads(file.read_bytes())
    return out


def cell(seeds, vectors, source, noise):
    """One result per seed, of each method and of equal weights."""
    texts, labels = read("text_classification/sst2/test")
    test = (texts, vectors(texts), labels)
    texts, labels = read(SOURCES[source])
    found = {"plain": [], "sungen": [], "progen": []}
    for seed in range(seeds):
        bench = Bench(texts, vectors(texts), labels, test, seed, noise)
        plain = bench.accuracy()
        found["plain"].append([100 * one for one in plain])
        found["sungen"].append(bench.sungen(plain))
        found["progen"].append(bench.progen(plain))
    return found


def interval(values, digits=1, signed=False):
    """Mean and interval as text."""
    half = T[len(values)] * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    mean, sign = float(np.mean(values)), "+" if signed else ""
    return f"{mean:{sign}.{digits}f} [{mean - half:{sign}.{digits}f}, {mean + half:{sign}.{digits}f}]"


def tables(found):
    """Markdown: one table a method."""
    for method in ("progen", "sungen"):
        yield f"\n### {method}\n\n| rows | labels | what | value | TF-IDF, points | MiniLM, points |\n|---|---|---|---|---|---|"
        for source, by_noise in found.items():
            for noise, cell in by_noise.items():
                both = [interval([one[at] for one in cell["plain"]]) for at in (0, 1)]
                yield f"| {source} | {noise} | accuracy of all rows, equal weights, % | | {both[0]} | {both[1]} |"
                for name in cell[method][0]:
                    values = [one[name] for one in cell[method]]
                    if name.startswith("gain: "):
                        points = [interval([one[at] for one in values], 1, True) for at in (0, 1)]
                        yield f"| | | {name.removeprefix('gain: ')} | | {points[0]} | {points[1]} |"
                    else:
                        yield f"| | | {name} | {interval(values, 2)} | | |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, choices=sorted(T))
    parser.add_argument("--folder", type=Path, help="Where vectors and finished cells are kept between starts.")
    parser.add_argument("--only", type=int, help="Measure this one of the six cells.")
    args = parser.parse_args()
    if not DATA.exists():
        print("quality.py: ../shared/data is absent; nothing was measured.")
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(args.seeds, args.folder or Path(folder), args.only)
    print("\n".join(tables(found)))


if __name__ == "__main__":
    main()

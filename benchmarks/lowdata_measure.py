"""The experiments of benchmarks/lowdata.py: every arm, size and student by `tilth.evaluate.utility`; results as JSON."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from lowdata_make import MADE, lists
from lowdata_sets import Rows, Vectors, labelled, made, margins, openings, real, shared_8_grams, shared_out, top_half

from tilth.evaluate.utility.arms import TEMPLATES, Example, Filter
from tilth.evaluate.utility.experiment import Design, Learner, embedding, experiment, tfidf
from tilth.records.ids import hex_digest

NAMES = {"prefill": "AttrPrompt with prefill", "zero_shot": "zero-shot chat", "attributed": "AttrPrompt"}
ANNOTATE, BOTH = "annotate instead", "annotate instead and AttrPrompt with prefill"


@dataclass(frozen=True)
class Part:
    """One experiment. shots: real rows per class. filtered: with the LLM filter and its random half."""

    name: str
    shots: tuple[int, ...]
    filtered: bool
    weightings: tuple[str, ...] = ("plain",)
    eda_most: int = 0


def parts(dataset: str, student: str) -> list[Part]:
    """What is measured. Where it takes longest, less: no EDA of the most real rows, no filter there with TF-IDF.

    EDA on trec6 with MiniLM up to 16 real rows per class: each of its rows must be embedded.
    """
    fixed, quick = tuple(lists()["shots"]), student == "minilm"
    return [
        Part("main", fixed[:-1], filtered=True, eda_most=96 if quick and dataset == "trec6" else 1000),
        Part("most", fixed[-1:], filtered=quick),
        Part("balanced", fixed[:-1], filtered=False, weightings=("balanced",)),
    ]


class Material:
    """All sets of a dataset that are there now."""

    def __init__(self, runs: Path, dataset: str) -> None:
        fixed = lists()
        self.dataset, self.seeds = dataset, fixed["generation_seeds"]
        self.test = real(dataset, "test")
        self.train, self.unlabelled = shared_out(dataset)
        self.labels: dict[str, list[Rows | None]] = {arm: [labelled(runs, dataset, arm, seed) for seed in self.seeds] for arm in MADE}
        found = {arm: [made(runs, dataset, arm, seed) for seed in self.seeds] for arm in MADE}
        self.sets: dict[str, list[Rows]] = {}
        if any(found["prefill"]):
            self.sets[TEMPLATES] = [openings(rows, fixed[dataset]["end"]) for rows in found["prefill"] if rows]
        for arm, rows in found.items():
            if any(rows):
                self.sets[NAMES[arm]] = [one for one in rows if one]
        annotated = [one for seed in self.seeds if (one := labelled(runs, dataset, "unlabelled", seed))]
        self.annotated = annotated
        if annotated:
            self.sets[ANNOTATE] = annotated
            if NAMES["prefill"] in self.sets:
                self.sets[BOTH] = [one + other for one, other in zip(annotated, self.sets[NAMES["prefill"]], strict=False)]
        self.margins = {
            NAMES[arm]: margins([row for rows in self.labels[arm] if rows for row in rows])
            for arm in MADE
            if all(labels for rows, labels in zip(found[arm], self.labels[arm], strict=True) if rows) and any(found[arm])
        }

    def print(self, part: Part) -> str:
        """Changes when a set does, or what the filter knows, or the part."""
        texts = [row["text"] for rows in self.sets.values() for one in rows for row in one]
        return hex_digest("lowdata", repr(part), *texts, *(sorted(self.margins) if part.filtered else ()))

    def keep(self, arm: str, generation: int, rows: Sequence[Example]) -> Sequence[int] | None:
        """The LLM filter: the better half of each label; None where the set was not labelled."""
        known = self.margins.get(arm)
        return None if known is None else top_half(rows, known)

    def sizes(self, shots: Sequence[int]) -> dict[int, int]:
        """Real rows in all to r: r per class, or r in all where most classes have fewer; a class that has fewer gives all it has."""
        counts = Counter(row["label"] for row in self.train)
        return {sum(min(r, n) for n in counts.values()) if median(counts.values()) >= r else r: r for r in shots}


def measure(runs: Path, datasets: Sequence[str], students: Sequence[str], only: Sequence[str]) -> None:
    """Every part that is not measured yet, or was measured on other sets."""
    fixed = lists()
    (runs / "results").mkdir(exist_ok=True)
    for dataset in datasets:
        material = Material(runs, dataset)
        vectors = Vectors(runs / f"minilm-{dataset}.npz")
        for student in students:
            learner = tfidf(fixed["C"]["tfidf"]) if student == "tfidf" else embedding(vectors, fixed["C"]["minilm"])
            for part in parts(dataset, student):
                path = runs / "results" / f"{dataset}-{student}-{part.name}.json"
                fresh = path.exists() and json.loads(path.read_bytes())["sets"] == material.print(part)
                if part.name in only and not fresh:
                    path.write_text(json.dumps(one(material, part, learner), indent=1))
        facts(material, runs / "results" / f"{dataset}-facts.json")


def one(material: Material, part: Part, learner: Learner) -> dict[str, Any]:
    """One experiment as JSON."""
    began = time.monotonic()
    sizes = material.sizes(part.shots)
    design = Design(
        sizes=tuple(sizes),
        seeds=tuple(range(lists()["shot_seeds"])),
        per_label=True,
        weightings=part.weightings,  # type: ignore[arg-type]
        ways=("add", "only") if part.name == "main" else ("add",),
        eda=4 if part.eda_most else 0,
        eda_most=part.eda_most,
        draws=1000,
    )
    filters: dict[str, Filter] = {"llm": material.keep} if part.filtered else {}
    table = experiment(material.train, material.test, material.sets, design, students=[learner], filters=filters)
    return {
        "sets": material.print(part),
        "shots": {str(size): r for size, r in sizes.items()},
        "generations": {name: len(rows) for name, rows in material.sets.items()},
        "rows": list(table.rows()),
        "headlines": [line.sentence() for line in table.headlines()],
        "warnings": table.warnings,
        "missing": table.missing,
        "known_zero": table.known_zero(),
        "n": table.n,
        "seconds": round(time.monotonic() - began, 1),
    }


def facts(material: Material, path: Path) -> None:
    """What is told beside the accuracies: sizes, openings, agreement with the model, 8-grams shared with test rows."""
    out: dict[str, Any] = {}
    for name, generations in material.sets.items():
        texts = [row for rows in generations for row in rows]
        shared, whole = shared_8_grams(texts, material.test)
        out[name] = {
            "generations": len(generations),
            "rows": [len(rows) for rows in generations],
            "distinct": [len({row["text"] for row in rows}) for rows in generations],
            "words": round(sum(len(row["text"].split()) for row in texts) / len(texts), 1),
            "shared_8_grams": [shared, whole],
        }
    for arm in MADE:
        rows = [row for one in material.labels[arm] if one for row in one]
        if rows:
            out[NAMES[arm]]["model_agrees"] = round(sum(row["label"] == row["gold"] for row in rows) / len(rows), 4)
    rows = [row for one in material.annotated for row in one]
    if rows:
        out[ANNOTATE]["label_accuracy"] = round(sum(row["label"] == row["gold"] for row in rows) / len(rows), 4)
    path.write_text(json.dumps(out, indent=1))

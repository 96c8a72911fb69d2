"""A set of reviews with planted faults, each known by id: flipped labels, near duplicates, leaks, a foreign row, a refusal."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

GOOD = [
    "gorgeous",
    "witty",
    "moving",
    "charming",
    "brilliant",
    "tender",
    "funny",
    "warm",
    "clever",
    "delightful",
    "superb",
    "graceful",
    "honest",
    "vivid",
    "thrilling",
]
BAD = [
    "dull",
    "clumsy",
    "boring",
    "tedious",
    "awful",
    "lifeless",
    "shallow",
    "messy",
    "stale",
    "painful",
    "flat",
    "hollow",
    "grating",
    "lazy",
    "dreary",
]
WHAT = [
    "film",
    "movie",
    "drama",
    "comedy",
    "thriller",
    "documentary",
    "sequel",
    "remake",
    "romance",
    "western",
    "musical",
    "debut",
    "picture",
]
PART = [
    "script",
    "cast",
    "ending",
    "pace",
    "dialogue",
    "camera",
    "score",
    "plot",
    "lead",
    "humour",
    "editing",
    "direction",
    "costumes",
    "lighting",
]
PLACE = [
    "in a harbour town",
    "on a night train",
    "at a country school",
    "in the desert",
    "during the war",
    "near the old mill",
    "in a tiny village",
    "by the sea",
]
SHAPES = (
    "a {a} {what} {place} with a {b} {part} and a {c} {part2}",
    "the {part} is {a} and the {part2} is {b} , so this {what} {place} feels {c}",
    "{a} and {b} from start to finish , this {what} {place} has a {c} {part}",
    "what a {a} {what} {place} : {b} {part} , {c} {part2}",
)
ASIDE = ("please , ", "well , ", "so , ")


@dataclass
class Planted:
    """rows: the set. The others: ids of the planted faults; of duplicates and leaks with the id that each goes back to."""

    rows: list[dict[str, str]] = field(default_factory=list)
    holdout: list[dict[str, str]] = field(default_factory=list)
    truth: dict[str, str] = field(default_factory=dict)
    flipped: set[str] = field(default_factory=set)
    copies: dict[str, str] = field(default_factory=dict)
    leaks: dict[str, str] = field(default_factory=dict)
    foreign: str = ""
    refusal: str = ""


def review(rng: random.Random, label: str) -> str:
    """A text whose words say its label."""
    words = rng.sample(GOOD if label == "positive" else BAD, 3)
    part, part2 = rng.sample(PART, 2)
    values = dict(zip("abc", words, strict=True), part=part, part2=part2, what=rng.choice(WHAT), place=rng.choice(PLACE))
    return rng.choice(SHAPES).format(**values)


def planted(n: int = 600, seed: int = 0) -> Planted:
    """n rows, of which 30 % have the wrong label, 5 % repeat another and 2 % come from the holdout."""
    rng, out = random.Random(seed), Planted()
    seen: set[str] = set()

    def fresh(label: str) -> str:
        text = review(rng, label)
        while text in seen:
            text = review(rng, label)
        seen.add(text)
        return text

    labels = ["positive", "negative"]
    out.holdout = [{"id": f"test-{k}", "text": fresh(labels[k % 2]), "label": labels[k % 2]} for k in range(100)]
    originals = n - n // 20 - n // 50 - 2
    for k in range(originals):
        _add(out, f"row-{k}", fresh(labels[k % 2]), labels[k % 2])
    for k in range(n // 20):
        of = out.rows[k * 7]
        text = rng.choice(ASIDE) + of["text"].replace(" is ", " 's ").capitalize() + " !"
        _add(out, f"copy-{k}", text, of["label"])
        out.copies[f"copy-{k}"] = of["id"]
    for k, of in enumerate(rng.sample(out.holdout, n // 50)):
        _add(out, f"leak-{k}", f"Review: {of['text'].upper()}.", of["label"])
        out.leaks[f"leak-{k}"] = of["id"]
    out.foreign, out.refusal = "foreign", "refusal"
    _add(out, "foreign", "Der Film ist viel zu lang und am Ende leider auch noch langweilig.", "negative")
    _add(out, "refusal", "I'm sorry, but I cannot assist with writing this review.", "positive")
    out.truth = {row["id"]: row["label"] for row in out.rows}
    for row in rng.sample(out.rows[:originals], round(0.3 * n)):
        row["label"] = labels[1 - labels.index(row["label"])]
        out.flipped.add(row["id"])
    rng.shuffle(out.rows)
    return out


def _add(out: Planted, id_: str, text: str, label: str) -> None:
    out.rows.append({"id": id_, "text": text, "label": label})

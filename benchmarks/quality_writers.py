"""What gpt3mix's soft labels and cllm's curation are worth: each runs through Tilth, and is judged on real test rows alone.

    python benchmarks/quality_writers.py [--seeds 5]                  # cllm on simulated and published rows: minutes of a core
    python benchmarks/quality_writers.py --folder DIR [--only PART]   # all: the embedded model writes too, some twenty minutes of a core

DIR keeps runs, vectors and finished parts between starts. Reads ../shared/data.

The plan, fixed before any accuracy was seen (what had been seen: 60 texts and 6 replies of trial runs, and their speed):

gpt3mix (parts sst2, trec6). Per seed 8 real rows a class and 80 (SST-2) or 48 (TREC-6) texts of the embedded model, its parameters as
published but for temperature 0.8 and top-p 0.95, its label probabilities by scoring the label words. Arms, all on top of the real rows:
the texts with soft labels; with the likeliest label; with the label word that was written (texts with a word that is no label are left
out, as the method itself does without soft labels). Controls: soft labels shuffled among the texts; EDA of the real rows, as many;
as many further real rows with their labels (what the place of these rows could give at most). Each added row weighs 1 like a real one, or
all of them together as much as the real ones. Students: TF-IDF and MiniLM logistic regression with fixed C; metric: accuracy on the real
test rows, as a gain over the real rows alone. Right labels of written texts are not known: a MiniLM student of 2,000 real train rows
stands in for them, to compare the three kinds of label, and texts of which the model is surer with those of which it is less sure.

Added after the first results on SST-2, and marked so where they are told: added rows weighed so that each label has the same mass
("balanced": these students lean to the label that more rows have, also with real rows), and the half of each label of which the model is
surest, beside a random half.

cllm (parts tables, desk, local). Simulated writers, which say plainly what is wrong with their rows, answer instead of a model: real rows
that are in neither train nor test, as they are; the same with 30 % of labels flipped; rows between two real train rows of a label
(numbers interpolated, categories of either), 30 % flipped; each column drawn alone from the train rows. And the published synthetic rows
of student_placements (made by SDV from all real rows: their generator saw the test rows, the method and the students do not). Tables: Adult
and Pima. Real train rows: 20 and 100, drawn anew per seed until each label has at least 4. The method runs with its published parameters
until it has kept 300 rows; what it turned away as hard is read back from the run. Metric: AUC on real test rows (at most 2,000), mean of
logistic regression, random forest and boosting, of the real rows with: nothing, all written rows, the curated, as many random ones. And
AUROC of 1 - confidence for flipped rows, beside two plain scores: the last stage of the same booster, and logistic regression of the real
rows. The embedded model itself (part local): Pima, 40 real rows, 8 shown, 5 rows a call, 4 calls a seed: what becomes of its replies,
and the same AUC. Rows that a large chat model wrote at desk (part desk, added while the others ran, before any of their results): one
reply of 25 rows to the method's prompt with 20 real rows of Pima for each of the five seeds; quality_desk_rows.jsonl holds the replies. It
may know this table: rows that equal a real one that it was not shown are counted. Both beside as many further real rows.

Intervals: 95 %, Student's t over the seeds, of differences on the same rows, not corrected for the number of lines.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from sys import path

import numpy as np

# isort: off
path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "src")]

import quality_rows  # noqa: E402
import tilth  # noqa: E402
from lowdata_sets import Vectors  # noqa: E402
from quality import DATA, T, differences, interval  # noqa: E402
from tilth.evaluate.utility.eda import augmented  # noqa: E402
from tilth.methods.classification.gpt3mix import GPT3Mix  # noqa: E402
from tilth.prompts.parsers import match_label  # noqa: E402
from tilth.records.read import read  # noqa: E402
from tilth.report.usage import usage  # noqa: E402
from tilth.train.embedding import EmbeddingLogistic  # noqa: E402
from tilth.train.tfidf import TfidfLogistic  # noqa: E402

SHOTS, REFERENCE = 8, 2000
SAMPLING = {"temperature": 0.8, "top_p": 0.95}
TREC_WORDS = {"ABBR": "abbreviation", "DESC": "description", "ENTY": "thing", "HUM": "person", "LOC": "place", "NUM": "number"}
SETS = {
    "sst2": {"rows": 80, "text_type": "Movie review", "label_type": "Sentiment", "verbalisers": {}},
    "trec6": {"rows": 48, "text_type": "Question", "label_type": "Type of answer", "verbalisers": TREC_WORDS},
}
WEIGHTS = ("each", "halves", "balanced")
HALVES = ("likeliest label, surer half", "likeliest label, random half")
CONTRASTS = (("soft labels", "likeliest label"), ("soft labels", "written label"), ("soft labels", "soft labels, shuffled"), HALVES)


def rows_of(dataset, part):
    """Texts and labels."""
    rows = [(row["text"], row["label"]) for row in read(str(DATA / f"text_classification/{dataset}/{part}.jsonl"))]
    return [text for text, _ in rows], [label for _, label in rows]


def drawn(labels, seed, each):
    """Numbers of `each` rows a label, and of all others, shuffled."""
    order = list(range(len(labels)))
    random.Random(f"real rows {seed}").shuffle(order)
    chosen = [at for label in sorted(set(labels)) for at in [at for at in order if labels[at] == label][:each]]
    return chosen, [at for at in order if at not in set(chosen)]


def written(dataset, seed, support, runs):
    """The texts of one run of the method, and its outcome in numbers."""
    given = dict(SETS[dataset])
    names = sorted({row["label"] for row in support})
    options = {"task": {"kind": "classification", "labels": dict.fromkeys(names, "")}, "models": {"generator": "local"}}
    outcome = tilth.run(
        GPT3Mix(**given, **SAMPLING), data={"support": support}, seed=seed, runs=runs, name=f"gpt3mix-{dataset}-{seed}", **options
    )
    rows, words = list(read(str(outcome.path))), {given["verbalisers"].get(label, label): label for label in names}
    meant = [words.get(match_label(row.meta["conditions"]["written"], words)) for row in rows]
    facts = {
        "texts": len(rows),
        "calls": usage(outcome.folder).calls,
        "no label in brackets": outcome.reasons.get(("write", "no_label"), 0),
    }
    return rows, meant, {**facts, "other reasons": outcome.rejected - facts["no label in brackets"]}


class Students:
    """Accuracy on real test rows of two students of any of these texts."""

    def __init__(self, texts: Sequence[str], vectors: Vectors, test: tuple[Sequence[str], Sequence[str]]) -> None:
        self.counted = TfidfLogistic().features([*texts, *test[0]])
        self.vectors, self.test_vectors = vectors(texts), vectors(test[0])
        self.held, self.answers = np.arange(len(texts), len(self.counted)), np.array(test[1])

    def __call__(self, at, labels, soft=None, weight=None):
        """(TF-IDF, MiniLM) of the rows with these numbers."""
        at = np.asarray(at)
        tfidf = TfidfLogistic().fit(self.counted[at], labels, soft=soft, weight=weight)
        mini = EmbeddingLogistic().fit(self.vectors[at], labels, soft=soft, weight=weight)
        found = tfidf.predict(self.counted[self.held]), mini.predict(self.test_vectors)
        return tuple(float(np.mean(np.array(one) == self.answers)) for one in found)


def one_seed(dataset, seed, train, test, reference, vectors, runs):
    """Accuracies of the real rows alone, gains of each arm with both weights, and what the labels of the texts look like."""
    texts, labels = train
    real, others = drawn(labels, seed, SHOTS)
    support = [{"text": texts[at], "label": labels[at]} for at in real]
    rows, meant, facts = written(dataset, seed, support, runs)
    size, own = len(rows), [labels[at] for at in real]
    variants = augmented([texts[at] for at in real], own, each=8, seed=seed)
    changed = random.Random(seed).sample([(one, label) for many, label in zip(variants, own, strict=True) for one in many], size)
    new = [row["text"] for row in rows]
    pool = [*(texts[at] for at in real), *new, *(one for one, _ in changed), *(texts[at] for at in others[:size])]
    students, soft = Students(pool, vectors, test), [dict(row["label_probs"]) for row in rows]
    shuffled = random.Random(f"shuffled {seed}").sample(soft, size)
    first, readable = len(real), [at for at, label in enumerate(meant) if label is not None]
    best = [row["label"] for row in rows]
    numbers = list(range(first, first + size))
    given = {
        "soft labels": (numbers, best, soft),
        "likeliest label": (numbers, best, None),
        "written label": ([first + at for at in readable], [meant[at] for at in readable], None),
        "soft labels, shuffled": (numbers, [max(one, key=one.__getitem__) for one in shuffled], shuffled),
        **dict(zip(HALVES, halves(best, soft, numbers, seed), strict=True)),
        "EDA, as many": (list(range(first + size, first + 2 * size)), [label for _, label in changed], None),
        "real rows, as many": (list(range(first + 2 * size, first + 3 * size)), [labels[at] for at in others[:size]], None),
    }
    base, gains = students(range(first), own), {}
    for arm, (at, names, probs) in given.items():
        probs = probs or [{label: 1.0} for label in names]
        gains[arm] = {}
        for weights, (targets, weight) in weighed(probs, first).items():
            together = students([*range(first), *at], [*own, *names], [*[None] * first, *targets], np.r_[np.ones(first), weight])
            gains[arm][weights] = differences(together, base)
    facts |= {"written word is a label, %": 100 * len(readable) / size, **agreement(reference.predict(vectors(new)), best, meant, soft)}
    return {"real only": [100 * one for one in base], "gains": gains, "facts": facts}


def halves(best, soft, numbers, seed):
    """The half of each label of which the model is surest, and a random half of each label."""
    sure, chance = np.array([max(one.values()) for one in soft]), np.random.default_rng([seed, 3]).random(len(soft))
    for order in (np.argsort(-sure, kind="stable"), np.argsort(chance)):
        kept = [at for label in sorted(set(best)) for at in [at for at in order if best[at] == label][: (best.count(label) + 1) // 2]]
        yield [numbers[at] for at in kept], [best[at] for at in kept], None


def weighed(probs, real):
    """Targets and weights of added rows: 1 each; as much as the real ones together; each label with the same mass."""
    mass = {label: sum(one.get(label, 0.0) for one in probs) for one in probs for label in one}
    factor = {label: len(probs) / len(mass) / found for label, found in mass.items() if found}
    balanced = [{label: p * factor[label] for label, p in one.items() if p} for one in probs]
    return {
        "each": (probs, np.ones(len(probs))),
        "halves": (probs, np.full(len(probs), real / len(probs))),
        "balanced": (balanced, np.array([sum(one.values()) for one in balanced])),
    }


def agreement(judged, best, meant, soft):
    """How often each kind of label is that of the reference student, in percent."""
    right = np.array([one == other for one, other in zip(judged, best, strict=True)])
    wrote = np.array([one == other for one, other in zip(judged, meant, strict=True)])[[label is not None for label in meant]]
    sure = np.array([max(one.values()) for one in soft])
    order = np.argsort(-sure, kind="stable")
    half = len(order) // 2
    return {
        "written label agrees, %": 100 * wrote.mean(),
        "likeliest label agrees, %": 100 * right.mean(),
        "likeliest agrees, surer half, %": 100 * right[order[:half]].mean(),
        "likeliest agrees, other half, %": 100 * right[order[half:]].mean(),
        "mean probability of the likeliest, %": 100 * sure.mean(),
        "commonest written label, %": 100 * commonest([label for label in meant if label is not None]),
        "commonest likeliest label, %": 100 * commonest(best),
    }


def commonest(labels):
    """Share of the commonest label."""
    return max(map(labels.count, set(labels))) / len(labels)


def gpt3mix(dataset, seeds, folder):
    """One result per seed, and the accuracy of the reference student."""
    vectors, train, test = Vectors(folder / "vectors.npz"), rows_of(dataset, "train"), rows_of(dataset, "test")
    at = random.Random("reference").sample(range(len(train[0])), REFERENCE)
    reference = EmbeddingLogistic().fit(vectors([train[0][one] for one in at]), [train[1][one] for one in at])
    right = float(np.mean(np.array(reference.predict(vectors(test[0]))) == np.array(test[1])))
    return {
        "reference": 100 * right,
        "seeds": [one_seed(dataset, seed, train, test, reference, vectors, folder / "runs") for seed in range(seeds)],
    }


def gpt3mix_table(dataset, found):
    """Markdown."""
    seeds = found["seeds"]
    yield f"\n### gpt3mix on {dataset}\n"
    heads = [f"{student}, {weights}" for student in ("TF-IDF", "MiniLM") for weights in WEIGHTS]
    yield f"| added to the real rows | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}"
    base = [interval([one["real only"][at] for one in seeds]) for at in (0, 1)]
    yield f"| nothing: accuracy, % | {' | | | '.join(base)} | | |"
    columns = [(student, weights) for student in (0, 1) for weights in WEIGHTS]
    for arm in seeds[0]["gains"]:
        cells = [interval([one["gains"][arm][weights][student] for one in seeds], 1, True) for student, weights in columns]
        yield f"| {arm} | {' | '.join(cells)} |"
    for one, other in CONTRASTS:
        pairs = [[seed["gains"][one][w][s] - seed["gains"][other][w][s] for seed in seeds] for s, w in columns]
        yield f"| {one} over {other} | {' | '.join(interval(pair, 1, True) for pair in pairs)} |"
    yield "\n| labels of the texts | mean over seeds |\n|---|---|"
    for name in seeds[0]["facts"]:
        yield f"| {name} | {interval([one['facts'][name] for one in seeds])} |"
    yield f"| accuracy of the reference student on real test rows, % | {found['reference']:.1f} |"


PARTS = {
    "sst2": (lambda seeds, folder: gpt3mix("sst2", seeds, folder), lambda found: gpt3mix_table("SST-2", found)),
    "tables": (quality_rows.tables, quality_rows.tables_shown),
    "desk": (quality_rows.desk, quality_rows.replies_shown("a large chat model, at desk; 20 real rows of Pima, 25 asked for")),
    "local": (quality_rows.local, quality_rows.replies_shown("the embedded model; 40 real rows of Pima, 4 times asked for 5")),
    "trec6": (lambda seeds, folder: gpt3mix("trec6", seeds, folder), lambda found: gpt3mix_table("TREC-6", found)),
}
"""What measures, and what prints."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, choices=sorted(T))
    parser.add_argument(
        "--folder",
        type=Path,
        help="Where runs, vectors and finished parts are kept; without it only the parts 'tables' and 'desk' are measured.",
    )
    parser.add_argument("--only", choices=list(PARTS), help="Measure this part.")
    args = parser.parse_args()
    if not DATA.exists():
        print("quality_writers.py: ../shared/data is absent; nothing was measured.")
        return
    with tempfile.TemporaryDirectory() as aside:
        folder, wanted = args.folder or Path(aside), [args.only] if args.only else list(PARTS) if args.folder else ["tables", "desk"]
        folder.mkdir(parents=True, exist_ok=True)
        for part in wanted:
            measure, shown = PARTS[part]
            file = folder / f"{part}-{args.seeds}.json"
            if not file.exists():
                file.write_text(json.dumps(measure(args.seeds, folder)), "utf-8")
            print("\n".join(shown(json.loads(file.read_bytes()))))


if __name__ == "__main__":
    main()

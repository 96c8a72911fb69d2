"""What freeal and coannotating are worth with the embedded model, with simulated annotators and with real raters, on real texts.

    python benchmarks/quality_annotators.py                 # simulated annotators only: about a minute; reads ../shared/data
    python benchmarks/quality_annotators.py --folder DIR    # all: half an hour of a core at first; goes on from what DIR holds

This is the plan; it was committed before any figure of it was seen. 5 seeds, 95 % intervals by Student's t over the seeds, differences on
the same rows; not corrected for their number.

Pools: rows of SST-2's train part, others for every seed; the 1,821 test rows are only tested on. Vectors are MiniLM's; a student is
logistic regression on them. All labels come from runs of the methods by `tilth.run`.

The embedded model answers here with the likeliest of the answers that a prompt allows, by its log-probabilities behind a bare text (as it
chats, many replies name no label; see benchmarks/RESULTS.md). Prompts and wordings were chosen on texts outside all pools: SST-2's dev
part, and texts of POPQUORN with fewer than eight raters.

freeal. Embedded model: 120 rows, 2 demonstrations (of 8 medoids or 8 written examples), 2 rounds, else the method's defaults. Measured:
the LLM's labels of the pool without demonstrations, with the examples that it wrote, and with the student's demonstrations; against the
control of demonstrations drawn at random from the pool with the LLM's labels, and nobody trusted (the same rows asked again); the
student's labels after each round; and its second round without the LLM (the student learns its own labels). Simulated annotators: 300
rows; 30 % of answers wrong at random; 40 % of one label and 5 % of the other; 30 % wrong, the more the less sure a student of 1,000 other
real rows is of the true label. A simulated annotator says of a text what it said before, so one round is run: what its labels become. In
each: students of all its labels, of the clean rows (p_clean > 0.7), of as many rows at random (mean of 10 draws), of the method's labels,
and of the real ones.

coannotating. LLM: the embedded model, five wordings, each calibrated by its mean on 30 unlabelled texts outside the pools. Uncertainty:
entropy over the wordings (likeliest answers; and answers drawn at temperature 1), entropy of five draws of one wording, and the probability
of its label in one wording, passed through the method's confidence (it is not self-reported). POPQUORN (offensive or not, 80 texts a seed):
people are real raters, one or the majority of three; the truth is the majority of five others. SST-2 (60 rows a seed): people are the real
labels. Share to people: 25, 50 and 75 %. Controls: the same labels with people drawn at random (mean of 200 draws; ties of the entropy
likewise), and an oracle that sends the LLM's wrong labels first. Measured: share of labels that are true, its difference to random, and the
AUROC of the uncertainty for wrong labels.

Changed after the first figures of the simulated annotators, which showed freeal's clean rows to be nearly all of one label: the method
(classes weigh the same for its student, C = 1; chosen on SST-2's dev part), and here the lines "classes even", since equal weights alone
help.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from sys import path

import numpy as np

# isort: off
path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "src")]

from quality import DATA, interval  # noqa: E402
from quality_annotators_cells import (  # noqa: E402
    NOISE,
    SEEDS,
    SHARES,
    SIGNALS,
    TEXTS,
    Films,
    Likeliest,
    allocation,
    calibrated,
    comments_asked,
    embedded,
    films_asked,
    simulated,
)


def kept(file, make, *given):
    """What is in `file`, else what is made."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(make(*given)), "utf-8")
    return json.loads(file.read_bytes())


def measure(folder, whole):
    """Every cell, one file each in `folder`: of the simulated annotators, of freeal with the embedded model, of coannotating."""
    films, cells, runs, seeds = Films(folder), folder / "cells", folder / "runs", range(SEEDS)
    found = {}
    for number, noise in enumerate(NOISE):
        found[noise] = [kept(cells / f"simulated-{number}-{seed}.json", simulated, films, noise, seed, runs) for seed in seeds]
    if not whole:
        return found, [], {}
    plain = Likeliest(folder / "scores.jsonl", "likeliest")
    freeal = [kept(cells / f"embedded-{seed}.json", embedded, films, plain, seed, runs) for seed in seeds]
    return found, freeal, {name: coannotated(films, name, folder) for name in TEXTS}


def coannotated(films, name, folder):
    """{signal: [one result per seed]} of a set."""
    model, out = calibrated(name, folder / "scores.jsonl"), {}
    asked = [films_asked(films, seed) if name == "sst2" else comments_asked(seed) for seed in range(SEEDS)]
    for number, signal in enumerate(SIGNALS):
        files = [folder / "cells" / f"coannotating-{name}-{number}-{seed}.json" for seed in range(SEEDS)]
        given = [(name, signal, rows, model, seed, folder / "runs") for seed, rows in enumerate(asked)]
        found = [kept(file, allocation, *one) for file, one in zip(files, given, strict=True)]
        out[signal] = [one | {"one label": frequent(rows)} for one, rows in zip(found, asked, strict=True)]
    return out


LEARNED = (
    ("pool: the LLM's labels, %", "pool: the LLM", None),
    ("pool: the student's over the LLM's", "pool: student", "pool: the LLM"),
    ("pool: student again, of its own labels, over the LLM's", "pool: without the LLM", "pool: the LLM"),
    ("clean rows, % of the pool", "clean rows", None),
    ("pool: the LLM's labels of clean rows over all", "pool: clean rows", "pool: the LLM"),
    ("pool: the LLM's labels of trusted rows over all", "pool: trusted rows", "pool: the LLM"),
    ("test: of all the LLM's labels, %", "test: all", None),
    ("test: of clean rows over all", "test: clean", "test: all"),
    ("test: of clean rows over as many at random", "test: clean", "test: as many at random"),
    ("test: of all the LLM's labels, classes even, over all", "test: all, even", "test: all"),
    ("test: of clean rows over all, classes even", "test: clean, even", "test: all, even"),
    ("test: of clean rows over as many at random, classes even", "test: clean, even", "test: as many at random, even"),
    ("test: of the method's labels over the LLM's", "test: student's", "test: all"),
    ("test: of the method's labels over the LLM's, classes even", "test: student's", "test: all, even"),
    ("test: of the student's own again over the LLM's", "test: without the LLM", "test: all"),
    ("test: of the real labels over the LLM's", "test: real labels", "test: all"),
)
"""Lines of freeal's tables: what, of which figure, over which."""
ROUNDS = {"zero": "no demonstrations", "one": "round 1 (its own examples)", "two": "round 2 (student's demonstrations)"}
BETWEEN = (
    ("pool: the LLM with its own examples over none", ("one", "pool: the LLM"), ("zero", "pool: the LLM")),
    ("pool: the LLM in round 2 over round 1, rows asked again", ("asked again", "two"), ("asked again", "one")),
    ("pool: the same over demonstrations at random", ("asked again", "two"), ("asked again", "random")),
    ("demonstrations that are right, over those at random", ("shown", "two"), ("shown", "random")),
    ("pool: the student in round 2 over round 1", ("two", "pool: student"), ("one", "pool: student")),
    ("pool: the same over its second round without the LLM", ("two", "pool: student"), ("one", "pool: without the LLM")),
    ("test: the method's labels in round 2 over round 1", ("two", "test: student's"), ("one", "test: student's")),
    ("test: the same over its second round without the LLM", ("two", "test: student's"), ("one", "test: without the LLM")),
)


def over(ones, others=None):
    """A cell: the figure, or its difference."""
    return interval(ones) if others is None else interval(np.subtract(ones, others), signed=True)


def tables(simulated, freeal, coannotating):
    """Markdown."""
    yield from of_rounds("freeal, simulated annotators (300 rows)", simulated)
    if not freeal:
        return
    yield from of_rounds("freeal, the embedded model (120 rows)", {told: [one[name] for one in freeal] for name, told in ROUNDS.items()})
    yield "\n| between rounds | points |\n|---|---|"
    for told, one, other in BETWEEN:
        yield f"| {told} | {over(*([cell[at][name] for cell in freeal] for at, name in (one, other)))} |"
    yield "\n### coannotating\n\n| texts, people | uncertainty | LLM | AUROC | 25 % people | 50 % | 75 % |\n|---|---|---|---|---|---|---|"
    for name, by_signal in coannotating.items():
        yield from of_signals(name, by_signal)


def of_rounds(title, found):
    yield f"\n### {title}\n\n| what | {' | '.join(found)} |\n|---|{'---|' * len(found)}"
    for told, one, other in LEARNED:
        cells = [over([cell[one] for cell in part], other and [cell[other] for cell in part]) for part in found.values()]
        yield f"| {told} | {' | '.join(cells)} |"


def of_signals(name, by_signal):
    """Each kind of people: true labels with people at random, then what each uncertainty and the oracle adds to it."""
    for people in next(iter(by_signal.values()))[0]["people"]:
        alone = over([one["people"][people] for one in by_signal["label probability"]])
        constant = over([one["one label"] for one in by_signal["label probability"]])
        yield f"| {name}, {people}: {alone} by people alone, {constant} by one label for all | | | | | | |"
        for signal, seeds in by_signal.items():
            best, chance, oracle = at_shares(seeds, people)
            auroc = interval([one["auroc"] for one in seeds], 2)
            yield f"| | at random, labels of {signal} | {over([one['LLM'] for one in seeds])} | | {' | '.join(map(over, chance))} |"
            shown = [f"{np.mean(one):.1f}, {over(one, other)}" for one, other in zip(best, chance, strict=True)]
            yield f"| | {signal} | | {auroc} | {' | '.join(shown)} |"
            if signal == "five wordings":
                yield f"| | oracle | | | {' | '.join(map(over, oracle, chance))} |"
        one, five = (at_shares(by_signal[name], people)[0] for name in ("label probability", "five wordings"))
        yield f"| | label probability over five wordings, all labels | | | {' | '.join(map(over, one, five))} |"
        people_alone = [[seed["people"][people] for seed in by_signal["label probability"]]] * len(SHARES)
        yield f"| | label probability over people alone | | | {' | '.join(map(over, one, people_alone))} |"


def at_shares(seeds, people):
    """For the method, for people at random and for the oracle: of each share the per cent of true labels by seed."""
    at = [[one["at"][f"{people}, {part:.0%}"] for one in seeds] for part in SHARES]
    return [[[three[how] for three in part] for part in at] for how in range(3)]


def frequent(rows):
    """Share of the truth that is its most frequent label, in per cent: what a model without any skill can reach."""
    return 100 * Counter(row["truth"] for row in rows).most_common(1)[0][1] / len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="Where vectors, scores, runs and finished cells are kept; with it all is measured.")
    args = parser.parse_args()
    if not DATA.exists():
        print("quality_annotators.py: ../shared/data is absent; nothing was measured.")
        return
    with tempfile.TemporaryDirectory() as aside:
        folder = args.folder or Path(aside)
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(folder, whole=args.folder is not None)
    print("\n".join(tables(*found)))


if __name__ == "__main__":
    main()

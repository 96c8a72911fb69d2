"""Does synthetic text help a classifier that has few real rows? Measured by Tilth alone, with its embedded model.

    python benchmarks/lowdata.py make    --runs DIR      # the synthetic sets: 18 runs of 400 texts
    python benchmarks/lowdata.py label   --runs DIR      # label probabilities by the same model, one run per set
    python benchmarks/lowdata.py measure --runs DIR      # every arm, size and student, with the controls of tilth.evaluate.utility
    python benchmarks/lowdata.py spread  --runs DIR      # diagnosis: other word lists, other precisions
    python benchmarks/lowdata.py report  --runs DIR      # the section of RESULTS.md

Needs ``tilth models pull`` and the shared data. Each step goes on where it was cut off; `make` and `label` may run side by side.
What is measured is fixed in lowdata_lists.yaml, which was committed before the first run. Protocol, as in the low-data check that the
bars come from: real rows are drawn nested, equally many per class (r of each; in all where most classes have fewer), 10 draws;
logistic regression on TF-IDF (words 1-2 and characters 3-5, C = 10) and on MiniLM vectors (C = 1); all test rows, never used for a
choice. Intervals: 95 %, over test rows, draws of real rows and generation seeds together, paired.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lowdata_make import make
from lowdata_measure import measure
from lowdata_report import report
from lowdata_sets import label_all
from lowdata_spread import spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["make", "label", "measure", "spread", "report"])
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs, outside the repository")
    parser.add_argument("--seeds", default="1,2,3", help="of generation; several processes may share them out")
    parser.add_argument("--datasets", default="sst2,trec6")
    parser.add_argument("--students", default="tfidf,minilm")
    parser.add_argument("--parts", default="main,most,balanced")
    asked = parser.parse_args()
    asked.runs.mkdir(parents=True, exist_ok=True)
    if asked.step == "make":
        make(asked.runs, asked.runs / "make.jsonl", [int(seed) for seed in asked.seeds.split(",")])
    if asked.step == "label":
        label_all(asked.runs)
    if asked.step == "measure":
        measure(asked.runs, asked.datasets.split(","), asked.students.split(","), asked.parts.split(","))
    if asked.step == "spread":
        spread(asked.runs)
    if asked.step == "report":
        report(asked.runs, Path(__file__).with_name("RESULTS.md"))


if __name__ == "__main__":
    main()

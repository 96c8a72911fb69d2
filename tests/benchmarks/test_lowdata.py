"""What benchmarks/lowdata.py fixes before its first run holds together."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tilth
from tilth.evaluate.utility.arms import Example
from tilth.records.read import read

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from lowdata_make import flow_of, lists
from lowdata_sets import openings, top_half


@pytest.mark.parametrize("dataset", ["sst2", "trec6"])
def test_templates_are_as_varied_as_demanded(dataset: str, tmp_path: Path) -> None:
    fixed = lists()
    model = tilth.ScriptedModel(lambda request: f" and number {request.seed} ends here.")
    outcome = tilth.run(flow_of(dataset, "prefill", fixed), models={"generator": model}, seed=1, name="t", runs=tmp_path)
    templates = openings(list(read(str(outcome.path))), fixed[dataset]["end"])  # raises below 330 distinct of 400
    assert len(templates) == fixed["rows"]
    assert {row["label"] for row in templates} == set(fixed[dataset]["task"]["labels"])


def test_filter_keeps_the_better_half_of_each_label() -> None:
    rows = [Example(text, label) for label in "ab" for text in ("low", "high", "middle")]
    margin = {(row.text, row.label): {"low": -1.0, "middle": 0.0, "high": 1.0}[row.text] for row in rows}
    assert top_half(rows, margin) == [1, 2, 4, 5]

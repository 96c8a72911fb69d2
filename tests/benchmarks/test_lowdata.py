"""What benchmarks/lowdata.py fixes before its first run holds together."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tilth
from tilth.evaluate.utility.arms import Example
from tilth.records.read import read

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import lowdata_spread
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


def test_further_lists_are_as_long_as_the_committed_ones_and_other_words() -> None:
    variants = {name: fixed["sst2"] for name, fixed in lowdata_spread.variants().items()}
    committed = lists()["sst2"]
    for name in ("plain", "phrases", "short", "common", "rare"):
        found = variants[name]
        for given, own in ((found["attributes"], committed["attributes"]), (judgements(found), judgements(committed))):
            assert {key: len(set(values)) for key, values in given.items()} == {key: len(values) for key, values in own.items()}
        shared = {value for values in judgements(found).values() for value in values}
        shared &= {value for values in judgements(committed).values() for value in values}
        assert len(shared) <= 8, f"{name} repeats {sorted(shared)}"
    assert variants["demo-openings"]["attributes"] == committed["attributes"]


def judgements(fixed: Mapping[str, Any]) -> dict[str, list[str]]:
    return dict(fixed["label_attributes"]["judgement"])

"""What benchmarks/quality_writers.py weighs, draws and plants is what it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the 'ml' extra")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import quality_rows
import quality_writers

from tilth.methods.tabular.cllm import CLLM

REAL = [{"a": str(at), "b": "xy"[at % 2], "y": "no" if at < 10 else "yes"} for at in range(20)]


def test_balanced_rows_give_each_label_the_same_mass_and_keep_their_sum() -> None:
    soft = [{"p": 0.9, "n": 0.1}, {"p": 0.8, "n": 0.2}, {"p": 0.7, "n": 0.3}, {"p": 0.0, "n": 1.0}]
    found = quality_writers.weighed(soft, real=2)
    targets, weights = found["balanced"]
    mass = {label: sum(w * t.get(label, 0) / sum(t.values()) for t, w in zip(targets, weights, strict=True)) for label in "pn"}
    assert mass == {"p": pytest.approx(2), "n": pytest.approx(2)}
    assert found["halves"][1].sum() == pytest.approx(2) and found["each"][1].sum() == 4


def test_halves_are_halves_of_each_label_and_one_is_the_surer() -> None:
    best = ["p"] * 4 + ["n"] * 2
    soft = [{one: sure, "other": 1 - sure} for one, sure in zip(best, (0.6, 0.9, 0.8, 0.7, 0.6, 0.7), strict=True)]
    surer, chance = quality_writers.halves(best, soft, list(range(10, 16)), seed=1)
    assert surer[:2] == ([15, 11, 12], ["n", "p", "p"]) and sorted(chance[1]) == ["n", "p", "p"]


def test_real_rows_are_drawn_apart_from_the_others() -> None:
    real, others = quality_rows.drawn(REAL, "y", 8, quality_rows.random.Random(1))
    assert len(real) == 8 and {row["a"] for row in real}.isdisjoint(row["a"] for row in others)
    assert min(sum(row["y"] == label for row in real) for label in ("no", "yes")) >= quality_rows.LEAST


def test_a_simulated_writer_knows_which_labels_it_flipped() -> None:
    columns, target = CLLM(target="y").table(REAL)
    others = [{"a": f"{at}.50", "b": "x", "y": "no"} for at in range(300)]
    writer = quality_rows.Writer("real rows, 30 % flipped", REAL, others, columns, target)
    rows = [row for seed in range(10) for row in json.loads(writer(SimpleNamespace(seed=seed)))]
    told = np.array([writer.flipped[writer.content({**row, "a": float(row["a"])})] for row in rows])
    assert (told == np.array([row["y"] == "yes" for row in rows])).all() and 0.2 < told.mean() < 0.4

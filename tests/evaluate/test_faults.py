"""Planted faults are found and named."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from evaluate.evaluating import by_name, evaluated, reviews

FOREIGN = "Dieser Film ist leider viel zu lang und die Geschichte bleibt von Anfang bis Ende langweilig."
REFUSAL = "I'm sorry, but I cannot help with that request."


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Values of 400 rows with 30 % flipped labels, 5 % near-duplicates, 2 % leaked test rows, a foreign row and a refusal."""
    rows, test, rng = reviews(400, 1, "row"), reviews(300, 2, "test"), random.Random(0)
    planted: dict[str, list[str]] = {"flipped": [], "near": [], "leaked": []}
    for row in rng.sample(rows, 120):
        row["label"] = {"good": "bad", "bad": "good"}[row["label"]]
        planted["flipped"].append(row["id"])
    for at, row in enumerate(rng.sample(rows, 20)):
        rows.append({"id": f"near{at}", "text": f"{row['text'].capitalize()}!", "label": row["label"]})
        planted["near"].append(f"near{at}")
    for at, row in enumerate(rng.sample(test, 8)):
        rows.append({**row, "id": f"leaked{at}"})
        planted["leaked"].append(f"leaked{at}")
    rows += [{"id": "foreign", "text": FOREIGN, "label": "bad"}, {"id": "refusal", "text": REFUSAL, "label": "bad"}]
    rng.shuffle(rows)
    folder = tmp_path_factory.mktemp("faulty")
    metrics = ["label_agreement", "near_duplicates", "contamination", "refusals", "language"]
    stage = evaluated(rows, folder, metrics=metrics, real=reviews(600, 3, "real"), holdout=test)
    document = json.loads(next(folder.glob("runs/*/metrics.json")).read_text())
    assert len(document["findings"]) == 5
    return by_name(stage), planted


def test_flipped_labels(faulty: Any) -> None:
    value, planted = faulty[0]["label_agreement"], faulty[1]["flipped"]
    assert value.interval[1] < value.reference_interval[0]
    assert value.detail["noise"] == pytest.approx(0.28, abs=0.06)
    suspects = value.detail["suspects"]
    assert len(suspects) == 50
    assert len(set(suspects) & set(planted)) >= 45
    assert "labels" in value.finding


def test_near_duplicates(faulty: Any) -> None:
    value, planted = faulty[0]["near_duplicates"], faulty[1]["near"]
    named = {one for pair in value.detail["pairs"] for one in pair[:2]}
    assert set(planted) <= named
    assert len(value.detail["pairs"]) == 20
    assert value.reference == 0.0
    assert "20 near-duplicates" in value.finding


@pytest.mark.parametrize("n", [8, 13])
def test_leaked_test_rows_are_attributed(faulty: Any, n: int) -> None:
    value, planted = faulty[0][f"contamination_{n}"], faulty[1]["leaked"]
    assert {hit["row"] for hit in value.detail["hits"]} == set(planted)
    assert all(hit["holdout"].startswith("test") for hit in value.detail["hits"])
    assert bool(value.finding) == (n == 8)


def test_the_foreign_row(faulty: Any) -> None:
    assert faulty[0]["language"].detail["rows"] == {"foreign": "de"}
    assert "foreign" in faulty[0]["language"].finding


def test_the_refusal(faulty: Any) -> None:
    assert list(faulty[0]["refusals"].detail["rows"]) == ["refusal"]
    assert "refusal" in faulty[0]["refusals"].finding


def test_clean_rows_have_no_finding(tmp_path: Path) -> None:
    metrics = ["label_agreement", "near_duplicates", "contamination", "refusals", "language", "c2st", "nearest_is_training"]
    stage = evaluated(reviews(300, 5, "row"), tmp_path, metrics=metrics, real=reviews(400, 3, "real"), holdout=reviews(200, 2, "test"))
    assert {value.metric: value.finding for value in stage.values if value.finding} == {}
    assert all(value.value is not None for value in stage.values)

"""Compare: planted differences are found, none are invented, and what cannot be compared says so."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.conftest import Tell
from cli.test_runs import parses
from tilth.cli import comparing, forecast
from tilth.cli.commands import methods, trace
from tilth.evaluate.base import Value


@pytest.mark.parametrize("module", [comparing, forecast, methods, trace])
def test_examples_in_docstrings_hold(module: Any) -> None:
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


@pytest.fixture
def runs(tilth: Tell) -> Any:
    """Two scripted runs of 30 rows, with figures planted in metrics.json."""
    for name, seed in (("one", "1"), ("two", "2")):
        words = ["run", "zero-shot", "--task", "Films.", "-s", "task.labels=[a, b]", "--scripted", "-n", "30", "--seed", seed]
        assert tilth(*words, "--name", name).exit == 0
    assert tilth("evaluate", "one", "--metric", "refusals").exit == 0
    assert tilth("evaluate", "two", "--metric", "refusals").exit == 0

    def plant(name: str, *values: Value) -> None:
        path = Path("runs") / name / "metrics.json"
        document = json.loads(path.read_text())
        document["values"] = [value.to_json() for value in values]
        path.write_text(json.dumps(document))
        for value in values:
            if value.samples is not None:
                folder = path.parent / "artifacts" / "metrics"
                folder.mkdir(parents=True, exist_ok=True)
                np.save(folder / f"{value.metric}.npy", np.array(value.samples, dtype=np.float64))

    return plant


def share(name: str, hits: int, n: int, direction: str = "down") -> Value:
    from tilth.stats.intervals import wilson

    found = wilson(hits, n)
    assert found is not None
    rows = [1.0] * hits + [0.0] * (n - hits)
    return Value(name, hits / n, (found.low, found.high), n, direction, samples=rows)  # type: ignore[arg-type]


def verdicts(told: Any) -> dict[str, str]:
    return {row["metric"]: row["verdict"] for row in told.json["result"]["pairs"][0]["metrics"]}


def test_a_planted_difference_is_worse_and_fails_ci(tilth: Tell, runs: Any) -> None:
    runs("one", share("refusals", 10, 500), share("language", 250, 500))
    runs("two", share("refusals", 60, 500), share("language", 255, 500))
    told = tilth("compare", "one", "two", "--json", "--fail-on", "worse")
    assert told.exit == 1 and told.json["error"]["code"] == "compare.worse"
    assert verdicts(told) == {"refusals": "worse", "language": "inconclusive"}
    row = told.json["result"]["pairs"][0]["metrics"][0]
    assert row["difference"] == pytest.approx(0.1) and row["interval"][0] > 0 and row["p_holm"] < 0.001
    assert told.json["result"]["pairs"][0]["changed"] == ["seed: 1 → 2"]
    back = tilth("compare", "two", "one")
    assert back.exit == 0 and "refusals\t0.12 [" in back.out and "\tbetter" in back.out
    parses(back.advice)


def test_holm_takes_back_what_chance_would_give(tilth: Tell, runs: Any) -> None:
    close = [share(f"m{number}", 250, 500) for number in range(10)]
    runs("one", share("lucky", 25, 500), *close)
    runs("two", share("lucky", 43, 500), *close)
    rows = tilth("compare", "one", "two", "--json").json["result"]["pairs"][0]["metrics"]
    assert rows[0]["p"] < 0.05 < rows[0]["p_holm"] and rows[0]["verdict"] == "inconclusive"
    alone = tilth("compare", "one", "two", "--metric", "lucky", "--json")
    assert verdicts(alone) == {"lucky": "worse"}


def test_one_holdout_is_paired_and_finds_what_two_samples_could_not(tilth: Tell, runs: Any) -> None:
    """The same 300 rows, hard and easy ones; the second run is right on ten more of them."""
    rng = np.random.default_rng(0)
    first = (rng.random(300) < 0.7).astype(float)
    second = first.copy()
    second[np.flatnonzero(first == 0)[:12]] = 1.0

    def utility(rows: Any) -> Value:
        return Value("utility_300_tfidf", float(rows.mean()), (rows.mean() - 0.05, rows.mean() + 0.05), 300, "up", samples=list(rows))

    runs("one", utility(first))
    runs("two", utility(second))
    assert verdicts(tilth("compare", "one", "two", "--json")) == {"utility_300_tfidf": "inconclusive"}  # not known to be one holdout
    for name in ("one", "two"):
        path = Path("runs") / name / "run.json"
        state = json.loads(path.read_text())
        state["inputs"] = {"holdout": {"file": "h.csv", "sha256": "ab" * 32, "rows": 300}}
        path.write_text(json.dumps(state))
    told = tilth("compare", "one", "two", "--json")
    row = told.json["result"]["pairs"][0]["metrics"][0]
    assert row["how"].startswith("paired bootstrap over 300 rows") and row["verdict"] == "better"


def test_what_depends_on_the_number_of_rows_is_not_compared_across_it(tilth: Tell, runs: Any) -> None:
    runs("one", Value("distinct_2", 0.9, (0.89, 0.91), 100))
    runs("two", Value("distinct_2", 0.5, (0.49, 0.51), 1000))
    told = tilth("compare", "one", "two", "--json")
    row = told.json["result"]["pairs"][0]["metrics"][0]
    assert row["verdict"] == "inconclusive" and row["how"] == "it depends on the number of rows: 100 and 1,000"


def test_near_to_real_data_is_better_whichever_side(tilth: Tell, runs: Any) -> None:
    runs("one", Value("length", 60.0, (59.0, 61.0), 500, "target", reference=40.0))
    runs("two", Value("length", 35.0, (34.0, 36.0), 500, "target", reference=40.0))
    assert verdicts(tilth("compare", "one", "two", "--json")) == {"length": "better"}


def test_one_run_is_too_few_and_none_measured_says_what_to_do(tilth: Tell, runs: Any) -> None:
    assert tilth("compare", "one").err == "error: compare needs two runs: tilth compare RUN RUN\n"
    Path("runs/one/metrics.json").unlink()
    told = tilth("compare", "one", "two")
    assert told.exit == 0 and told.advice == ["tilth evaluate one"]
    parses(told.advice)

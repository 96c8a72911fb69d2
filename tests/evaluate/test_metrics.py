"""Each metric: its anchors, its sides, and what it says of data that it cannot measure."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluate.evaluating import BAD, GOOD, by_name, evaluated, reviews
from tilth.engine.execute import start
from tilth.errors import RequestError
from tilth.evaluate.metrics import ALL, chosen
from tilth.evaluate.metrics.twosample import auc, giveaways
from tilth.flows.evaluating import Wanted, prepare
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data

ODD = {
    "one row": [{"text": "only this", "label": "a"}],
    "identical rows": [{"text": "the same again", "label": "a"}] * 30,
    "two identical rows with labels": [{"text": "same", "label": "a"}, {"text": "same", "label": "b"}] * 10,
    "emoji": [{"text": "🎬🍿 👍🏽", "label": "a"}, {"text": "👎", "label": "b"}] * 5,
    "right to left": [{"text": "הסרט היה נהדר ומרגש מאוד", "label": "a"}, {"text": "الفيلم كان مملا جدا", "label": "b"}] * 5,
    "a row of a megabyte": [{"text": "long word " * 100_000, "label": "a"}, {"text": "short", "label": "b"}],
    "no number, no label": [{"text": float("nan"), "label": None}, {"text": "fine", "label": float("nan")}],
    "no label column": [{"text": "a fine film"}, {"text": "a dull film"}, {"text": "a film"}],
    "other columns": [{"question": "Who wrote it?", "answer": "She did."}] * 4,
    "blank texts": [{"text": "   ", "label": "a"}, {"text": "", "label": "b"}],
}


@pytest.mark.parametrize("name", list(ODD))
def test_odd_data_give_a_value_or_a_reason(name: str, tmp_path: Path) -> None:
    stage = evaluated(ODD[name], tmp_path, real=reviews(30, 1, "real"), holdout=reviews(30, 2, "test"))
    assert {value.metric.rsplit("_", 1)[0] for value in stage.values} >= {"distinct", "contamination", "near"}
    for value in stage.values:
        if value.value is None:
            assert value.detail["why"]
        else:
            assert np.isfinite(value.value)
            assert value.n > 0
            assert value.interval is not None
            assert value.interval[0] <= value.interval[1]


@pytest.mark.parametrize("name", ["one row", "identical rows", "blank texts", "no label column"])
def test_odd_real_data_do_not_stop_the_others(name: str, tmp_path: Path) -> None:
    stage = evaluated(reviews(40, 1, "row"), tmp_path, real=ODD[name], holdout=ODD[name])
    assert by_name(stage)["distinct_1"].value is not None


@given(
    texts=st.lists(
        st.fixed_dictionaries({"text": st.text(st.characters(exclude_categories=["Cs"]), max_size=40), "label": st.sampled_from("ab")}),
        min_size=1, max_size=15,
    )
)  # fmt: skip
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_any_texts_give_a_value_or_a_reason(texts: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage = evaluated(texts, Path(folder), holdout=reviews(20, 2, "test"), real=reviews(20, 3, "real"))
    assert all(value.value is not None or value.detail["why"] for value in stage.values)


def test_every_value_states_what_it_is(tmp_path: Path) -> None:
    stage = evaluated(reviews(120, 1, "row"), tmp_path, real=reviews(120, 3, "real"), holdout=reviews(120, 2, "test"))
    for value in stage.values:
        assert value.value is not None, value
        assert value.interval is not None
        assert value.interval[0] - 1e-9 <= value.value <= value.interval[1] + 1e-9, value
        assert value.kernel
        assert value.direction in ("up", "down", "target")
    with_reference = {value.metric for value in stage.values if value.reference is not None}
    assert with_reference >= {"label_agreement", "distinct_1", "self_bleu", "compression", "aps", "vendi", "c2st", "near_duplicates"}


def test_copies_of_one_text(tmp_path: Path) -> None:
    rows = [{"id": str(at), "text": "every word here is another one", "label": "a"} for at in range(10)]
    found = by_name(evaluated(rows, tmp_path, metrics=["distinct_n", "self_bleu", "aps", "vendi", "near_duplicates"]))
    assert found["distinct_1"].value == pytest.approx(1 / 10)
    assert found["self_bleu"].value == pytest.approx(1.0)
    assert found["aps"].value == pytest.approx(1.0, abs=1e-6)
    assert found["vendi"].value == pytest.approx(1.0, abs=1e-4)
    assert found["near_duplicates"].value == pytest.approx(0.9)


def test_texts_without_a_word_in_common(tmp_path: Path) -> None:
    rows = [{"text": " ".join(f"w{at}x{part}" for part in range(6))} for at in range(10)]
    found = by_name(evaluated(rows, tmp_path, metrics=["distinct_n", "self_bleu"]))
    assert found["distinct_1"].value == found["distinct_3"].value == 1.0
    assert found["self_bleu"].value < 0.05


def test_both_sets_are_compared_at_equal_size(tmp_path: Path) -> None:
    found = by_name(evaluated(reviews(50, 1, "row"), tmp_path, metrics=["distinct_n"], real=reviews(500, 2, "real")))
    value = found["distinct_2"]
    assert value.value == pytest.approx(value.reference, abs=0.05)
    assert value.detail["tokens"] <= 50 * 14


def test_c2st_tells_nothing_from_halves_and_everything_from_shouting(tmp_path: Path) -> None:
    real = reviews(300, 1, "real")
    same = by_name(evaluated(reviews(300, 2, "row"), tmp_path / "same", metrics=["c2st"], real=real))["c2st"]
    low, high = same.detail["permuted"]
    assert low - 0.05 <= same.value <= high + 0.05
    assert same.detail["p"] > 0.01
    told = [{**row, "text": f"overall {row['text']}"} for row in reviews(300, 2, "row")]
    found = by_name(evaluated(told, tmp_path / "told", metrics=["c2st"], real=real))["c2st"]
    assert found.value > 0.95
    assert found.detail["p"] < 0.01
    assert found.detail["synthetic_words"][0] == "overall"
    assert "overall" in found.finding


def test_auc_counts_ties_half_and_needs_both_classes() -> None:
    scores = np.array([0.1, 0.5, 0.5, 0.9])
    assert auc(scores, np.array([0, 0, 1, 1])) == pytest.approx(0.875)
    assert auc(scores, np.array([1, 1, 1, 1])) is None
    assert auc(scores, np.array([0, 1, 0, 1]), np.array([1.0, 0, 0, 1.0])) == 1.0


def test_words_that_give_a_set_away() -> None:
    one, other = giveaways(["moreover the end"] * 5, ["the end"] * 5)
    assert one == ["moreover"]
    assert "moreover" not in other


def test_copies_of_training_rows_are_closer_to_training(tmp_path: Path) -> None:
    real, holdout = reviews(200, 1, "real"), reviews(200, 2, "test")
    copies = [{**row, "id": f"copy{row['id']}"} for row in real]
    found = by_name(
        evaluated(copies, tmp_path, metrics=["nearest_is_training"], support=real, real=reviews(200, 3, "other"), holdout=holdout)
    )
    value = found["nearest_is_training"]
    assert value.value == 1.0
    assert value.reference == pytest.approx(0.5, abs=0.12)
    assert "closer to a support row" in value.finding


def test_labels_judged_without_real_rows_say_so(tmp_path: Path) -> None:
    value = by_name(evaluated(reviews(120, 1, "row"), tmp_path, metrics=["label_agreement"]))["label_agreement"]
    assert value.value > 0.9
    assert value.reference is None
    assert "cannot see a fault that all rows share" in value.detail["judge"]


def test_a_metric_without_its_set_says_which_option_gives_it(tmp_path: Path) -> None:
    value = by_name(evaluated(reviews(20, 1, "row"), tmp_path, metrics=["contamination"]))["contamination"]
    assert value.value is None
    assert value.detail["why"] == "needs the holdout data: --holdout FILE"


def test_names() -> None:
    assert [metric.name for metric in chosen(["vendi", "aps", "vendi"])] == ["vendi", "aps"]
    assert len({metric.name for metric in ALL}) == len(ALL)
    with pytest.raises(RequestError, match="Did you mean 'vendi'"):
        chosen(["vendy"])


def test_samples_are_kept_for_each_row(tmp_path: Path) -> None:
    evaluated(reviews(60, 1, "row"), tmp_path, metrics=["near_duplicates", "label_agreement"], real=reviews(60, 2, "real"))
    files: dict[str, Any] = {path.stem: np.load(path, allow_pickle=False) for path in tmp_path.glob("runs/*/artifacts/metrics/*.npy")}
    assert set(files) == {"near_duplicates", "label_agreement"}
    assert all(len(array) == 60 for array in files.values())


def test_a_model_says_how_far_it_agrees_with_the_labels(tmp_path: Path) -> None:
    def score(prompt: str, continuation: str) -> float:
        known = GOOD if continuation.strip() == "good" else BAD
        return 2.0 * sum(word in known for word in prompt.split()) - (5.0 if continuation.strip() == "bad" else 0.0)

    rows = reviews(60, 1, "row")
    for row in rows[:20]:
        row["label"] = {"good": "bad", "bad": "good"}[row["label"]]
    models = {"generator": ScriptedModel(lambda request: "", score=score)}
    wanted = Wanted(sets={"real": Data.of(reviews(60, 2, "real"))}, metrics=["llm_agreement"], models=models, runs=tmp_path)
    ready = prepare(Data.of(rows), wanted)
    assert start(ready.execute).status == "done"
    value = ready.stage.values[0]
    assert value.value == pytest.approx(40 / 60)
    assert value.reference == 1.0
    assert "the model agrees with 67%" in value.finding


def test_it_is_measured_only_when_named() -> None:
    assert "llm_agreement" not in [metric.name for metric in chosen(None)]

"""CLLM: rows of a table as a model writes them, and a curator that learned from the real rows alone."""

import csv
import json
import random

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the 'ml' extra")

from contract.scenario import Scenario
from methods.growing import grow
from tilth.errors import Failure, RequestError
from tilth.methods.tabular._columns import columns_of, matrix, nearest_real
from tilth.methods.tabular.cllm import CLLM, adaptive, cast, group, read
from tilth.models.base import Reply
from tilth.train.dynamics import learning_dynamics


def visits(n, seed=0, spread=0.4):
    """Rows as they come out of a CSV file: text. The glucose decides."""
    rng = random.Random(seed)
    rows = []
    for number in range(n):
        sick = number % 2
        glucose, age = rng.gauss(7 if sick else 5, spread), rng.randrange(30, 60)
        row = {"age": str(age), "sex": rng.choice("fm"), "glucose": f"{glucose:.1f}", "onset": "yes" if sick else "no"}
        rows.append({"id": f"r{number}", **row})
    return rows


REAL = visits(40)


def table(request):
    """Eight rows: the first with a flipped label, the second unusable, the last a copy of the row before."""
    rng = random.Random(request.seed)
    rows = []
    for number in range(8):
        sick = rng.random() < 0.5
        glucose = round(rng.gauss(7.4 if sick else 4.6, 0.2), 2)
        rows.append(
            {"age": rng.randrange(30, 60), "sex": rng.choice("fm"), "glucose": glucose, "onset": "yes" if sick != (number == 0) else "no"}
        )
    rows[1] = [{**rows[1], "sex": "categorical"}, {"age": 3}, {**rows[1], "sex": "x"}, {**rows[1], "age": "old"}][request.seed % 4]
    rows[7] = dict(rows[6])
    return "Here are the rows:\n[" + ",\n".join(json.dumps(row) for row in rows) + "]"


def cllm(reply=table, real=REAL, **parameters):
    method = CLLM(**{"rows": 30, "trees": 60, "lag": 2, **parameters})
    return grow(method, reply, data={"support": real}, task={"about": "Visits of a clinic."})


SCENARIO = Scenario(CLLM(rows=70, trees=10, lag=3), table, data={"support": REAL})
LOCAL = {"parameters": {"shown": 3, "per_call": 3, "max_calls": 2, "max_tokens": 40, "trees": 5}}


def scores_of(row):
    return {one["name"]: one["value"] for one in row["scores"]}


def gaussians(n, rng, flipped=0.0):
    """Two Gaussians in ten dimensions, means 2 apart; labels, and which of them were flipped."""
    right = rng.integers(0, 2, n)
    x = rng.normal(size=(n, 10)) + np.outer(2 * right - 1, np.eye(10)[0])
    wrong = rng.random(n) < flipped
    return x, [str(label) for label in np.where(wrong, 1 - right, right)], wrong


def kept(confidences, uncertainties, threshold=0.2):
    return np.array([group(c, v, 0.2, threshold) != "hard" for c, v in zip(confidences, uncertainties, strict=True)])


@pytest.fixture(scope="module")
def noisy():
    """Three seeds: synthetic rows with 30 % flipped labels, and what the booster of 100 real rows says of them."""
    found = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, y, _ = gaussians(100, rng)
        rows, own, wrong = gaussians(600, rng, 0.3)
        found.append((rng, rows, own, wrong, *learning_dynamics(x, y, rows, own)))
    return found


def test_invariant_1_uncertainty_is_at_most_a_quarter_and_at_most_c_times_1_minus_c(noisy):
    for *_, c, v in noisy:
        assert ((c >= 0) & (c <= 1)).all() and (v <= 0.25).all() and (v <= c * (1 - c) + 1e-8).all() and (v > 0).any()


def test_invariant_2_flipped_labels_are_discarded_far_more_often_than_right_ones(noisy):
    for threshold in (0.2, None):
        flipped, right = [], []
        for _, _, _, wrong, c, v in noisy:
            gone = ~kept(c, v, 0.75 * (v.max() - v.min()) if threshold is None else threshold)
            flipped.append(gone[wrong].mean())
            right.append(gone[~wrong].mean())
        assert np.mean(flipped) > 3 * np.mean(right) and np.mean(flipped) > 0.5, (flipped, right)


def test_invariant_3_rows_on_the_boundary_are_ambiguous_and_kept():
    assert group(0.5, 0.25, 0.2, 0.2) == "ambiguous"
    assert [group(c, 0.1, 0.2, 0.2) for c in (0.1, 0.2, 0.5, 0.8, 0.9)] == ["hard", "hard", "ambiguous", "easy", "easy"]
    assert group(0.1, 0.21, 0.2, 0.2) == group(0.9, 0.21, 0.2, 0.2) == "ambiguous"


def test_invariant_4_the_adaptive_threshold_is_three_quarters_of_the_range():
    assert adaptive([0.05, 0.25, 0.1]) == pytest.approx(0.15)

    mixed = visits(60, spread=1.2)
    batch = cllm(real=mixed, confidence=0.01, lag=1)
    limit = adaptive([scores_of(row)["aleatoric"] for row in batch.rows + batch.rejected if row["scores"]])
    kept = cllm(real=mixed, aleatoric=0, confidence=0.49, lag=1).rows
    assert {row["group"] for row in kept} == {"easy", "ambiguous"}
    for row in kept:
        assert row["group"] == group(scores_of(row)["confidence"], scores_of(row)["aleatoric"], 0.49, limit)


def test_invariant_5_the_curator_learns_real_rows_alone_and_no_score_depends_on_other_rows():
    rng = np.random.default_rng(1)
    x, y, _ = gaussians(60, rng)
    rows, own, _ = gaussians(50, rng, 0.5)
    together = learning_dynamics(x, y, rows, own, trees=15)
    alone = learning_dynamics(x, y, rows[:1], own[:1], trees=15)
    assert together[0][0] == alone[0][0] and together[1][0] == alone[1][0]
    other = learning_dynamics(x, y, rows[:1], ["0" if own[0] == "1" else "1"], trees=15)
    assert other[0][0] == pytest.approx(1 - alone[0][0]) and other[1][0] == pytest.approx(alone[1][0])


def test_invariant_6_students_of_curated_rows_are_at_least_as_good(noisy):
    from sklearn.linear_model import LogisticRegression

    gains = []
    for rng, rows, own, _, c, v in noisy:
        test, answers, _ = gaussians(2000, rng)
        good = kept(c, v)
        scores = [LogisticRegression().fit(rows[mask], np.array(own)[mask]).score(test, answers) for mask in (good, np.ones(600, bool))]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) >= 0, gains


def test_invariant_7_a_reply_that_was_cut_keeps_its_complete_rows():
    cut = Reply('Rows:\n[{"a": 1, "b": "x"},\n{"a": 2, "b": "y"},\n{"a": 3, "b"', finish="length")
    assert read(cut) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert read(Reply('```json\n{"a": 1}\n{bad}\n{"a": 2}```')) == [{"a": 1}, {"a": 2}]
    with pytest.raises(Failure, match="flat"):
        read(Reply("I cannot see a table."))


def test_invariant_8_with_three_labels_the_probability_is_that_of_the_rows_own():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    x = np.eye(3)[labels] * 4 + rng.normal(size=(150, 3)) * 0.3
    c, _ = learning_dynamics(x[:120], [str(one) for one in labels[:120]], x[120:], [str(one) for one in labels[120:]], trees=40)
    wrong, _ = learning_dynamics(
        x[:120], [str(one) for one in labels[:120]], x[120:], [str((one + 1) % 3) for one in labels[120:]], trees=40
    )
    assert c.min() > 0.6 and wrong.max() < 0.3


def test_the_stages_are_those_of_1_to_e_minus_1_trees():
    from sklearn.ensemble import GradientBoostingClassifier

    rng = np.random.default_rng(2)
    x, y, _ = gaussians(40, rng)
    c, v = learning_dynamics(x, y, x[:3], y[:3], trees=5, seed=3)
    booster = GradientBoostingClassifier(n_estimators=5, random_state=3).fit(x, y)
    stages = [stage[range(3), [int(one) for one in y[:3]]] for stage in booster.staged_predict_proba(x[:3])][:4]
    assert c == pytest.approx(np.mean(stages, axis=0)) and v == pytest.approx(np.mean([p * (1 - p) for p in stages], axis=0))


def test_kept_rows_have_the_columns_and_types_of_the_data_and_no_flipped_label_of_a_sure_case():
    grown = cllm()
    assert len(grown.rows) == 30
    for row in grown.rows:
        assert (
            isinstance(row["age"], int)
            and isinstance(row["glucose"], float)
            and row["sex"] in "fm"
            and row["group"] in ("easy", "ambiguous")
        )
        assert (row["glucose"] > 6) == (row["onset"] == "yes") and len(row["seed_ids"]) > 5
    hard = [row for row in grown.rejected if row["reason"] == "hard"]
    assert hard and all((row["glucose"] > 6) != (row["onset"] == "yes") for row in hard)


def test_rows_that_do_not_fit_are_turned_away_by_name():
    grown = cllm(rows=80)
    assert {"schema_word", "missing_column", "unknown_category", "wrong_type", "copy", "hard"} <= {row["reason"] for row in grown.rejected}


def test_copies_of_real_rows_are_found_in_whatever_type_they_come():
    copy = {name: value for name, value in REAL[3].items() if name != "id"}
    typed = {**copy, "age": int(copy["age"]), "glucose": float(copy["glucose"])}
    grown = cllm(lambda request: json.dumps([copy, typed]), rows=1, max_calls=2)
    assert not grown.rows and [row["reason"] for row in grown.rejected] == ["copy"] * 4
    assert "1 rows short of 1 after 2 calls" in grown.outcome.warnings[0]


def test_a_target_that_was_renamed_is_found():
    columns = columns_of(REAL, ["age", "sex", "glucose", "onset"], "onset")
    assert cast({"Age": "41", "sex": "F", "glucose": 5, "Target": "No"}, columns, "onset") == {
        "age": 41,
        "sex": "f",
        "glucose": 5.0,
        "onset": "no",
    }
    with pytest.raises(Failure, match="no onset"):
        cast({"age": "41", "sex": "F", "glucose": 5}, columns, "onset")


def test_empty_cells_stay_empty_only_where_real_rows_have_them():
    rows = [{"a": "1", "b": "x", "y": "0"}, {"a": "", "b": "y", "y": "1"}, {"a": "2.5", "b": "x", "y": "0"}, {"a": "3", "b": "x", "y": "1"}]
    columns = columns_of(rows, ["a", "b", "y"], "y")
    assert [(one.kind, one.type) for one in columns] == [("number", "float | None"), ("category", "str"), ("category", "str")]
    assert cast({"a": None, "b": "x", "y": 1}, columns, "y") == {"a": None, "b": "x", "y": "1"}
    with pytest.raises(Failure, match="b is empty"):
        cast({"a": 1, "b": "", "y": 1}, columns, "y")


def test_the_distance_to_the_nearest_real_row_is_0_for_a_copy_and_1_for_another_in_all():
    rows = [{"a": 0, "b": "x"}, {"a": 10, "b": "x"}, {"a": 0, "b": "y"}, {"a": 10, "b": "y"}]
    columns = columns_of([*rows, *rows], ["a", "b"], "b")
    real = matrix(rows[:1], columns)
    assert list(nearest_real(matrix(rows, columns), real, columns)) == [0, 0.5, 0.5, 1]


def test_a_number_far_outside_the_real_range_differs_entirely_and_no_more():
    columns = columns_of([{"a": 0, "b": "x"}, {"a": 0, "b": "y"}] * 2, ["a", "b"], "b")  # all real numbers are the same
    real = matrix([{"a": 0, "b": "x"}], columns)
    assert list(nearest_real(matrix([{"a": 15_024, "b": "x"}, {"a": -9, "b": "y"}], columns), real, columns)) == [0.5, 1]


def test_each_prompt_shows_rows_drawn_anew_and_what_each_column_holds():
    grown = cllm(shown=5)
    for prompt in grown.prompts:
        assert prompt.count('"onset":') == 5 and "- glucose: a number\n" in prompt and '- sex: one of "f" | "m"' in prompt
        assert '- onset: one of "no" | "yes" (this is what is to be predicted)' in prompt and "Visits of a clinic." in prompt
    assert len(set(grown.prompts)) == len(grown.prompts)
    assert {(one.temperature, one.top_p, one.max_tokens) for one in grown.requests} == {(0.75, 0.95, 8000)}


def test_a_real_row_without_its_label_is_no_class_of_its_own():
    grown = cllm(real=[*REAL, {"id": "r99", "age": "41", "sex": "f", "glucose": "5.0", "onset": ""}])
    assert [row["reason"] for row in grown.rejected].count("no_label") == 1
    assert not any('"onset": ""' in prompt or '"onset": null' in prompt for prompt in grown.prompts)
    assert grown.rows == cllm().rows


@pytest.mark.parametrize(
    ("real", "parameters", "line"),
    [
        (REAL, {"target": "outcome"}, "no column 'outcome'"),
        ([{**row, "onset": "no"} for row in REAL], {}, "holds 1 values"),
        (REAL, {"target": "glucose"}, "holds"),
        ([{**row, "group": "a"} for row in REAL], {"target": "onset"}, "rename the one in support"),
        ([{"text": f"Visit {n} of one kind.", "label": "ab"[n % 2]} for n in range(40)], {}, "free text is not learned from"),
    ],
)
def test_wrong_requests_are_one_line(real, parameters, line):
    with pytest.raises(RequestError, match=line):
        cllm(real=real, **parameters)


@pytest.mark.parametrize(
    ("name", "target"), [("pima_diabetes", "diabetes"), ("breast_cancer_ljubljana", "recurrence"), ("titanic", "Survived")]
)
def test_on_real_tables_flipped_labels_are_found_more_often_than_right_ones(shared, name, target):
    with (shared / "data" / "tabular" / name / "train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:300]
    columns = columns_of(rows, list(rows[0]), target)
    features = [one for one in columns if one.name != target and one.kind != "text"]
    x, y = matrix(rows, features), [row[target] for row in rows]
    kinds = sorted(set(y))
    rng = random.Random(0)
    wrong = np.array([rng.random() < 0.3 for _ in rows[100:]])
    own = [kinds[1 - kinds.index(label)] if flip else label for label, flip in zip(y[100:], wrong, strict=True)]
    gone = ~kept(*learning_dynamics(x[:100], y[:100], x[100:], own))
    assert gone[wrong].mean() > 1.5 * gone[~wrong].mean(), (gone[wrong].mean(), gone[~wrong].mean())

"""SunGen: the invariants of its card by name, then what is ours."""

import json
import re
from collections import Counter
from functools import cache

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.engine.run import Run
from tilth.errors import RequestError
from tilth.methods.classification.sungen import SunGen, weigh
from tilth.train import reweighting
from tilth.train.logistic import softmax
from tilth.train.reweighting import Settings, reweigh, train, weight_slopes
from tilth.train.robust import row_losses
from train.noisy import auroc, noisy

TASK = {"about": "Film reviews.", "labels": {"good": "likes it", "bad": "hates it"}}
WORDS = {
    "good": ["superb", "lovely", "moving", "witty", "charming", "gripping"],
    "bad": ["awful", "dull", "clumsy", "tedious", "shallow", "lifeless"],
}
OTHER = {"good": "bad", "bad": "good"}
EVEN, UNEVEN, CLEAN = (0.3, 0.3), (0.4, 0.05), (0.0, 0.0)


def review(label, n):
    words = WORDS[label]
    return f"a {words[n % 6]} film with {words[n // 6 % 6]} parts and a {words[n // 3 % 6]} end, take {n}"


def rows_of(n=120, every=5):
    """Reviews, each so-manieth with the wrong label (and the true one in a column that nobody may read)."""
    rows = []
    for at in range(n):
        true = ("good", "bad")[at % 2]
        given = OTHER[true] if (at // 2) % every == 0 else true
        rows.append({"id": f"r{at * 7919 % n}", "text": review(true, at), "label": given, "gold": true})
    return rows


ROWS = rows_of()


def quick(**more):
    return SunGen(**{"steps": 10, "rate": 0.3, "inner": 20, "held": 0.0, **more})


def sungen(rows=ROWS, seed=0, task=TASK, **more):
    return grow(quick(**more), lambda request: "", task=task, data={"synthetic": rows}, seed=seed)


def weights(grown):
    return {row["id"]: row["weight"] for row in grown.rows}


def writes(request):
    label = "good" if "One good" in asked_of(request) else "bad"
    n = request.seed
    return "short" if n % 7 == 0 else review(OTHER[label] if n % 5 == 0 else label, n) + '" and more'


SCENARIO = Scenario(SunGen(rows=24, steps=5, inner=5), writes, task=TASK)
LOCAL = {"parameters": {"rows": 8, "steps": 2, "inner": 2}}


# ---- the card's invariants ---------------------------------------------------------------------------------------


@cache
def toy(seed, noise):
    """AUROC of the weight for clean rows, mean weight of wrong and right rows, gain on clean rows, change of a class's share."""
    x, given, wrong, order, tx, ty = noisy(seed, noise)
    targets, ones = np.eye(2)[given], np.ones((len(x), 1))
    found = reweigh(x, targets, order[:300], Settings(rate=0.1, steps=20))

    def accuracy(of):
        student = train(np.hstack([x, ones]), targets, of, 60, 0.3)
        return ((np.hstack([tx, np.ones((len(tx), 1))]) @ student).argmax(axis=1) == ty).mean()

    share = found[given == 1].sum() / found.sum() - (given == 1).mean()
    means = (found[wrong].mean(), found[~wrong].mean()) if wrong.any() else (0, 0)
    return auroc(found, ~wrong) if wrong.any() else 0.5, means, accuracy(found) - accuracy(np.ones(len(x))), share


def test_invariant_1_and_2_wrong_rows_weigh_less_as_the_reverse_cross_entropy_sees_them():
    for seed in range(3):
        found, (wrong, right), _, _ = toy(seed, EVEN)
        assert wrong < right and found > 0.8  # by the cross-entropy: about 0.5


@pytest.mark.parametrize("noise", [EVEN, UNEVEN])
def test_invariant_3_the_weighted_student_gains_on_clean_rows(noise):
    assert np.mean([toy(seed, noise)[2] for seed in range(3)]) > 0.01


def test_invariant_4_on_clean_rows_no_class_collapses_and_little_is_lost():
    for seed in range(2):
        *_, gain, share = toy(seed, CLEAN)
        assert abs(share) < 0.1 and gain > -0.03


@pytest.mark.parametrize("by_class", [True, False])
def test_invariant_5_the_slope_is_that_of_one_step_followed_by_the_outer_loss(by_class):
    rng = np.random.default_rng(3)
    x, targets = rng.normal(size=(12, 4)), np.eye(3)[rng.integers(0, 3, 12)]
    given, student, heard, eta = rng.uniform(0.1, 0.9, 12), rng.normal(size=(4, 3)), np.arange(6), 1e-4
    groups = targets.argmax(axis=1) if by_class else None

    def outer(w):
        moved = student - eta * reweighting.gradient(x, targets, w * reweighting._factors(w, groups), student)
        return row_losses(softmax(x[heard] @ moved), targets[heard], "rce", 10.0).mean()

    slopes = weight_slopes(x, targets, given, student, heard, eta, groups=groups)
    numeric = [(outer(given + step) - outer(given - step)) / 2e-3 for step in np.eye(12) * 1e-3]
    assert slopes == pytest.approx(np.array(numeric), rel=1e-3, abs=2e-9)


def test_invariant_6_every_row_has_a_weight_between_0_and_1():
    grown = sungen(rate=20.0)
    assert len(grown.rows) == len(ROWS)
    assert all(np.isfinite(row["weight"]) and 0 < row["weight"] < 1 for row in grown.rows)


@pytest.mark.parametrize("held", [0.0, 0.2])
def test_invariant_6_the_order_of_the_rows_changes_no_weight(held):
    there, back = sungen(held=held), sungen(ROWS[::-1], held=held)
    assert weights(there) == weights(back) and len(set(weights(there).values())) > 10
    assert [row["id"] for row in there.rows] == [row["id"] for row in ROWS]


def test_invariant_7_nothing_but_text_and_label_of_the_synthetic_rows_is_read(monkeypatch):
    opened = []
    real = Run.data
    monkeypatch.setattr(Run, "data", lambda self, name: opened.append(name) or real(self, name))
    told = sungen()
    lied = sungen([{**row, "gold": OTHER[row["gold"]]} for row in ROWS])
    assert weights(told) == weights(lied) and set(opened) == {"synthetic"}


# ---- ours --------------------------------------------------------------------------------------------------------


def test_wrong_labels_of_texts_lose_weight():
    grown = sungen(rows_of(240), steps=20)
    wrong = np.array([row["label"] != json.loads(row["extras"])["gold"] for row in grown.rows])
    found = np.array([row["weight"] for row in grown.rows])
    assert wrong.sum() == 48 and auroc(found, ~wrong) > 0.85


def test_every_student_starts_from_nothing(monkeypatch):
    starts = []
    real = reweighting.gradient

    def watched(wide, targets, given, student):
        starts.append(float(np.abs(student).sum()))
        return real(wide, targets, given, student)

    monkeypatch.setattr(reweighting, "gradient", watched)
    weigh(np.eye(8), [0, 1] * 4, list("abcdefgh"), {"steps": 3, "inner": 4}, 4, 0.0, 0)
    assert sum(start == 0 for start in starts) == 4, "three outer steps and the last student"


def test_the_inner_loss_is_divided_by_the_sum_of_the_weights():
    rng = np.random.default_rng(0)
    x, targets = rng.normal(size=(9, 3)), np.eye(2)[rng.integers(0, 2, 9)]
    some = [reweighting.train(x, targets, np.full(9, w), 3, 0.5) for w in (0.1, 0.9)]
    assert some[0] == pytest.approx(some[1])


def test_a_class_cannot_be_given_up_although_all_rows_share_a_direction():
    """Unit vectors with a long common part, as sentence vectors are: the published form gives one class up."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 20)) + 4.0
    labels = [int(one) for one in (x[:, 0] + rng.normal(size=300) > 4.0)]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    ids, settings = [f"{n:03}" for n in range(300)], {"steps": 20, "rate": 0.2}
    share = np.mean(labels)
    found = np.array(weigh(x, labels, ids, settings, 150, 0.0, 0)["weights"])
    assert found[np.array(labels) == 1].sum() / found.sum() == pytest.approx(share, abs=0.1)
    raw = reweigh(x, np.eye(2)[labels], np.arange(150), Settings(**settings, by_class=False))
    assert abs(raw[np.array(labels) == 1].sum() / raw.sum() - share) > 0.2


def test_where_vectors_lie_and_how_long_they_are_changes_nothing():
    x, given, *_ = noisy(1, EVEN, n=60)
    ids, settings = [f"{n:02}" for n in range(60)], {"steps": 3, "inner": 5}
    there = weigh(x, list(map(int, given)), ids, settings, 30, 0.0, 0)["weights"]
    assert weigh(3 * x + 7, list(map(int, given)), ids, settings, 30, 0.0, 0)["weights"] == pytest.approx(there, abs=2e-6)


def test_the_rows_that_judge_are_drawn_once_and_not_by_weight(monkeypatch):
    heard = []
    real = reweighting.weight_slopes
    monkeypatch.setattr(reweighting, "weight_slopes", lambda *args: heard.append(set(args[4])) or real(*args))
    rows = np.random.default_rng(1).normal(size=(20, 5))
    weigh(rows, [0, 1] * 10, [f"{n:02}" for n in range(20)], {"steps": 4, "inner": 2, "hard": 0.8}, 10, 0.0, 0)
    assert len(heard) == 4 and set().union(*heard) == heard[0] and len(heard[0]) == 10
    assert all(len(one) == 8 for one in heard[1:]), "the heavier eight of ten"


def test_the_number_of_steps_is_chosen_on_rows_held_out_and_told():
    grown = sungen(held=0.2, steps=10)
    (steps,) = {json.loads(row["extras"])["meta"]["conditions"]["outer_steps"] for row in grown.rows}
    side = json.loads((grown.folder / "artifacts" / "weights.json").read_text("utf-8"))
    assert steps in (0, 5, 10) and side["steps"] == steps
    assert side["shares"]["good"]["rows"] == pytest.approx(0.5)


def test_where_no_step_helps_all_weigh_the_same_and_the_user_is_told(monkeypatch):
    monkeypatch.setattr("tilth.methods.classification.sungen.best_steps", lambda *args: 0)
    grown = sungen(held=0.2)
    assert set(weights(grown).values()) == {0.5}
    assert "sungen: equal weights were best on rows held out, so all weigh the same." in grown.outcome.warnings


def test_a_class_that_loses_its_weight_is_reported(monkeypatch):
    def collapsed(vectors, labels, *others):
        return {"weights": [0.9 if label else 0.1 for label in labels], "steps": 5}

    monkeypatch.setattr("tilth.methods.classification.sungen.weigh", collapsed)
    assert "sungen: label 'good' has 50% of the rows and 10% of the weight." in " ".join(sungen().outcome.warnings)


def test_the_lightest_rows_are_turned_away_on_request():
    all_, most = sungen(), sungen(keep=0.75)
    light = {row["id"]: row["score"] for row in most.rejected if row["reason"] == "light"}
    assert len(most.rows) == 90 and len(light) == 30 and max(light.values()) <= min(weights(most).values())
    assert weights(most) | light == weights(all_)


def test_rows_without_text_or_with_an_unknown_label_are_turned_away():
    odd = [
        {"id": "a", "text": " ", "label": "good"},
        {"id": "b", "text": "so so", "label": "so so"},
        {"id": "c", "text": "none", "label": None},
    ]
    grown = sungen([*odd, *ROWS])
    assert {row["id"]: row["reason"] for row in grown.rejected} == {"a": "no_text", "b": "unknown_label", "c": "unknown_label"}
    assert len(grown.rows) == len(ROWS)


def test_labels_of_the_data_are_enough_and_rows_bounds_them():
    grown = grow(quick(rows=40), writes, data={"synthetic": ROWS})
    assert [row["id"] for row in grown.rows] == [row["id"] for row in ROWS[:40]] and not grown.requests


def test_without_a_set_one_is_written_first_and_then_weighed():
    grown = grow(quick(rows=60), writes, task=TASK)
    assert Counter(row["label"] for row in grown.rows) == {"good": 30, "bad": 30}
    assert all(re.fullmatch(r"a \w+ film .*", row["text"]) and 0 < row["weight"] < 1 for row in grown.rows)
    assert {row["reason"] for row in grown.rejected} <= {"unfinished", "duplicate"} and len(set(weights(grown).values())) > 10


def test_one_label_cannot_be_weighed():
    with pytest.raises(RequestError, match="at least two labels"):
        sungen([row for row in ROWS if row["label"] == "good"])

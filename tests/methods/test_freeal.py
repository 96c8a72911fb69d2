"""FreeAL: an LLM's labels, a student that finds the clean ones, and demonstrations that come back."""

import json
import zlib
from collections import Counter

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import grow
from tilth.errors import RequestError
from tilth.methods.annotation._refinery import Refined, _medoids, learn, nearest_of
from tilth.methods.annotation.freeal import FreeAL
from tilth.models.hashed import HashedTfidf
from tilth.records.folder import RunFolder
from tilth.records.record import Record
from tilth.report.export.source import Source
from tilth.stats.mixture import share_of_small

LABELS = {"positive": "the writer liked it", "negative": "the writer did not like it"}
WORDS = {
    "positive": ["warm", "lovely", "gripping", "superb", "charming", "touching"],
    "negative": ["dull", "clumsy", "lifeless", "tedious", "dreadful", "shallow"],
}
THINGS = ["plot", "cast", "music", "pace", "ending", "humour", "camera", "dialogue"]


def text(label, n):
    words = WORDS[label]
    return f"A {words[n % 6]} and {words[(n // 6 + 1) % 6]} {THINGS[n % 8]}, number {n}."


POOL = [{"id": f"{label[0]}{n}", "text": text(label, n)} for n in range(30) for label in LABELS]
TRUTH = {row["id"]: "positive" if row["id"].startswith("p") else "negative" for row in POOL}


def truth(shown):
    return "positive" if any(word in shown for word in WORDS["positive"]) else "negative"


def other(label):
    return "negative" if label == "positive" else "positive"


def chance(asked):
    return zlib.crc32(asked.encode()) % 100


def annotator(noise, odd=0):
    """Wrong on `noise` % of the texts while its demonstrations are not of this pool; unreadable on `odd` %; writes examples on request."""

    def reply(request):
        messages = request.messages
        if messages[0]["role"] == "user":
            label = "positive" if '"positive"' in messages[0]["content"] else "negative"
            return f"A {WORDS[label][request.seed % 6]} example of {request.seed}."
        asked = messages[-1]["content"]
        if chance(asked) < odd:
            return "I would rather not say."
        pairs = list(zip(messages[1:-1:2], messages[2::2], strict=False))
        good = [truth(shown["content"]) == answer["content"] for shown, answer in pairs if "number" in shown["content"]]
        right = bool(good) and all(good)
        return truth(asked) if right or chance(asked) >= odd + noise else other(truth(asked))

    return reply


def run(noise=20, odd=0, pool=POOL, **parameters):
    settings = {"generated": 8, "demonstrations": 12, "shots": 4, **parameters}
    return grow(FreeAL(**settings), annotator(noise, odd), task={"labels": LABELS}, data={"unlabelled": pool})


SCENARIO = Scenario(
    FreeAL(generated=4, demonstrations=8, shots=4), annotator(15, 5), task={"labels": LABELS}, data={"unlabelled": POOL[:24]}
)
LOCAL = {"parameters": {"generated": 2, "demonstrations": 2, "shots": 2, "rounds": 1}, "data": {"unlabelled": POOL[:6]}}


def gaussians(seed, n=600, d=10, distance=3.0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.normal(size=(n, d))
    x[:, 0] += (2 * y - 1) * distance / 2
    return rng, x, ["+" if one else "-" for one in y]


def flipped(rng, labels, share):
    wrong = rng.random(len(labels)) < share
    return wrong, [("-" if one == "+" else "+") if bad else one for one, bad in zip(labels, wrong, strict=True)]


def test_invariant_1_small_loss_keeps_the_clean_rows_and_leaves_the_noise_behind():
    recall, noise = [], []
    for seed in range(10):
        rng, x, labels = gaussians(seed)
        wrong, given = flipped(rng, labels, 0.3)
        clean = np.array([one > 0.7 for one in learn(x, given, 0.1, 0.7, 0.2, 20, 0)["p_clean"]])
        recall.append(clean[~wrong].mean())
        noise.append(wrong[clean].mean())
    assert min(recall) > 0.8 and max(noise) < 0.15, (recall, noise)


@pytest.mark.parametrize("rates", [(0.4, 0.05), (0.05, 0.4)])
def test_on_unit_vectors_with_a_weak_signal_the_clean_rows_are_not_those_of_the_frequent_label(rates):
    """As sentence vectors are: many dimensions, a common direction, classes close together. Found on SST-2 (docs/quality.md)."""
    for seed in range(5):
        rng, x, labels = gaussians(seed, n=300, d=100)
        x[:, 1] += 8
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        wrong = rng.random(300) < np.where([one == "+" for one in labels], *rates)
        given = [("-" if one == "+" else "+") if bad else one for one, bad in zip(labels, wrong, strict=True)]
        found = learn(x, given, FreeAL().strength, 0.7, 0.2, 20, 0)
        clean = np.array([one > 0.7 for one in found["p_clean"]])
        kept = Counter(one for one, keep in zip(given, clean, strict=True) if keep)
        assert min(kept["+"] / given.count("+"), kept["-"] / given.count("-")) > 0.3, kept
        assert wrong[clean].mean() < 0.75 * wrong.mean()
        assert np.mean([one == true for one, true in zip(found["labels"], labels, strict=True)]) > 0.7


@pytest.mark.parametrize("sign", [1, -1])
def test_invariant_2_the_component_with_the_smaller_mean_is_clean_in_any_order(sign):
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.1, 0.03, 70), rng.normal(0.8, 0.1, 30)])[::sign]
    small = share_of_small(values)
    assert ((small > 0.7) == (values < 0.4)).all()


def test_invariant_3_trusted_rows_agree_per_class_and_are_at_most_a_fifth():
    rng, x, labels = gaussians(3)
    _, given = flipped(rng, labels, 0.2)
    given = [None if n % 10 == 0 else one for n, one in enumerate(given)]
    found = learn(x, given, 0.1, 0.7, 0.2, 20, 0)
    for name in "+-":
        agreed = [n for n, one in enumerate(given) if one == name == found["labels"][n]]
        chosen = [n for n in range(600) if found["trusted"][n] and found["labels"][n] == name]
        assert set(chosen) <= set(agreed) and len(chosen) == int(0.2 * len(agreed)) > 0
        sure = [max(found["probs"][n].values()) for n in range(600)]
        assert min(sure[n] for n in chosen) >= max(sure[n] for n in agreed if n not in set(chosen))
        assert set(found["medoids"][name]) <= set(chosen) and 0 < len(found["medoids"][name]) <= 10
    assert not any(found["trusted"][n] for n in range(0, 600, 10))


def test_invariant_4_demonstrations_are_balanced_nearest_and_never_the_row_itself():
    vectors = np.random.default_rng(1).normal(size=(40, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = ["a" if n % 2 else "b" for n in range(40)]
    medoids = {"a": [1, 3, 5, 7, 9, 11], "b": [0, 2, 4, 6, 8, 10]}
    shown = Refined(names, [{}] * 40, [None] * 40, [False] * 40, medoids).shown(vectors, 6, ["a", "b"])
    for row, one in enumerate(shown):
        assert Counter(names[i] for i in one) == {"a": 3, "b": 3} and row not in one
        for name, known in medoids.items():
            near = sorted((i for i in known if i != row), key=lambda i: -float(vectors[row] @ vectors[i]))[:3]
            assert {i for i in one if names[i] == name} == set(near)
        assert one == sorted(one, key=lambda i: float(vectors[row] @ vectors[i])), "the nearest stands last"


def test_invariant_5_the_llm_is_better_with_what_comes_back_and_trusted_rows_are_not_asked_again():
    first, second = run(rounds=1), run(rounds=2)

    def right(grown):
        return np.mean([row["llm_label"] == TRUTH[row["id"]] for row in grown.rows])

    assert right(first) < 0.9 < right(second) and len(second.rows) == len(POOL)
    trusted = sum(score["value"] for row in second.rows for score in row["scores"] if score["name"] == "trusted")
    asked = [request for request in second.requests if request.messages[0]["role"] == "system"]
    kept = [row for row in second.rows if row["round"] == 0]
    assert trusted and kept and len(asked) == 2 * len(POOL) - len(kept)
    assert second.outcome.calls == 8 + len(asked)


def test_written_examples_serve_the_first_round_and_the_pools_own_the_second():
    grown = run()
    rounds = {"example of": [], "number": []}
    for request in grown.requests:
        if request.messages[0]["role"] == "system" and len(request.messages) > 2:
            shown = [message["content"] for message in request.messages[1:-1:2]]
            kind = "example of" if "example of" in shown[0] else "number"
            rounds[kind].append(shown)
            assert all(kind in one for one in shown) and len(shown) <= 4
            assert request.messages[-1]["content"] not in shown
    assert len(rounds["example of"]) == len(POOL) and rounds["number"]


def test_invariant_6_equal_losses_and_a_single_class_fall_back_without_nan():
    assert (share_of_small(np.full(5, 0.3)) == 1).all() and share_of_small([]).size == 0
    vectors = np.ones((4, 3)) / np.sqrt(3)
    found = learn(vectors, ["a", "b", "a", "b"], 0.1, 0.7, 0.2, 4, 0)
    assert all(one == 1 for one in found["p_clean"]) and all(np.isfinite(list(row.values())).all() for row in found["probs"])
    assert learn(vectors, ["a", "a", None, "a"], 0.1, 0.7, 0.2, 4, 0)["labels"] == [""] * 4
    grown = grow(FreeAL(generated=0), lambda request: "positive", task={"labels": LABELS}, data={"unlabelled": POOL[:12]})
    assert {(row["label"], row["label_probs"]) for row in grown.rows} == {("positive", None)}


def test_a_class_without_a_clean_row_does_not_die_out():
    rng, x, labels = gaussians(1, n=60)
    given = ["-" if one == "+" and n % 4 else one for n, one in enumerate(labels)]
    found = learn(x, given, 0.1, 0.999999, 0.2, 8, 0)
    assert set(found["probs"][0]) == {"+", "-"} and rng is not None


def test_invariant_7_replies_that_name_no_label_are_counted_and_are_no_class():
    grown = run(noise=0, odd=20)
    unreadable = {row["id"] for row in POOL if chance(f"{row['text']}\n\nWhich label has this text?") < 20}
    assert 3 < len(unreadable) < 25
    by_id = {row["id"]: row for row in grown.rows}
    missing = {id_ for id_, row in by_id.items() if row["llm_label"] is None}
    assert missing == unreadable and len(by_id) == len(POOL)
    assert all(score["value"] is None for id_ in missing for score in by_id[id_]["scores"] if score["name"] == "p_clean")
    assert all(row["label"] == TRUTH[id_] for id_, row in by_id.items()), "the student labels them"
    assert any(f"{len(unreadable)} of {len(POOL)} replies in round 0 named no label" in line for line in grown.outcome.warnings)


def test_rows_that_nobody_could_label_are_rejected_by_name():
    grown = grow(FreeAL(generated=0), lambda request: "no idea", task={"labels": LABELS}, data={"unlabelled": POOL[:11]})
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"no_label"} and len(grown.rejected) == 11


def test_rows_without_a_text_are_rejected_and_the_others_keep_their_columns():
    odd = [{"id": "none", "text": None}, {"id": "number", "text": 5}, {"id": "blank", "text": " "}]
    pool = [{**row, "topic": "films", "label": "old"} for row in POOL[:12]]
    grown = run(pool=[*odd, *pool])
    assert {row["reason"] for row in grown.rejected} == {"no_text"} and len(grown.rows) == 12
    assert sorted(parent for row in grown.rejected for parent in row["parents"]) == ["blank", "none", "number"]
    assert all(json.loads(row["extras"])["topic"] == "films" and row["label"] in LABELS for row in grown.rows)


def test_a_label_of_found_texts_is_not_taken_for_a_persons():
    pool = [Record({"text": row["text"]}, meta={"id": row["id"], "origin": "human"}) for row in POOL[:12]]
    grown = run(pool=pool)
    assert {row["origin"] for row in grown.rows} == {"human"}, "of the text"
    assert {row.meta["label_source"] for row in Source(RunFolder(grown.folder)).rows()} == {"llm"}


def test_the_record_tells_how_it_came_by_its_label():
    row = run().rows[0]
    conditions = json.loads(row["extras"])["meta"]["conditions"]
    assert len(conditions["demonstrations"]) == 4 and row["id"] not in conditions["demonstrations"]
    assert {one["label"] for one in row["label_probs"]} == set(LABELS) and row["round"] in (0, 1)


def test_medoids_stand_for_their_clusters():
    blobs = np.array([[1, 0, 0], [0.99, 0.1, 0], [0.99, -0.1, 0], [0, 1, 0], [0.1, 0.99, 0], [-0.1, 0.99, 0]], dtype=float)
    assert _medoids(blobs, [0, 1, 2, 3, 4, 5], 2, 0) == [0, 3] and _medoids(blobs, [4, 5], 3, 0) == [4, 5]


def test_the_most_similar_written_example_stands_next_to_the_question():
    vectors = HashedTfidf().vectors
    for request in run(rounds=1).requests:
        if request.messages[0]["role"] == "system":
            shown = vectors([message["content"].split("\n")[0] for message in request.messages[1::2]])
            similar = np.round(shown[:-1] @ shown[-1], 6)
            assert similar[-1] == similar.max() and (np.diff(similar) >= 0).all()


def test_nearest_of_breaks_ties_by_the_lower_number():
    assert nearest_of(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]), 2) == [[1, 2]]


def test_labels_are_needed():
    with pytest.raises(RequestError, match=r"task\.labels"):
        grow(FreeAL(), lambda request: "x", data={"unlabelled": POOL})

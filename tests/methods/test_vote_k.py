"""Vote-k: representative texts first, then one of each level of confidence, and people label them."""

import json
import math
import re

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.answering import answer, questions
from methods.growing import asked_of, grow
from tilth.errors import RequestError
from tilth.generate.labelling import CANNOT_TELL
from tilth.methods.annotation.vote_k import VoteK
from tilth.models.base import Capabilities, Reply
from tilth.models.hashed import HashedTfidf

LABELS = {"weather": "", "music": "", "travel": ""}
WORDS = {
    "weather": ["rain", "storm", "cloud", "sunshine", "thunder", "drizzle"],
    "music": ["guitar", "concert", "melody", "orchestra", "singer", "rhythm"],
    "travel": ["airport", "luggage", "passport", "railway", "hotel", "journey"],
}
POOL = [
    {
        "id": f"{label[:2]}{n:02}",
        "text": f"The {words[n % 6]} and the {words[(n * 5 + 1) % 6]} again, {words[(n // 6) % 6]}, note {n}.",
        "gold": label,
    }
    for n in range(14)
    for label, words in WORDS.items()
]
TRUTH = {row["id"]: row["gold"] for row in POOL}
IDS = sorted(TRUTH)
TEXTS = {row["id"]: row["text"] for row in POOL}
CHAT = Capabilities(seed=True)


def truth_of(text):
    return next(label for label, words in WORDS.items() if any(word in text for word in words))


def last_text(shown):
    found = re.findall(r"<text>(.*?)</text>", shown)
    return found[-1] if found else shown.rsplit("Text:", 1)[1].split("\n")[0]


def score(prompt, continuation):
    """Sure in proportion to the number of the text."""
    text = last_text(prompt)
    number = int(re.search(r"note (\d+)", text)[1])
    return 0.3 * number if continuation.strip() == truth_of(text) else 0.0


def votes(request):
    text = last_text(asked_of(request))
    number = int(re.search(r"note (\d+)", text)[1])
    return "I cannot say" if number == 3 else truth_of(text) if request.seed % 14 <= number else "weather"


def never(request):
    raise AssertionError("no model is asked")


def run(reply=never, *, pool=POOL, seed=0, folder=None, can=None, score=None, **parameters):
    method = VoteK(**{"annotator": "given", "neighbours": 6, "first": 0.3, "rows": 12, **parameters})
    return grow(method, reply, task={"labels": LABELS}, data={"unlabelled": pool}, seed=seed, folder=folder, can=can, score=score)


def meta_of(row):
    return json.loads(row["extras"])["meta"]["conditions"]


def scores_of(row):
    return {one["name"]: one["value"] for one in row["scores"]}


SCENARIO = Scenario(
    VoteK(annotator="given", neighbours=6, first=0.3, rows=12), votes, task={"labels": LABELS}, data={"unlabelled": POOL}, score=score
)
LOCAL = {"parameters": {"rows": 6, "first": 0.5}, "data": {"unlabelled": POOL[:12]}}


def by_hand(vectors, count, k, rho=10.0):
    """The greedy order, written down from the paper: row after row, no shared code. Votes and picks with their scores."""
    rows = vectors - vectors.mean(axis=0)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    similar = np.round(rows @ rows.T, 6)
    n = len(rows)
    nearest = [sorted((u for u in range(n) if u != v), key=lambda u: (-similar[v, u], u))[:k] for v in range(n)]
    voters = [[v for v in range(n) if u in nearest[v]] for u in range(n)]
    picks, scores, supports = [], [], [0] * n
    for _ in range(count):
        now = [round(sum(rho ** -supports[v] for v in voters[u] if v not in picks), 9) for u in range(n)]
        best = min((u for u in range(n) if u not in picks), key=lambda u: (-now[u], -len(voters[u]), u))
        picks.append(best)
        scores.append(now[best])
        for v in voters[best]:
            supports[v] += 1
    return picks, scores, voters


@pytest.mark.parametrize(("k", "rho"), [(2, 10.0), (6, 10.0), (6, 2.0)])
def test_invariants_1_to_3_fast_vote_k_is_the_greedy_order_without_a_call(k, rho):
    grown = run(confidence=False, neighbours=k, rho=rho)
    vectors = np.asarray(HashedTfidf().vectors([TEXTS[id_] for id_ in IDS]), dtype=np.float64)
    picks, scores, voters = by_hand(vectors, 12, k, rho)
    assert [row["id"] for row in grown.rows] == [IDS[at] for at in picks] and len(set(picks)) == 12
    assert [scores_of(row)["vote_score"] for row in grown.rows] == pytest.approx(scores)
    assert [meta_of(row)["order"] for row in grown.rows] == list(range(12)) and grown.outcome.calls == 0
    assert scores[0] == max(len(one) for one in voters), "the first has the most votes"
    assert all(row["label"] == TRUTH[row["id"]] and row["label_source"] == "human" for row in grown.rows)


def test_invariant_4_all_groups_are_met_sooner_than_by_chance():
    for seed in range(3):
        grown = run(confidence=False, rows=6, seed=seed)
        assert {row["label"] for row in grown.rows} == set(LABELS)


def test_invariant_6_another_order_of_the_file_picks_the_same_texts():
    picked = [row["id"] for row in run(score=score).rows]
    assert picked == [row["id"] for row in run(score=score, pool=POOL[::-1]).rows]


def test_invariant_7_phase_2_takes_one_of_each_bucket_of_confidence_and_none_of_the_surest():
    grown = run(score=score)
    first = [row["id"] for row in grown.rows if meta_of(row)["phase"] == 1]
    second = [row for row in grown.rows if meta_of(row)["phase"] == 2]
    assert len(first) == math.ceil(0.3 * 12) and len(second) == 8 and grown.outcome.calls == len(POOL) - len(first)
    sure = {id_: round(0.3 * n - math.log(math.exp(0.3 * n) + 2), 6) for id_ in IDS for n in [int(id_[2:])]}
    left = sorted((id_ for id_ in IDS if id_ not in first), key=lambda id_: (sure[id_], id_))
    buckets = np.array_split(left[: len(left) - int(0.1 * len(POOL))], 8)
    for row, bucket in zip(second, buckets, strict=True):
        assert row["id"] in bucket and scores_of(row)["confidence"] == pytest.approx(sure[row["id"]], abs=1e-5)
    assert [row["round"] for row in grown.rows] == [0] * 4 + [1] * 8
    assert all(scores_of(row)["confidence"] is None for row in grown.rows[:4])


def test_the_confidence_is_that_behind_the_most_similar_labelled_texts_the_nearest_last():
    prompts = []

    def watched(prompt, continuation):
        prompts.append(prompt)
        return score(prompt, continuation)

    grown = run(score=watched, shots=2)
    first = [row for row in grown.rows if meta_of(row)["phase"] == 1]
    vectors = HashedTfidf().vectors
    known = vectors([row["text"] for row in first])
    for prompt in set(prompts):
        shown = re.findall(r"Text: (.*)\nLabel: (.*)", prompt)
        assert len(shown) == 2 and prompt.endswith("\nLabel:")
        near = known @ vectors([last_text(prompt)])[0]
        best = np.lexsort((np.arange(len(first)), -np.round(near, 6)))[:2]
        assert [text for text, _ in shown] == [first[at]["text"] for at in reversed(best)]
        assert all(label == truth_of(text) for text, label in shown)


def test_log_probabilities_of_the_reply_or_equal_answers_stand_in_for_scores():
    def told(request):
        text = last_text(asked_of(request))
        number = int(re.search(r"note (\d+)", text)[1])
        return Reply(truth_of(text), logprobs=(("a", -1.0 / (number + 1)), ("b", -3.0 / (number + 1))))

    grown = run(told, can=Capabilities(logprobs=True, seed=True))
    second = [row for row in grown.rows if meta_of(row)["phase"] == 2]
    assert all(scores_of(row)["confidence"] == pytest.approx(-2 / (int(row["id"][2:]) + 1), abs=1e-5) for row in second)
    voted = run(votes, can=CHAT, votes=4)
    second = [row for row in voted.rows if meta_of(row)["phase"] == 2]
    assert voted.outcome.calls == 4 * (len(POOL) - 4)
    unread = {row["id"] for row in POOL if row["id"].endswith("03")} - {row["id"] for row in voted.rows if meta_of(row)["phase"] == 1}
    assert {round(math.exp(scores_of(row)["confidence"]), 3) for row in second if row["id"] not in unread} <= {0.25, 0.5, 0.75, 1.0}
    assert any(f"of {len(unread)} of {len(POOL) - 4} texts the model's reply named no label" in line for line in voted.outcome.warnings)
    sure = [scores_of(row)["confidence"] for row in second]
    assert sure == sorted(sure)


def test_texts_whose_label_cannot_be_read_are_the_least_sure():
    def mute(request):
        label = truth_of(last_text(asked_of(request)))
        return "I cannot say" if label == "weather" else label

    grown = run(mute, can=CHAT, votes=2)
    second = [row for row in grown.rows if meta_of(row)["phase"] == 2]
    assert [row["label"] == "weather" for row in second[:2]] == [True, True] and second[-1]["label"] != "weather"
    assert {scores_of(row)["confidence"] for row in second if row["label"] == "weather"} == {-1.0}
    assert {scores_of(row)["confidence"] for row in second if row["label"] != "weather"} == {0.0}


def test_a_server_that_promises_log_probabilities_and_sends_none_is_asked_for_answers():
    grown = run(lambda request: truth_of(last_text(asked_of(request))), can=Capabilities(logprobs=True, seed=True), votes=2)
    assert grown.outcome.calls == 3 * (len(POOL) - 4) and len(grown.rows) == 12
    assert [line for line in grown.outcome.warnings if "vote-k" in line] == [
        "vote-k: the server sends no log-probabilities; 2 answers to each text say how sure the model is."
    ]


def test_people_are_asked_in_two_phases_and_the_model_in_between():
    first = run(annotator="people", score=score, folder="runs/people")
    assert (first.outcome.status, first.outcome.calls, len(questions(first.folder))) == ("waiting", 0, 4)
    answer(first.folder, lambda one: TRUTH[one["about"]["id"]])
    second = run(annotator="people", score=score, folder="runs/people")
    assert (second.outcome.status, second.outcome.calls, len(questions(second.folder))) == ("waiting", len(POOL) - 4, 8)
    skipped = questions(second.folder)[0]["about"]["id"]
    answer(first.folder, lambda one: CANNOT_TELL if one["about"]["id"] == skipped else TRUTH[one["about"]["id"]])
    third = run(annotator="people", score=score, folder="runs/people")
    assert (third.outcome.status, third.outcome.calls) == ("done", 0)
    assert [row["id"] for row in third.rows] == [row["id"] for row in run(score=score).rows if row["id"] != skipped]
    assert [row["reason"] for row in third.rejected] == ["cannot_tell"]


def test_the_given_label_is_read_for_chosen_texts_alone_and_shown_to_no_model():
    prompts = []

    def watched(prompt, continuation):
        prompts.append(prompt)
        return score(prompt, continuation)

    chosen = {row["id"] for row in run(score=score).rows}
    blind = [row if row["id"] in chosen else {**row, "gold": "none of them"} for row in POOL]
    grown = run(score=watched, pool=blind)
    assert {row["id"] for row in grown.rows} == chosen and not grown.rejected
    assert not any("none of them" in prompt for prompt in prompts)


def test_a_small_pool_gives_all_it_has_and_says_that_votes_are_equal():
    grown = run(pool=POOL[:5], confidence=False, neighbours=150)
    assert len(grown.rows) == 5 and any("5 texts have at most 4 neighbours" in line for line in grown.outcome.warnings)
    assert not any("neighbours" in line for line in run(pool=POOL[:1], confidence=False).outcome.warnings)


def test_labels_are_needed():
    with pytest.raises(RequestError, match=r"task\.labels"):
        grow(VoteK(), never, data={"unlabelled": POOL})

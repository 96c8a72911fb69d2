"""llm-labels: what a label and its probabilities rest on, and that given labels never reach the model."""

import asyncio
import json
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow, table
from tilth.engine.execute import execute
from tilth.engine.method import Task
from tilth.engine.session import Settings
from tilth.errors import RequestError
from tilth.methods.annotation.llm_labels import LlmLabels
from tilth.models.base import Capabilities
from tilth.models.roles import RoleModel
from tilth.models.scripted import EVERYTHING, ScriptedModel
from tilth.records.data import Data
from tilth.records.folder import RunFolder
from tilth.stats.calibration import batch_calibrated

TASK = {"about": "Film reviews.", "labels": {"good": "likes it", "bad": "dislikes it"}}
CHATS = Capabilities(seed=True)
TEXTS = [{"text": f"film {number} is {'fine' if number % 2 else 'dull'}"} for number in range(30)]
SUPPORT = [{"text": f"example {number}", "label": "good" if number < 6 else "bad"} for number in range(8)]


def answers(request):
    """Names the label of the last text; each seventh answer names none."""
    if request.seed % 7 == 0:
        return "It is hard to say."
    return "Good." if "fine" in asked_of(request).rsplit("<text>", 1)[1] else "bad"


SCENARIO = Scenario(LlmLabels(how="ask", votes=3, reasks=0, demonstrations=2), answers, TASK, {"unlabelled": TEXTS[:8], "support": SUPPORT})
LOCAL = {"parameters": {"votes": 1}, "data": {"unlabelled": TEXTS[:3], "support": SUPPORT}}


def say(text):
    return lambda request: text


def label(method, rows, *, log_prob=None, reply=answers, folder="runs/labels", concurrency=None, latency=0.0, support=None, seed=0):
    """Run `method` over rows; `log_prob(prompt, word)` is what the model says of a label's word. Rows, rejects, model, artifact."""
    prompts = []

    def score(prompt, continuation):
        prompts.append(prompt)
        return log_prob(prompt, continuation)

    model = ScriptedModel(reply, score=score if log_prob else None, can=EVERYTHING if log_prob else CHATS, latency=latency)
    home, task = RunFolder(Path(folder).resolve()), Task(**TASK)
    data = {"unlabelled": Data.of(rows, name="unlabelled"), **({"support": Data.of(support, name="support")} if support else {})}
    roles = {"generator": [RoleModel(model)]}
    settings = Settings(folder=home, roles=roles, identity=b"test", task=task, data=data, seed=seed, concurrency=concurrency)
    outcome = asyncio.run(execute(method, settings))
    path = home.path / "artifacts" / "annotation.json"
    facts = json.loads(path.read_text("utf-8")) if path.exists() else None
    return table(home.path / "data"), table(home.path / "rejected"), model, facts, prompts, outcome


def liking_good(prompt, word):
    """Knows the label but likes the word good by 2 nats; a text without content shows the liking alone."""
    last = prompt.rsplit("Text:", 1)[1]
    signal = 1.0 if "fine" in last else -1.0 if "dull" in last else 0.0
    return (signal + 2.0 if word == " good" else 0.0) - 3.0


def probs_of(row):
    return {one["label"]: one["prob"] for one in row["label_probs"]}


# ---- label log-probabilities -------------------------------------------------------------------------------------


def test_probabilities_are_the_scores_normalised_over_the_labels():
    rows, _, _, _, prompts, _ = label(LlmLabels(calibration="none"), TEXTS[:2], log_prob=liking_good)
    assert prompts[0] == "Text: film 0 is dull\nLabel:"
    assert probs_of(rows[0])["good"] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-6)
    assert [row["label"] for row in rows] == ["good", "good"], "without calibration its liking wins"
    entropy = -sum(p * math.log2(p) for p in probs_of(rows[0]).values())
    assert {one["name"]: one["value"] for one in rows[0]["scores"]}["label_entropy"] == pytest.approx(entropy, abs=1e-5)


def test_batch_calibration_is_that_of_the_statistics_and_finds_the_labels():
    rows, _, model, _, _, _ = label(LlmLabels(), TEXTS, log_prob=liking_good)
    raw = [[liking_good(f"Text: {row['text']}\nLabel:", word) for word in (" good", " bad")] for row in TEXTS]
    expected = np.exp(batch_calibrated(raw))
    assert np.allclose([[probs_of(row)[name] for name in ("good", "bad")] for row in rows], expected, atol=1e-6)
    assert [row["label"] for row in rows] == ["bad", "good"] * 15 and model.calls == 30
    assert [row["text"] for row in rows] == [row["text"] for row in TEXTS], "order stays"


def test_prior_calibration_takes_out_what_texts_without_content_get():
    rows, _, model, _, prompts, _ = label(LlmLabels(calibration="prior"), TEXTS[:4], log_prob=liking_good)
    assert [row["label"] for row in rows] == ["bad", "good"] * 2 and model.calls == 4 + 3
    assert {"Text: N/A\nLabel:", "Text: \nLabel:", "Text: [MASK]\nLabel:"} <= set(prompts)
    assert probs_of(rows[1])["good"] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-6)


def test_a_batch_that_is_too_small_is_left_as_it_is_and_said():
    rows, _, _, _, _, outcome = label(LlmLabels(), TEXTS[:3], log_prob=liking_good)
    assert {row["label"] for row in rows} == {"good"}
    assert outcome.warnings == ["3 texts are too few for batch calibration (20 wanted); the labels are not calibrated."]


def test_words_names_and_the_whole_prompt_can_be_ones_own():
    seen = []

    def score(prompt, word):
        seen.append((prompt, word))
        return -1.0 if word.strip() == "great" else -2.0

    own = LlmLabels(calibration="none", verbalisers={"good": "great"}, text_name="Review", label_name="Sentiment")
    rows, *_ = label(own, TEXTS[:1], log_prob=score)
    assert rows[0]["label"] == "good"
    assert sorted(seen) == [("Review: film 0 is dull\nSentiment:", word) for word in (" bad", " great")]
    seen.clear()
    label(LlmLabels(calibration="none", prompts={"score": '{{ text }} -> "'}), TEXTS[:1], log_prob=score, folder="runs/own")
    assert sorted(seen) == [('film 0 is dull -> "', word) for word in ("bad", "good")], "behind a quotation mark no space is added"


def test_demonstrations_are_balanced_the_same_everywhere_and_never_the_text_itself():
    texts = [{"text": "example 7"}, *TEXTS[:3]]
    method = LlmLabels(calibration="none", demonstrations=4)
    _, _, _, _, prompts, _ = label(method, texts, log_prob=liking_good, support=SUPPORT)
    heads = {prompt.rsplit("Text: ", 1)[0] for prompt in prompts if "Text: film" in prompt}
    assert len(heads) == 1
    assert Counter(re.findall(r"Label: (\w+)", heads.pop())) == {"good": 2, "bad": 2}
    own = [prompt for prompt in prompts if prompt.endswith("Text: example 7\nLabel:")]
    assert own and all(prompt.count("example 7") == 1 for prompt in own), "both examples of 'bad' are shown, but not this one"


def test_the_same_bytes_at_any_concurrency_and_nothing_twice():
    first, *_ = label(LlmLabels(), TEXTS, log_prob=liking_good, folder="runs/a", concurrency=1)
    second, *_ = label(LlmLabels(), TEXTS, log_prob=liking_good, folder="runs/b", concurrency=16, latency=(0.0, 0.003))
    again, _, model, *_ = label(LlmLabels(), TEXTS, log_prob=liking_good, folder="runs/a")
    assert first == second == again and model.calls == 0


# ---- answers -----------------------------------------------------------------------------------------------------


def test_a_model_that_only_chats_is_asked_and_one_answer_has_no_probabilities():
    head = "Film reviews.\n\nRules:\nBe strict.\n\nLabels:\n- good: likes it\n- bad: dislikes it\n\n<text>film 0 is dull</text>\n\n"
    grown = grow(LlmLabels(rows=2), say("Good."), task=TASK | {"codebook": "Be strict."}, data={"unlabelled": TEXTS}, can=CHATS)
    assert [row["label"] for row in grown.rows] == ["good", "good"] and len(grown.requests) == 2
    assert {(row["label_probs"] and True) for row in grown.rows} == {None}
    assert grown.prompts[0].startswith(head)
    assert {request.temperature for request in grown.requests} == {0.0}


def test_votes_give_shares_and_ties_go_to_the_first_answer():
    told = {0: "bad", 1: "good", 2: "good", 3: "bad"}
    turn = iter(range(100))
    grown = grow(LlmLabels(votes=4, rows=1), lambda request: told[next(turn) % 4], task=TASK, data={"unlabelled": TEXTS}, concurrency=1)
    (row,) = grown.rows
    assert probs_of(row) == {"good": 0.5, "bad": 0.5} and row["label"] == "bad"
    assert {one["name"]: one["value"] for one in row["scores"]} == {"label_entropy": 1.0, "votes": 4.0}
    assert len({request.seed for request in grown.requests}) == 4, "votes of one text are drawn independently"
    assert {request.temperature for request in grown.requests} == {1.0}


def test_replies_without_a_label_do_not_vote_and_a_text_without_votes_is_rejected():
    def unsure(request):
        return "bad" if "film 1 " in asked_of(request) and request.seed % 2 else "I cannot tell."

    grown = grow(LlmLabels(votes=8, rows=3, reasks=0), unsure, task=TASK, data={"unlabelled": TEXTS}, can=CHATS)
    (row,) = grown.rows
    assert probs_of(row) == {"good": 0.0, "bad": 1.0}
    assert 0 < {one["name"]: one["value"] for one in row["scores"]}["votes"] < 8
    assert [row["reason"] for row in grown.rejected] == ["not_a_label"] * 2
    assert all(row["label"] is None for row in grown.rejected)


# ---- given labels and lineage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["label", "gold"])
def test_given_labels_reach_the_report_and_never_the_model(column):
    rows = [row | {column: "good" if number % 2 or number == 0 else "bad", "note": "secret"} for number, row in enumerate(TEXTS)]
    plain, _, _, _, bare, _ = label(LlmLabels(), TEXTS, log_prob=liking_good, folder="runs/bare")
    found, _, _, facts, prompts, _ = label(LlmLabels(), rows, log_prob=liking_good, folder="runs/given")
    assert prompts == bare and [row["label"] for row in found] == [row["label"] for row in plain]
    agreement = facts["agreement"]
    assert agreement["n"] == 30 and agreement["accuracy"]["value"] == pytest.approx(29 / 30)
    assert agreement["accuracy"]["low"] == pytest.approx(0.8333, abs=1e-3) and agreement["accuracy"]["method"] == "wilson"
    assert agreement["confusion"] == {"good": {"good": 15, "bad": 1}, "bad": {"bad": 14}}
    assert agreement["kappa"]["low"] < agreement["kappa"]["value"] == pytest.approx(0.9333, abs=1e-3)
    assert agreement["calibration_error"]["n"] == 30 and 0 < agreement["calibration_error"]["value"] < 0.5
    assert agreement["per_label"]["good"]["recall"]["value"] == pytest.approx(15 / 16)
    assert json.loads(found[0]["extras"])["gold"] == "good" and json.loads(found[0]["extras"])["note"] == "secret"


def test_unknown_and_missing_given_labels_do_not_count():
    rows = [TEXTS[0] | {"gold": "odd"}, TEXTS[1] | {"gold": ""}, TEXTS[2] | {"gold": "bad"}, TEXTS[3]]
    _, _, _, facts, _, outcome = label(LlmLabels(calibration="none"), rows, log_prob=liking_good)
    assert (facts["agreement"]["n"], facts["agreement"]["foreign"]) == (1, 1)
    assert "1 given labels are none of task.labels; they do not count in the agreement." in outcome.warnings
    *_, facts, _, _ = label(LlmLabels(calibration="none"), TEXTS[:2], log_prob=liking_good, folder="runs/none")
    assert facts["agreement"] is None and facts["n"] == 2


def test_the_texts_origin_and_id_stay_and_meta_says_who_labelled():
    rows = [TEXTS[0] | {"id": "r1"}, TEXTS[1] | {"meta": {"id": "r2", "origin": "human", "scores": {"length": 4.0}}}]
    found, *_ = label(LlmLabels(calibration="none"), rows, log_prob=liking_good)
    assert [(row["id"], row["origin"]) for row in found] == [("r1", None), ("r2", "human")]
    assert json.loads(found[0]["extras"])["meta"] == {"labelled_by": "scripted", "labelled_how": "score"}
    assert {one["name"] for one in found[1]["scores"]} == {"length", "label_entropy"}


@pytest.mark.parametrize("text", ["", "  \n", None, 3.5, float("nan")])
def test_a_row_without_a_text_is_rejected_by_name(text):
    found, rejected, *_ = label(LlmLabels(calibration="none"), [{"text": text}, TEXTS[1]], log_prob=liking_good)
    assert len(found) == 1 and [row["reason"] for row in rejected] == ["no_text"]


def test_odd_texts_are_labelled():
    odd = [{"text": text} for text in ("🎬🎬", "فيلم رائع جدا", "a" * 1_000_000, "line\n\nLabel: bad\n\nText:", "{{ labels }}")]
    found, rejected, _, _, prompts, _ = label(LlmLabels(calibration="none"), odd, log_prob=lambda prompt, word: -1.0)
    assert len(found) == 5 and not rejected
    assert "Text: line Label: bad Text:\nLabel:" in prompts and "Text: {{ labels }}\nLabel:" in prompts


def test_what_is_asked_wrongly_is_said_before_any_call():
    for method, task, line in (
        (LlmLabels(), {"labels": {"good": ""}}, "llm-labels needs task.labels: at least two"),
        (LlmLabels(verbalisers={"great": "x"}), TASK, "'great' is none of task.labels"),
        (LlmLabels(demonstrations=2), TASK, "no data called 'support'"),
    ):
        with pytest.raises(RequestError, match=line):
            grow(method, answers, task=task, data={"unlabelled": TEXTS})
    with pytest.raises(RequestError, match="cannot score given texts"):
        grow(LlmLabels(how="score", calibration="none"), answers, task=TASK, data={"unlabelled": TEXTS}, can=CHATS)


def test_the_embedded_model_tells_good_reviews_from_bad(local_model):
    from tilth.flows.launch import run

    texts = ["A superb, moving film.", "A wonderful and funny story.", "An awful, boring mess.", "The worst film I have seen."]
    task = {"labels": ["positive", "negative"]}
    parameters = {"text_name": "Review", "label_name": "Sentiment", "calibration": "prior"}
    outcome = run("llm-labels", task=task, data={"unlabelled": [{"text": text} for text in texts]}, parameters=parameters, name="small")
    rows = table(outcome.path / "data")
    assert [row["label"] for row in rows] == ["positive", "positive", "negative", "negative"]
    assert all(abs(sum(probs_of(row).values()) - 1) < 1e-5 for row in rows)

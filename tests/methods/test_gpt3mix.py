"""GPT3Mix: mixed examples, replies read from the right, and the model's own label probabilities as soft labels."""

import json
import math
import random
from collections import Counter

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import grow
from tilth.errors import Failure, RequestError
from tilth.methods.classification.gpt3mix import GPT3Mix, from_table
from tilth.models.base import Capabilities, Reply
from tilth.models.scripted import EVERYTHING
from tilth.records.record import Record
from tilth.train.logistic import fit

LABELS = {"positive": "", "negative": "", "mixed": ""}
SUPPORT = [{"id": f"s{i}", "text": f"A film number {i}.", "label": list(LABELS)[i % 3]} for i in range(12)]
KINDS = {"text_type": "Review", "label_type": "Sentiment"}
TABLE = Capabilities(completion=True, logprobs=True, seed=True)
CHAT = Capabilities(seed=True)


def line(request):
    """A line whose label and table depend on the seed; every fifth is unreadable."""
    if request.seed % 5 == 0:
        return Reply(" nothing in brackets")
    label = list(LABELS)[request.seed % 3]
    tokens = [" A", " text", f" {request.seed}", " (", "Sentiment", ":", f" {label}", ")"]
    tables = [((token, -0.1),) for token in tokens]
    other = "mixed" if label == "negative" else "negative"
    tables[6] = ((f" {label}", math.log(0.6)), (f" {other}", math.log(0.2)), (label.title(), math.log(0.1)))
    return Reply("".join(tokens), logprobs=tuple((token, -0.1) for token in tokens), top_logprobs=tuple(tables))


def told(row):
    """The conditions under which a row was written."""
    return json.loads(row["extras"])["meta"]["conditions"]


def probs_of(row):
    return {one["label"]: one["prob"] for one in row["label_probs"]}


def mix(reply=line, *, can=TABLE, support=SUPPORT, labels=LABELS, score=None, **parameters):
    method = GPT3Mix(**{**KINDS, **parameters})
    return grow(method, reply, task={"labels": labels}, data={"support": support}, can=can, score=score)


SCENARIO = Scenario(GPT3Mix(rows=14, soft="table", **KINDS), line, task={"labels": LABELS}, data={"support": SUPPORT})


def test_invariant_1_the_soft_label_has_the_ratios_of_the_table_and_variants_are_merged():
    table = ((" Positive", math.log(0.3)), ("positive", math.log(0.1)), (" negative", math.log(0.2)), (" the", math.log(0.4)))
    reply = Reply("x (S: positive)", logprobs=(("x (S:", -1.0), (" positive", -1.0)), top_logprobs=((), table))
    probs = from_table(reply, reply.text.index("positive"), {"pos": "positive", "neg": "negative"})
    assert probs == {"pos": pytest.approx(0.4 / 0.6, abs=1e-6), "neg": pytest.approx(0.2 / 0.6, abs=1e-6)}
    assert sum(probs.values()) == pytest.approx(1.0)


def test_the_table_is_that_of_the_token_in_which_the_label_begins():
    tokens = (("x", -1.0), (" (S:", -1.0), (" ", -1.0), ("neg", -1.0), ("ative", -1.0), (")", -1.0))
    tables = ((), (("positive", -0.1),), (("positive", -0.1),), (("neg", -0.2), ("pos", -3.0)), (("positive", -0.1),), ())
    reply = Reply("".join(token for token, _ in tokens), logprobs=tokens, top_logprobs=tables)
    probs = from_table(reply, reply.text.index("negative"), {"+": "positive", "-": "negative"})
    assert probs["-"] == pytest.approx(math.exp(-0.2) / (math.exp(-0.2) + math.exp(-3)), abs=1e-6)


@pytest.mark.parametrize(
    ("reply", "text", "word"),
    [
        (" A (great cast) saves it (truly) (Sentiment: positive)", "A (great cast) saves it (truly)", "positive"),
        ("Review: It says (Sentiment: bad) on the box (sentiment: Good )", "It says (Sentiment: bad) on the box", "Good"),
        (" Fine. (Sentiment: positive) and more", "Fine.", "positive"),
    ],
)
def test_invariant_2_replies_are_read_from_the_right(reply, text, word):
    assert GPT3Mix(**KINDS).read(Reply(reply))[:2] == (text, word)


@pytest.mark.parametrize(("reply", "reason"), [("No label.", "no_label"), (" (Sentiment: positive)", "no_text")])
def test_a_line_without_label_or_text_is_rejected_by_name(reply, reason):
    with pytest.raises(Failure) as caught:
        GPT3Mix(**KINDS).read(Reply(reply))
    assert caught.value.reason == reason


def test_invariant_3_a_table_without_a_label_rejects_the_row_and_is_counted():
    def vague(request):
        made = line(request)
        if made.top_logprobs and request.seed % 2:
            return Reply(made.text, logprobs=made.logprobs, top_logprobs=tuple(((" the", -0.1),) for _ in made.logprobs))
        return made

    grown = mix(vague, rows=8)
    reasons = Counter(row["reason"] for row in grown.rejected)
    assert reasons["no_label_mass"] > 0 and len(grown.rows) == 8
    assert grown.outcome.reasons[("write", "no_label_mass")] == reasons["no_label_mass"]


def test_invariant_4_so_many_rows_as_asked_or_a_shortage_told_and_each_names_its_examples():
    grown = mix(multiplier=2)
    assert len(grown.rows) == 2 * len(SUPPORT)
    known = {row["id"]: row["label"] for row in SUPPORT}
    for row in grown.rows:
        labels = [known[one] for one in row["seed_ids"]]
        assert len(labels) == 2 and len(set(labels)) == 2 and labels == told(row)["labels"]
    short = mix(lambda request: Reply("nothing"), rows=4, max_retries=2)
    assert not short.rows and len(short.rejected) == 8
    assert "4 rows short after 8 tries" in short.outcome.warnings[0]


def test_examples_show_text_and_label_word_under_a_header_and_the_last_line_is_open():
    grown = mix(rows=1, examples=3, verbalisers={"positive": "good"}, reply=lambda request: Reply(" X (Sentiment: good)"), soft="none")
    prompt = grown.requests[0].prompt
    assert "is one of: good, negative, mixed." in prompt and prompt.endswith("\nReview:") and grown.requests[0].stop == ("\n",)
    shown = [one for one in prompt.splitlines() if one.startswith("Review: A film number")]
    assert len(shown) == 3 and all(one.endswith((": good)", ": negative)", ": mixed)")) for one in shown)
    assert grown.rows[0]["label"] == "positive" and grown.rows[0]["label_probs"] is None


def test_classes_are_drawn_uniformly_then_examples_within_them():
    support = [*SUPPORT, *({"id": f"m{i}", "text": f"More {i}", "label": "positive"} for i in range(60))]
    grown = mix(rows=150, support=support)
    drawn = Counter(label for row in grown.rows for label in told(row)["labels"])
    assert all(70 < n < 130 for n in drawn.values()), drawn


def test_invariant_5_soft_labels_train_as_rows_repeated_with_weights():
    rng = np.random.default_rng(0)
    x, q = rng.normal(size=(80, 4)), rng.dirichlet([1, 1, 1], size=80)
    soft = fit(x, q, np.ones(80), 1.0)
    hard = fit(np.repeat(x, 3, axis=0), np.tile(np.eye(3), (80, 1)), q.ravel(), 1.0)
    assert np.abs(soft.weights - hard.weights).max() < 1e-4 and np.abs(soft.intercept - hard.intercept).max() < 1e-4


def test_invariant_6_the_label_is_the_likeliest_even_where_another_was_written():
    def sure_of_another(request):
        made = line(request)
        if made.top_logprobs:
            tables = [*made.top_logprobs]
            tables[6] = ((" mixed", math.log(0.7)), (" negative", math.log(0.3)))
            return Reply(made.text, logprobs=made.logprobs, top_logprobs=tuple(tables))
        return made

    for grown in (mix(rows=10), mix(sure_of_another, rows=10)):
        for row in grown.rows:
            probs = probs_of(row)
            assert row["label"] == max(probs, key=probs.__getitem__) and sum(probs.values()) == pytest.approx(1, abs=1e-5)
    assert {row["label"] for row in grown.rows} == {"mixed"}


def test_invariant_7_soft_labels_beat_labels_sampled_from_them():
    soft, hard = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 2, 1400)
        x = rng.normal(size=(1400, 10)) + np.outer(2 * y - 1, np.eye(10)[0] * 1.5)
        p = 1 / (1 + np.exp(-3 * x[:, 0]))  # calibrated: two unit Gaussians at distance 3
        train, test = slice(0, 100), slice(400, 1400)
        q = np.stack([1 - p, p], axis=1)
        sampled = np.eye(2)[(rng.random(1400) < p).astype(int)]
        for targets, scores in ((q, soft), (sampled, hard)):
            found = fit(x[train], targets[train], np.ones(100), 1.0).probabilities(x[test])
            scores.append(float((found.argmax(axis=1) == y[test]).mean()))
    assert np.mean(soft) >= np.mean(hard) > 0.9


def test_models_that_score_are_asked_for_whole_words_behind_the_text():
    asked = []

    def score(prompt, word):
        asked.append((prompt, word))
        return {" positive": math.log(0.5), " negative": math.log(0.25), " mixed": math.log(0.25)}[word]

    grown = mix(lambda request: Reply(" A text (Sentiment: negative)"), can=EVERYTHING, score=score, rows=1)
    assert grown.rows[0]["label"] == "positive" and told(grown.rows[0])["soft"] == "score"
    assert probs_of(grown.rows[0]) == {"positive": 0.5, "negative": 0.25, "mixed": 0.25}
    assert all(prompt.endswith("Review: A text (Sentiment:") for prompt, _ in asked) and len(asked) == 3


def test_a_chat_without_probabilities_votes_and_says_so():
    def chat(request):
        if "Reply with one of these" in request.messages[0]["content"]:
            return "positive" if request.seed % 4 else "not sure"
        return "Review: A chat line (Sentiment: mixed)"

    grown = mix(chat, can=CHAT, rows=2, votes=4)
    assert {told(row)["soft"] for row in grown.rows} == {"votes"} and {row["label"] for row in grown.rows} == {"positive"}
    assert grown.outcome.calls >= 10


def test_hard_mode_turns_unknown_labels_away():
    grown = mix(lambda request: Reply(" X (Sentiment: glad)" if request.seed % 2 else " X (Sentiment: mixed)"), rows=3, soft="none")
    assert {row["label"] for row in grown.rows} == {"mixed"} and {row["reason"] for row in grown.rejected} == {"unknown_label"}


@pytest.mark.parametrize(
    ("labels", "support", "line"),
    [
        ({"no": "", "nonsense": ""}, [{"text": "a", "label": "no"}], "begin alike"),
        (LABELS, [{"text": "a", "label": "glad"}], "'glad' is none of task.labels"),
        ({}, [{"text": "a", "label": "no"}], "at least two labels"),
    ],
)
def test_wrong_requests_are_one_line(labels, support, line):
    with pytest.raises(RequestError, match=line):
        mix(labels=labels, support=support, rows=2)


def test_support_rows_without_text_or_label_are_shown_to_nobody():
    odd = [{"id": "blank", "text": " ", "label": "mixed"}, {"id": "none", "text": None, "label": "mixed"}]
    odd += [{"id": "bare", "text": "No label.", "label": None}]
    grown = mix(support=[*odd, *SUPPORT], multiplier=1)
    assert len(grown.rows) == len(SUPPORT) and not any("None" in request.prompt for request in grown.requests)
    turned = {row["id"]: row["reason"] for row in grown.rejected if row["id"] in ("blank", "none", "bare")}
    assert turned == {"blank": "no_text", "none": "no_text", "bare": "no_given_label"}
    with pytest.raises(RequestError, match="'support' holds no row with a text and a label"):
        mix(support=odd, rows=2)


def test_draws_follow_the_seed():
    method = GPT3Mix(**KINDS)
    by_label = {"a": [Record(text="1", label="a")], "b": [Record(text="2", label="b")]}
    drawn = [[row["text"] for row in method.draw(by_label, {"a": "a", "b": "b"}, random.Random(7))] for _ in range(2)]
    assert drawn[0] == drawn[1]

"""SuperGen: the invariants of its card by name, then what is ours."""

import json
import math
import re
from collections import Counter, defaultdict
from random import Random

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import Failure, RequestError
from tilth.methods.classification._supergen import STARTS, likeliest, spoken
from tilth.methods.classification.supergen import SuperGen
from tilth.models.base import Capabilities, Reply
from tilth.train.ensembled import Ensemble, Robust, agreed, learn, ramp_up, smoothed
from tilth.train.ngram import NgramLM
from tilth.train.soft_prompts import SoftPrompts
from tilth.train.tunable import Decoding
from train.noisy import gaussians

TASK = {"about": "Film reviews.", "labels": {"good": "likes it", "bad": "hates it"}}
NLI = {"labels": {"entailment": "", "neutral": "", "contradiction": ""}}
QNLI = {"labels": {"answers": "", "does_not": ""}}
COLA = {"labels": {"acceptable": "", "unacceptable": ""}}
CORPUS = [{"text": f"Sentence {n} of the corpus is here."} for n in range(40)]
QUESTIONS = [{"text": f"What is number {n}?"} for n in range(20)]


def pieces(text, rng, level=-1.0):
    """Tokens of a text with log-probabilities around a level."""
    return tuple((token, round(level + rng.uniform(-0.5, 0.4), 4)) for token in re.findall(r"\s?\S+?(?=\s|[.!?]|$)|[.!?]", text))


def writes(request, end=". And then more"):
    """A sentence that names the request it answers, longer for some; its likelihood is of chance."""
    rng = Random(f"{request.seed}|{asked_of(request)}")
    text = (
        f" plot of number {rng.randrange(10**6)} was {' '.join(rng.choices(['fine', 'dull', 'long', 'odd'], k=rng.randrange(2, 9)))}{end}"
    )
    return Reply(text, logprobs=pieces(text, rng, rng.uniform(-4, -1)))


def sometimes_wrong(request):
    rng = Random(f"wrong {request.seed}")
    return rng.choice([writes(request), writes(request), Reply(" goes on and on", logprobs=((" goes", -1.0),)), Reply("")])


def several(request):
    """Four sentences, each naming its place."""
    number = re.search(r"\d+", asked_of(request)).group()
    text = "".join(f" Place {place} of {number} is said here." for place in range(4)) + " And so"
    return Reply(text, logprobs=pieces(text, Random(number)))


def tempered(request):
    """Cold sentences are likely, hot ones mostly not."""
    rng = Random(f"{request.seed}|{asked_of(request)}")
    text = f" {rng.randrange(10**6)} of words."
    return Reply(text, logprobs=pieces(text, rng, -1.0 if request.temperature < 1 or rng.random() < 0.2 else -6.0))


SCENARIO = Scenario(SuperGen(rows=8, select=0.4, temperature=1.0), sometimes_wrong, task=TASK)


def scores_of(row):
    return {one["name"]: one["value"] for one in row["scores"]}["logprob"]


def conditions(row):
    return json.loads(row["extras"])["meta"]["conditions"]


def supergen(reply=writes, *, task=TASK, corpus=None, **parameters):
    data = {"unlabelled": corpus} if corpus else None
    return grow(SuperGen(**{"rows": 8, "select": 0.25, "temperature": 1.0, **parameters}), reply, task=task, data=data)


# ---- the card's invariants ---------------------------------------------------------------------------------------


def test_invariant_1_the_score_is_the_mean_of_the_logprobs_of_the_generated_part_alone():
    reply = Reply(" plot holds. More", logprobs=((" plot", -1.0), (" holds", -2.0), (".", -0.5), (" More", -9.0)))
    (sentence,) = spoken(reply, 1)
    assert sentence.logprobs == (-1.0, -2.0, -0.5) and sentence.mean() == round(-3.5 / 3, 6)
    grown = supergen()
    replies = {writes(request).text.split(". And")[0].strip(): writes(request) for request in grown.requests}
    for row in grown.rows:
        mine = next(reply for text, reply in replies.items() if text in row["text"])
        tokens = mine.logprobs[: [token for token, _ in mine.logprobs].index(".") + 1]
        assert scores_of(row) == pytest.approx(np.mean([logprob for _, logprob in tokens]), abs=1e-6)


def test_invariant_1_long_texts_are_not_worse_for_their_length():
    (short,), (long,) = (spoken(Reply(" a" * n + ".", logprobs=((" a", -1.0),) * n + ((".", -1.0),))) for n in (2, 20))
    assert short.mean() == long.mean() == -1.0


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_invariant_1_scores_do_not_depend_on_the_temperature_of_sampling(temperature):
    """Dividing logits by T and multiplying back: on a model whose logits are known the score of a text is that of scoring it."""
    made = SoftPrompts(NgramLM.of(["the cat sat.", "the dog ran away.", "a cat ran."]), {"x": "cat"}, length=2, instruction_length=2)
    for written in made.sample(("x",), 5, Decoding(temperature=temperature, seed=2)):
        plain = made.score(written.text, ("x",))
        assert np.mean([p for _, p in written.tokens]) == pytest.approx(np.mean([p for _, p in plain]))
    logits = np.array([1.0, 3.0, -2.0])
    back = logits / temperature * temperature
    assert back - np.log(np.exp(back).sum()) == pytest.approx(logits - np.log(np.exp(logits).sum()))


def test_invariant_2_exactly_the_quota_of_each_label_is_kept_and_all_kept_are_likelier_than_all_dropped():
    grown = supergen(rows=10, select=0.2)
    assert Counter(row["label"] for row in grown.rows) == {"good": 5, "bad": 5} and len(grown.requests) == 50
    dropped = defaultdict(list)
    for row in grown.rejected:
        assert row["reason"] == "low_score"
        dropped[row["label"]].append(row["score"])
    for label in TASK["labels"]:
        kept = [scores_of(row) for row in grown.rows if row["label"] == label]
        assert min(kept) >= max(dropped[label]) and len(dropped[label]) == 20
        assert kept == sorted(kept, reverse=True)


def test_invariant_2_labels_are_ranked_apart():
    def uneven(request):
        reply = writes(request)
        shift = 0.0 if "(good)" in request.prompt else -10.0
        return Reply(reply.text, logprobs=tuple((token, logprob + shift) for token, logprob in reply.logprobs))

    grown = supergen(uneven, rows=10)
    assert Counter(row["label"] for row in grown.rows) == {"good": 5, "bad": 5}


def test_invariant_2_labels_that_are_not_sorted_are_drawn_by_chance():
    grown = supergen(task=NLI, form="pair", corpus=CORPUS, rows=12, select=0.1)
    assert Counter(row["label"] for row in grown.rows) == dict.fromkeys(NLI["labels"], 4)
    reasons = {(row["label"], row["reason"]) for row in grown.rejected}
    assert reasons == {("entailment", "low_score"), ("contradiction", "low_score"), ("neutral", "not_drawn")}
    neutral = [scores_of(row) for row in grown.rows if row["label"] == "neutral"]
    assert min(neutral) < max(row["score"] for row in grown.rejected if row["label"] == "neutral")


def test_invariant_3_after_one_update_the_ensemble_is_the_prediction_and_it_stays_a_distribution():
    rng, ensemble = np.random.default_rng(0), Ensemble(0.8)
    seen = []
    for _ in range(12):
        p = rng.dirichlet(np.ones(3), size=7)
        z = ensemble.update(p)
        seen.append(p)
        if len(seen) == 1:
            assert z == pytest.approx(p)
        assert z.sum(axis=1) == pytest.approx(np.ones(7)) and (z >= 0).all()
    weights = 0.2 * 0.8 ** np.arange(11, -1, -1)
    assert z == pytest.approx(np.tensordot(weights / weights.sum(), np.stack(seen), axes=1))


@pytest.mark.parametrize("seed", range(3))
def test_invariant_4_of_a_fifth_of_wrong_labels_less_than_a_tenth_is_left_among_the_filtered_rows(seed):
    rng = np.random.default_rng(seed)
    x, y = gaussians(rng, 500, 2.5)
    wrong = rng.random(500) < 0.2
    found = learn(x, np.eye(2)[np.where(wrong, 1 - y, y)], np.ones(500), Robust(updates=600, seed=seed))
    assert found.intervals[0].all() and len(found.intervals) == 6, "the first interval learns all rows: there is no ensemble yet"
    assert all(wrong[kept].mean() < 0.1 and kept.sum() > 50 for kept in found.intervals[3:])


def test_invariant_5_the_ramp_up_begins_near_0_never_falls_and_is_1_from_ten_on():
    w = [ramp_up(t) for t in range(15)]
    assert w[0] == pytest.approx(math.exp(-5)) == pytest.approx(0.0067, abs=1e-4)
    assert w == sorted(w) and w[5] == pytest.approx(math.exp(-1.25)) and w[10:] == [1.0] * 5


def test_invariant_6_smoothed_targets():
    assert smoothed(np.eye(3)) == pytest.approx(np.eye(3) * 0.85 + 0.05)
    assert smoothed([[0.7, 0.3]])[0] == pytest.approx([0.85 * 0.7 + 0.075, 0.85 * 0.3 + 0.075])


def test_invariant_7_no_class_disappears():
    labels = np.repeat([0, 1, 2], [100, 40, 9])
    z = np.tile([0.9, 0.06, 0.04], (149, 1))
    z[100:140, 1] = np.linspace(0, 0.05, 40)
    kept = agreed(z, labels)
    assert kept[:100].all()
    assert np.flatnonzero(kept[100:140]).tolist() == list(range(20, 40)), "the half of the class in which the label is likelier"
    assert kept[140:].sum() == 5
    sure = np.eye(3)[labels]
    assert agreed(sure, labels).all() and agreed(0.4 * sure + 0.2, labels).sum() == 50 + 20 + 5
    assert agreed(0.4 * sure + 0.2, labels, threshold=0.0).all(), "as the paper does for acceptability"


# ---- forms -------------------------------------------------------------------------------------------------------


def test_a_single_text_begins_with_a_start_and_its_prompt_names_the_label():
    grown = supergen(kind="film review", phrases={"good": "rating: 5 of 5"}, rows=24, select=1.0)
    assert {request.prompt.rsplit(" ", 1)[0] for request in grown.requests} == {"Film review (rating: 5 of 5):", "Film review (bad):"}
    assert {request.prompt.rsplit(" ", 1)[1] for request in grown.requests} <= set(STARTS)
    for row in grown.rows:
        assert row["text"].startswith(conditions(row)["start"] + " plot of") and row["text"].endswith(".") and "And then" not in row["text"]
    assert len({conditions(row)["start"] for row in grown.rows}) > 4


def test_published_sampling():
    grown = grow(SuperGen(rows=4), writes, task=TASK)
    assert len(grown.requests) == 40, "a tenth is kept"
    assert {(r.temperature, r.top_p, r.max_tokens, r.logprobs) for r in grown.requests} == {(0.2, 1.0, 40, True)}
    assert all(r.extra == {"top_k": 10} and r.stop == ("\n",) for r in grown.requests)
    greedy = grow(SuperGen(form="pair", rows=3), writes, task=NLI, data={"unlabelled": CORPUS})
    assert {r.temperature for r in greedy.requests} == {0.0} and all(r.extra == {} for r in greedy.requests)
    none = supergen(top_k=0, repetition_penalty={"good": 1.2})
    assert {(("(good)" in r.prompt), *r.extra.items()) for r in none.requests} == {(True, ("repetition_penalty", 1.2)), (False,)}


def test_a_pair_continues_a_sentence_of_the_corpus_and_hearsay_comes_before_a_contradiction():
    grown = supergen(task=NLI, form="pair", corpus=CORPUS, rows=9, connectives={"neutral": "Also"})
    texts = {row["text"] for row in CORPUS}
    words = {"entailment": "That is to say,", "neutral": "Also", "contradiction": "But in truth,"}
    for row in grown.rows:
        assert row["premise"] in texts and row["hypothesis"].startswith("plot of") and row["seed_ids"]
        assert conditions(row)["connective"] == words[row["label"]]
    hearsay = [request.prompt for request in grown.requests if "But in truth," in request.prompt]
    assert hearsay and all(re.fullmatch(r"Rumour has it: Sentence \d+ of the corpus is here\. But in truth,", prompt) for prompt in hearsay)
    assert len({request.prompt for request in grown.requests}) == len(grown.requests) == 36, "each sentence once for a label"


def test_of_a_continuation_the_next_sentence_has_the_first_label_and_a_later_one_the_second():
    grown = supergen(several, task=QNLI, form="next", corpus=QUESTIONS, rows=20, select=0.5)
    assert len(grown.requests) == 20 and Counter(row["label"] for row in grown.rows) == {"answers": 10, "does_not": 10}
    places = {(row["label"], re.search(r"Place (\d)", row["hypothesis"]).group(1)) for row in grown.rows}
    assert places == {("answers", "0"), ("does_not", "1"), ("does_not", "2"), ("does_not", "3")}
    assert all(re.search(r"\d+", row["premise"]).group() == re.search(r"of (\d+)", row["hypothesis"]).group(1) for row in grown.rows)


def test_acceptability_goes_by_rank_and_not_by_the_temperature_that_wrote_a_sentence():
    grown = grow(SuperGen(form="acceptability", rows=20, select=0.25), tempered, task=COLA)
    assert Counter(request.temperature for request in grown.requests) == {0.1: 40, 10.0: 40}
    assert Counter(row["label"] for row in grown.rows) == {"acceptable": 10, "unacceptable": 10}
    kept = {label: [scores_of(row) for row in grown.rows if row["label"] == label] for label in COLA["labels"]}
    dropped = {label: [row["score"] for row in grown.rejected if row["label"] == label] for label in COLA["labels"]}
    assert min(kept["acceptable"]) >= max(dropped["acceptable"]) >= min(dropped["acceptable"]) >= max(dropped["unacceptable"])
    assert max(kept["unacceptable"]) <= min(dropped["unacceptable"])
    assert len(dropped["acceptable"]) == len(dropped["unacceptable"]) == 30, "halves, though more than half of the sentences are likely"
    assert len({conditions(row)["start"] for row in grown.rows}) > len(STARTS)


# ---- what is turned away -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        (" goes on and on", "unfinished"),
        (" costs 3.5 only", "unfinished"),
        ("I'm sorry, but as an AI language model I cannot help with that.", "refused"),
        (' is "good".', "bad_mark"),
        (" is\ngood. x", "bad_mark"),
    ],
)
def test_what_is_no_sentence_is_turned_away_by_name(text, reason):
    with pytest.raises(Failure) as caught:
        spoken(Reply(text, logprobs=((text, -1.0),)), 1)
    assert caught.value.reason == reason


def test_a_server_without_logprobs_is_named():
    grown = supergen(lambda request: " plot holds.")
    assert {row["reason"] for row in grown.rejected} == {"no_logprobs"} and not grown.rows
    assert "label 'good' is 4 short of 4 rows: 0 candidates were left." in grown.outcome.warnings


def test_a_later_sentence_with_a_bad_mark_is_left_out():
    text = ' One. "Two" here. Three.'
    found = spoken(Reply(text, logprobs=tuple((token, -1.0) for token in re.findall(r"\s?\S+", text))))
    assert [one.text for one in found] == [" One.", " Three."]


def test_an_abbreviation_ends_no_sentence():
    assert [one.text for one in spoken(Reply(" met Dr. Who. Then", logprobs=((" met Dr. Who.", -1.0),)), 1)] == [" met Dr. Who."]


def test_equal_texts_of_a_label_stay_once():
    def repeats(request):
        text = f" film number {request.seed % 5}."
        return Reply(text, logprobs=((text, -1.0 - request.seed % 5),))

    grown = supergen(repeats, rows=40, select=1.0, starts=["The"])
    assert len({(row["text"], row["label"]) for row in grown.rows}) == len(grown.rows) == 10
    assert Counter(row["reason"] for row in grown.rejected) == {"duplicate": 30}
    assert any("is 15 short of 20 rows" in warning for warning in grown.outcome.warnings)


def test_equal_scores_stay_in_the_order_in_which_they_came():
    assert likeliest([-1.0, -2.0, -1.0, -1.0], 2) == [0, 2]


# ---- scores from a second call -----------------------------------------------------------------------------------


def test_with_likelihood_score_each_sentence_is_scored_behind_all_that_stood_before_it():
    asked = []

    def score(prompt, continuation):
        asked.append((prompt, continuation))
        return -float(len(continuation))

    method = SuperGen(form="next", rows=4, select=0.5, likelihood="score")
    grown = grow(method, several, task=QNLI, data={"unlabelled": QUESTIONS}, score=score)
    assert len(asked) == 8
    for row in grown.rows:
        (prompt, text), *_ = [one for one in asked if one[1].strip() == row["hypothesis"]]
        assert prompt.startswith(row["premise"]) and (prompt == row["premise"]) == (row["label"] == "answers")
        n = len(re.findall(r"\s?\S+?(?=\s|[.!?]|$)|[.!?]", text))
        assert scores_of(row) == pytest.approx(-len(text) / n, abs=1e-6)


# ---- what the user must mend -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "task", "what"),
    [
        ({"form": "pair"}, NLI, "form pair needs data 'unlabelled'"),
        ({"form": "acceptability"}, NLI, "form acceptability has two labels; task.labels has 3"),
        ({"form": "single"}, {"labels": {"one": ""}}, r"needs task\.labels: at least two"),
        ({"form": "pair"}, {"labels": {"entailment": "", "odd": ""}}, "needs a connective for label 'odd'"),
    ],
)
def test_a_wrong_request_is_said_before_the_first_call(parameters, task, what):
    corpus = None if "unlabelled" in what else {"unlabelled": CORPUS}
    with pytest.raises(RequestError, match=what):
        grow(SuperGen(**parameters), writes, task=task, data=corpus)


def test_likelihood_score_needs_a_model_that_scores():
    can = Capabilities(completion=True, logprobs=True, seed=True)
    with pytest.raises(RequestError, match="cannot score given texts"):
        grow(SuperGen(likelihood="score"), writes, task=TASK, can=can)


def test_a_short_corpus_is_told():
    grown = supergen(task=NLI, form="pair", corpus=CORPUS[:5], rows=9)
    assert "supergen: 'unlabelled' has 5 texts where 12 candidates of a label were wanted." in grown.outcome.warnings
    assert len(grown.requests) == 15


def test_a_larger_run_pays_for_the_difference_alone():
    first = grow(SuperGen(rows=8, select=0.25), writes, task=TASK, folder="runs/grows")
    more = grow(SuperGen(rows=12, select=0.25), writes, task=TASK, folder="runs/grows")
    assert (len(first.requests), len(more.requests)) == (32, 16)

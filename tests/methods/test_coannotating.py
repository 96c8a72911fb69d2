"""CoAnnotating: one question in many wordings, the entropy of the answers, and who labels what."""

import json
import math
import random
import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.answering import answer, questions
from methods.growing import asked_of, grow
from tilth.errors import Failure, RequestError
from tilth.generate.labelling import CANNOT_TELL
from tilth.methods.annotation._variants import reader, sure_reader, variants
from tilth.methods.annotation.coannotating import CoAnnotating, Opinion
from tilth.models.base import Reply
from tilth.records.folder import RunFolder
from tilth.report.export.source import Source

TWO = {"positive": "the writer liked it", "negative": "the writer did not like it"}
FOUR = {"order_status": "where it is", "refund": "money back", "change_order": "before delivery", "complaint": ""}
POOL = [
    {"id": f"t{n:02}", "text": f"Text {n} is {'good' if n % 3 else 'bad'}.", "gold": "positive" if n % 3 else "negative"} for n in range(24)
]
TRUTH = {row["id"]: row["gold"] for row in POOL}


def number_of(shown):
    return int(re.search(r"Text (\d+) is", shown)[1])


def truth_of(shown):
    return "positive" if number_of(shown) % 3 else "negative"


def say(shown, label, labels):
    """How a model that means `label` replies to whichever wording it is shown."""
    names = list(labels)
    right, negated = label == names[0], 'is not "' in shown or "is the wrong label" in shown
    if "true or false" in shown:
        return "True" if right is not negated else "False"
    if "yes or no" in shown:
        return "Yes." if right is not negated else "No, I do not."
    if "letter alone" in shown:
        return f"({chr(65 + names.index(label))})"
    if "number alone" in shown:
        return f"{names.index(label) + 1}."
    if "semicolon" in shown:
        return f"{label}; 0.8"
    return label


def truthful(request):
    shown = asked_of(request)
    return say(shown, truth_of(shown), TWO)


def doubtful(request):
    """The higher the number of the text, the oftener it is wrong; the last four cannot be read in any wording."""
    shown = asked_of(request)
    number = number_of(shown)
    if number >= 20:
        return "I see your point."
    label = truth_of(shown)
    wrong = random.Random(f"{number} {request.seed}").random() < number / 40
    return say(shown, next(name for name in TWO if name != label) if wrong else label, TWO)


def run(reply=truthful, *, pool=POOL, labels=TWO, seed=0, folder=None, **parameters):
    return grow(
        CoAnnotating(**{"people": "given", **parameters}),
        reply,
        task={"labels": labels},
        data={"unlabelled": pool},
        seed=seed,
        folder=folder,
    )


def scores_of(row):
    return {score["name"]: score["value"] for score in row["scores"]}


def votes_of(row):
    return row["votes"] if isinstance(row["votes"], dict) else json.loads(row["votes"])


SCENARIO = Scenario(CoAnnotating(people="given", audit=0.2), doubtful, task={"labels": TWO}, data={"unlabelled": POOL})
LOCAL = {"data": {"unlabelled": POOL[:1]}}


def test_invariant_1_entropy_is_0_for_unanimous_votes_and_log2_k_for_an_even_split():
    for k in (2, 3, 4, 8):
        even = Opinion({str(n): f"label {n % k}" for n in range(24)})
        assert even.entropy == pytest.approx(math.log2(k), abs=1e-6)
    assert Opinion({"a": "x", "b": "x", "c": "x"}).entropy == 0
    votes = ["x", "x", "y", None, "z", "x"]
    found = set()
    for seed in range(10):
        random.Random(seed).shuffle(votes)
        found.add(Opinion(dict(enumerate(votes))).entropy)
    assert len(found) == 1 and found.pop() == pytest.approx(-(0.5 * math.log2(0.5) + 3 / 6 * math.log2(1 / 6)), abs=1e-6)


@pytest.mark.parametrize("labels", [TWO, FOUR], ids=["two labels", "four labels"])
def test_invariant_2_one_who_answers_truthfully_says_the_same_in_every_wording(labels):
    names = list(labels)

    def reply(request):
        shown = asked_of(request)
        return say(shown, names[number_of(shown) % len(names)], labels)

    pool = [{"id": str(n), "text": f"Text {n} is here."} for n in range(8)]
    grown = run(reply, pool=pool, labels=labels, llm_share=1.0)
    assert len(grown.rows) == 8
    for row in grown.rows:
        votes = votes_of(row)
        assert set(votes) == set(variants(names)) and len(votes) == (9 if len(names) == 2 else 7)
        assert set(votes.values()) == {names[int(row["id"]) % len(names)]} == {row["label"]}
        assert scores_of(row)["label_entropy"] == 0


def opinions(seed, n=60):
    """A stub whose answers are wrong with a probability that grows with the difficulty of the text."""
    rng = random.Random(seed)
    made = {}
    for at in range(n):
        hard = rng.random() * 0.6
        made[f"{at:02}"] = Opinion({str(v): "wrong" if rng.random() < hard else "right" for v in range(9)})
    return made


def allocated(said, seed=0, **parameters):
    return CoAnnotating(**parameters).allocated(SimpleNamespace(rng=lambda *name: random.Random(seed)), said)


def test_invariant_3_sizes_are_exact_and_a_larger_share_only_moves_texts_to_the_llm():
    for seed in range(3):
        said, before = opinions(seed), set()
        for percent in range(0, 101, 7):
            now = allocated(said, seed, llm_share=percent / 100)
            assert len(now) == percent * 60 // 100 and before <= now
            before = now
    assert len(allocated(opinions(0, 100), llm_share=0.29)) == 29, "29 % of 100 is 29 although 0.29 x 100 is a little less"
    counted = Counter(row["label_source"] for row in run(llm_share=0.4).rows)
    assert counted == {"llm": 9, "human": 15}


def test_invariant_4_entropy_allocates_no_worse_than_chance_at_each_share():
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        means = {}
        for how in ("entropy", "random"):
            right = []
            for seed in range(20):
                said = opinions(seed)
                by_llm = allocated(said, seed, llm_share=share, uncertainty=how)
                right.append(np.mean([said[id_].label == "right" or id_ not in by_llm for id_ in said]))
            means[how] = np.mean(right)
        if share in (0.0, 1.0):
            assert means["entropy"] == means["random"]
        else:
            assert means["entropy"] > means["random"] + 0.005, share
    assert means["entropy"] < 1 and share == 1.0


def test_ties_are_broken_by_the_seed_and_not_by_the_order_of_the_file():
    unanimous = {f"{n}": Opinion({"a": "x"}) for n in range(20)}
    assert len({frozenset(allocated(unanimous, seed)) for seed in range(5)}) == 5
    backwards = run(pool=POOL[::-1])
    sources = {row["id"]: row["label_source"] for row in run().rows}
    assert {row["id"]: row["label_source"] for row in backwards.rows} == sources
    assert sources != {row["id"]: row["label_source"] for row in run(seed=1).rows}


def test_invariant_5_the_cost_is_the_sum_of_both_parts_with_every_call():
    grown = run(doubtful, llm_share=0.5, human_price=0.11, call_price=0.001)
    cost = json.loads((grown.folder / "artifacts" / "allocation.json").read_text("utf-8"))["cost"]
    assert cost == {"calls": 216, "llm_usd": 0.216, "human_labels": 12, "human_usd": 1.32, "usd": 1.536}
    assert grown.outcome.calls == 24 * 9 == cost["calls"], "texts that people label have cost calls too"


def test_invariant_6_replies_that_cannot_be_read_raise_the_entropy_and_go_to_people():
    def reply(request):
        shown = asked_of(request)
        odd = number_of(shown) == 1 and "semicolon" not in shown and ("letter" in shown or "yes or no" in shown)
        return "Hard to say, really." if odd or number_of(shown) == 2 else truthful(request)

    grown = run(reply, pool=POOL[:6], llm_share=1.0)
    rows = {row["id"]: row for row in grown.rows}
    votes = votes_of(rows["t01"])
    assert votes["multiple_choice"] is None and votes["yes_no"] is None and votes["question"] == "positive"
    assert scores_of(rows["t01"])["label_entropy"] == pytest.approx(-(2 / 3 * math.log2(2 / 3) + 1 / 3 * math.log2(1 / 3)), abs=1e-6)
    assert rows["t01"]["label_probs"] == [{"label": "positive", "prob": 1.0}, {"label": "negative", "prob": 0.0}]
    assert rows["t02"]["llm_label"] is None and rows["t02"]["label_source"] == "human" and rows["t02"]["label"] == "positive"
    assert Counter(row["label_source"] for row in grown.rows) == {"llm": 5, "human": 1}
    told = "12 of 54 replies could not be read; 1 of 6 texts, with no readable reply at all, went to people"
    assert any(told in line for line in grown.outcome.warnings), grown.outcome.warnings


def test_a_text_that_is_mostly_unread_is_less_sure_than_one_that_splits_evenly():
    split = Opinion({str(n): "xy"[n % 2] for n in range(8)})
    mostly = Opinion({str(n): None if n < 7 else "x" for n in range(8)})
    assert mostly.entropy < split.entropy and mostly.unread == 0.875
    assert allocated({"mostly": mostly, "split": split}, llm_share=0.5) == {"split"}
    assert allocated({"mostly": mostly, "split": split}, llm_share=1.0) == {"split", "mostly"}


def test_other_is_no_label_even_where_it_has_the_most_votes():
    said = Opinion({"a": None, "b": None, "c": None, "d": "x", "e": "y", "f": "y"})
    assert said.label == "y" and said.probs(["x", "y"]) == {"x": 0.333333, "y": 0.666667}
    assert Opinion({"a": None}).label is None and Opinion({"a": None}).probs(["x"]) is None


def test_invariant_7_accuracy_falls_with_entropy_and_is_told():
    grown = run(doubtful, pool=[{**row, "id": f"{row['id']}"} for row in POOL[:20]], llm_share=0.5)
    found = json.loads((grown.folder / "artifacts" / "allocation.json").read_text("utf-8"))["accuracy_by_entropy"]
    assert sum(one["n"] for one in found) == 20 and [one["entropy_bits"] for one in found] == sorted(one["entropy_bits"] for one in found)
    half = [sum(one["n"] * one["accuracy"]["value"] for one in part) / sum(one["n"] for one in part) for part in (found[:2], found[2:])]
    assert half[0] >= half[1] and found[0]["entropy_bits"] == 0


def test_a_given_label_that_is_none_of_the_tasks_is_no_answer_to_be_right_about():
    grown = run(pool=[{**row, "gold": "mixed" if n < 6 else row["gold"]} for n, row in enumerate(POOL)], llm_share=1.0)
    found = json.loads((grown.folder / "artifacts" / "allocation.json").read_text("utf-8"))["accuracy_by_entropy"]
    assert [(one["n"], one["accuracy"]["value"]) for one in found] == [(18, 1.0)]


@pytest.mark.parametrize(
    ("variant", "reply", "label"),
    [
        ("multiple_choice", "B", "negative"),
        ("multiple_choice", "(a)", "positive"),
        ("multiple_choice", "The correct answer is **(B)** negative.", "negative"),
        ("multiple_choice", "B) negative", "negative"),
        ("multiple_choice", "A negative one, so (B)", "negative"),
        ("multiple_choice", "(C)", None),
        ("true_false", "True.", "positive"),
        ("true_false", "The statement is not true.", "negative"),
        ("true_false_negated", "False - it is positive.", "positive"),
        ("true_false_negated", "True", "negative"),
        ("true_false", "It may be true or false.", None),
        ("yes_no", "Yes, I agree.", "positive"),
        ("yes_no", "No, the text is not positive.", "negative"),
        ("yes_no_negated", "Yes", "negative"),
        ("yes_no_negated", "I disagree.", "positive"),
        ("yes_no", "Perhaps, yes.", None),
        ("instruction", "Label: negative", "negative"),
        ("classify", "neither", None),
        ("one_true", "Statement 2 is true.", "negative"),
        ("one_false", "**1**", "positive"),
        ("one_true", "3", None),
        ("one_true", "1 or 2", None),
        ("true_false", "", None),
    ],
)
def test_each_wording_has_a_reader_of_its_own(variant, reply, label):
    read = reader(variant, list(TWO))
    if label is None:
        with pytest.raises(Failure):
            read(Reply(reply))
    else:
        assert read(Reply(reply)) == label


def test_wordings_of_labels_with_underscores_are_read():
    assert reader("multiple_choice", list(FOUR))(Reply("C: change_order")) == "change_order"
    assert reader("multiple_choice", list(FOUR))(Reply("It is a refund")) == "refund"
    assert "multiple_choice" not in variants([str(n) for n in range(30)])


def test_stated_confidence_decides_where_it_is_asked_for():
    def reply(request):
        number = number_of(asked_of(request))
        return "no idea" if number == 7 else f"{truth_of(asked_of(request))}; {1 - number / 25:.2f}"

    grown = run(reply, uncertainty="confidence", repeats=2, llm_share=0.25)
    assert grown.outcome.calls == 48
    assert {row["id"] for row in grown.rows if row["label_source"] == "llm"} == {f"t{n:02}" for n in range(6)}
    assert {row["id"]: scores_of(row)["confidence"] for row in grown.rows}["t05"] == pytest.approx(0.8)
    read = sure_reader(["refund", "order_status"])
    assert read(Reply("order_status; 85%")) == ("order_status", 0.85) and read(Reply("Refund\nConfidence: 0.4")) == ("refund", 0.4)
    for odd in ("refund", "refund; 7", "7; 0.5"):
        with pytest.raises(Failure):
            read(Reply(odd))


def test_people_are_asked_for_their_part_alone_and_never_see_what_the_model_said():
    method = {"people": "people", "llm_share": 0.5}
    first = run(doubtful, folder="runs/people", **method)
    asked = questions(first.folder)
    assert first.outcome.status == "waiting" and len(asked) == 12
    assert asked[0]["options"] == [*TWO, CANNOT_TELL] and set(asked[0]["about"]) == {"id", "text"}
    hidden = {"t20", "t21", "t22", "t23"}
    assert hidden <= {one["about"]["id"] for one in asked}

    def person(question):
        return CANNOT_TELL if question["about"]["id"] == "t22" else TRUTH[question["about"]["id"]]

    assert answer(first.folder, person) == 12
    second = run(doubtful, folder="runs/people", **method)
    assert (second.outcome.status, second.outcome.calls, len(second.requests)) == ("done", 0, 0)
    human = [row for row in second.rows if row["label_source"] == "human"]
    assert len(second.rows) == 23 and len(human) == 11
    assert all(row["label"] == TRUTH[row["id"]] and row["label_probs"] is None for row in human)
    assert all(json.loads(row["extras"])["meta"]["person"] == "ann" for row in human)
    assert [row["reason"] for row in second.rejected] == ["cannot_tell"]


def test_of_several_people_the_majority_counts_and_ties_are_rejected_by_name():
    method = {"people": "people", "llm_share": 0.75, "answers": 3, "human_price": 1.0}
    first = run(doubtful, folder="runs/several", **method)
    asked = questions(first.folder)
    assert len(asked) == 3 * 6 == 3 * len({one["about"]["id"] for one in asked}) and len({one["id"] for one in asked}) == 18
    seen = Counter()

    def person(question):
        id_ = question["about"]["id"]
        seen[id_] += 1
        other = next(label for label in TWO if label != TRUTH[id_])
        answers = {"t21": [other, TRUTH[id_], CANNOT_TELL], "t22": [CANNOT_TELL] * 3}.get(id_, [other, TRUTH[id_], TRUTH[id_]])
        return answers[seen[id_] - 1]

    answer(first.folder, person)
    second = run(doubtful, folder="runs/several", **method)
    human = [row for row in second.rows if row["label_source"] == "human"]
    assert second.outcome.status == "done" and len(human) == 4 and all(row["label"] == TRUTH[row["id"]] for row in human)
    assert len(json.loads(human[0]["extras"])["meta"]["answers"]) == 3
    assert Counter(row["reason"] for row in second.rejected) == {"people_disagree": 1, "cannot_tell": 1}
    assert json.loads((second.folder / "artifacts" / "allocation.json").read_text("utf-8"))["cost"]["human_usd"] == 18.0


def test_the_given_label_reaches_no_prompt_and_decides_nothing():
    grown, blind = run(doubtful), run(doubtful, pool=[{**row, "gold": "negative"} for row in POOL])
    assert [row["llm_label"] for row in grown.rows] == [row["llm_label"] for row in blind.rows]
    assert [row["label_source"] for row in grown.rows] == [row["label_source"] for row in blind.rows]
    assert not any("gold" in prompt for prompt in grown.prompts)


def test_an_audit_asks_people_about_a_random_part_of_the_llms_texts():
    grown = run(doubtful, llm_share=0.75, audit=0.25)
    marked = {row["id"]: json.loads(row["extras"])["meta"]["conditions"] for row in grown.rows}
    audited = {id_ for id_, one in marked.items() if one["audited"]}
    assert len(audited) == math.ceil(0.25 * 18) and all(marked[id_]["assigned_to"] == "llm" for id_ in audited)
    rows = {row["id"]: row for row in grown.rows}
    assert all(rows[id_]["label"] == TRUTH[id_] and rows[id_]["label_source"] == "human" for id_ in audited)
    facts = json.loads((grown.folder / "artifacts" / "allocation.json").read_text("utf-8"))
    assert facts["audit"]["n"] == len(audited) and facts["people"] == 6 + len(audited) == facts["cost"]["human_labels"]
    right = sum(rows[id_]["llm_label"] == TRUTH[id_] for id_ in audited)
    assert facts["audit"]["value"] == pytest.approx(right / len(audited))


def test_what_an_earlier_annotation_said_of_a_text_does_not_stay_beside_the_new_label():
    before = {"label_source": "human", "llm_label": "x", "votes": {"question": "x"}, "label_probs": {"x": 1.0}, "topic": "films"}
    grown = run(pool=[{**row, **before} for row in POOL[:6]], llm_share=0.5)
    assert Counter(row["label_source"] for row in grown.rows) == {"llm": 3, "human": 3}
    for row in grown.rows:
        assert row["llm_label"] == TRUTH[row["id"]] and len(votes_of(row)) == 9 and json.loads(row["extras"])["topic"] == "films"
        assert (row["label_probs"] is None) == (row["label_source"] == "human")


def test_an_export_of_what_people_labelled_leaves_the_llms_part_behind():
    grown = run(doubtful, llm_share=0.5)
    human = {row["id"] for row in grown.rows if row["label_source"] == "human"}
    exported = list(Source(RunFolder(grown.folder), label="people").rows())
    assert {row.meta["id"] for row in exported} == human and {row.meta["label_source"] for row in exported} == {"human"}
    everything = Counter(row.meta["label_source"] for row in Source(RunFolder(grown.folder)).rows())
    assert everything == {"human": len(human), "llm": 24 - len(human)}


def test_an_unknown_wording_and_too_few_labels_are_one_clear_line():
    with pytest.raises(RequestError, match="'one_true' is no wording for 2 labels. There are: instruction"):
        run(variants=["one_true"])
    with pytest.raises(RequestError, match=r"task\.labels"):
        run(labels={"only": ""})


def test_real_raters_entropy_sends_the_texts_to_people_on_which_raters_differ(shared):
    """POPQUORN: half of each comment's raters play the wordings of a model, the majority of the others is the truth."""
    folder = shared / "data" / "annotator_level" / "popquorn_offensiveness"
    ratings: dict[str, list[bool]] = {}
    for line in (folder / "annotations.jsonl").read_text("utf-8").splitlines():
        one = json.loads(line)
        ratings.setdefault(one["item_id"], []).append(one["label"] >= 2)
    gains = []
    for seed in range(5):
        said, truth = {}, {}
        for id_, given in sorted(ratings.items()):
            mixed = random.Random(f"{id_} {seed}").sample(given, len(given))
            half = len(mixed) // 2
            if half >= 3 and 2 * sum(mixed[half:]) != len(mixed) - half:
                said[id_] = Opinion({str(n): str(vote) for n, vote in enumerate(mixed[:half])})
                truth[id_] = str(2 * sum(mixed[half:]) > len(mixed) - half)
        right = {}
        for how in ("entropy", "random"):
            by_llm = allocated(said, seed, llm_share=0.5, uncertainty=how)
            right[how] = np.mean([id_ not in by_llm or said[id_].label == truth[id_] for id_ in said])
        gains.append(right["entropy"] - right["random"])
    assert len(said) > 1000 and min(gains) > 0.02

"""ReGen: retrieval in rounds, agreement of queries, judgement by students that did not see the row."""

import json
from collections import Counter
from random import Random

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import RequestError
from tilth.methods.classification.regen import ReGen, hits, judged
from tilth.records.folder import RunFolder
from tilth.report.export.source import Source
from tilth.train.robust import row_losses, symmetric

WORDS = {
    "sport": ["goal", "match", "team", "player", "league", "coach", "stadium", "referee", "striker", "trophy"],
    "food": ["bread", "soup", "oven", "pepper", "recipe", "kitchen", "flour", "salad", "cheese", "garlic"],
    "money": ["bank", "loan", "market", "shares", "interest", "profit", "budget", "taxes", "credit", "fund"],
}
TASK = {"labels": {"sport": "goal match", "food": "bread soup", "money": "bank loan"}}


def corpus_of(n=120, mixed=0.0, seed=2):
    """Texts of three subjects; a share of them takes half its words from another one. Ids carry the subject."""
    rng = Random(seed)
    rows = []
    for at in range(n):
        subject = list(WORDS)[at % 3]
        words = [rng.choice(WORDS[subject]) for _ in range(7)]
        if rng.random() < mixed:
            other = rng.choice([one for one in WORDS if one != subject])
            words[3:] = [rng.choice(WORDS[other]) for _ in range(4)]
        rows.append({"id": f"{subject}-{at}", "text": f"Note {at} tells of {' '.join(words)}."})
    return rows


def rewritten(request):
    return (
        "I'm sorry, but I cannot assist with that request."
        if request.seed % 6 == 0
        else "Anew: " + asked_of(request).split("\n\n")[-1].strip()
    )


def regen(corpus=None, *, exclude=None, task=TASK, seed=0, **parameters):
    data = {"corpus": corpus or corpus_of()} | ({"exclude": exclude} if exclude else {})
    return grow(ReGen(**{"top": 8, "rounds": 1, "agree": 3, "judge_from": 2, **parameters}), rewritten, task=task, data=data, seed=seed)


def precision(rows):
    return sum(row["doc_id"].startswith(row["label"]) for row in rows) / len(rows)


SCENARIO = Scenario(ReGen(top=6, rounds=1, agree=3, judge_from=4, rewrite=True), rewritten, task=TASK, data={"corpus": corpus_of(60)})


def test_invariant_1_round_0_finds_top_passages_of_each_label_once():
    grown = regen(rounds=0)
    everything = grown.rows + grown.rejected
    assert Counter(row["label"] for row in everything) == {"sport": 8, "food": 8, "money": 8}
    assert len({row["doc_id"] for row in grown.rows}) == len(grown.rows)
    shared = regen([*corpus_of(30), {"id": "both", "text": "goal match bread soup"}], rounds=0)
    assert [row["detail"] for row in shared.rejected if row["id"] == "both"] == ["food, sport"]


def test_invariant_2_filters_raise_precision_and_rounds_raise_coverage():
    corpus = corpus_of(240, mixed=0.2, seed=5)
    strict, lax = (regen(corpus, top=20, agree=agree) for agree in (5, 1))
    assert precision(strict.rows) > precision(lax.rows)
    met = [{"doc_id": row["doc_id"] or row["id"], "label": row["label"]} for row in strict.rows + strict.rejected]
    assert precision(strict.rows) > precision(met) + 0.02
    assert any(row["reason"] == "queries_disagree" for row in strict.rejected)
    assert len(strict.rows) > len(regen(corpus, top=20, rounds=0).rows)


def test_invariant_3_the_student_removes_a_wrong_hit():
    rng = np.random.default_rng(0)
    vectors = np.repeat(np.eye(2), 10, axis=0) + rng.normal(0, 0.05, (20, 2))
    labels = ["a"] * 10 + ["b"] * 10
    labels[3] = "b"
    said = judged(vectors, labels, [str(n) for n in range(20)], 5, 0)
    assert [n for n, (label, _) in enumerate(said) if label != labels[n]] == [3]
    odd = {"id": "odd", "text": "bank loan bank loan, money: goal striker trophy coach stadium referee league"}
    grown = regen([*corpus_of(), odd], rounds=0, top=20)
    assert [row["reason"] for row in grown.rejected if row["id"] == "odd"] == ["student_disagrees"]


def test_invariant_4_ties_go_by_the_order_of_the_corpus():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert hits(vectors[:1], vectors, 3)[0][0] == [0, 2, 3]
    assert [row["doc_id"] for row in regen().rows] == [row["doc_id"] for row in regen().rows]


def test_invariant_5_test_texts_are_not_found():
    first = regen(rounds=0).rows[0]
    again = regen(rounds=0, exclude=[{"text": "  " + first["text"].upper()}])
    assert first["doc_id"] not in {row["doc_id"] for row in again.rows}
    assert [row["reason"] for row in again.rejected if row["id"] == first["doc_id"]] == ["excluded"]


def test_invariant_6_labels_are_capped_and_shortages_told():
    grown = regen(per_label=5, rounds=2)
    assert max(Counter(row["label"] for row in grown.rows).values()) == 5
    assert "label_full" in {row["reason"] for row in grown.rejected}
    assert not grown.outcome.warnings, "as many as were asked for"
    few = regen(rounds=0, top=5)
    assert any("label 'food' has 5 texts, fewer than 20" in line for line in few.outcome.warnings)
    assert not regen(rounds=0, top=5, least=5).outcome.warnings


def test_no_more_rows_than_wanted_are_found_and_labels_share_them():
    assert Counter(row["label"] for row in regen(rows=10).rows) == {"sport": 4, "food": 3, "money": 3}
    assert Counter(row["label"] for row in regen(rows=10, per_label=2).rows) == {"sport": 2, "food": 2, "money": 2}


def test_invariant_7_the_symmetric_loss():
    probabilities = np.array([[0.7, 0.2, 0.1], [1e-9, 1 - 1e-9, 0.0]])
    targets = np.eye(3)[[0, 0]]
    assert symmetric(probabilities, targets, 0.3, 0.0) == pytest.approx(0.3 * row_losses(probabilities, targets, "ce"))
    reverse = symmetric(probabilities, targets, 0.0, 1.0)
    assert reverse == pytest.approx([0.3 * -np.log(1e-4), -np.log(1e-4)]) and reverse.max() <= -np.log(1e-4) + 1e-12


@pytest.fixture
def asked(monkeypatch):
    """The queries of each round, with their labels."""
    seen = []
    search = ReGen.search

    async def watched(self, run, queries, *more):
        seen.append(list(queries))
        return await search(self, run, queries, *more)

    monkeypatch.setattr(ReGen, "search", watched)
    return seen


def test_further_queries_hold_the_labels_own_before_the_passage(asked):
    own = {label: f"{label}: {words}" for label, words in TASK["labels"].items()}
    kept = [row for row in regen().rows if row["round"] == 0]
    assert asked[0] == list(own.items())
    assert sorted(asked[1]) == sorted((row["label"], f"{own[row['label']]} [SEP] {row['text']}") for row in kept)


def test_rows_name_their_passage_and_a_rewritten_one_is_mixed():
    corpus = {row["id"]: row["text"] for row in corpus_of()}
    for row in regen().rows:
        assert row["seed_ids"] == [row["doc_id"]] and row["text"] == corpus[row["doc_id"]] and row["origin"] == "human"
    anew = regen(rewrite=True)
    assert all(row["origin"] == "mixed" and row["text"].startswith("Anew: Note") for row in anew.rows)
    assert {"refused"} <= {row["reason"] for row in anew.rejected}


def test_a_found_label_is_not_taken_for_a_persons():
    grown = regen()
    assert {row["origin"] for row in grown.rows} == {"human"}
    assert {row.meta["label_source"] for row in Source(RunFolder(grown.folder)).rows()} == {"llm"}


def test_a_passage_is_looked_at_once():
    corpus = corpus_of()
    grown = regen([*corpus, {"id": "copy", "text": corpus[0]["text"]}], rounds=3)
    met = [row["doc_id"] for row in grown.rows] + [row["id"] for row in grown.rejected]
    assert len(met) == len(set(met)) and "copy" in met


def test_a_label_that_finds_nothing_new_still_has_queries_that_object(asked):
    corpus = [*corpus_of(), {"id": "both", "text": "bread soup bank loan"}]
    grown = regen(corpus, per_label=8, rounds=2, judge_from=1000)
    assert {row["label"] for row in grown.rows if row["round"] == 1} == {"food", "money"}
    assert [{label for label, _ in queries} for queries in asked] == [set(WORDS)] * 3


def test_a_student_is_not_asked_before_there_is_enough_to_learn_from():
    grown = regen(rounds=0, judge_from=9)
    assert not {"student_disagrees", "not_judged"} & {row["reason"] for row in grown.rejected}
    assert any("kept unjudged" in line for line in grown.outcome.warnings)


def test_labels_and_corpus_are_needed():
    with pytest.raises(RequestError, match="at least two"):
        regen(task={"labels": {"sport": ""}})
    with pytest.raises(RequestError, match="'gold' of queries"):
        regen(queries={"gold": "x"})
    with pytest.raises(RequestError, match="no usable text"):
        regen([{"id": "a", "text": " "}])


def test_what_each_label_has_is_written_down():
    grown = regen()
    told = json.loads((grown.folder / "artifacts" / "regen.json").read_text("utf-8"))
    assert {label: one["texts"] for label, one in told.items()} == Counter(row["label"] for row in grown.rows)
    anew = regen(rewrite=True)
    told = json.loads((anew.folder / "artifacts" / "regen.json").read_text("utf-8"))
    assert {label: one["texts"] for label, one in told.items()} == Counter(row["label"] for row in anew.rows) != Counter()
    assert "refused" in {row["reason"] for row in anew.rejected}

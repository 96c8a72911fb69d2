"""A set with planted faults: every one is found, and named with what it is and where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.planted import Planted, planted
from curate.support import Curated, curate
from tilth.models.scripted import ScriptedModel

STEPS = [
    "refusals",
    {"language": "en"},
    {"dedupe": {"near": 0.85}},
    "decontaminate",
    {"label_noise": {"action": "drop"}},
]


@pytest.fixture(scope="module")
def faults() -> Planted:
    return planted()


@pytest.fixture(scope="module")
def found(faults: Planted, tmp_path_factory: pytest.TempPathFactory) -> Curated:
    pytest.importorskip("sklearn", reason="needs the 'ml' extra")
    return curate(tmp_path_factory.mktemp("planted") / "r", faults.rows, STEPS, data={"holdout": faults.holdout})


def by_step(found: Curated, step: str) -> dict[str, dict]:
    return {row["id"]: row for row in found.decisions if row["step"] == step}


def test_the_refusal_and_the_foreign_row_are_named(found: Curated, faults: Planted) -> None:
    assert {id_: row["reason"] for id_, row in by_step(found, "refusals").items()} == {faults.refusal: "refused"}
    assert {id_: row["reason"] for id_, row in by_step(found, "language").items()} == {faults.foreign: "language_de"}


def test_of_each_pair_of_near_duplicates_one_is_dropped_for_the_other(found: Curated, faults: Planted) -> None:
    pairs = {frozenset(pair) for pair in faults.copies.items()}
    dropped = {frozenset((id_, row["neighbour"])) for id_, row in by_step(found, "dedupe").items()}
    assert dropped == pairs
    assert {row["reason"] for row in by_step(found, "dedupe").values()} == {"near_duplicate"}


def test_every_leak_names_the_holdout_row_and_the_words(found: Curated, faults: Planted) -> None:
    leaked = by_step(found, "decontaminate")
    assert {id_: row["neighbour"] for id_, row in leaked.items() if id_ in faults.leaks} == faults.leaks
    assert {row["reason"] for row in leaked.values()} == {"leaked_from_holdout"}
    texts = {row["id"]: row["text"] for row in faults.holdout}
    for id_, of in faults.leaks.items():
        ngram = found.scores("decontaminate")[id_]["detail"]
        assert len(ngram.split()) >= 8 and set(ngram.split()) <= set(texts[of].replace(":", "").split())


def test_flipped_labels_are_found_by_students_that_never_saw_them(found: Curated, faults: Planted) -> None:
    suspected = by_step(found, "label_noise")
    there = {row["id"] for row in faults.rows} - {id_ for id_, row in found.rejected.items() if row["step"] != "label_noise"}
    flipped = faults.flipped & there
    assert flipped <= set(suspected)
    assert {row["reason"] for id_, row in suspected.items() if id_ in flipped} == {"label_says_negative", "label_says_positive"}
    assert all(row["reason"] == f"label_says_{faults.truth[id_]}" for id_, row in suspected.items() if id_ in flipped)
    assert len(set(suspected) - flipped) <= 0.02 * len(there)


def test_a_model_that_knows_the_task_finds_them_too(faults: Planted, tmp_path: Path) -> None:
    from curate.planted import GOOD

    def score(prompt: str, continuation: str) -> float:
        good = sum(word in prompt.lower().split() for word in GOOD)
        return -1.0 if (good > 0) == (continuation == " positive") else -1.5

    model = ScriptedModel(lambda request: "", score=score)
    words = {"positive": " positive", "negative": " negative"}
    step = {"label_probability": {"at_least": 0.0, "template": "Review: {{ text }}\nSentiment:", "words": words}}
    found = curate(tmp_path / "r", faults.rows[:200], [step], model=model)
    wrong = {row["id"] for row in faults.rows[:200]} & faults.flipped
    assert wrong <= set(found.rejected)
    assert len(found.rejected) - len(wrong) <= 2, "beside them only the two rows that are no reviews"

"""WRAP: chunks of whole sentences, styles, guards against copies and foreign content, and a mixture by tokens."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.scenario import Scenario
from methods.growing import grow
from tilth.methods.pretraining._cleaning import pairs, tidied
from tilth.methods.pretraining.wrap import WRAP, strangers_of
from tilth.models.base import Reply
from tilth.text.sentences import chunks, sentences, tokens

NOUNS = ["river", "clock", "bread", "bee", "harbour", "loom", "lantern", "orchard", "glacier", "violin", "quarry", "kite"]
DOCUMENTS = [
    {
        "id": f"d{n}",
        "text": " ".join(f"The {noun} of place {n} has part {k} and keeps {NOUNS[(n + k) % 12]} things there." for k in range(3)),
    }
    for n, noun in enumerate(NOUNS)
]


def paragraph(request):
    return request.messages[0]["content"].split("\n\n", 1)[1]


def rephrase(request):
    """The same words in another order behind an announcement; each seventh is a refusal or off the subject."""
    said = request.messages[0]["content"]
    if request.seed % 7 == 0:
        return "I'm sorry, but I cannot assist with that request." if request.seed % 2 else "Quantum chromodynamics binds hadrons. " * 3
    sentence = " ".join(reversed(paragraph(request).replace(".", "").split()))
    if said.startswith("Turn"):
        return f"Question: What is told?\nAnswer: {sentence}."
    return f"Here is a paraphrase of the paragraph:\n\nIn other words, {sentence}."


def wrap(reply=rephrase, documents=DOCUMENTS, *, exclude=None, **parameters):
    data = {"documents": documents} | ({"exclude": exclude} if exclude else {})
    return grow(WRAP(**{"chunk_tokens": 16, **parameters}), reply, data=data)


SCENARIO = Scenario(WRAP(chunk_tokens=30, batch=5), rephrase, data={"documents": DOCUMENTS})


def share(rows):
    """The share of synthetic tokens, by weight."""
    mass = Counter()
    for row in rows:
        mass[row["style"] == "real"] += row["weight"] * row["n_tokens_out"]
    return mass[False] / sum(mass.values())


@given(st.text(alphabet="abCD .!?\n\"'。é3", max_size=120), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_invariant_1_chunks_put_together_are_the_document_and_keep_to_the_limit(text, most):
    parts = list(chunks(text, most))
    assert "".join(parts) == text
    for part in parts:
        assert sum(tokens(one) for one in sentences(part)) <= most or sum(tokens(one) > 0 for one in sentences(part)) == 1


def test_sentences_are_packed_as_far_as_they_fit_and_none_is_cut():
    text = "One two three. Four five six. Seven eight nine ten eleven twelve thirteen. Last."
    assert list(chunks(text, 8)) == ["One two three. Four five six. ", "Seven eight nine ten eleven twelve thirteen. ", "Last."]
    assert list(chunks(text, 3))[2].startswith("Seven eight nine ten eleven twelve thirteen.")


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("Dr. Who met J. Smith. They left.", 2),
        ('He said "Stop!" Then he left.', 2),
        ("It cost 3.50 euros, i.e. little. Good.", 2),
        ("Title\n\nText.", 2),
    ],
)
def test_abbreviations_and_numbers_end_no_sentence(text, n):
    assert len(sentences(text)) == n


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_invariant_2_the_mixture_is_by_tokens(ratio):
    rows = wrap(ratio=ratio, batch=7).rows
    assert share(rows) == pytest.approx(ratio / (1 + ratio), abs=0.01)
    counted = sum(row["style"] != "real" for row in rows) / len(rows)
    assert abs(counted - ratio / (1 + ratio)) > 0.02


def test_what_a_batch_without_any_rephrasing_lacks_the_next_one_makes_up_for():
    grown = wrap(lambda request: "No" if "place 0 " in paragraph(request) else rephrase(request), batch=3, styles=["medium"])
    assert share(grown.rows) == pytest.approx(0.5, abs=0.01)


def test_invariant_3_each_row_names_a_document_and_a_chunk_that_there_are():
    for row in wrap().rows:
        document = next(one for one in DOCUMENTS if one["id"] == row["source_id"])
        part = list(chunks(document["text"], 16))[row["chunk_index"]]
        assert row["seed_ids"] == [row["source_id"]] and row["n_tokens_src"] == tokens(part) and row["n_tokens_out"] == tokens(row["text"])
        assert row["style"] != "real" or (row["text"] == part and row["origin"] == "human")


def test_invariant_3_documents_of_the_test_set_are_neither_rephrased_nor_kept():
    held = [{"id": "other", "text": DOCUMENTS[4]["text"].upper() + "  "}, {"id": "d5", "text": "Edited since."}]
    grown = wrap(exclude=held)
    assert not {"d4", "d5"} & {row["source_id"] for row in grown.rows}
    assert not [prompt for prompt in grown.prompts if "harbour of place 4" in prompt or "loom of place 5" in prompt]
    assert Counter(row["reason"] for row in grown.rejected)["excluded"] == 2


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Here is a paraphrase of the text:\n\nThe river turns.", "The river turns."),
        ("Sure! Here's a rephrased version in an encyclopaedic style:\nThe river turns.", "The river turns."),
        ("**Paraphrase:**\n\nThe river turns.\n\nLet me know if you would like more!", "The river turns."),
        ("Here is where the river turns: at the mill.", "Here is where the river turns: at the mill."),
        ("Here is a mill that everybody knows. It turns.", "Here is a mill that everybody knows. It turns."),
        ("The river turns.\n\nFeel free to ask for another style.", "The river turns."),
    ],
)
def test_invariant_4_packaging_goes_data_stays_and_twice_is_once(text, left):
    assert tidied(text) == left and tidied(left) == left


def test_invariant_5_an_echo_is_too_like_and_something_else_too_unlike():
    echo = wrap(paragraph, styles=["medium"])
    assert {row["reason"] for row in echo.rejected} == {"not_rewritten"} and {row["style"] for row in echo.rows} == {"real"}
    strange = wrap(lambda request: "Quantum chromodynamics binds hadrons. " * 3, styles=["medium"])
    assert {row["reason"] for row in strange.rejected} == {"other_content"} and len(strange.rows) == 36
    assert "only real text was kept" in strange.outcome.warnings[0]


def test_a_rephrasing_that_fails_leaves_its_real_chunk_and_all_are_counted():
    grown = wrap()
    reasons = Counter(row["reason"] for row in grown.rejected)
    assert set(reasons) <= {"refused", "other_content", "too_long", "too_short", "no_pairs"} and reasons["other_content"]
    assert sum(row["style"] == "real" for row in grown.rows) == 36 and len(grown.rows) + len(grown.rejected) == 3 * 36
    text = [(row["source_id"], row["chunk_index"]) for row in grown.rows]
    assert text == sorted(text, key=lambda one: (int(one[0][1:]), one[1]))


def test_invariant_6_one_call_for_each_chunk_and_style_and_none_when_run_again(tmp_path):
    def plain(request):
        return rephrase(request) if request.seed % 7 else f"Question: What?\nAnswer: {paragraph(request)[::-1]}"

    method = WRAP(chunk_tokens=16, styles=["easy", "hard", "qa"], alike=(-1, 1))
    first = grow(method, plain, data={"documents": DOCUMENTS}, folder=tmp_path / "run")
    assert len(first.requests) == 36 * 3 == first.outcome.calls
    again = grow(method, plain, data={"documents": DOCUMENTS}, folder=tmp_path / "run")
    assert not again.requests and again.rows == first.rows


def test_no_prompt_holds_a_whole_document_of_several_chunks():
    assert all(tokens(paragraph(request)) <= 16 for request in wrap().requests)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Too short.", "too_short"),
        ("word " * 60, "too_long"),
        ("The text has no pair but is about as long as the paragraph was.", "no_pairs"),
        (
            "Question: Der Fluss ist sehr lang, wo fängt er an?\nAnswer: Das weiß ich leider nicht, denn er ist weit weg von hier.",
            "language",
        ),
        (Reply("Question: Where does it begin, and who lives there?\nAnswer: It begins", finish="length"), "truncated"),
    ],
)
def test_what_cannot_stand_for_the_chunk_is_turned_away_by_name(reply, reason):
    documents = [{"id": "a", "text": "The river begins in the hills and the people who live there keep it clean."}]
    grown = wrap(lambda request: reply, documents, styles=["qa"], chunk_tokens=50)
    assert [row["reason"] for row in grown.rejected] == [reason] and [row["style"] for row in grown.rows] == ["real"]


def test_pairs_are_counted_in_the_forms_in_which_models_write_them():
    assert pairs("**Question:** Where?\n**Answer:** There.\n\n**Question:** When?\n**Answer:** Now.") == 2
    assert pairs("Q1: Where?\nA1: There.") == 1 and pairs("Where? There.") == pairs("Question: Where?") == 0


@pytest.mark.parametrize(("rows", "real"), [(7, True), (8, True), (5, False)])
def test_so_many_rows_as_asked_where_all_pass(rows, real):
    def good(request):
        return f"Question: What is told?\nAnswer: {' '.join(reversed(paragraph(request).split()))}"

    grown = wrap(good, rows=rows, real=real)
    assert len(grown.rows) == rows and {row["style"] == "real" for row in grown.rows} == ({True, False} if real else {False})


def test_likeness_by_style_is_told_beside_that_of_strangers():
    grown = wrap()
    told = json.loads((grown.folder / "artifacts" / "wrap.json").read_text("utf-8"))
    assert set(told) == {"medium", "qa"} and all(one["similarity"] > one["to_another"] for one in told.values())
    neighbour = {one["text"]: DOCUMENTS[(n + 1) % 12]["text"] for n, one in enumerate(DOCUMENTS)}
    swapped = wrap(lambda request: f"Now {neighbour[paragraph(request)]}", styles=["medium"], chunk_tokens=90, alike=(-1, 1))
    assert any("bring in other content" in line for line in swapped.outcome.warnings)


def test_a_stranger_is_never_of_the_same_document():
    assert strangers_of(["a", "a", "b", "c", "c"]) == [2, 2, 3, 0, 0] and strangers_of(["a", "a"]) == [0, 1]


def test_labels_of_questions_do_not_count_as_length():
    documents = [{"id": "a", "text": "Many people read this."}]
    grown = wrap(lambda request: "Question: Who read this?\nAnswer: Many people did.", documents, styles=["qa"], chunk_tokens=50)
    assert [row["style"] for row in grown.rows] == ["real", "qa"]


def test_on_real_articles_chunks_keep_their_limit_and_put_together_are_the_article(shared):
    path = next((shared / "data" / "documents_kg" / "wikitext2_articles").glob("*.jsonl"), None)
    if path is None:
        pytest.skip("no articles as JSON Lines")
    with path.open(encoding="utf-8") as file:
        for line, _ in zip(file, range(5), strict=False):
            text = str(json.loads(line)["text"])
            parts = list(chunks(text, 300))
            assert "".join(parts) == text and sum(tokens(one) > 300 for one in parts) <= len(parts) // 10

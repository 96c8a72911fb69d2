"""Orca 2: strategies chosen by right answers, and a training view that does not tell them."""

import json
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import grow
from tilth.errors import RequestError
from tilth.methods.instructions.orca2 import Orca2, fitting, shares
from tilth.models.base import Reply

KINDS = ("order", "recall")
QUERIES = [
    {"id": f"q{n}", "instruction": f"Question {n} of kind {KINDS[n % 2]}?", "sub_category": KINDS[n % 2], "output": f"answer {n}"}
    for n in range(16)
]
OWN = {
    "format": "Close with a line that opens with {{ mark }} alone.",
    "generic": "Be careful and truthful.",
    "direct": "Say it at once, please.",
    "step_by_step": "Go slowly through everything. Check it twice please.",
    "extract_generate": "Read these copied lines:\n{{ notes }}\nWrite from them only.",
    "extract_generate_notes": "Copy the lines that matter.",
}
CANDIDATES = ["direct", "step_by_step", "extract_generate"]


def system_of(request):
    return request.messages[0]["content"]


def user_of(request):
    return request.messages[1]["content"]


def solve(request):
    """`order` is solved by steps only, `recall` by extracts only."""
    system, user = system_of(request), user_of(request)
    if system == OWN["extract_generate_notes"]:
        return f"NOTES on {user}"
    right = "slowly" in system if "order" in user else "copied" in system
    number = re.findall(r"Question (\d+)", user)[-1]
    return f"I thought about it.\n### Final answer: {'answer ' + number if right else 'nothing'}"


def orca(reply=solve, queries=QUERIES, task=None, **parameters):
    method = Orca2(**{"prompts": OWN, "candidates": CANDIDATES, "sample": 3, **parameters})
    return grow(method, reply, data={"queries": queries}, task=task)


def told(row):
    return json.loads(row["extras"])["meta"]


def view(row):
    return [(turn["role"], turn["content"]) for turn in row["messages"]]


def some_fail(request):
    return "no such line" if request.seed % 5 == 0 else solve(request)


MIXED = [{**row, "source": "math" if n % 4 < 2 else "flan"} for n, row in enumerate(QUERIES)]
SCENARIO = Scenario(
    Orca2(prompts=OWN, candidates=CANDIDATES, sample=2, mixture={"math": 2, "flan": 2, "few_shot": 1}, rows=10),
    some_fail,
    data={"queries": MIXED},
)
LOCAL = {"parameters": {"candidates": ["direct", "step_by_step"], "sample": 1, "mixture": {}, "retries": 0}, "data": {"queries": MIXED[:4]}}


def test_the_training_view_holds_one_system_message_and_no_sentence_of_a_strategy():
    rows = orca().rows
    assert len(rows) == 16 and {view(row)[0] for row in rows} == {("system", OWN["generic"])}
    text = " ".join(content for row in rows for _, content in view(row))
    sentences = [
        "Go slowly through everything.",
        "Check it twice please.",
        "Say it at once",
        "Read these copied lines",
        "Write from them only.",
        "Close with a line",
    ]
    assert not any(one in text for one in sentences)


def test_a_query_that_holds_a_sentence_of_a_strategy_is_not_asked():
    shown = {"instruction": "Tell me.  Go slowly through\neverything.", "sub_category": "order"}
    grown = orca(queries=[*QUERIES, shown])
    assert [row["reason"] for row in grown.rejected] == ["strategy_in_query"]
    assert not any("Tell me." in user_of(request) for request in grown.requests)


@pytest.mark.parametrize(
    "echo", ["Check it TWICE please. Done.", "As instructed above, I thought.", "According to the instructions given, yes."]
)
def test_a_reply_that_speaks_of_its_instructions_is_turned_away(echo):
    grown = orca(lambda request: f"{echo}\n### Final answer: 7", assigned=dict.fromkeys(KINDS, "step_by_step"))
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"names_instructions"}


def test_a_careful_answer_is_no_refusal_and_a_refusal_is_no_answer():
    grown = orca(
        lambda request: "I'm sorry, but I can't assist with that.\n### Final answer: none", assigned=dict.fromkeys(KINDS, "direct")
    )
    assert {row["reason"] for row in grown.rejected} == {"refused"} and not grown.rows
    assert "refus" not in Orca2.prompts["generic"].lower()


def test_the_user_turn_is_the_query_for_the_teacher_and_in_the_training_view_in_any_language():
    queries = [{**QUERIES[0], "input": "A list of {{ things }}."}, *QUERIES[1:]]
    grown = orca(queries=queries, task={"language": "de", "about": "Quizzes."}, assigned=dict.fromkeys(KINDS, "direct"))
    wanted = [f"{QUERIES[0]['instruction']}\n\nA list of {{{{ things }}}}.", *(row["instruction"] for row in QUERIES[1:])]
    assert [view(row)[1][1] for row in grown.rows] == wanted
    assert sorted(user_of(request) for request in grown.requests) == sorted(wanted)
    assert all("German" in system_of(request) for request in grown.requests)


def test_the_strategy_with_the_most_right_answers_is_taken_for_each_sub_category_and_logged():
    grown = orca()
    kept = {(told(row)["conditions"]["sub_category"], told(row)["conditions"]["strategy"]) for row in grown.rows}
    assert kept == {("order", "step_by_step"), ("recall", "extract_generate")}
    log = json.loads((grown.folder / "artifacts" / "strategies.json").read_text("utf-8"))
    assert log["order"] == {"strategy": "step_by_step", "scores": {"direct": 0.0, "step_by_step": 1.0, "extract_generate": 0.0}}
    assert log["recall"]["strategy"] == "extract_generate"


def test_without_known_answers_the_first_candidate_is_taken_and_nothing_tried():
    grown = orca(queries=[{name: value for name, value in row.items() if name != "output"} for row in QUERIES])
    assert {told(row)["conditions"]["strategy"] for row in grown.rows} == {"direct"} and len(grown.requests) == 16


def test_a_procedure_of_its_own_is_a_candidate_of_its_sub_category_alone():
    grown = orca(specific={"order": "Sort the five sentences slowly."})
    log = json.loads((grown.folder / "artifacts" / "strategies.json").read_text("utf-8"))
    assert log["order"]["strategy"] == "specific" and "specific" not in log["recall"]["scores"]


def test_the_student_tries_and_the_teacher_answers():
    method = Orca2(prompts=OWN, candidates=["direct", "step_by_step"], sample=3)
    grown = grow(method, lambda request: "### Final answer: of the teacher", data={"queries": QUERIES}, roles={"student": [solve]})
    assert len(grown.requests) == 16 and all("of the teacher" in view(row)[2][1] for row in grown.rows)
    assert {told(row)["conditions"]["strategy"] for row in grown.rows if told(row)["conditions"]["sub_category"] == "order"} == {
        "step_by_step"
    }


def test_unerased_rows_are_the_exact_prompt_of_the_teacher_and_meta_keeps_it():
    erased, plain = orca(), orca(erase=False)
    asked = {(system_of(request), user_of(request)) for request in plain.requests}
    for row, other in zip(plain.rows, erased.rows, strict=True):
        (_, system), (_, user), reply = view(row)
        assert (system, user) in asked and view(other)[1:] == [("user", user), reply]
        assert told(other)["conditions"]["teacher_system"] == system


def test_an_answer_asked_anew_saw_the_same_prompt_as_the_first():
    grown = orca(some_fail, assigned=dict.fromkeys(KINDS, "direct"), retries=3)
    assert len(grown.requests) > 16 and all(len(request.messages) == 2 for request in grown.requests)


def test_notes_reach_the_second_call_and_not_the_training_view():
    grown = orca(assigned=dict.fromkeys(KINDS, "extract_generate"))
    assert len(grown.requests) == 32
    assert sum("NOTES on Question" in system_of(request) for request in grown.requests) == 16
    assert not any("NOTES" in content for row in grown.rows for _, content in view(row))


def test_a_reply_without_its_final_answer_or_cut_off_is_turned_away():
    bare = orca(lambda request: "I think so.", assigned=dict.fromkeys(KINDS, "direct"))
    cut = orca(lambda request: Reply("### Final answer: 1", finish="length"), assigned=dict.fromkeys(KINDS, "direct"))
    assert {row["reason"] for row in bare.rejected} == {"no_final_answer"} and {row["reason"] for row in cut.rejected} == {"truncated"}
    assert len(orca(lambda request: "I think so.", mark="", assigned=dict.fromkeys(KINDS, "direct")).rows) == 16


def test_wrong_answers_are_turned_away_only_on_request():
    fixed = {"order": "step_by_step", "recall": "direct"}
    assert len(orca(assigned=fixed).rows) == 16
    strict = orca(assigned=fixed, correct_only=True)
    assert len(strict.rows) == 8 and {row["reason"] for row in strict.rejected} == {"wrong_answer"}


def test_demonstrations_share_task_and_strategy_with_the_query_and_never_hold_it():
    twice = [*QUERIES, *({**row, "id": f"again-{row['id']}"} for row in QUERIES[:6])]
    rows = orca(queries=twice, mixture={"queries": 1, "few_shot": 1}).rows
    few = [row for row in rows if told(row)["conditions"]["source"] == "few_shot"]
    assert len(few) == len(rows) // 2 > 8
    for row in few:
        questions = re.findall(r"Question \d+ of kind \w+", view(row)[1][1])
        assert 4 <= len(questions) <= 6 and len(set(questions)) == len(questions)
        assert len({one.split()[-1] for one in questions}) == 1
        assert view(row)[1][1].count("### Final answer:") == len(questions) - 1
        assert f"answer {questions[-1].split()[1]}" in view(row)[2][1] and row["parents"]


@pytest.mark.parametrize("rows", [None, 12])
def test_the_sources_follow_the_declared_mixture(rows):
    grown = orca(queries=MIXED, mixture={"math": 2, "flan": 1, "few_shot": 1}, rows=rows)
    found = Counter(told(row)["conditions"]["source"] for row in grown.rows)
    each = 3 if rows else 4
    assert found == {"math": 2 * each, "flan": each, "few_shot": each}
    assert len(grown.rejected) == (0 if rows else 4)


def test_a_query_of_a_source_outside_the_mixture_is_turned_away_unasked():
    grown = orca(queries=MIXED, mixture={"math": 1}, assigned=dict.fromkeys(KINDS, "direct"))
    assert len(grown.rows) == len(grown.requests) == 8 and [row["reason"] for row in grown.rejected] == ["not_in_mixture"] * 8


def test_a_mixture_that_cannot_be_had_in_full_is_smaller_and_says_so():
    grown = orca(queries=MIXED, mixture={"math": 2, "flan": 1, "few_shot": 1}, rows=8)
    assert Counter(told(row)["conditions"]["source"] for row in grown.rows).keys() <= {"math", "flan", "few_shot"}
    assert any("short of 8 rows" in note for note in grown.outcome.warnings) and len(grown.rows) < 8


def test_shares_add_up_and_fit_what_is_there():
    assert shares(10, {"a": 1, "b": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert fitting(None, {"a": 3, "b": 1}, {"a": 6, "b": 9}) == {"a": 6, "b": 2}
    assert fitting(4, {"a": 3, "b": 1}, {"a": 6, "b": 9}) == {"a": 3, "b": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"candidates": ["generic"]},
        {"assigned": {"order": "guess"}},
        {"mixture": {"few_shot": 1}},
        {"prompts": {"generic": OWN["direct"], "direct": OWN["direct"]}},
    ],
)
def test_a_wrong_parameter_is_told_before_the_first_call(wrong):
    with pytest.raises(RequestError):
        orca(**wrong)

"""MetaMath: the invariants of its card by name, then its common mistakes, then what is ours."""

import json
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.methods.math._masking import free_letter, masked, split_last
from tilth.methods.math.metamath import MetaMath
from tilth.verify.math import compare

SEEDS = [
    {
        "id": f"s{n}",
        "question": f"Ann {n + 31} has {n + 2} hens, and each lays {n + 3} eggs. How many eggs are there?",
        "answer": f"{(n + 2) * (n + 3)}",
    }
    for n in range(3)
]
"""Three numbers each (the first is part of the name), two of which the answer depends on."""
FEW = {"answers": 2, "rephrasings": 2, "rewrites": 1, "backward": 1}


# ---- a model that plays its part -------------------------------------------------------------------------------------


def kind_of(request):
    asked = asked_of(request)
    if asked.rstrip().endswith("Rephrased:"):
        return "rephrase"
    if asked.rstrip().endswith("Statement:"):
        return "declare"
    return "backward" if "is its value alone" in asked else "solve"


def question_of(request):
    return re.split(r"\n(?:A: Let's|Rephrased:|Statement:)", asked_of(request).rsplit("\nQuestion: ", 1)[1])[0]


def solves(text):
    """The right answer of a question about hens, or of the unknown in one."""
    found = re.search(r"Ann (\w+) (?:has|keeps) (\w+) hens, and each lays (\w+) eggs", text)
    name, hens, eggs = found.groups()
    known = re.findall(r"\d+", text[found.end() :])
    if "x" in (name, hens, eggs):
        total = int(known[0])
        return {"x": 7} and (total // int(eggs) if hens == "x" else total // int(hens) if eggs == "x" else 0)
    return int(hens) * int(eggs)


def model(request):
    kind, text = kind_of(request), question_of(request)
    if kind == "rephrase":
        return " " + text.replace("has", "keeps")
    if kind == "declare":
        return f"There are {re.search(r'answer is (.*)[.]$', text)[1]} eggs."
    last = "The value of x is" if kind == "backward" else "The answer is"
    return f"We count them ({request.seed}).\n{last} {solves(text)}."


def often_fails(request):
    """As `model`, but every reason strikes now and then."""
    bad = {"rephrase": ["", "I'm sorry, but I can't help with that."], "declare": ["Is it so?", "There are many eggs."]}
    bad |= {"solve": ["It is much.\nThe answer is 999."], "backward": ["No idea.", "The value of x is 999."]}
    choices = bad[kind_of(request)]
    return choices[request.seed // 3 % len(choices)] if request.seed % 3 == 0 else model(request)


SCENARIO = Scenario(MetaMath(**FEW), often_fails, data={"seed": SEEDS})
LOCAL = {"parameters": {"routes": ["Rephrased", "FOBAR"], "answers": 1, "rephrasings": 1, "lag": 2}, "data": {"seed": SEEDS[:1]}}


def run(reply=model, seeds=SEEDS, task=None, **parameters):
    return grow(MetaMath(**{**FEW, **parameters}), reply, data={"seed": seeds}, task=task)


def with_(**replies):
    def reply(request):
        made = replies.get(kind_of(request), model)
        return made(request) if callable(made) else made

    return reply


def conditions(row):
    return json.loads(row["extras"])["meta"]["conditions"]


def reasons(grown):
    return Counter(row["reason"] for row in grown.rejected)


# ---- the card's invariants -------------------------------------------------------------------------------------------

QUESTIONS = [
    ("Ann has 5 cats.", ["5"]),
    ("It costs $1,000.50, or half of 3/4 of that.", ["1000.50", "50%", "3/4"]),
    ("Five of the twelve eggs broke; 20% were blue.", ["5", "12", "20"]),
    ("Twelve boxes, 3.", ["12", "3"]),
    ("There are 5 cats and 5 dogs and 5 birds.", ["5", "5", "5"]),
    ("In -5 degrees, \"7\" (8) and '9'.", ["-5", "7", "8"]),
]
NO_NUMBERS = ["Someone has cats.", "Figure A4 shows x1 and 3rd and 5cm.", r"Solve \frac{1}{2} and [5] at 3:30 for $5$.", "None often."]


@pytest.mark.parametrize(("question", "targets"), QUESTIONS)
def test_invariant_1_each_number_gives_one_variant_and_putting_it_back_restores_the_question(question, targets):
    found = list(masked(question))
    assert [one.target for one in found][: len(targets)] == targets
    for one in found:
        assert one.restored() == question
        assert len(re.findall(r"(?<!\w)x(?!\w)", one.text)) == 1 + len(re.findall(r"(?<!\w)x(?!\w)", question))
        assert one.text[: one.start] + one.text[one.start + 1 :] == question[: one.start] + question[one.start + len(one.written) :]
    assert len({one.text for one in found}) == len(found), "the number at its place is masked, not the first that is equal"


def test_invariant_1_on_real_questions(shared):
    """1,319 questions of GSM8K: every variant restores its question, and nearly every question has a number."""
    lines = (shared / "data/reasoning_code/gsm8k/test.jsonl").read_text("utf-8").strip().split("\n")
    questions = [json.loads(line)["question"] for line in lines]
    found = [list(masked(question)) for question in questions]
    assert all(one.restored() == question for question, many in zip(questions, found, strict=True) for one in many)
    assert sum(1 for many in found if many) > 0.98 * len(questions)


@pytest.mark.parametrize("question", NO_NUMBERS)
def test_invariant_1_what_is_no_number_of_the_question_is_not_masked(question):
    """Numbers inside words, formulas, brackets and times."""
    assert list(masked(question)) == []


def test_invariant_2_the_target_is_the_masked_number_never_the_answer():
    def careless(request):
        return f"The value of x is {re.search(r'known to be (.*),', question_of(request))[1]}."

    grown = run(with_(backward=careless), routes=["FOBAR"])
    assert not grown.rows and set(reasons(grown)) == {"wrong_answer"}
    right = run(routes=["FOBAR"])
    assert right.rows
    for row in right.rows:
        assert compare(row["answer"], conditions(row)["masked"]).equal
        assert compare(row["response"].rsplit(": ", 1)[1], row["answer"]).equal


def test_invariant_3_a_rephrasing_that_changes_the_numbers_is_dropped():
    def careless(request):
        return model(request).replace("hens, and each lays 3", "hens, and each lays 4")

    grown = run(with_(rephrase=careless), routes=["Rephrased"])
    assert {row["original_question"] for row in grown.rejected} == {SEEDS[0]["question"]}
    assert {row["original_question"] for row in grown.rows} == {seed["question"] for seed in SEEDS[1:]}
    for row in grown.rows:
        assert row["answer"] == next(seed["answer"] for seed in SEEDS if seed["question"] == row["original_question"])
        assert row["query"] != row["original_question"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [("1,000", 1), ("1000.0", 1), ("1000.", 1), ("1000", 1), ("$1,000.00", 1), ("10", 0), ("100", 0), ("1", 0)],
)
def test_invariant_4_numbers_are_equal_as_values(written, kept):
    seeds = [{"id": "s", "question": "How many are 10 times 100?", "answer": "1000"}]
    grown = run(lambda request: f"Many.\nThe answer is {written}", seeds, routes=["AnsAug"], answers=1)
    assert len(grown.rows) == kept


def test_invariant_5_a_question_without_a_number_gives_no_backward_item_and_is_counted():
    seeds = [{"id": "s", "question": "Some hens lay eggs. How many eyes has a hen?", "answer": "2"}]
    grown = run(lambda request: "The answer is 2.", seeds, routes=["FOBAR", "SV", "AnsAug"], backward=3, answers=1)
    assert {row["type"] for row in grown.rows} == {"GSM_AnsAug"} and not grown.rejected
    for route in ("FOBAR", "SV"):
        assert f"{route}: 1 questions have no number that could be unknown; they give none of these." in grown.outcome.warnings


def test_invariant_6_an_sv_question_asks_only_at_its_end_and_holds_the_answer():
    seeds = [*SEEDS, {"id": "q", "question": "Is it so? Ann 9 has 4 hens, and each lays 5 eggs. How many eggs are there?", "answer": "20"}]
    seeds += [{"id": "d", "question": "Ann 40 has 2 hens, and each lays 3 eggs. How many eggs are there in 1 day?", "answer": "6"}]
    grown = run(seeds=seeds, routes=["SV"])
    assert len(grown.rows) >= 10
    assert len(grown.rows) + len(grown.rejected) == 3 * len(seeds), "an unknown in what is asked for would be lost"
    for row in grown.rows:
        gold = next(seed["answer"] for seed in seeds if seed["question"] == row["original_question"])
        assert row["query"].count("?") == 1 and row["query"].endswith("What is the value of the unknown x?")
        assert re.search(rf"(?<!\d){gold}(?!\d)", row["query"])
        assert "x" in re.findall(r"\w+", row["query"].split("What is the value")[0])


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("Are there 6 eggs?", "no_statement"),
        ("", "no_statement"),
        ("There are some eggs.", "answer_lost"),
        ("There are 60 eggs.", "answer_lost"),
        ("There are 16 eggs.", "answer_lost"),
        ("There are 6.5 eggs.", "answer_lost"),
    ],
)
def test_invariant_6_a_statement_that_asks_or_loses_the_answer_is_dropped(statement, reason):
    grown = run(with_(declare=statement), SEEDS[:1], routes=["SV"])
    assert not grown.rows and set(reasons(grown)) == {reason}


def test_invariant_7_types_add_up_and_repeats_of_a_greedy_model_collapse():
    grown = run(lambda request: re.sub(r" \(\d+\)", "", model(request)), answers=5, rephrasings=3, backward=2, rewrites=2)
    types = Counter(row["type"] for row in grown.rows)
    assert types == {"GSM_AnsAug": 3, "GSM_Rephrased": 3, "GSM_FOBAR": 6, "GSM_SV": 6}
    assert len({(row["query"], row["response"]) for row in grown.rows}) == sum(types.values()) == len(grown.rows)
    assert reasons(grown)["duplicate"] == 3 * 4 + 3 * 2 + 6 + 6


def test_invariant_8_what_was_answered_is_not_asked_again(tmp_path):
    arguments = {"data": {"seed": SEEDS}, "folder": tmp_path / "run"}
    first = grow(MetaMath(**FEW), often_fails, **arguments)
    again = grow(MetaMath(**FEW), lambda request: pytest.fail("asked again"), **arguments)
    assert again.rows == first.rows and first.requests


# ---- common mistakes -------------------------------------------------------------------------------------------------


def test_the_unknown_does_not_clash_with_a_variable_of_the_question():
    assert free_letter("Solve 13x + 8 = 34 for next week.") == "z"
    assert free_letter("X and z and W marks, u see") is None and list(masked("x z w u 5")) == []
    assert [one.text for one in masked("Solve 13x + 8 = 34")] == ["Solve 13x + z = 34", "Solve 13x + 8 = z"]


def test_one_is_a_number_where_it_counts_something():
    assert [one.start for one in masked("She has one cat; each one eats, and no one else.")] == [8]


def test_number_words_are_numbers():
    seeds = [{"id": "s", "question": "Ann N has five hens, and each lays two eggs. How many eggs are there?", "answer": "10"}]
    grown = run(with_(backward=lambda request: f"The value of x is {5 if 'x hens' in asked_of(request) else 2}."), seeds, routes=["FOBAR"])
    assert sorted(row["answer"] for row in grown.rows) == ["2", "5"]


def test_backward_answers_are_verified():
    grown = run(with_(backward="It is clear.\nThe value of x is 1000000."), routes=["FOBAR", "SV"])
    assert not grown.rows and set(reasons(grown)) == {"wrong_answer"}


def test_what_cannot_be_decided_is_not_kept():
    grown = run(lambda request: "The answer is 1, 2.", [{"id": "s", "question": "Which pair?", "answer": "(1, 2)"}], routes=["AnsAug"])
    assert not grown.rows and set(reasons(grown)) == {"undecided"}


def test_a_backward_solution_must_name_the_unknown():
    """No last number is taken there: it would often be the answer that was told."""
    grown = run(with_(backward="We find 2 hens and 3 eggs. The answer is 2."), routes=["FOBAR"])
    assert not grown.rows and set(reasons(grown)) == {"no_answer"}


def test_every_kept_answer_verifies_again():
    grown = run(often_fails, rephrasings=6)
    assert len(grown.rows) > 10 and len(reasons(grown)) >= 5
    for row in grown.rows:
        assert compare(row["response"].rsplit("The answer is: ", 1)[1], row["answer"]).equal


# ---- the algorithm, and what is ours ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("route", "calls"), [("AnsAug", 1), ("Rephrased", 2), ("FOBAR", 1), ("SV", 2)])
def test_calls_of_a_candidate(route, calls):
    grown = run(routes=[route], answers=1, rephrasings=1, backward=1, rewrites=1)
    candidates = len(grown.rows) + len(grown.rejected)
    assert candidates == len(SEEDS) * (1 if route in ("AnsAug", "Rephrased") else 3)
    assert len(grown.requests) == candidates * calls


def test_published_defaults():
    made = MetaMath()
    assert (made.answers, made.rephrasings, made.rewrites, made.backward, made.temperature) == (10, 40, 40, 20, 0.7)
    assert all(request.temperature == 0.7 and request.stop == ("\nQuestion:",) for request in run().requests)


def test_solvers_do_not_see_the_answer_forward():
    seeds = [{**seed, "answer": "987654"} for seed in SEEDS]
    for request in run(seeds=seeds, routes=["AnsAug", "Rephrased"]).requests:
        assert "987654" not in asked_of(request)


def test_responses_end_as_in_the_published_set():
    for row in run().rows:
        lines = row["response"].split("\n")
        assert lines[-1].startswith("The answer is: ") and sum(line.startswith("The answer is") for line in lines) == 1


def test_the_style_of_math_asks_for_a_box_and_names_the_type():
    def boxed(request):
        return f"So it is.\nThe answer is $\\boxed{{{solves(question_of(request))}}}$."

    grown = run(boxed, routes=["AnsAug"], style="MATH")
    assert {row["type"] for row in grown.rows} == {"MATH_AnsAug"} and all("\\boxed{21}" in asked_of(request) for request in grown.requests)


def test_a_truncated_solution_and_a_refusal_are_dropped_by_name():
    from tilth.models.base import Reply

    cut = run(with_(solve=lambda request: Reply("The answer is 6", finish="length")), SEEDS[:1], routes=["AnsAug"])
    assert set(reasons(cut)) == {"truncated"} and not cut.rows
    refused = run(with_(solve="I'm sorry, but I can't help with that."), SEEDS[:1], routes=["AnsAug"])
    assert set(reasons(refused)) == {"refused"}


def test_rows_spread_over_the_seeds_and_end_the_run_early():
    grown = run(rows=6, lag=4, answers=50, routes=["AnsAug"])
    assert len(grown.rows) == 6 and len({row["original_question"] for row in grown.rows}) == 3
    assert len(grown.requests) <= 6 + 4


def test_a_seed_may_bring_its_solution_with_its_answer():
    worked = [{**seed, "answer": f"They lay {seed['answer']} eggs.\n#### {seed['answer']}"} for seed in SEEDS]
    assert run(seeds=worked).rows == run().rows


def test_lineage():
    ids = {seed["question"]: seed["id"] for seed in SEEDS}
    for row in run().rows:
        assert row["seed_ids"] == [ids[row["original_question"]]]
        assert row["origin"] == ("mixed" if row["type"] == "GSM_AnsAug" else "model")


def test_a_question_is_cut_at_its_last_stop_or_comma():
    assert split_last("If Ann has 3.5 l, and Bob 2, how much is it?") == ("If Ann has 3.5 l, and Bob 2,", "how much is it?")
    assert split_last("How much is 3.5 times 2?") == ("", "How much is 3.5 times 2?")

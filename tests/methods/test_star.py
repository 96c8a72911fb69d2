"""STaR: the invariants of its card by name, then its common mistakes, then what is ours."""

import json
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.methods.math._rationales import read, shown
from tilth.methods.math.star import Star
from tilth.models.roles import RoleModel
from tilth.models.scripted import ScriptedModel
from tilth.verify.math import compare

N = 20
QUESTIONS = [{"id": f"q{n}", "question": f"How much is {n} and {n + 7}?", "answer": f"{2 * n + 7}"} for n in range(N)]
CHOICES = [
    {"id": f"c{n}", "question": f"Where is bird {n}?", "choices": {"A": "lake", "B": "wood", "C": "town"}, "answer": "ABC"[n % 3]}
    for n in range(9)
]
EXAMPLES = [{"question": "How much is 1 and 2?", "rationale": "One and two are three.", "answer": "3"}]
HINTED = re.compile(r"\?\s\(\d+\)\nA:$|\(CORRECT\)")


def asked_question(request):
    return asked_of(request).rstrip().rsplit("\nQ: ", 1)[-1].removeprefix("Q: ")


def number_of(request):
    return int(re.search(r"(?:much is|bird) (\d+)", asked_question(request))[1])


def hinted(request):
    return bool(HINTED.search(asked_question(request)))


def solve(request, *, right_first=lambda n: n % 2 == 0, right_hinted=lambda n: n % 4 == 1):
    """Right at the first try for even numbers, with the hint for every second odd one."""
    n = number_of(request)
    right = (right_hinted if hinted(request) else right_first)(n)
    return f" {n} and {n + 7} make it.\n#### {2 * n + 7 if right else 2 * n + 8}\nQ: How much is 5 and 5?\nA: ten\n#### 10"


SCENARIO = Scenario(Star(n_train_samples=16), solve, data={"questions": QUESTIONS})
LOCAL = {"parameters": {"n_train_samples": 3, "lag": 1}, "data": {"questions": QUESTIONS[:4]}}


def run(reply=solve, questions=QUESTIONS, seed=0, examples=None, dev=None, **parameters):
    data = {"questions": questions} | ({"examples": examples} if examples else {}) | ({"dev": dev} if dev else {})
    return grow(Star(**parameters), reply, data=data, seed=seed)


# ---- the card's invariants -------------------------------------------------------------------------------------------


def test_invariant_1_k_right_first_and_j_right_with_a_hint_give_k_plus_j_records_for_2n_minus_k_calls():
    grown = run()
    k, j = 10, 5
    assert Counter(row["source"] for row in grown.rows) == {"generated": k, "rationalized": j}
    assert len(grown.requests) == 2 * N - k
    assert len(grown.rejected) == N - k - j


@pytest.mark.parametrize("p", [0, 1])
def test_invariant_2_stored_prompts_show_the_hint_as_declared(p):
    for questions, reply in ((QUESTIONS, solve), (CHOICES, choose)):
        grown = run(reply, questions, p_show_hint_save=p)
        assert {row["source"] for row in grown.rows} == {"generated", "rationalized"}
        for row in grown.rows:
            assert bool(HINTED.search(row["prompt"])) is (p == 1 and row["source"] == "rationalized")
            assert not HINTED.search(row["question"])


def choose(request):
    n = number_of(request)
    right = "ABC"[n % 3]
    wrong = {"A": "B", "B": "C", "C": "A"}[right]
    return f" Birds like it.\n#### ({right.lower() if n % 2 or hinted(request) else wrong})."


def test_invariant_3_a_question_solved_at_once_is_never_sent_with_a_hint():
    grown = run()
    with_hint = {number_of(request) for request in grown.requests if hinted(request)}
    assert with_hint == {n for n in range(N) if n % 2}


def test_invariant_4_a_rationalization_with_a_wrong_answer_is_dropped():
    grown = run(lambda request: solve(request, right_first=lambda n: False, right_hinted=lambda n: n < 3))
    assert sorted(row["question"] for row in grown.rows) == sorted(QUESTIONS[n]["question"] for n in range(3))
    assert Counter(row["reason"] for row in grown.rejected) == {"wrong_answer": N - 3}


class Trains:
    """Remembers what it was given; every checkpoint is a model that solves one more kind of question."""

    name = "test trainer"

    def __init__(self, reply=lambda stage: lambda request: solve(request, right_first=lambda n: n % 4 < stage)):
        self.fits, self.models, self.reply = [], {}, reply

    def fit(self, base, rows, steps):
        self.fits.append((base, rows, steps))
        return f"checkpoint-{len(self.fits)}"

    def load(self, checkpoint):
        stage = int(checkpoint[-1])
        return RoleModel(self.models.setdefault(checkpoint, ScriptedModel(self.reply(stage), name=checkpoint)))


def test_invariant_5_training_starts_from_the_base_and_the_latest_checkpoint_writes():
    trainer = Trains()
    grown = run(iterations=3, trainer=trainer)
    assert [(base, steps) for base, _, steps in trainer.fits] == [("scripted", 40), ("scripted", 48), ("scripted", 57)]
    calls = {"scripted": len(grown.requests)} | {name: model.calls for name, model in trainer.models.items()}
    assert calls["checkpoint-1"] and calls["checkpoint-2"] and "checkpoint-3" in calls
    assert calls["scripted"] == 2 * N - 10 and calls["checkpoint-1"] == 2 * N - 5 and calls["checkpoint-2"] == 2 * N - 10
    assert calls["checkpoint-3"] == 0, "the last checkpoint is the result; no iteration follows"
    for number, (_, rows, _) in enumerate(trainer.fits, 1):
        assert rows == [{"prompt": row["prompt"], "completion": row["completion"]} for row in grown.rows if row["iteration"] == number]


def test_invariant_5_a_training_is_not_repeated_when_the_run_is_executed_again(tmp_path):
    trainer = Trains()
    method = Star(iterations=2, trainer=trainer)
    first = grow(method, solve, data={"questions": QUESTIONS}, folder=tmp_path / "run")
    again = grow(method, solve, data={"questions": QUESTIONS}, folder=tmp_path / "run")
    assert len(trainer.fits) == 2 and not again.requests and again.rows == first.rows


def test_invariant_6_a_question_is_generated_or_rationalized_never_both_in_one_iteration():
    grown = run(iterations=3, trainer=Trains())
    assert {row["iteration"] for row in grown.rows} == {1, 2, 3}
    most = Counter((row["iteration"], row["question"]) for row in grown.rows)
    assert set(most.values()) == {1}


def test_invariant_7_step_schedule():
    assert [Star().steps(n) for n in (1, 2, 3)] == [40, 48, 57]
    assert [Star(grow_steps="linear").steps(n) for n in (1, 2, 3)] == [40, 60, 80]


def test_invariant_8_same_seed_same_questions_and_records():
    def of(seed):
        grown = run(n_train_samples=8, seed=seed)
        return [row["question"] for row in grown.rows], [asked_of(request) for request in grown.requests]

    assert sorted(of(3)[1]) == sorted(of(3)[1]) and of(3)[0] == of(3)[0]
    assert of(3)[0] != of(4)[0]


def test_invariant_8_each_iteration_draws_anew():
    grown = run(iterations=2, n_train_samples=8, trainer=Trains(lambda stage: lambda request: solve(request, right_first=lambda n: True)))
    first, second = ({row["question"] for row in grown.rows + grown.rejected if row["iteration"] == n} for n in (1, 2))
    assert len(second) == 8 and first != second


# ---- common mistakes -------------------------------------------------------------------------------------------------


def test_a_reply_without_an_answer_is_wrong_and_tried_with_a_hint():
    grown = run(lambda request: solve(request, right_hinted=lambda n: True) if hinted(request) else "I do not know.")
    assert len(grown.rows) == N and {row["source"] for row in grown.rows} == {"rationalized"}
    never = run(lambda request: "I do not know.")
    assert not never.rows and Counter(row["reason"] for row in never.rejected) == {"no_answer": N}


def test_what_follows_the_line_of_the_answer_is_not_stored():
    for row in run().rows:
        assert "Q:" not in row["completion"] and row["completion"].count("####") == 1
        assert row["completion"].endswith(f"#### {row['gold']}")
    assert read("so\n#### 5\n#### 6").answer == "5"


def test_sampling_is_nearly_greedy_once_a_question_and_stops_before_the_next_one():
    for request in run().requests:
        assert (request.temperature, request.top_p, request.max_tokens, request.stop) == (0.01, 0.9, 96, ("\nQ:",))


def test_gold_is_what_was_given_and_every_answer_verifies_again():
    gold = {row["question"]: row["answer"] for row in QUESTIONS}
    for row in run().rows:
        assert row["gold"] == gold[row["question"]] and compare(row["answer"], row["gold"]).equal


# ---- what is ours ----------------------------------------------------------------------------------------------------


def test_examples_bear_the_same_mark_as_the_question():
    grown = run(examples=EXAMPLES)
    for request in grown.requests:
        assert asked_of(request).count("One and two are three.") == 1
        assert ("1 and 2? (3)" in asked_of(request)) is hinted(request)


def test_the_hint_marks_the_right_choice_alone():
    text = shown(CHOICES[1], hint=True)
    assert text.count("(CORRECT)") == 1 and "(B) wood (CORRECT)" in text
    assert shown(CHOICES[1] | {"choices": ["lake", "wood"]}, hint=True).endswith("(B) wood (CORRECT)")


@pytest.mark.parametrize("said", ["B", "(b)", "(B) wood", "B. Wood", "b: wood.", "wood"])
def test_a_choice_may_be_named_with_its_text(said):
    def told(text, row, **parameters):
        return run(lambda request: f"so\n#### {text}", questions=[row], **parameters)

    row = CHOICES[1]
    grown = told(said, row)
    assert [one["answer"].upper() for one in grown.rows] == ["B"] and len(grown.requests) == 1
    assert told(f"{said} or lake", row).rows == told("(A) wood", row).rows == []
    crossed = row | {"choices": {"A": "B", "B": "A", "C": "town"}}
    assert [one["answer"] for one in told("B", crossed).rows] == ["B"]
    assert len(told(said, row, match="exact").rows) == (said in ("B", "(b)"))


def test_values_are_compared_or_texts_as_declared():
    grown = run(lambda request: f"so\n#### ${2 * number_of(request) + 7}.00")
    assert len(grown.rows) == N
    assert not run(lambda request: f"so\n#### ${2 * number_of(request) + 7}.00", match="exact").rows


def test_no_hints_where_none_are_wanted():
    grown = run(p_rationalization=0)
    assert len(grown.requests) == N and len(grown.rows) == 10
    some = run(p_rationalization=0.5)
    assert N < len(some.requests) < 2 * N - 10


def test_without_a_trainer_there_is_one_iteration():
    assert {row["iteration"] for row in run(iterations=5).rows} == {1}


def test_iterations_end_when_accuracy_on_dev_stops_rising():
    trainer = Trains(lambda stage: lambda request: solve(request, right_first=lambda n: n % 4 < min(stage, 2)))
    grown = run(iterations=9, trainer=trainer, dev=QUESTIONS[:8])
    assert len(trainer.fits) == 3 and max(row["iteration"] for row in grown.rows) == 3
    assert any("accuracy on dev" in note for note in grown.outcome.warnings)


def test_earlier_iterations_are_trained_on_where_asked():
    trainer = Trains()
    grown = run(iterations=3, trainer=trainer, copy_n=1)
    sizes = Counter(row["iteration"] for row in grown.rows)
    assert [len(rows) for _, rows, _ in trainer.fits] == [sizes[1], sizes[1] + sizes[2], sizes[2] + sizes[3]]


def test_rows_end_the_run_early():
    grown = run(rows=4, lag=4)
    assert len(grown.rows) == 4 and len(grown.requests) < 2 * N - 10


def test_a_cut_off_reply_is_told():
    from tilth.models.base import Reply

    grown = run(lambda request: Reply("it goes on and on", finish="length"))
    assert any("raise max_tokens" in note for note in grown.outcome.warnings)


def test_a_model_is_told_the_format_or_shown_it():
    for grown in (run(mode="chat"), run(), run(mode="chat", examples=EXAMPLES)):
        assert all("####" in request.messages[0]["content"].split("Q:")[0] for request in grown.requests) and len(grown.rows) == 15
    for grown in (run(examples=EXAMPLES), run(mode="completion")):
        assert all(request.prompt.startswith("Q:") for request in grown.requests) and len(grown.rows) == 15


def test_a_comparison_that_needs_a_process_is_made_once(tmp_path, monkeypatch):
    """Its verdict is journaled: a time-out on a slower machine must not change a dataset."""
    roots = [
        {"id": f"r{n}", "question": f"Simplify the root of {8 * n * n}, bird {n}", "answer": f"{2 * n}\\sqrt{{2}}"} for n in range(2, 6)
    ]
    arguments = {"data": {"questions": roots}, "folder": tmp_path / "run"}
    first = grow(Star(), lambda request: f"so\n#### \\sqrt{{{8 * number_of(request) ** 2}}}", **arguments)
    assert len(first.rows) == 4
    monkeypatch.setattr("tilth.verify.workers.Workers.call", lambda *_: pytest.fail("compared again"))
    assert grow(Star(), lambda request: pytest.fail("asked again"), **arguments).rows == first.rows


def test_a_question_may_bring_its_solution_with_its_answer():
    worked = [{**row, "answer": f"One adds.\n#### {row['answer']}"} for row in QUESTIONS]
    assert run(questions=worked).rows == run().rows and run(questions=worked).prompts == run().prompts


def test_lineage():
    ids = {row["question"]: row["id"] for row in QUESTIONS}
    for row in run().rows:
        assert row["seed_ids"] == [ids[row["question"]]] and row["round"] == 1 and row["origin"] == "mixed"
        json.dumps(row)

"""LAB: every leaf grows from its own seeds, and nothing is kept that its judges did not see and grade."""

import json
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import Failure, RequestError
from tilth.methods.instructions._leaves import pairs, tagged
from tilth.methods.instructions.lab import Lab
from tilth.models.base import Reply

FREE = [{"leaf": "writing > letters", "task_description": "Write short letters.", "question": f"Write letter {n}.", "answer": f"Dear {n}."}
        for n in range(3)]  # fmt: skip
GROUNDED = [{"leaf": "reading > tables", "context": f"Table {n}: a=1", "question": f"What is a in {n}?", "answer": "1"} for n in range(2)]
DOCUMENT = "Lime morter hardens slowly. It takes up carbon from the air."
KNOWN = [{"leaf": "craft > mortar", "document": DOCUMENT, "context": "Clay.", "question": f"What is clay {n}?", "answer": f"Earth {n}."}
         for n in range(4)]  # fmt: skip
SEEDS = [*FREE, *GROUNDED, *KNOWN]


def kind_of(asked):
    """Which of the prompts this is."""
    marks = {"Judge a question": "judge_question", "Judge an answer": "judge_pair", "Does everything that this answer": "judge_faithful",
             "Judge how an answer": "judge_relevant", "Can somebody": "judge_standalone", "mend its spelling": "mend",
             "Write another context": "context", "about the new context": "context_questions", "Now answer this one": "answer",
             "questions with their answers": "pairs", "questions or requests like": "questions"}  # fmt: skip
    return next(name for mark, name in marks.items() if mark in asked)


def number(text):
    return int.from_bytes(text.encode(), "big") % 97


def wanted(asked):
    return int(re.search(r"Write (?:up to )?(\d+) ", asked)[1])


def shown(asked, head):
    """What stands after the last `head` of a prompt."""
    return asked.rsplit(head, 1)[1].split("\n")[0].strip()


def model(request, grade=lambda kind, asked: "3" if kind == "judge_pair" else "2" if kind == "judge_relevant" else "1"):
    """A capable writer with judges that like everything."""
    asked = asked_of(request)
    kind = kind_of(asked)
    mark = shown(asked, "Topic: ") if "Topic: " in asked else ""
    seed = shown(asked, "Question: ") if "Question: " in asked else ""
    if kind == "questions":
        return "Sure!\n" + "".join(f"<question>Ask {n} of {mark} after {seed}</question>\n" for n in range(wanted(asked)))
    if kind == "context":
        return f"<context>Table x{request.seed % 1000}: a=2</context>"
    if kind == "context_questions":
        return "".join(f"<question>What of {shown(asked, 'New context:' + chr(10))} {n}?</question>" for n in range(wanted(asked)))
    if kind == "mend":
        return f"<document>{DOCUMENT.replace('morter', 'mortar')}</document>"
    if kind == "pairs":
        return "".join(f"<question>How does lime {n} harden in {number(asked)}?</question>\n<answer>Slowly, {n}.</answer>\n"
                       for n in range(wanted(asked)))  # fmt: skip
    if kind == "answer":
        return f"Answer to: {shown(asked, 'Question: ')}"
    return f"Fine.\nScore: {grade(kind, asked)}"


def strict(request):
    """The same, but some judge turns one in five away, and one in eleven gives no grade."""

    def grade(kind, asked):
        chance = number(asked[-160:])
        if chance % 11 == 0:
            return "high"
        return (
            {"judge_pair": "1", "judge_relevant": "1"}.get(kind, "0")
            if chance % 5 == 0
            else {"judge_pair": "2", "judge_relevant": "2"}.get(kind, "1")
        )

    return model(request, grade)


SCENARIO = Scenario(Lab(questions=4, contexts=2, context_questions=2, pairs=2, rows=14), strict, data={"seeds": SEEDS})
LOCAL = {
    "parameters": {"questions": 1, "contexts": 1, "context_questions": 1, "pairs": 1},
    "data": {"seeds": [*FREE[:1], *GROUNDED[:1], *KNOWN[:1]]},
}


def lab(reply=model, seeds=SEEDS, **settings):
    return grow(Lab(**{"questions": 4, "contexts": 3, "context_questions": 2, "pairs": 3, **settings}), reply, data={"seeds": seeds})


def meta(row):
    return json.loads(row["extras"])["meta"]["conditions"]


def said(row, role):
    return next(one["content"] for one in row["messages"] if one["role"] == role)


def reasons(grown):
    return Counter(row["reason"] for row in grown.rejected)


def asked(grown, kind):
    return [prompt for prompt in grown.prompts if kind_of(prompt) == kind]


# must hold


def test_invariant_1_each_row_keeps_its_leaf_and_the_number_of_its_seed():
    grown = lab()
    assert {row["leaf"] for row in grown.rows} == {seed["leaf"] for seed in SEEDS}
    for row in grown.rows:
        assert meta(row)["leaf"] == row["leaf"] and row["seed_ids"]
        if row["kind"] == "freeform":
            assert f"after Write letter {meta(row)['seed']}." in said(row, "user")


@pytest.mark.parametrize("silent", ["judge_question", "judge_pair", "judge_faithful", "judge_relevant", "judge_standalone"])
def test_invariant_2_a_row_without_a_grade_never_passes(silent):
    def reply(request):
        return "I like it a lot." if kind_of(asked_of(request)) == silent else model(request)

    grown = lab(reply)
    knowledge = silent in ("judge_faithful", "judge_relevant", "judge_standalone")
    assert {row["kind"] == "knowledge" for row in grown.rows} == {not knowledge}
    assert set(reasons(grown)) == {f"{silent.removeprefix('judge_')}_no_score"}


def test_invariant_3_no_step_gives_more_than_was_asked_for():
    def generous(request):
        question = "<question>And one more, {}?</question>"
        reply = model(request)
        return reply + "".join(question.format(n) for n in range(9)) if "<question>" in reply and "<answer>" not in reply else reply

    grown = lab(generous)
    counts = Counter(row["kind"] for row in grown.rows)
    assert counts["freeform"] == 3 * 4 and counts["grounded"] <= 2 * 3 * 2 and counts["knowledge"] <= 2 * 3


def test_invariant_4_judges_see_exactly_what_is_kept():
    grown = lab()
    for row in grown.rows:
        question, answer = said(row, "user").split("\n\n")[-1], said(row, "assistant")
        judge = "judge_relevant" if row["kind"] == "knowledge" else "judge_pair"
        assert any(f"Question: {question}\n\nAnswer: {answer}\n" in prompt for prompt in asked(grown, judge))
        if row["kind"] == "grounded":
            context = said(row, "user").split("\n\n")[0]
            assert any(f"Context:\n{context}\n\nQuestion: {question}\n" in prompt for prompt in asked(grown, "judge_pair"))
    assert all(request.temperature == 0 for request in grown.requests if "judge" in kind_of(asked_of(request)))
    assert {request.temperature for request in grown.requests if kind_of(asked_of(request)) == "context"} == {0.7}


def test_invariant_5_each_context_stands_beside_its_own_questions():
    grounded = [row for row in lab().rows if row["kind"] == "grounded"]
    assert len({said(row, "user").split("\n\n")[0] for row in grounded}) >= 4
    for row in grounded:
        context, question = said(row, "user").split("\n\n")
        assert question.startswith(f"What of {context} ")


def test_invariant_6_seeds_go_their_way_by_context_and_document():
    grown = lab()
    kinds = {row["leaf"]: row["kind"] for row in grown.rows}
    assert kinds == {"writing > letters": "freeform", "reading > tables": "grounded", "craft > mortar": "knowledge"}
    assert len(asked(grown, "context")) == 2 * 3 and len(asked(grown, "pairs")) == 2 and len(asked(grown, "questions")) == 3
    assert {meta(row)["document"] for row in grown.rows if row["kind"] == "knowledge"} == {"original", "corrected"}


def test_invariant_7_the_same_seed_gives_the_same_mixture():
    one, two = lab(strict, rows=10), lab(strict, rows=10)
    assert [row["messages"] for row in one.rows] == [row["messages"] for row in two.rows]


def test_invariant_8_a_seed_that_lacks_something_costs_only_itself():
    broken = [{**FREE[0], "answer": ""}, {**FREE[0], "leaf": " "}, {"leaf": "alone", "document": "A text.", "question": "", "answer": ""}]
    grown = lab(seeds=[*SEEDS, *broken])
    assert reasons(grown) == {"incomplete_seed": 3} and len(grown.rows) == len(lab().rows)


# what passes


@pytest.mark.parametrize(
    ("judge", "grade", "stays"),
    [("question", 0, False), ("question", 1, True), ("pair", 1, False), ("pair", 2, True), ("pair", 3, True), ("faithful", 0, False),
     ("relevant", 0, False), ("relevant", 1, False), ("relevant", 2, True), ("standalone", 0, False)],
)  # fmt: skip
def test_cut_offs(judge, grade, stays):
    def reply(request):
        return f"Hm.\nScore: {grade}" if kind_of(asked_of(request)) == f"judge_{judge}" else model(request)

    grown = lab(reply, seeds=FREE if judge in ("question", "pair") else KNOWN)
    assert bool(grown.rows) is stays
    if not stays:
        assert set(reasons(grown)) == {f"{judge}_grade"} and {row["score"] for row in grown.rejected} == {grade}
    else:
        assert {dict((one["name"], one["value"]) for one in row["scores"])[judge] for row in grown.rows} == {grade}


def test_a_question_that_is_turned_away_is_not_answered():
    grown = lab(lambda request: "No.\nScore: 0" if kind_of(asked_of(request)) == "judge_question" else model(request), seeds=FREE)
    assert not asked(grown, "answer")


def test_grades_beyond_the_scale_are_no_grades():
    grown = lab(lambda request: "Superb.\nScore: 5" if kind_of(asked_of(request)) == "judge_pair" else model(request), seeds=FREE)
    assert not grown.rows and set(reasons(grown)) == {"pair_score_out_of_range"}


def test_equal_questions_and_copies_of_the_seed_are_dropped():
    def reply(request):
        if kind_of(asked_of(request)) == "questions":
            return "<question>Write  letter 0.</question><question>One?</question><question>One?</question>"
        return model(request)

    grown = lab(reply, seeds=FREE)
    assert Counter(said(row, "user") for row in grown.rows) == {"One?": 1, "Write letter 0.": 1}
    assert reasons(grown)["duplicate"] == 3


def test_the_judge_is_a_role_of_its_own():
    grown = grow(Lab(questions=2), model, data={"seeds": FREE[:1]}, roles={"judge": [lambda request: "Bad.\nScore: 0"]})
    assert len(grown.requests) == 1 and reasons(grown) == {"question_grade": 2}


# the tree


def test_leaves_take_turns_and_have_even_shares():
    grown = lab(rows=6)
    assert Counter(row["leaf"] for row in grown.rows) == dict.fromkeys(("writing > letters", "reading > tables", "craft > mortar"), 2)
    assert [meta(row)["seed"] for row in grown.rows] == [0] * 6
    assert wanted(asked(grown, "questions")[0]) == 3 and len(asked(grown, "questions")) == 1, "half as many again as are missing"


def test_what_a_leaf_cannot_give_is_said():
    grown = lab(seeds=[*FREE, *GROUNDED[:1]], rows=60)
    assert any("'writing > letters' is 18 short" in note for note in grown.outcome.warnings)
    assert any("2 of 2 leaves have fewer than 5 seeds" in note for note in grown.outcome.warnings)


def test_a_leaf_shows_only_its_own_seeds():
    for prompt in lab().prompts:
        if "Topic: " in prompt:
            leaf = shown(prompt, "Topic: ")
            foreign = [seed["question"] for seed in SEEDS if seed["leaf"] != leaf]
            assert not any(question in prompt for question in foreign)


def test_knowledge_shows_three_examples_and_judges_by_the_version_that_was_read():
    grown = lab(seeds=KNOWN)
    original, corrected = asked(grown, "pairs")
    assert original.count("<answer>Earth") == 3 and "From: Clay." in original
    assert "Lime morter" in original and "Lime mortar" in corrected
    assert {"morter" in prompt for prompt in asked(grown, "judge_faithful")} == {True, False}
    assert [len(row["seed_ids"]) for row in grown.rows] == [3] * len(grown.rows)
    bare = lab(seeds=[{key: value for key, value in seed.items() if key != "context"} for seed in KNOWN], corrected=False)
    assert len(bare.rows) == 3 and not asked(bare, "mend") and "From:" not in asked(bare, "pairs")[0]


def test_a_copy_that_could_not_be_mended_costs_only_itself():
    grown = lab(lambda request: "I cannot." if kind_of(asked_of(request)) == "mend" else model(request), seeds=KNOWN)
    assert {meta(row)["document"] for row in grown.rows} == {"original"} and reasons(grown) == {"no_tags": 1}


def test_a_system_message_comes_first_where_it_is_set():
    (row,) = lab(seeds=FREE[:1], questions=1, system="You are kind.").rows
    assert [one["role"] for one in row["messages"]] == ["system", "user", "assistant"]


def test_replies_without_tags_are_rejected_by_name():
    grown = lab(lambda request: "1. A question?" if kind_of(asked_of(request)) == "questions" else model(request), seeds=FREE)
    assert reasons(grown) == {"no_tags": 3} and "<question>" in grown.rejected[0]["detail"]


def test_nothing_to_grow_from_is_said():
    with pytest.raises(RequestError, match="no row of 'seeds'"):
        lab(seeds=[{"leaf": "a", "question": "b", "answer": ""}])


# tags


def test_tags_may_be_written_in_any_case_and_over_lines_and_the_last_may_be_cut_off():
    reply = Reply("Here:\n<Question>One\n  line?</question> <question> </question><question>Two?</question>\n<question>Thr")
    assert tagged(reply, "question") == ["One line?", "Two?"]
    assert tagged(Reply("<context>\na  b\n\nc\n</context>"), "context") == ["a  b\n\nc"]


def test_a_question_without_an_answer_takes_no_other_s():
    text = (
        "<question>A?</question>\n<question>B?</question><answer>b</answer>\n<answer>c</answer><question>C?</question>\n<answer>c</answer>"
    )
    assert pairs(Reply(text)) == [("B?", "b"), ("C?", "c")]
    with pytest.raises(Failure, match="no_tags"):
        pairs(Reply("<question>A?</question>"))
    with pytest.raises(Failure, match="refused"):
        tagged(Reply("I'm sorry, but I cannot assist with that request."), "question")

"""ZeroGen for questions: answers are spans of the passage, and questions do not give them away."""

import json

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.methods.classification.zerogen_qa import ZeroGenQA, spans

PASSAGES = {
    "passages": [
        {"text": "The tower was built by Gustave Eiffel in 1889. It stands in Paris, and Paris is proud of it."},
        {"text": "Rain fell on the town. When Ada Lovelace came in March, 3,000 people met her."},
    ]
}


def writes(request):
    return f'which thing is meant by number {request.seed}? And then"'


SCENARIO = Scenario(ZeroGenQA(entries=3), lambda request: "no mark here" if request.seed % 5 == 0 else writes(request), data=PASSAGES)
LOCAL = {"parameters": {"entries": 1, "answers": 1, "lag": 1}}


def test_invariant_4_the_answer_stands_at_its_place_and_not_in_the_question():
    def careless(request):
        answer = asked_of(request).rsplit('answer is "', 1)[1].split('"')[0]
        return f"what about {answer.upper()} then?" if request.seed % 3 == 0 else writes(request)

    grown = grow(ZeroGenQA(), careless, data=PASSAGES)
    assert len(grown.rows) > 5 and len(grown.rejected) > 1
    for row in grown.rows:
        answers = json.loads(row["answers"])
        (text,), (start,) = answers["text"], answers["answer_start"]
        assert row["context"][start : start + len(text)] == text
        assert text.casefold() not in row["question"].casefold()
    assert {row["reason"] for row in grown.rejected} <= {"gives_answer"}


def test_invariant_2_a_question_is_cut_at_its_mark_and_dropped_without_one():
    grown = grow(ZeroGenQA(), lambda request: "no mark here" if request.seed % 2 else writes(request), data=PASSAGES)
    assert all(row["question"].endswith("?") and row["question"].count("?") == 1 for row in grown.rows)
    assert {row["reason"] for row in grown.rejected} == {"unfinished"}


def test_spans_are_names_and_numbers_each_once():
    first, second = (row["text"] for row in PASSAGES["passages"])
    assert [span.text for span in spans(first)] == ["Gustave Eiffel", "1889", "Paris"]
    assert [span.text for span in spans(second)] == ["Ada Lovelace", "March", "3,000"]
    assert all(second[span.start :].startswith(span.text) for span in spans(second))
    assert spans("nothing of note happens here, ever.") == []


def test_each_answer_gets_so_many_questions_and_no_question_twice():
    grown = grow(ZeroGenQA(entries=3, answers=2), writes, data=PASSAGES)
    assert len(grown.rows) == 2 * 2 * 3 == len(grown.requests)
    same = grow(ZeroGenQA(entries=3, answers=2), lambda request: "which one is it?", data=PASSAGES)
    assert len(same.rows) == 4 and {row["reason"] for row in same.rejected} == {"duplicate"}


@pytest.mark.parametrize("concurrency", [1, 64])
def test_rows_end_the_run_early_and_ask_at_most_the_lag_in_vain(concurrency):
    many = {"passages": [{"text": f"Anna met Bob Number{i} in town."} for i in range(60)]}
    grown = grow(ZeroGenQA(rows=5, lag=8), writes, data=many, concurrency=concurrency)
    assert len(grown.rows) == 5 and len(grown.requests) == 5 + 8 - 1

"""GLAN: homework hangs on the tree, combinations are drawn once each, and nothing that a turn must not see is shown to it."""

import json
import random
import re
from collections import Counter
from itertools import combinations, islice
from zlib import crc32

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import Failure, RequestError
from tilth.methods.instructions._homework import draws, possible
from tilth.methods.instructions._json_lines import objects
from tilth.methods.instructions.glan import GLAN
from tilth.models.base import Reply
from tilth.records.data import Data

TAXONOMY = [
    {"discipline": "Botany", "field": "Sciences", "subfield": "Life"},
    {"discipline": "Zoology", "field": "Sciences", "subfield": "Life"},
    {"discipline": "Law", "field": "Society"},
]
SMALL = {"subject_queries": 2, "questions": 4}


def lines(*values):
    """A reply with one good object on each line, and two lines that are none."""
    return "\n".join(["Sure:", "```json", *(json.dumps(value) for value in values), '{"subject_name": "broken', "```"])


def subjects(request):
    discipline = re.search(r"education in ([^,]+),", asked_of(request))[1]
    return lines(
        {"subject_name": "Ethics", "level": "beginner", "subtopics": ["duty"]},
        {"subject_name": f"{discipline} {request.seed % 2}", "level": None, "subtopics": []},
        {"subject_name": " "},
    )


def sessions(request):
    about = re.search(r"You teach (.+?)( \(level|, a subject)", asked_of(request))[1]
    return lines(
        *({"session_name": f"{about}, week {n}", "key_concepts": [f"{about} {n}{letter}" for letter in "abcde"]} for n in range(3)),
        {"session_name": "Empty", "key_concepts": []},
    )


def reply(request):
    """A capable model, whose every seventh question or so is too short; its answers are never empty."""
    said = request.messages[-1]["content"]
    if '"subject_name"' in said:
        return subjects(request)
    if '"session_name"' in said:
        return sessions(request)
    if "Which subjects" in said or "Write the syllabus" in said:
        return f"Many things {request.seed}."
    if "Write one homework question" in said:
        return "What?" if request.seed % 7 == 0 else f"1. Explain case {crc32(said.encode())} in your words."
    return f"Because of {crc32(said.encode())}."


SCENARIO = Scenario(GLAN(**SMALL), reply, data={"taxonomy": TAXONOMY})
LOCAL = {"parameters": {"subject_queries": 1, "questions": 1}, "data": {"taxonomy": TAXONOMY[:2]}}


def make(answer=reply, taxonomy=TAXONOMY, benchmarks=None, roles=None, seed=0, **settings):
    data = {"taxonomy": taxonomy} | ({"benchmarks": benchmarks} if benchmarks else {})
    return grow(GLAN(**{**SMALL, **settings}), answer, data=data, roles=roles, seed=seed)


def tree_of(grown):
    """(discipline, subject) to its syllabus, as the run stored it."""
    stored = json.loads((grown.folder / "artifacts" / "tree.json").read_text("utf-8"))
    return {(one["discipline"], one["subject"]): {part["session_name"]: part["key_concepts"] for part in one["syllabus"]} for one in stored}


def calls(grown, words):
    return [request for request in grown.requests if words in request.messages[-1]["content"]]


# the card: must hold


def test_every_pair_traces_to_discipline_subject_sessions_and_concepts_of_the_stored_tree():
    grown = make()
    tree = tree_of(grown)
    assert len(grown.rows) == 12
    for row in grown.rows:
        syllabus = tree[row["discipline"], row["subject"]]
        assert set(row["concepts"]) <= {concept for name in row["sessions"] for concept in syllabus[name]}
        assert len(row["seed_ids"]) == 1


@pytest.mark.parametrize(("pairs", "strategy", "count"), [(0, "single_session", 1), (1, "two_sessions", 2)])
def test_a_strategy_has_its_number_of_sessions_and_concepts_of_each(pairs, strategy, count):
    grown = make(pairs=pairs, questions=20)
    tree = tree_of(grown)
    assert {row["strategy"] for row in grown.rows} == {strategy}
    assert {len(row["concepts"]) for row in grown.rows} == set(range(count, 6))
    for row in grown.rows:
        assert len(set(row["sessions"])) == count
        assert all(set(row["concepts"]) & set(tree[row["discipline"], row["subject"]][name]) for name in row["sessions"])


def test_concepts_are_drawn_without_replacement():
    grown = make(questions=20)
    assert all(len(set(row["concepts"])) == len(row["concepts"]) for row in grown.rows)


def test_a_concept_that_two_sessions_name_is_of_the_first():
    def shared(request):
        if '"session_name"' not in request.messages[-1]["content"]:
            return reply(request)
        return lines({"session_name": "A", "key_concepts": ["x", "y", "x"]}, {"session_name": "B", "key_concepts": ["y", "z"]})

    assert all(syllabus == {"A": ["x", "y"], "B": ["z"]} for syllabus in tree_of(make(shared)).values())


@pytest.mark.parametrize(("removed", "left"), [("Sciences", {"Law"}), ("Life", {"Law"}), ("Botany", {"Zoology", "Law"})])
def test_a_removed_node_gives_no_data_of_its_descendants(removed, left):
    grown = make(removed=[removed])
    assert {row["discipline"] for row in grown.rows} == left
    assert not any("education in Botany" in prompt for prompt in grown.prompts)


@pytest.mark.parametrize("removed", [["Biology"], ["Sciences", "Society"]])
def test_what_cannot_be_removed_is_named_before_the_first_call(removed):
    asked = []
    with pytest.raises(RequestError):
        make(lambda request: asked.append(request) or reply(request), removed=removed)
    assert not asked


def test_malformed_lines_do_not_abort_the_batch():
    read = objects("n", Reply('text\n```\n{"n": "a"}\n{"n": "b"\n[1]\n{"m": "c"}\n{"n": ""}\n{"n": 3}\n{"n": "d"}\n```'))
    assert [one["n"] for one in read] == ["a", "d"]
    with pytest.raises(Failure, match="no_lines"):
        objects("n", Reply("I have no list."))


def test_an_array_over_lines_loses_none_of_them():
    read = objects("n", Reply('```json\n[\n  {"n": "a"},\n  {"n": "b, c"}, \n  {"n": "d"}\n]\n```'))
    assert [one["n"] for one in read] == ["a", "b, c", "d"]


def test_a_new_discipline_only_adds_calls_for_it():
    less, more = make(taxonomy=TAXONOMY[:2]), make(taxonomy=[TAXONOMY[2], *TAXONOMY[:2]])
    asked, then = (Counter((prompt, request.seed) for prompt, request in zip(g.prompts, g.requests, strict=True)) for g in (less, more))
    assert asked <= then
    assert {row["instruction"] for row in less.rows} < {row["instruction"] for row in more.rows}
    theirs = {row["instruction"] for row in more.rows if row["discipline"] == "Law"}
    assert all("Law" in prompt or prompt.strip() in theirs for prompt, _ in then - asked)


def test_a_seed_gives_the_same_rows_and_another_one_others():
    drawn = [[(row["sessions"], row["concepts"]) for row in make(seed=seed).rows] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("pairs", [0, 1])
def test_no_combination_comes_twice_before_all_came(pairs):
    syllabus = {"A": "abcde", "B": "fg", "C": "h"}
    most = possible(syllabus, 1 + pairs)
    drawn = list(islice(draws(syllabus, pairs, random.Random(3)), 2 * most))
    assert len(set(drawn[:most])) == most and set(drawn[most:]) == set(drawn[:most])


def test_the_number_of_combinations_is_that_of_the_paper():
    syllabus = {"A": "abcde", "B": "fghij", "C": "k"}
    listed = {1: 0, 2: 0}
    for count in listed:
        for names in combinations(syllabus, count):
            pool = "".join(syllabus[name] for name in names)
            some = (set(chosen) for i in range(count, 6) for chosen in combinations(pool, i))
            listed[count] += sum(all(one & set(syllabus[name]) for name in names) for one in some)
    assert {count: possible(syllabus, count) for count in listed} == listed
    assert possible({"A": "abcde"}, 1) == 31


def test_one_session_is_never_a_pair():
    assert {len(names) for names, _ in islice(draws({"A": "ab"}, 1.0, random.Random(0)), 9)} == {1}


def test_question_and_answer_are_separate_calls_and_the_answer_sees_the_question_alone():
    answerers = []

    def answer(request):
        answerers.append(request)
        return reply(request)

    grown = make(roles={"answerer": [answer]})
    assert sorted(asked_of(request).strip() for request in answerers) == sorted(row["instruction"] for row in grown.rows)
    assert all((request.temperature, request.top_p) == (0.7, 0.95) for request in answerers)
    assert not any("Explain case" in prompt for prompt in grown.prompts)


# the card: common mistakes, and what else it says


def test_the_first_turn_asks_for_no_form_and_the_second_sees_it():
    grown = make()
    assert calls(grown, "Which subjects") and calls(grown, "Write the syllabus")
    for request in (*calls(grown, "Which subjects"), *calls(grown, "Write the syllabus")):
        assert len(request.messages) == 1 and not re.search("json|```", asked_of(request), re.IGNORECASE)
    for request in (*calls(grown, '"subject_name"'), *calls(grown, '"session_name"')):
        assert [message["role"] for message in request.messages] == ["user", "assistant", "user"]
        assert request.messages[1]["content"].startswith("Many things")
        assert (request.temperature, request.top_p) == (1.0, 0.95)


def test_subjects_stay_in_each_discipline_and_are_united_within_one():
    grown = make(subject_queries=6, questions=6)
    assert {row["discipline"] for row in grown.rows if row["subject"] == "Ethics"} == {"Botany", "Zoology", "Law"}
    stored = json.loads((grown.folder / "artifacts" / "tree.json").read_text("utf-8"))
    assert max(Counter((one["discipline"], one["subject"]) for one in stored).values()) == 1


def test_questions_are_spread_over_the_tree_however_much_a_subject_holds():
    def uneven(request):
        small = '"session_name"' in request.messages[-1]["content"] and "Ethics" in asked_of(request)
        return lines({"session_name": "Only", "key_concepts": ["duty"]}) if small else reply(request)

    grown = make(uneven, questions=12, subject_queries=6)
    assert Counter(row["discipline"] for row in grown.rows) == {"Botany": 12, "Zoology": 12, "Law": 12}
    by_subject = Counter((row["discipline"], row["subject"]) for row in grown.rows)
    assert len(by_subject) == 9 and min(by_subject.values()) >= 3


def test_rows_are_shared_among_disciplines():
    assert sorted(Counter(row["discipline"] for row in make(rows=7).rows).values()) == [2, 2, 3]


def test_combinations_are_drawn_not_listed():
    """Thirty sessions of twenty concepts have millions of pairs; some draws of them take no time and no memory."""
    syllabus = {f"{n}": [f"{n}-{i}" for i in range(20)] for n in range(30)}
    assert possible(syllabus, 2) > 10**8
    drawn = set(islice(draws(syllabus, 1.0, random.Random(0)), 50))
    assert len(drawn) == 50 and len({names for names, _ in drawn}) > 20


def test_the_question_sees_the_whole_syllabus():
    grown = make()
    for request in calls(grown, "Write one homework question"):
        assert len(re.findall(r"^\d\. .+, week \d: ", request.messages[-1]["content"], re.MULTILINE)) == 3


def test_a_question_out_of_a_benchmark_is_turned_away_before_it_is_answered():
    known = "How many litres of water does a tank hold that is two metres long and one metre wide?"

    def copying(request):
        return f"Homework: {known}" if "Write one homework question" in request.messages[-1]["content"] else reply(request)

    grown = make(copying, benchmarks=[{"text": known}])
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"benchmark"}
    assert not calls(grown, "Homework: ") and len(grown.outcome.warnings) >= 3


def test_a_discipline_without_subjects_and_a_subject_without_sessions_are_rejected_alone():
    def poor(request):
        said = asked_of(request)
        if '"subject_name"' in said and "in Law," in said:
            return "There are none."
        return lines({"session_name": "Talk"}) if '"session_name"' in said and "Ethics" in said else reply(request)

    grown = make(poor)
    assert {row["discipline"] for row in grown.rows} == {"Botany", "Zoology"}
    assert {"no_subjects", "no_sessions"} <= {row["reason"] for row in grown.rejected}
    assert "Ethics" not in {row["subject"] for row in grown.rows}


def test_a_preview_knows_how_many_rows_will_come():
    assert GLAN(questions=7).most_rows({"taxonomy": Data.of(TAXONOMY, name="taxonomy")}) == 21

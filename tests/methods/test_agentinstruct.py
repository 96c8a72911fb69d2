"""AgentInstruct: every item knows its way from the seed, no edit keeps an old answer, and what fails ends its branch alone."""

import json
import re
from collections import Counter
from itertools import combinations

import pytest
from pydantic import ValidationError

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import RequestError
from tilth.methods.instructions._agent_replies import numbered
from tilth.methods.instructions._course import portions
from tilth.methods.instructions._functions import read_functions, read_step
from tilth.methods.instructions._skills import SHIPPED, copies, shipped
from tilth.methods.instructions.agentinstruct import AgentInstruct
from tilth.models.base import Reply
from tilth.records.data import Data

READING, CHANGING, CALLING = "reading_comprehension", "text_modification", "tool_use"
MARKS = {"Turn the material below into": "transform", "Out of the material below": "functions", "tasks of one kind only": "tasks",
         "suggest one concrete change": "suggest", "Carry out this change": "edit", "You play an API": "simulate",
         "that can call these functions": "converse", "Do what the user asks": "respond"}  # fmt: skip
SEEDS = [
    {"id": f"s{n}", "text": f"Seed number {n} tells of a mill, its {n} wheels and of the brook that turns them in spring."}
    for n in range(4)
]
CODE = [{"id": "c0", "text": "def book(seat, day):\n    seats[day].add(seat)\n    return len(seats[day])", "skill": CALLING}]


def kind_of(asked):
    """Which of the prompts this is."""
    return next(name for mark, name in MARKS.items() if mark in asked)


def between(asked, head, tail="\n\n"):
    """What stands after the last `head` of a prompt, up to `tail`."""
    return asked.rsplit(head, 1)[1].split(tail)[0].strip()


def text_of(asked):
    return re.split(r"\n\n(?=The task:|Write between|The assistant:)", re.split(r"\nThe [a-z ]+:\n", asked, maxsplit=1)[1])[0]


def model(request):
    """A capable model: unique texts and tasks, honest edits, an answer that quotes what it read."""
    asked = asked_of(request)
    kind = kind_of(asked)
    if kind == "transform":
        how, material = between(asked, "Turn the material below into ", ".\n"), between(asked, "Material:\n")
        return f"Sure!\n<text>\nWritten as {how[:14]}\n\nfrom {re.search(r'number .', material)[0]}{' and more' * 15}\n</text>"
    if kind == "functions":
        return "Here it is:\n" + json.dumps([function("book_seat"), function("list_seats"), function("cancel_seat")])
    if kind == "tasks":
        type_, n = between(asked, "The kind: ", ". "), int(re.search(r"Write (\d+) task", asked)[1])
        return "\n".join(f"<task>Do {type_}, part {number}, of {short(text_of(asked))}</task>" for number in range(n))
    if kind == "suggest":
        goals = re.findall(r"^(\d+)\. (.*)", between(asked, "task of its kind:", "\n\nThe "), re.MULTILINE)
        return "Here:\n\n" + "\n".join(f"{number}. Let it {goal.split()[-2:]} {number}" for number, goal in goals)
    if kind == "edit":
        change, task = between(asked, "keeps the rest:\n"), between(asked, "The task:\n", "\n\nWrite the whole")
        whole = f"<text>{text_of(asked)} [{change}]</text>" if "between <text>" in asked else ""
        return f"{whole}\n<task>{task}{'' if whole else f' ({change})'}</task>"
    if kind == "converse":
        return "Booked." if "<result>" in asked else 'I book.\n<call>{"name": "book_seat", "arguments": {"seat": "4A"}}</call>'
    if kind == "simulate":
        return json.dumps({"error": "", "response": f"seen {between(asked, 'The call: ')}"})
    return f"Answer to: {request.messages[-1]['content']}"


def function(name):
    about = {"type": "object", "properties": {"seat": {"type": "string", "description": "Row and letter."}}, "required": ["seat"]}
    return {"name": name, "description": f"Does {name}.", "parameters": about}


def short(text):
    return " ".join(text.split())[-40:]


def failing(kind, when=lambda asked: True, reply="I do not know."):
    """The model, but one of its agents fails on some prompts."""
    return lambda request: reply if kind_of(asked_of(request)) == kind and when(asked_of(request)) else model(request)


def flaky(request):
    """One reply in six is of no use."""
    return "hm" if (request.seed or 1) % 6 == 0 and kind_of(asked_of(request)) != "respond" else model(request)


SCENARIO = Scenario(AgentInstruct(types=2, suggestions=2, rounds=2, rows=24), flaky, data={"seeds": [*CODE, *SEEDS[:2]]})
LOCAL = {"parameters": {"rounds": 0, "types": 1}, "data": {"seeds": SEEDS[:2]}}


def agents(reply=model, seeds=SEEDS, seed=0, task=None, roles=None, **settings):
    return grow(AgentInstruct(**{"skills": [READING], **settings}), reply, data={"seeds": seeds}, seed=seed, task=task, roles=roles)


def meta(row):
    return json.loads(row["extras"])["meta"]["conditions"]


def said(row, role):
    return [one["content"] for one in row["messages"] if one["role"] == role]


def reasons(grown):
    return Counter(row["reason"] for row in grown.rejected)


def asked(grown, kind):
    return [prompt for prompt in grown.prompts if kind_of(prompt) == kind]


def kin(grown):
    """Row and the row that it was made of."""
    rows = {row["id"]: row for row in grown.rows}
    return [(row, rows[row["parents"][0]]) for row in grown.rows if row["parents"]]


# must hold


def test_invariant_1_every_item_links_seed_text_type_parent_and_suggestion():
    grown = agents(seeds=[*SEEDS, *CODE], rounds=2, suggestions=2)
    written = [between(asked_of(request), "Material:\n") for request in grown.requests if kind_of(asked_of(request)) == "transform"]
    rows = {row["id"]: row for row in grown.rows}
    for row in grown.rows:
        about, skill = meta(row), shipped(row["skill"])
        assert about["transform"] in skill.transforms and about["type"] == row["type"] and about["type"] in skill.types
        assert len(row["seed_ids"]) == 1 and row["text"]
        if row["round"] == 0:
            assert not row["parents"] and "suggestion" not in about
            assert row["skill"] == CALLING or f"number {row['seed_ids'][0][1:]}" in row["text"].lower()
        else:
            parent = rows[row["parents"][0]]
            assert parent["round"] == row["round"] - 1 and parent["seed_ids"] == row["seed_ids"] and parent["type"] == row["type"]
            assert about["goal"] in skill.goals and about["suggestion"]
    assert {row["round"] for row in grown.rows} == {0, 1, 2} and written


@pytest.mark.parametrize("shape", [
    {"transforms": 2, "types": 3, "suggestions": 3, "rounds": 1}, {"types": 2, "suggestions": 2, "rounds": 2, "tasks": 2},
    {"rounds": 0, "types": 4},
])  # fmt: skip
def test_invariant_2_the_number_of_items_is_foretold_and_bounded(shape):
    method = AgentInstruct(skills=[READING, CHANGING], **{"rounds": 1, **shape})
    grown = grow(method, model, data={"seeds": SEEDS})
    plan = json.loads((grown.folder / "artifacts" / "agentinstruct.json").read_text())
    assert (
        grown.outcome.kept
        == len(grown.rows)
        == sum(one["items"] for one in plan.values())
        == method.most_rows({"seeds": Data.of(SEEDS, name="seeds")})
    )
    bound = shape.get("transforms", 1) * shape["types"] * shape.get("tasks", 1) * (1 + shape.get("suggestions", 0)) ** shape["rounds"]
    assert plan[READING]["seeds"] == 4 and 0 < plan[READING]["items"] <= 4 * bound
    assert {name: sum(row["skill"] == name for row in grown.rows) for name in plan} == {name: one["items"] for name, one in plan.items()}
    drawn_identity = sum(meta(row)["transform"] == "identity" for row in grown.rows if row["skill"] == READING and not row["parents"])
    calls = sum(one["calls"] for one in plan.values())
    assert calls - 4 <= len(grown.requests) <= calls and (drawn_identity or len(grown.requests) == calls)


def test_invariant_2_what_would_explode_is_refused_before_the_first_call():
    with pytest.raises(ValidationError, match=r"'reading_comprehension' could give 242 records, more than most_per_seed \(100\)"):
        AgentInstruct(rounds=4, suggestions=3, types=2, tasks=1, transforms=1, skills=[READING], most_per_seed=100)
    assert AgentInstruct(rounds=4, suggestions=3, types=2, skills=[READING], most_per_seed=300)
    own = {"small": {"types": {"one": "One."}}}
    with pytest.raises(RequestError, match="seed c0: a seed of 'tool_use' could give 242 records"):
        grow(AgentInstruct(skills=["small"], own_skills=own, rounds=4, types=2), model, data={"seeds": [*SEEDS, *CODE]})


def test_invariant_3_a_refined_item_differs_from_its_parent_and_keeps_its_suggestion():
    grown = agents(rounds=2, suggestions=3)
    assert len(kin(grown)) > len(grown.rows) / 2
    for row, parent in kin(grown):
        changes_text = shipped(READING).goals[meta(row)["goal"]].text
        assert (row["text"] != parent["text"]) == changes_text and said(row, "user") != said(parent, "user")
        assert any(f"keeps the rest:\n{meta(row)['suggestion']}\n" in prompt for prompt in asked(grown, "edit"))


def test_invariant_3_edits_that_change_nothing_are_turned_away():
    def lazy(request):
        asked = asked_of(request)
        if kind_of(asked) != "edit":
            return model(request)
        task = between(asked, "The task:\n", "\n\nWrite the whole")
        return f"<text>{text_of(asked).upper()}</text><task>{task} Indeed.</task>" if "between <text>" in asked else f"<task>{task}</task>"

    grown = agents(lazy)
    assert {row["round"] for row in grown.rows} == {0} and reasons(grown) == {"unchanged": 3 * 3 * len(SEEDS)}
    row = grown.rejected[0]
    assert row["parents"] and meta(row)["suggestion"] and "must differ" in row["detail"]


def test_invariant_4_each_version_is_answered_from_its_own_text():
    grown = agents(seeds=[*SEEDS, *CODE], rounds=2, suggestions=2)
    for row in grown.rows:
        if row["skill"] == READING:
            assert said(row, "assistant") == [f"Answer to: {said(row, 'user')[0]}"] and row["text"] in said(row, "user")[0]
    answered = [request.messages[-1]["content"] for request in grown.requests if kind_of(asked_of(request)) == "respond"]
    assert Counter(answered) == Counter(said(row, "user")[0] for row in grown.rows if row["skill"] == READING)


@pytest.mark.parametrize(("settings", "said"), [
    ({"only": {READING: ["main_idea", "gossip"]}}, r"'reading_comprehension' has no type 'gossip' \(it has: literal_detail, "),
    ({"own_skills": {READING: {"types_of": {"poem": ["rhyme"]}}}}, "has no type 'rhyme'"),
    ({"own_skills": {READING: {"types_of": {"opera": ["main_idea"]}}}}, "names the transformation 'opera', which it does not have"),
    ({"own_skills": {"idle": {"about": "Nothing."}}}, "the skill 'idle' has no types"),
    ({"skills": ["cooking"]}, "no skill is called 'cooking'. There are: reading_comprehension, text_modification, tool_use"),
    ({"only": {READING: []}}, "no transformation of the skill 'reading_comprehension' has a type left"),
])  # fmt: skip
def test_invariant_5_an_unknown_type_or_skill_raises(settings, said):
    with pytest.raises(ValidationError, match=said):
        AgentInstruct(**settings)


def test_invariant_5_types_are_those_that_suit_the_transformation():
    grown = agents(transforms=9, types=3, rounds=0, seeds=SEEDS[:2])
    drawn = {(meta(row)["transform"], row["type"]) for row in grown.rows}
    assert len({transform for transform, _ in drawn}) == 9 and len(grown.rows) == 2 * 9 * 3
    assert all(type_ in shipped(READING).types_of.get(transform, shipped(READING).types) for transform, type_ in drawn)
    narrowed = agents(only={READING: ["irony", "tone"]}, types=9, rounds=0)
    assert {row["type"] for row in narrowed.rows} <= {"irony", "tone"} and len(narrowed.rows) >= len(SEEDS)
    with pytest.raises(RequestError, match="seed s9: no skill is called 'cooking'"):
        agents(seeds=[*SEEDS, {"id": "s9", "text": "A text.", "skill": "cooking"}])


def test_invariant_6_a_failing_agent_removes_its_branch_alone():
    whole = agents()
    no_text = agents(failing("transform", lambda asked: "number 1" in asked))
    assert {row["id"] for row in no_text.rows} == {row["id"] for row in whole.rows if row["seed_ids"] != ["s1"]}
    assert reasons(no_text) == {"no_tags": 1}
    type_ = whole.rows[0]["type"].replace("_", " ")
    no_tasks = agents(failing("tasks", lambda asked: f"kind: {type_}" in asked))
    assert {row["id"] for row in no_tasks.rows} == {row["id"] for row in whole.rows if row["type"] != whole.rows[0]["type"]}
    no_suggestion = agents(failing("suggest", lambda asked: "number 2" in asked))
    assert {row["id"] for row in no_suggestion.rows} == {row["id"] for row in whole.rows if row["seed_ids"] != ["s2"] or not row["round"]}
    assert reasons(no_suggestion) == {"no_suggestions": 3}
    no_edit = agents(failing("edit", lambda asked: "opposite" in asked))
    assert {row["id"] for row in no_edit.rows} == {row["id"] for row in whole.rows if meta(row).get("goal") != "other_answer"}


def test_invariant_6_without_an_answer_a_version_and_what_would_come_of_it_are_gone():
    whole = agents(rounds=2, suggestions=2)
    lost = next(row for row in whole.rows if row["round"] == 1)
    message = said(lost, "user")[0]
    grown = agents(lambda request: "" if request.messages[-1]["content"] == message else model(request), rounds=2, suggestions=2)
    assert {row["id"] for row in whole.rows} - {row["id"] for row in grown.rows} == {lost["id"]} | {
        row["id"] for row in whole.rows if lost["id"] in row["parents"]
    }
    (rejected,) = grown.rejected
    assert rejected["reason"] == "empty" and rejected["text"] == lost["text"]


def test_invariant_7_texts_that_copy_the_seed_are_turned_away():
    seed = " ".join(f"word{n}" for n in range(60))

    def copier(request):
        asked = asked_of(request)
        return f"<text>{'so ' * 40} {' '.join(seed.split()[9:44])}</text>" if kind_of(asked) == "transform" else model(request)

    grown = agents(copier, seeds=[{"text": seed}], rounds=0, transforms=2)
    assert "copies_seed" in reasons(grown) and {meta(row)["transform"] for row in grown.rows} <= {"identity"}
    assert agents(copier, seeds=[{"text": seed}], rounds=0, transforms=2, copied_words=36).rows
    changed = agents(seeds=[{"text": seed}], skills=[CHANGING], rounds=0)
    assert [row["text"] for row in changed.rows] == [seed], "to change a text it must be there"


def test_invariant_7_the_text_is_in_the_user_s_message_where_the_task_needs_it():
    grown = agents(seeds=[*SEEDS, *CODE, {**SEEDS[0], "id": "s8", "skill": CHANGING}])
    assert {row["skill"] for row in grown.rows} == set(SHIPPED)
    for row in grown.rows:
        (message,) = said(row, "user")
        if row["skill"] == READING:
            assert message.startswith(row["text"] + "\n\n")
        elif row["skill"] == CHANGING:
            assert message.endswith("\n\n" + row["text"]) and row["text"] == SEEDS[0]["text"] and row["origin"] == "mixed"
        else:
            assert (
                "{" not in message
                and "seats[day]" not in json.dumps(row)
                and json.loads(row["tools"])[0]["function"]["name"] == "book_seat"
            )


def test_invariant_7_a_task_without_its_text_must_not_copy_it():
    own = {"quiz": {"context": "none", "types": {"open": "An open question."}, "transforms": {"identity": ""}}}

    def reply(request):
        asked = asked_of(request)
        if kind_of(asked) == "tasks":
            given = f"Given that {text_of(asked)}: " if "number 1" in asked else ""
            return f"<task>{given}who turns how many wheels, {request.seed}?</task>"
        return model(request)

    grown = agents(reply, skills=["quiz"], own_skills=own, copied_words=12)
    assert {row["seed_ids"][0] for row in grown.rows} == {"s0", "s2", "s3"} and reasons(grown) == {"copies_seed": 1}
    assert all(row["text"] not in said(row, "user")[0] for row in grown.rows)
    assert "invent nothing" not in asked(grown, "respond")[0], "an estimate needs assumptions"


def test_invariant_8_the_same_seed_gives_the_same_rows():
    assert agents(flaky, seed=3).rows == agents(flaky, seed=3).rows
    assert [row["type"] for row in agents(seed=3).rows] != [row["type"] for row in agents(seed=4).rows]


# agents are told apart


def test_the_shipped_skills_have_what_the_paper_counts():
    reading, changing, calling = map(shipped, (READING, CHANGING, CALLING))
    assert (len(reading.transforms), len(reading.types), len(changing.types), len(calling.types)) == (9, 43, 18, 7)
    assert {type_ for suited in reading.types_of.values() for type_ in suited} == set(reading.types)
    assert list(reading.goals) == ["unanswerable", "other_answer", "harder"] and [goal.text for goal in reading.goals.values()] == [
        True,
        True,
        False,
    ]
    for one, other in combinations((reading, changing, calling), 2):
        assert not set(one.goals) & set(other.goals) and not {goal.how for goal in one.goals.values()} & {
            goal.how for goal in other.goals.values()
        }


@pytest.mark.parametrize("name", SHIPPED)
def test_no_two_agents_of_a_skill_are_told_the_same(name):
    skill = shipped(name)
    told = [*skill.types.values(), *filter(None, skill.transforms.values()), *(goal.how for goal in skill.goals.values())]
    assert len(set(told)) == len(told) and min(len(one.split()) for one in told) >= 8
    for one, other in combinations(skill.types.values(), 2):
        left, right = set(one.lower().split()), set(other.lower().split())
        assert len(left & right) / len(left | right) < 0.9


def test_each_type_agent_is_told_its_own_definition_and_no_other():
    grown = agents(types=9, rounds=0, seeds=SEEDS[:1])
    told = {next(name for name, definition in shipped(READING).types.items() if definition in prompt) for prompt in asked(grown, "tasks")}
    assert told == {row["type"] for row in grown.rows} and len(told) > 7
    for prompt in asked(grown, "tasks"):
        assert sum(definition in prompt for definition in shipped(READING).types.values()) == 1


def test_a_suggester_is_shown_the_goals_of_its_skill():
    grown = agents(skills=[READING, CHANGING], seeds=[*SEEDS, *CODE])
    for prompt in asked(grown, "suggest"):
        name = next(name for name in SHIPPED if shipped(name).about in prompt)
        shown = [goal for other in SHIPPED for goal, about in shipped(other).goals.items() if about.how in prompt]
        assert sorted(shown) == sorted(shipped(name).goals)
        assert ("The assistant:" in prompt) == (name == CALLING)


# flows


def test_a_goal_that_cannot_be_reached_costs_one_version():
    def reply(request):
        made = model(request)
        return (
            re.sub(r"^2\. .*", "2. None - the passage says nothing of it.", made, flags=re.MULTILINE)
            if kind_of(asked_of(request)) == "suggest"
            else made
        )

    grown = agents(reply)
    assert reasons(grown) == {"goal_not_possible": 12} and len(grown.rows) == 4 * 3 * 3
    assert all(row["parents"] and meta(row)["goal"] for row in grown.rejected)


def test_a_type_that_does_not_apply_is_no_error():
    grown = agents(failing("tasks", lambda asked: "number 1" in asked, "<none/>"))
    assert reasons(grown) == {"not_applicable": 3} and len(asked(grown, "tasks")) == 12


def test_equal_messages_leave_once_and_nothing_comes_of_the_second():
    grown = agents(seeds=[SEEDS[0], {**SEEDS[0], "id": "twin"}], skills=[CHANGING], only={CHANGING: ["shorten"]}, suggestions=2)
    assert {row["seed_ids"][0] for row in grown.rows} == {"s0"} and reasons(grown)["duplicate"] + reasons(grown)["parent_rejected"] == 3


def test_rows_are_exact_and_a_shortage_is_told():
    assert [len(agents(rows=n).rows) for n in (1, 5, 13)] == [1, 5, 13]
    grown = agents(rows=99)
    assert len(grown.rows) == 48 and any("51 short of 99 rows" in note for note in grown.outcome.warnings)


def test_few_rows_ask_a_part_of_what_many_ask():
    few, many = agents(rows=2), agents()
    assert {request.seed for request in few.requests} < {request.seed for request in many.requests}
    assert len(few.requests) <= 8 and [row["messages"] for row in few.rows] == [row["messages"] for row in many.rows[:2]]


def test_a_block_that_gave_too_little_is_followed_by_another():
    grown = agents(failing("transform", lambda asked: "number 0" in asked), rows=14)
    assert len(grown.rows) == 14 and "s0" not in {row["seed_ids"][0] for row in grown.rows}


def test_empty_seeds_are_turned_away():
    assert reasons(agents(seeds=[{"id": "e", "text": "  "}, *SEEDS])) == {"no_text": 1}


def test_texts_that_are_far_too_short_are_turned_away():
    assert reasons(agents(failing("transform", reply="<text> and </text>"), rounds=0))["too_short"] >= 3


def test_parts_of_a_shipped_skill_can_be_replaced():
    own = {READING: {"types": {"riddle": "A riddle about a thing in the passage."}, "goals": {}}, "numbers": {"types": {"sum": "A sum."}}}
    grown = agents(skills=[READING, "numbers"], own_skills=own)
    assert {(row["skill"], row["type"]) for row in grown.rows} == {(READING, "riddle"), ("numbers", "sum")}
    assert not asked(grown, "suggest") and "A riddle about a thing in the passage." in "".join(grown.prompts)
    assert {meta(row)["transform"] for row in grown.rows if row["skill"] == "numbers"} == {"identity"}


def test_the_responder_has_a_role_and_records_keep_no_instructions_of_its():
    grown = agents(roles={"responder": [lambda request: "By another."]}, system="Be brief.", task={"language": "de"}, rounds=0)
    assert {said(row, "assistant")[0] for row in grown.rows} == {"By another."} and not asked(grown, "respond")
    assert {said(row, "system")[0] for row in grown.rows} == {"Be brief."}
    assert all("Write in German" not in said(row, "user")[0] for row in grown.rows)
    own = agents(system="Be brief.", task={"language": "de"}, rounds=0)
    assert all(prompt.startswith("Be brief.\n\nDo what") and "Write in German" in prompt for prompt in asked(own, "respond"))
    assert {request.temperature for request in own.requests if kind_of(asked_of(request)) == "respond"} == {0.7}


# functions


def calling(reply=model, **settings):
    return agents(reply, seeds=CODE, **{"rounds": 0, "types": 1, **settings})


def test_a_conversation_is_kept_as_calls_and_results():
    (row,) = calling().rows
    assert [one["role"] for one in row["messages"]] == ["user", "assistant", "tool", "assistant"]
    (call,) = json.loads(row["messages"][1]["tool_calls"])
    assert call["function"]["name"] == "book_seat" and json.loads(call["function"]["arguments"]) == {"seat": "4A"}
    assert row["messages"][2]["tool_call_id"] == call["id"] and "seen" in row["messages"][2]["content"]
    assert row["messages"][1]["content"] == "I book." and "<call>" not in json.dumps(row["messages"])


def test_functions_are_played_by_a_role_that_knows_the_calls_but_not_the_task():
    played = []

    def play(request):
        played.append(asked_of(request))
        return '{"response": 1}'

    def twice(request):
        asked = asked_of(request)
        if kind_of(asked) == "converse":
            n = asked.count("<result>")
            call = json.dumps({"name": "list_seats", "arguments": {"seat": str(n)}})
            return f"<call>{call}</call>" if n < 2 else "Two calls."
        return model(request)

    grown = grow(AgentInstruct(types=1, rounds=0), twice, data={"seeds": CODE}, roles={"tool": [play]})
    assert len(played) == 2 and all(request.temperature == 0 for request in grown.requests if kind_of(asked_of(request)) == "simulate")
    assert '"seat": "0"' not in played[0].split("The call:")[0] and '"seat": "0"' in played[1].split("The call:")[0]
    assert all(said(grown.rows[0], "user")[0] not in prompt for prompt in played)


@pytest.mark.parametrize(("call", "reason"), [
    ('{"name": "fly", "arguments": {}}', "unknown_function"), ('{"name": "book_seat", "arguments": {}}', "bad_arguments"),
    ('{"name": "book_seat", "arguments": {"seat": "1", "row": 2}}', "bad_arguments"), ("book_seat(4A)", "bad_call"),
])  # fmt: skip
def test_calls_that_do_not_fit_are_asked_for_again_and_then_turned_away(call, reason):
    always = calling(failing("converse", reply=f"<call>{call}</call>"))
    assert not always.rows and reasons(always) == {reason: 1}
    once = calling(failing("converse", lambda asked: "could not be used" not in asked and "<result>" not in asked, f"<call>{call}</call>"))
    assert len(once.rows) == 1 and "fly" not in json.dumps(once.rows[0]["messages"])


def test_a_conversation_without_an_end_is_turned_away():
    endless = failing("converse", reply='<call>{"name": "book_seat", "arguments": {"seat": "1"}}</call>')
    assert reasons(calling(endless, steps=3)) == {"too_many_steps": 1}


@pytest.mark.parametrize(
    "reply", ["No.", "[]", '[{"name": "a b", "description": "x", "parameters": {"properties": {}}}]', '[{"name": "a"}]']
)
def test_what_is_no_list_of_functions_is_turned_away(reply):
    grown = calling(failing("functions", reply=reply))
    assert not grown.rows and set(reasons(grown)) <= {"not_json", "not_schema"}


def test_functions_of_one_name_are_one():
    text = read_functions(Reply(json.dumps([function("a"), function("b"), function("a")])))
    assert [json.loads(line)["name"] for line in text.splitlines()] == ["a", "b"]
    step = read_step(Reply("Just words."), {})
    assert (step.said, step.calls) == ("Just words.", ())


# small parts


def test_numbered_lists_are_read_by_their_numbers():
    reply = Reply("Of course:\n\n**1.** Do this.\n   It is\n   good.\n3) None\n2. none: cannot be.\n4. None of the options stays.")
    assert numbered(reply, 5) == ["Do this. It is good.", "", "", "None of the options stays.", ""]


def test_shares_go_to_the_first():
    assert (portions(7, [3, 3, 3]), portions(2, [3, 3]), portions(0, [1]), portions(9, [])) == ([3, 3, 1], [2], [], [])


def test_a_copy_is_a_run_of_words():
    assert copies("x The CAT, sat on a", "The cat sat on the mat", 4) and not copies("the mat sat on a cat", "The cat sat on the mat", 4)
    assert copies("all of it: the mat!", "The mat", 25) and not copies("", "", 3)

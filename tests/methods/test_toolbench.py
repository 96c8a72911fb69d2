"""ToolBench: paths of calls through declared tools; siblings know nothing of each other, and only answers are kept."""

import json
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import RequestError
from tilth.methods.tools._agent import INVALID, read_act
from tilth.methods.tools.toolbench import ToolBench
from tilth.models.base import Capabilities, Reply

TEXT = {"type": "STRING"}
APIS = [
    {"tool": "Seat Desk", "api": "status", "category": "Travel", "collection": "Trips", "description": "Whether a seat is free.",
     "required_parameters": [{"name": "seat", **TEXT}],
     "responses": [{"state": {"{{ args.seat }}": "booked"}, "returns": "booked"}, {"returns": "free"}]},
    {"tool": "Seat Desk", "api": "book", "category": "Travel", "collection": "Trips", "description": "Books a seat.",
     "required_parameters": [{"name": "seat", **TEXT}], "responses": [{"set": {"{{ args.seat }}": "booked"}, "returns": "done"}]},
    {"tool": "Seat Desk", "api": "rules", "category": "Travel", "collection": "Trips", "description": "All rules, at length.",
     "responses": [{"returns": "rule " * 500}]},
    {"tool": "Sky Report", "api": "forecast", "category": "Travel", "collection": "Trips", "description": "The weather of a day.",
     "required_parameters": [{"name": "day", **TEXT}]},
    {"tool": "Sky Report", "api": "sunrise", "category": "Travel", "description": "Sunrise.", "responses": [{"returns": "6:12"}]},
    {"tool": "Word Box", "api": "define", "category": "Language", "description": "What a word means.", "responses": [{"returns": "?"}]},
]  # fmt: skip
STATUS, BOOK, RULES = (f"{name}_for_seat_desk" for name in ("status", "book", "rules"))
DESK = APIS[:3]
SEAT = {"seat": "4A"}
ANSWER = ("Finish", {"return_type": "give_answer", "final_answer": "Seat 4A is yours."})
GIVE_UP = ("Finish", {"return_type": "give_up_and_restart"})


def call(name, arguments, thought="I look."):
    function = {"name": name, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}
    return Reply(thought, tool_calls=({"id": "x9", "type": "function", "function": function},), finish="tool_calls")


def steps_of(request):
    """(name, arguments) of the calls so far on this path."""
    calls = [message["tool_calls"][0]["function"] for message in request.messages if message.get("tool_calls")]
    return [(call["name"], call["arguments"]) for call in calls]


def tried_in(request):
    """What the diversity message lists; empty for a first child."""
    last = request.messages[-1]["content"]
    return json.loads(last[last.index("[") : last.rindex("]") + 1]) if "already tried" in last else []


def agent(policy, queries=1, apis=(STATUS, BOOK)):
    """A scripted model: queries where they are asked for, an API where it is to be played, else policy(names so far, tried)."""

    def reply(request):
        asked = asked_of(request)
        if "Reply with a JSON list" in asked:
            return json.dumps([{"query": f"Wish {request.seed}.{n}, please.", "apis": list(apis)} for n in range(queries)])
        if "You play an API" in asked:
            return json.dumps({"error": "", "response": f"played after {asked.count('answer')} calls"})
        chosen = policy([name for name, _ in steps_of(request)], tried_in(request))
        return chosen if isinstance(chosen, Reply) else call(*chosen)

    return reply


def search(policy, apis=DESK, queries=1, named=(STATUS, BOOK), seed=0, **settings):
    """One tool, one query (or more), searched by the policy."""
    method = ToolBench(**{"splits": ["single"], **settings})
    return grow(method, agent(policy, queries, named), data={"apis": apis}, seed=seed)


def book_and_answer(done, tried):
    return [(STATUS, SEAT), (BOOK, SEAT), ANSWER][len(done)]


def calls_of(row):
    return [
        (json.loads(one["tool_calls"])[0]["function"]["name"], message)
        for one, message in zip(row["messages"], [*row["messages"][1:], None], strict=True)
        if one["tool_calls"]
    ]


def searched(row):
    return json.loads(row["extras"])["meta"]["search"]


def flaky(done, tried):
    """Gives up half of the time, and looks at the weather otherwise; answers in the end."""
    if not done:
        return (STATUS, SEAT) if not tried else (BOOK, SEAT)
    if len(done) == 1 and done[0] == STATUS:
        return GIVE_UP
    return ANSWER if len(done) > 1 else (BOOK, {"seat": "5B"})


SCENARIO = Scenario(ToolBench(sets=2, rows=9, queries=3), agent(flaky, 3, (STATUS, "elsewhere")[:1]), data={"apis": APIS})
LOCAL = {"parameters": {"sets": 1, "splits": ["single"], "queries": 1, "calls": 3}, "data": {"apis": DESK[:1]}}


# must hold


def test_invariant_1_all_calls_in_kept_paths_name_functions_that_are_there():
    grown = search(book_and_answer)
    (row,) = grown.rows
    there = {tool["function"]["name"] for tool in json.loads(row["tools"])}
    assert [name for name, _ in calls_of(row)] == [STATUS, BOOK, "Finish"] and {STATUS, BOOK, RULES, "Finish"} == there
    invented = search(lambda done, tried: ("cancel_for_seat_desk", {}) if not done else ANSWER)
    assert not invented.rows and [row["reason"] for row in invented.rejected] == ["unknown_function"]
    history = invented.requests[-1].messages
    assert history[-2]["tool_calls"][0]["function"]["name"] == INVALID and "no function 'cancel_for_seat_desk'" in history[-1]["content"]


def test_invariant_2_an_observation_follows_its_call_and_is_what_the_environment_said():
    grown = search(lambda done, tried: [(BOOK, SEAT), (STATUS, SEAT), (RULES, {}), ANSWER][len(done)])
    (row,) = grown.rows
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "assistant", "tool", "assistant"]
    booked, status, rules, end = [after and after["content"] for _, after in calls_of(row)]
    assert (json.loads(booked)["response"], json.loads(status)["response"], end) == ("done", "booked", None)
    assert len(rules) == 1024 and rules.startswith('{"error": "", "response": "rule rule')
    ids = [message["tool_call_id"] for message in row["messages"] if message["role"] == "tool"]
    assert ids == [json.loads(one["tool_calls"])[0]["id"] for one in row["messages"] if one["tool_calls"]][:3]


def test_invariant_3_the_environment_of_a_branch_is_its_own():
    def policy(done, tried):
        if not done:
            return (STATUS, {"seat": "4A"}) if tried else (BOOK, SEAT)
        return GIVE_UP if done[0] == BOOK else ANSWER

    grown = search(policy, back_given_up=1)
    (row,) = grown.rows
    (status, seen), _ = calls_of(row)
    assert status == STATUS and json.loads(seen["content"])["response"] == "free", "what the first branch booked is seen in the second"


def test_invariant_4_the_diversity_message_is_asked_and_never_kept():
    grown = search(flaky)
    (row,) = grown.rows
    told = [request for request in grown.requests if "already tried" in request.messages[-1]["content"]]
    assert told and STATUS in told[0].messages[-1]["content"] and "free" in told[0].messages[-1]["content"]
    assert not any("already tried" in (message["content"] or "") for message in row["messages"])
    after = [request for request in grown.requests if request not in told]
    assert not any("already tried" in asked_of(request) for request in after), "it is not shown below the node where it was said"


def test_invariant_5_neither_depth_nor_budget_is_exceeded():
    def endless(done, tried):
        return (RULES, {})

    few = search(endless, calls=5, depth=3)
    assert len(few.requests) == 1 + 5 and [row["reason"] for row in few.rejected] == ["budget"]
    grown = search(endless, calls=20)
    assert not grown.rows and [row["reason"] for row in grown.rejected] == ["budget"]
    assert len(grown.requests) == 1 + 20 and searched(grown.rejected[0])["deepest"] == 12
    small = search(endless, depth=3)
    assert len(small.requests) == 1 + 2 + 4 + 8 and [row["reason"] for row in small.rejected] == ["not_solved"]
    assert searched(small.rejected[0])["deepest"] == 3


def test_a_path_may_have_twelve_steps_with_their_thoughts():
    grown = search(lambda done, tried: ANSWER if len(done) == 11 else (RULES, {}), calls=12)
    assert len(calls_of(grown.rows[0])) == 12


def test_replies_that_cannot_be_used_count_against_the_budget():
    grown = search(lambda done, tried: Reply(""), calls=7, width=9)
    assert len(grown.requests) == 1 + 7 and not grown.rows


def test_invariant_6_the_kept_path_has_only_the_branch_that_succeeded():
    grown = search(flaky)
    (row,) = grown.rows
    assert [name for name, _ in calls_of(row)] == [BOOK, BOOK, "Finish"] and row["output"] == "Seat 4A is yours."
    about = searched(row)
    assert about["win"] and about["calls"] == 5
    assert [child["call"] for child in about["tree"]["children"]] == [STATUS, BOOK]
    assert about["tree"]["children"][0]["children"][0]["end"] == "given_up"


def test_invariant_7_a_badly_formed_end_is_no_end():
    def policy(done, tried):
        return [("Finish", {"final_answer": "Yes."}), ("Finish", {"return_type": "give_answer"}), ANSWER][len(done)]

    grown = search(policy)
    codes, node = [], searched(grown.rows[0])["tree"]
    while node["children"]:
        node = node["children"][0]
        codes.append(node["code"])
    assert codes == [2, 2, 3]


def test_invariant_8_the_same_seed_gives_the_same_tree():
    one, two, other = (search(flaky, queries=2, seed=seed) for seed in (3, 3, 4))
    assert [searched(row) for row in one.rows] == [searched(row) for row in two.rows]
    assert (
        [row["instruction"] for row in one.rows] == [row["instruction"] for row in two.rows] != [row["instruction"] for row in other.rows]
    )


# the search


def test_paths_that_gave_up_are_rejected_and_marked():
    grown = search(lambda done, tried: GIVE_UP if done else (STATUS, SEAT))
    assert not grown.rows
    (row,) = grown.rejected
    assert row["reason"] == "gave_up" and not searched(row)["win"]
    assert json.loads(row["extras"])["messages"] if "messages" not in row else row["messages"][-1]["tool_calls"]


def test_giving_up_goes_back_two_levels():
    grown = search(lambda done, tried: GIVE_UP if len(done) == 2 else (STATUS, SEAT), depth=3)
    tree = searched(grown.rejected[0])["tree"]
    (first, second) = tree["children"]
    assert [len(first["children"]), len(second["children"])] == [2, 2]
    assert [len(child["children"]) for child in first["children"]] == [1, 1]


def test_arguments_that_are_no_json_are_told_and_called_with_nothing():
    grown = search(lambda done, tried: call(BOOK, "seat=4A") if not done else (STATUS, SEAT) if len(done) == 1 else ANSWER)
    (_, first), (_, second), _ = calls_of(grown.rows[0])
    assert "not a JSON object" in first["content"] and json.loads(second["content"])["response"] == "free"


def test_a_thought_without_a_call_is_asked_to_go_on_and_joins_the_next_step():
    def policy(done, tried):
        return Reply("First I think.") if not policy.thought.append(1) and len(policy.thought) == 1 else ANSWER

    policy.thought = []
    (row,) = search(policy).rows
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    assert row["messages"][2]["content"] == "First I think.\nI look."


def test_an_api_without_responses_is_played_and_knows_the_calls_of_its_branch():
    day = {"day": "3 May"}
    forecast = "forecast_for_sky_report"

    def policy(done, tried):
        return [(forecast, day), (forecast, day), ANSWER][len(done)]

    grown = search(policy, apis=APIS[3:5], named=(forecast,))
    played = [asked_of(request) for request in grown.requests if "You play an API" in asked_of(request)]
    assert len(played) == 2 and "Wish" not in "".join(played), "whoever plays an API does not know the query"
    assert "Calls before, oldest first:\n[]" in played[0] and "played after" in played[1]
    assert all("played after" in after["content"] for name, after in calls_of(grown.rows[0])[:2])


def test_models_without_native_calls_write_them():
    end = '{"return_type": "give_answer", "final_answer": "Free."}'
    replies = [
        f'Sure!\nThought: Is it free?\nAction: {STATUS}\nAction Input: {{"seat": "4A"}}\nObservation: free',
        f"Thought: Done.\nAction: Finish\nAction Input: ```json\n{end}\n```",
    ]

    def reply(request):
        if "Reply with a JSON list" in asked_of(request):
            return json.dumps([{"query": "Is seat 4A free?", "apis": [STATUS]}])
        return replies[sum(message["role"] == "assistant" for message in request.messages)]

    grown = grow(ToolBench(splits=["single"]), reply, data={"apis": DESK}, can=Capabilities(seed=True))
    (row,) = grown.rows
    assert [name for name, _ in calls_of(row)] == [STATUS, "Finish"] and row["output"] == "Free."
    assert "Functions:" in grown.prompts[1] and "Functions:" not in row["messages"][0]["content"]
    assert grown.requests[2].messages[-1]["content"] == 'Observation: {"error": "", "response": "free"}'


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("Thought: so\nAction: a_b\nAction Input: {}", ("so", "a_b", {})),
        ("**Thought:** so\n**Action:** `a_b`\n**Action Input:** {\"x\": {\"y\": 1}} and more", ("so", "a_b", {"x": {"y": 1}})),
        ("Action: a_b", ("", "a_b", {})),
        ("Action: a_b\nAction Input: x = 1", ("", "a_b", "x = 1")),
        ("I wonder.", ("I wonder.", "", {})),
    ],
)  # fmt: skip
def test_written_acts_are_read(text, act):
    assert read_act(Reply(text)) == act


def test_a_query_that_fails_leaves_no_gap_and_the_next_sets_are_still_asked():
    def broken(state):
        raise RuntimeError("no service")

    apis = [{"tool": f"Box {n}", "api": "open", "description": "Opens a box."} for n in range(10)]
    names = [f"open_for_box_{n}" for n in range(10)]

    def reply(request):
        name = next(name for name in names if name in json.dumps([asked_of(request), request.tools]))
        if "Reply with a JSON list" in asked_of(request):
            return json.dumps([{"query": f"What is in box {name[-1]}?", "apis": [name]}])
        return call(*(ANSWER if steps_of(request) else (name, {})))

    tools = {name: broken if n < 3 else (lambda state: "a ball") for n, name in enumerate(names)}
    grown = grow(ToolBench(splits=["single"], rows=7, functions=tools), reply, data={"apis": apis})
    assert len(grown.rows) == 7 and Counter(row["reason"] for row in grown.rejected) == {"exception": 3}
    assert {row["instruction"] for row in grown.rejected} == {f"What is in box {n}?" for n in range(3)}


# queries and sets


def test_queries_are_kept_only_where_all_their_apis_are_in_the_set():
    said = [
        {"query": "Seat 4A on Monday?", "apis": [STATUS]},
        {"query": "Seat 4B and the weather?", "apis": [STATUS, "forecast_for_sky_report"]},
        {"query": "Anything.", "apis": []},
        {"query": f"Call {STATUS} for 4C.", "apis": [STATUS]},
        {"query": "seat 4a on monday?", "apis": [BOOK]},
        {"apis": [BOOK]},
    ]

    def reply(request):
        return json.dumps(said) if "Reply with a JSON list" in asked_of(request) else call(*ANSWER)

    grown = grow(ToolBench(splits=["single"]), reply, data={"apis": DESK})
    assert [row["instruction"] for row in grown.rows] == ["Seat 4A on Monday?"]
    assert grown.rows[0]["relevant_apis"] == [STATUS] and len(json.loads(grown.rows[0]["tools"])) == 4, "the agent sees the whole set"
    assert Counter(row["reason"] for row in grown.rejected) == {"unknown_api": 1, "no_api": 1, "names_api": 1, "duplicate": 1}


def test_sets_are_one_tool_or_several_of_one_category_or_collection():
    many = [{"tool": f"T{t}", "api": f"a{a}", "description": "d", "category": f"c{t % 3}", "collection": f"k{t % 2}"}
            for t in range(18) for a in range(5)]  # fmt: skip
    seen = []

    def reply(request):
        seen.append(asked_of(request))
        return "[]"

    grow(ToolBench(sets=12), reply, data={"apis": many})
    sets = [
        sorted({name for name in (f"{api['api']}_for_{api['tool'].lower()}" for api in many) if f'"{name}"' in asked}) for asked in seen
    ]
    sets = list({tuple(one) for one in sets})
    tools = [Counter(name.split("_for_")[1] for name in one) for one in sets]
    single = [one for one in tools if len(one) == 1]
    several = [one for one in tools if len(one) > 1]
    assert sorted(next(iter(one)) for one in single) == sorted(f"t{n}" for n in range(18)) and {sum(one.values()) for one in single} == {5}
    assert len(several) >= 20 and {len(one) for one in several} <= {2, 3, 4, 5} and len({len(one) for one in several}) >= 3
    assert {count for one in several for count in one.values()} == {3}
    for one in several:
        numbers = {int(tool[1:]) for tool in one}
        assert len({n % 3 for n in numbers}) == 1 or len({n % 2 for n in numbers}) == 1


def test_it_stops_at_the_rows_and_says_what_is_missing():
    grown = search(book_and_answer, queries=8, rows=3)
    assert len(grown.rows) == 3
    short = search(book_and_answer, queries=2, rows=3)
    assert len(short.rows) == 2 and "1 short of 3 rows" in short.outcome.warnings[0]


def test_records_name_the_documents_and_the_set():
    (row,) = search(book_and_answer).rows
    assert len(row["seed_ids"]) == 3
    assert json.loads(row["extras"])["meta"]["conditions"] == {"split": "single", "tools": ["Seat Desk"]}


def test_python_functions_are_tools_too():
    def status(state, seat):
        state["asked"].append(seat)
        return state["asked"]

    settings = {"functions": {STATUS: status}, "state": {"asked": []}}
    (row,) = search(lambda done, tried: (STATUS, SEAT) if len(done) < 2 else ANSWER, **settings).rows
    assert [json.loads(after["content"])["response"] for _, after in calls_of(row)[:2]] == [["4A"], ["4A", "4A"]]
    assert settings["state"] == {"asked": []}


@pytest.mark.parametrize(
    ("apis", "settings", "named"),
    [
        ([*DESK, DESK[0]], {}, "two API documents"),
        ([{**DESK[0], "description": ""}], {}, "no API"),
        (DESK, {"functions": {"x": print}}, "'x'"),
    ],
)
def test_what_is_wrong_with_the_apis_is_said(apis, settings, named):
    with pytest.raises(RequestError, match=named):
        search(book_and_answer, apis=apis, **settings)


def test_fewest_and_most_tools_are_a_range():
    with pytest.raises(ValueError, match="min_tools"):
        ToolBench(min_tools=4, max_tools=3)

"""Self-Instruct: the invariants of its card by name, then what is ours; last, a run from the command line on the published seeds."""

import json
import random
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow, table
from tilth.cli import main
from tilth.errors import RequestError
from tilth.methods.instructions._instances import Instance, dropped, input_first, listed, output_first
from tilth.methods.instructions._pool import unsuitable
from tilth.methods.instructions.self_instruct import SelfInstruct
from tilth.models.base import Capabilities, Reply
from tilth.models.faults import Faults, FaultServer

CHAT = Capabilities(seed=True)
_VERBS = "Describe Compare Invent Summarise Translate Rank Explain Correct List Draft Classify Decide"
_THINGS = (
    "recipe poem contract lullaby timetable riddle complaint diary photograph speech paragraph proverb anecdote autograph manual verdict "
    "horoscope invoice obituary slogan festival glacier lighthouse orchestra bakery kite violin compass lantern saddle"
)
_WAYS = (
    "for a shy teenager;using only short words;with two examples;as if it were 1850;in the voice of a sailor;without the letter e;"
    "before the meeting starts;so that experts nod;and name the source;from memory"
)
VERBS, THINGS, WAYS = _VERBS.split(), _THINGS.split(), _WAYS.split(";")
_LEFT = (
    "find umbrella uncle harbour, mend teapot dentist forest, weigh bicycle neighbour station, count parrot teacher cellar, "
    "hide ledger cousin museum, paint banjo plumber bridge, sell carpet sister garden, name sandwich lawyer market, "
    "clean telescope barber tower, lend hammock nephew stable, move suitcase captain chapel, sort trumpet tailor canal"
)
SEEDS = [
    {"instruction": f"{verb.title()} the {thing} that my {person} left near the {place}.", "is_classification": number % 4 == 0}
    for number, (verb, thing, person, place) in enumerate(words.split() for words in _LEFT.split(", "))
]


# ---- a model that plays its part -------------------------------------------------------------------------------------


def invented(rng):
    return f"{rng.choice(VERBS)} a {rng.choice(THINGS)} about a {rng.choice(THINGS)} {rng.choice(WAYS)}."


def last_task(prompt):
    return prompt.rsplit("Task: ", 1)[1].split("\n")[0]


def plays(prompt, seed):
    """What a base model might answer to the method's four prompts, bad habits included; a function of its arguments."""
    rng = random.Random(f"{prompt}/{seed}")
    if is_list(prompt):
        shown = re.findall(r"^\d\. (.+)$", prompt, re.M)
        fresh = invented(rng)
        habits = [
            rng.choice(shown),
            f"{fresh[:-1]} indeed.",
            "Draw a map.",
            f"write a program that sorts {rng.choice(THINGS)}s quickly.",
            f"Describe the picture of the {rng.choice(THINGS)}.",
            f"({rng.choice(THINGS)}) tell me more about it.",
        ]
        tasks = [fresh, habits[1], rng.choice(habits), invented(rng), rng.choice(habits), invented(rng)]
        return " " + "\n".join(f"{number}. {task}" if number > 9 else task for number, task in enumerate(tasks, start=9))
    task = last_task(prompt)
    if "Is it classification?" in prompt[-70:]:
        return "Yes" if task.split()[0] in ("Classify", "Decide", "Rank") else "No"
    if "labels alone" in prompt:
        return "".join(f"Class label: {name}\nText: a {rng.choice(THINGS)} of the {name} kind\n" for name in ("old", "new", "odd"))
    word = rng.choice(THINGS)
    forms = [
        f"Output: Here is one {word}.",
        "".join(f"Example {n}\nText: {word} {n}\nOutput: done with {word} {n}\n" for n in range(1, rng.randint(2, 8))),
        f"Example 1\nText: {word}\nOutput: one\nExample 2\nText: {word}\nOutput: two",
        f"Example 1\nText: {word}\nOutput:\nExample 2\nInput: {word}s\nOutput: many {word}s",
        f"Example 1\nText: {word}\nOutput: a {word}\nExample 2\nText: {word}\nOutput: a {word}",
        "I would rather talk about the weather.",
    ]
    return rng.choice(forms)


def model(request):
    return plays(asked_of(request).rstrip("\n") if request.messages else request.prompt, request.seed)


def cut_now_and_then(request):
    """As `model`, but one list in five is cut off."""
    text = model(request)
    return Reply(text, finish="length") if is_list(asked_of(request)) and request.seed % 5 == 0 else text


SCENARIO = Scenario(SelfInstruct(rows=25, lag=3, patience=20), cut_now_and_then, data={"seed": SEEDS})
LOCAL = {"parameters": {"patience": 4, "lag": 1, "max_tasks": 3}}


def method(**parameters):
    return SelfInstruct(**{"instructions": 12, "lag": 2, "patience": 10, **parameters})


def planted(*tasks):
    """A model whose every list holds these tasks, and whose instances are plain."""

    def reply(request):
        prompt = asked_of(request)
        if is_list(prompt):
            return " " + "\n".join(f"{number}. {task}" if number > 9 else task for number, task in enumerate(tasks, start=9))
        return "No" if is_type(prompt) else "Example 1\nText: something\nOutput: anything"

    return reply


# ---- reading back ----------------------------------------------------------------------------------------------------


def is_list(prompt):
    """Whether tasks are asked for: the list stands open, or a chat is told to go on with it."""
    return "Go on with this list" in prompt[-200:] or re.search(r"^\d+\.$", prompt.rstrip().split("\n")[-1]) is not None


def is_type(prompt):
    return "Is it classification?" in prompt[-70:]


def meta(row):
    return json.loads(row["extras"])["meta"]


def reasons(grown):
    return Counter(row["reason"] for row in grown.rejected)


def tasks_of(grown):
    return list(dict.fromkeys(row["instruction"] for row in grown.rows))


def lists(grown):
    return [re.findall(r"^\d+\. (.+)$", prompt, re.M) for prompt in grown.prompts if is_list(prompt)]


def f1(one, other):
    """ROUGE-L F1 as the paper's scorer has it, written once more: by the table of the longest common subsequence."""
    a, b = (re.findall(r"[a-z0-9]+", text.lower()) for text in (one, other))
    row = [0] * (len(b) + 1)
    for x in a:
        before = row[:]
        for j, y in enumerate(b):
            row[j + 1] = before[j] + 1 if x == y else max(before[j + 1], row[j])
    return 2 * row[-1] / (len(a) + len(b))


# ---- the card's invariants -------------------------------------------------------------------------------------------


def check_1_novel(grown, seeds, threshold=0.7):
    earlier = [seed["instruction"] for seed in seeds]
    for task in tasks_of(grown):
        worst = max(f1(task, other) for other in earlier)
        assert worst <= threshold, (task, worst)
        recorded = next(row for row in grown.rows if row["instruction"] == task)["scores"][0]["value"]
        assert recorded >= worst - 1e-9  # tasks without a kept instance are compared too, so it may be higher
        earlier.append(task)


def check_3_demonstrations(grown, seeds, lag):
    human = {" ".join(seed["instruction"].split()).rstrip(":") for seed in seeds}
    own = []
    for shown in dict.fromkeys(tuple(tasks) for tasks in lists(grown)):
        assert len(shown) == len(set(shown)) == 8
        own.append(sum(task not in human for task in shown))
    assert own[:lag] == [0] * lag, "before any reply was read, all are from people"
    assert set(own) <= {0, 1, 2} and 2 in own
    return own


def check_5_prompts(grown):
    first = {last_task(prompt): "labels alone" in prompt for prompt in grown.prompts if not is_list(prompt) and not is_type(prompt)}
    for row in grown.rows:
        assert first[row["instruction"]] == meta(row)["conditions"]["is_classification"]
    return set(first.values())


def check_8_instances(grown):
    by_task = defaultdict(list)
    for row in grown.rows:
        assert row["output"] and row["input"] != row["output"] and not row["output"].endswith(":")
        by_task[row["instruction"]].append((row["input"], row["output"]))
    for instances in by_task.values():
        assert len(instances) <= 5 and len(set(instances)) == len(instances)
        given = [given for given, _ in instances if given]
        assert len(set(given)) == len(given), "one input with two outputs"


def test_invariant_1_no_accepted_task_is_over_the_threshold_with_a_seed_or_an_earlier_one():
    grown = grow(method(instructions=30), model, data={"seed": SEEDS})
    assert len(tasks_of(grown)) > 15 and reasons(grown)["rouge_l"] > 10
    check_1_novel(grown, SEEDS)


def test_invariant_1_a_score_equal_to_the_threshold_is_accepted():
    seeds = [{"instruction": "one two three four"}, *SEEDS]
    half = planted("One two five six")  # F1 2 * 2 / 8
    assert len(tasks_of(grow(method(rouge=0.5, instructions=1), half, data={"seed": seeds}))) == 1
    grown = grow(method(rouge=0.49, instructions=1), half, data={"seed": seeds})
    assert not grown.rows and {row["score"] for row in grown.rejected} == {0.5}
    assert {row["neighbour"] for row in grown.rejected} != {None}


def test_invariant_1_words_are_not_stemmed_and_order_and_length_count():
    reply = planted(
        "Lists the runners of old races", "Old races of the runners list", "List the runner of old race and then do far more than that"
    )
    seeds = [{"instruction": "List the runner of old race"}, *SEEDS]
    assert len(tasks_of(grow(method(instructions=3), reply, data={"seed": seeds}))) == 3


def test_invariant_2_of_two_near_identical_candidates_in_one_reply_only_the_first_survives():
    reply = planted("Invent a board game about bees and wasps", "Invent a board game about bees and hornets", "Sing  of the sea, slowly")
    grown = grow(method(instructions=2, lag=1), reply, data={"seed": SEEDS})
    assert tasks_of(grown) == ["Invent a board game about bees and wasps", "Sing of the sea, slowly"]
    assert [(row["instruction"], row["reason"]) for row in grown.rejected] == [("Invent a board game about bees and hornets", "rouge_l")]


def test_invariant_3_eight_distinct_demonstrations_two_of_them_the_models_own_as_soon_as_it_has_two():
    grown = grow(method(instructions=30, lag=2), model, data={"seed": SEEDS})
    own = check_3_demonstrations(grown, SEEDS, lag=2)
    assert own[2:] == [2] * len(own[2:])


def test_invariant_3_with_a_single_own_task_seven_are_from_people():
    grown = grow(method(lag=1, patience=2), planted("Sing a song about the rain"), data={"seed": SEEDS})
    assert [sum("rain" in task for task in shown) for shown in lists(grown)] == [0, 1, 1]


def test_invariant_4_a_reply_that_was_cut_gives_no_task():
    def reply(request):
        text = model(request)
        return Reply(text, finish="length") if is_list(asked_of(request)) and request.seed % 2 else text

    grown = grow(method(instructions=20, lag=1), reply, data={"seed": SEEDS})
    cut = [row for row in grown.rejected if row["reason"] == "truncated"]
    whole = {
        task for request in grown.requests if is_list(asked_of(request)) and not request.seed % 2 for task in listed("9." + model(request))
    }
    assert cut and all(row["raw"] for row in cut) and set(tasks_of(grown)) <= whole


@pytest.mark.parametrize("first", ["input", "output"])
def test_invariant_4_a_cut_reply_loses_only_its_last_instance(first):
    def reply(request):
        prompt = asked_of(request)
        if is_list(prompt):
            return " Sing a song about the rain"
        if is_type(prompt):
            return "Yes" if first == "output" else "No"
        if first == "output":
            return Reply("Class label: a\nText: one\nClass label: b\nText: tw", finish="length")
        return Reply("Example 1\nText: one\nOutput: a\nExample 2\nText: two\nOutput: b but mo", finish="length")

    grown = grow(method(instructions=1), reply, data={"seed": SEEDS})
    assert [(row["input"], row["output"]) for row in grown.rows] == [("Text: one", "a")]


def test_invariant_5_classification_is_answered_label_first_and_the_rest_input_first():
    grown = grow(method(instructions=30), model, data={"seed": SEEDS})
    assert check_5_prompts(grown) == {True, False}


def test_invariant_6_the_blacklist_knows_whole_words_only():
    tasks = [
        "Describe the Graph of a function",
        "Praise a photograph of the sea",
        "Go to the nearest shop and wait",
        "Plotting against a king is risky",
    ]
    grown = grow(method(instructions=2, lag=1), planted(*tasks), data={"seed": SEEDS})
    assert tasks_of(grown) == [tasks[1], tasks[3]]
    assert [row["reason"] for row in grown.rejected] == ["blacklist", "blacklist"]
    assert unsuitable("Cartography", ["graph"]) is None and unsuitable("c++ now", []) is None


def test_invariant_7_a_resumed_run_gives_the_same_pool_and_asks_for_nothing_again():
    def run(rows):
        return grow(method(rows=rows, lag=4), model, data={"seed": SEEDS}, folder="runs/same")

    first, again, more = run(15), run(15), run(24)
    assert (first.rows, first.rejected) == (again.rows, again.rejected) and not again.requests
    assert more.rows[:15] == first.rows and len(more.rows) == 24
    paid = {(request.prompt, request.seed) for request in first.requests}
    assert not [request for request in more.requests if (request.prompt, request.seed) in paid]


def test_invariant_8_at_most_five_instances_and_none_of_a_contradicting_group():
    grown = grow(method(instructions=40), model, data={"seed": SEEDS})
    check_8_instances(grown)
    assert {"conflict", "duplicate", "empty_output"} <= set(reasons(grown))


def test_invariant_8_five_of_seven_are_drawn_in_their_order():
    def reply(request):
        prompt = asked_of(request)
        many = "".join(f"Example {number}\nText: {number}\nOutput: {number}!\n" for number in range(7))
        return planted("Sing a song about the rain")(request) if is_list(prompt) or is_type(prompt) else many

    grown = grow(method(instructions=1), reply, data={"seed": SEEDS})
    kept, left = ([row["output"] for row in rows if row["output"]] for rows in (grown.rows, grown.rejected))
    assert len(kept) == 5 and kept == sorted(kept) and sorted(kept + left) == [f"{number}!" for number in range(7)]
    assert reasons(grown)["too_many"] == 2


# ---- the rules, one by one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("Sing a song", "too_short"),
        ("word " * 151, "too_long"),
        ("write A program that sorts numbers", "program"),
        ("* sing a song about rain", "punctuation"),
        ("Über den Regen singen wir", "not_ascii"),
        ("Find the umbrella that my uncle left near the harbour.", "duplicate"),
    ],
)
def test_a_task_that_breaks_a_rule_is_rejected_by_its_name(task, reason):
    grown = grow(method(instructions=1, lag=1), planted(task, "Sing a song about the rain"), data={"seed": SEEDS})
    assert tasks_of(grown) == ["Sing a song about the rain"] and reasons(grown) == {reason: 1}


def test_in_another_language_a_task_may_begin_with_its_own_letters():
    grown = grow(method(instructions=1), planted("Über den Regen singen wir"), data={"seed": SEEDS}, task={"language": "de"})
    assert tasks_of(grown) == ["Über den Regen singen wir"]
    assert all("Write in German" in prompt for prompt in grown.prompts)


def test_tasks_of_four_and_of_a_hundred_and_fifty_words_are_kept():
    tasks = ["Sing about the rain", " ".join(f"w{number}" for number in range(150))]
    assert [task.lower() for task in tasks_of(grow(method(instructions=2), planted(*tasks), data={"seed": SEEDS}))] == [
        task.lower() for task in tasks
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9. one task\n10. two tasks", ["One task", "Two tasks"]),
        ("9.\n10 . two\n   tasks\n11. NASA  facts", ["Two tasks", "NASA facts"]),
        ("Here they are:\n\n9. one task\n\n10. two tasks\n\nThat is all.", ["One task", "Two tasks"]),
        ("9. in 1. 2. order\n3.5 km are far", ["In 1. 2. order 3.5 km are far"]),
        ("no list at all", []),
    ],
)
def test_lists_are_split_at_numbers_that_begin_a_line(text, found):
    assert listed(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Output: a\nb", [("", "a\nb")]),
        ("Input: x\nOutput: y\nInput: z\nOutput: q", [("x", "y")]),
        ("Example 1\nList: 3, 1\nOutput: 1, 3\nExample 2\nInput 2: 5\nOutput 2: 5!", [("List: 3, 1", "1, 3"), ("5", "5!")]),
        ("Example 1\nOnly an output", [("", "Only an output")]),
        ("**Example 1**\n**Input:** x\n**Output:** y\n\n### Example 2\nInput: z\n**Output**: **q**", [("x", "y"), ("z", "**q**")]),
        ("Nothing of the kind", []),
    ],
)
def test_input_first_replies_are_read_as_the_code_reads_them(text, found):
    assert input_first(text) == found


def test_output_first_replies_are_read_label_by_label():
    assert output_first("Well:\nClass label: good\nText: a\n  b\nClass label: bad") == [("Text: a\n  b", "good"), ("", "bad")]
    assert output_first("**Class label:** good\nText: a\n\n**Class label**: bad") == [("Text: a", "good"), ("", "bad")]
    assert output_first("good\nText: a") == []


def test_dropping_looks_at_each_alone_then_at_all_that_are_left():
    alone = [Instance("a", "a"), Instance("b", ""), Instance("c:", "d"), Instance("e", "f:"), Instance("", "ok"), Instance("", "ok too")]
    assert [reason for _, reason in dropped(alone)] == ["copies_input", "empty_output", "ends_with_colon", "ends_with_colon", "", ""]
    group = [Instance("a", "1"), Instance("b", "1"), Instance("a", "2"), Instance("c", "")]
    assert [reason for _, reason in dropped(group)] == ["conflict", "conflict", "conflict", "empty_output"]
    assert [reason for _, reason in dropped([Instance("a", "1"), Instance("a", "1")])] == ["", "duplicate"]


@pytest.mark.parametrize(
    ("answer", "yes"), [("Yes", True), (" yes.", True), ("YES\n\nTask:", True), ("No", False), ("Yesterday", False), ("", False)]
)
def test_only_a_yes_is_classification(answer, yes):
    def reply(request):
        return answer if is_type(asked_of(request)) else planted("Sing a song about the rain")(request)

    grown = grow(method(instructions=1), reply, data={"seed": SEEDS})
    asked = next(prompt for prompt in grown.prompts if not is_list(prompt) and not is_type(prompt))
    assert ("labels alone" in asked) == yes


# ---- the loop --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [1, 4])
def test_a_model_that_only_repeats_itself_ends_the_loop_with_a_note(lag):
    grown = grow(method(lag=lag, patience=6), planted("Sing a song about the rain"), data={"seed": SEEDS})
    assert tasks_of(grown) == ["Sing a song about the rain"]
    assert len(lists(grown)) == 1 + 6 + lag - 1
    assert grown.outcome.warnings == ["no new task in 6 requests in a row: stopped at 1 tasks."]


def test_replies_that_are_all_cut_end_the_loop_too():
    grown = grow(method(lag=3, patience=5), lambda request: Reply(" A task", finish="length"), data={"seed": SEEDS})
    assert not grown.rows and reasons(grown) == {"truncated": 5 + 3 - 1}


def test_tasks_without_instances_do_not_make_it_go_on_for_ever():
    def reply(request):
        return model(request) if is_list(asked_of(request)) else "Nothing to say"

    grown = grow(method(rows=3, max_tasks=9), reply, data={"seed": SEEDS})
    assert not grown.rows and reasons(grown)["no_instance"] == 9
    assert grown.outcome.warnings == ["3 short of 3 rows: 9 tasks gave 0."]


def test_rows_are_exact_and_what_is_over_is_named():
    grown = grow(method(rows=17), model, data={"seed": SEEDS})
    assert len(grown.rows) == 17 and reasons(grown)["surplus"] < 5


def test_without_rows_the_pool_grows_to_the_tasks_wanted():
    def reply(request):
        return model(request) if is_list(asked_of(request)) or is_type(asked_of(request)) else "Output: a word\nClass label: one"

    grown = grow(method(instructions=12), reply, data={"seed": SEEDS})
    assert len(tasks_of(grown)) == len(grown.rows) == 12 and not grown.outcome.warnings


@pytest.mark.parametrize("concurrency", [7, 64])
def test_any_concurrency_gives_the_same_rows(concurrency):
    serial = grow(method(rows=20, lag=8), model, data={"seed": SEEDS}, concurrency=1)
    parallel = grow(method(rows=20, lag=8), model, data={"seed": SEEDS}, concurrency=concurrency, latency=(0.0, 0.004))
    assert (serial.rows, serial.rejected) == (parallel.rows, parallel.rejected)


def test_the_lag_is_part_of_the_result_and_lag_1_draws_from_every_reply():
    serial = grow(method(instructions=20, lag=1), model, data={"seed": SEEDS})
    assert serial.rows != grow(method(instructions=20, lag=4), model, data={"seed": SEEDS}).rows
    assert [sum(task not in {seed["instruction"] for seed in SEEDS} for task in shown) for shown in lists(serial)[:2]] == [0, 2]


def test_another_seed_gives_other_rows():
    assert grow(method(), model, data={"seed": SEEDS}, seed=1).rows != grow(method(), model, data={"seed": SEEDS}, seed=2).rows


# ---- prompts and sampling --------------------------------------------------------------------------------------------


def test_the_list_is_left_open_at_nine_and_the_published_sampling_is_used():
    grown = grow(method(), model, data={"seed": SEEDS})
    used = defaultdict(set)
    for request in grown.requests:
        kind = "list" if is_list(request.prompt) else "type" if is_type(request.prompt) else "labels alone" in request.prompt
        used[kind].add((request.temperature, request.top_p, request.presence_penalty, request.max_tokens, request.stop))
    assert all(request.prompt.endswith("\n9.") for request in grown.requests if is_list(request.prompt))
    ends = ("\nTask:", "Example 6")
    assert used == {
        "list": {(0.7, 0.5, 2.0, 1024, ("\n\n", "\n16"))},
        "type": {(0.0, 1.0, 0.0, 3, ())},
        True: {(0.0, 1.0, 1.5, 300, ends)},
        False: {(0.0, 1.0, 1.5, 350, ends)},
    }


def test_the_kind_is_asked_with_12_examples_of_one_kind_and_19_of_the_other():
    grown = grow(method(instructions=1), model, data={"seed": SEEDS})
    asked = next(prompt for prompt in grown.prompts if is_type(prompt))
    assert Counter(re.findall(r"Is it classification\? (Yes|No)", asked)) == {"Yes": 12, "No": 19}


def test_a_chat_model_is_told_the_numbers_and_may_repeat_the_first():
    def reply(request):
        text = model(request)
        return f"Sure, here they are:\n9.{text}" if is_list(asked_of(request)) else text

    grown = grow(method(instructions=10), reply, data={"seed": SEEDS}, can=CHAT)
    assert len(tasks_of(grown)) >= 5 and not [task for task in tasks_of(grown) if "Sure" in task]
    assert all(request.messages and request.stop != ("\n\n", "\n16") for request in grown.requests)
    assert all("from number 9 to 15" in prompt for prompt in grown.prompts if is_list(prompt))


def test_a_line_of_demonstrations_has_no_breaks_and_no_colon_at_its_end():
    seeds = [{"instruction": "Answer this\n  question:"} for _ in range(1)] + SEEDS[:7]
    grown = grow(method(instructions=1), model, data={"seed": seeds})
    assert all("Answer this question" in shown for shown in lists(grown)[:1])


def test_only_classification_seeds_are_shown_where_only_such_tasks_are_wanted():
    wanted = {seed["instruction"] for seed in SEEDS if seed["is_classification"]}
    grown = grow(
        method(instructions=1, classification_only=True, demonstrations=3, machine_demonstrations=0),
        lambda request: "",
        data={"seed": SEEDS},
    )
    assert grown.requests and all(set(re.findall(r"^\d\. (.+)$", prompt, re.M)) == wanted for prompt in grown.prompts)
    assert all("classification tasks" in prompt for prompt in grown.prompts)


def test_with_fewer_seeds_than_a_prompt_shows_the_request_is_wrong():
    with pytest.raises(RequestError, match=r"shows 8 tasks in a prompt, but 'seed' has 5 tasks\. .* demonstrations=5"):
        grow(method(), model, data={"seed": SEEDS[:5]})


# ---- the published seeds, from the command line, against a server with every fault -----------------------------------

FAULTS = Faults(p429=0.04, p500=0.02, drop=0.02, cut=0.02, malformed=0.02, p400=0.02, truncate=0.06, refuse=0.04, retry_after=0.01)


def test_on_the_published_seeds_against_a_faulty_server_every_invariant_holds(shared, capsys):
    path = shared / "data" / "instructions" / "self_instruct_seed" / "seed_tasks.jsonl"
    seeds = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    asked = []

    def reply(job):
        asked.append(job["prompt"])
        return plays(job["prompt"], job.get("seed"))

    with FaultServer(reply=reply, faults=FAULTS, seed=3) as server:
        words = ["run", "self-instruct", "--data", f"seed={path}", "-m", f"openai/test@{server.url}", "-n", "60", "-p", "lag=5", "--json"]
        assert main([*words, "--name", "seeds"]) == 0
        asked_first = len(asked)
        assert main([*words, "--name", "seeds"]) == 0
    assert len(asked) == asked_first, "a finished run asks nothing again"
    folder = Path(json.loads(capsys.readouterr().out.splitlines()[-1])["result"]["path"])
    grown = Told(table(folder / "data"), table(folder / "rejected"), list(dict.fromkeys(asked)))
    assert len(grown.rows) == 60 and {"truncated", "refused", "rouge_l", "blacklist"} <= set(reasons(grown))
    check_1_novel(grown, seeds)
    check_3_demonstrations(grown, seeds, lag=5)
    cut = {
        json.loads(row["extras"])["request"]
        for row in grown.rejected
        if row["reason"] in ("truncated", "refused") and row["step"] == "tasks"
    }
    assert cut and not cut & {meta(row)["conditions"]["request"] for row in grown.rows}
    assert check_5_prompts(grown) == {True, False}
    forbidden = re.compile(r"\b(images?|graphs?|pictures?|files?|maps?|draw|plot|go to)\b", re.IGNORECASE)
    assert not [row for row in grown.rows if forbidden.search(row["instruction"])]
    assert [row for row in grown.rows if "graph" in row["instruction"]]
    check_8_instances(grown)


@dataclass
class Told:
    """What a run from the command line left, and what the server was asked."""

    rows: list[dict]
    rejected: list[dict]
    prompts: list[str]

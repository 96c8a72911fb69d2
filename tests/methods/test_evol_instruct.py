"""Evol-Instruct: the invariants of its card by name, then what is ours."""

import json
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.methods.instructions._evolving import COMPLICATED, FRAME, OPERATIONS, copies_frame, lost_block, same, says_nothing, sorry
from tilth.methods.instructions.evol_instruct import EvolInstruct
from tilth.models.base import Reply

SEEDS = [
    {"id": f"s{number}", "instruction": f"Name bird number {number}", "input": "of the lake" * (number % 2), "output": "A wren."}
    for number in range(8)
]
ENOUGH = "It is the great crested grebe, I think."


# ---- a model that plays its part -------------------------------------------------------------------------------------


def kind_of(request):
    asked = asked_of(request)
    if "Are they equal?" in asked:
        return "equal"
    if "#Given Prompt#" in asked:
        return "breadth" if asked.rstrip().endswith("#Created Prompt#:") else "depth"
    return "answer"


def given(request):
    """The instruction that an evolving prompt is about."""
    return re.split(r"\n#(?:Rewritten|Created) Prompt#:", asked_of(request).rsplit("#Given Prompt#:\n", 1)[1])[0]


def model(request):
    """Every evolution adds a word that tells its request; nothing fails."""
    kind = kind_of(request)
    if kind == "answer":
        return f"{ENOUGH} ({request.seed})"
    if kind == "equal":
        return "Not Equal"
    return f"{given(request)} w{request.seed}" if kind == "depth" else f"Name a rarer bird w{request.seed}"


def often_fails(request):
    """As `model`, but every elimination rule strikes now and then."""
    kind, seed = kind_of(request), request.seed
    if kind == "equal":
        return "Equal" if sum(map(ord, asked_of(request))) % 6 == 0 else "Not Equal"
    if kind == "answer":
        return ["Sorry, I do not know.", "...", ENOUGH, ENOUGH + f" {seed}", ENOUGH + "!"][seed % 5]
    return [given(request), f"{model(request)} #Rewritten Prompt#", *[model(request)] * 5][seed % 7]


SCENARIO = Scenario(EvolInstruct(rows=24), often_fails, data={"seed": SEEDS})
LOCAL = {"parameters": {"rounds": 1}, "data": {"seed": SEEDS[:2]}}


def with_(**replies):
    """`model`, with other replies (a text or a function of the request) to some kinds of prompts; evolve stands for both."""
    replies |= dict.fromkeys(("depth", "breadth"), replies["evolve"]) if "evolve" in replies else {}

    def reply(request):
        made = replies.get(kind_of(request), model)
        return made(request) if callable(made) else made

    return reply


def conditions(row):
    return json.loads(row["extras"])["meta"]["conditions"]


def reasons(grown):
    return Counter(row["reason"] for row in grown.rejected)


def evolved(grown):
    return [row for row in grown.rows if row["round"]]


def run(reply=model, seeds=SEEDS, **parameters):
    task = parameters.pop("task", None)
    return grow(EvolInstruct(**parameters), reply, data={"seed": seeds}, task=task)


# ---- the card's invariants -------------------------------------------------------------------------------------------


def check_1_lineage(grown, seeds):
    rows = {row["id"]: row for row in grown.rows}
    roots = {seed["id"] for seed in seeds}
    for row in evolved(grown):
        chain = [row]
        while chain[-1]["parents"]:
            chain.append(rows[chain[-1]["parents"][0]])
        assert chain[-1]["id"] in roots and conditions(row)["root"] == chain[-1]["id"] and row["seed_ids"] == [chain[-1]["id"]]
        assert len(chain) - 1 == conditions(row)["depth"]
        numbers = [link["round"] for link in reversed(chain)]
        assert numbers == sorted(set(numbers)) and numbers[0] == 0


def test_invariant_1_the_chain_of_ancestors_ends_at_a_seed_and_is_as_long_as_its_successes():
    grown = run(often_fails)
    assert len(evolved(grown)) > 5 and grown.rejected
    check_1_lineage(grown, SEEDS)


def test_invariant_1_when_nothing_fails_every_round_adds_one_to_every_line():
    grown = run()
    assert Counter(row["round"] for row in grown.rows) == dict.fromkeys(range(5), len(SEEDS))
    assert all(conditions(row)["depth"] == row["round"] for row in grown.rows)
    check_1_lineage(grown, SEEDS)


def constant(request):
    return "Name the largest bird of the lake."


def echo(request):
    return given(request) if kind_of(request) in ("depth", "breadth") else model(request)


@pytest.mark.parametrize("reply", [constant, echo, with_(equal="Equal")], ids=["constant", "echo", "judged equal"])
def test_invariant_2_a_teacher_that_changes_nothing_leaves_the_seeds(reply):
    grown = run(reply)
    assert [(row["id"], row["instruction"], row["output"]) for row in grown.rows] == [
        (seed["id"], seed["instruction"], seed["output"]) for seed in SEEDS
    ]
    assert len(grown.rejected) == 4 * len(SEEDS)


@pytest.mark.parametrize(("words", "kept"), [(79, False), (80, True), (81, True)])
@pytest.mark.parametrize("word", ["sorry", "SORRY", "Sorry,"])
def test_invariant_3_short_answers_with_sorry_are_dropped_in_any_case(word, words, kept):
    answer = " ".join(["grebe"] * (words - 1) + [word])
    grown = run(with_(answer=answer), SEEDS[:1], rounds=1)
    assert bool(evolved(grown)) == kept and (kept or reasons(grown) == {"sorry": 1})


def test_invariant_4_a_failed_instruction_is_tried_again_from_the_same_parent():
    def fails_in_rounds_one_and_three(request):
        if kind_of(request) == "answer":
            tries.append(request)
            return "..." if len(tries) in (1, 3) else ENOUGH
        return model(request)

    tries = []
    grown = run(fails_in_rounds_one_and_three, SEEDS[:1], operations=["reasoning"])
    parents = [given(request) for request in grown.requests if kind_of(request) == "depth"]
    assert [row["round"] for row in grown.rows] == [0, 2, 4]
    assert parents[0] == parents[1] == "Name bird number 0"
    assert parents[2] == parents[3] == grown.rows[1]["instruction"]
    assert [(row["round"], row["parents"]) for row in grown.rejected] == [(1, ["s0"]), (3, [grown.rows[1]["id"]])]


def test_invariant_4_nothing_is_lost_and_nothing_comes_twice():
    grown = run(often_fails)
    tried = [(row["seed_ids"][0], row["round"]) for row in [*evolved(grown), *grown.rejected]]
    assert len(tried) == len(set(tried)) == 4 * len(SEEDS)
    assert len({row["id"] for row in grown.rows}) == len(grown.rows)
    assert {row["id"] for row in grown.rows} >= {seed["id"] for seed in SEEDS}


def test_invariant_4_a_call_that_fails_costs_one_round_and_not_the_line():
    def cut(request):
        return Reply("Name a bird that", finish="length") if kind_of(request) == "depth" and request.seed % 2 else model(request)

    grown = run(cut, operations=["constraints"])
    assert reasons(grown)["truncated"] + len(evolved(grown)) == 4 * len(SEEDS) and evolved(grown)


def test_invariant_5_each_of_six_operations_is_drawn_as_often():
    grown = run(seeds=[{"instruction": f"Name bird {number}", "output": "A wren."} for number in range(150)])
    counts = Counter(conditions(row)["operation"] for row in evolved(grown))
    assert set(counts) == set(OPERATIONS) and len(OPERATIONS) == 6 and sum(counts.values()) == 600
    assert sum((count - 100) ** 2 / 100 for count in counts.values()) < 20.5  # 5 degrees of freedom, p = 0.001
    formats = Counter(conditions(row)["format"] for row in evolved(grown) if conditions(row)["format"])
    assert set(formats) == {shown.format for shown in COMPLICATED}


@pytest.mark.parametrize("label", ["#Rewritten Prompt#", "the Given  Prompt", "CREATED PROMPT:"])
def test_invariant_6_no_kept_instruction_has_a_label_of_the_frame(label):
    grown = run(with_(evolve=lambda request: f"{label} {model(request)}"))
    assert not evolved(grown) and reasons(grown) == {"copies_prompt": 4 * len(SEEDS)}
    assert not [request for request in grown.requests if kind_of(request) in ("equal", "answer")], "no call is paid for it"


def test_invariant_6_every_label_of_our_prompts_is_known_to_the_rule():
    for name in ("depth", "breadth"):
        labels = re.findall(r"#([\w ]+)#", EvolInstruct.prompts[name])
        assert labels and {label.lower() for label in labels} <= set(FRAME)
    assert not copies_frame("A prompt reply is given")


CODE = "Why does this fail?\n```python\nprint(1\n```"
TABLE = "Which city is larger?\n| city | people |\n|---|---|\n| Arden | 41,000 |"


@pytest.mark.parametrize("text", [CODE, TABLE])
def test_invariant_7_depth_keeps_blocks_and_tables_and_breadth_need_not(text):
    seeds = [{"id": "s", "instruction": text, "output": "Because."}]
    loses = with_(evolve=lambda request: f"Think harder about it w{request.seed}")
    assert reasons(run(loses, seeds, operations=["deepening"], rounds=2)) == {"lost_block": 2}
    child = evolved(run(loses, seeds, operations=["breadth"], rounds=1))[0]
    assert conditions(child)["root"] == "s" and child["parents"] == ["s"]
    kept = run(with_(evolve=lambda request: f"{given(request)}\nExplain w{request.seed}"), seeds, operations=["deepening"])
    assert len(evolved(kept)) == 4 and not kept.rejected


def test_invariant_7_a_changed_letter_in_a_block_is_a_loss():
    assert lost_block(CODE, CODE.replace("print(1", "print(2")) and not lost_block(CODE, f"Please. {CODE} Now.")
    assert lost_block(TABLE, TABLE.replace("41,000", "40,000")) and not lost_block(TABLE, f"{TABLE}\nAnd why?")
    assert not lost_block("a | b, no table", "something else")


def test_invariant_8_no_round_is_larger_than_the_pool():
    counts = Counter(row["round"] for row in run(often_fails).rows)
    assert counts[0] == len(SEEDS) and all(0 < counts[number] <= len(SEEDS) for number in range(1, 5))


# ---- the rules, one by one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["...", "The, of and so", "- a\n- the!", "?!"])
def test_an_answer_of_punctuation_and_stop_words_eliminates(answer):
    assert reasons(run(with_(answer=answer), SEEDS[:1], rounds=1)) == {"says_nothing": 1}


@pytest.mark.parametrize("answer", ["42", "No.", "The wren", "x = y", "日本", "😀"])
def test_an_answer_that_says_something_stays(answer):
    assert not says_nothing(answer) and not sorry(answer, below=80)


@pytest.mark.parametrize(
    ("verdict", "reason"), [("Equal.", "equal"), ("They are EQUAL", "equal"), ("Equal or not equal?", "no_verdict"), ("B", "no_verdict")]
)
def test_what_is_not_clearly_unequal_is_eliminated(verdict, reason):
    assert reasons(run(with_(equal=verdict), SEEDS[:1], rounds=2)) == {reason: 2}


@pytest.mark.parametrize("verdict", ["Not Equal", "not equal.", "Unequal", "**Not-Equal**"])
def test_a_clear_verdict_is_read_whatever_its_form(verdict):
    assert len(evolved(run(with_(equal=verdict), SEEDS[:1], rounds=2))) == 2


def test_the_judge_sees_parent_and_child_is_greedy_and_is_its_own_role():
    grown = run(seeds=SEEDS[:1], rounds=1)
    asked = next(request for request in grown.requests if kind_of(request) == "equal")
    assert "Name bird number 0" in asked_of(asked) and evolved(grown)[0]["instruction"] in asked_of(asked)
    assert asked.temperature == 0 and EvolInstruct.roles == {"generator": 1, "judge": 1}


def test_a_parent_with_other_case_and_spaces_is_equal_without_a_judge_and_another_sign_is_not():
    assert same("Name  a Bird\n", "name a bird") and not same("What is 2 + 2?", "What is 2 - 2?")
    grown = run(with_(evolve=lambda request: given(request).upper()), SEEDS[:1])
    assert reasons(grown) == {"equal": 4} and {kind_of(request) for request in grown.requests} <= {"depth", "breadth"}


def test_three_calls_for_what_succeeds_and_fewer_for_what_fails():
    assert Counter(map(kind_of, run(rounds=1, operations=["reasoning"]).requests)) == {"depth": 8, "equal": 8, "answer": 8}
    assert Counter(map(kind_of, run(with_(equal="Equal"), rounds=1, operations=["reasoning"]).requests)) == {"depth": 8, "equal": 8}


# ---- prompts ---------------------------------------------------------------------------------------------------------


def test_rewriting_in_depth_asks_for_10_to_20_more_words_and_names_its_operation():
    grown = run(seeds=SEEDS[:4])
    how = [operation.how.split("{")[0] for operation in OPERATIONS.values() if operation.depth]
    for request in grown.requests:
        if kind_of(request) == "depth":
            assert "add only 10 to 20 words" in asked_of(request)
            assert sum(text in asked_of(request) for text in how) == 1
        if kind_of(request) == "breadth":
            assert "same domain" in asked_of(request) and "add only" not in asked_of(request)


def test_only_complicated_input_shows_a_demonstration_and_it_is_of_the_format_that_is_asked_for():
    grown = run(seeds=SEEDS, operations=["complicating_input"])
    for request in grown.requests:
        if kind_of(request) == "depth":
            shown = [shown for shown in COMPLICATED if shown.rewritten in asked_of(request)]
            assert len(shown) == 1 and f"written as {shown[0].format}," in asked_of(request)
    assert not any(asked_of(request).count("#Rewritten Prompt#:") > 1 for request in run(operations=["concretizing"]).requests)


def test_the_input_of_a_seed_is_part_of_what_evolves_and_stays_in_its_own_column():
    grown = run(seeds=SEEDS[1:2], operations=["reasoning"])
    assert given(next(request for request in grown.requests if kind_of(request) == "depth")) == "Name bird number 1\nof the lake"
    assert (grown.rows[0]["instruction"], grown.rows[0]["input"]) == ("Name bird number 1", "of the lake")
    assert evolved(grown)[0]["instruction"].startswith("Name bird number 1\nof the lake") and evolved(grown)[0]["input"] == ""


def test_the_answer_is_asked_for_with_the_evolved_instruction_alone():
    grown = run(seeds=SEEDS[:2])
    asked = {request.messages[0]["content"] for request in grown.requests if kind_of(request) == "answer"}
    assert asked == {row["instruction"] for row in evolved(grown)}
    assert {(request.temperature, request.top_p, request.max_tokens) for request in grown.requests if kind_of(request) == "answer"} == {
        (1.0, 0.95, 2048)
    }


def test_another_language_reaches_every_prompt():
    assert all("Write in German" in prompt for prompt in run(seeds=SEEDS[:2], task={"language": "de"}).prompts)


# ---- rows ------------------------------------------------------------------------------------------------------------


def test_a_seed_without_an_output_is_answered_and_says_so():
    seeds = [{"id": "a", "instruction": "Name a bird"}, {"id": "b", "instruction": "Name a fish", "output": "A pike."}]
    grown = run(seeds=seeds, rounds=1)
    assert [(row["id"], row["origin"]) for row in grown.rows if not row["round"]] == [("a", "mixed"), ("b", "human")]
    assert grown.rows[0]["output"].startswith(ENOUGH)


def test_a_seed_that_cannot_be_answered_is_rejected_and_still_evolves():
    def reply(request):
        cut = kind_of(request) == "answer" and asked_of(request).strip() == "Name a bird"
        return Reply("A", finish="length") if cut else model(request)

    grown = run(reply, [{"id": "a", "instruction": "Name a bird"}])
    assert reasons(grown) == {"truncated": 1} and [row["round"] for row in grown.rows] == [1, 2, 3, 4]
    assert grown.rows[0]["parents"] == ["a"]


def test_the_seeds_may_be_left_out():
    grown = run(include_seeds=False, rounds=2)
    assert len(grown.rows) == 2 * len(SEEDS) and all(row["round"] for row in grown.rows)


def test_rows_take_only_the_seeds_they_need_and_are_exact():
    grown = run(rows=13)
    assert len(grown.rows) == 13 and len({row["seed_ids"][0] for row in grown.rows}) == 3
    assert len(grown.requests) == 3 * (13 - 3) and not grown.rejected
    assert len(run(often_fails, rows=13).rows) == 13


def test_too_few_seeds_are_reported():
    grown = run(often_fails, rows=500)
    assert grown.outcome.warnings == [f"{500 - len(grown.rows)} short of 500 rows: all seeds were evolved."]


@pytest.mark.parametrize("concurrency", [7, 64])
def test_any_concurrency_gives_the_same_rows(concurrency):
    serial = grow(EvolInstruct(rows=30), often_fails, data={"seed": SEEDS}, concurrency=1)
    parallel = grow(EvolInstruct(rows=30), often_fails, data={"seed": SEEDS}, concurrency=concurrency, latency=(0.0, 0.004))
    assert (serial.rows, serial.rejected) == (parallel.rows, parallel.rejected)


def test_a_finished_run_pays_nothing_and_more_rows_pay_only_for_the_new_ones():
    def again(rows):
        return grow(EvolInstruct(rows=rows), model, data={"seed": SEEDS}, folder="runs/same")

    first, same_again, more = again(15), again(15), again(25)
    assert (len(first.requests), len(same_again.requests), len(more.requests)) == (36, 0, 24)
    assert first.rows == same_again.rows == more.rows[:15]

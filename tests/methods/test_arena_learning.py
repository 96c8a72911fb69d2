"""Arena Learning: disjoint slices, every game in both orders, data from the target's losses, a table of models."""

import functools
import json
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow, table
from tilth.errors import RequestError
from tilth.methods.preferences._arena import slice_of, unfit
from tilth.methods.preferences.arena_learning import ArenaLearning
from tilth.models.base import Reply
from tilth.models.scripted import ScriptedModel

WORDS = ["oven", "lake", "tram", "verse", "moon", "bread", "cello", "tax", "knot", "seed", "glue", "harbour", "onion", "chess", "fever"]
PROMPTS = [{"id": f"p{n}", "prompt": f"{word.title()} matter number {n}: tell me about it."} for n, word in enumerate(WORDS)]
ONE = {"iterations": 1, "near": 1.0}
DRAWS = {"draws": 20}


def writer(level, spread=3):
    """A model whose answers say how good they are: `level`, and a little more by chance."""
    return lambda request: Reply(f"Answer {request.seed}, of worth {level + request.seed % spread}.")


def worth(text):
    return int(re.search(r"worth (\d+)", text)[1])


def judge(request, *, score=lambda text, place: worth(text)):
    prompt = asked_of(request)
    a, b = (re.search(rf"\[Answer {name}\]\n(.*?)\n\[End", prompt, re.DOTALL)[1] for name in "AB")
    return Reply(f"Explanation: One says more.\nScore A: {score(a, 'A')}\n**Score B:** {score(b, 'B')}")


LEVELS = {"target": 3, "strong": 7, "middle": 5, "weak": 1}


def pool(levels=None):
    return [ScriptedModel(writer(level), name=name) for name, level in (levels or LEVELS).items()]


def fight(method=None, *, models=None, judge=judge, data=PROMPTS, more=None, **options):
    models = models or pool()
    inputs = {"prompts": data, **(more or {})}
    grown = grow(
        method or ArenaLearning(**ONE, **DRAWS), lambda r: Reply("-"), data=inputs, roles={"generator": models, "judge": [judge]}, **options
    )
    grown.models = models
    return grown


@functools.cache
def plain(step="sft", gap=None):
    grown = fight(ArenaLearning(step=step, gap=gap, **ONE, **DRAWS))
    arena = json.loads((grown.folder / "artifacts" / "arena.json").read_text("utf-8"))
    return grown, arena


def meta(row):
    return json.loads(row["extras"])["meta"]


def name_of(identity):
    return identity.rsplit("/", 1)[-1]


def unreadable_at_times(request):
    return Reply("Hard to say.") if len(asked_of(request)) % 5 == 0 else judge(request)


SCENARIO = Scenario(
    ArenaLearning(step="dpo", gap=1, iterations=1, draws=10),
    writer(3),
    data={"prompts": PROMPTS},
    roles={"generator": [writer(3), writer(5, 6), writer(1, 8)], "judge": [unreadable_at_times]},
)
LOCAL = {"parameters": {"judge_tokens": 24, "draws": 5}, "data": {"prompts": PROMPTS[:8]}, "roles": {"generator": 2}}


def test_invariant_1_each_slice_is_battled_in_one_step_only_and_none_is_left_over():
    data = [{"prompt": f"{a} and {b}, how do they go together?"} for a in WORDS[:6] for b in WORDS[8:13]]
    seen = Counter()
    for iteration in (1, 2):
        for step in ("sft", "dpo", "reward"):
            method = ArenaLearning(step=step, iteration=iteration, iterations=2, near=1.0, prefix_words=0, draws=2)
            models = pool({"target": 1, "strong": 9})
            grown = fight(method, models=models, data=data, seed=iteration)
            battled = {request.messages[-1]["content"] for request in models[0].requests}
            assert battled and len(grown.rows) <= len(battled)
            seen.update(battled)
    assert set(seen) == {row["prompt"] for row in data} and set(seen.values()) == {1}


def test_a_slice_does_not_change_with_the_seed_the_order_or_more_prompts():
    battled = []
    for data, seed in ((PROMPTS, 0), ([*PROMPTS[::-1], {"prompt": "One more prompt about something else."}], 5)):
        grown = fight(ArenaLearning(step="reward", **ONE, draws=2), models=pool({"target": 1, "strong": 9}), data=data, seed=seed)
        battled.append({request.messages[-1]["content"] for request in grown.models[0].requests} & {row["prompt"] for row in PROMPTS})
    assert battled[0] == battled[1] == {row["prompt"] for row in PROMPTS if slice_of(row["prompt"], 3) == 2}


def test_invariant_2_each_game_is_played_in_both_orders_and_scores_are_means():
    by_place = lambda text, place: worth(text) + (place == "A")  # noqa: E731  # the first gets a point more
    grown = fight(judge=lambda request: judge(request, score=by_place))
    assert grown.rows
    for row in grown.rows:
        battles = meta(row)["battles"]
        assert len(battles) == 12 and Counter(game["order"] for game in battles) == {"ab": 6, "ba": 6}
        ours = [game for game in battles if {game["model_a"], game["model_b"]} == {row["chosen_model"], row["rejected_model"]}]
        side = "a" if ours[0]["model_a"] == row["chosen_model"] else "b"
        assert row["chosen_score"] == sum(game[f"score_{side}"] for game in ours) / 2 == worth(row["chosen"]) + 0.5
        assert {game["score_a"] - worth(row["chosen" if side == "a" else "rejected"]) for game in ours} == {0, 1}


def test_all_pairs_of_the_group_play_not_only_those_with_the_target():
    grown, _ = plain()
    battled = len(grown.rows) + len(grown.rejected)
    assert battled > 3 and grown.outcome.calls == battled * (4 + 12)


@pytest.mark.parametrize("step", ["sft", "dpo", "reward"])
@pytest.mark.parametrize("gap", [None, 0])
def test_invariant_3_a_judge_that_always_prefers_the_first_gives_ties_and_no_data(step, gap):
    biased = lambda request: judge(request, score=lambda text, place: 10 if place == "A" else 1)  # noqa: E731
    grown = fight(ArenaLearning(step=step, gap=gap, **ONE, draws=2), judge=biased, models=pool({"target": 1, "strong": 9, "third": 5}))
    assert not grown.rows and grown.rejected
    assert {row["reason"] for row in grown.rejected} == {"target_not_beaten" if step == "sft" else "gap_too_small"}


def test_invariant_4_the_sft_target_is_never_the_targets_own_answer():
    grown, _ = plain(gap=0)
    assert grown.rows
    for row in grown.rows:
        assert name_of(row["rejected_model"]) == "target" != name_of(row["chosen_model"])


def test_sft_takes_only_what_the_target_loses_and_the_best_of_those_that_beat_it():
    grown, _ = plain(gap=3)
    rejected = Counter(row["reason"] for row in grown.rejected)
    assert grown.rows and rejected["target_not_beaten"] > 0, "the levels are 4 apart, less by chance"
    for row in grown.rows:
        assert name_of(row["chosen_model"]) == "strong" and row["margin"] >= 3
    unbeaten = fight(ArenaLearning(target="strong", **ONE, draws=2))
    assert not unbeaten.rows, "nobody beats the strongest by 3"


@pytest.mark.parametrize(("step", "gap"), [("sft", None), ("dpo", None), ("reward", 6), ("sft", 1), ("dpo", 0), ("dpo", 6.5)])
def test_invariant_5_chosen_is_at_least_k_above_rejected(step, gap):
    grown, _ = plain(step, gap)
    assert grown.rows
    for row in grown.rows:
        assert row["chosen_score"] - row["rejected_score"] == pytest.approx(row["margin"]) and row["margin"] > 0
        assert row["margin"] >= (gap if gap is not None else {"sft": 3, "dpo": 2}[step])
    if gap == 6.5:
        assert "gap_too_small" in {row["reason"] for row in grown.rejected}


def test_the_published_k_is_that_of_step_and_iteration():
    for iteration, kept in ((1, False), (2, True)):
        method = ArenaLearning(iteration=iteration, iterations=2, near=1.0, draws=2)
        models = [ScriptedModel(writer(3, 1), name="target"), ScriptedModel(writer(5, 1), name="better")]
        grown = fight(method, models=models)
        assert bool(grown.rows) is kept and models[0].requests


def test_the_target_is_a_candidate_in_the_dpo_step():
    grown = fight(ArenaLearning(step="dpo", target="strong", **ONE, draws=2))
    assert {name_of(row["chosen_model"]) for row in grown.rows} == {"strong"}
    assert {name_of(row["rejected_model"]) for row in grown.rows} == {"weak"}


def test_invariant_6_the_table_orders_the_models_and_is_the_same_again():
    _, arena = plain("dpo")
    assert [name_of(name) for name in arena] == ["strong", "middle", "target", "weak"]
    anchor = next(line for name, line in arena.items() if name_of(name) == "target")
    assert anchor["elo"] == anchor["low"] == anchor["high"] == 1000
    again = fight(ArenaLearning(step="dpo", **ONE, **DRAWS))
    assert json.loads((again.folder / "artifacts" / "arena.json").read_text("utf-8")) == arena
    moved = fight(ArenaLearning(step="dpo", anchor="weak", anchor_elo=1100, **ONE, **DRAWS))
    lines = json.loads((moved.folder / "artifacts" / "arena.json").read_text("utf-8"))
    assert next(line["elo"] for name, line in lines.items() if name_of(name) == "weak") == 1100


def test_invariant_7_neighbours_of_benchmark_items_are_not_in_the_pool():
    own = [row["prompt"] for row in PROMPTS if slice_of(row["prompt"], 3) == 0]
    item = own[0].replace("tell me about it", "say something about it")
    grown = fight(ArenaLearning(neighbours=1, **ONE, draws=2), more={"benchmarks": [{"prompt": item}]})
    assert [row["prompt"] for row in grown.rejected if row["reason"] == "near_benchmark"] == [own[0]]
    assert own[0] not in {request.messages[-1]["content"] for request in grown.models[0].requests}
    assert len(grown.models[0].requests) == len(own) - 1


def test_prompts_are_cleaned_in_the_papers_order():
    texts = [
        "Too short",
        "Say how one bakes bread in a cold house in winter",
        "say how one bakes bread in a cold house in spring or autumn",
    ]
    texts += ["Which knots do sailors use?", "Which knots do sailors use"]
    assert dict(unfit(texts, 10, 10, 0.85)) == {0: "too_short", 2: "same_beginning", 4: "near_duplicate"}
    assert 2 not in dict(unfit(texts, 10, 0, 1.0))
    grown = fight(ArenaLearning(**ONE, draws=2), data=[*PROMPTS, {"prompt": "Hi!"}])
    assert [row["prompt"] for row in grown.rejected if row["reason"] == "too_short"] == ["Hi!"]


def test_invariant_8_a_newly_trained_model_answers_anew_and_the_others_are_not_asked_again(tmp_path):
    first = fight(folder=tmp_path / "run")
    trained = [ScriptedModel(writer(3), name="target-2"), *pool()[1:]]
    second = fight(models=trained, folder=tmp_path / "run")
    assert len(trained[0].requests) == len(first.models[0].requests) > 0
    assert [len(model.requests) for model in trained[1:]] == [0, 0, 0]
    assert {name_of(row["rejected_model"]) for row in second.rows} == {"target-2"}


def test_a_game_without_scores_is_asked_for_once_more_and_then_its_pair_is_discarded():
    def silent_where_weak_is_first(request):
        return Reply("Hard to say.") if "worth 1." in asked_of(request).split("[Answer B]")[0] else judge(request)

    models = [ScriptedModel(writer(level, 1), name=name) for name, level in LEVELS.items()]
    grown = fight(ArenaLearning(step="dpo", gap=1, **ONE, draws=2), models=models, judge=silent_where_weak_is_first)
    assert grown.rows and {name_of(row["rejected_model"]) for row in grown.rows} == {"target"}, "weak has no pair left"
    assert Counter(row["reason"] for row in grown.rejected) == {"no_score": 3 * len(grown.rows)}
    assert all(len(meta(row)["battles"]) == 9 for row in grown.rows)
    assert grown.outcome.calls == len(grown.rows) * (4 + 12 + 3)


@pytest.mark.parametrize("step", ["sft", "dpo"])
def test_prompts_without_a_single_judged_pair_are_told_from_those_without_a_winner(step):
    grown = fight(ArenaLearning(step=step, **ONE, draws=2), judge=lambda request: Reply("Score A: 7, I would say."))
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"no_score", "not_judged"}
    assert any("no Elo" in line for line in grown.outcome.warnings) and not (grown.folder / "artifacts" / "arena.json").exists()


def test_the_dialogue_before_a_prompt_is_seen_by_models_and_judge():
    history = [{"role": "user", "content": "I keep bees."}, {"role": "assistant", "content": "How many hives?"}]
    prompt = next(row["prompt"] for row in PROMPTS if slice_of(row["prompt"], 3) == 0)
    shown = ScriptedModel(judge, name="judge")
    grown = fight(ArenaLearning(gap=0, **ONE, draws=2), data=[{"prompt": prompt, "history": history}], judge=shown)
    assert [message["content"] for message in grown.models[0].requests[0].messages] == ["I keep bees.", "How many hives?", prompt]
    assert all("assistant: How many hives?" in asked_of(request) for request in shown.requests)
    assert [{name: turn[name] for name in ("role", "content")} for turn in grown.rows[0]["history"]] == history


@pytest.mark.parametrize("history", ["user: I keep bees.", ["I keep bees."], [{"role": "user"}]])
def test_a_dialogue_that_is_no_list_of_turns_costs_only_its_prompt(history):
    prompt = next(row["prompt"] for row in PROMPTS if slice_of(row["prompt"], 3) == 0)
    grown = fight(ArenaLearning(gap=0, **ONE, draws=2), data=[{"prompt": prompt, "history": history}])
    assert not grown.rows and [row["reason"] for row in grown.rejected] == ["bad_history"] and not grown.models[0].requests


def test_a_lost_answer_leaves_the_others_to_fight_but_not_without_the_target():
    cut = lambda request: Reply("An answer of", finish="length")  # noqa: E731
    models = [*pool()[:3], ScriptedModel(cut, name="weak")]
    grown = fight(models=models)
    assert grown.rows and Counter(row["reason"] for row in grown.rejected)["truncated"] > 0
    lost = fight(models=[ScriptedModel(cut, name="target"), *pool()[1:]])
    assert not lost.rows and "no_battle" in {row["reason"] for row in lost.rejected}
    assert any("no Elo" in line for line in lost.outcome.warnings)


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(RequestError, match="at least two models"):
        fight(models=pool()[:1])
    with pytest.raises(RequestError, match="target 'nobody' is none of the models"):
        fight(ArenaLearning(target="nobody", **ONE))
    with pytest.raises(RequestError, match="iteration 2 of 1"):
        fight(ArenaLearning(iteration=2, **ONE))


def test_rows_end_the_run_and_a_shortage_is_told():
    assert len(fight(ArenaLearning(gap=0, rows=2, **ONE, draws=2)).rows) == 2
    short = fight(ArenaLearning(gap=0, rows=50, **ONE, draws=2))
    assert any("short of 50 rows" in line for line in short.outcome.warnings)
    assert table(short.folder / "data")

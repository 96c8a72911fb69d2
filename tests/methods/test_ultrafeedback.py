"""UltraFeedback: different models, ratings side by side in an order of chance, exact scores, strictly ordered pairs."""

import functools
import json
import random
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import Failure, RequestError
from tilth.methods.preferences._feedback import MIX, PRINCIPLES, critique, ratings_parser
from tilth.methods.preferences.ultrafeedback import Completion, UltraFeedback, mean
from tilth.models.base import Reply
from tilth.models.roles import RoleModel
from tilth.models.scripted import ScriptedModel

PROMPTS = [{"id": f"p{n}", "prompt": f"Question number {n}?", "source": "sharegpt"} for n in range(6)]
ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")


def writer(request):
    """An answer whose quality is written in it; the seed tells calls apart."""
    return Reply(f"Answer {request.seed} of quality {request.seed // 7 % 5 + 1}.")


def quality(text):
    return int(re.search(r"quality (\d+)", text)[1])


def aspect_of(prompt):
    marks = {"follows the instruction:": ASPECTS[0], "how sure it is:": ASPECTS[1], "hallucination:": ASPECTS[2], "useful each": ASPECTS[3]}
    return next((aspect for mark, aspect in marks.items() if mark in prompt), None)


def block(number, score, aspect):
    if aspect in ("truthfulness", "helpfulness"):
        return f"#### Text {number}\nType: None\nRationale: r\nRating: {score}\nRationale For Rating: q{number}"
    return f"#### Text {number}\nRating: {score}\nRationale: q{number}"


def judge(request, *, rate=lambda text, aspect, place: quality(text), overall=lambda text: 2 * quality(text)):
    """Rates by what stands in the text, never by its place."""
    prompt = asked_of(request)
    if "Overall Score" in prompt:
        return Reply(f"Feedback: Say more.\nOverall Score: {overall(prompt.split('[Answer]')[1])}")
    texts = re.findall(r"\[Text \d+\]\n(.*?)\n\[End of text", prompt, re.DOTALL)
    aspect = aspect_of(prompt)
    return Reply("\n".join(block(n, rate(text, aspect, n), aspect) for n, text in enumerate(texts, 1)))


def pool_of(*functions, names="abcdefgh"):
    return [ScriptedModel(one, name=f"m-{name}") for one, name in zip(functions, names, strict=False)]


def feed(method=None, *, data=PROMPTS, judge=judge, models=(writer,) * 6, more=None, **options):
    roles = {"generator": pool_of(*models), "judge": [judge], **(more or {})}
    grown = grow(method or UltraFeedback(), lambda request: Reply("unused"), data={"prompts": data}, roles=roles, **options)
    grown.models = roles["generator"]
    return grown


@functools.cache
def plain():
    """The default method on the default prompts, with what the judge was asked."""
    judge_model = ScriptedModel(judge, name="the-judge")
    return feed(more={"judge": [judge_model]}), judge_model.requests


def completions(row):
    return json.loads(row["extras"])["meta"]["completions"]


def unreadable_at_times(request):
    return Reply("Hard to say.") if len(asked_of(request)) % 5 == 0 else judge(request)


def cut_at_times(request):
    return Reply("An answer of quality 5 that", finish="length") if request.seed % 2 else writer(request)


SCENARIO = Scenario(
    UltraFeedback(reasks=1),
    writer,
    data={"prompts": PROMPTS},
    roles={"generator": [*[writer] * 4, cut_at_times], "judge": [unreadable_at_times]},
)
LOCAL = {
    "parameters": {"answers": 2, "writers": ["generator"], "rating_tokens": 16},
    "data": {"prompts": PROMPTS[:1]},
    "roles": {"generator": 1},
}


def test_invariant_1_four_different_models_answer_each_prompt():
    grown, _ = plain()
    for row in grown.rows:
        names = [one["model"] for one in completions(row)]
        assert len(set(names)) == 4 == len(names)
    used = Counter(one["model"] for row in grown.rows for one in completions(row))
    assert len(used) == 6


def test_invariant_1_a_pool_that_is_too_small_is_refused_unless_it_is_named():
    with pytest.raises(RequestError, match="wants 4 different models and has 3"):
        feed(models=(writer,) * 3)
    twice = [*pool_of(writer, writer, writer), *pool_of(writer)]
    with pytest.raises(RequestError, match="has 3"):
        grow(UltraFeedback(), writer, data={"prompts": PROMPTS}, roles={"generator": twice})
    more = {"writer_a": pool_of(writer), "writer_b": pool_of(writer, names="b"), "writer_c": pool_of(writer, names="c")}
    method = UltraFeedback(writers=list(more))
    assert method.roles == {"writer_a": "1+", "writer_b": "1+", "writer_c": "1+", "judge": 1} and UltraFeedback.roles["generator"] == "4+"
    grown = feed(method, more=more, models=(writer,))
    assert grown.rows and "some are by the same model" in grown.outcome.warnings[0]
    for row in grown.rows:
        counts = Counter(one["model"] for one in completions(row))
        assert set(counts) == {model[0].identity for model in more.values()} and max(counts.values()) == 2
    assert not grown.models[0].requests, "the generator is not in the pool that was named"


def test_invariant_1_principles_are_drawn_by_the_shares_of_the_source():
    data = [{"prompt": f"Q{n}?", "source": "flan"} for n in range(60)] + [{"prompt": f"T{n}?", "source": "truthful_qa"} for n in range(10)]
    grown = feed(UltraFeedback(criticise=False, pair="best_worst", aspects=["helpfulness"]), data=data)
    by_source = {"flan": Counter(), "truthful_qa": Counter()}
    for row in grown.rows:
        source = json.loads(row["extras"])["meta"]["conditions"]["source"]
        by_source[source].update(one["principle"] for one in completions(row))
    assert set(by_source["truthful_qa"]) == {"truthfulness"}
    total = by_source["flan"].total()
    for name, share in MIX["flan"].items():
        assert abs(by_source["flan"][name] - share * total) < 3 * (total * share * (1 - share)) ** 0.5 + 1, by_source["flan"]
    systems = {one["system"] for row in grown.rows for one in completions(row) if one["principle"] == "helpfulness"}
    assert systems <= set(PRINCIPLES["helpfulness"]) and len(systems) > 7
    assert [len(texts) for texts in PRINCIPLES.values()] == [11, 11, 11, 1]


def test_a_principle_is_told_to_the_writer_and_named_to_the_critic():
    grown, asked = plain()
    said = {completion["response"]: completion["system"] for row in grown.rows for completion in completions(row)}
    for model in grown.models:
        for request in model.requests:
            assert [message["role"] for message in request.messages] == ["system", "user"] and request.temperature == 1.0
    shown = [asked_of(request) for request in asked if "Overall Score" in asked_of(request)]
    assert shown and all(any(system in prompt for system in said.values()) for prompt in shown)
    assert all(request.temperature == 0.0 and request.top_p == 0.6 for request in asked)


def test_invariant_2_ratings_come_back_to_the_text_that_was_rated_whatever_the_order():
    grown, asked = plain()
    for row in grown.rows:
        for one in completions(row):
            assert {found["rating"] for found in one["annotations"].values()} == {quality(one["response"])}
    first = Counter()
    for request in asked:
        prompt = asked_of(request)
        if texts := re.findall(r"\[Text \d+\]\n(.*?)\n\[End", prompt):
            first[next(i for row in grown.rows for i, one in enumerate(completions(row)) if one["response"] == texts[0])] += 1
    assert len(first) == 4, "every answer stands first at times"


def test_invariant_2_a_judge_that_looks_at_places_alone_prefers_no_model():
    grown = feed(judge=lambda request: judge(request, rate=lambda text, aspect, place: 6 - place if place < 5 else 1), data=PROMPTS)
    sums = Counter()
    for row in grown.rows:
        for at, one in enumerate(completions(row)):
            sums[at] += sum(found["rating"] for found in one["annotations"].values())
    means = [sums[at] / (4 * len(grown.rows)) for at in range(4)]
    assert all(2.5 < value < 4.5 for value in means), means


@pytest.mark.parametrize(("said", "value"), [("10", 10), ("1", 1), ("8/10", 8), ("**9**", 9)])
def test_invariant_3_scores_are_read_exactly(said, value):
    assert critique(Reply(f"Feedback: Good.\n**Overall Score:** {said}")) == ("Good.", value)


@pytest.mark.parametrize("said", ["11", "0", "1-10", "ten", "85%"])
def test_invariant_3_what_is_no_score_from_1_to_10_is_refused(said):
    with pytest.raises(Failure) as caught:
        critique(Reply(f"Feedback: Good.\nOverall Score: {said}"))
    assert caught.value.reason in ("no_score", "score_out_of_range")


def test_invariant_3_the_best_overall_score_is_never_read_as_the_worst():
    grown = feed(UltraFeedback(by="overall", pair="best_worst"))
    assert len(grown.rows) == len(PROMPTS)
    for row in grown.rows:
        assert {one["overall_score"] for one in completions(row)} == {2.0 * quality(one["response"]) for one in completions(row)}
        assert quality(row["chosen"]) == max(quality(one["response"]) for one in completions(row))


def test_invariant_4_not_applicable_enters_no_mean():
    assert mean([4, None, 5]) == 4.5 and mean([None, None]) is None and mean([]) is None
    by_na = lambda text, aspect, place: "N/A" if aspect == "honesty" else quality(text)  # noqa: E731
    grown = feed(judge=lambda request: judge(request, rate=by_na))
    assert all(row["chosen_score"] == quality(row["chosen"]) for row in grown.rows)
    assert all(one["annotations"]["honesty"]["rating"] is None for row in grown.rows for one in completions(row))


def test_invariant_4_without_any_rating_an_answer_has_no_score_and_is_in_no_pair():
    method = UltraFeedback(aspects=["honesty"], criticise=False, pair="all")
    na = lambda text, aspect, place: "N/A" if quality(text) > 3 else quality(text)  # noqa: E731
    grown = feed(method, judge=lambda request: judge(request, rate=na))
    assert grown.rows and all(quality(row["chosen"]) <= 3 for row in grown.rows)
    nothing = feed(method, judge=lambda request: judge(request, rate=lambda *_: "N/A"))
    assert not nothing.rows and {row["reason"] for row in nothing.rejected} == {"no_scores"}


@pytest.mark.parametrize("aspect", ["instruction_following", "truthfulness", "helpfulness"])
def test_not_applicable_is_an_answer_for_honesty_alone(aspect):
    with pytest.raises(Failure):
        ratings_parser(aspect, 1)(Reply(block(1, "N/A", aspect)))
    assert ratings_parser("honesty", 1)(Reply(block(1, "N/A", "honesty")))[0]["rating"] is None


@pytest.mark.parametrize("pair", ["best_random", "best_worst", "all"])
def test_invariant_5_chosen_is_strictly_better_and_both_answer_the_same_prompt(pair):
    grown = feed(UltraFeedback(pair=pair))
    assert grown.rows
    for row in grown.rows:
        assert row["chosen_score"] > row["rejected_score"] and row["margin"] == row["chosen_score"] - row["rejected_score"] > 0
        texts = [one["response"] for one in completions(row)]
        assert row["chosen"] in texts and row["rejected"] in texts and row["seed_ids"]
        if pair != "all":
            assert quality(row["chosen"]) == max(map(quality, texts))
        if pair == "best_worst":
            assert quality(row["rejected"]) == min(map(quality, texts))


def test_invariant_5_answers_that_tie_give_no_pair():
    grown = feed(judge=lambda request: judge(request, rate=lambda *_: 3))
    assert not grown.rows and Counter(row["reason"] for row in grown.rejected) == {"tie": len(PROMPTS)}
    assert all(len(completions(row)) == 4 for row in grown.rejected), "what was said of them is kept"


def test_the_worse_one_is_drawn_among_all_that_are_worse():
    method, rng = UltraFeedback(), random.Random(0)
    answers = [Completion("m", "p", "s", str(score), fine_grained_score=float(score)) for score in (5, 5, 4, 2, 1)]
    drawn = {(one.response, other.response) for one, other in (method.pairs(answers, rng)[0] for _ in range(99))}
    assert drawn == {("5", "4"), ("5", "2"), ("5", "1")}


def test_invariant_6_twelve_calls_a_prompt():
    grown, _ = plain()
    assert grown.outcome.calls == 12 * len(PROMPTS)
    assert feed(UltraFeedback(answers=3, aspects=["helpfulness"], criticise=False)).outcome.calls == 4 * len(PROMPTS)


def test_the_judge_of_truthfulness_alone_is_told_what_is_known():
    data = [
        {"prompt": "Capital of Australia?", "correct_answers": ["Canberra"], "incorrect_answers": ["Sydney"], "knowledge": "Asked often."}
    ]
    judge_model = ScriptedModel(judge, name="the-judge")
    feed(data=data, more={"judge": [judge_model]})
    told = {aspect_of(asked_of(r)): asked_of(r) for r in judge_model.requests if "Overall" not in asked_of(r)}
    assert "[Known]\nAsked often.\nCorrect answers: Canberra\nWrong answers: Sydney\n" in told["truthfulness"]
    assert not any("Canberra" in prompt for aspect, prompt in told.items() if aspect != "truthfulness")


def test_an_answer_that_was_cut_off_is_rejected_alone_and_judged_by_nobody():
    def cut(request):
        return Reply("An answer of quality 5 that", finish="length")

    grown = feed(models=(writer, writer, writer, cut))
    assert len(grown.rows) == len(PROMPTS) and Counter(row["reason"] for row in grown.rejected) == {"truncated": len(PROMPTS)}
    assert all(len(completions(row)) == 3 for row in grown.rows)
    lost = feed(models=(writer, cut, cut, cut))
    assert not lost.rows and Counter(row["reason"] for row in lost.rejected)["too_few_answers"] == len(PROMPTS)


def test_ratings_that_stay_unreadable_reject_the_prompt_and_a_lost_critique_does_not():
    unreadable = feed(UltraFeedback(reasks=1), judge=lambda request: Reply("They are all fine."))
    assert Counter(row["reason"] for row in unreadable.rejected) == {"not_all_judged": len(PROMPTS)}
    silent = feed(UltraFeedback(reasks=0), judge=lambda r: Reply("Fine.") if "Overall Score" in asked_of(r) else judge(r))
    assert len(silent.rows) == len(PROMPTS) and all(one["overall_score"] is None for one in completions(silent.rows[0]))


def test_rows_end_the_run_and_a_shortage_is_told():
    assert len(feed(UltraFeedback(rows=5)).rows) == 5
    pairs = feed(UltraFeedback(rows=9, pair="all"))
    assert len(pairs.rows) == 9 and pairs.outcome.calls < 12 * len(PROMPTS)
    short = feed(UltraFeedback(rows=20))
    assert "14 short of 20 rows" in short.outcome.warnings[0]


def test_a_replys_parts_are_kept():
    reply = (
        "#### Text 1\nType: 1, 3\nRationale: It says\nParis twice.\nRating: 2\nRationale For Rating: Two errors.\n#### Text 2\nType: None\n"
    )
    first, second = ratings_parser("truthfulness", 2)(Reply(reply + "Rationale: Clean.\nRating: 5/5\nRationale For Rating: Nothing wrong."))
    assert first == {"rating": 2, "type": [1, 3], "type_rationale": "It says\nParis twice.", "rationale": "Two errors."}
    assert second["type"] == [] and second["rating"] == 5


def test_role_models_of_one_identity_are_one_writer():
    model = ScriptedModel(writer, name="same")
    with pytest.raises(RequestError, match="has 1"):
        grow(UltraFeedback(), writer, data={"prompts": PROMPTS}, roles={"generator": [model] * 4})
    assert RoleModel(model).identity

"""ProGen: the invariants of its card by name, then what is ours."""

import json
import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.methods.classification import _helpful
from tilth.methods.classification._helpful import Judge, influence
from tilth.methods.classification.progen import ProGen, covered
from tilth.models.base import Capabilities
from train.noisy import auroc, gaussians

TASK = {"about": "Film reviews.", "labels": {"good": "likes it", "bad": "hates it"}}
CHATS = Capabilities(seed=True)
WORDS = {
    "good": ["superb", "lovely", "moving", "witty", "charming", "gripping"],
    "bad": ["awful", "dull", "clumsy", "tedious", "shallow", "lifeless"],
}
THINGS = ["plot", "cast", "music", "pace", "ending", "humour", "camera", "dialogue", "script", "lighting"]
SHOWN = re.compile(r'(?:^|\n)(?:Review: |- )"(.*?)"')


def text(label, n):
    """A review of ten words or more; one in five is written for the other label, as models do."""
    label = {"good": "bad", "bad": "good"}[label] if n % 5 == 0 else label
    words, things = WORDS[label], [THINGS[(n // 7 + k) % 10] for k in range(2)]
    return f"the {things[0]} was {words[n % 6]} and the {things[1]} was {words[n // 6 % 6]} in take number {n}"


def wanted(asked):
    return "good" if re.search(r"(One|Write one) good review", asked) else "bad"


def writes(request):
    return text(wanted(asked_of(request)), request.seed) + '" and more'


def chats(request):
    return json.dumps({"text": text(wanted(asked_of(request)), request.seed)})


def small(**more):
    return ProGen(**{"rows": 160, "kind": "review", "first": 20, "shots": 3, "pool": 6, "validation": 20, "influence_from": 40, **more})


def progen(reply=writes, seed=0, can=None, **more):
    return grow(small(**more), reply, task=TASK, seed=seed, can=can)


def sometimes_short(request):
    return "too short" if request.seed % 7 == 0 else writes(request)


SCENARIO = Scenario(small(rows=60, first=15, validation=10, influence_from=20), sometimes_short, task=TASK)
LOCAL = {"parameters": {"attempts": 6, "min_words": 3}}


def conditions(row):
    return json.loads(row["extras"])["meta"]["conditions"]


def shown_in(prompt):
    return SHOWN.findall(prompt)


def table_of(grown):
    return json.loads((grown.folder / "artifacts" / "influence.json").read_text("utf-8"))


@pytest.fixture
def checkpoints(monkeypatch):
    """Each ranking: rows by id, their influence, the pool's ids by label, the ids set aside; and what the student learned."""
    found = []
    keep, rank, real = Judge._keep, Judge.rank, _helpful.influences

    def kept(self, values, first):
        rows = {row.id: row for row in self.rows}
        found[-1] |= {"rows": rows, "influence": {self.rows[at].id: value for at, value in values.items()}}
        keep(self, values, first)

    async def ranked(self, fresh):
        pool = await rank(self, fresh)
        if pool:
            ids = {label: [row.id for row in rows] for label, rows in pool.items()}
            found[-1] |= {"pool": ids, "held": {self.rows[at].id for at in self.held}}
        return pool

    def learned(train, targets, others, other_targets, **more):
        found.append({"learned": train, "others": others})
        return real(train, targets, others, other_targets, **more)

    monkeypatch.setattr(Judge, "_keep", kept)
    monkeypatch.setattr(Judge, "rank", ranked)
    monkeypatch.setattr(_helpful, "influences", learned)
    return found


# ---- the card's invariants ---------------------------------------------------------------------------------------


def flipped(seed, other_noise, n=300):
    rng = np.random.default_rng(seed)
    (x, y), (v, u) = gaussians(rng, n), gaussians(rng, n)
    wrong, doubtful = rng.random(n) < 0.3, rng.random(n) < other_noise
    return x, [int(one) for one in np.where(wrong, 1 - y, y)], wrong, v, [int(one) for one in np.where(doubtful, 1 - u, u)]


def test_invariant_1_a_harmful_row_has_a_positive_influence():
    x, y, wrong, v, u = flipped(0, 0.0)
    found = np.array(influence(x, y, v, u, 1.0))
    assert found[wrong].mean() > 0 > found[~wrong].mean()


@pytest.mark.parametrize(("noise", "least"), [(0.0, 0.85), (0.3, 0.75), (0.4, 0.6)])
def test_invariant_2_and_3_wrong_rows_are_found_also_where_the_validation_rows_are_as_wrong(noise, least):
    found = [auroc(np.array(influence(x, y, v, u, 1.0)), wrong) for x, y, wrong, v, u in (flipped(seed, noise) for seed in range(4))]
    assert np.mean(found) > least, found


def test_invariant_4_validation_rows_are_never_learned_from_and_never_shown(checkpoints):
    grown = progen()
    assert [len(one["rows"]) for one in checkpoints] == [40, 80, 160]
    assert all(one["held"] == checkpoints[0]["held"] and len(one["held"]) == 20 for one in checkpoints), "V is drawn once"
    for one in checkpoints:
        assert len(one["learned"]) == len(one["rows"]) - 20 and len(one["others"]) == 20
        assert not {row.tobytes() for row in one["learned"]} & {row.tobytes() for row in one["others"]}
        assert set(one["influence"]) == set(one["rows"]) - one["held"]
        assert not {id_ for ids in one["pool"].values() for id_ in ids} & one["held"]
    aside = {row["text"] for row in grown.rows if row["id"] in checkpoints[0]["held"]}
    assert len(aside) == 20 and not aside & {shown for prompt in grown.prompts for shown in shown_in(prompt)}
    assert {row["id"] for row in table_of(grown) if row["validation"]} == checkpoints[0]["held"]


def test_invariant_5_the_pool_is_the_most_helpful_rows_of_each_class_and_all_are_below_zero(checkpoints):
    progen(pool=6)
    for one in checkpoints:
        for label, ids in one["pool"].items():
            helpful = sorted(value for id_, value in one["influence"].items() if one["rows"][id_]["label"] == label and value < 0)
            assert [one["influence"][id_] for id_ in ids] == helpful[:6] and ids


def test_invariant_5_a_pool_is_not_filled_up_with_harmful_rows(checkpoints):
    progen(pool=500)
    for one in checkpoints:
        assert {id_ for ids in one["pool"].values() for id_ in ids} == {id_ for id_, value in one["influence"].items() if value < 0}


def test_invariant_5_demonstrations_are_of_the_pool_and_share_the_label_of_the_request(checkpoints):
    grown = progen()
    label_of = {row["text"]: row["label"] for row in grown.rows}
    behind = [(wanted(prompt), shown_in(prompt)) for prompt in grown.prompts]
    assert sum(bool(shown) for _, shown in behind) > 30
    for label, shown in behind:
        assert all(label_of[text] == label for text in shown) and len(shown) in (0, 3) and len(set(shown)) == len(shown)
    pooled = {one["rows"][id_]["text"] for one in checkpoints for ids in one["pool"].values() for id_ in ids}
    assert {text for _, shown in behind for text in shown} <= pooled


@pytest.mark.parametrize("feedback", [0.5, 0.0, 1.0])
def test_invariant_5_about_the_feedback_ratio_of_the_prompts_carry_them(feedback):
    grown = progen(feedback=feedback)
    late = [bool(shown_in(prompt)) for prompt in grown.prompts[40:]]
    assert abs(np.mean(late) - feedback) <= 3 * np.sqrt(feedback * (1 - feedback) / len(late))


def test_invariant_6_a_copy_of_a_demonstration_is_rejected_with_its_reason():
    def copies(request):
        shown = shown_in(asked_of(request))
        return f'{shown[0]} again"' if shown and request.seed % 2 else writes(request)

    grown = progen(copies)
    copied = [row for row in grown.rejected if row["reason"] == "copied_demonstration"]
    assert len(grown.rows) == 160 and not any(row["text"].endswith("again") for row in grown.rows)
    again = [row for row in copied if row["text"].endswith("again")]
    assert len(again) > 10 and all(row["score"] == 1 and row["neighbour"] in row["parents"] for row in again)


def test_invariant_6_what_counts_is_how_much_of_the_demonstration_comes_back():
    assert covered("a fine film", "A FINE film, and a very long text about many other things") == 1.0
    assert covered("one two three four five six seven eight nine ten", "one two three") == pytest.approx(0.3)
    assert covered("", "anything") == 0.0


def test_invariant_7_before_the_configured_number_of_rows_nothing_is_shown():
    grown = progen(influence_from=80)
    assert not any(shown_in(prompt) for prompt in grown.prompts[:80]) and any(shown_in(prompt) for prompt in grown.prompts[80:])
    never = progen(influence_from=161)
    assert not any(shown_in(prompt) for prompt in never.prompts)
    assert "progen: rows were never ranked, so none was shown: 160 rows, ranked from 161 on." in never.outcome.warnings


# ---- ours --------------------------------------------------------------------------------------------------------


def test_published_sizes_hold_for_large_runs_and_shrink_for_small_ones():
    assert ProGen().sizes(200_000) == (10_000, 1000)
    assert ProGen().sizes(600) == (150, 50)
    assert ProGen(influence_from=300, validation=7).sizes(200_000) == (300, 7)


def test_rows_are_balanced_over_all_rounds_and_carry_their_round_and_influence():
    grown = progen()
    assert Counter(row["label"] for row in grown.rows) == {"good": 80, "bad": 80}
    rounds = [row["round"] for row in grown.rows]
    assert Counter(rounds) == {0: 20, 1: 20, 2: 40, 3: 80} and rounds == sorted(rounds)
    scores = {row["id"]: {one["name"]: one["value"] for one in row["scores"] or ()} for row in grown.rows}
    ranked = [row["id"] for row in grown.rows if scores[row["id"]].get("influence") is not None]
    aside = [row["id"] for row in table_of(grown) if row["validation"]]
    assert set(ranked) == {row["id"] for row in grown.rows[20:]} - set(aside), "the first round was over before rows were ranked"
    last = {row["id"]: row["influence"] for row in table_of(grown)}
    assert all(scores[row["id"]]["influence"] == last[row["id"]] for row in grown.rows[80:])


def test_demonstrations_name_no_label_and_the_request_does():
    for can, reply in ((None, writes), (CHATS, chats)):
        grown = progen(reply, can=can)
        shown = [prompt for prompt in grown.prompts if shown_in(prompt)]
        assert shown
        for prompt in shown:
            block = prompt[: prompt.index("One " if can is None else "Write one")]
            assert not re.search(r"\b(good|bad)\b", block)


def test_parents_are_the_rows_that_were_shown():
    grown = progen()
    ids = {row["id"] for row in table_of(grown)}
    parents = [row["parents"] for row in grown.rows if row["parents"]]
    assert parents and all(len(one) == 3 and set(one) <= ids for one in parents)


def test_duplicates_are_found_across_rounds():
    def repeats(request):
        return text(wanted(asked_of(request)), request.seed % 60) + '"'

    grown = progen(repeats, rows=80, attempts=400)
    texts = [(row["text"], row["label"]) for row in grown.rows]
    assert len(set(texts)) == len(texts) and "duplicate" in {row["reason"] for row in grown.rejected}


def test_contexts_go_on_where_the_round_before_left_off():
    def titled(request):
        return f'Title {request.seed}"' if asked_of(request).endswith('film: "') else writes(request)

    grown = progen(titled, context_kind="film", entries=10, rows=80, feedback=0.0)
    used = defaultdict(Counter)
    for row in grown.rows:
        used[row["label"]][conditions(row)["context"]] += 1
    assert all(list(of.values()) == [10, 10, 10, 10] for of in used.values())


def test_without_two_classes_to_learn_nothing_is_helpful():
    rows = np.eye(4)
    assert influence(rows, [1, 1, 1, 1], rows, [0, 1, 0, 1], 1.0) == [0.0] * 4
    assert influence(rows, [0, 1, 0, 1], rows, [2, 2, 2, 2], 1.0) == [0.0] * 4


@pytest.mark.parametrize("concurrency", [7, 64])
def test_any_concurrency_gives_the_same_rows(concurrency):
    serial = grow(small(rows=60), sometimes_short, task=TASK, concurrency=1)
    parallel = grow(small(rows=60), sometimes_short, task=TASK, concurrency=concurrency, latency=(0.0, 0.002))
    assert (serial.rows, serial.rejected) == (parallel.rows, parallel.rejected)


def test_as_many_rows_of_each_label_are_set_aside(checkpoints):
    progen()
    for one in checkpoints:
        assert Counter(one["rows"][id_]["label"] for id_ in one["held"]) == {"good": 10, "bad": 10}

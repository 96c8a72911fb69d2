"""Soft prompting (MSP): the invariants of its card by name, then what is ours."""

import json
import re
import sys

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import MissingExtra, RequestError
from tilth.methods.classification import _tuning, soft_prompting
from tilth.methods.classification.soft_prompting import SoftPrompting
from tilth.score.noise import evenness, histogram, noise, quietest
from tilth.train.mixtures import mix, parameters
from tilth.train.ngram import NgramLM
from tilth.train.soft_prompts import INSTRUCTION, SoftPrompts
from tilth.train.tunable import Decoding, State
from train.tuning import ABOUT, MARKS, THINGS, complaints, corpus, prompts, shares, tuned

MIXTURES = ["concat", "pooling", "attention", "bottleneck"]


# ---- the card's invariants ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mixture", ["concat", "attention"])
def test_invariant_1_after_fit_the_base_is_unchanged_and_only_prompts_and_mixture_changed(mixture):
    lm = NgramLM.of(corpus())
    made = prompts(mixture, lm=lm)
    before, arrays = lm.digest(), made.state().arrays
    bits = {"embedding": lm.embedding.tobytes(), "counts": [(ids.tobytes(), n.tobytes()) for ids, n in lm.counts.values()]}
    state = made.fit(*complaints())
    assert lm.digest() == before == state.settings["base_digest"] == made.base_digest()
    assert bits == {"embedding": lm.embedding.tobytes(), "counts": [(ids.tobytes(), n.tobytes()) for ids, n in lm.counts.values()]}
    assert set(state.arrays) == set(arrays) and all(not np.array_equal(arrays[name], state.arrays[name]) for name in arrays)
    assert {name.split(":")[0] for name in arrays} <= {INSTRUCTION, "attribute", "mixture"}


def test_prompts_begin_as_the_words_of_their_descriptions_repeated_to_fill():
    lm = NgramLM.of(corpus())
    arrays = prompts(lm=lm, length=11).state().arrays
    words = lm.vectors(ABOUT["late"]).astype(np.float32)
    assert 1 < len(words) < 11 and np.array_equal(arrays["attribute:late"], np.resize(words, (11, lm.dimension)))


@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_invariant_2_concat_has_as_many_vectors_as_its_attributes_the_others_as_one(mixture, k):
    rng = np.random.default_rng(k)
    stack, inputs, learned = rng.normal(size=(k, 20, 16)), rng.normal(size=(7, 16)), parameters(mixture, 16, rng)
    found = mix(mixture, stack, inputs, learned)
    assert found.value.shape == ((20 * k, 16) if mixture == "concat" else (20, 16))
    if mixture == "pooling":
        assert np.allclose(found.value, stack.mean(axis=0))
    if k == 1:
        assert np.allclose(found.value, stack[0])
    if mixture in ("attention", "bottleneck"):
        assert np.allclose(found.value, np.einsum("kl,kld->ld", found.shares, stack))
        assert found.shares.shape == (k, 20) and np.allclose(found.shares.sum(axis=0), 1) and (found.shares > 0).all()


def test_invariant_3_pooling_does_not_hear_the_order_and_concat_keeps_it():
    rng = np.random.default_rng(0)
    stack, inputs = rng.normal(size=(3, 20, 16)), rng.normal(size=(7, 16))
    turned = stack[[2, 0, 1]]
    assert np.allclose(mix("pooling", stack, inputs, {}).value, mix("pooling", turned, inputs, {}).value)
    assert np.array_equal(mix("concat", turned, inputs, {}).value, np.vstack([stack[2], stack[0], stack[1]]))
    pooled, joined = prompts("pooling"), prompts("concat")
    assert np.allclose(pooled.prompt(("late", "dirty")), pooled.prompt(("dirty", "late")))
    arrays = joined.state().arrays
    ordered = np.vstack([arrays[name] for name in (INSTRUCTION, "attribute:late", "attribute:dirty")])
    assert np.array_equal(joined.prompt(("late", "dirty")), ordered)


def test_invariant_4_an_unknown_attribute_raises_before_anything_is_computed():
    class Untouched(NgramLM):
        def write(self, *given):
            raise AssertionError("asked to write")

        losses = read = write

    made = prompts(lm=Untouched.of(corpus()))
    calls = [
        lambda: made.sample(("late", "blue"), 3),
        lambda: made.score("x", ("blue",)),
        lambda: made.fit(["x", "y"], [("late",), ("blue",)]),
    ]
    for call in calls:
        with pytest.raises(RequestError, match="'blue' was never tuned. There are: late, dirty, dear"):
            call()


@pytest.mark.parametrize("mixture", ["concat", "bottleneck"])
def test_invariant_5_saved_and_loaded_conditions_write_the_same(mixture, tmp_path):
    made = tuned(mixture)
    made.state().save(tmp_path / "state.json")
    other = prompts(mixture)
    other.restore(State.load(tmp_path / "state.json"))
    decoding = Decoding(seed=4)
    assert other.sample(("late", "dear"), 8, decoding) == made.sample(("late", "dear"), 8, decoding)
    assert other.sample(("late",), 8, decoding) != prompts(mixture).sample(("late",), 8, decoding)
    assert State.unpacked(made.state().packed()).digest() == made.state().digest() == State.load(tmp_path / "state.json").digest()


@pytest.mark.parametrize("mixture", MIXTURES)
def test_invariant_6_two_attributes_are_written_together_more_often_than_by_either_alone(mixture):
    made = tuned(mixture)
    both, late, dirty = (shares(made, one)["both"] for one in (("late", "dirty"), ("late",), ("dirty",)))
    assert both > 0.15 and both > 3 * max(late, dirty), (both, late, dirty)
    assert shares(made, ("late",))["late"] > 0.8 > 0.3 > shares(made, ("late",))["dirty"]


def unit(*rows):
    found = np.array(rows, dtype=np.float64)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


SEEDED = [["common"]] * 9 + [["common", "rare"]]


def test_invariant_7_noise_lies_between_0_and_one_and_a_half_and_is_least_for_the_seed_itself_with_rare_attributes():
    vectors = unit([1, 0], [1, 0], [0, 1], [-1, 0])
    seeds = unit(*[[1, 0]] * 4)
    found = noise([["rare"], ["common"], ["common", "rare"], ["common"]], SEEDED, vectors, seeds)
    assert found == pytest.approx([0.05, 0.5, 0.5 * 0.55 + 0.5, 1.5])
    rng = np.random.default_rng(0)
    many = noise([["common"], ["rare"]] * 50, SEEDED, unit(*rng.normal(size=(100, 3))), unit(*rng.normal(size=(100, 3))))
    assert many.min() >= 0 and many.max() <= 1.5 and found.argmin() == 0


def test_invariant_7_one_cut_over_all_keeps_the_requested_number_and_the_histogram_grows_flatter():
    rng = np.random.default_rng(1)
    attributes = [["common"], ["rare"], ["common", "rare"]] * 40
    vectors = unit(*rng.normal(size=(120, 4)) * 0.2 + 1)
    values = noise(attributes, SEEDED, vectors, unit(*[[1, 1, 1, 1]] * 120))
    kept = quietest(values, [f"{k:03d}" for k in range(120)], 50)
    assert len(kept) == 50 and max(values[kept]) <= min(np.delete(values, kept))
    assert [values[at] for at in kept] == sorted(values[kept])
    before, after = histogram(SEEDED), histogram([attributes[at] for at in kept])
    assert before == {"common": 10, "rare": 1} and evenness(after) > evenness(before)
    assert after["rare"] > after["common"], "no quota: what is rare among the seeds wins"


def test_invariant_8_equal_noise_is_ordered_by_id_and_an_attribute_that_no_seed_has_is_frequency_0():
    assert quietest([0.5, 0.5, 0.1, 0.5], ["c", "a", "z", "b"], 3) == [2, 1, 3]
    assert quietest([], [], 3) == [] and quietest([0.5], ["a"], 9) == [0]
    same = unit([1, 0])
    assert noise([["unheard"]], SEEDED, same, same) == [0.0] and noise([[]], SEEDED, same, same) == [0.0]
    assert noise([["unheard", "common"]], SEEDED, same, same) == [0.25]


# ---- the method --------------------------------------------------------------------------------------------------

SMALL = {"epochs": 3, "length": 6, "instruction_length": 8, "dimension": 48, "repetition_penalty": 1.0, "max_tokens": 30}


def support(n=24):
    rows, conditions = complaints(n)
    return [{"text": text, "attributes": list(names)} for text, names in zip(rows, conditions, strict=True)]


def described(request):
    name = re.search(r"attribute '(.*?)'", asked_of(request)).group(1)
    return "I cannot help with that." if name == "kind07" else f"It speaks of {name} things."


def soft(reply=described, *, rows=None, data=None, task=None, **parameters):
    given = {"support": data or support()}
    return grow(SoftPrompting(**{**SMALL, "rows": rows, **parameters}), reply, task=task, data=given)


def meta(row):
    return json.loads(row["extras"])["meta"]


def artifact(grown, name):
    return json.loads((grown.folder / "artifacts" / f"{name}.json").read_text("utf-8"))


KINDS = [{"text": f"the {THINGS[k % 4]} of kind {k:02d} was {k}.", "attributes": [f"kind{k:02d}", "all"]} for k in range(12)]
QUICK = {**SMALL, "epochs": 1, "dimension": 16}
SCENARIO = Scenario(SoftPrompting(rows=16, describe=True, **QUICK), described, data={"support": KINDS})
LOCAL = {"data": {"support": KINDS[:6]}}


def test_rows_hold_text_attributes_seed_mixture_and_noise_and_attributes_are_of_seeds():
    grown = soft(rows=20)
    seeds = {tuple(row["attributes"]) for row in support()}
    for row in grown.rows:
        assert 1 <= len(row["attributes"]) <= 2 and set(row["attributes"]) <= set(MARKS) and len(row["text"]) > 1
        assert len(row["seed_ids"]) == 1 and meta(row)["conditions"]["mixture"] == "attention"
        assert {one["name"] for one in row["scores"]} == {"logprob", "noise"} and row["text"] not in {one["text"] for one in support()}
        assert meta(row)["conditions"]["new"] in (True, False)
    assert len(grown.rows) == 20 and {tuple(row["attributes"]) for row in grown.rows} & seeds


def noise_of(row):
    return {one["name"]: one["value"] for one in row["scores"]}["noise"]


def test_the_quietest_stay_by_one_cut_and_the_artifacts_tell_what_became_of_the_attributes():
    grown = soft(rows=20, tries=8)
    kept = [noise_of(row) for row in grown.rows]
    dropped = [row["score"] for row in grown.rejected if row["reason"] == "noisy"]
    assert dropped and kept == sorted(kept) and max(kept) <= min(dropped)
    told = artifact(grown, "attributes")
    assert told["counts"]["seeds"] == histogram([row["attributes"] for row in support()])
    assert told["counts"]["kept"] == histogram([row["attributes"] for row in grown.rows])
    assert set(told["evenness"]) == {"seeds", "written", "kept"} and len(told["losses"]) == 3 and told["losses"][-1] < told["losses"][0]


def test_new_combinations_join_two_seeds_and_are_never_wider_than_the_widest_seed():
    assert not any(meta(row)["conditions"]["new"] for row in soft(novel=0.0, rows=20).rows)
    wide = soft(novel=1.0, rows=40)
    assert any(meta(row)["conditions"]["new"] for row in wide.rows)
    assert max(len(row["attributes"]) for row in wide.rows + wide.rejected) == 2


def test_wanted_combinations_are_written_and_unknown_ones_refused_before_anything_else():
    grown = soft(combinations=[["dear", "late"]], rows=6)
    assert {tuple(row["attributes"]) for row in grown.rows} == {("dear", "late")}
    with pytest.raises(RequestError, match="combinations names 'blue', which no seed has. There are: dear, dirty, late"):
        soft(combinations=[["blue"]], describe=True)


def test_texts_are_written_under_their_own_conditions():
    """Marks of an attribute are more frequent in the texts that shall have it."""
    grown = soft(novel=0.0, rows=60, epochs=14, tries=4, data=support(48))
    rows = grown.rows + [row for row in grown.rejected if row["text"]]
    for name, words in MARKS.items():
        found = {True: [], False: []}
        for row in rows:
            found[name in row["attributes"]].append(any(word in row["text"] for word in words))
        assert np.mean(found[True]) > 0.4 > 0.13 > np.mean(found[False]), (name, np.mean(found[True]), np.mean(found[False]))


def test_copies_of_seeds_and_texts_without_a_value_are_turned_away_by_name():
    grown = soft(rows=30, values={"late": ["late"]}, per_seed=1, tries=4)
    reasons = {row["reason"] for row in grown.rejected}
    assert {"copied", "value_missing"} <= reasons
    assert all("late" in row["text"] for row in grown.rows if "late" in row["attributes"])
    real = {row["text"] for row in support()}
    assert all(row["text"] in real for row in grown.rejected if row["reason"] == "copied")


def test_texts_that_did_not_end_are_turned_away():
    grown = soft(rows=20, max_tokens=9)
    cut = [row for row in grown.rejected if row["reason"] == "unfinished"]
    assert cut and all(len(re.findall(r"\w+|[.]", row["text"])) == 9 for row in cut)
    assert all(row["text"].endswith(".") or len(row["text"].split()) < 9 for row in grown.rows)


def test_a_seed_is_never_shown_before_itself_and_only_with_seeds_that_share_an_attribute(monkeypatch):
    seen = {}

    def spied(given, corpus, rows, conditions, contexts, objective):
        seen.update(rows=rows, conditions=conditions, contexts=contexts)
        return real(given, corpus, rows, conditions, contexts, objective)

    real = soft_prompting.tuned
    monkeypatch.setattr(soft_prompting, "tuned", spied)
    soft(rows=4)
    by_text = {row["text"]: set(row["attributes"]) for row in support()}
    for text, condition, context in zip(seen["rows"], seen["conditions"], seen["contexts"], strict=True):
        shown = re.findall(r"Text: (.*)", context)
        assert len(shown) == 2 and text not in shown and all(by_text[one] & set(condition) for one in shown)
        assert context.endswith(f"Text about {', '.join(condition)}:")


def test_descriptions_come_from_the_task_else_from_the_generator_else_from_the_name():
    method = SoftPrompting(rows=8, describe=True, **QUICK)
    grown = grow(method, described, data={"support": KINDS}, task={"labels": {"kind01": "the first kind"}})
    about = artifact(grown, "conditions")["settings"]["attributes"]
    assert about["kind01"] == "the first kind" and about["kind02"] == "It speaks of kind02 things." and about["kind07"] == "kind07"
    assert len(grown.requests) >= 12 and not any("kind01" in prompt.split("\n")[0] for prompt in grown.prompts)
    assert not soft(rows=4).requests, "without describe no model is asked"


def test_what_was_tuned_is_an_artifact_that_can_be_taken_up_again(tmp_path):
    grown = soft(rows=4)
    state = State.load(grown.folder / "artifacts" / "conditions.json")
    seeds = support()
    about = state.settings["attributes"]
    made = SoftPrompts(NgramLM.of([row["text"] for row in seeds], dimension=48), about, length=6, instruction_length=8)
    made.restore(state)
    assert made.sample(("late",), 1)[0].text


def test_a_second_run_tunes_and_samples_nothing(monkeypatch):
    first = grow(SoftPrompting(rows=12, **SMALL), described, data={"support": support()}, folder="runs/same")

    def never(*given):
        raise AssertionError("computed again")

    monkeypatch.setattr(_tuning, "prompts_of", never)
    again = grow(SoftPrompting(rows=12, **SMALL), described, data={"support": support()}, folder="runs/same")
    assert again.rows == first.rows


def test_rows_default_to_so_many_for_each_seed_and_a_shortage_is_told():
    grown = soft(per_seed=1, tries=1, epochs=1)
    assert len(grown.rows) < 24
    told = r"soft-prompting: \d+ short of 24 rows: \d+ usable texts were written. More: tries."
    assert any(re.fullmatch(told, one) for one in grown.outcome.warnings)


def test_attributes_may_be_a_text_and_rows_without_them_are_turned_away():
    rows = [{"text": row["text"], "attributes": "; ".join(row["attributes"])} for row in support()]
    grown = soft(data=[*rows, {"text": "the train came.", "attributes": ""}, {"text": " ", "attributes": "late"}], rows=8)
    assert {row["reason"] for row in grown.rejected} >= {"no_attribute", "no_text"} and len(grown.rows) == 8
    assert [row["text"] for row in grown.rows] == [row["text"] for row in soft(rows=8).rows]


def test_a_generator_is_needed_only_to_describe():
    assert SoftPrompting().roles == {"embedder": 1} and SoftPrompting(describe=True).roles == {"generator": 1, "embedder": 1}


def test_what_wrote_the_texts_is_said():
    assert any("the texts are by a trigram model" in one for one in soft(rows=4).outcome.warnings)


def test_a_backend_that_is_not_there_is_said_before_the_first_call(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"needs torch. Install it with: pip install 'tilth\[train\]'"):
        soft(backend="smollm2-135m", describe=True, reply=lambda request: pytest.fail("asked"))


def test_no_attribute_at_all_is_a_wrong_request():
    with pytest.raises(RequestError, match="no row of 'support' has a text and attributes"):
        soft(data=[{"text": "x y", "attributes": []}])

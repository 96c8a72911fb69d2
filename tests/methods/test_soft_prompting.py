"""Soft prompting (MSP): the invariants of its card by name, then what is ours."""

import numpy as np
import pytest

from tilth.errors import RequestError
from tilth.score.noise import evenness, histogram, noise, quietest
from tilth.train.mixtures import mix, parameters
from tilth.train.ngram import NgramLM
from tilth.train.soft_prompts import INSTRUCTION
from tilth.train.tunable import Decoding, State
from train.tuning import complaints, corpus, prompts, shares, tuned

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


@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_invariant_2_concat_has_as_many_vectors_as_its_attributes_the_others_as_one(mixture, k):
    rng = np.random.default_rng(k)
    stack, inputs, learned = rng.normal(size=(k, 20, 16)), rng.normal(size=(7, 16)), parameters(mixture, 16, rng)
    found = mix(mixture, stack, inputs, learned)
    assert found.value.shape == ((20 * k, 16) if mixture == "concat" else (20, 16))
    if k == 1:
        assert np.allclose(found.value, stack[0])
    if mixture in ("attention", "bottleneck"):
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

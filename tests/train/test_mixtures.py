"""Mixtures of attribute prompts: shapes and weights are invariants of the card (tests/methods); here their gradients."""

import numpy as np
import pytest

from tilth.train.mixtures import mix, parameters

MIXTURES = ["concat", "pooling", "attention", "bottleneck"]


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("k", [1, 3])
def test_gradients_equal_finite_differences(name, k):
    rng = np.random.default_rng(k)
    stack, inputs = rng.normal(size=(k, 4, 16)), rng.normal(size=(5, 16))
    learned = parameters(name, 16, rng)
    wanted = rng.normal(size=mix(name, stack, inputs, learned).value.shape)
    by_stack, by_learned = mix(name, stack, inputs, learned).back(wanted)
    assert set(by_learned) == set(learned)
    for array, slope in [(stack, by_stack), *((learned[one], by_learned[one]) for one in learned)]:
        for place in [tuple(rng.integers(0, array.shape)) for _ in range(12)]:
            kept, ends = array[place], []
            for step in (1e-5, -1e-5):
                array[place] = kept + step
                ends.append(float((mix(name, stack, inputs, learned).value * wanted).sum()))
            array[place] = kept
            assert slope[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-7)


def test_attention_hears_the_input():
    rng = np.random.default_rng(0)
    stack, learned = rng.normal(size=(2, 4, 16)), parameters("attention", 16, rng)
    one, other = (mix("attention", stack, rng.normal(size=(3, 16)), learned).shares for _ in range(2))
    assert not np.allclose(one, other)

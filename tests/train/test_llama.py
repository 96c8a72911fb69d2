"""The embedded weights as a frozen model for soft prompts. Skipped without torch (extra 'train') or without the weights."""

import json
from collections import Counter

import numpy as np
import pytest

from tilth.errors import RequestError
from tilth.train.soft_prompts import SoftPrompts
from tilth.train.tunable import Decoding, Objective, State, Tunable

pytest.importorskip("torch", reason="needs the 'train' extra (torch)", exc_type=ImportError)
pytestmark = pytest.mark.slow

ABOUT = {"card": "about a bank card", "transfer": "about a transfer of money"}
ROWS = [
    ("my card was declined at the shop", ("card",)),
    ("the transfer has still not arrived", ("transfer",)),
    ("where is my new card?", ("card",)),
    ("why did my transfer fail?", ("transfer",)),
]


@pytest.fixture(scope="module")
def lm(local_model):
    from tilth.train.llama import Llama

    return Llama()


def prompts(lm, about=None):
    return SoftPrompts(lm, about or ABOUT, instruction="A customer writes to a bank.", length=3, instruction_length=4)


def ones(losses):
    return [np.ones(len(one)) for one in losses]


async def test_it_computes_what_the_engine_computes(lm):
    """Weights, norms, rotary positions and tokens: log-probabilities agree to a hundredth of a nat."""
    from tilth.models.local import LocalModel

    prompt = "Review: A wonderful film.\nSentiment: positive\n\nReview: I was bored to death.\nSentiment:"
    endings = ["negative", "positive", "a film that never ends"]
    expected = await LocalModel().score(prompt, [f" {one}" for one in endings])
    vectors = lm.vectors(prompt)
    found = [sum(p for _, p in lm.read(vectors, one, "")) for one in endings]
    assert found == pytest.approx(expected, abs=0.01)
    head, tail = prompt[:7], prompt[7:]  # words before the text count the same, given as vectors or as tokens
    assert sum(p for _, p in lm.read(lm.vectors(head), endings[0], tail)) == pytest.approx(expected[0], abs=0.01)


def test_the_gradient_by_the_prompt_is_that_of_the_loss(lm):
    rng = np.random.default_rng(0)
    prompt, way = lm.vectors("A customer writes"), rng.normal(size=(3, lm.dimension)) * 0.02
    loss = lambda given: sum(one.sum() for one in lm.losses([given], ["where is my card?"], ["Text:"], ones)[0])  # noqa: E731
    _, (slope,) = lm.losses([prompt], ["where is my card?"], ["Text:"], ones)
    step = 0.02
    assert (slope * way).sum() == pytest.approx((loss(prompt + step * way) - loss(prompt - step * way)) / (2 * step), rel=0.02)


def test_padding_changes_nothing(lm):
    prompt, long = lm.vectors("A customer"), "the transfer that I made on Monday evening has still not arrived anywhere"
    (alone,), (slope,) = lm.losses([prompt], ["where is it?"], [""], ones)
    (short, _), (padded, _) = lm.losses([prompt, prompt], ["where is it?", long], ["", "Text:"], ones)
    assert short == pytest.approx(alone, abs=1e-3) and np.allclose(padded, slope, atol=1e-2 * np.abs(slope).max())


def test_after_fit_the_weights_are_unchanged_and_the_loss_has_fallen(lm):
    made = prompts(lm)
    assert isinstance(made, Tunable) and made.can.soft_prompt
    before = lm.digest()
    state = made.fit([text for text, _ in ROWS], [names for _, names in ROWS], Objective(rate=0.02, batch=4, epochs=4))
    assert lm.digest() == before == state.settings["base_digest"]
    assert state.losses[-1] < state.losses[0] - 0.2, state.losses


def test_a_sampled_text_has_the_score_that_scoring_it_gives_and_a_state_brings_it_back(lm, tmp_path):
    made = prompts(lm)
    compared = 0
    for seed in range(4):
        decoding = Decoding(temperature=0.7, seed=seed, max_tokens=6)
        (written,) = made.sample(("card",), 1, decoding, context="Text:")
        assert written.tokens and "\n" not in "".join(piece for piece, _ in written.tokens)
        again = made.score(written.text, ("card",), context="Text:")
        if [piece for piece, _ in again] == [piece for piece, _ in written.tokens]:  # else it was cut into other tokens
            compared += 1
            assert [p for _, p in again] == pytest.approx([p for _, p in written.tokens], abs=0.01)
    assert compared
    made.state().save(tmp_path / "state.json")
    other = prompts(lm)
    other.restore(State.load(tmp_path / "state.json"))
    assert other.sample(("card",), 1, decoding, context="Text:") == [written]
    with pytest.raises(RequestError, match="'loan' was never tuned"):
        made.sample(("loan",), 1)


def test_the_loss_falls_on_real_rows(lm, shared):
    path = shared / "data" / "text_classification" / "banking77" / "train.jsonl"
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    labels = [label for label, _ in Counter(row["label"] for row in found).most_common(2)]
    rows = [row for label in labels for row in [row for row in found if row["label"] == label][:4]]
    made = prompts(lm, {label: label.replace("_", " ") for label in labels})
    state = made.fit([row["text"] for row in rows], [(row["label"],) for row in rows], Objective(rate=0.02, batch=4, epochs=3))
    assert state.losses[-1] < state.losses[0] - 0.2, state.losses

"""Tuning conditions for a frozen model: what the card of MSP demands is in tests/methods; here the machinery."""

import json

import numpy as np
import pytest

from tilth.errors import RequestError
from tilth.train.ngram import END, NgramLM, pieces
from tilth.train.soft_prompts import INSTRUCTION, Adam, SoftPrompts, summed
from tilth.train.tunable import Decoding, Hooks, Objective, State, Tunable, penalised, pick
from train.tuning import ABOUT, QUICK, complaints, corpus, prompts, tuned


@pytest.fixture(scope="module")
def lm():
    return NgramLM.of(corpus())


@pytest.fixture(scope="module")
def late(lm):
    return tuned(lm=lm)


def test_it_keeps_the_protocol_and_says_what_can_be_tuned(late):
    assert isinstance(late, Tunable)
    assert late.can.soft_prompt and late.can.per_example_grad and not (late.can.prefix or late.can.lora or late.can.full)


# ---- the model


def test_the_gradient_by_the_prompt_equals_finite_differences(lm):
    rng = np.random.default_rng(0)
    prompt, text = rng.normal(size=(6, lm.dimension)), "the train was so late."
    weights = rng.random(len(pieces(text)) + 1)

    def loss(given):
        (found,), _ = lm.losses([given], [text], [""], lambda losses: [weights])
        return float((found * weights).sum())

    _, (slope,) = lm.losses([prompt], [text], [""], lambda losses: [weights])
    for place in [(0, 0), (3, 7), (5, 40), (5, 63)]:
        step = np.zeros_like(prompt)
        step[place] = 1e-5
        assert slope[place] == pytest.approx((loss(prompt + step) - loss(prompt - step)) / 2e-5, rel=1e-4)


def test_probabilities_sum_to_one_and_a_text_has_one_loss_for_each_token_and_its_end(lm):
    steer = np.random.default_rng(1).normal(size=len(lm.tokens))
    assert np.exp(lm._logs([(0, 0), (5, 9)], steer)).sum(axis=1) == pytest.approx([1, 1])
    (losses,), _ = lm.losses([np.zeros((2, lm.dimension))], ["the train was late."], [""], lambda losses: [np.ones(6)])
    assert len(losses) == 6 and (losses > 0).all()


def test_scores_are_the_models_own_whatever_the_temperature(late):
    """What is reported with a sampled text is what scoring the text gives: temperature and cuts change what is drawn, not its score."""
    ways = [{"temperature": 0.2}, {"temperature": 3.0, "top_k": 5}, {"repetition_penalty": 1.5}, {"temperature": 0}]
    for decoding in (Decoding(**way) for way in ways):
        for written in late.sample(("late",), 4, decoding):
            assert [piece for piece, _ in late.score(written.text, ("late",))] == [piece for piece, _ in written.tokens]
            assert [p for _, p in late.score(written.text, ("late",))] == pytest.approx([p for _, p in written.tokens])


def test_decoding_is_obeyed(late):
    assert len({one.text for one in late.sample(("late",), 5, Decoding(temperature=0))}) == 1
    assert len({one.text for one in late.sample(("late",), 20, Decoding(temperature=1))}) > 5
    cut = late.sample(("late",), 3, Decoding(max_tokens=3))
    assert all(one.finish == "length" and len(one.tokens) == 3 for one in cut)
    assert late.sample(("late",), 3)[:2] == late.sample(("late",), 2), "more texts leave the first ones as they are"
    logits = np.array([0.0, 3.0, 2.0, -1.0])
    rng = np.random.default_rng(0)
    assert {pick(logits, Decoding(top_k=2, temperature=5.0), rng) for _ in range(80)} == {1, 2}
    assert penalised(logits, [1, 3], 2.0).tolist() == [0.0, 1.5, 2.0, -2.0]


def test_an_unknown_word_is_scored_and_never_written(late):
    tokens = late.score("the zeppelin was late.", ("late",))
    assert tokens[1][0] == " zeppelin" and tokens[1][1] < tokens[0][1]
    assert not any("\ufffd" in one.text or not one.text for one in late.sample(("late",), 60, Decoding(temperature=3.0)))


def test_the_same_corpus_gives_the_same_weights(lm):
    assert NgramLM.of(corpus()).digest() == lm.digest() != NgramLM.of(corpus()[1:]).digest()
    assert lm.tokens[END] == ""


# ---- learning


def test_the_loss_falls_and_epochs_can_be_watched_and_ended(lm):
    seen = []
    made = prompts(lm=lm)
    state = made.fit(*complaints(), Objective(epochs=9), Hooks(after_epoch=lambda epoch, loss: seen.append((epoch, loss)) or epoch == 3))
    assert [epoch for epoch, _ in seen] == [0, 1, 2, 3] and tuple(loss for _, loss in seen) == state.losses
    assert state.losses[-1] < 0.92 * state.losses[0]


def test_prompts_start_as_their_words_repeated_to_fill(lm):
    arrays = prompts(lm=lm, length=9).state().arrays
    words = lm.vectors(ABOUT["late"]).astype(np.float32)
    assert np.array_equal(arrays["attribute:late"][:9], np.resize(words, (9, lm.dimension)))
    assert arrays[INSTRUCTION].shape == (12, lm.dimension)


def test_a_fit_forgets_the_one_before(lm):
    rows, conditions = complaints()
    made = prompts(lm=lm)
    first = made.fit(rows, conditions, QUICK)
    made.fit(rows[:7], conditions[:7], QUICK)
    assert made.fit(rows, conditions, QUICK).digest() == first.digest()


def test_a_batch_moves_only_the_attributes_that_are_in_it(lm):
    made = prompts(lm=lm)
    before = made.state().arrays
    after = made.fit(["the train was late."], [("late",)], Objective(epochs=1)).arrays
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert {"attribute:late", INSTRUCTION} <= moved and not {"attribute:dirty", "attribute:dear"} & moved


def test_weighted_tokens_learn_alone(lm):
    """With all weight on the ends of texts, only texts' ends are learned: the hook reaches the loss."""
    made = prompts(lm=lm)
    rows, conditions = complaints()

    def ends(batch):
        assert all(len(loss) == len(pieces(text)) + 1 for loss, text in zip(batch.losses, batch.texts, strict=True))
        return [np.eye(len(loss))[-1] for loss in batch.losses]

    start = made.score(rows[1], conditions[1])
    made.fit([f"{one[:-1]} and" for one in rows], conditions, Objective(epochs=8), Hooks(token_weights=ends))
    plain = prompts(lm=lm)
    plain.fit([f"{one[:-1]} and" for one in rows], conditions, Objective(epochs=8))
    found = plain.score(rows[1], conditions[1])
    marks = [k for k, (piece, _) in enumerate(start) if piece in (" late", " delayed", " overdue", " dirty", " stained", " filthy")]
    assert marks and all(made.score(rows[1], conditions[1])[k][1] < found[k][1] for k in marks)


def test_the_gradient_of_each_example_is_handed_out_and_they_sum_to_that_of_the_batch(lm):
    rows, conditions = complaints(6)
    seen = []

    def clipped(gradients):
        seen.append(gradients)
        return summed(gradients)

    made, plain = prompts(lm=lm), prompts(lm=lm)
    assert made.fit(rows, conditions, QUICK, Hooks(gradients=clipped)).digest() == plain.fit(rows, conditions, QUICK).digest()
    assert len(seen[0]) == 6 and all({f"attribute:{name}" for name in ABOUT} >= set(one) - {INSTRUCTION, "mixture:read"} for one in seen[0])
    silent = prompts(lm=lm)
    silent.fit(rows, conditions, QUICK, Hooks(gradients=lambda gradients: {name: 0 * at for name, at in summed(gradients).items()}))
    before = prompts(lm=lm).state().arrays
    assert all(np.array_equal(silent.state().arrays[name], before[name]) for name in before)


def test_adam_is_adam():
    arrays, adam = {"x": np.array([1.0, -2.0])}, Adam(0.1)
    adam.step(arrays, {"x": np.array([3.0, -0.01])})
    assert arrays["x"] == pytest.approx([0.9, -1.9], abs=1e-6), "the first step is the rate, whatever the gradient's size"


# ---- states


def test_a_state_is_refused_by_another_base_or_other_attributes(lm, late):
    with pytest.raises(RequestError, match="base_digest"):
        prompts(lm=NgramLM.of(corpus()[3:])).restore(late.state())
    with pytest.raises(RequestError, match="attributes"):
        SoftPrompts(lm, {"late": "other words"}, length=8, instruction_length=12).restore(late.state())


def test_a_file_that_is_no_state_is_named(tmp_path):
    (tmp_path / "x.json").write_text('{"arrays": "zz"}')
    with pytest.raises(RequestError, match=r"x\.json holds no tuned conditions"):
        State.load(tmp_path / "x.json")


def test_equal_states_give_equal_bytes(late, tmp_path):
    for name in "ab":
        late.state().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_text())["settings"]["mixture"] == "attention"


def test_nothing_to_learn_is_a_mistake(lm):
    with pytest.raises(ValueError, match="no rows"):
        prompts(lm=lm).fit([], [])
    with pytest.raises(RequestError, match="names no attribute"):
        prompts(lm=lm).fit(["x"], [()])

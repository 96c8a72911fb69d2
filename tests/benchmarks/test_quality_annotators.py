"""The parts of benchmarks/quality_annotators.py that its figures hang on: answers by log-probability, allocation, accuracy of students."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tilth.methods.annotation.coannotating import CoAnnotating, Opinion
from tilth.models.base import Request

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from quality_annotators_cells import SURE, Likeliest, merged


class Scoring:
    """Likes the first answer by as many nats as the prompt's last line is told to."""

    def __init__(self, odds):
        self.odds, self.prompts = odds, []
        self.identity = "scoring"

    async def score(self, prompt, answers):
        self.prompts.append((prompt, tuple(answers)))
        return [self.odds, 0.0]

    async def complete(self, request):
        return "written"


def likeliest(tmp_path, odds):
    model = Likeliest(tmp_path / "scores.jsonl", "likeliest")
    model._model = Scoring(odds)
    return model


def asked(*contents, system="Label it.", **settings):
    roles = ["user", "assistant"] * len(contents)
    messages = [
        {"role": "system", "content": system},
        *({"role": role, "content": one} for role, one in zip(roles, contents, strict=False)),
    ]
    return Request(messages=tuple(messages), **settings)


async def test_demonstrations_become_plain_text_and_the_likeliest_answer_is_given(tmp_path):
    model = likeliest(tmp_path, -0.5)
    reply = await model.complete(asked("Review: Dull.\nSentiment:", "negative", "Review: Fine.\nSentiment:", temperature=0.0))
    assert reply.text == "negative"
    assert model._model.prompts == [("Review: Dull.\nSentiment: negative\n\nReview: Fine.\nSentiment:", (" positive", " negative"))]


async def test_what_was_scored_is_not_scored_again_after_a_restart(tmp_path):
    request = asked("Review: Fine.\nSentiment:", temperature=0.0)
    assert (await likeliest(tmp_path, 2.0).complete(request)).text == "positive"
    again = likeliest(tmp_path, -2.0)
    assert (await again.complete(request)).text == "positive" and not again._model.prompts


async def test_calibration_takes_out_what_the_model_says_of_no_text_in_particular(tmp_path):
    model = likeliest(tmp_path, 3.0)
    await model.calibrate(["Review: a", "Review: b"], {"instruction": ("Sentiment:", ("positive", "negative"))})
    model._model.odds = 2.0
    reply = await model.complete(asked(f"Review: Fine.\n\nSentiment:{SURE}", temperature=0.0))
    assert reply.text == f"negative; {1 / (1 + np.exp(-1)):.6f}"


async def test_answers_are_drawn_with_their_probabilities(tmp_path):
    model = likeliest(tmp_path, float(np.log(0.7 / 0.3)))
    said = [(await model.complete(asked("Is it rude?\n\nQuestion: Is this comment rude?\nAnswer:", seed=n))).text for n in range(400)]
    assert 0.6 < said.count("yes") / 400 < 0.8 and set(said) == {"yes", "no"}


async def test_a_text_to_write_is_left_to_the_model(tmp_path):
    assert await likeliest(tmp_path, 1.0).complete(asked("Write one short positive movie review sentence.")) == "written"


@pytest.mark.parametrize(("part", "expected"), [(0.0, 50.0), (0.5, 100.0), (1.0, 100.0)])
def test_people_get_what_is_least_sure_first(part, expected):
    rows = [{"id": str(n)} for n in range(20)]
    said = {str(n): Opinion({"a": "x", "b": "y" if n < 10 else "x"}) for n in range(20)}
    wrong, right = np.arange(20) < 10, np.ones(20, dtype=bool)
    assert merged(CoAnnotating(), "entropy", part, said, rows, wrong, right) == expected
    if part == 0.5:
        assert merged(CoAnnotating(), "random", part, said, rows, wrong, right) == pytest.approx(75, abs=2)

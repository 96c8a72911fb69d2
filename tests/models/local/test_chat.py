"""The ChatML text that the embedded model was trained on, and what it cannot take."""

import pytest

from tilth.errors import Declined
from tilth.models.base import Request
from tilth.models.local.chat import SYSTEM, text_of
from tilth.models.local.pipeline import cut_at_stop
from tilth.models.local.scoring import shared_part

USER = {"role": "user", "content": "Hi"}


def test_the_default_system_message_and_the_prefill() -> None:
    text = text_of(Request(messages=(USER,), prefill="The pace"))
    assert text == f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nThe pace"


def test_an_own_system_message_and_text_parts() -> None:
    parts = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    text = text_of(Request(messages=({"role": "system", "content": "Brief."}, parts)))
    assert text == "<|im_start|>system\nBrief.<|im_end|>\n<|im_start|>user\nab<|im_end|>\n<|im_start|>assistant\n"


def test_raw_text_is_continued_as_it_is() -> None:
    assert text_of(Request(prompt="Section: Sports\nNews:", prefill=" A")) == "Section: Sports\nNews: A"


@pytest.mark.parametrize(
    "request_",
    [
        Request(messages=({"role": "tool", "content": "x"},)),
        Request(messages=({"role": "user", "content": [{"type": "image_url", "image_url": {}}]},)),
        Request(messages=(USER,), tools=({"type": "function"},)),
    ],
)
def test_what_it_cannot_take_is_declined(request_: Request) -> None:
    with pytest.raises(Declined):
        text_of(request_)


def test_the_earliest_stop_cuts() -> None:
    assert cut_at_stop("one two three", ("three", "two")) == "one "
    assert cut_at_stop("one", ("", "x")) == "one"


def test_what_prompts_share() -> None:
    assert shared_part("Rules.\n\nA: x\nB:") == "Rules."
    assert shared_part("<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nText") == "<|im_start|>system\nS<|im_end|>\n<|im_start|>user"
    assert shared_part("a\nb: 1\nc\nb:") == "a\nb: 1"
    assert shared_part("Review: x\nSentiment:") == ""

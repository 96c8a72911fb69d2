"""Refusals are found by name; texts that only sound like one are not."""

import pytest

from tilth.prompts import refusal

REFUSALS = [
    ("I'm sorry, but I can't assist with that request.", "cannot_assist"),
    ("I apologize, but I am not able to help with this.", "cannot_assist"),
    ("I’m sorry, I cannot fulfill your request.", "cannot_assist"),
    ("I cannot write a review that promotes violence.", "cannot_write"),
    ("Unfortunately, I am unable to generate such content.", "cannot_write"),
    ("I'm afraid I can't write that story.", "cannot_write"),
    ("As an AI language model, I have no opinions on films.", "as_a_model"),
    ("Well, as an AI, I do not watch films.", "as_a_model"),
    ("I am just an AI and cannot see films.", "i_am_a_model"),
    ("I must respectfully decline.", "decline"),
    ("I'm not comfortable writing negative reviews.", "not_comfortable"),
    ("That would be against my programming.", "policy"),
    ("This violates OpenAI's content policy.", "policy"),
    ("Es tut mir leid, aber ich kann dabei nicht helfen.", "de"),
    ("Leider kann ich diese Anfrage nicht bearbeiten.", "de"),
    ("Je suis désolé, mais je ne peux pas vous aider.", "fr"),
    ("Lo siento, pero no puedo ayudar con eso.", "es"),
    ("Mi dispiace, ma non posso aiutarti.", "it"),
    ("Sinto muito, mas não posso ajudar.", "pt"),
    ("Sorry, maar ik kan je daar niet mee helpen.", "nl"),
    ("Извините, но я не могу помочь.", "ru"),
    ("抱歉,我无法满足您的请求。", "zh"),
    ("申し訳ありませんが、お手伝いできません。", "ja"),
    ("죄송합니다. 도와드릴 수 없습니다.", "ko"),
]

DATA = [
    "I'm sorry, this movie is bad.",
    "Sorry, but this is two hours that I will never get back.",
    "I cannot recommend this film to anybody.",
    "I can't help but love the acting.",
    "I can't help falling in love with the lead.",
    "I won't write off this director, but the pace is a mess.",
    "I'm afraid I can't give it more than two stars.",
    "As an AI company, Acme reported record profits on Monday.",
    "As a model of restraint, the film succeeds.",
    "I am unable to find my parcel; can you assist me?",
    "Unfortunately the story goes nowhere.",
    "I cannot provide enough praise for the cast.",
    "I can't write a review on your site, the button does nothing.",
    "The hero says: I'm an engineer.",
    "The court ruled against the programming of the channel.",
    "Leider ist der Film langweilig.",
    "Lo siento, la película es aburrida.",
    "My order has not arrived and I cannot log in. Please help me with this.",
]


@pytest.mark.parametrize(("text", "name"), REFUSALS)
def test_a_refusal_is_found_by_name(text, name):
    assert refusal(text) == name


@pytest.mark.parametrize("text", DATA)
def test_data_that_sounds_like_one_is_not(text):
    assert refusal(text) is None


def test_only_the_beginning_counts():
    assert refusal("word " * 80 + "As an AI language model, I cannot.") is None

"""p = E(task, conditions, demonstrations)."""

import dataclasses
import re

import pytest

from tilth.engine.method import Task
from tilth.errors import RequestError
from tilth.prompts import Prompt, build


def test_a_prompt_is_either_chat_or_raw():
    assert Prompt.chat("hi", "be brief").messages == ({"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"})
    assert Prompt.raw('Film: "', stop=('"',)).text == 'Film: "'
    for wrong in ({}, {"messages": (), "text": "x"}):
        with pytest.raises(ValueError, match="either"):
            Prompt(**wrong)


def test_a_prompt_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Prompt.chat("hi").prefill = "x"  # type: ignore[misc]


def test_build_puts_task_conditions_and_demonstrations_into_one_prompt():
    task = Task(about="Film reviews.", labels={"good": "likes it"})
    prompt = build(
        "{{ task.about }} {{ label }}: {{ labels[label] }}. {% for d in demonstrations %}[{{ d.text }}]{% endfor %} {{ tone }}",
        task=task,
        conditions={"label": "good", "tone": "calm"},
        demonstrations=[{"text": "a"}, {"text": "b"}],
        system="You write {{ tone }} texts.",
        prefill="The",
        stop=("\n",),
    )
    assert [message["content"] for message in prompt.messages or ()] == [
        "You write calm texts.",
        "Film reviews. good: likes it. [a][b] calm",
    ]
    assert (prompt.prefill, prompt.stop) == ("The", ("\n",))


@pytest.mark.parametrize(("language", "name"), [("de", "German"), ("pt-BR", r"Portuguese \(pt-BR\)"), ("tlh", "the language tlh")])
def test_another_language_reaches_chat_and_raw_prompts_once(language, name):
    task = Task(language=language)
    chat, raw = build("Hello", task=task).messages[0]["content"], build('Film: "', task=task, raw=True).text
    for text in (chat, raw):
        assert text.count("Write in") == 1
    assert re.search(name, chat)
    assert raw.endswith('Film: "'), "a raw text is continued from its end"


def test_english_adds_nothing():
    assert build("Hello", task=Task(language="en-GB")).messages[0]["content"] == "Hello"


def test_a_condition_that_is_missing_is_an_error():
    with pytest.raises(RequestError, match="tone"):
        build("{{ tone }}", task=Task())


def test_untrusted_conditions_are_not_evaluated():
    assert build("{{ x }}", conditions={"x": "{{ task.about }}"}, task=Task(about="secret")).messages[0]["content"] == "{{ task.about }}"


def test_the_public_face_is_sorted_and_complete():
    import tilth.prompts as face

    assert face.__all__ == sorted(face.__all__)
    assert all(getattr(face, name) is not None for name in face.__all__)
    with pytest.raises(AttributeError):
        face.nothing  # noqa: B018

"""Each parser's values and each of its reasons, by name."""

import pytest

from tilth.errors import Failure
from tilth.models.base import Reply
from tilth.prompts import parsers

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def reason(parser, text, finish="stop"):
    with pytest.raises(Failure) as caught:
        parser(Reply(text=text, finish=finish))
    assert caught.value.raw == text and caught.value.detail
    return caught.value.reason


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("  A fine film. ", "A fine film."),
        ('"A fine film."', "A fine film."),
        ("“A fine film.”", "A fine film."),
        ("1. A fine film.", "A fine film."),
        ("Here is a positive review:\n\nA fine film.", "A fine film."),
        ('Sure! Here\'s one short review: "A fine film."', "A fine film."),
        ("Certainly!\nA fine film.", "A fine film."),
        ("A fine\u200b film.\x00", "A fine film."),
        ('"Good" and "bad"', '"Good" and "bad"'),
        ("Here is a film that I love.", "Here is a film that I love."),
        ("Sure, it is slow. I liked it: twice.", "Sure, it is slow. I liked it: twice."),
        ("2001 is a fine film.", "2001 is a fine film."),
        ("Here is the thing: it is slow.", "Here is the thing: it is slow."),
        ("Here is what I wrote:\nA fine film.", "A fine film."),
        ("J. Edgar is a fine film.", "J. Edgar is a fine film."),
        ("1984: a fine film.", "1984: a fine film."),
        ("OK, it is fine.", "OK, it is fine."),
        ("I'm sorry, this movie is bad.", "I'm sorry, this movie is bad."),
    ],
)
def test_text_loses_its_packaging_and_nothing_else(reply, value):
    assert parsers.text()(Reply(text=reply)) == value


def test_habits_of_chat_models_around_a_text_are_packaging_too():
    assert parsers.text()(Reply(text="```text\nWhere is it?\n\nAnn\n```")) == "Where is it?\n\nAnn"
    assert parsers.text()(Reply(text="Where is it?\n\n---\nLet me know if you'd like another one!")) == "Where is it?"
    for data in ("Hi.\n\nLet me know if you would like photos.", "Great.\n\n---\nAnn", "Use:\n```\nls\n```"):
        assert parsers.text()(Reply(text=data)) == data
    assert parsers.lines()(Reply(text="1. **Tone** (how it sounds)\n2. 2 ** 3")) == ["Tone (how it sounds)", "2 ** 3"]


@pytest.mark.parametrize("reply", ["Order status", "order_status.", "**Order Status**", "It is an order status."])
def test_a_label_may_be_written_with_spaces(reply):
    assert parsers.label(["order_status", "order", "refund"])(Reply(text=reply)) == "order_status"


def test_text_reasons():
    assert reason(parsers.text(), "") == "empty"
    assert reason(parsers.text(), ' "" ') == "empty"
    assert reason(parsers.text(), "I'm sorry, but I can't assist with that.") == "refused"
    assert reason(parsers.text(), "partly withheld", finish="filter") == "refused"
    assert reason(parsers.text(), "The film is", finish="length") == "truncated"
    assert reason(parsers.text(), "", finish="length") == "truncated"
    assert reason(parsers.text(min_words=4), "Too short here") == "too_short"


def test_text_may_keep_the_finished_sentences_of_a_cut_reply():
    parse = parsers.text(cut="sentence")
    assert parse(Reply(text='It is fun. "Really!" And the', finish="length")) == 'It is fun. "Really!"'
    assert reason(parse, "It is", finish="length") == "truncated"
    assert parsers.text(cut="keep")(Reply(text="It is", finish="length")) == "It is"


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("positive", "positive"),
        ("Positive.", "positive"),
        ("**Very positive**", "very positive"),
        ("neg", "negative"),
        ("The label is negative.", "negative"),
        ("I would say: very positive!", "very positive"),
    ],
)
def test_label_is_matched_exactly_then_by_unique_beginning_then_within_the_text(reply, value):
    assert parsers.label(["positive", "very positive", "negative"])(Reply(text=reply)) == value


@pytest.mark.parametrize("reply", ["positive or negative", "n", "unpositively", "neutral"])
def test_a_label_is_never_guessed(reply):
    assert reason(parsers.label(["positive", "negative", "neither"]), reply) == "not_a_label"


def test_json_bare_fenced_and_within_prose():
    parse = parsers.json(SCHEMA)
    for reply in (
        '{"text": "a"}',
        '```json\n{"text": "a"}\n```',
        'Sure:\n```\n{"text": "a"}\n```\nDone.',
        'It is {"text": "a"}, as asked.',
    ):
        assert parse(Reply(text=reply)) == {"text": "a"}
    assert parsers.json()(Reply(text="[1, 2]")) == [1, 2]


def test_json_reasons_and_nothing_is_repaired():
    assert reason(parsers.json(), "no braces") == "not_json"
    assert reason(parsers.json(), "{'text': 'single quotes'}") == "not_json"
    assert reason(parsers.json(), '{"text": "cut', finish="length") == "truncated"
    assert reason(parsers.json(SCHEMA), '{"texts": "a"}') == "not_schema"
    assert reason(parsers.json(SCHEMA), '{"text": 1}') == "not_schema"
    assert reason(parsers.json(), "I cannot assist with that.") == "refused"


def test_code_is_the_first_block_or_the_one_in_the_language():
    both = "Text\n```sh\nls\n```\nand\n```python\nprint(1)\n```"
    assert parsers.code()(Reply(text=both)) == "ls"
    assert parsers.code("python")(Reply(text=both)) == "print(1)"
    assert parsers.code("rust")(Reply(text=both)) == "ls"
    assert reason(parsers.code(), "print(1)") == "no_code"
    assert reason(parsers.code(), "```python\nprint(1", finish="length") == "truncated"


def test_lines_lose_bullets_numbers_quotes_announcements_and_repeats():
    reply = "Here are three topics:\n1. space travel\n2) 'old trains'\n- space travel\n\n* a cat\n(4) 3D printing"
    assert parsers.lines()(Reply(text=reply)) == ["space travel", "old trains", "a cat", "3D printing"]
    assert parsers.lines(at_most=2)(Reply(text=reply)) == ["space travel", "old trains"]
    assert reason(parsers.lines(), "Topics:") == "empty"
    assert reason(parsers.lines(), "1. a\n2. b", finish="length") == "truncated"


def test_messages_from_json_and_from_a_transcript():
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    assert parsers.messages()(Reply(text='[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]')) == turns
    assert parsers.messages()(Reply(text="**User:** Hi\nAssistant: Hello")) == turns
    assert reason(parsers.messages(), "User: Hi") == "not_messages"
    assert reason(parsers.messages(), '[{"role": "robot", "content": "Hi"}]') == "not_messages"


def test_every_parser_has_a_name_for_flows_and_makes_a_parser():
    for name, make in parsers.PARSERS.items():
        parse = make(["a"]) if name == "label" else make()
        assert reason(parse, "") == "empty"

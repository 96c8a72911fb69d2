"""Requests become the JSON of the OpenAI API, and its JSON becomes replies."""

import orjson
import pytest

from tilth.models import Capabilities, Request
from tilth.models.openai_body import Dialect, NotAReply, reply_of, request_body

ALL = Capabilities(completion=True, prefill=True, logprobs=True, seed=True, schema=True, tools=True)
ASK = ({"role": "user", "content": "hi"},)
CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


def body(request, can=ALL, **dialect):
    return orjson.loads(request_body("m", request, can, Dialect(**dialect)))


def chat(message, finish="stop", **more):
    return orjson.dumps({"choices": [{"message": message, "finish_reason": finish}], **more})


def test_a_plain_chat_request_holds_only_what_is_set():
    assert body(Request(messages=ASK)) == {"model": "m", "messages": [dict(ASK[0])], "temperature": 1.0}


def test_sampling_parameters_are_sent():
    request = Request(
        messages=ASK, temperature=0.5, top_p=0.9, max_tokens=7, stop=("a", "b"), presence_penalty=1, frequency_penalty=-1, seed=3
    )
    made = body(request)
    assert {key: made[key] for key in ("temperature", "top_p", "max_tokens", "stop", "presence_penalty", "frequency_penalty", "seed")} == {
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["a", "b"],
        "presence_penalty": 1,
        "frequency_penalty": -1,
        "seed": 3,
    }


def test_a_seed_is_sent_only_where_the_model_takes_one():
    assert "seed" not in body(Request(messages=ASK, seed=3), Capabilities())


def test_a_server_with_its_own_defaults_is_always_told_top_p():
    assert body(Request(messages=ASK), explicit=True)["top_p"] == 1.0


def test_reasoning_models_get_their_own_bound_and_no_sampling():
    made = body(Request(messages=ASK, temperature=0.0, top_p=0.5, presence_penalty=1, max_tokens=9), reasoning=True)
    assert made == {"model": "m", "messages": [dict(ASK[0])], "max_completion_tokens": 9}


def test_raw_prompt_and_its_prefill_are_one_text():
    assert body(Request(prompt="Q: 1\nA:", prefill=" one"))["prompt"] == "Q: 1\nA: one"


def test_prefill_of_a_chat_continues_the_final_message():
    made = body(Request(messages=ASK, prefill="Sure:"))
    assert made["messages"][-1] == {"role": "assistant", "content": "Sure:"}
    assert made["continue_final_message"] is True
    assert made["add_generation_prompt"] is False


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        ({**CLOSED, "additionalProperties": True}, None),
        ({**CLOSED, "required": []}, None),
        ({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object"}}}}, None),
    ],
)
def test_a_schema_is_strict_only_where_the_api_would_take_it(schema, strict):
    made = body(Request(messages=ASK, schema=schema))["response_format"]
    assert made["type"] == "json_schema"
    assert made["json_schema"]["schema"] == schema
    assert made["json_schema"].get("strict") is strict


def test_logprobs_tools_and_extra():
    tool = {"type": "function", "function": {"name": "f"}}
    assert body(Request(messages=ASK, logprobs=True))["logprobs"] is True
    assert body(Request(prompt="x", logprobs=True))["logprobs"] == 1
    assert body(Request(messages=ASK, tools=(tool,)))["tools"] == [tool]
    assert body(Request(messages=ASK, extra={"top_k": 5, "temperature": 0.1}))["temperature"] == 0.1


def test_a_reply_with_usage():
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 20, "prompt_tokens_details": {"cached_tokens": 6}}
    reply = reply_of(chat({"content": "hello", "reasoning_content": "hm"}, usage=usage), "openai/m")
    assert (reply.text, reply.reasoning, reply.finish, reply.model) == ("hello", "hm", "stop", "openai/m")
    # the total holds 6 reasoning tokens that completion_tokens leaves out
    assert (reply.usage.input, reply.usage.output, reply.usage.cached) == (10, 10, 6)


@pytest.mark.parametrize(
    ("finish", "expected"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "filter"), (None, "stop"), ("tool_calls", "tool_calls"), ("new", "stop")],
)
def test_finish_reasons(finish, expected):
    assert reply_of(chat({"content": "x"}, finish), "m").finish == expected


def test_null_content_is_a_reply_where_there_is_a_reason_for_it():
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert reply_of(chat({"content": None, "tool_calls": [call]}), "m").tool_calls == (call,)
    assert reply_of(chat({"content": None, "tool_calls": [call]}), "m").finish == "tool_calls"
    assert reply_of(chat({"content": None}, "length"), "m").finish == "length"
    assert reply_of(chat({"content": None}, "content_filter"), "m").finish == "filter"
    assert reply_of(chat({"content": None, "refusal": "No."}), "m").text == "No."
    assert reply_of(chat({"content": None, "refusal": "No."}), "m").finish == "filter"
    assert reply_of(chat({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}), "m").text == "ab"
    assert reply_of(chat({"content": ""}), "m").text == ""


def test_logprobs_of_both_apis():
    content = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1}]
    made = {"choices": [{"message": {"content": "ab"}, "finish_reason": "stop", "logprobs": {"content": content}}]}
    assert reply_of(orjson.dumps(made), "m").logprobs == (("a", -0.5), ("b", -1.0))
    made = {"choices": [{"text": "ab", "logprobs": {"tokens": ["a", "b"], "token_logprobs": [None, -2]}}]}
    assert reply_of(orjson.dumps(made), "m").logprobs == (("b", -2.0),)


def test_tables_of_likeliest_tokens_of_both_apis():
    assert body(Request(messages=ASK, top_logprobs=5))["top_logprobs"] == 5
    assert body(Request(prompt="x", top_logprobs=5))["logprobs"] == 5
    table = [{"token": "b", "logprob": -2}, {"token": "a", "logprob": -0.5}]
    made = {"choices": [{"message": {"content": "a"}, "logprobs": {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": table}]}}]}
    assert reply_of(orjson.dumps(made), "m").top_logprobs == ((("a", -0.5), ("b", -2.0)),)
    raw = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"b": -2, "a": -0.5}]}
    assert reply_of(orjson.dumps({"choices": [{"text": "a", "logprobs": raw}]}), "m").top_logprobs == ((("a", -0.5), ("b", -2.0)),)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b'{"choices": [{"mess',
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": [null]}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}',
        b'{"choices": [{"message": {"content": 3}, "finish_reason": "stop"}]}',
        b'{"choices": [{"message": "x", "finish_reason": "stop"}]}',
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]}',
        b'{"choices": [{"message": {"content": "x"}, "logprobs": {"content": [1]}}]}',
        b'{"choices": [{"text": {"a": 1}}]}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_reply(raw):
    with pytest.raises(NotAReply):
        reply_of(raw, "m")


@pytest.mark.parametrize("usage", [None, 3, {"prompt_tokens": None}, {"prompt_tokens": "9"}, {"completion_tokens": -4}])
def test_odd_usage_counts_as_none(usage):
    made = reply_of(chat({"content": "x"}, usage=usage), "m").usage
    assert (made.input, made.output, made.cached) == (0, 0, 0)

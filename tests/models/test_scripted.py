"""A model that is a function."""

import asyncio

import pytest

from tilth.errors import Throttled
from tilth.models import Model, Reply, Request, Scores, ScriptedModel
from tilth.models.scripted import EVERYTHING


async def test_text_reply_async_and_error():
    model = ScriptedModel(lambda request: request.prompt.upper(), name="loud")
    reply = await model.complete(Request(prompt="hi there"))
    assert (reply.text, reply.model, reply.usage.input, reply.usage.output) == ("HI THERE", "loud", 3, 3)
    assert isinstance(model, Model)
    assert isinstance(model, Scores)

    async def later(request):
        await asyncio.sleep(0)
        return Reply("x", finish="length")

    assert (await ScriptedModel(later).complete(Request(prompt="a"))).finish == "length"

    def fail(request):
        raise Throttled("no", status=429)

    failing = ScriptedModel(fail)
    with pytest.raises(Throttled):
        await failing.complete(Request(prompt="a"))
    assert (failing.calls, failing.open_now) == (1, 0)


async def test_it_keeps_the_last_requests():
    model = ScriptedModel(lambda request: "x", keep=2)
    for text in "abc":
        await model.complete(Request(prompt=text))
    assert model.calls == 3
    assert [request.prompt for request in model.requests] == ["b", "c"]


async def test_random_latency_mixes_the_order_but_not_the_replies():
    done = []
    model = ScriptedModel(lambda request: done.append(request.prompt) or request.prompt, latency=(0.0, 0.02), seed=4)
    replies = await asyncio.gather(*(model.complete(Request(prompt=str(k))) for k in range(20)))
    assert [reply.text for reply in replies] == [str(k) for k in range(20)]
    assert done != [str(k) for k in range(20)]
    assert model.open_peak == 20


async def test_scores():
    assert await ScriptedModel(lambda request: "").score("p", ["a", "bcd"]) == [-1.0, -3.0]
    assert await ScriptedModel(lambda request: "", score=lambda prompt, end: -0.5).score("p", ["a"]) == [-0.5]


def test_usage_stays_within_the_bound():
    model = ScriptedModel(lambda request: "x" * 100)
    assert asyncio.run(model.complete(Request(prompt="a", max_tokens=4))).usage.output == 4
    assert EVERYTHING.deterministic
    assert not EVERYTHING.batch

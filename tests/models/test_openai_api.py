"""The client against a server that misbehaves."""

import asyncio
import gc
import traceback

import pytest

from tilth.errors import Declined, Misconfigured, ModelError, RequestError, Throttled, Unavailable
from tilth.models import Faults, FaultServer, Model, OpenAIModel, Request, open_model
from tilth.models.faults import REFUSAL
from tilth.models.wire import _proxy_for

ASK = Request(messages=({"role": "user", "content": "hi"},), seed=1)
KEY = "sk-very-secret-0123456789"


async def ask(server, request=ASK, spec="openai/m", **settings):
    model = open_model(f"{spec}@{server.url}", env={"OPENAI_API_KEY": KEY}, **settings)
    try:
        return await model.complete(request)
    finally:
        await model.close()


async def problem(faults, **settings) -> ModelError:
    with FaultServer(faults=faults) as server, pytest.raises(ModelError) as caught:
        await ask(server, **settings)
    return caught.value


async def test_a_reply():
    with FaultServer(lambda job: "you said " + job["messages"][0]["content"]) as server:
        model = open_model(f"openai/m@{server.url}", env={})
        assert isinstance(model, Model)
        reply = await model.complete(ASK)
        await model.close()
        await model.close()
    assert (reply.text, reply.finish, reply.model) == ("you said hi", "stop", "openai/m")
    assert reply.usage.input == 1
    assert reply.usage.output == 3


async def test_raw_completion_prefill_and_logprobs():
    seen = []

    def reply(job):
        seen.append(job)
        return "abcdef"

    with FaultServer(reply) as server:
        assert (await ask(server, Request(prompt="x", prefill="y", logprobs=True))).logprobs[0][0] == "abcd"
        assert len((await ask(server, Request(messages=ASK.messages, logprobs=True))).logprobs) == 2
        for request in (Request(messages=ASK.messages, top_logprobs=3), Request(prompt="x", top_logprobs=3)):
            assert [len(table) for table in (await ask(server, request)).top_logprobs] == [3, 3]
        await ask(server, Request(messages=ASK.messages, prefill="z"), spec="vllm/m")
        with pytest.raises(Declined, match="prefill"):
            await ask(server, Request(messages=ASK.messages, prefill="z"))
    assert seen[0]["prompt"] == "xy"
    assert seen[4]["messages"][-1]["content"] == "z"


async def test_tool_calls_and_schema():
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    with FaultServer(lambda job: {"content": None, "tool_calls": [call]}) as server:
        reply = await ask(server, Request(messages=ASK.messages, tools=({"type": "function", "function": {"name": "f"}},)))
    assert (reply.tool_calls, reply.finish) == ((call,), "tool_calls")
    schema = {"type": "object", "properties": {"stars": {"type": "integer", "minimum": 4, "maximum": 4}}}
    with FaultServer() as server:
        assert (await ask(server, Request(messages=ASK.messages, schema=schema))).text == '{"stars":4}'


async def test_content_faults_are_replies():
    with FaultServer(faults=Faults(refuse=1)) as server:
        assert (await ask(server)).text == REFUSAL
    with FaultServer(faults=Faults(truncate=1)) as server:
        assert (await ask(server)).finish == "length"
    with FaultServer() as server:
        reply = await ask(server, Request(messages=ASK.messages, max_tokens=5))
    assert (reply.finish, reply.usage.output) == ("length", 5)


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        (Faults(p429=1, retry_after=1.5), Throttled),
        (Faults(p500=1), Unavailable),
        (Faults(p400=1), Declined),
        (Faults(p401=1), Misconfigured),
        (Faults(drop=1), Unavailable),
        (Faults(cut=1), Unavailable),
    ],
)
async def test_each_fault_becomes_its_error(faults, kind):
    caught = await problem(faults)
    assert type(caught) is kind
    if kind is Throttled:
        assert caught.retry_after == 1.5


async def test_every_malformed_body_is_asked_again():
    with FaultServer(faults=Faults(malformed=1)) as server:
        for _ in range(30):  # five kinds, drawn at random
            with pytest.raises(Unavailable):
                await ask(server)


async def test_a_hanging_server_times_out():
    caught = await problem(Faults(hang=1), timeout=0.1)
    assert type(caught) is Unavailable
    assert "no answer in time" in caught.what


async def test_nobody_listens():
    with FaultServer() as server:
        pass
    with pytest.raises(Unavailable) as caught:
        await ask(server, spec="ollama/llama3.1:8b")
    assert caught.value.what == (f"nothing answers at {server.origin} (role 'generator', ollama/llama3.1:8b). Start it with: ollama serve")


async def test_a_wrong_path():
    with FaultServer() as server:
        model = OpenAIModel("openai/m", base_url=server.origin + "/v2/oops?x=1")
        with pytest.raises(Misconfigured, match="has no /v2/oops/nowhere"):
            await model.wire.post("/nowhere", b"{}")
        await model.close()


async def test_a_wrong_model_name_suggests_one_of_the_servers():
    with FaultServer(models=("gpt-4.1-mini", "gpt-4o")) as server:
        for _ in range(2):
            with pytest.raises(Misconfigured) as caught:
                await ask(server, spec="openai/gpt-4.1-nini")
    assert caught.value.what == (
        "openai has no model 'gpt-4.1-nini' (404; role 'generator'). Did you mean 'gpt-4.1-mini'? See: tilth models list openai"
    )


async def test_a_server_that_wants_a_key():
    with FaultServer(faults=Faults(p401=1)) as server:
        model = open_model(f"vllm/m@{server.url}", env={})
        with pytest.raises(Misconfigured) as caught:
            await model.complete(ASK)
        await model.close()
    assert caught.value.what == (
        f"vllm wants a key at {server.origin} (401). Nothing was paid. Set VLLM_API_KEY, then run the same command again."
    )


async def test_text_that_is_no_unicode_is_declined():
    with FaultServer() as server, pytest.raises(Declined):
        await ask(server, Request(messages=({"role": "user", "content": "\ud800"},)))


async def test_many_at_once_over_kept_connections():
    with FaultServer(latency=0.5) as server:
        model = open_model(f"openai/m@{server.url}", env={})
        asked = [Request(messages=({"role": "user", "content": str(k)},)) for k in range(512)]
        first = await asyncio.gather(*(model.complete(each) for each in asked[:256]))
        second = await asyncio.gather(*(model.complete(each) for each in asked[256:]))
        await model.close()
        stats = server.stats()
    assert len({reply.text for reply in first + second}) == 512
    assert (stats["ok"], stats["open_peak"], stats["repeats"]) == (512, 256, 0)


async def test_headers_reach_a_listener_also_with_errors():
    seen = []
    with FaultServer(headers={"x-ratelimit-limit-requests": "500"}, faults=Faults(p429=1)) as server:
        model = open_model(f"openai/m@{server.url}", env={})
        model.on_headers = lambda headers: seen.append(headers.get("X-RateLimit-Limit-Requests"))
        with pytest.raises(Throttled):
            await model.complete(ASK)
        await model.close()
    assert seen == ["500"]


def test_a_model_serves_several_event_loops_and_leaves_nothing_open():
    def use(server):
        model = open_model(f"openai/m@{server.url}", env={})

        async def once():
            await model.complete(ASK)
            await model.close()

        asyncio.run(once())
        asyncio.run(once())

    with FaultServer() as server:
        use(server)
    gc.collect()  # a session left open would warn here, and warnings are errors


def test_a_session_of_a_loop_that_ended_is_closed_by_the_next():
    def use():
        model = OpenAIModel("openai/m", base_url="http://127.0.0.1:1/v1")

        async def fail(close):
            with pytest.raises(Unavailable):
                await model.complete(ASK)
            if close:
                await model.close()

        asyncio.run(fail(False))
        asyncio.run(fail(True))

    use()
    gc.collect()


def test_proxies_of_the_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert _proxy_for("https://api.example.org/v1") is None
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    monkeypatch.setenv("HTTP_PROXY", "socks5://proxy:1")
    monkeypatch.setenv("NO_PROXY", "inner.example.org")
    assert _proxy_for("https://api.example.org/v1") == "http://proxy:3128"
    assert _proxy_for("https://inner.example.org/v1") is None
    assert _proxy_for("http://api.example.org/v1") is None
    assert _proxy_for("https://127.0.0.1/v1") is None


async def test_a_large_body_passes():
    with FaultServer(lambda job: str(len(job["messages"][0]["content"]))) as server:
        assert (await ask(server, Request(messages=({"role": "user", "content": "x" * 3_000_000},)))).text == "3000000"


@pytest.mark.parametrize("faults", [Faults(p401=1), Faults(p400=1), Faults(cut=1), Faults(drop=1), Faults(malformed=1), Faults(p500=1)])
async def test_no_key_in_any_error_or_repr(faults):
    with FaultServer(faults=faults) as server:
        address = server.url.replace("http://", "http://me:pass-phrase-77@")
        model = open_model(f"openai/m@{address}?key=query-key-88", env={"OPENAI_API_KEY": KEY})
        try:
            await model.complete(ASK)
        except ModelError as error:
            shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.args)
            assert error.__context__ is None or "headers" not in repr(error.__context__)
        shown += f"{model!r} {model} {model.name} {model.identity} {model.endpoint} {model.speaker!r} {model.wire!r} {vars(model)}"
        await model.close()
    for secret in (KEY, "pass-phrase-77", "query-key-88"):
        assert secret not in shown


async def test_a_server_that_repeats_the_key_is_not_quoted():
    def echo(job):
        raise ValueError(f"bad key {KEY}")

    with FaultServer(echo) as server, pytest.raises(Unavailable) as caught:
        await ask(server)
    assert "***" in caught.value.what
    assert KEY not in caught.value.what


def test_an_address_that_is_none():
    with pytest.raises(RequestError, match="is no address of a server"):
        OpenAIModel("openai/m", base_url="localhost:8000/v1")

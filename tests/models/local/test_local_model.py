"""The embedded model itself: exactness in any batch, stop strings, schemas, scores. Needs the pulled weights."""

import asyncio
import json
from dataclasses import replace

import pytest

from tilth.errors import Declined, Unavailable
from tilth.models.base import Model, Price, Reply, Request, Scores
from tilth.models.local import LocalModel, is_pulled, unload
from tilth.models.local.engine import Engine, shared_engine

pytest.importorskip("openvino_genai", reason="needs tilth[local]")
pytestmark = pytest.mark.skipif(not is_pulled("local"), reason="the embedded model is not on this machine: tilth models pull local")

FEW_SHOT = "Review: Warm and funny.\nSentiment: positive\n\nReview: Dull and slow.\nSentiment: negative\n\n"
LABELS = (" positive", " negative", " very negative indeed")


@pytest.fixture(scope="module")
def model():  # type: ignore[no-untyped-def]
    yield LocalModel()
    unload()


def review(seed: int, **changes: object) -> Request:
    mood = "positive" if seed % 2 else "negative"
    message = {"role": "user", "content": f"Write a short {mood} review of film number {seed}. Use one sentence."}
    base = Request(
        messages=(message,), prefill="The pace in this film is", temperature=0.9, top_p=0.95, max_tokens=12 + seed % 5, seed=seed
    )
    return replace(base, **changes)  # type: ignore[arg-type]


async def all_of(model: LocalModel, requests: list[Request]) -> list[Reply]:
    return list(await asyncio.gather(*(model.complete(request) for request in requests)))


def test_it_is_a_model_that_scores(model: LocalModel) -> None:
    assert isinstance(model, Model) and isinstance(model, Scores)
    assert model.identity == "local/smollm2-135m@b179c9523d0e+f16" and model.can.deterministic
    fast = LocalModel(fast=True)
    assert fast.identity == model.identity + "?fast" and not fast.can.deterministic
    assert model.price == Price(0.0, 0.0) and model.endpoint == "local"


@pytest.mark.slow
def test_same_text_alone_in_any_batch_and_in_another_pipeline(model: LocalModel) -> None:
    requests = [review(seed, logprobs=True) for seed in range(24)]
    together = asyncio.run(all_of(model, requests))
    assert len({reply.text for reply in together}) > 15, "different seeds must differ"
    eights = [reply for start in range(0, 16, 8) for reply in asyncio.run(all_of(model, requests[start : start + 8]))]
    assert eights == together[:16]

    async def one_by_one() -> list[Reply]:
        return [await model.complete(request) for request in requests[:3]]

    assert asyncio.run(one_by_one()) == together[:3]
    shared_engine("local", exact=True).close()  # the next request starts a new thread and loads again

    async def joining() -> list[Reply]:
        tasks = []
        for request in requests[8:16]:
            tasks.append(asyncio.ensure_future(model.complete(request)))
            await asyncio.sleep(0.05)
        return list(await asyncio.gather(*tasks))

    assert asyncio.run(joining()) == together[8:16], "bit for bit, log-probabilities included"


async def test_long_prompts_do_not_depend_on_company_either(model: LocalModel) -> None:
    """256 tokens a step are the library's default: whatever is left of a prompt for the next step must change nothing."""
    long = [Request(prompt="word" + " word" * n, temperature=0, max_tokens=2, logprobs=True) for n in range(253, 259)]
    alone = [await model.complete(request) for request in long]
    for request, before in zip(long, alone, strict=True):
        neighbour = asyncio.ensure_future(model.complete(review(1, max_tokens=30)))
        await asyncio.sleep(0.2)
        assert (await model.complete(request)) == before
        await neighbour


async def test_the_reply_continues_the_prefill(model: LocalModel) -> None:
    request = Request(prompt="The capital of France is", temperature=0, max_tokens=3, logprobs=True)
    reply = await model.complete(request)
    assert reply.text.startswith(" Paris"), "the first token's space is kept"
    assert reply.finish == "length" and reply.usage.output == 3 and reply.usage.input == 5
    assert reply.logprobs is not None and "".join(piece for piece, _ in reply.logprobs) == reply.text
    split = await model.complete(Request(prompt="The capital of", prefill=" France is", temperature=0, max_tokens=3))
    assert split.text == reply.text


async def test_stop_strings_are_cut_away(model: LocalModel) -> None:
    request = Request(prompt="1, 2, 3, 4, 5,", temperature=0, max_tokens=20, logprobs=True)
    whole = await model.complete(request)
    assert "7" in whole.text
    reply = await model.complete(replace(request, stop=("7", "never")))
    assert reply.text == whole.text[: whole.text.index("7")] and reply.finish == "stop"
    assert reply.logprobs is not None and "7" not in "".join(piece for piece, _ in reply.logprobs)
    later = await model.complete(replace(request, stop=(" 8",)))
    assert later.text == whole.text[: whole.text.index(" 8")]
    spaced = await model.complete(Request(prompt="The capital of France is", temperature=0, max_tokens=9, stop=(" Paris",)))
    assert (spaced.text, spaced.finish) == ("", "stop")
    empty = await model.complete(replace(request, stop=(" ",)))
    assert (empty.text, empty.finish) == ("", "stop")


async def test_a_schema_constrains_and_a_bad_one_harms_only_itself(model: LocalModel) -> None:
    schema = {"type": "object", "properties": {"rating": {"enum": ["good", "bad"]}}, "required": ["rating"]}
    ask = Request(messages=({"role": "user", "content": "Rate it as JSON."},), temperature=0, max_tokens=40)
    alone = await model.complete(review(1))
    good, unresolvable, malformed, neighbour = await asyncio.gather(
        model.complete(replace(ask, schema=schema)),
        model.complete(replace(ask, schema={"$ref": "#/nowhere"})),
        model.complete(replace(ask, schema={"type": "nonsense"})),
        model.complete(review(1)),
        return_exceptions=True,
    )
    assert isinstance(unresolvable, Declined) and isinstance(malformed, Declined)
    assert isinstance(neighbour, Reply) and neighbour.text == alone.text
    if isinstance(good, Declined):  # it shared its first step with the bad one: neither had worked before
        good = await model.complete(replace(ask, schema=schema))
    assert isinstance(good, Reply) and json.loads(good.text)["rating"] in ("good", "bad")


@pytest.mark.parametrize("bad", [{"prompt": "", "messages": None, "prefill": ""}, {"extra": {"mirostat": 1}}, {"top_p": 2.0}])
async def test_requests_that_will_never_be_answered(model: LocalModel, bad: dict[str, object]) -> None:
    with pytest.raises(Declined):
        await model.complete(review(1, **bad))


async def test_a_prompt_longer_than_the_context_is_declined(model: LocalModel) -> None:
    with pytest.raises(Declined, match="the embedded model takes 1 to 8191"):
        await model.complete(Request(prompt="word " * 9000))


async def test_a_cancelled_request_leaves_the_others_alone(model: LocalModel) -> None:
    alone = await model.complete(review(3))
    tasks = [asyncio.ensure_future(model.complete(review(seed, max_tokens=200))) for seed in (4, 5)]
    kept = asyncio.ensure_future(model.complete(review(3)))
    await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    assert (await kept).text == alone.text


async def test_a_crash_in_the_thread_reaches_every_waiting_request(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: Engine, active: list[object]) -> None:
        raise RuntimeError("native trouble")

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "_step", crash)
        outcomes = await asyncio.wait_for(
            asyncio.gather(*(model.complete(review(seed)) for seed in range(3)), return_exceptions=True), timeout=30
        )
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert (await model.complete(review(1))).text, "it loads again"


async def test_scores_agree_with_generation(model: LocalModel) -> None:
    prompt = "The three largest cities of France are"
    reply = await model.complete(Request(prompt=prompt, temperature=0, max_tokens=8, logprobs=True))
    assert reply.logprobs is not None
    (score,) = await model.score(prompt, [reply.text])
    assert score == pytest.approx(sum(value for _, value in reply.logprobs), abs=0.02)


async def test_scores_do_not_depend_on_order_or_company(model: LocalModel) -> None:
    prompts = [f"{FEW_SHOT}Review: {text}\nSentiment:" for text in ("A mess.", "I loved every minute of it.", "Awful acting.")]
    one_by_one = [await model.score(prompt, LABELS) for prompt in prompts]
    backwards = [await model.score(prompt, LABELS) for prompt in reversed(prompts)]
    together = await asyncio.gather(*(model.score(prompt, LABELS) for prompt in prompts))
    assert one_by_one == backwards[::-1] == list(together)
    unload()
    assert await model.score(prompts[1], LABELS) == one_by_one[1], "and after a restart"
    assert one_by_one[1][0] > one_by_one[1][1] > one_by_one[1][2]
    assert one_by_one[0][1] > one_by_one[0][0]


async def test_a_label_of_several_tokens_is_the_sum_of_its_tokens(model: LocalModel) -> None:
    prompt = "Review: A mess.\nSentiment:"
    (whole,) = await model.score(prompt, [" very negative"])
    (first,), (second,) = await model.score(prompt, [" very"]), await model.score(prompt + " very", [" negative"])
    assert whole == pytest.approx(first + second, abs=1e-3)


async def test_nothing_to_score(model: LocalModel) -> None:
    assert await model.score("Some text", []) == []
    with pytest.raises(Declined, match="not empty"):
        await model.score("Some text", ["x", ""])

"""One call: keys, sharing, re-asks, parameters, faults of the endpoint, refusals of the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.support import Body, kept, prints, rejected, run, texts, words
from tilth.engine.execute import execute, start
from tilth.engine.journal import Journal
from tilth.engine.session import Settings
from tilth.engine.wire import request_bytes
from tilth.errors import Declined, Failure, Misconfigured, RequestError, Throttled, Unavailable
from tilth.models.base import Capabilities, Reply, Request
from tilth.models.roles import open_role
from tilth.models.scripted import ScriptedModel
from tilth.records.folder import RunFolder
from tilth.records.record import Record


def asks(*prompts: str, **params):
    async def body(run):
        async def one(prompt):
            return Record(text=(await run.ask(prompt, **params)).text)

        async for record in run.map(one, list(prompts), label="one", key=lambda prompt: prompt):
            yield record

    return body


def test_the_key_of_a_call_leaves_out_url_seed_and_max_tokens() -> None:
    base = Request(messages=({"role": "user", "content": "hello", "name": None},), max_tokens=5, seed=1)
    other = Request(messages=({"content": "hello", "role": "user"},), max_tokens=50, seed=2)
    assert request_bytes("m", base) == request_bytes("m", other)
    assert request_bytes("m", base) != request_bytes("n", base)
    sampling: list[dict[str, Any]] = [{"prefill": "a"}, {"stop": ("a",)}, {"temperature": 0.5}, {"top_p": 0.5}]
    for change in (*sampling, {"logprobs": True}, {"top_logprobs": 3}, {"extra": {"a": 1}}):
        assert request_bytes("m", Request(messages=base.messages, **change)) != request_bytes("m", base)


def test_golden_bytes_of_a_request() -> None:
    """Changing these makes users pay again for every call they have."""
    request = Request(messages=({"role": "user", "content": "é"},), temperature=0.7, top_p=0.95, stop=("\n",), prefill="The ")
    assert request_bytes("openai/m", request).decode() == (
        '{"messages":[{"content":"é","role":"user"}],"model":"openai/m","prefill":"The ","stop":["\\n"],"temperature":0.7,"top_p":0.95}'
    )


def test_equal_greedy_requests_share_one_call_in_flight_and_in_the_journal(tmp_path: Path) -> None:
    model = ScriptedModel(words, latency=0.01)

    async def body(run):
        async def one(i):
            return Record(text=(await run.ask("the same", temperature=0.0)).text)

        async for record in run.map(one, range(20), label="one"):
            yield record

    run(body, tmp_path / "r", model=model)
    assert model.calls == 1 and len(set(texts(tmp_path / "r"))) == 1
    journal = Journal(tmp_path / "r" / "journal.db")
    assert [len(journal.calls_at(f"one:{i}")) for i in range(20)] == [1] * 20
    journal.close()


def test_sampled_requests_get_a_seed_from_their_place_that_only_seedable_models_see(tmp_path: Path) -> None:
    for name, can in (("a", Capabilities(seed=True)), ("b", Capabilities())):
        model = ScriptedModel(words, can=can)
        run(asks("x", "y", temperature=0.7), tmp_path / name, model=model)
        seeds = [request.seed for request in model.requests]
        assert all((seed is not None and 0 <= seed < 2**31) for seed in seeds) if can.seed else seeds == [None, None]


def test_the_run_seed_changes_the_replies(tmp_path: Path) -> None:
    run(asks("x"), tmp_path / "a", seed=1)
    run(asks("x"), tmp_path / "b", seed=2)
    assert texts(tmp_path / "a") != texts(tmp_path / "b")


def test_a_reply_that_ended_by_itself_serves_a_larger_bound_and_a_cut_one_does_not(tmp_path: Path) -> None:
    model = ScriptedModel(lambda request: Reply(words(request), finish="stop"))
    run(asks("x", max_tokens=10), tmp_path / "r", model=model)
    run(asks("x", max_tokens=20), tmp_path / "r", model=model)
    assert model.calls == 1
    run(asks("x", max_tokens=5), tmp_path / "r", model=model)
    assert model.calls == 2
    cut = ScriptedModel(lambda request: Reply(words(request), finish="length"))
    run(asks("y", max_tokens=10), tmp_path / "r", model=cut)
    run(asks("y", max_tokens=20), tmp_path / "r", model=cut)
    assert cut.calls == 2


def test_a_failed_parse_shows_the_model_its_error(tmp_path: Path) -> None:
    model = ScriptedModel(lambda request: "42" if len(request.messages) > 1 else "forty-two")

    def parse(reply):
        if not reply.text.isdigit():
            raise Failure("not_a_number", "That is no number.")
        return int(reply.text)

    async def body(run):
        reply = await run.ask("a number", parse=parse)
        yield Record(text=str(reply.value + 1))

    run(body, tmp_path / "r", model=model)
    assert texts(tmp_path / "r") == ["43"]
    last = model.requests[-1].messages
    assert [message["role"] for message in last] == ["user", "assistant", "user"]
    assert last[1]["content"] == "forty-two" and "That is no number." in last[2]["content"]


@pytest.mark.parametrize(("params", "calls"), [({"prefill": "The"}, 3), ({"raw": True}, 3), ({"raw": True, "temperature": 0.0}, 1)])
def test_prefilled_and_raw_requests_are_sampled_anew_and_greedy_ones_are_not(tmp_path: Path, params, calls: int) -> None:
    model = ScriptedModel(words)

    def parse(reply):
        raise Failure("never")

    async def body(run):
        async def one(i):
            return Record(text=(await run.ask("x", parse=parse, reasks=2, **params)).text)

        async for record in run.map(one, range(1), label="one"):
            yield record

    run(body, tmp_path / "r", model=model)
    assert model.calls == calls
    assert rejected(tmp_path / "r")[0]["raw"] == words(model.requests[-1])


def test_infrastructure_faults_are_asked_again_and_never_reject(tmp_path: Path) -> None:
    failing = {"a": [Throttled("429", retry_after=0.01), Unavailable("500")], "b": [Unavailable("dropped")] * 3}

    def reply(request):
        prompt = request.messages[0]["content"]
        if failing.get(prompt):
            raise failing[prompt].pop()
        return words(request)

    outcome = run(asks("a", "b", "c"), tmp_path / "r", model=ScriptedModel(reply))
    assert (outcome.status, outcome.kept, outcome.rejected) == ("done", 3, 0)


def test_a_declined_request_rejects_its_row_and_is_not_asked_again(tmp_path: Path) -> None:
    def reply(request):
        if request.messages[0]["content"] == "bad":
            raise Declined("content policy", status=400)
        return words(request)

    model = ScriptedModel(reply)
    run(asks("good", "bad"), tmp_path / "r", model=model)
    (row,) = rejected(tmp_path / "r")
    assert (row["reason"], row["detail"]) == ("declined", "content policy")
    before = model.calls
    again = run(asks("good", "bad"), tmp_path / "r", model=model)
    assert model.calls == before and again.rejected == 1


def test_a_wrong_key_ends_the_run_with_one_line_and_exit_3(tmp_path: Path) -> None:
    def reply(request):
        raise Misconfigured("openai refused the key in OPENAI_API_KEY (401).", status=401)

    outcome = run(asks("x", "y"), tmp_path / "r", model=ScriptedModel(reply))
    assert (outcome.status, outcome.exit, outcome.code) == ("incomplete", 3, "model.http_401")
    assert outcome.stop == "openai refused the key in OPENAI_API_KEY (401)."


def test_a_request_that_stays_unanswered_leaves_its_row_unfinished_and_the_next_start_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilth.engine.calls.backoff", lambda attempt, rng: 0.005)
    broken = True

    def reply(request):
        if broken and request.messages[0]["content"] == "p3":
            raise Unavailable("always 500")
        return words(request)

    prompts = [f"p{i}" for i in range(60)]
    model = ScriptedModel(reply, latency=0.005)
    outcome = run(asks(*prompts), tmp_path / "r", model=model, concurrency=2)
    assert (outcome.status, outcome.exit, outcome.kept, outcome.rejected) == ("incomplete", 3, 3, 0)
    assert (tmp_path / "r" / "partial.jsonl").read_bytes().count(b"\n") == 56
    broken = False
    outcome = run(asks(*prompts), tmp_path / "r", model=model)
    assert (outcome.status, outcome.kept, outcome.calls) == ("done", 60, 1)
    assert not (tmp_path / "r" / "partial.jsonl").exists()


def test_a_dead_endpoint_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.engine.calls.backoff", lambda attempt, rng: 0.001)
    monkeypatch.setattr("tilth.engine.limiter.FIRST_PATIENCE", 0.05)

    def reply(request):
        raise Unavailable("nothing answers at http://localhost:1")

    outcome = run(asks(*map(str, range(50))), tmp_path / "r", model=ScriptedModel(reply))
    assert (outcome.status, outcome.exit, outcome.code) == ("incomplete", 3, "net.unreachable")
    assert "nothing answers at http://localhost:1" in outcome.stop and outcome.rejected == 0


def test_a_missing_capability_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    model = ScriptedModel(words, can=Capabilities())
    with pytest.raises(RequestError, match="cannot do prefill"):
        run(asks("x", prefill="The"), tmp_path / "r", model=model)
    assert model.calls == 0


def test_the_roles_configuration_fills_in_what_a_call_leaves_open(tmp_path: Path) -> None:
    model = ScriptedModel(words)

    async def body(run):
        await run.ask("x")
        await run.ask("y", temperature=0.9)
        yield Record(text="z")

    chosen = replace(open_role(model), temperature=0.3, max_tokens=77, stop=("END",))
    settings = Settings(folder=RunFolder(tmp_path / "r"), roles={"generator": [chosen]}, identity=b"i")
    start(lambda: execute(Body(body=body), settings))
    assert [(r.temperature, r.max_tokens, r.stop) for r in model.requests] == [(0.3, 77, ("END",)), (0.9, 77, ("END",))]


def test_scores_are_journaled_and_shared(tmp_path: Path) -> None:
    model = ScriptedModel(words, score=lambda prompt, continuation: -float(len(continuation)))

    async def body(run):
        async def one(i):
            return Record(text=str(await run.score("p", ["a", "bbb"])))

        async for record in run.map(one, range(4), label="one"):
            yield record

    run(body, tmp_path / "r", model=model)
    assert texts(tmp_path / "r") == ["[-1.0, -3.0]"] * 4 and model.calls == 1
    assert run(body, tmp_path / "r", model=model).calls == 0


def test_unset_roles_fall_back_to_the_generator_and_set_ones_do_not(tmp_path: Path) -> None:
    generator, judge = ScriptedModel(words, name="g"), ScriptedModel(lambda request: "judged", name="j")

    async def body(run):
        yield Record(text=(await run.ask("x", role="judge")).text + (await run.ask("y", role="other")).model)

    outcome = run(body, tmp_path / "r", model=generator, models={"judge": judge})
    assert texts(tmp_path / "r") == ["judgedg"]
    assert set(outcome.roles) == {"judge", "other"}


def test_a_fenced_input_cannot_be_read_by_a_method(tmp_path: Path) -> None:
    from tilth.records.data import Data

    async def body(run):
        assert not run.has("holdout")
        run.data("holdout")
        yield Record(text="x")

    with pytest.raises(RequestError, match="kept away from generation"):
        run(body, tmp_path / "r", data={"holdout": Data.of([{"text": "secret"}])})


def test_a_reused_journal_answers_without_paying_and_is_copied(tmp_path: Path) -> None:
    run(asks("x", "y"), tmp_path / "a")
    model = ScriptedModel(words)
    outcome = run(asks("x", "y", "z"), tmp_path / "b", model=model, identity=b"other", reuse=[tmp_path / "a" / "journal.db"])
    assert model.calls == 1 and outcome.kept == 3
    alone = run(asks("x", "y", "z"), tmp_path / "b", model=model, identity=b"other")
    assert alone.calls == 0 and model.calls == 1


def test_moving_the_folder_or_renaming_the_run_re_pays_nothing(tmp_path: Path) -> None:
    run(asks("x", "y"), tmp_path / "a")
    before = prints(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "renamed")
    assert run(asks("x", "y"), tmp_path / "renamed").calls == 0
    assert prints(tmp_path / "renamed") == before


def test_lineage_is_complete(tmp_path: Path) -> None:
    run(asks("x"), tmp_path / "r")
    (row,) = kept(tmp_path / "r")
    assert row["stage"] == "generate" and row["method"] == "body" and row["origin"] == "model" and row["round"] == 0
    assert row["parents"] == [] and row["seed_ids"] == [] and len(row["run"]) > 0 and len(row["id"]) == 32

"""Budgets, interrupts and people: how a run stops, what it leaves, and how it goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import orjson
import pytest

from engine.support import Body, kept, prints, rejected, run, texts, words
from tilth.engine.budget import Budget, Caps, Spent
from tilth.engine.execute import Handle
from tilth.errors import BudgetReached, Declined, Failure, Pending, RequestError
from tilth.models.base import Price, Reply, Usage
from tilth.models.scripted import ScriptedModel
from tilth.records.record import Record


async def chained(run):
    async def judge(i):
        return (await run.ask(f"judge {i}")).text

    async def one(i):
        first = (await run.ask(f"write {i}", max_tokens=20)).text
        marks = await run.map(judge, range(2), label="judge")
        if len(marks[0]) % 6 == 0:
            raise Failure("sixth")
        return Record(text=f"{first} {marks}")

    async for record in run.map(one, range(40), label="one"):
        yield record


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_budget_at_a_third_then_continued_adds_up(tmp_path: Path, concurrency: int) -> None:
    whole = run(chained, tmp_path / "whole")
    third = whole.calls // 3
    model = ScriptedModel(words, latency=(0, 0.003))
    first = run(chained, tmp_path / "r", model=model, caps=Caps(calls=third), concurrency=concurrency)
    assert (first.status, first.exit, first.code) == ("stopped", 4, "budget.reached")
    assert first.calls == third and model.calls == third
    second = run(chained, tmp_path / "r", model=model, caps=Caps(calls=whole.calls), concurrency=concurrency)
    assert second.status == "done" and first.calls + second.calls == whole.calls
    assert prints(tmp_path / "r") == prints(tmp_path / "whole")


def test_what_leaves_at_a_stop_is_a_prefix_of_the_whole(tmp_path: Path) -> None:
    run(chained, tmp_path / "whole")
    run(chained, tmp_path / "r", caps=Caps(calls=40), model=ScriptedModel(words, latency=0.03), concurrency=4)
    part = texts(tmp_path / "r")
    assert 0 < len(part) < 40 and part == texts(tmp_path / "whole")[: len(part)]


def test_tokens_and_dollars_are_never_passed(tmp_path: Path) -> None:
    def reply(request):
        return Reply(words(request), usage=Usage(input=30, output=request.max_tokens or 0))

    for caps in (Caps(tokens=3000), Caps(usd=0.003)):
        model = ScriptedModel(reply, latency=(0, 0.003), price=Price(1.0, 1.0))
        outcome = run(chained, tmp_path / str(caps), model=model, caps=caps)
        assert outcome.exit == 4
        assert outcome.tokens_in + outcome.tokens_out <= 3000 and outcome.usd <= 0.003
        assert all(request.max_tokens for request in model.requests)
        assert outcome.calls >= 2


def test_untold_usage_is_booked_at_its_worst_and_still_counts_at_the_next_start(tmp_path: Path) -> None:
    def reply(request):
        return Reply(words(request), usage=Usage())

    def go(tokens: int, model: ScriptedModel):
        return run(chained, tmp_path / "r", model=model, caps=Caps(tokens=tokens))

    first = go(6000, ScriptedModel(reply))
    assert first.exit == 4 and 0 < first.tokens_in + first.tokens_out <= 6000
    model = ScriptedModel(reply)
    assert go(6000, model).exit == 4 and model.calls == 0


def test_a_declined_request_costs_nothing_but_a_call(tmp_path: Path) -> None:
    def reply(request):
        raise Declined("no", status=400)

    async def body(run):
        async def one(i):
            return Record(text=(await run.ask(f"say {i}", max_tokens=100)).text)

        async for record in run.map(one, range(4), label="one"):
            yield record

    outcome = run(body, tmp_path / "r", model=ScriptedModel(reply), caps=Caps(tokens=400), concurrency=1)
    assert (outcome.status, outcome.rejected, outcome.tokens_out) == ("done", 4, 0)


def test_a_usd_cap_with_an_unpriced_model_is_refused(tmp_path: Path) -> None:
    model = ScriptedModel(words, price=None)
    with pytest.raises(RequestError, match="a budget in USD needs a price, and scripted has none"):
        run(chained, tmp_path / "r", model=model, caps=Caps(usd=1.0))
    assert model.calls == 0


def test_an_unknown_price_is_unknown_and_never_zero(tmp_path: Path) -> None:
    assert run(chained, tmp_path / "r", model=ScriptedModel(words, price=None)).usd_unknown
    assert not run(chained, tmp_path / "s").usd_unknown


def test_the_bound_follows_the_observed_ratio_and_waits_for_calls_in_flight() -> None:
    async def main() -> None:
        budget = Budget(Caps(tokens=1300), Spent())
        price = Price(1.0, 1.0)
        assert budget.worst_case(price, 400, 100).tokens == 400 + 64 + 100
        first, second = budget.reserve(price, 400, 100), budget.reserve(price, 400, 100)
        assert first and second and budget.reserve(price, 400, 100) is None
        waiting = asyncio.ensure_future(budget.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.settle(first, price, Usage(100, 10), 400)
        await asyncio.wait_for(waiting, 1)
        third = budget.reserve(price, 400, 100)
        assert third
        budget.settle(second, price, Usage(100, 10), 400)
        budget.settle(third, price, None, 400)
        assert (budget.spent.calls, budget.spent.tokens, budget.held.calls, budget.held.tokens) == (2, 220, 0, 0)
        for _ in range(60):
            budget.settle(Spent(calls=0), price, Usage(164, 0), 400)
        assert budget.worst_case(price, 400, 100).tokens == int(400 * 0.25 * 1.5) + 64 + 100
        with pytest.raises(BudgetReached):
            await budget.room()

    asyncio.run(main())


def test_ctrl_c_waits_for_what_was_sent_and_the_same_command_continues(tmp_path: Path) -> None:
    run(chained, tmp_path / "whole")
    handle = Handle()
    model = ScriptedModel(words, latency=0.05)
    threading.Timer(0.3, handle.interrupt).start()
    outcome = run(chained, tmp_path / "r", model=model, handle=handle, concurrency=4)
    assert (outcome.status, outcome.exit) == ("stopped", 130)
    assert outcome.calls == model.calls > 0
    again = run(chained, tmp_path / "r", model=model)
    assert again.from_journal >= outcome.calls - 1 and prints(tmp_path / "r") == prints(tmp_path / "whole")


def test_an_interrupt_during_a_retry_pause_does_not_wait_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.engine.calls.backoff", lambda attempt, rng: 60.0)
    from tilth.errors import Unavailable

    def reply(request):
        raise Unavailable("500")

    handle = Handle()
    threading.Timer(0.3, handle.interrupt, (143,)).start()
    started = time.monotonic()
    outcome = run(chained, tmp_path / "r", model=ScriptedModel(reply), handle=handle)
    assert outcome.exit == 143 and time.monotonic() - started < 10


def test_an_exception_handler_in_a_method_cannot_swallow_a_stop(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            try:
                return Record(text=(await run.ask(f"say {i}")).text)
            except Exception:
                return Record(text="swallowed")

        async for record in run.map(one, range(30), label="one"):
            yield record

    run(body, tmp_path / "r", caps=Caps(calls=10))
    assert "swallowed" not in texts(tmp_path / "r") and len(texts(tmp_path / "r")) == 10


def asking(run):
    async def one(i):
        first = (await run.ask(f"write {i}")).text
        answer = await run.ask_person(f"Is this fine? {first}", options=["yes", "no"])
        if answer.value == "no":
            raise Failure("person_said_no")
        return Record(text=f"{first} ({answer.by})")

    async def body():
        async for record in run.map(one, range(6), label="one"):
            yield record

    return body()


def test_people_are_asked_through_a_queue_file_and_the_run_waits(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    outcome = run(asking, folder)
    assert (outcome.status, outcome.exit, outcome.questions, outcome.kept) == ("waiting", 75, 6, 0)
    questions = [orjson.loads(line) for line in (folder / "people.jsonl").read_bytes().splitlines()]
    assert len(questions) == 6 and questions[0]["options"] == ["yes", "no"]
    with (folder / "answers.jsonl").open("ab") as file:
        for number, question in enumerate(questions[:5]):
            file.write(orjson.dumps({"id": question["id"], "answer": "no" if number == 2 else "yes", "by": "ann"}) + b"\n")
    outcome = run(asking, folder)
    assert (outcome.status, outcome.questions, outcome.calls) == ("waiting", 1, 0)
    assert len(kept(folder)) == 4
    with (folder / "answers.jsonl").open("ab") as file:
        file.write(orjson.dumps({"id": questions[5]["id"], "answer": "yes", "by": "bob"}) + b"\n")
    outcome = run(asking, folder)
    assert (outcome.status, outcome.exit, outcome.kept, outcome.calls) == ("done", 0, 5, 0)
    assert not (folder / "people.jsonl").exists()
    assert rejected(folder)[0]["reason"] == "person_said_no" and texts(folder)[-1].endswith("(bob)")
    (folder / "answers.jsonl").unlink()
    assert run(asking, folder).status == "done", "answers are in the journal"


def test_a_model_that_answers_later_leaves_its_rows_waiting_and_the_others_ask(tmp_path: Path) -> None:
    late = {"write 3", "write 20"}

    def reply(request):
        if request.messages[0]["content"] in late:
            raise Pending("the batch is under way")
        return words(request)

    model = ScriptedModel(reply)
    outcome = run(chained, tmp_path / "r", model=model)
    assert (outcome.status, outcome.exit) == ("waiting", 75) and outcome.calls == 38 * 3
    late.clear()
    outcome = run(chained, tmp_path / "r", model=model)
    assert (outcome.status, outcome.calls) == ("done", 6)


def test_an_answer_that_is_no_option_is_one_clear_line(tmp_path: Path) -> None:
    run(asking, tmp_path / "r")
    question = orjson.loads((tmp_path / "r" / "people.jsonl").read_bytes().splitlines()[0])
    (tmp_path / "r" / "answers.jsonl").write_bytes(orjson.dumps({"id": question["id"], "answer": "maybe"}))
    with pytest.raises(RequestError, match="answer 'maybe' to question .* is none of: yes, no"):
        run(asking, tmp_path / "r")


def test_a_second_process_is_kept_out_of_the_folder(tmp_path: Path) -> None:
    from tilth.records.folder import RunFolder

    folder = RunFolder(tmp_path / "r").create()
    with folder.lock(), pytest.raises(RequestError, match="is being written by process"):
        run(chained, tmp_path / "r")


def test_run_json_tells_status_versions_and_totals(tmp_path: Path) -> None:
    run(chained, tmp_path / "r", asked={"method": "body"})
    state = orjson.loads((tmp_path / "r" / "run.json").read_bytes())
    assert state["status"] == "done" and state["asked"] == {"method": "body"}
    assert state["totals"]["kept"] + state["totals"]["rejected"] == 40
    assert state["versions"]["tilth"] and state["versions"]["cpu"]


@pytest.mark.parametrize(
    ("says", "expected"), [("", ["1 short of 3 rows: the method could make no more."]), ("1 row short.", ["1 row short."])]
)
def test_a_method_that_ends_with_fewer_rows_than_wanted_says_so_once(tmp_path: Path, says: str, expected: list[str]) -> None:
    async def two(run):
        for text in "ab":
            yield Record(text=text)
        if says:
            run.note(says)

    assert run(Body(body=two, rows=3), tmp_path / "three").warnings == expected
    assert run(Body(body=two, rows=2), tmp_path / "two").warnings == [line for line in [says] if line]

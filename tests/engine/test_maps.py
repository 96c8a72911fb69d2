"""map: order, overlap, failures, nesting, sources, and the three bans."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from engine.support import kept, prints, rejected, run, texts, words
from tilth.errors import Failure, RequestError
from tilth.models.scripted import ScriptedModel
from tilth.records.record import Record


def slow_first(request):
    return words(request)


def test_results_leave_in_input_order_whatever_answers_first(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            return Record(text=f"{i} " + (await run.ask(f"say {i}")).text)

        async for record in run.map(one, range(60), label="one"):
            yield record

    run(body, tmp_path / "r", model=ScriptedModel(words, latency=(0.0, 0.02)))
    assert [int(text.split()[0]) for text in texts(tmp_path / "r")] == list(range(60))


def test_rows_overlap_up_to_the_concurrency(tmp_path: Path) -> None:
    model = ScriptedModel(words, latency=0.02)

    async def body(run):
        async def one(i):
            return Record(text=(await run.ask(f"say {i}")).text)

        async for record in run.map(one, range(64), label="one"):
            yield record

    run(body, tmp_path / "r", model=model, concurrency=16)
    assert model.open_peak == 16


@pytest.mark.parametrize("latency", [0.0, (0.0, 0.01)])
@pytest.mark.parametrize("concurrency", [1, 7, 64])
def test_three_levels_of_maps_give_the_same_bytes_at_any_concurrency(tmp_path: Path, concurrency: int, latency) -> None:
    async def body(run):
        async def leaf(j):
            return (await run.ask("the same question", temperature=1.0)).text

        async def middle(i):
            found = await run.map(leaf, range(3), label="leaf")
            if len(found[0]) % 5 == 0:
                run.reject(Record(text=found[0]), "fifth", score=0.5)
            return found[0]

        async def top(i):
            found = await run.map(middle, range(3), label="middle")
            if i % 4 == 3:
                raise Failure("fourth")
            return Record(text=" | ".join(found))

        async for record in run.map(top, range(20), label="top"):
            yield record

    run(body, tmp_path / "a", model=ScriptedModel(words, latency=latency), concurrency=concurrency)
    run(body, tmp_path / "b", model=ScriptedModel(words), concurrency=3)
    assert prints(tmp_path / "a") == prints(tmp_path / "b")
    reasons = [row["reason"] for row in rejected(tmp_path / "a")]
    assert reasons.count("fourth") == 5 and reasons.count("fifth") > 0
    assert len(kept(tmp_path / "a")) == 15


def test_rejects_leave_in_program_order_with_their_item(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            run.reject(Record(text=f"{i} before"), "early")
            await asyncio.sleep(0.01 * (5 - i) / 5)
            text = (await run.ask(f"say {i}")).text
            run.reject(Record(text=f"{i} after"), "late")
            return Record(text=text)

        async for record in run.map(one, range(5), label="one"):
            run.reject(Record(text="loop"), "in_loop")
            yield record

    run(body, tmp_path / "r")
    said = [row["text"] for row in rejected(tmp_path / "r")]
    assert said == [line for i in range(5) for line in (f"{i} before", f"{i} after", "loop")]


def test_a_failure_rejects_its_row_only_and_keeps_reason_raw_and_place(tmp_path: Path) -> None:
    def parse(reply):
        raise Failure("unreadable", "no number in it", raw=reply.text)

    async def body(run):
        async def one(item):
            if item["text"] == "b":
                await run.ask("say", parse=parse, reasks=0)
            return Record(text=item["text"])

        async for record in run.map(one, [Record(text=t, meta={"id": t}) for t in "abc"], label="one"):
            yield record

    outcome = run(body, tmp_path / "r")
    assert texts(tmp_path / "r") == ["a", "c"]
    (row,) = rejected(tmp_path / "r")
    assert (row["reason"], row["step"], row["detail"], row["text"], row["parents"]) == ("unreadable", "one", "no number in it", "b", ["b"])
    assert row["raw"] and row["place"] == "one:b"
    assert outcome.reasons == {("one", "unreadable"): 1} and outcome.exit == 0


def test_on_failure_raise_fails_the_enclosing_row_and_keep_gives_the_failure(tmp_path: Path) -> None:
    async def body(run):
        async def leaf(j):
            if j == 1:
                raise Failure("leaf")
            return j

        async def strict(i):
            return Record(text=str(await run.map(leaf, range(3), label="leaf", on_failure="raise")))

        async def lenient(i):
            found = await run.map(leaf, range(3), label="leaf", on_failure="keep")
            return Record(text=" ".join("failed" if isinstance(one, Failure) else str(one) for one in found))

        async for record in run.map(strict, range(2), label="strict"):
            yield record
        async for record in run.map(lenient, range(2), label="lenient"):
            yield record

    run(body, tmp_path / "r")
    assert texts(tmp_path / "r") == ["0 failed 2"] * 2
    assert [row["step"] for row in rejected(tmp_path / "r")] == ["strict", "strict"]


def test_async_generators_are_flattened_and_plain_functions_run_in_threads(tmp_path: Path) -> None:
    async def body(run):
        async def several(i):
            for j in range(i):
                yield Record(text=f"{i}.{j}")

        def plain(record):
            time.sleep(0.03)
            return record.replace(text=record["text"] + f" {run.rng('x').random():.3f}")

        async for record in run.map(plain, run.map(several, range(4), label="several"), label="plain"):
            yield record

    started = time.perf_counter()
    run(body, tmp_path / "r")
    assert [text.split()[0] for text in texts(tmp_path / "r")] == ["1.0", "2.0", "2.1", "3.0", "3.1", "3.2"]
    assert len({text.split()[1] for text in texts(tmp_path / "r")}) == 6
    assert time.perf_counter() - started < 3


def test_a_lambda_around_an_async_generator_is_flattened_too(tmp_path: Path) -> None:
    async def body(run):
        async def several(i):
            yield Record(text=str(i))
            yield Record(text=str(-i))

        async for record in run.map(lambda i: several(i), range(1, 3), label="several"):
            yield record

    run(body, tmp_path / "r")
    assert texts(tmp_path / "r") == ["1", "-1", "2", "-2"]


def test_a_map_over_a_map_overlaps_and_rejects_travel_with_the_item_they_precede(tmp_path: Path) -> None:
    async def body(run):
        async def first(i):
            if i % 3 == 0:
                run.reject(Record(text=f"first {i}"), "first")
                return None
            return (await run.ask(f"first {i}")).text[:1] + f" {i}"

        async def second(text):
            run.reject(Record(text=f"second {text.split()[1]}"), "second")
            return Record(text=(await run.ask(f"second {text}")).text)

        async for record in run.map(second, run.map(first, range(9), label="first"), label="second"):
            yield record

    for name, concurrency in (("a", 1), ("b", 50)):
        run(body, tmp_path / name, model=ScriptedModel(words, latency=(0, 0.01)), concurrency=concurrency)
    assert prints(tmp_path / "a") == prints(tmp_path / "b")
    said = [row["text"] for row in rejected(tmp_path / "a")]
    assert said == ["first 0", "second 1", "second 2", "first 3", "second 4", "second 5", "first 6", "second 7", "second 8"]


def test_a_user_generator_as_source_may_use_the_run(tmp_path: Path) -> None:
    async def body(run):
        async def source():
            for i in range(5):
                yield (await run.ask(f"draw {i}")).text + str(run.rng("s").random())

        async def one(text):
            return Record(text=text)

        async for record in run.map(one, source(), label="one"):
            yield record

    run(body, tmp_path / "a")
    run(body, tmp_path / "b", model=ScriptedModel(words, latency=(0, 0.01)))
    assert prints(tmp_path / "a") == prints(tmp_path / "b") and len(texts(tmp_path / "a")) == 5


def test_equal_items_get_different_replies_and_inserting_items_re_pays_only_those(tmp_path: Path) -> None:
    items = ["x", "y", "x"]

    async def body(run):
        async def one(item):
            return Record(text=(await run.ask(f"say {item}")).text)

        async for record in run.map(one, items, label="one"):
            yield record

    run(body, tmp_path / "r")
    first = texts(tmp_path / "r")
    assert len(set(first)) == 3
    items[:0] = ["new", "newer"]
    outcome = run(body, tmp_path / "r")
    assert outcome.calls == 2
    assert texts(tmp_path / "r")[2:] == first


def test_all_runs_branches_side_by_side_each_in_its_place(tmp_path: Path) -> None:
    async def body(run):
        async def say(what):
            return (await run.ask(what)).text

        left, right = await run.all(say("same"), say("same"))
        assert left != right
        yield Record(text=f"{left}|{right}")

    run(body, tmp_path / "a")
    run(body, tmp_path / "b", concurrency=1)
    assert texts(tmp_path / "a") == texts(tmp_path / "b")


def test_run_ask_itself_may_be_given_to_all(tmp_path: Path) -> None:
    async def body(run):
        replies = await run.all(run.ask("one"), run.ask("two"))
        yield Record(text=" ".join(reply.text for reply in replies))

    assert run(body, tmp_path / "r").status == "done"


def test_gather_around_the_run_ends_it_as_a_defect(tmp_path: Path) -> None:
    async def body(run):
        await asyncio.gather(run.ask("one"), run.ask("two"), return_exceptions=False)
        yield Record(text="never")

    outcome = run(body, tmp_path / "r")
    assert (outcome.status, outcome.exit) == ("failed", 5)
    assert "gather" in outcome.stop


def test_leaving_a_map_early_ends_the_run_as_a_defect(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            return Record(text=(await run.ask(f"say {i}")).text)

        async for record in run.map(one, range(50), label="one"):
            yield record
            break

    outcome = run(body, tmp_path / "r")
    assert outcome.exit == 5 and "left early" in outcome.stop


def test_the_same_unexpected_exception_in_the_first_five_rows_ends_the_run(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            raise TypeError("a programming error")

        async for record in run.map(one, range(50), label="one"):
            yield record

    outcome = run(body, tmp_path / "r")
    assert (outcome.status, outcome.exit) == ("failed", 5)
    assert "TypeError" in outcome.stop and "a programming error" in (tmp_path / "r" / "crash.txt").read_text()


def test_a_rare_unexpected_exception_rejects_its_row_with_the_traceback(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            if i == 7:
                raise ValueError("rare")
            return Record(text=str(i))

        async for record in run.map(one, range(60), label="one"):
            yield record

    outcome = run(body, tmp_path / "r")
    (row,) = rejected(tmp_path / "r")
    assert outcome.exit == 0 and row["reason"] == "exception" and "ValueError: rare" in row["trace"]


def test_over_a_fifth_of_fifty_rows_is_a_defect(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            if i % 4 == 1:
                raise KeyError("often")
            return Record(text=str(i))

        async for record in run.map(one, range(200), label="one"):
            yield record

    outcome = run(body, tmp_path / "r")
    assert outcome.exit == 5 and "of 5" in outcome.stop


def test_nothing_kept_is_exit_1(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            raise Failure("all")

        async for record in run.map(one, range(10), label="one"):
            yield record

    outcome = run(body, tmp_path / "r")
    assert (outcome.status, outcome.exit, outcome.rejected) == ("done", 1, 10)


def test_a_lambda_needs_a_label(tmp_path: Path) -> None:
    async def body(run):
        async for record in run.map(lambda i: Record(text="x"), range(3)):
            yield record

    with pytest.raises(Exception, match="needs a label"):
        run(body, tmp_path / "r")


def test_a_wrong_request_inside_a_row_ends_the_run_and_sends_nothing_more(tmp_path: Path) -> None:
    model = ScriptedModel(words, latency=0.01)

    async def body(run):
        async def one(i):
            await run.ask(f"first {i}")
            run.data("nowhere") if i == 0 else await run.ask(f"second {i}")
            return Record(text=str(i))

        async for record in run.map(one, range(200), label="one"):
            yield record

    with pytest.raises(RequestError, match="no data called 'nowhere'"):
        run(body, tmp_path / "r", model=model, concurrency=8)
    assert model.calls < 60


def test_a_record_yielded_twice_is_a_defect(tmp_path: Path) -> None:
    async def body(run):
        record = Record(text="once")
        yield record
        yield record

    outcome = run(body, tmp_path / "r")
    assert outcome.exit == 5 and "yielded twice" in outcome.stop


def test_a_value_of_the_wrong_type_rejects_its_record(tmp_path: Path) -> None:
    async def body(run):
        yield Record(text="fine")
        yield Record(text=7)

    outcome = run(body, tmp_path / "r")
    assert outcome.kept == 1 and outcome.reasons == {("schema", "schema"): 1}


def test_ids_are_unique_and_depend_on_the_run_but_calls_do_not(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            yield Record(text=(await run.ask(f"say {i}")).text)
            yield Record(text="twin")

        async for record in run.map(one, range(5), label="one"):
            yield record

    run(body, tmp_path / "a", identity=b"one")
    run(body, tmp_path / "b", identity=b"two")
    a, b = ([row["id"] for row in kept(tmp_path / name)] for name in "ab")
    assert len(set(a)) == 10 and not set(a) & set(b)
    assert texts(tmp_path / "a") == texts(tmp_path / "b")
    assert {row["place"] for row in kept(tmp_path / "a")} == {f"one:{i}" for i in range(5)}

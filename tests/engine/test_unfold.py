"""unfold: draws that read the pool, a lag that belongs to the method, and leaving early."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.support import prints, run, texts, words
from tilth.errors import Failure
from tilth.models.scripted import ScriptedModel
from tilth.records.record import Record


def pool_body(lag: int, want: int, seen: list[tuple[int, int]] | None = None):
    async def body(run):
        pool: list[str] = []

        def draw(k):
            if seen is not None:
                seen.append((k, len(pool)))
            return (k, run.rng("demos").sample(pool, min(2, len(pool))))

        async def propose(item):
            k, demos = item
            return (await run.ask(f"continue {k} after {demos}")).text

        async for text in run.unfold(draw, propose, lag=lag, label="propose"):
            if len(text) % 4 == 0:
                run.reject(Record(text=text), "fourth")
            else:
                pool.append(text)
            if len(pool) >= want:
                break
        for text in pool:
            yield Record(text=text)

    return body


@pytest.mark.parametrize("lag", [1, 5, 32])
def test_a_growing_pool_is_the_same_at_any_concurrency(tmp_path: Path, lag: int) -> None:
    for name, concurrency, latency in (("a", 1, 0.0), ("b", 7, (0, 0.004)), ("c", 64, (0, 0.004))):
        run(pool_body(lag, 25), tmp_path / name, model=ScriptedModel(words, latency=latency), concurrency=concurrency)
    assert prints(tmp_path / "a") == prints(tmp_path / "b") == prints(tmp_path / "c")
    assert len(texts(tmp_path / "a")) == 25


def test_draw_k_sees_exactly_results_up_to_k_minus_lag(tmp_path: Path) -> None:
    consumed: list[int] = []
    seen: list[tuple[int, int]] = []

    async def body(run):
        def draw(k):
            seen.append((k, len(consumed)))
            return k

        async def one(k):
            return k

        async for k in run.unfold(draw, one, lag=4, limit=20, label="one"):
            consumed.append(k)
        yield Record(text="end")

    run(body, tmp_path / "r")
    assert seen == [(k, max(0, k - 3)) for k in range(20)]
    assert consumed == list(range(20))


def test_what_was_drawn_runs_to_its_end_so_a_second_start_pays_nothing(tmp_path: Path) -> None:
    first = run(pool_body(32, 10), tmp_path / "r", model=ScriptedModel(words, latency=(0, 0.005)), concurrency=8)
    again = run(pool_body(32, 10), tmp_path / "r", model=ScriptedModel(words))
    assert first.calls > 10 and again.calls == 0 and again.from_journal == first.calls


def test_a_kept_failure_is_a_result_in_its_turn_so_the_body_runs_before_the_next_draw(tmp_path: Path) -> None:
    def body(on_failure, order):
        async def generate(run):
            async def one(k):
                if k % 3 == 1:
                    raise Failure("third")
                return k

            async for k in run.unfold(lambda k: order.append(f"draw {k}") or k, one, lag=1, limit=6, label="one", on_failure=on_failure):
                order.append(k.reason if isinstance(k, Failure) else k)
            yield Record(text="end")

        return generate

    kept: list[object] = []
    skipped: list[object] = []
    run(body("keep", kept), tmp_path / "a")
    run(body("reject", skipped), tmp_path / "b")
    made = [0, "third", 2, 3, "third", 5]
    assert kept == [one for k, result in enumerate(made) for one in (f"draw {k}", result)]
    assert skipped == [one for one in kept if one != "third"]


def test_draw_returning_none_ends_the_pool_and_limit_bounds_it(tmp_path: Path) -> None:
    async def body(run):
        async def one(k):
            return Record(text=str(k))

        async for record in run.unfold(lambda k: None if k == 7 else k, one, lag=3, label="dry"):
            yield record
        async for record in run.unfold(lambda k: k, one, lag=3, limit=2, label="limited"):
            yield record

    run(body, tmp_path / "r")
    assert texts(tmp_path / "r") == [*(str(k) for k in range(7)), "0", "1"]


def test_a_lag_below_one_is_refused(tmp_path: Path) -> None:
    async def body(run):
        async for _ in run.unfold(lambda k: k, lambda k: k, lag=0, label="none"):
            yield Record(text="x")

    assert "lag must be at least 1" in run(body, tmp_path / "r").stop

"""do, rng, spool, embed: computation that is done once, chance that repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.support import run, texts
from tilth.engine.work import fingerprint, freeze, source_digest, thaw
from tilth.errors import RequestError
from tilth.records.record import Record

RAN: list[int] = []


def total(rows, weights):
    RAN.append(1)
    return {"sum": float(np.dot([len(row["text"]) for row in rows], weights)), "rows": rows}


async def working(run):
    rows = [Record(text="a" * i, meta={"id": str(i)}) for i in range(4)]
    found = await run.do(total, rows, np.ones(4))
    twice = await run.do(total, rows, np.ones(4))
    assert found == twice and isinstance(found["rows"][0], Record)
    yield Record(text=str(found["sum"]))


def test_do_runs_once_and_a_second_start_reads_the_journal(tmp_path: Path) -> None:
    RAN.clear()
    run(working, tmp_path / "r")
    assert texts(tmp_path / "r") == ["6.0"] and len(RAN) == 2, "two occurrences in one place are two computations"
    again = run(working, tmp_path / "r")
    assert len(RAN) == 2 and again.from_journal == 0, "what is computed is no call"


def test_other_inputs_or_other_source_are_another_computation() -> None:
    assert fingerprint([1, "a"]) != fingerprint([1, "b"])
    assert fingerprint(np.ones(3)) != fingerprint(np.ones((3, 1))) != fingerprint(np.ones(3, dtype=np.float32))
    assert fingerprint(Record(text="a", meta={"id": "1"})) == fingerprint(Record(text="a", meta={"id": "2"}))

    def one(x):
        return x + 1

    def two(x):
        return x + 2

    assert source_digest(one) != source_digest(two)


def test_an_input_without_content_is_refused() -> None:
    with pytest.raises(RequestError, match="cannot tell the content of a object"):
        fingerprint(object())


def test_blas_runs_on_one_thread(tmp_path: Path) -> None:
    def threads():
        from threadpoolctl import threadpool_info

        np.ones((2, 2)) @ np.ones((2, 2))
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    async def body(run):
        yield Record(text=str(await run.do(threads)))

    run(body, tmp_path / "r")
    assert set(texts(tmp_path / "r")[0]) <= set("[1, ]")


def test_freeze_and_thaw_are_inverse() -> None:
    value = {"rows": [Record(text="x", meta={"id": "1"})], "n": [1, 2.5, None, "s"]}
    assert thaw(freeze(value)) == value


def test_streams_of_chance_continue_and_depend_on_place_name_and_seed(tmp_path: Path) -> None:
    async def body(run):
        async def one(i):
            return Record(text=f"{run.rng('a').random():.6f} {run.rng('a').random():.6f} {run.rng('b').random():.6f}")

        async for record in run.map(one, range(3), label="one"):
            yield record

    run(body, tmp_path / "a", seed=1)
    run(body, tmp_path / "b", seed=2)
    numbers = [number for name in "ab" for text in texts(tmp_path / name) for number in text.split()]
    assert len(set(numbers)) == 18


def test_a_spool_holds_rows_on_disk(tmp_path: Path) -> None:
    async def body(run):
        spool = run.spool("all")
        for i in range(50):
            spool.append(Record(text=f"row {i}", meta={"id": str(i)}))
        assert len(spool) == 50 and spool[7]["text"] == "row 7" and spool.column("text")[49] == "row 49"
        assert [record.id for record in spool] == [str(i) for i in range(50)]
        yield Record(text=spool[3]["text"])

    run(body, tmp_path / "r")
    assert texts(tmp_path / "r") == ["row 3"]


def test_embeddings_are_cached_as_one_array_a_set(tmp_path: Path) -> None:
    from dataclasses import replace

    from tilth.engine.execute import execute, start
    from tilth.engine.session import Settings
    from tilth.models.roles import open_role
    from tilth.models.scripted import ScriptedModel
    from tilth.records.folder import RunFolder

    class Ones(ScriptedModel):
        asked = 0

        async def embed(self, texts):
            Ones.asked += 1
            return np.ones((len(texts), 4), dtype=np.float32) / 2

    async def body(run):
        vectors = await run.embed(["a", "b", "c"])
        yield Record(text=f"{vectors.shape} {vectors.dtype}")

    from engine.support import Body

    role = open_role(Ones(lambda request: "x"))
    for _ in range(2):
        settings = Settings(folder=RunFolder(tmp_path / "r"), roles={"generator": [role], "embedder": [replace(role)]}, identity=b"i")
        start(lambda settings=settings: execute(Body(body=body), settings))
    assert Ones.asked == 1 and texts(tmp_path / "r") == ["(3, 4) float32"]

"""run.embed: chunks into one array on disk, which goes on after a stop and is made once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from engine.support import rejected, run, texts
from tilth.engine import vectors
from tilth.engine.vectors import CHUNK, Growing
from tilth.errors import Declined, Misconfigured, RequestError, Throttled, Unavailable
from tilth.models.hashed import HashedTfidf
from tilth.records.record import Record

MANY = [f"text number {i}" for i in range(2 * CHUNK + 100)]


class Counting(HashedTfidf):
    """Hashed TF-IDF that remembers what it was asked, and fails at given calls."""

    def __init__(self, errors=None, width=16):
        super().__init__(16)
        self.width = width
        self.asked: list[int] = []
        self.errors = dict(errors or {})

    async def embed(self, texts):
        self.asked.append(len(texts))
        if error := self.errors.pop(len(self.asked), None):
            raise error
        await asyncio.sleep(0)
        return self.vectors(texts)[:, : self.width]


def embedding(wanted=MANY):
    async def body(run):
        made = await run.embed(wanted)
        same = np.array_equal(made, HashedTfidf(16).vectors(wanted))
        yield Record(text=f"{made.shape} {made.dtype} {same} {type(made).__name__}")

    return body


def files(folder: Path) -> list[str]:
    return sorted(path.suffix for path in (folder / "artifacts").iterdir())


def test_a_large_set_is_embedded_in_chunks_and_once(tmp_path: Path) -> None:
    embedder = Counting()
    for _ in range(2):
        run(embedding(), tmp_path / "r", models={"embedder": embedder})
    assert embedder.asked == [CHUNK, CHUNK, 100]
    assert texts(tmp_path / "r") == [f"({len(MANY)}, 16) float32 True ndarray"] and files(tmp_path / "r") == [".npy"]


def test_another_embedder_or_other_texts_make_another_array(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    second.identity = "another"

    async def body(run):
        await run.embed(["a", "b"])
        await run.embed(["b", "a"])
        await run.embed(["ab"])
        yield Record(text="x")

    run(body, tmp_path / "r", models={"embedder": first})
    run(body, tmp_path / "r", models={"embedder": second})
    assert first.asked == second.asked == [2, 2, 1] and len(files(tmp_path / "r")) == 6


@pytest.mark.parametrize("torn", [0, 1, 64 * CHUNK - 3])
def test_a_stop_costs_one_chunk_and_a_torn_file_no_more(tmp_path: Path, torn: int) -> None:
    broken = Counting({3: Misconfigured("no such model", status=404)})
    outcome = run(embedding(), tmp_path / "r", models={"embedder": broken})
    assert outcome.exit == 3 and broken.asked == [CHUNK, CHUNK, 100]
    (part,) = (tmp_path / "r" / "artifacts").iterdir()
    assert part.suffix == ".part"
    with part.open("r+b") as file:
        file.truncate(part.stat().st_size - torn)
    again = Counting()
    run(embedding(), tmp_path / "r", models={"embedder": again})
    assert again.asked == ([CHUNK, 100] if torn else [100])
    assert "True" in texts(tmp_path / "r")[0] and files(tmp_path / "r") == [".npy"]


@pytest.mark.parametrize("left", [0, 5, 60])
def test_a_file_cut_off_in_its_header_is_begun_anew(tmp_path: Path, left: int) -> None:
    rows = np.ones((CHUNK, 4), dtype=np.float32)
    Growing(tmp_path / "a.npy", CHUNK + 1).append(rows)
    part = tmp_path / "a.npy.part"
    part.write_bytes(part.read_bytes()[:left])
    array = Growing(tmp_path / "a.npy", CHUNK + 1)
    assert array.rows == 0
    array.append(2 * rows)
    array.append(rows[:1])
    array.finish()
    assert np.load(tmp_path / "a.npy").sum() == 8 * CHUNK + 4


def test_a_busy_or_absent_endpoint_is_asked_again(tmp_path: Path) -> None:
    embedder = Counting({1: Throttled("429"), 2: Unavailable("503"), 4: Unavailable("503")})
    outcome = run(embedding(), tmp_path / "r", models={"embedder": embedder})
    assert outcome.exit == 0 and embedder.asked == [CHUNK] * 5 + [100]
    assert "True" in texts(tmp_path / "r")[0]


def test_an_endpoint_that_stays_away_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "TRIES", 2)
    outcome = run(embedding(["a"]), tmp_path / "r", models={"embedder": Counting({1: Unavailable("away"), 2: Unavailable("away")})})
    assert outcome.exit == 3


def test_who_asks_for_the_same_set_waits_for_it(tmp_path: Path) -> None:
    embedder = Counting()

    async def one(run, number):
        return Record(text=str((await run.embed(["a", "b"])).shape))

    async def body(run):
        async for record in run.map(lambda number: one(run, number), range(20), label="one"):
            yield record

    run(body, tmp_path / "r", models={"embedder": embedder})
    assert embedder.asked == [2] and texts(tmp_path / "r") == ["(2, 16)"] * 20


def test_declined_texts_reject_their_row_only(tmp_path: Path) -> None:
    embedder = Counting({2: Declined("too long")})

    async def one(run, number):
        await run.embed([f"text {number}"])
        return Record(text=str(number))

    async def body(run):
        for number in range(3):
            async for record in run.map(lambda given: one(run, given), [number], label="one"):
                yield record

    run(body, tmp_path / "r", models={"embedder": embedder})
    assert texts(tmp_path / "r") == ["0", "2"] and len(rejected(tmp_path / "r")) == 1


def test_a_large_array_is_mapped_and_writing_to_it_changes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "MAPPED", 1000)

    async def body(run):
        made = await run.embed(MANY)
        kind = type(made).__name__
        made[:] = 0
        yield Record(text=f"{kind} {np.array_equal(await run.embed(MANY), HashedTfidf(16).vectors(MANY))}")

    run(body, tmp_path / "r", models={"embedder": Counting()})
    assert texts(tmp_path / "r") == ["memmap True"]


def test_vectors_of_a_wrong_shape_are_refused_in_one_line(tmp_path: Path) -> None:
    class Short(Counting):
        async def embed(self, texts):
            return self.vectors(texts)[:-1]

    class Wider(Counting):
        async def embed(self, texts):
            self.asked.append(len(texts))
            return HashedTfidf(16 + len(self.asked)).vectors(texts)

    for embedder, said in ((Short(), "for 1024 texts"), (Wider(), "and 17 columns before")):
        with pytest.raises(RequestError, match=said):
            run(embedding(), tmp_path / type(embedder).__name__, models={"embedder": embedder})


def test_no_texts_give_no_rows_and_no_file(tmp_path: Path) -> None:
    run(embedding([]), tmp_path / "r", models={"embedder": Counting()})
    assert texts(tmp_path / "r") == ["(0, 16) float32 True ndarray"] and not list((tmp_path / "r").glob("artifacts/*"))


def test_a_model_that_only_writes_cannot_embed(tmp_path: Path) -> None:
    from tilth.models.scripted import ScriptedModel

    with pytest.raises(RequestError, match="makes no vectors"):
        run(embedding(), tmp_path / "r", models={"embedder": ScriptedModel(lambda request: "x")})

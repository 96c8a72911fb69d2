"""Writing: whole files or none, the same bytes for the same rows, and nothing left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.errors import OutsideError, RequestError
from tilth.records import atomic
from tilth.records.parts import PartWriter, parts, read_parts
from tilth.records.record import Record
from tilth.records.schema import Schema
from tilth.records.write import write

ARROW = pa.schema([("id", pa.string()), ("n", pa.int64())])


def rows(count: int) -> Iterator[dict[str, Any]]:
    return ({"id": f"r{number}", "n": number} for number in range(count))


def fill(folder: Path, count: int, **options: Any) -> None:
    with PartWriter(folder, "part", ARROW, **options) as writer:
        for row in rows(count):
            writer.add(row)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_parts_are_cut_by_row_count(tmp_path: Path, count: int, sizes: list[int]) -> None:
    fill(tmp_path, count, rows_per_part=10)
    assert [pq.read_metadata(path).num_rows for path in parts(tmp_path, "part")] == sizes
    assert list(read_parts(tmp_path, "part")) == list(rows(count))
    assert sorted(contents(tmp_path)) == [f"part-{number:05d}.parquet" for number in range(len(sizes))]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    fill(tmp_path / "a", 3000, rows_per_part=1500)
    fill(tmp_path / "b", 3000, rows_per_part=1500)
    before = contents(tmp_path / "a")
    assert contents(tmp_path / "b") == before
    fill(tmp_path / "a", 3000, rows_per_part=1500)
    assert contents(tmp_path / "a") == before


def test_a_shorter_run_removes_later_parts_of_its_stem_only(tmp_path: Path) -> None:
    fill(tmp_path, 50, rows_per_part=10)
    (tmp_path / "rejected-00004.parquet").write_bytes(b"other stem")
    (tmp_path / "part-00003.parquet.tmp").write_bytes(b"left by a killed writer")
    fill(tmp_path, 20, rows_per_part=10)
    assert sorted(contents(tmp_path)) == ["part-00000.parquet", "part-00001.parquet", "rejected-00004.parquet"]


def test_a_failing_block_leaves_complete_parts_only(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), PartWriter(tmp_path, "part", ARROW, rows_per_part=10) as writer:
        for row in rows(25):
            writer.add(row)
        _ = 1 / 0
    assert len(list(read_parts(tmp_path, "part"))) == 20


def test_an_empty_dataset_can_still_show_its_schema(tmp_path: Path) -> None:
    fill(tmp_path, 0, keep_empty=True)
    assert pq.read_schema(parts(tmp_path, "part")[0]).names == ["id", "n"]


def test_a_kill_leaves_no_half_part(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import pyarrow as pa; from tilth.records.parts import PartWriter\n"
        "writer = PartWriter(Path(sys.argv[1]), 'part', pa.schema([('id', pa.string()), ('n', pa.int64())]), rows_per_part=100)\n"
        "number = 0\n"
        "while True: writer.add({'id': f'r{number}', 'n': number}); number += 1\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env={**os.environ, "PYTHONPATH": source})
    deadline = time.monotonic() + 30
    while len(parts(tmp_path, "part")) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    complete = parts(tmp_path, "part")
    assert len(complete) >= 5
    assert list(read_parts(tmp_path, "part")) == list(rows(100 * len(complete)))
    fill(tmp_path, 250, rows_per_part=100)
    assert list(read_parts(tmp_path, "part")) == list(rows(250))
    assert len(contents(tmp_path)) == 3


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OutsideError, match=r"no space left on the disk of .*free space and run the same command again"):
        fill(tmp_path, 5)
    assert contents(tmp_path) == {}


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    write([{"n": 1}], path)

    def broken() -> Iterator[dict[str, Any]]:
        yield {"n": 2}
        raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        write(broken(), path)
    assert contents(tmp_path) == {"out.jsonl": b'{"n":1}\n'}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("d.jsonl", '{"text":"a,\\nb","tags":["x"],"n":null}\n{"text":"é","tags":[],"n":2}\n'),
        ("d.json", '[\n{"text":"a,\\nb","tags":["x"],"n":null},\n{"text":"é","tags":[],"n":2}\n]\n'),
        ("d.csv", 'text,tags,n\n"a,\nb","[""x""]",\né,[],2\n'),
        ("d.tsv", 'text\ttags\tn\n"a,\nb"\t"[""x""]"\t\né\t[]\t2\n'),
    ],
)
def test_text_formats(tmp_path: Path, name: str, expected: str) -> None:
    records = [Record(text="a,\nb", tags=["x"], n=None, meta={"id": "1"}), Record(text="é", tags=[], n=2)]
    assert write(records, tmp_path / name) == 2
    assert (tmp_path / name).read_bytes().decode() == expected


def test_ids_are_written_on_request(tmp_path: Path) -> None:
    write([Record(text="a", meta={"id": "1", "round": 0})], tmp_path / "d.csv", meta=True)
    assert (tmp_path / "d.csv").read_text() == "id,text\n1,a\n"


@pytest.mark.parametrize("name", ["d.jsonl", "d.json", "d.parquet", "d.csv"])
def test_no_records_give_an_empty_file(tmp_path: Path, name: str) -> None:
    assert write([], tmp_path / name) == 0
    assert (tmp_path / name).exists()


def test_parquet_with_a_schema(tmp_path: Path) -> None:
    schema = Schema.of({"text": str})
    made = [Record(text=str(number), meta={"id": str(number)}) for number in range(2500)]
    write(made, tmp_path / "d.parquet", schema=schema)
    assert [schema.record(row) for row in pq.read_table(tmp_path / "d.parquet").to_pylist()] == made


def test_parquet_takes_the_columns_of_all_first_rows(tmp_path: Path) -> None:
    write([{"a": 1}, {"b": ["x"]}], tmp_path / "d.parquet")
    assert pq.read_table(tmp_path / "d.parquet").to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": ["x"]}]


def test_rows_that_fit_no_table(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="record 2 has a column 'b' unlike the first"):
        write([{"a": 1}, {"a": 1, "b": 2}], tmp_path / "d.csv")
    with pytest.raises(RequestError, match="do not fit one table"):
        write([{"a": 1}, {"a": "x"}], tmp_path / "d.parquet")
    late = ({"a": number} if number < 1500 else {"a": number, "b": 1} for number in range(2000))
    with pytest.raises(RequestError, match=r"records from 1025 on do not fit one table \(column 'b' is new\)"):
        write(late, tmp_path / "d.parquet")
    with pytest.raises(RequestError, match=r"d.xlsx has an ending that cannot be written. Use one of: .jsonl"):
        write([{"a": 1}], tmp_path / "d.xlsx")
    assert contents(tmp_path) == {}

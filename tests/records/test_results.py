"""Results are rows layered with decisions: exact, repeatable, and without touching what generation wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tilth.errors import RequestError
from tilth.records.folder import RunFolder
from tilth.records.parts import PartWriter, parts, read_parts
from tilth.records.record import Record
from tilth.records.results import finalise, find, read_decisions, write_decisions
from tilth.records.schema import Schema

SCHEMA = Schema.of({"text": str, "score": "float | None"})


def made(number: int) -> Record:
    return Record(text=f"t{number}", score=number / 2, meta={"id": f"{number:08x}", "scores": {"judge": 0.25}})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """25 kept rows in three parts and 3 rejected ones."""
    run = RunFolder(tmp_path / "run").create()
    with PartWriter(run.rows, "part", SCHEMA, rows_per_part=10) as kept:
        for number in range(25):
            kept.add(SCHEMA.row(made(number)))
    with PartWriter(run.rows, "rejected", SCHEMA.rejected()) as rejected:
        for number in range(100, 103):
            rejected.add(SCHEMA.rejected_row(made(number), reason="refused", step="generate"))
    return run


def drop(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{number:08x}",
        "step": "dedup",
        "action": "drop",
        "reason": "near_duplicate",
        "score": 0.9,
        "neighbour": "00000001",
        **more,
    }


def kept_ids(run: RunFolder) -> list[int]:
    return [int(row["id"], 16) for row in read_parts(run.data, "part")]


def rejected_ids(run: RunFolder) -> list[int]:
    return [int(row["id"], 16) for row in read_parts(run.rejected, "part")]


def snapshot(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for each in folders for path in sorted(each.iterdir())}


def test_without_decisions_the_result_is_linked(folder: RunFolder) -> None:
    assert finalise(folder, SCHEMA) == (25, 3)
    assert kept_ids(folder) == list(range(25))
    assert rejected_ids(folder) == [100, 101, 102]
    for source, target in zip(parts(folder.rows, "part"), parts(folder.data, "part"), strict=True):
        assert source.samefile(target)


def test_dropped_rows_are_rejected_with_their_reason(folder: RunFolder) -> None:
    before = snapshot(folder.rows)
    write_decisions(folder, [drop(3), {**drop(4), "action": "keep"}, drop(21, score=0.7), drop(3, reason="later"), drop(999)])
    assert finalise(folder, SCHEMA) == (23, 5)
    assert kept_ids(folder) == [number for number in range(25) if number not in (3, 21)]
    assert rejected_ids(folder) == [100, 101, 102, 3, 21]
    lost = [SCHEMA.rejected().record(row) for row in read_parts(folder.rejected, "part")][3]
    assert (lost["text"], lost["score"], lost.meta["scores"]) == ("t3", 1.5, {"judge": 0.25})
    assert {key: lost.meta[key] for key in ("reason", "step", "score", "neighbour")} == {
        "reason": "near_duplicate", "step": "dedup", "score": 0.9, "neighbour": "00000001",
    }  # fmt: skip
    assert [part.samefile(source) for part, source in zip(parts(folder.data, "part"), parts(folder.rows, "part"), strict=True)] == [
        False, True, False,
    ]  # fmt: skip
    assert snapshot(folder.rows) == before


def test_finalise_can_be_repeated_and_decisions_can_move(folder: RunFolder) -> None:
    write_decisions(folder, [drop(number) for number in range(0, 25, 2)])
    finalise(folder, SCHEMA)
    first = snapshot(folder.data, folder.rejected)
    finalise(folder, SCHEMA)
    assert snapshot(folder.data, folder.rejected) == first
    before = snapshot(folder.rows)
    write_decisions(folder, [drop(7)])
    assert finalise(folder, SCHEMA) == (24, 4)
    write_decisions(folder, [])
    assert finalise(folder, SCHEMA) == (25, 3)
    assert kept_ids(folder) == list(range(25))
    assert snapshot(folder.rows) == before


def test_a_part_that_loses_all_its_rows_keeps_its_place(folder: RunFolder) -> None:
    write_decisions(folder, [drop(number) for number in range(10, 20)])
    assert finalise(folder, SCHEMA) == (15, 13)
    assert [pq.read_metadata(path).num_rows for path in parts(folder.data, "part")] == [10, 0, 5]


def test_a_shorter_run_leaves_no_old_result(folder: RunFolder) -> None:
    finalise(folder, SCHEMA)
    with PartWriter(folder.rows, "part", SCHEMA, rows_per_part=10) as kept:
        kept.add(SCHEMA.row(made(0)))
    assert finalise(folder, SCHEMA) == (1, 3)
    assert kept_ids(folder) == [0]


def test_nothing_kept_still_gives_a_dataset_with_its_columns(tmp_path: Path) -> None:
    run = RunFolder(tmp_path).create()
    assert finalise(run, SCHEMA) == (0, 0)
    assert pq.read_schema(parts(run.data, "part")[0]).names[:2] == ["text", "score"]


def test_many_decisions_over_several_row_groups(folder: RunFolder) -> None:
    keep = ({**drop(1000 + number), "action": "keep"} for number in range(9000))
    assert write_decisions(folder, [*keep, drop(5), *(drop(50_000 + number) for number in range(9000)), drop(6, reason="far")]) == 18_002
    assert finalise(folder, SCHEMA) == (23, 5)
    assert [row["reason"] for row in read_parts(folder.rejected, "part")][3:] == ["near_duplicate", "far"]
    assert sum(1 for _ in read_decisions(folder)) == 18_002


def test_find_looks_into_results_and_before_them_into_rows(folder: RunFolder) -> None:
    assert [(status, row["text"]) for status, row in find(folder, "0000000a")] == [("kept", "t10")]
    write_decisions(folder, [drop(10)])
    finalise(folder, SCHEMA)
    assert [(status, row["text"], row["reason"]) for status, row in find(folder, "0000000a")] == [("rejected", "t10", "near_duplicate")]
    assert sorted(row["text"] for status, row in find(folder, "000000")) == sorted(f"t{number}" for number in [*range(25), 100, 101, 102])
    assert find(folder, "00000") == []
    assert find(folder, "ffffffff") == []
    with pytest.raises(RequestError, match="at least 6 characters"):
        find(folder, "")


def test_a_short_text_must_be_the_whole_id(tmp_path: Path) -> None:
    run = RunFolder(tmp_path).create()
    with PartWriter(run.rows, "part", SCHEMA) as kept:
        for name in ("17", "175"):
            kept.add(SCHEMA.row(Record(text=name, score=None, meta={"id": name})))
    assert [row["text"] for _, row in find(run, "17")] == ["17"]

"""Records that exist already become rows as they are."""

from __future__ import annotations

from pathlib import Path

from engine.support import kept, rejected, run
from tilth.engine.given import given
from tilth.records.data import Data


def test_given_rows_keep_ids_lineage_and_types(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "x", "n": 1, "f": 1}, {"id": "b", "text": None, "n": 2, "f": 1.5, "tags": ["t"]}]
    data = Data.of(rows, name="rows")
    run(given(data), tmp_path / "r", data={"rows": data})
    found = kept(tmp_path / "r")
    assert [row["id"] for row in found] == ["a", "b"]
    assert [(row["text"], row["n"], row["f"], row["tags"], row["origin"]) for row in found] == [
        ("x", 1, 1.0, None, None),
        (None, 2, 1.5, ["t"], None),
    ]


def test_a_value_that_does_not_fit_rejects_its_row(tmp_path: Path) -> None:
    data = Data.of([{"n": number} for number in range(1000)] + [{"n": "many"}], name="rows")
    run(given(data), tmp_path / "r", data={"rows": data})
    assert len(kept(tmp_path / "r")) == 1000 and rejected(tmp_path / "r")[0]["reason"] == "schema"

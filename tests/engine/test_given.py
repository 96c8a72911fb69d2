"""Records that exist already become rows as they are."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from engine.support import kept, rejected, run
from tilth.engine.given import given
from tilth.engine.method import Method
from tilth.records.data import Data
from tilth.records.record import Record


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


class Copies(Method):
    """As a tabular method: its columns are those of its input."""

    name: ClassVar[str] = "copies"

    def columns_for(self, data):
        return dict.fromkeys(data["table"].take(1)[0], "str")

    async def generate(self, run):
        for row in run.data("table"):
            yield Record(row.columns)


def test_a_method_may_have_the_columns_of_its_data(tmp_path: Path) -> None:
    data = Data.of([{"age": "4", "city": "Ulm"}], name="table")
    run(Copies(), tmp_path / "r", data={"table": data})
    assert [(row["age"], row["city"]) for row in kept(tmp_path / "r")] == [("4", "Ulm")]

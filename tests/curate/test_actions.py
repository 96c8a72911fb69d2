"""What becomes of rows that a step finds: dropped, flagged, for review, or weighted."""

from __future__ import annotations

from pathlib import Path

import pytest

from curate.support import curate
from tilth.records.ids import json_value
from tilth.records.parts import read_parts
from tilth.score.rows import Rows

ROWS = [{"text": "a long enough text"}, {"text": "short"}, {"text": "another text that is long"}]


@pytest.mark.parametrize("action", ["flag", "review"])
def test_a_flagged_row_stays_and_says_why(tmp_path: Path, action: str) -> None:
    found = curate(tmp_path / "r", ROWS, [{"length": {"words": [2, 9], "action": action}}, "refusals"])
    assert found.ids == ["row-0000", "row-0001", "row-0002"] and not found.rejected
    assert [row["scores"] for row in found.kept] == [None, [{"name": "length", "value": 1.0, "detail": f"{action}: too_short"}], None]
    assert found.outcome.reasons == {}, "nothing was turned away"


def test_weights_stand_in_a_column_of_their_own_and_multiply(tmp_path: Path) -> None:
    rows = [{"text": "What is 12 plus 7?"}, {"text": "Please , what is 12 plus 7 ?"}, {"text": "Name a river in Asia."}]
    found = curate(
        tmp_path / "r", rows, [{"dedupe": {"near": 0.85, "action": "weight"}}, {"length": {"words": [5, 9], "action": "weight"}}]
    )
    weights = {row["id"]: row["weight"] for row in found.kept}
    assert weights["row-0000"] == weights["row-0002"] == 1.0 and weights["row-0001"] < 0.2
    stored = list(read_parts(found.folder.rows, "part"))
    assert "weight" not in stored[0], "rows that left generation are never edited"
    decision = next(row for row in found.decisions if row["step"] == "dedupe")
    assert json_value(decision["before"]) == {"weight": None} and json_value(decision["after"]) == {"weight": weights["row-0001"]}


def test_the_next_step_sees_only_what_is_kept(tmp_path: Path) -> None:
    rows = [{"text": "same words here"}, {"text": "same words here"}, {"text": "same words here too, and more of them"}]
    found = curate(tmp_path / "r", rows, [{"dedupe": "exact"}, {"balance": "text"}])
    assert found.report["balance"].before == 2
    assert [record["text"] for record in Rows.kept(found.folder)] == [rows[0]["text"], rows[2]["text"]]


def test_steps_that_are_gone_leave_no_scores_and_no_marks(tmp_path: Path) -> None:
    curate(tmp_path / "r", ROWS, [{"length": {"words": [2, 9], "action": "flag"}}, "refusals"])
    found = curate(tmp_path / "r", ROWS, ["refusals"])
    assert [path.stem for path in found.folder.scores.iterdir()] == ["refusals"]
    assert all(row["scores"] is None for row in found.kept)


def test_chains_drop_nothing_that_no_kept_row_is_like() -> None:
    from tilth.curate.duplicates import Dedupe
    from tilth.score.base import Score

    scores = [Score("a", 0.0), Score("b", 0.9, "0.9 a", "a"), Score("c", 0.95, "0.95 b 0.6 a", "b")]
    step = Dedupe(near=0.85)
    assert [(one.id, one.neighbour) for one in step.decide(scores)] == [("b", "a")]
    assert [(one.id, one.neighbour) for one in Dedupe(near=0.6).decide(scores)] == [("b", "a"), ("c", "a")]


def test_balance_keeps_as_many_of_each_and_any_order_of_rows_keeps_the_same(tmp_path: Path) -> None:
    rows = [{"id": str(k), "text": f"text number {k}", "label": "a" if k % 3 else "b"} for k in range(30)]
    one = curate(tmp_path / "a", rows, [{"balance": "label"}])
    other = curate(tmp_path / "b", rows[::-1], [{"balance": "label"}])
    assert sorted(one.ids) == sorted(other.ids)
    assert [row["label"] for row in one.kept].count("a") == [row["label"] for row in one.kept].count("b") == 10

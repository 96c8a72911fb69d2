"""Odd sets: one row, identical rows, emoji, right-to-left text, a megabyte, NaN, nothing: a clear line or a sensible result."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate.support import curate
from tilth.errors import RequestError
from tilth.models.scripted import ScriptedModel

ALL = [
    "refusals",
    {"language": "en"},
    {"length": {"words": [0, None]}},
    {"dedupe": "exact"},
    "dedupe",
    {"dedupe": "semantic"},
    "decontaminate",
    {"label_noise": {"action": "flag"}},
    {"label_probability": {"words": {"a": " a", "b": " b"}, "action": "weight"}},
    {"judge": {"asks": "Is it good?", "action": "review"}},
    {"drop_if": "label == 'c'"},
    {"balance": "label"},
]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "",
            " ",
            "🙂🙃" * 9,
            "שלום עולם, מה שלומך היום?",
            "مرحبا كيف حالك",
            "a\x00b",
            "same",
            "same",
            "\u202eabc",
            "x" * 5000,
            "1 2 3",
            "…",
        ]
    ),
)
VALUES = st.one_of(TEXTS, st.none(), st.just(float("nan")))


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.fixed_dictionaries({"text": VALUES, "label": st.sampled_from(["a", "b", "c", None])}), min_size=1, max_size=25))
def test_every_step_survives_any_rows_and_accounts_for_each(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        found = curate(Path(place) / "r", rows, ALL, data={"holdout": [{"text": "same"}, {"text": ""}]})
        assert found.outcome.status == "done", found.outcome.trace
        assert len(found.kept) + len(found.rejected) == len(rows)
        assert all(row["reason"] and row["step"] for row in found.rejected.values())


def test_a_single_row_stays(tmp_path: Path) -> None:
    found = curate(tmp_path / "r", [{"text": "the one row that there is", "label": "a"}], ALL, data={"holdout": [{"text": "another"}]})
    assert len(found.kept) == 1


def test_of_identical_rows_the_first_stays(tmp_path: Path) -> None:
    found = curate(tmp_path / "r", [{"text": "the same words again"}] * 40, [{"dedupe": "exact"}])
    assert found.ids == ["row-0000"]
    assert {row["neighbour"] for row in found.rejected.values()} == {"row-0000"}


def test_a_megabyte_in_one_row(tmp_path: Path) -> None:
    rows = [{"text": "word " * 200_000}, {"text": "a short one with words"}]
    found = curate(tmp_path / "r", rows, ["refusals", {"language": "en"}, "dedupe", "decontaminate"], data={"holdout": rows[1:]})
    assert found.ids == ["row-0000"]


def test_no_rows_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no rows"):
        found = curate(tmp_path / "r", [], ALL)
        if found.outcome.exit:
            raise RequestError("no rows")


@pytest.mark.parametrize(
    "step", [{"length": {"words": [1, 9], "on": "body"}}, {"dedupe": {"near": 0.9, "within": "body"}}, {"balance": "body"}]
)
def test_a_missing_column_is_one_clear_line(tmp_path: Path, step: Any) -> None:
    with pytest.raises(RequestError, match="needs the column 'body', which the rows do not have"):
        curate(tmp_path / "r", [{"text": "a"}], [step])


def test_what_cannot_be_scored_is_counted_and_stays(tmp_path: Path) -> None:
    model = ScriptedModel(lambda request: "no idea")
    found = curate(tmp_path / "r", [{"text": "one text"}, {"text": "another"}], [{"judge": {"asks": "Is it good?"}}], model=model)
    assert len(found.kept) == 2 and found.report["judge"].unscored == 2
    assert [row["score"] for row in found.scores("judge").values()] == [None, None]
    assert any("2 of 2 rows are not scored" in line for line in found.outcome.warnings)

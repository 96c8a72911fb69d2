"""What each step drops, and why it says so."""

from __future__ import annotations

from pathlib import Path

from curate.support import curate


def test_refusals_and_lengths_are_dropped_with_their_reasons(tmp_path: Path) -> None:
    rows = [{"text": "a fine film with a good heart"}, {"text": "I'm sorry, but I cannot assist with that request."}, {"text": "ok"}]
    found = curate(tmp_path / "r", rows, ["refusals", {"length": {"words": [3, 400]}}])
    assert found.ids == ["row-0000"]
    assert {id_: (row["step"], row["reason"]) for id_, row in found.rejected.items()} == {
        "row-0001": ("refusals", "refused"),
        "row-0002": ("length", "too_short"),
    }
    assert found.scores("refusals")["row-0001"]["detail"] == "cannot_assist"
    assert found.outcome.reasons == {("refusals", "refused"): 1, ("length", "too_short"): 1}

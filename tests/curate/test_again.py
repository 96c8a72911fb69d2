"""Thresholds move for free: scores are computed once, calls are paid once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from curate.planted import planted
from curate.support import curate
from tilth.models.scripted import ScriptedModel
from tilth.score.base import Scorer

ROWS = [
    {"text": f"a film about {word}", "label": "good" if k % 2 else "bad"}
    for k, word in enumerate(["tea", "war", "rain", "love", "bread", "ships"])
]


def judge() -> ScriptedModel:
    return ScriptedModel(
        lambda request: f"Score: {1 + len(str(request.messages)) % 5}", score=lambda prompt, word: -float(len(prompt) % 7 + len(word))
    )


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the scorers that computed something."""
    import tilth.curate.stage as stage

    names: list[str] = []
    real = stage.Curation._scores

    async def counted(self: Any, run: Any, folder: Any, step: Any, rows: Any, stored: Any, report: Any) -> Any:
        found = await real(self, run, folder, step, rows, stored, report)
        if not report.reused:
            names.append(step.name)
        return found

    monkeypatch.setattr(stage.Curation, "_scores", counted)
    return names


def test_another_threshold_asks_nothing_and_computes_nothing(tmp_path: Path, scored: list[str]) -> None:
    def steps(words: int, near: float, keep: float, share: float) -> list[Any]:
        probable = {"keep": share, "words": {"good": " good", "bad": " bad"}, "action": "flag"}
        return [
            {"length": {"words": [words, 50], "action": "flag"}},
            {"dedupe": {"near": near}},
            {"judge": {"asks": "Is it natural?", "keep": keep, "action": "flag"}},
            {"label_probability": probable},
        ]

    first = curate(tmp_path / "r", ROWS, steps(3, 0.85, 3, 0.5), model=judge())
    assert scored == ["length", "dedupe", "judge", "label_probability"] and first.model.calls == 2 * len(ROWS)
    scored.clear()
    before = {row["step"] for row in first.decisions}
    second = curate(tmp_path / "r", ROWS, steps(5, 0.95, 4, 0.9), model=judge())
    assert scored == [] and second.model.calls == 0
    assert before == {"judge", "label_probability"}
    assert {row["step"] for row in second.decisions} == {"length", "judge"}


def test_scores_of_rows_alone_serve_a_smaller_set_and_those_of_sets_do_not(tmp_path: Path, scored: list[str]) -> None:
    rows = [{"text": f"{word} film of the year"} for word in ["one", "two", "three", "four", "five", "six"]] + [{"text": "short"}]
    curate(tmp_path / "r", rows, [{"length": {"words": [1, 9]}}, "refusals", {"dedupe": "exact"}])
    scored.clear()
    curate(tmp_path / "r", rows, [{"length": {"words": [2, 9]}}, "refusals", {"dedupe": "exact"}])
    assert scored == ["dedupe"]


def test_a_changed_setting_of_the_scorer_computes_anew(tmp_path: Path, scored: list[str]) -> None:
    curate(tmp_path / "r", ROWS, [{"length": {"words": [1, 9]}}])
    curate(tmp_path / "r", ROWS, [{"length": {"chars": [1, 900]}}])
    assert scored == ["length", "length"]


def test_raising_a_threshold_never_drops_more(tmp_path: Path) -> None:
    rows = planted(200).rows
    kept = [set(curate(tmp_path / "r", rows, [{"dedupe": {"near": near}}]).ids) for near in (0.6, 0.85, 0.9, 1.0)]
    assert kept[1] <= kept[2] <= kept[3] and len(kept[0]) <= len(kept[1])


def test_the_result_is_the_same_bytes_whether_scores_were_there_or_not(tmp_path: Path) -> None:
    rows = planted(120).rows
    steps = [{"dedupe": {"near": 0.85}}, {"judge": {"asks": "Is it natural?"}}]
    once = curate(tmp_path / "a", rows, steps, model=judge())
    curate(tmp_path / "b", rows, [{"dedupe": {"near": 0.95}}, {"judge": {"asks": "Is it natural?", "keep": 5}}], model=judge())
    other = curate(tmp_path / "b", rows, steps, model=judge())
    assert once.decisions == other.decisions and once.kept == other.kept


def test_a_scorer_must_score_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tilth.score.rules import Length

    async def lazy(self: Scorer, run: Any, rows: Any) -> Any:
        for record in list(rows)[:2]:
            yield self.one(record, run)  # type: ignore[attr-defined]

    monkeypatch.setattr(Length, "score", lazy)
    found = curate(tmp_path / "r", ROWS, [{"length": {"words": [1, 9]}}])
    assert found.outcome.exit == 5 and "2 scores for 6 rows" in found.outcome.stop

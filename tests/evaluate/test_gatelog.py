"""The log of gates: a bound that is moved after its figure was seen is known, one that was moved before is nobody's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth.evaluate.base import Value
from tilth.evaluate.gatelog import history, loosened, note
from tilth.evaluate.gates import Gate, suggested
from tilth.records.folder import RunFolder

SEEN = [Value("x", 0.1, (0.05, 0.2), n=50)]
STRICT = Gate(metric="x", at_most=0.05)


def logged(path: Path, *entries: tuple[list[Gate], list[Value]]) -> tuple[str, ...]:
    folder = RunFolder(path / "run").create()
    for gates, values in entries:
        note(folder, gates, values)
    return loosened(folder)


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (Gate(metric="x", at_most=0.2), "x from at most 0.05 to at most 0.20"),
        (Gate(metric="x", at_least=0.01), "x from at most 0.05 to at least 0.01"),
        (Gate(metric="x", at_most=0.05, on="point"), "x asks the figure itself, no longer its interval"),
        (Gate(metric="x", at_most=0.05, level="should"), "x was a must and is a should"),
        (None, "x, at most 0.05, was taken away"),
        (Gate(metric="x", at_most=0.04), None),
        (Gate(metric="x", at_most=0.05, at_least=0.01), None),
        (STRICT, None),
    ],
)
def test_a_gate_made_easier_after_its_figure_was_seen(tmp_path: Path, after: Gate | None, line: str | None) -> None:
    assert logged(tmp_path, ([STRICT], SEEN), ([after] if after else [], SEEN)) == ((line,) if line else ())


def test_before_the_figure_was_seen_a_bound_may_move(tmp_path: Path) -> None:
    assert logged(tmp_path, ([STRICT], []), ([Gate(metric="x", at_most=0.2)], SEEN)) == ()


def test_a_bound_that_went_back_is_forgiven(tmp_path: Path) -> None:
    assert logged(tmp_path, ([STRICT], SEEN), ([Gate(metric="x", at_most=0.2)], SEEN), ([STRICT], SEEN)) == ()


def test_equal_entries_are_one_and_suggestions_are_none(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run").create()
    note(folder, suggested("classification"), SEEN)
    assert history(folder) == []
    for _ in range(3):
        note(folder, [STRICT], SEEN)
    assert history(folder) == [{"x": {"at_most": 0.05, "level": "must", "on": "interval", "seen": 0.1}}]

"""Nearest rows: exact, tile by tile, the same whatever the tiles."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tilth.stats.arrays import decisive, unit_rows
from tilth.stats.neighbours import nearest, pairs_above


def _rows(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (n, d)).astype(np.float32)


def _brute(queries: np.ndarray, rows: np.ndarray, k: int, *, skip_own: bool) -> np.ndarray:
    similar = decisive(unit_rows(queries) @ unit_rows(rows).T)
    if skip_own:
        np.fill_diagonal(similar, -9)
    return np.argsort(-similar, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize(("queries", "rows"), [(3, 4), (512, 512), (700, 300), (5, 8300)])
def test_neighbours_are_those_of_the_full_matrix(queries: int, rows: int) -> None:
    a, b = _rows(queries), _rows(rows, seed=1)
    assert np.array_equal(nearest(a, b, k=4).indices, _brute(a, b, 4, skip_own=False))
    assert np.array_equal(nearest(a, k=2).indices, _brute(a, a, 2, skip_own=True))


def test_tiles_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.repeat(_rows(40), 3, axis=0)
    whole = nearest(rows, k=7)
    monkeypatch.setattr("tilth.stats.neighbours.QUERIES", 11)
    monkeypatch.setattr("tilth.stats.neighbours.ROWS", 13)
    tiled = nearest(rows, k=7)
    assert np.array_equal(whole.indices, tiled.indices)
    assert np.array_equal(whole.similarities, tiled.similarities)


def test_equal_rows_are_taken_in_their_order() -> None:
    rows = np.ones((5, 3))
    assert nearest(rows, k=3).indices.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2]]
    assert (nearest(rows, k=3).similarities == 1.0).all()


def test_opposite_rows_have_cosine_minus_1() -> None:
    found = nearest([[1.0, 0.0], [-2.0, 0.0]], k=1)
    assert (found.indices.tolist(), found.similarities.tolist()) == ([[1], [0]], [[-1.0], [-1.0]])


def test_too_few_rows_are_filled_up() -> None:
    found = nearest([[1.0, 0.0], [0.0, 1.0]], k=3)
    assert found.indices.tolist() == [[1, -1, -1], [0, -1, -1]]
    assert found.similarities.tolist() == [[0.0, -2.0, -2.0], [0.0, -2.0, -2.0]]
    assert nearest([[1.0]], k=1).indices.tolist() == [[-1]]
    assert nearest(np.zeros((0, 3)), k=2).indices.shape == (0, 2)
    assert nearest([[1.0, 2.0]], np.zeros((0, 2)), k=1).indices.tolist() == [[-1]]


def test_the_own_group_is_left_out() -> None:
    rows = [[1.0, 0.0], [1.0, 0.01], [0.9, 0.5], [0.0, 1.0]]
    assert nearest(rows, k=1, groups=["a", "a", None, None]).indices.ravel().tolist() == [2, 2, 1, 2]
    across = nearest(rows[:1], rows[1:], k=1, groups=["a"], row_groups=["a", "b", "c"])
    assert across.indices.tolist() == [[1]]
    with pytest.raises(ValueError, match="row_groups"):
        nearest(rows, rows, groups=["a"] * 4)


def test_rows_without_direction_or_with_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="row 1 has length 0"):
        nearest([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="row 0 holds NaN"):
        nearest([[float("nan"), 0.0]])
    with pytest.raises(ValueError, match="2 dimensions, rows 3"):
        nearest([[1.0, 0.0]], [[1.0, 0.0, 0.0]])


def test_pairs_above_a_threshold() -> None:
    rows = _rows(600, 4)
    similar = decisive(unit_rows(rows) @ unit_rows(rows).T)
    wanted = [(i, j, similar[i, j]) for i in range(600) for j in range(i + 1, 600) if similar[i, j] >= 0.97]
    assert len(wanted) > 50
    assert [(i, j) for i, j, _ in pairs_above(rows, 0.97)] == [(i, j) for i, j, _ in wanted]


def test_memory_is_that_of_a_tile() -> None:
    """12,000 rows have 144 million pairs, 1.1 GB as a matrix of float64."""
    rows = _rows(12_000, 8)
    tracemalloc.start()
    nearest(rows[:1000], rows, k=5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6

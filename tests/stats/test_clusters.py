"""k-means: finds what is there, the same under a seed, no empty cluster."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.clusters import kmeans


def _blobs(k: int, each: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 10, (k, 5))
    truth = np.repeat(np.arange(k), each)
    return centres[truth] + rng.normal(0, 0.3, (k * each, 5)), truth


def test_separate_groups_are_found() -> None:
    rows, truth = _blobs(6, 40)
    found = kmeans(rows, 6, seed=1, starts=3)
    assert found.sizes.tolist() == [40] * 6
    assert len({(int(a), int(b)) for a, b in zip(found.labels, truth, strict=True)}) == 6


def test_the_same_seed_gives_the_same_clusters() -> None:
    rows, _ = _blobs(4, 50)
    one, two = kmeans(rows, 9, seed=3), kmeans(rows, 9, seed=3)
    assert np.array_equal(one.labels, two.labels)
    assert np.array_equal(one.centres, two.centres)


def test_it_is_about_as_good_as_sklearn() -> None:
    cluster = pytest.importorskip("sklearn.cluster", reason="needs the 'ml' extra")
    rows = np.random.default_rng(0).normal(0, 1, (500, 6))
    theirs = cluster.KMeans(12, n_init=5, random_state=0).fit(rows).inertia_
    assert kmeans(rows, 12, seed=1, starts=5).inertia < 1.02 * theirs


def test_no_more_clusters_than_different_rows() -> None:
    found = kmeans([[1.0, 2.0]] * 5 + [[3.0, 4.0]] * 2, 4, seed=1)
    assert sorted(found.sizes.tolist()) == [2, 5]
    assert found.inertia == 0.0
    assert kmeans([[1.0, 2.0]] * 3, 2, seed=1).labels.tolist() == [0, 0, 0]


def test_no_rows_and_one_row() -> None:
    assert kmeans(np.zeros((0, 3)), 2, seed=1).labels.size == 0
    assert kmeans([[1.0, 2.0]], 3, seed=1).centres.tolist() == [[1.0, 2.0]]


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 5))
def test_no_cluster_is_empty_and_each_row_has_its_nearest_centre(n: int, k: int, seed: int) -> None:
    rows = np.round(np.random.default_rng(n).normal(0, 1, (n, 2)), 1)
    found = kmeans(rows, k, seed=seed)
    assert (found.sizes > 0).all()
    gaps = ((rows[:, None, :] - found.centres[None]) ** 2).sum(axis=2)
    assert gaps[np.arange(n), found.labels] == pytest.approx(gaps.min(axis=1), abs=1e-5)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="k: a whole number of at least 1"):
        kmeans([[1.0]], 0, seed=1)
    with pytest.raises(ValueError, match="row 0 holds NaN"):
        kmeans([[float("nan")]], 1, seed=1)

"""MinHash: estimates are near the truth, bands find what they promise, nothing depends on the part a text is worked in."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.text.minhash import Bands, agreement, bands, shingles, signatures
from tilth.text.vocabulary import mixed


def _sets(overlap: int, size: int, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(pairs):
        common, one, other = np.split(rng.integers(0, 2**63, 2 * size - overlap, dtype=np.uint64), [overlap, size])
        rows += [np.concatenate([common, one]), np.concatenate([common, other])]
    return np.concatenate(rows), np.arange(2 * pairs + 1, dtype=np.int64) * size


def test_the_share_of_equal_min_hashes_estimates_jaccard() -> None:
    values, starts = _sets(overlap=60, size=80, pairs=300)
    found = signatures(values, starts)
    estimates = agreement(found, np.arange(0, 600, 2), np.arange(1, 600, 2))
    assert estimates.mean() == pytest.approx(60 / 100, abs=0.01)
    assert estimates.std() == pytest.approx(np.sqrt(0.6 * 0.4 / 72), abs=0.01)


def test_parts_do_not_show() -> None:
    values, starts = _sets(overlap=1, size=5, pairs=11_000)  # more texts than one part holds
    whole = signatures(values, starts)
    assert np.array_equal(whole[-1:], signatures(values[-5:], np.array([0, 5])))
    assert not np.array_equal(whole, signatures(values, starts, seed=1))


def test_a_text_without_features_has_all_ones() -> None:
    found = signatures(np.array([5], dtype=np.uint64), np.array([0, 0, 1, 1]))
    assert (found[[0, 2]] == 0xFFFFFFFF).all()
    assert (found[1] != 0xFFFFFFFF).any()


@pytest.mark.parametrize(("similarity", "expected"), [(0.85, (12, 6)), (0.6, (24, 3))])
def test_bands_reach_their_recall(similarity: float, expected: tuple[int, int]) -> None:
    assert bands(similarity) == Bands(*expected)
    assert bands(similarity).recall(similarity) >= 0.99
    wider = Bands(72 // (expected[1] + 1), expected[1] + 1)
    assert wider.recall(similarity) < 0.99


def test_published_probabilities() -> None:
    """14 bands of 8 (datatrove) find a pair of similarity 0.7 with 57 %, 5 of 25 (datasketch at 0.9) one of 0.9 with 31 %."""
    assert Bands(14, 8).recall(0.7) == pytest.approx(0.57, abs=0.01)
    assert Bands(5, 25).recall(0.9) == pytest.approx(0.31, abs=0.01)


def test_shingles_stay_inside_their_text() -> None:
    values = mixed(np.arange(9, dtype=np.uint64))
    starts = np.array([0, 4, 4, 6, 9])
    found, at = shingles(values, starts, 3)
    assert at.tolist() == [0, 2, 2, 3, 4]
    alone, _ = shingles(values[4:6], np.array([0, 2]), 3)
    assert found[2] == alone[0]
    again, _ = shingles(np.concatenate([values[4:6], values[:4]]), np.array([0, 2, 6]), 3)
    assert again.tolist() == [found[2], found[0], found[1]]

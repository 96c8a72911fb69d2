"""Vote-k: who votes for whom, what a covered vote counts, and what the picks cover."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.stats.arrays import unit_rows
from tilth.stats.votes import Votes, centred, spread, vote_k


def blobs(seed: int, sizes: tuple[int, ...], dimensions: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Clusters around random directions, and the cluster of each row."""
    rng = np.random.default_rng(seed)
    centres = unit_rows(rng.normal(size=(len(sizes), dimensions)))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    return centres[owner] + rng.normal(scale=0.1, size=(len(owner), dimensions)), owner


def test_the_greedy_order_is_that_of_a_hand_computation() -> None:
    """Six points on a circle; after centring (mean near 0) each votes for its two nearest by angle."""
    angles = np.radians([0, 20, 50, 150, 165, 260])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rows = centred(points)
    similar = rows @ rows.T - 2 * np.eye(6)
    nearest = [set(np.argsort(-similar[v])[:2].tolist()) for v in range(6)]
    voters = [{v for v in range(6) if u in nearest[v]} for u in range(6)]
    picks, supports = list[int](), [0] * 6
    for _ in range(6):
        score = [sum(10.0 ** -supports[v] for v in voters[u] if v not in picks) for u in range(6)]
        order = sorted((u for u in range(6) if u not in picks), key=lambda u: (-round(score[u], 9), -len(voters[u]), u))
        picks.append(order[0])
        for v in voters[order[0]]:
            supports[v] += 1
    votes = Votes(points, k=2)
    assert [set(votes.voters(u).tolist()) for u in range(6)] == voters and [len(one) for one in voters] != [2] * 6
    assert vote_k(points, 6, k=2) == picks


def test_no_row_votes_for_itself_and_k_is_at_most_all_others() -> None:
    rows, _ = blobs(0, (5, 5))
    for k in (3, 9, 150):
        votes = Votes(rows, k)
        assert votes.k == min(k, 9) and votes.received.sum() == 10 * votes.k
        assert not any(row in votes.voters(row) for row in range(10))


def test_picks_are_distinct_and_the_first_has_the_most_votes() -> None:
    rows, _ = blobs(1, (40, 25, 15))
    for count in (1, 18, 80, 200):
        picks = vote_k(rows, count, k=10)
        assert len(picks) == len(set(picks)) == min(count, 80)
    votes = Votes(rows, 10)
    assert votes.received[vote_k(rows, 1, k=10)[0]] == votes.received.max()
    with pytest.raises(ValueError, match="row 3 is chosen already"):
        votes.take(3), votes.take(3)


def test_coverage_of_balanced_clusters_is_far_above_chance() -> None:
    """Published blobs: 5 of 200, k = 20 and 18 picks; k = 150 and 5 picks hit every cluster."""
    found, chance, wide = [], [], []
    for seed in range(4):
        rows, owner = blobs(seed, (200,) * 5)
        for picks, into in ((vote_k(rows, 18, k=20), found), (np.random.default_rng(seed).choice(1000, 18, replace=False), chance)):
            votes = Votes(rows, 20)
            for pick in picks:
                votes.take(int(pick))
            into.append(votes.covered())
        five = vote_k(rows, 5, k=150)
        assert len(set(owner[five])) == 5
        votes = Votes(rows, 150)
        for pick in five:
            votes.take(pick)
        wide.append(votes.covered())
    assert np.mean(found) > np.mean(chance) + 0.2 and np.mean(wide) > 0.9


def test_k_above_the_smallest_cluster_passes_it_over() -> None:
    """The trap of the card: clusters of 600 to 40, k = 150 misses some with 18 picks, k = 20 misses none."""
    rows, owner = blobs(2, (600, 200, 100, 60, 40))
    assert len(set(owner[vote_k(rows, 18, k=20)])) == 5
    assert len(set(owner[vote_k(rows, 18, k=150)])) < 5


def test_the_label_of_the_nearest_pick_is_oftener_right_than_of_a_random_one() -> None:
    """The card's item 8: clusters of 600 to 40, 18 picks, k = 20; the card measured 0.999 against 0.937."""
    found, chance = [], []
    for seed in range(4):
        rows, owner = blobs(seed, (600, 200, 100, 60, 40))
        for picks, into in ((vote_k(rows, 18, k=20), found), (np.random.default_rng(seed).choice(1000, 18, replace=False), chance)):
            nearest = np.argmax(unit_rows(rows) @ unit_rows(rows[picks]).T, axis=1)
            into.append((owner[np.asarray(picks)[nearest]] == owner).mean())
    assert min(found) > 0.99 and np.mean(found) > np.mean(chance) + 0.02, (found, chance)


def test_a_larger_rho_spreads_the_picks_and_rho_1_takes_the_most_voted() -> None:
    rows, owner = blobs(3, (120, 40, 20))
    votes = Votes(rows, 15, rho=1.0)
    top = vote_k(rows, 1, k=15, rho=1.0)
    assert votes.received[top[0]] == votes.received.max()

    def covered(rho: float) -> float:
        votes = Votes(rows, 15, rho)
        for _ in range(8):
            votes.take(votes.best(votes.left()))
        return votes.covered()

    assert covered(10.0) > covered(1.0) and owner is not None


def test_scale_does_not_matter_but_the_mean_is_taken_out() -> None:
    rows, _ = blobs(4, (60, 30))
    assert vote_k(rows * 10, 12, k=8) == vote_k(rows, 12, k=8)
    moved = unit_rows(unit_rows(rows) + 5 * np.eye(16)[0])
    assert np.abs(centred(moved).mean(axis=0)).max() < 0.2 < 0.9 < np.abs(moved.mean(axis=0)).max()
    same = centred(np.ones((3, 4)))
    assert np.isfinite(same).all() and np.allclose(np.linalg.norm(same, axis=1), 1), "equal rows keep their direction"


def test_phase_2_takes_one_of_each_bucket_and_none_of_the_surest() -> None:
    rows, _ = blobs(5, (50, 30, 20))
    sure = np.random.default_rng(0).permutation(100).astype(float)
    votes = Votes(rows, 10)
    for pick in vote_k(rows, 4, k=10):
        votes.take(pick)
    first = list(votes.chosen)
    left = [row for row in np.argsort(sure).tolist() if row not in first][: 96 - 10]
    picks = spread(votes, sure, 8, dropped=0.1)
    buckets = np.array_split(np.array(left), 8)
    assert [int(np.isin(bucket, picks).sum()) for bucket in buckets] == [1] * 8 and len(set(picks)) == 8
    assert all(pick in bucket for pick, bucket in zip(picks, buckets, strict=True)), "least sure first"
    surest = set([row for row in np.argsort(-sure).tolist() if row not in first][:10])
    assert not surest & set(picks)
    assert votes.chosen == [*first, *picks]


def test_phase_2_takes_the_best_vote_of_a_bucket_and_all_where_few_are_left() -> None:
    rows, _ = blobs(6, (12, 8))
    votes = Votes(rows, 5)
    votes.take(votes.best(votes.left()))
    scores, left = votes.scores(), votes.left()
    pick = spread(votes, np.zeros(20), 1, dropped=0.0)[0]
    assert scores[pick] == scores[left].max()
    few = Votes(rows[:4], 2)
    assert sorted(spread(few, np.arange(4.0), 9, dropped=0.5)) == [0, 1, 2, 3]

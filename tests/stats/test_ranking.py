"""Bradley-Terry strengths and Elo with bootstrap intervals."""

import math
import random

import pytest

from tilth.stats.ranking import Game, elo, expected, strengths, win_rates


def games_of(rating, n, seed=0, ties=0.0):
    """n games of each pair of models whose true Elo is `rating`."""
    rng = random.Random(seed)
    names = list(rating)
    played = []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            for _ in range(n):
                won = 0.5 if rng.random() < ties else float(rng.random() < expected(rating, a, b))
                played.append(Game(a, b, won) if rng.random() < 0.5 else Game(b, a, 1 - won))
    return played


TRUE = {"large": 1250.0, "middle": 1100.0, "small": 1000.0, "tiny": 850.0}


def test_two_models_have_the_log_odds_of_their_games():
    games = [Game("a", "b", 1.0)] * 3 + [Game("b", "a", 1.0)]
    found = strengths(games, prior=0)
    assert found["a"] - found["b"] == pytest.approx(math.log(3), abs=1e-5)
    assert sum(found.values()) == pytest.approx(0, abs=1e-5)


def test_three_models_satisfy_the_likelihood_equations():
    games = games_of({"a": 1100, "b": 1000, "c": 950}, 40, ties=0.2)
    found = strengths(games, prior=0)
    for name in found:
        taken = sum(g.score if g.a == name else 1 - g.score for g in games if name in g[:2])
        foreseen = sum(1 / (1 + math.exp(found[g.b if g.a == name else g.a] - found[name])) for g in games if name in g[:2])
        assert taken == pytest.approx(foreseen, abs=1e-3)


def test_known_win_rates_order_the_models_and_the_intervals_hold_the_truth():
    found = elo(games_of(TRUE, 300), anchor="small", at=1000, seed=1)
    assert list(found) == list(TRUE)
    for name, interval in found.items():
        assert interval.low <= interval.value <= interval.high
        assert interval.low - 15 <= TRUE[name] <= interval.high + 15, (name, interval)
    assert found["large"].draws == 100 and found["large"].level == 0.95


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    inside = 0
    for seed in range(60):
        one = elo(games_of({"a": 1060, "b": 1000}, 80, seed), anchor="b", seed=seed, draws=200)["a"]
        inside += one.low <= 1060 <= one.high
    assert 51 <= inside <= 60  # 95 %: 57


def test_the_anchor_has_its_points_in_every_draw_and_moving_it_moves_all():
    games = games_of(TRUE, 60)
    found = elo(games, anchor="tiny", at=1100, seed=3)
    assert (found["tiny"].low, found["tiny"].value, found["tiny"].high) == (1100, 1100, 1100)
    moved = elo(games, anchor="tiny", at=500, seed=3)
    assert all(moved[name].value == pytest.approx(found[name].value - 600, abs=1e-6) for name in found)


@pytest.mark.parametrize("clustered", [False, True])
def test_neither_the_order_of_the_games_nor_of_the_names_in_them_matters(clustered):
    games = games_of(TRUE, 25, ties=0.1)
    clusters = [f"prompt {number % 30}" for number in range(len(games))]
    mixed = list(zip(games, clusters, strict=True))
    random.Random(5).shuffle(mixed)
    turned = [(Game(g.b, g.a, 1 - g.score), cluster) for g, cluster in mixed]
    first = elo(games, anchor="small", seed=2, clusters=clusters if clustered else None)
    again = elo([g for g, _ in turned], anchor="small", seed=2, clusters=[c for _, c in turned] if clustered else None)
    assert first == again and list(first) == list(again)


def test_a_seed_gives_the_same_intervals_and_another_seed_others():
    games = games_of(TRUE, 25)
    assert elo(games, anchor="small", seed=2) == elo(games, anchor="small", seed=2)
    assert elo(games, anchor="small", seed=2)["large"] != elo(games, anchor="small", seed=3)["large"]


def test_more_games_narrow_the_interval_and_games_of_one_cluster_count_as_one():
    few, many = (elo(games_of(TRUE, n), anchor="small", seed=1)["large"] for n in (20, 400))
    assert many.high - many.low < (few.high - few.low) / 2
    games = games_of({"a": 1050, "b": 1000}, 30)
    copied = elo(games * 8, anchor="b", seed=1, clusters=list(range(30)) * 8)["a"]
    naive = elo(games * 8, anchor="b", seed=1)["a"]
    assert copied.n == 30 and copied.high - copied.low > 1.8 * (naive.high - naive.low)


def test_who_won_everything_is_first_with_finite_points():
    games = [Game("best", other, 1.0) for other in ("b", "c") for _ in range(10)] + [Game("b", "c", 0.5)] * 4
    found = elo(games, anchor="c", seed=0)
    assert next(iter(found)) == "best" and 1200 < found["best"].value < 2500
    assert found["b"].value == pytest.approx(1000, abs=5)


def test_win_rates_count_ties_as_halves():
    assert win_rates([Game("a", "b", 1.0), Game("b", "a", 0.5)]) == {"a": 0.75, "b": 0.25}


@pytest.mark.parametrize(
    ("games", "words"),
    [
        ([Game("a", "b", 1.5)], "from 0 to 1"),
        ([Game("a", "b", float("nan"))], "from 0 to 1"),
        ([Game("a", "a", 1.0)], "cannot play itself"),
        ([Game("a", "b", 1.0), Game("c", "d", 1.0)], "'a' and 'c' never met"),
        ([Game("b", "c", 1.0)], "'a' played no game"),
    ],
)
def test_what_cannot_be_ranked_is_refused(games, words):
    with pytest.raises(ValueError, match=words):
        elo(games, anchor="a", seed=0)

"""Who is stronger: Bradley-Terry strengths of games between models, on the Elo scale, with a seeded bootstrap."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tilth.stats.arrays import Floats, Seed, decisive, share, whole
from tilth.stats.intervals import LEVEL, Interval, unit_weights
from tilth.stats.partition import connected, partition

POINTS = 400 / math.log(10)
"""Elo points of one unit of Bradley-Terry strength: 400 points are odds of 10 to 1."""
_STEPS = 200
_LEAP = 2.0
"""Longest step of Newton's method; from equal strengths the full step may go too far."""


class Game(NamedTuple):
    """One game. score: 1 where `a` won, 0 where `b` did, 0.5 for a tie, or the mean of several orders."""

    a: str
    b: str
    score: float


def strengths(games: Iterable[Game], *, prior: float = 0.1) -> dict[str, float]:
    """Bradley-Terry log-strengths, mean 0: P(a beats b) = 1 / (1 + exp(b - a)); a tie is half a win of each.

    Bradley & Terry 1952, Biometrika 39:324; the unique maximum, found by Newton's method.

    Parameters
    ----------
    prior: ties that are added to every pair that played, >= 0. With 0 a model that won or lost everything has no finite strength.

    Raises
    ------
    ValueError: a score outside 0..1, a model that plays itself, models that never met, not even through others.
    """
    played = _checked(games)
    names = _names(played)
    _connected(played, names)
    won = _won(played, names, np.ones((1, len(played))))
    return dict(zip(names, decisive(_fit(won + prior / 2 * _met(won))[0]).tolist(), strict=True))


def elo(
    games: Iterable[Game],
    *,
    anchor: str,
    at: float = 1000.0,
    seed: Seed,
    draws: int = 100,
    level: float = LEVEL,
    prior: float = 0.1,
    clusters: Sequence[Hashable] | None = None,
) -> dict[str, Interval]:
    """Elo of every model, strongest first: the median of `draws` bootstraps, and the interval between their outer quantiles.

    The order of the games does not matter, which it does in Elo's own update (Arena Learning, arXiv 2407.10627: 100 draws,
    median, 2.5 and 97.5 percentiles). `anchor` has exactly `at` in every draw.

    Parameters
    ----------
    clusters: games of one cluster (an instruction, say) are drawn together; one per game. prior: as in :func:`strengths`.

    Raises
    ------
    ValueError: as :func:`strengths`; an anchor that did not play.
    """
    played = _checked(games)
    names = _names(played)
    if anchor not in names:
        raise ValueError(f"anchor: '{anchor}' played no game; there are: {', '.join(names) or 'none'}")
    _connected(played, names)
    played, clusters = _in_order(played, clusters)
    units = partition(len(played), clusters)
    blocks = unit_weights(units.units, whole(draws, "draws", 1), seed)
    whole_of = _met(_won(played, names, np.ones((1, len(played)))))
    found = np.concatenate([_fit(_won(played, names, block[:, units.codes]) + prior / 2 * whole_of) for block in blocks])
    points = decisive(at + POINTS * (found - found[:, [names.index(anchor)]]), 4)
    edge = (1 - share(level, "level")) / 2
    low, middle, high = np.quantile(points, [edge, 0.5, 1 - edge], axis=0)
    order = sorted(range(len(names)), key=lambda i: (-middle[i], names[i]))
    return {names[i]: Interval(float(middle[i]), float(low[i]), float(high[i]), units.units, level, "bradley-terry", draws) for i in order}


def win_rates(games: Iterable[Game]) -> dict[str, float]:
    """Share of the points each model took, over all its games."""
    taken: dict[str, list[float]] = {}
    for game in _checked(games):
        taken.setdefault(game.a, []).append(game.score)
        taken.setdefault(game.b, []).append(1 - game.score)
    return {name: math.fsum(scores) / len(scores) for name, scores in sorted(taken.items())}


def expected(rating: Mapping[str, float], a: str, b: str) -> float:
    """P(a beats b) by Elo points.

    >>> round(expected({"x": 1400, "y": 1000}, "x", "y"), 3)
    0.909
    """
    return 1 / (1 + math.exp((rating[b] - rating[a]) / POINTS))


def _checked(games: Iterable[Game]) -> list[Game]:
    """The games with their two names in order, so that a game reads the same from both sides."""
    played = []
    for a, b, score in games:
        if not 0 <= score <= 1:  # also refuses NaN
            raise ValueError(f"a game's score is from 0 to 1, not {score}")
        if a == b:
            raise ValueError(f"'{a}' cannot play itself")
        played.append(Game(a, b, score) if a < b else Game(b, a, 1 - score))
    return played


def _names(played: Sequence[Game]) -> list[str]:
    return sorted({name for game in played for name in game[:2]})


def _connected(played: Sequence[Game], names: Sequence[str]) -> None:
    number = {name: i for i, name in enumerate(names)}
    groups = connected(len(names), {(number[game.a], number[game.b]) for game in played})
    if groups.units > 1:
        apart = next(name for name, code in zip(names, groups.codes, strict=True) if code)
        raise ValueError(f"'{names[0]}' and '{apart}' never met, not even through others")


def _in_order(played: list[Game], clusters: Sequence[Hashable] | None) -> tuple[list[Game], list[Hashable] | None]:
    """Games in an order of their own, and clusters by their games: what is drawn must not depend on the order given."""
    if clusters is None:
        return sorted(played), None
    units = partition(len(played), clusters)
    members: list[list[Game]] = [[] for _ in range(units.units)]
    for game, code in zip(played, units.codes, strict=True):
        members[code].append(game)
    ordered = sorted(sorted(one) for one in members)
    return [game for one in ordered for game in one], [number for number, one in enumerate(ordered) for _ in one]


def _won(played: Sequence[Game], names: Sequence[str], weights: Floats) -> Floats:
    """(draws, models, models): points that the row's model took from the column's, each game counted by its weight."""
    number = {name: i for i, name in enumerate(names)}
    one = np.array([number[game.a] for game in played], dtype=np.int64)
    other = np.array([number[game.b] for game in played], dtype=np.int64)
    scores = np.array([game.score for game in played])
    won = np.zeros((len(weights), len(names), len(names)))
    for draw, counts in enumerate(weights):
        np.add.at(won[draw], (one, other), counts * scores)
        np.add.at(won[draw], (other, one), counts * (1 - scores))
    return won


def _met(won: Floats) -> Floats:
    """1 where two models played, in any draw."""
    both = won + won.swapaxes(1, 2)
    return np.asarray(both.max(axis=0) > 0, dtype=np.float64)


def _fit(won: Floats) -> Floats:
    """(draws, models): the maximum of the likelihood of each draw, mean 0."""
    met = won + won.swapaxes(1, 2)
    size = won.shape[1]
    found = np.zeros(won.shape[:2])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(found[:, None, :] - found[:, :, None]))
        slope = (won - met * p).sum(axis=2)
        curve = met * p * (1 - p)
        hessian = np.eye(size) * curve.sum(axis=2)[:, :, None] - curve + 1 / size  # the constant is free: pin the mean
        step = np.linalg.solve(hessian, slope[:, :, None])[:, :, 0]
        found = found + np.clip(step, -_LEAP, _LEAP)
        found -= found.mean(axis=1, keepdims=True)
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    return found

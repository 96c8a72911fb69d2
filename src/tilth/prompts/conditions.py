"""Conditions: spaces from which a prompt's requirements are drawn.

A space has one method, ``draw(rng)``; the generator is a parameter, so that a run's seed governs every draw.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol


class Drawable(Protocol):
    """A space that values can be drawn from."""

    def draw(self, rng: random.Random) -> Any:
        """One value."""
        ...


@dataclass(frozen=True)
class Values:
    """One of the given values; uniform unless `weights` (non-negative, same length, not all 0) say otherwise."""

    values: Sequence[Any]
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a condition needs at least one value")
        if self.weights is not None and (len(self.weights) != len(self.values) or min(self.weights) < 0 or sum(self.weights) <= 0):
            raise ValueError("weights must be one non-negative number per value, not all 0")

    def index(self, rng: random.Random) -> int:
        """Position of the value drawn; what is recorded when the list of values is kept beside."""
        if self.weights is None:
            return rng.randrange(len(self.values))
        return rng.choices(range(len(self.values)), weights=self.weights)[0]

    def draw(self, rng: random.Random) -> Any:
        """One value."""
        return self.values[self.index(rng)]


@dataclass(frozen=True)
class Integers:
    """A whole number from `low` to `high`, both included, uniformly."""

    low: int
    high: int

    def draw(self, rng: random.Random) -> int:
        """One number."""
        return rng.randint(self.low, self.high)


@dataclass(frozen=True)
class Words:
    """`n` different common English words, as TinyStories (arXiv 2305.07759) asks for in each of its prompts."""

    n: int = 3

    def draw(self, rng: random.Random) -> list[str]:
        """`n` words."""
        return rng.sample(word_list(), self.n)


class Space:
    """Independent draws by name. A list stands for `Values`, anything without ``draw`` for itself.

    >>> Space({"tone": ["calm"], "length": Integers(5, 5)}).draw(random.Random(0))
    {'tone': 'calm', 'length': 5}
    """

    def __init__(self, spaces: Mapping[str, Any]) -> None:
        self.spaces = {name: _space(value) for name, value in spaces.items()}

    def draw(self, rng: random.Random) -> dict[str, Any]:
        """One value for each name, in the order in which the names were given."""
        return {name: space.draw(rng) for name, space in self.spaces.items()}


class Balanced:
    """Each value equally often: after any number of draws, counts differ by at most one.

    Parameters
    ----------
    values: what is drawn.
    rng: each cycle through the values is shuffled by a seed drawn from it once; None: the given order.
    """

    def __init__(self, values: Sequence[Any], rng: random.Random | None = None) -> None:
        if not values:
            raise ValueError("a condition needs at least one value")
        self.values = list(values)
        self._seed = None if rng is None else rng.getrandbits(64)
        self._cycle = (-1, self.values)

    def draw(self, k: int) -> Any:
        """The k-th value (k >= 0); the same k always gives the same value."""
        cycle, position = divmod(k, len(self.values))
        if self._cycle[0] != cycle:
            order = list(self.values)
            if self._seed is not None:
                random.Random(f"{self._seed}/{cycle}").shuffle(order)
            self._cycle = (cycle, order)
        return self._cycle[1][position]


@dataclass(frozen=True)
class _Constant:
    value: Any

    def draw(self, rng: random.Random) -> Any:
        return self.value


def _space(value: Any) -> Drawable:
    if hasattr(value, "draw"):
        drawable: Drawable = value
        return drawable
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Values(value)
    return _Constant(value)


@lru_cache(maxsize=1)
def word_list() -> tuple[str, ...]:
    """The words that `Words` draws from (``assets/words.txt``)."""
    from importlib.resources import files

    return tuple((files("tilth") / "assets" / "words.txt").read_text(encoding="utf-8").split())

"""From numbers to places on the page: linear or logarithmic, with round ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps low..high to start..end; values outside are moved to the edge. log: by powers of ten; low must be above 0."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value."""
        low, high, here = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, here = math.log10(low), math.log10(high), math.log10(here)
        share = (here - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values inside, at most about `most`."""
        return powers(self.low, self.high, most) if self.log else nice(self.low, self.high, most)


def nice(low: float, high: float, most: int = 6) -> list[float]:
    """Round values from low to high, at steps of 1, 2, 2.5 or 5 times a power of ten.

    >>> nice(0, 1, 5), nice(0, 47, 4)
    ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 20.0, 40.0])
    """
    if high <= low or most < 2:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / (most - 1)))
    steps = (power * factor for factor in (1, 2, 2.5, 5, 10, 20))
    step = next(one for one in steps if (high - low) / one <= most - 1 + 1e-9)
    first = math.ceil(low / step - 1e-9)
    return [round(step * at, 10) for at in range(first, math.floor(high / step + 1e-9) + 1)]


def powers(low: float, high: float, most: int) -> list[float]:
    """1, 2, 5 times powers of ten between low and high, thinned to powers of ten where these are too many.

    >>> powers(10, 1000, 8)
    [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]
    """
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [factor * 10.0**one for one in exponents for factor in (1, 2, 5)]
    inside = [one for one in every if low * (1 - 1e-9) <= one <= high * (1 + 1e-9)]
    if len(inside) > most:
        inside = [one for one in inside if math.isclose(math.log10(one) % 1, 0, abs_tol=1e-9)] or inside[:1]
    return inside


def around(values: list[float], *, floor: float | None = None, roof: float | None = None, margin: float = 0.05) -> tuple[float, float]:
    """An axis that holds all values with some room, not beyond floor and roof.

    >>> around([0.2, 0.4], floor=0.0, roof=1.0)
    (0.19, 0.41)
    """
    low, high = min(values), max(values)
    room = (high - low) * margin or abs(high) * margin or margin
    low, high = low - room, high + room
    return round(low if floor is None else max(floor, low), 10), round(high if roof is None else min(roof, high), 10)

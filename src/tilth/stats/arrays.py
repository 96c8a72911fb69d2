"""What every function here asks of its numbers: finite, of one shape, unit length, rounded before they decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Vectors = npt.NDArray[np.floating[Any]]
Seed = int | np.random.Generator
"""A whole number >= 0, or a generator whose stream the caller goes on using."""

DECIMALS = 6
"""Decimals that survive a change of thread count or block size in sums of float32 products of unit vectors."""


def decisive(values: npt.ArrayLike, decimals: int = DECIMALS) -> Floats:
    """Values rounded before they decide (a comparison, a sort, an argmax), so that last bits never do.

    Sums in another order (threads, blocks, another BLAS) differ in the last bits. Rounded first, they give the same
    order nearly always, and equal values tie exactly; ties then go to the lower index. -0.0 becomes 0.0.

    >>> float(decisive(0.1 + 0.2)) == float(decisive(0.3))
    True
    """
    return np.asarray(np.round(np.asarray(values, dtype=np.float64), decimals) + 0.0, dtype=np.float64)


def generator(seed: Seed) -> np.random.Generator:
    """The generator of a seed. None is refused: a result must not depend on the clock."""
    if not isinstance(seed, np.random.Generator | int | np.integer) or isinstance(seed, bool):
        raise ValueError(f"a seed is a whole number or a numpy Generator, not {type(seed).__name__}")
    return np.random.default_rng(seed)


def finite(values: npt.ArrayLike, name: str, *, ndim: int = 1) -> Floats:
    """The values as float64 of `ndim` dimensions.

    Raises
    ------
    ValueError: another number of dimensions, None, NaN or an infinity; names the first place.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0 and array.ndim != ndim:
        array = array.reshape((0,) * ndim)
    if array.ndim != ndim:
        raise ValueError(f"{name}: {ndim} dimension{'s' if ndim > 1 else ''} wanted, not {array.ndim}")
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        where = place[0] if ndim == 1 else place
        raise ValueError(f"{name}: entry {where} is {array[place]}, not a number; leave out what is not scored")
    return array


def scored(values: Sequence[float | None] | npt.ArrayLike, name: str) -> tuple[Floats, Ints]:
    """The values that are not None, and their indices. NaN raises ValueError: it is never a missing value."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        array = finite(values, name)
        return array, np.arange(len(array))
    listed = list(cast("Sequence[float | None]", values))
    kept = np.array([i for i, value in enumerate(listed) if value is not None], dtype=np.int64)
    return finite([value for value in listed if value is not None], name), kept


def vectors_of(values: npt.ArrayLike, name: str = "vectors") -> Vectors:
    """A finite matrix of rows, not copied where it is one already; float32 stays float32, anything else becomes float64."""
    array = np.asarray(values)
    if array.size == 0 and array.ndim != 2:
        array = array.reshape(0, 0)
    if array.ndim != 2:
        raise ValueError(f"{name}: a matrix (rows, dimensions) wanted, not {array.ndim} dimensions")
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    good = np.isfinite(_squares(array))
    if not good.all():
        raise ValueError(f"{name}: row {int(np.argmin(good))} holds NaN or an infinity")
    return array


def _squares(array: Vectors) -> Floats:
    """Squared length of each row, without a second array of the size of the first."""
    return np.asarray(np.einsum("ij,ij->i", array, array, dtype=np.float64), dtype=np.float64)


def unit_rows(values: npt.ArrayLike, name: str = "vectors") -> Vectors:
    """Rows of length 1, of the same float type; not copied where they are so already, as embedders give them.

    A row of length 0 has no direction: ValueError.
    """
    array = vectors_of(values, name)
    lengths = np.sqrt(_squares(array))
    if len(array) and not lengths.all():
        raise ValueError(f"{name}: row {int(np.argmin(lengths))} has length 0, so it has no cosine")
    if np.abs(lengths - 1).max(initial=0.0) < 1e-6:
        return array
    return np.asarray(array / lengths[:, None], dtype=array.dtype)


def same_length(name: str, *sequences: Any) -> int:
    """The common length; ValueError where they differ."""
    lengths = {len(sequence) for sequence in sequences}
    if len(lengths) != 1:
        raise ValueError(f"{name}: of different lengths ({', '.join(str(len(sequence)) for sequence in sequences)})")
    return lengths.pop()


def whole(value: int, name: str, low: int = 0) -> int:
    """A whole number of at least `low`, or ValueError."""
    if isinstance(value, bool) or int(value) != value or value < low:
        raise ValueError(f"{name}: a whole number of at least {low} wanted, not {value}")
    return int(value)


def share(value: float, name: str) -> float:
    """A number between 0 and 1, both excluded, or ValueError."""
    if not 0 < value < 1:
        raise ValueError(f"{name}: a number between 0 and 1 wanted, not {value}")
    return float(value)

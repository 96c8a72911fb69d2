"""Plain data over a channel: JSON with tags for what JSON lacks. Never pickle: what a program sends cannot be code.

Only exact shapes leave a process. An object that claims to equal everything is sent as a handle (or refused), never as
itself; an instance of a subclass of a plain type is sent as the plain value inside it, read with the base type's methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Handle = Callable[[Any], Any]
DEPTH = 60
"""Nesting that may be sent; deeper is refused, so that no reader runs out of stack."""
_SMALL = 2**63


class NotPlain(TypeError):
    """The value is no plain data, and there is no handle for it."""


def encode(value: Any, handle: Handle | None = None, depth: int = 0) -> Any:
    """A JSON-able picture of `value`. `handle` gives the picture of what is not plain data.

    Raises
    ------
    NotPlain: not plain data (and no handle), or nested deeper than :data:`DEPTH`.
    """
    if depth > DEPTH:
        raise NotPlain("nested too deeply")
    if value is None or value is True or value is False:
        return value
    for kind, write in _WRITERS:
        if isinstance(value, kind) and kind in type(value).__mro__:  # not what __class__ claims
            return write(value, lambda part: encode(part, handle, depth + 1))
    known = _library(value)
    if known is not None:
        return known
    if handle is None:
        raise NotPlain(f"{type(value).__name__} is no plain data")
    return handle(value)


def _int(value: int, _: Callable[[Any], Any]) -> Any:
    number = int.__index__(value)
    return number if -_SMALL < number < _SMALL else {"i": format(number, "x")}


def _float(value: float, _: Callable[[Any], Any]) -> Any:
    number = float.__float__(value)
    finite = number == number and number not in (float("inf"), float("-inf"))
    return number if finite else {"x": float.__repr__(number)}


def _sorted(parts: Iterable[Any]) -> list[Any]:
    return sorted(parts, key=repr)  # a set has no order; what is sent has


_WRITERS: tuple[tuple[type, Callable[[Any, Callable[[Any], Any]], Any]], ...] = (
    (int, _int),
    (float, _float),
    (str, lambda v, _: str.__str__(v)),
    (list, lambda v, put: {"l": [put(one) for one in list.__iter__(v)]}),
    (tuple, lambda v, put: {"t": [put(one) for one in tuple.__iter__(v)]}),
    (dict, lambda v, put: {"d": [[put(name), put(one)] for name, one in dict.items(v)]}),
    (frozenset, lambda v, put: {"f": _sorted(put(one) for one in frozenset.__iter__(v))}),
    (set, lambda v, put: {"s": _sorted(put(one) for one in set.__iter__(v))}),
    (bytes, lambda v, _: {"b": bytes.hex(v)}),
    (bytearray, lambda v, _: {"B": bytearray.hex(v)}),
    (complex, lambda v, _: {"c": [repr(v.real), repr(v.imag)]}),
    (range, lambda v, _: {"r": [v.start, v.stop, v.step]}),
)


def _library(value: Any) -> Any:
    """Exact types of the standard library that are values too."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name == "decimal.Decimal" and kind is _imported("decimal", "Decimal"):
        return {"D": str(value)}
    if name == "fractions.Fraction" and kind is _imported("fractions", "Fraction"):
        return {"q": [format(value.numerator, "x"), format(value.denominator, "x")]}
    return None


def _imported(module: str, name: str) -> Any:
    import importlib

    return getattr(importlib.import_module(module), name)


def decode(picture: Any, handle: Handle | None = None) -> Any:
    """The value that `picture` shows. `handle` makes something of a handle's picture.

    Raises
    ------
    NotPlain: the picture is malformed, or shows a handle and none is wanted.
    """
    if isinstance(picture, dict):
        return _decode_tagged(picture, handle)
    if isinstance(picture, list):
        raise NotPlain("a bare list")
    return picture


def _decode_tagged(picture: dict[str, Any], handle: Handle | None) -> Any:
    if len(picture) == 1:
        ((tag, body),) = picture.items()
        if tag in _READERS:
            try:
                return _READERS[tag](body, lambda part: decode(part, handle))
            except NotPlain:
                raise
            except (TypeError, ValueError, ArithmeticError) as error:
                raise NotPlain(f"malformed {tag}: {error}") from None
    if handle is None:
        raise NotPlain("a handle")
    return handle(picture)


_READERS: dict[str, Callable[[Any, Callable[[Any], Any]], Any]] = {
    "i": lambda body, get: int(body, 16),
    "x": lambda body, get: float(body),
    "l": lambda body, get: [get(one) for one in body],
    "t": lambda body, get: tuple(get(one) for one in body),
    "d": lambda body, get: {get(name): get(one) for name, one in body},
    "f": lambda body, get: frozenset(get(one) for one in body),
    "s": lambda body, get: {get(one) for one in body},
    "b": lambda body, get: bytes.fromhex(body),
    "B": lambda body, get: bytearray.fromhex(body),
    "c": lambda body, get: complex(float(body[0]), float(body[1])),
    "r": lambda body, get: range(*body),
    "D": lambda body, get: _imported("decimal", "Decimal")(body),
    "q": lambda body, get: _imported("fractions", "Fraction")(int(body[0], 16), int(body[1], 16)),
}

"""An object that lives in the other process.

It never equals plain data and is never ordered against it: a program cannot hand over an object that agrees with every
expected value. Two objects of the program may be compared by the program's own methods, for then these are what is tested.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .peer import Peer

T = TypeVar("T")


class Remote:
    """A handle. Attribute access, calls, items, iteration and arithmetic are asked of the other side."""

    def __init__(self, peer: Peer, number: int, kind: str) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)

    def _ask(self, operation: str, *arguments: Any, **named: Any) -> Any:
        peer: Peer = object.__getattribute__(self, "_peer")
        return peer.ask(operation, object.__getattribute__(self, "_number"), *arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return Remote._ask(self, "getattr", name)

    def __setattr__(self, name: str, value: Any) -> None:
        Remote._ask(self, "setattr", name, value)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return Remote._ask(self, "call", *arguments, **named)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Remote) and Remote._ask(self, "special", "eq", other) is True

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(("remote", object.__getattribute__(self, "_number")))

    def __bool__(self) -> bool:
        return _exactly(bool, Remote._ask(self, "bool"))

    def __len__(self) -> int:
        return _exactly(int, Remote._ask(self, "len"))

    def __int__(self) -> int:
        return _exactly(int, Remote._ask(self, "int"))

    def __float__(self) -> float:
        return _exactly(float, Remote._ask(self, "float"))

    def __str__(self) -> str:
        return _exactly(str, Remote._ask(self, "text"))

    def __repr__(self) -> str:
        return _exactly(str, Remote._ask(self, "repr"))

    def __contains__(self, one: Any) -> bool:
        return _exactly(bool, Remote._ask(self, "contains", one))

    def __iter__(self) -> Any:
        return Remote._ask(self, "iter")

    def __next__(self) -> Any:
        return Remote._ask(self, "next")

    def __getitem__(self, name: Any) -> Any:
        return Remote._ask(self, "special", "getitem", name)

    def __setitem__(self, name: Any, value: Any) -> None:
        Remote._ask(self, "special", "setitem", name, value)

    def __delitem__(self, name: Any) -> None:
        Remote._ask(self, "delitem", name)

    def __enter__(self) -> Any:
        return Remote._ask(self, "enter")

    def __exit__(self, *_: object) -> None:
        Remote._ask(self, "leave")

    def __instancecheck__(self, one: Any) -> bool:
        return isinstance(one, Remote) and Remote._ask(self, "isinstance", one) is True


def _exactly(kind: type[T], value: Any) -> T:
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, the program gave {type(value).__name__}")
    exact: T = value
    return exact


def _add_operators() -> None:
    """Arithmetic gives whatever the program gives; an order is only asked between two of its objects."""

    def forward(name: str) -> Any:
        return lambda self, *other: Remote._ask(self, "special", name, *other)

    def backward(name: str) -> Any:
        return lambda self, other: Remote._ask(self, "reflected", name, other)

    def order(name: str) -> Any:
        def compare(self: Remote, other: object) -> Any:
            if not isinstance(other, Remote):
                return NotImplemented
            return _exactly(bool, Remote._ask(self, "special", name, other))

        return compare

    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "lshift", "rshift", "matmul"):
        dunder = name.rstrip("_")
        setattr(Remote, f"__{dunder}__", forward(name))
        setattr(Remote, f"__r{dunder}__", backward(name))
    for name in ("neg", "pos", "abs", "invert"):
        setattr(Remote, f"__{name}__", forward(name))
    for name in ("lt", "le", "gt", "ge"):
        setattr(Remote, f"__{name}__", order(name))


_add_operators()


class ProgramError(Exception):
    """An exception of a type that only the program knows."""


def raised(error: dict[str, Any], known: dict[str, type[BaseException]]) -> BaseException:
    """The exception that the other side reported, with its frames; StopIteration and the like stay what they are."""
    name, message = str(error.get("type")), str(error.get("message", ""))
    kind = known.get(name) or _builtin([name, *error.get("bases", [])])
    try:
        made = kind(message) if kind is not ProgramError else ProgramError(f"{name}: {message}")
    except TypeError:  # some want more arguments, such as UnicodeDecodeError
        made = ProgramError(f"{name}: {message}")
    made.__dict__["told"] = error
    return made


def _builtin(names: list[str]) -> type[BaseException]:
    for name in names:
        kind = getattr(builtins, str(name), None)
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            continue
        if issubclass(kind, Exception) and kind is not Exception:
            return kind
    return ProgramError  # SystemExit, KeyboardInterrupt and GeneratorExit of the program do not end the tests

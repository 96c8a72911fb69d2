"""Two processes that use each other's objects: plain data is copied, everything else stays where it is and is asked.

The side with the tests (`strict`) gives away as little as it can: the other side may call its functions and read or set
public attributes of objects of the tests' own classes; nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .channel import Channel
from .plain import NotPlain, decode, encode
from .program import error_of, repr_of, text_of
from .remote import Remote, raised

_HIDDEN = ("_", "gi_", "cr_", "ag_", "f_", "tb_", "co_")
"""Attributes through which a frame, and with it the harness, could be reached."""

_CHANGES = (list, dict, set, bytearray)


class Peer:
    """One end. Requests nest: while this side waits for an answer, it serves what the other side asks of it."""

    def __init__(self, channel: Channel, *, strict: bool) -> None:
        self._channel, self._strict = channel, strict
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._remotes: dict[int, Remote] = {}
        self.errors: dict[str, type[BaseException]] = {}
        """Exception classes that the other side declared, by name."""

    # what goes over

    def put(self, value: Any) -> Any:
        return encode(value, self._handle)

    def get(self, picture: Any) -> Any:
        return decode(picture, self._unhandle)

    def _handle(self, value: Any) -> Any:
        if isinstance(value, Remote):
            return {"yours": object.__getattribute__(value, "_number")}
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)  # kept, so that its id stays its own
        kind = type(value).__name__
        return {"mine": [number, str.__str__(kind), callable(value)]}

    def _unhandle(self, picture: dict[str, Any]) -> Any:
        try:
            if "yours" in picture:
                return self._objects[int(picture["yours"])]
            number, kind, _ = picture["mine"]
            if number not in self._remotes:
                self._remotes[number] = Remote(self, int(number), str(kind))
            return self._remotes[number]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise NotPlain(f"no handle: {error}") from None

    # asking

    def ask(self, operation: str, target: int, *arguments: Any, **named: Any) -> Any:
        """Do something with the other side's object; its exceptions are raised here."""
        self._channel.send({"op": operation, "of": target, "args": self.put(arguments), "named": self.put(named)})
        while True:
            message = self._channel.receive()
            if "op" in message:
                self._answer(message)
                continue
            if "error" in message:
                raise raised(message["error"], self.errors)
            after = self.get(message["after"])
            for mine, theirs in zip(arguments, after, strict=False):
                written_back(mine, theirs)
            return self.get(message["value"])

    # answering

    def serve(self) -> None:
        """Answer until the other side has gone (:class:`Broken`)."""
        while True:
            self._answer(self._channel.receive())

    def _answer(self, message: dict[str, Any]) -> None:
        try:
            target = self._objects[int(message["of"])]
            arguments, named = self.get(message["args"]), self.get(message["named"])
            before = [self.put(one) if isinstance(one, _CHANGES) else None for one in arguments]
            value = self._operation(message["op"])(target, *arguments, **named)
            changed = [one if was is not None and self.put(one) != was else None for one, was in zip(arguments, before, strict=True)]
            reply = {"value": self.put(value), "after": self.put(changed)}
        except BaseException as error:  # boundary: the program's function, SystemExit included
            reply = {"error": error_of(error)}
        self._channel.send(reply)

    def _operation(self, name: str) -> Callable[..., Any]:
        if self._strict and name not in _ALLOWED:
            raise PermissionError(f"the tests do not answer {name}")
        if name in ("getattr", "setattr") and self._strict:
            return _getattr_strict if name == "getattr" else _setattr_strict
        return OPERATIONS[name]


def _own(target: Any, name: str) -> None:
    if type(target).__module__ != "tests" or name.startswith(_HIDDEN):
        raise AttributeError(name)


def _getattr_strict(target: Any, name: str) -> Any:
    _own(target, name)
    return getattr(target, name)


def _setattr_strict(target: Any, name: str, value: Any) -> None:
    _own(target, name)
    setattr(target, name, value)


def _special(target: Any, name: str, *arguments: Any) -> Any:
    import operator

    return getattr(operator, name)(target, *arguments)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": lambda target, *args, **named: target(*args, **named),
    "getattr": getattr,
    "setattr": setattr,
    "special": _special,
    "reflected": lambda target, name, other: _special(other, name, target),
    "contains": lambda target, one: one in target,
    "next": next,
    "iter": iter,
    "len": len,
    "bool": bool,
    "int": int,
    "float": float,
    "text": text_of,
    "repr": repr_of,
    "enter": lambda target: target.__enter__(),
    "leave": lambda target: target.__exit__(None, None, None),
    "isinstance": lambda target, one: isinstance(one, target),
    "delitem": lambda target, name: target.__delitem__(name),
}
_ALLOWED = frozenset({"call", "getattr", "setattr", "iter", "next", "len", "bool", "text", "repr"})


def written_back(mine: Any, theirs: Any) -> None:
    """An argument that the other side changed in place is changed here too, parts before wholes."""
    if theirs is None or type(mine) is not type(theirs):
        return
    if isinstance(mine, list):
        if len(mine) == len(theirs):
            for number, (old, new) in enumerate(zip(list(mine), theirs, strict=True)):
                mine[number] = _kept(old, new)
        else:
            mine[:] = theirs
    elif isinstance(mine, dict):
        parts = {name: _kept(mine.get(name), new) for name, new in theirs.items()}
        mine.clear()
        mine.update(parts)
    elif isinstance(mine, set):
        mine.clear()
        mine.update(theirs)
    elif isinstance(mine, bytearray):
        mine[:] = theirs


def _kept(old: Any, new: Any) -> Any:
    if type(old) is type(new) and isinstance(old, _CHANGES):
        written_back(old, new)
        return old
    return new

"""Digests, canonical JSON and stable ids: what every key of the engine is made of.

Canonical JSON is UTF-8 with sorted keys, absent instead of null, and the shortest form of each float. These bytes are
part of every stored key: a change here makes users pay again for calls that they already have.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import struct
from array import array
from collections.abc import Mapping
from hashlib import blake2b
from operator import index
from typing import Any

import orjson

from tilth.records.record import Record

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_PASSTHROUGH_DATACLASS
_LENGTH = struct.Struct("<cQ").pack
_BYTES, _TEXT, _WHOLE = ([_LENGTH(kind, size) for size in range(64)] for kind in (b"b", b"s", b"i"))  # every call needs a dozen
_LONG_NUMBER = re.compile(rb"[0-9]{19}")


def digest(*parts: bytes | str | int) -> bytes:
    """BLAKE2b-128 over typed, length-prefixed parts: 16 bytes.

    A part's type belongs to it: ``1``, ``"1"`` and ``b"1"`` differ, and so do ``("ab", "c")`` and ``("a", "bc")``.

    >>> digest("tilth/1", 7).hex()
    'f00d5e6f49da3b8df4d9509dfd5d59a7'
    """
    out = b""
    for part in parts:
        if isinstance(part, (bytes, bytearray, memoryview)):
            size = len(part)
            out += (_BYTES[size] if size < 64 else _LENGTH(b"b", size)) + part
        elif isinstance(part, str):
            data = part.encode("utf-8", "surrogatepass")
            size = len(data)
            out += (_TEXT[size] if size < 64 else _LENGTH(b"s", size)) + data
        else:  # numpy's whole numbers too
            data = b"%d" % index(part)
            out += (_WHOLE[len(data)] if len(data) < 64 else _LENGTH(b"i", len(data))) + data
    return blake2b(out, digest_size=16).digest()


def hex_digest(*parts: bytes | str | int) -> str:
    """:func:`digest` as 32 hexadecimal characters, the form of ids in files."""
    return digest(*parts).hex()


def short_hash(value: bytes | str) -> int:
    """A 64-bit hash, never 0, for tables that must stay small in memory."""
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1


def canonical(value: Any) -> bytes:
    """Canonical JSON of a value: equal values give equal bytes on every machine.

    Keys of mappings whose value is None are dropped (None inside a list stays null). A :class:`Record` is its columns;
    its lineage is not content. Tuples are lists, sets are sorted lists, numpy scalars and arrays are numbers and lists,
    bytes are hexadecimal text. NaN and infinities are the texts ``"NaN"``, ``"Infinity"``, ``"-Infinity"``. ``1`` and
    ``1.0`` differ: give parameters their type first.

    Raises TypeError for a value that has no JSON form.
    """
    try:
        out = orjson.dumps(value, _simpler, _OPTIONS)
    except TypeError:  # keys that are not text, whole numbers beyond 64 bits, lone surrogates
        return orjson.dumps(_plain(value, drop=True), None, orjson.OPT_SORT_KEYS)
    if b"null" in out:  # None or NaN somewhere (or the word in a text): take the exact way
        return orjson.dumps(_plain(value, drop=True), None, orjson.OPT_SORT_KEYS)
    return out


def json_text(value: Any) -> str:
    """JSON with sorted keys that keeps None as null: the form of JSON columns in files."""
    try:
        out = orjson.dumps(value, _simpler, _OPTIONS)
        if b"null" not in out:
            return out.decode()
    except TypeError:
        pass
    return orjson.dumps(_plain(value, drop=False), None, orjson.OPT_SORT_KEYS).decode()


def json_value(text: str | bytes) -> Any:
    """Parse JSON. Unlike orjson alone, whole numbers beyond 64 bits keep their digits. Raises ValueError."""
    data = text.encode() if isinstance(text, str) else text
    if _LONG_NUMBER.search(data):
        return json.loads(data)
    return orjson.loads(data)


def content_id(record: Mapping[str, Any], occurrence: int = 0) -> str:
    """The id of a record that brings none: a hash of its columns and of how many equal ones came before (from 0)."""
    return digest("tilth/1 content", canonical(record), occurrence).hex()


class Occurrences:
    """Counts how often a key was seen, in 10 to 15 bytes per key (5 to 8 with 32 bits), whatever the key's length.

    Keys are held as hashes in open-addressing tables, one of 64 by the hash's last bits, so that growing copies little.

    Parameters
    ----------
    bits: 64 (among 10 million keys two collide with a probability of 3 in a million), or 32 where a collision does no harm:
        a new key is then now and then counted as a repeated one, in every run the same.
    """

    def __init__(self, bits: int = 64) -> None:
        self._kind, self._shift = ("Q", 0) if bits == 64 else ("I", 32)
        self._tables = [array(self._kind, [0] * 24) for _ in range(64)]
        self._sizes = [0] * 64
        self._repeats: dict[int, int] = {}

    def __len__(self) -> int:
        return sum(self._sizes)

    def next(self, key: bytes | str) -> int:
        """How many equal keys came before this one: 0 for the first, then 1, 2 ..."""
        hashed = short_hash(key)
        number, value = hashed & 63, (hashed >> self._shift) or 1
        slots = self._tables[number]
        size = len(slots)
        at = (value >> 6) % size
        while held := slots[at]:
            if held == value:
                again = hashed if not self._shift else value << 6 | number
                self._repeats[again] = self._repeats.get(again, 0) + 1
                return self._repeats[again]
            at = at + 1 if at + 1 < size else 0
        slots[at] = value
        self._sizes[number] += 1
        if self._sizes[number] * 5 > size * 4:
            self._grow(number)
        return 0

    def _grow(self, number: int) -> None:
        old = self._tables[number]
        size = len(old) * 3 // 2
        new = array(self._kind, bytes(old.itemsize * size))
        for value in old:
            if value:
                at = (value >> 6) % size
                while new[at]:
                    at = at + 1 if at + 1 < size else 0
                new[at] = value
        self._tables[number] = new


def _simpler(value: Any) -> Any:
    """One step from a foreign object towards JSON; TypeError where there is none."""
    if isinstance(value, Record):
        return value.columns
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=canonical)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for name in ("model_dump", "tolist", "__fspath__"):  # pydantic models, numpy, paths
        step = getattr(value, name, None)
        if step is not None and not isinstance(value, type):
            return step()
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def _plain(value: Any, *, drop: bool) -> Any:
    """The same value in dicts, lists, text and numbers that orjson takes as they are."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else orjson.Fragment(str(int(value)))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {_key(key): _plain(inner, drop=drop) for key, inner in value.items() if not (drop and inner is None)}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, drop=drop) for inner in value]
    try:
        return _plain(_simpler(value), drop=drop)
    except TypeError:
        return orjson.loads(orjson.dumps(value))  # dates, enums, UUIDs


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(_plain(key, drop=False))
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise TypeError(f"a {type(key).__name__} cannot be a key in JSON")

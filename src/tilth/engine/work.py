"""Deterministic but expensive work, done once: the result is journaled under its inputs and its source."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tilth.engine.shelf import Entry
from tilth.errors import RequestError
from tilth.records.ids import canonical, digest
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.place import Frame
    from tilth.engine.session import Session


async def do(session: Session, frame: Frame, fn: Callable[..., Any], args: tuple[Any, ...], version: int) -> Any:
    """See :meth:`tilth.engine.run.Run.do`. Key: H("do", place, name, version, source digest, occurrence, digest of the inputs)."""
    name = getattr(fn, "__qualname__", type(fn).__name__)
    inputs = digest(*(fingerprint(arg) for arg in args))
    body = orjson.dumps({"do": name, "version": version, "source": source_digest(fn).hex(), "inputs": inputs.hex()})
    key = digest("do", frame.place, body, frame.occurrence(digest("do", body)))
    found = session.journal.get(key, 0)
    if found is not None:
        return thaw(orjson.loads(found.reply))
    session.check_stop()
    result = freeze(await session.settings.executor.do(fn, args))
    reply = orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY)
    await session.journal.put(Entry(key, 0, "do", frame.path, "do", name, body, reply, paid=False))
    return thaw(orjson.loads(reply))


def source_digest(fn: Callable[..., Any]) -> bytes:
    """Digest of the function's source text, so that changed code is not served an old result."""
    target: Any = inspect.unwrap(fn)
    while hasattr(target, "func"):
        target = target.func
    try:
        return digest(inspect.getsource(target))
    except (OSError, TypeError):
        code = getattr(target, "__code__", None)
        return digest(code.co_code if code is not None else type(target).__qualname__)


def fingerprint(value: Any) -> bytes:
    """Digest of an input's content: JSON values, Records, arrays, paths, models; anything else is refused."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return digest(str(value.dtype), str(value.shape), np.ascontiguousarray(value).tobytes())
    if isinstance(value, Record):
        return digest(canonical(value.columns))
    if isinstance(value, Mapping):
        return digest("map", *(part for name in sorted(value) for part in (str(name), fingerprint(value[name]))))
    if isinstance(value, (list, tuple)):
        return digest("list", *(fingerprint(one) for one in value))
    if isinstance(value, Path):
        return digest("file", value.read_bytes())
    if hasattr(value, "model_dump"):
        return digest(type(value).__name__, canonical(value.model_dump(mode="json")))
    try:
        return digest(canonical(value))
    except TypeError:
        raise RequestError(
            f"run.do cannot tell the content of a {type(value).__name__}. Pass numbers, texts, lists, mappings, records, arrays or paths.",
            code="method.do_input",
        ) from None


def freeze(value: Any) -> Any:
    """Records as plain JSON."""
    if isinstance(value, Record):
        return {"__record__": value.columns, "meta": value.meta}
    if isinstance(value, Mapping):
        return {str(name): freeze(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [freeze(one) for one in value]
    return value


def thaw(value: Any) -> Any:
    """Plain JSON back to records."""
    if isinstance(value, list):
        return [thaw(one) for one in value]
    if isinstance(value, dict):
        if "__record__" in value:
            return Record(value["__record__"], meta=value["meta"])
        return {name: thaw(one) for name, one in value.items()}
    return value

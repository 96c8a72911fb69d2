"""Many rows at once, in order: map, unfold, all.

Bodies overlap, results leave in input order, and nothing about the order of events reaches the result. Two bounds hold:
calls in flight (the endpoint's limiter) and rows in the window (here). A row that is drawn is run to its end, so the set
of calls is a function of the program and a finished run executed again pays nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import traceback
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tilth.engine.place import CURRENT, Frame, Reject, current
from tilth.errors import Bug, Failure, Pending, Stop, TilthError, Unanswered
from tilth.records.ids import Occurrences, canonical, digest
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.executors import Executor
    from tilth.engine.session import Session

R = TypeVar("R")

NESTED_WINDOW = 64
"""Rows in flight in a map inside a row. A constant: what is drawn is run, so it must not depend on the endpoint."""

MISSING = object()


class Slot:
    """One row in the window."""

    __slots__ = ("before", "frame", "item", "task")

    def __init__(self, frame: Frame, item: Any, before: list[Reject]) -> None:
        self.frame = frame
        self.item = item
        self.before = before
        self.task: asyncio.Task[list[Any]]


class Results(Generic[R]):
    """What a map gives: iterate it (``async for``), or await it for the whole list."""

    leavable = False

    def __init__(self, session: Session, label: str, fn: Callable[[Any], Any], on_failure: str) -> None:
        self._session = session
        self._parent = self._out = current()
        self.label = label
        self._place, self._path = self._parent.child(label)
        self._start = _starter(fn, session.settings.executor)
        self._on_failure = on_failure
        self._slots: deque[Slot] = deque()
        self._ready: deque[R] = deque()
        self._opened = False
        self.finished = False

    def __aiter__(self) -> AsyncIterator[R]:
        return self

    def __await__(self) -> Generator[Any, None, list[R]]:
        return self._collect().__await__()

    async def _collect(self) -> list[R]:
        return [result async for result in self]

    async def __anext__(self) -> R:
        if not self._opened:
            self._opened = True
            self._open()
        while not self._ready:
            if not await self._advance():
                self.finished = True
                if self._out.open is not None:
                    self._out.open.remove(self)
                raise StopAsyncIteration
        return self._ready.popleft()

    def _open(self) -> None:
        if self._out.open is None:
            self._out.open = []
        self._out.open.append(self)

    def move(self, frame: Frame) -> None:
        """Another place reads these results (a map whose items are another map): rejects travel with the item they precede."""
        self._out = frame

    async def _advance(self) -> bool:
        """Consume the next row; False at the end."""
        raise NotImplementedError  # abstract

    def _spawn(self, number: int, key: object, occurrence: int, item: Any, before: list[Reject]) -> None:
        shown = _shown(key, occurrence)
        parts = key if isinstance(key, (bytes, str, int)) else str(key)
        frame = Frame(digest(self._place, parts, occurrence), f"{self._path}:{shown}", (*self._parent.order, number))
        slot = Slot(frame, item, before)
        context = contextvars.copy_context()
        context.run(CURRENT.set, frame)
        slot.task = self._session.loop.create_task(self._run(slot), context=context)
        self._slots.append(slot)

    async def _run(self, slot: Slot) -> list[Any]:
        frame = slot.frame
        frame.enter()
        try:
            made = await self._start(slot.item)
            if isinstance(made, AsyncIterator):
                results = [self._session.adopt(frame, result) async for result in made]
            else:
                results = [] if made is None else [self._session.adopt(frame, made)]
            if frame.open:
                await close(frame)
        except BaseException:
            if frame.open:
                await close(frame, failed=True)
            raise
        finally:
            frame.task = None  # task, context and frame would be a cycle
        return results

    async def _consume(self) -> None:
        """Take the earliest row, in order: its rejects first, then its results."""
        slot = self._slots[0]
        try:
            results: list[Any] = await slot.task
            failure = None
        except Exception as error:  # boundary: a row's exception belongs to the row, see _failed
            results, failure = [], error
        self._slots.popleft()
        emit = self._out.emit
        for reject in slot.before:
            emit(reject)
        if slot.frame.outbox:
            for reject in slot.frame.drain():
                emit(reject)
        if failure is not None:
            self._failed(slot, failure)
        else:
            self._session.bugs.fine(self.label)
            self._ready.extend(results)

    def _failed(self, slot: Slot, error: Exception) -> None:
        """A row came to nothing: pass the error on, give it as a value, or reject the row."""
        if isinstance(error, TilthError):
            raise error
        if not isinstance(error, Failure):
            trace = "".join(traceback.format_exception(error))
            self._session.bugs.saw(self.label, error, trace)
            failure = Failure("exception", f"{type(error).__name__}: {error}")
        else:
            failure, trace = error, ""
            self._session.bugs.fine(self.label)
        if self._on_failure == "raise":
            raise failure
        if self._on_failure == "keep":
            self._ready.append(failure)  # type: ignore[arg-type]
            return
        record = self._session.adopt(slot.frame, _as_record(slot.item))
        self._out.emit(Reject(record, failure.reason, self.label, failure.detail, raw=failure.raw, trace=trace or None))

    async def drain(self) -> None:
        """Run what was drawn to its end; results are dropped, a Stop is not."""
        stop: BaseException | None = None
        for slot in self._slots:
            await asyncio.wait({slot.task})
            error = None if slot.task.cancelled() else slot.task.exception()
            if isinstance(error, Stop):
                stop = stop or error
        self._slots.clear()
        if stop is not None:
            raise stop


class Map(Results[R]):
    """See :meth:`tilth.engine.run.Run.map`."""

    def __init__(
        self,
        session: Session,
        label: str,
        fn: Callable[[Any], Any],
        items: Iterable[Any] | AsyncIterable[Any],
        *,
        key: Callable[[Any], object] | None,
        on_failure: str,
    ) -> None:
        super().__init__(session, label, fn, on_failure)
        self._items = items
        self._iterator: Iterator[Any] | None = None
        self._puller: Puller | None = None
        self._keys = Keys(key, counted=isinstance(items, range))
        self._number = 0
        self._window = NESTED_WINDOW if self._parent.depth else session.window

    def _open(self) -> None:
        super()._open()
        if isinstance(self._items, AsyncIterable):
            self._puller = Puller(self, self._session, self._parent, self._place, self._path, self._items)
        else:
            self._iterator = iter(self._items)

    def offer(self, item: Any, before: list[Reject]) -> None:
        """Start the next item."""
        key, occurrence = self._keys.of(item, self._number)
        self._spawn(self._number, key, occurrence, item, before)
        self._number += 1

    @property
    def full(self) -> bool:
        """Whether the window has no room."""
        return len(self._slots) >= self._window

    def _fill(self) -> None:
        while self._iterator is not None and not self.full:
            item = next(self._iterator, MISSING)
            if item is MISSING:
                self._iterator = None
                return
            self.offer(item, [])

    async def _advance(self) -> bool:
        self._fill()
        if self._puller is not None and not self._slots and not await self._puller.more():
            for reject in self._puller.rest:
                self._out.emit(reject)
            return False
        if not self._slots:
            return False
        try:
            await self._consume()
        except (Pending, Unanswered):
            await self._collect_calls()
            raise
        if self._puller is not None:
            self._puller.room()
        return True

    async def _collect_calls(self) -> None:
        """One row waits for an answer that comes later: let every other row ask what it can, then leave."""
        while True:
            while self._slots:
                slot = self._slots.popleft()
                await asyncio.wait({slot.task})
                if not slot.task.cancelled() and slot.task.exception() is None and self._parent.depth == 0:
                    self._session.partial(slot.task.result())
            self._fill()
            if self._puller is not None:
                self._puller.room()
                if not self._slots and not await self._puller.more():
                    return
            elif not self._slots:
                return

    async def drain(self) -> None:
        """See :meth:`Results.drain`."""
        if self._puller is not None:
            await self._puller.cancel()
        await super().drain()


class Unfold(Results[R]):
    """See :meth:`tilth.engine.run.Run.unfold`."""

    leavable = True

    def __init__(
        self,
        session: Session,
        label: str,
        draw: Callable[[int], Any],
        fn: Callable[[Any], Any],
        *,
        lag: int,
        limit: int | None,
        on_failure: str,
    ) -> None:
        super().__init__(session, label, fn, on_failure)
        if lag < 1:
            raise ValueError("lag must be at least 1: draw(k) reads what results 0..k-lag wrote")
        self._draw = draw
        self._lag = lag
        self._limit = limit
        self._drawn = 0
        self._consumed = 0
        self._dry = False

    async def _advance(self) -> bool:
        while not self._dry and self._drawn < self._consumed + self._lag and (self._limit is None or self._drawn < self._limit):
            item = self._draw(self._drawn)
            if item is None:
                self._dry = True
                break
            self._spawn(self._drawn, self._drawn, 0, item, [])
            self._drawn += 1
        if not self._slots:
            return False
        try:
            await self._consume()
        except (Pending, Unanswered):
            await _settle(self._slots)
            raise
        self._consumed += 1
        return True


class Puller:
    """Pulls the items of a map from another map or an async generator, in a place of its own."""

    def __init__(self, owner: Map[Any], session: Session, parent: Frame, place: bytes, path: str, items: AsyncIterable[Any]) -> None:
        self._owner = owner
        self._items = items
        self.rest: list[Reject] = []
        self._frame = Frame(digest(place, "items"), f"{path}/items", (*parent.order, 0))
        self._changed = asyncio.Event()
        self._frame.depth = parent.depth
        self._done = False
        context = contextvars.copy_context()
        context.run(CURRENT.set, self._frame)
        if isinstance(items, Results):
            items.move(self._frame)
        self._task = session.loop.create_task(self._pull(), context=context)

    async def _pull(self) -> None:
        self._frame.enter()
        try:
            async for item in self._items:
                self._owner.offer(item, self._frame.drain())
                self._changed.set()
                while self._owner.full:
                    self._changed.clear()
                    await self._changed.wait()
            self.rest = self._frame.drain()
        finally:
            self._done = True
            self._changed.set()

    async def more(self) -> bool:
        """Wait until there is a row to consume; False when the source has ended. Raises what the source raised."""
        while not self._owner._slots:
            if self._done:
                await self._task
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    def room(self) -> None:
        """A row was consumed: there is room for another."""
        self._changed.set()

    async def cancel(self) -> None:
        """Pull no more, and let what it has started end."""
        self._task.cancel()
        await asyncio.wait({self._task})
        await close(self._frame, failed=True)


class Keys:
    """Key of an item and how often it came before."""

    def __init__(self, key: Callable[[Any], object] | None, *, counted: bool) -> None:
        self._key = key
        self._counted = counted
        self._seen: Occurrences | None = None

    def of(self, item: Any, number: int) -> tuple[object, int]:
        """key(item), else its id (unique by contract), else the str or int itself, else a hash of its content, else its number."""
        if self._counted:
            return item, 0
        if self._key is None and isinstance(item, Record) and item.id is not None:
            return item.id, 0
        key = self._key(item) if self._key is not None else item
        if not isinstance(key, (str, int, bytes)):
            try:
                key = digest(canonical(key))
            except TypeError:
                return number, 0
        if self._seen is None:
            self._seen = Occurrences(bits=32)
        return key, self._seen.next(key if isinstance(key, (str, bytes)) else str(key))


async def close(frame: Frame, *, failed: bool = False) -> None:
    """End of a place: what is still open runs to its end. A map that was left early, other than by an exception, is a bug."""
    stop: BaseException | None = None
    for results in list(frame.open or ()):
        if not results.leavable and not failed:
            what = f"the map '{results.label}' was left early. Leave an unfold instead, or read the map to its end."
            raise Bug(what, code="bug.left_map")
        try:
            await results.drain()
        except Stop as error:
            stop = stop or error
    frame.open = None
    if stop is not None and not failed:
        raise stop


async def _settle(slots: Iterable[Slot]) -> None:
    tasks = {slot.task for slot in slots}
    if tasks:
        await asyncio.wait(tasks)


def _starter(fn: Callable[[Any], Any], executor: Executor) -> Callable[[Any], Any]:
    """How to start fn(item): on the loop where it is async, in a thread where it is a plain function."""
    inner = fn
    while hasattr(inner, "func"):
        inner = inner.func
    if not inspect.isfunction(inner) and not inspect.ismethod(inner) and callable(inner):
        inner = getattr(inner, "__call__", inner)  # noqa: B004 - the method decides whether it is async
    if inspect.iscoroutinefunction(inner):
        return fn
    if inspect.isasyncgenfunction(inner):

        async def generator(item: Any) -> Any:
            return fn(item)

        return generator

    async def in_thread(item: Any) -> Any:
        frame = CURRENT.get()
        frame.threaded = True
        try:
            made = await executor.call(fn, item)
        finally:
            frame.threaded = False
        return await made if inspect.iscoroutine(made) else made

    return in_thread


def _shown(key: object, occurrence: int) -> str:
    text = key.hex()[:12] if isinstance(key, bytes) else str(key)
    if len(text) > 32 or not all(letter.isalnum() or letter in "-_." for letter in text):
        text = digest(text).hex()[:12]
    return f"{text}~{occurrence}" if occurrence else text


def _as_record(item: Any) -> Record:
    """A new record about an item whose row failed; an input record is its parent."""
    if isinstance(item, Record):
        return item.derive(item.columns)
    if isinstance(item, Mapping):
        return Record(item)
    return Record(meta={"item": item if isinstance(item, (str, int, float, bool, list, tuple)) or item is None else repr(item)})

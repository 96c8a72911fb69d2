"""Places: where in the program a call, a draw or a record was made.

A place is a digest of the labels and item keys that lead to it, never of line numbers, function bodies or names of
runs, so that a re-execution finds every call again. A :class:`Frame` is a place while it is being executed: it counts
what happens there (requests, draws, records) and holds what was rejected until its item is consumed in order.

Definitions (measured and argued in the project's engine notes, part d):

* root = H("tilth/1", stage, run seed)
* the k-th map, unfold or all with label L in place p: H(p, L, k)
* its item with key x: H(m, x, occurrence of x among the items)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tilth.errors import PlaceError
from tilth.records.ids import digest
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.maps import Results


@dataclass(slots=True)
class Reject:
    """A record that will not be kept, and why."""

    record: Record
    reason: str
    step: str
    detail: str = ""
    score: float | None = None
    neighbour: str | None = None
    raw: str | None = None
    trace: str | None = None


class Frame:
    """One place during its execution. Belongs to exactly one task (or thread, for a plain function).

    No reference leads from a frame back to itself: at a million rows cycles would cost memory that only rare sweeps free.
    """

    __slots__ = ("_asked", "_labels", "_out", "_records", "_rngs", "depth", "open", "order", "outbox", "path", "place", "task", "threaded")

    def __init__(self, place: bytes, path: str, order: tuple[int, ...], emit: Callable[[Reject], None] | None = None) -> None:
        self.place = place
        self.path = path
        self.order = order
        self.depth = len(order)
        self.task: asyncio.Task[Any] | None = None
        self.threaded = False
        self.outbox: list[Reject] | None = None
        self.open: list[Results[Any]] | None = None
        self._out = emit
        self._asked: dict[bytes, int] | None = None
        self._labels: dict[str, int] | None = None
        self._rngs: dict[tuple[object, ...], Random] | None = None
        self._records = 0

    def emit(self, reject: Reject) -> None:
        """Take a rejected record: held until this place's item is consumed, or written at once at the root."""
        if self._out is not None:
            self._out(reject)
        elif self.outbox is None:
            self.outbox = [reject]
        else:
            self.outbox.append(reject)

    def drain(self) -> list[Reject]:
        """What was rejected here since the last drain, in program order."""
        held, self.outbox = self.outbox or [], None
        return held

    def child(self, label: str) -> tuple[bytes, str]:
        """Place and path of the next map, unfold or all that opens here under this label."""
        if self._labels is None:
            self._labels = {}
        k = self._labels.get(label, 0)
        self._labels[label] = k + 1
        name = f"{label}#{k}" if k else label
        return digest(self.place, label, k), f"{self.path}/{name}" if self.path else name

    def occurrence(self, request: bytes) -> int:
        """How many equal requests this place made before."""
        if self._asked is None:
            self._asked = {}
        j = self._asked.get(request, 0)
        self._asked[request] = j + 1
        return j

    def rng(self, name: tuple[object, ...]) -> Random:
        """The stream of this name; asking again continues it."""
        if self._rngs is None:
            self._rngs = {}
        stream = self._rngs.get(name)
        if stream is None:
            parts = [part if isinstance(part, (bytes, str, int)) else str(part) for part in name]
            stream = self._rngs[name] = Random(int.from_bytes(digest(self.place, "rng", *parts), "big"))
        return stream

    def next_record(self) -> int:
        """Number of the next record made at this place."""
        self._records += 1
        return self._records - 1

    def enter(self) -> None:
        """Note the task that this place belongs to."""
        self.task = asyncio.current_task()


CURRENT: ContextVar[Frame] = ContextVar("tilth_frame")


def current() -> Frame:
    """The frame of the running task, or PlaceError where a ban was broken."""
    frame = CURRENT.get(None)
    if frame is None:
        raise PlaceError("run.* was used outside of a run: only a method's own tasks may call it.")
    if frame.threaded:
        return frame
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    if task is not frame.task:
        raise PlaceError(
            f"run.* was used at {frame.path or 'the root'} from another task. "
            "Use run.map, run.all or run.unfold instead of asyncio.gather or create_task: they keep the order reproducible."
        )
    return frame

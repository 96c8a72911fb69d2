"""The reading side of a journal: look-ups with read-ahead, and the packing of texts into rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from backports import zstd

AHEAD = 256
"""Rows read after each hit: replies were written nearly in program order, so the next look-ups find them in memory."""

KEPT = 4096
"""Replies held in memory at most, in two generations."""

LEARN_FROM, DICTIONARY_BYTES = 500, 16_384
"""A zstd dictionary is trained once, on the first so many calls: short texts share much with their neighbours only."""

LEVEL = 3


@dataclass(slots=True)
class Entry:
    """One answered call on its way to the file. ``max_tokens`` 0 means no bound; ``paid`` is false for what another journal held."""

    key: bytes
    max_tokens: int
    kind: str
    place: str
    role: str
    model: str
    request: bytes
    reply: bytes
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None
    seconds: float = 0.0
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Stored:
    """A reply found in the journal. ``reused``: it lies in an earlier run's journal, not in ours."""

    max_tokens: int
    place: str
    reply: bytes
    reused: bool = False


class Packer:
    """Compresses requests and replies, with a dictionary once enough calls were seen to train one."""

    def __init__(self) -> None:
        self._samples: list[tuple[bytes, bytes]] = []
        self._use(0, None, None)

    def _use(self, number: int, request: zstd.ZstdDict | None, reply: zstd.ZstdDict | None) -> None:
        self._number = number
        self._request = zstd.ZstdCompressor(level=LEVEL, zstd_dict=request)
        self._reply = zstd.ZstdCompressor(level=LEVEL, zstd_dict=reply)

    def load(self, number: int, request: bytes, reply: bytes) -> None:
        """Go on with a dictionary that an earlier start of the run has trained."""
        self._use(number, zstd.ZstdDict(request), zstd.ZstdDict(reply))

    def learn(self, connection: sqlite3.Connection, calls: Iterable[Entry]) -> None:
        """Collect samples; train and store the dictionary when there are enough (inside the caller's transaction)."""
        if self._number:
            return
        self._samples.extend((call.request, call.reply) for call in calls if call.kind == "ask")
        if len(self._samples) < LEARN_FROM:
            return
        samples, self._samples = self._samples, []
        try:
            request = zstd.train_dict([request for request, _ in samples], DICTIONARY_BYTES)
            reply = zstd.train_dict([reply for _, reply in samples], DICTIONARY_BYTES)
        except zstd.ZstdError:  # samples too small or too alike to learn from: plain zstd serves as well
            self._number = -1
            return
        connection.execute("INSERT INTO dictionaries VALUES (1, ?, ?)", (request.dict_content, reply.dict_content))
        self._use(1, request, reply)

    def row(self, entry: Entry) -> tuple[Any, ...]:
        """The columns of a call, packed."""
        flush: Any = zstd.ZstdCompressor.FLUSH_FRAME
        return (
            entry.key,
            entry.max_tokens,
            entry.kind,
            entry.place,
            entry.role,
            entry.model,
            max(self._number, 0),
            self._request.compress(entry.request, mode=flush),
            self._reply.compress(entry.reply, mode=flush),
            entry.tokens_in,
            entry.tokens_out,
            entry.usd,
            entry.seconds,
            entry.paid,
        )


class Shelf:
    """Reads one journal file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=30)
        self._new: dict[bytes, tuple[Any, ...]] = {}
        self._old: dict[bytes, tuple[Any, ...]] = {}
        self._dictionaries: dict[int, tuple[zstd.ZstdDict, zstd.ZstdDict]] = {}
        self.packer = Packer()
        for number, request, reply in self._connection.execute("SELECT id, request, reply FROM dictionaries"):
            self._dictionaries[number] = (zstd.ZstdDict(request), zstd.ZstdDict(reply))
            self.packer.load(number, request, reply)

    def find(self, key: bytes, max_tokens: int) -> Stored | None:
        """See :meth:`tilth.engine.journal.Journal.get`."""
        row = self._new.get(key) or self._old.get(key)
        if row is not None and row[2] == max_tokens:
            return self._stored(row)
        rows = self._connection.execute(
            "SELECT id, key, max_tokens, place, dictionary, reply FROM calls WHERE key = ? ORDER BY max_tokens", (key,)
        ).fetchall()
        for row in rows:
            if row[2] == max_tokens:
                self._read_ahead(row[0])
                return self._stored(row)
        for row in rows:
            if row[2] and (max_tokens == 0 or row[2] < max_tokens):
                stored = self._stored(row)
                if orjson.loads(stored.reply).get("finish", "stop") == "stop":
                    return stored
        return None

    def _read_ahead(self, after: int) -> None:
        if len(self._new) > KEPT // 2:
            self._old, self._new = self._new, {}
        rows = self._connection.execute(
            "SELECT id, key, max_tokens, place, dictionary, reply FROM calls WHERE id > ? ORDER BY id LIMIT ?", (after, AHEAD)
        ).fetchall()
        for row in rows:
            self._new[row[1]] = row

    def _stored(self, row: tuple[Any, ...]) -> Stored:
        return Stored(row[2], row[3], self._unpack(row[4], row[5], 1))

    def _unpack(self, dictionary: int, packed: bytes, which: int) -> bytes:
        if dictionary == 0:
            return zstd.decompress(packed)
        if dictionary not in self._dictionaries:
            for number, request, reply in self._connection.execute("SELECT id, request, reply FROM dictionaries"):
                self._dictionaries[number] = (zstd.ZstdDict(request), zstd.ZstdDict(reply))
        return zstd.decompress(packed, zstd_dict=self._dictionaries[dictionary][which])

    def totals(self) -> tuple[int, int, float]:
        """Paid calls, their tokens and dollars."""
        row = self._connection.execute("SELECT count(*), sum(tokens_in + tokens_out), sum(usd) FROM calls WHERE paid").fetchone()
        return int(row[0]), int(row[1] or 0), float(row[2] or 0.0)

    def count(self) -> int:
        """Number of stored calls."""
        return int(self._connection.execute("SELECT count(*) FROM calls").fetchone()[0])

    def calls_at(self, place: str) -> list[dict[str, Any]]:
        """Calls at a place or below it, and those it shared with another place."""
        below = place.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "/%"
        rows = self._connection.execute(
            "SELECT key, kind, place, role, model, dictionary, request, reply, tokens_in, tokens_out, usd, seconds, max_tokens FROM calls "
            "WHERE place = ?1 OR place LIKE ?2 ESCAPE '\\' OR key IN (SELECT key FROM uses WHERE place = ?1 OR place LIKE ?2 ESCAPE '\\') "
            "ORDER BY id",
            (place, below),
        )
        return [
            {
                "key": key.hex(),
                "kind": kind,
                "place": where,
                "role": role,
                "model": model,
                "request": orjson.loads(self._unpack(dictionary, request, 0)),
                "reply": orjson.loads(self._unpack(dictionary, reply, 1)),
                "tokens_in": tokens_in,
                "tokens_out": tokens_out,
                "usd": usd,
                "seconds": seconds,
                "max_tokens": max_tokens or None,
            }
            for key, kind, where, role, model, dictionary, request, reply, tokens_in, tokens_out, usd, seconds, max_tokens in rows
        ]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

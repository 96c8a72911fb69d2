"""The journal: every request and its reply, in one SQLite file, committed before anybody sees the reply.

One writer thread commits in groups (WAL, synchronous=FULL), so durability costs a few commits a second, not one per call.
Look-ups read through a second connection and read ahead: replies lie in the file nearly in program order.
First write wins. Nothing is ever changed or deleted.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tilth.engine.shelf import Entry, Shelf, Stored
from tilth.errors import EndpointDown, RequestError

VERSION = 1
"""Version of the file's layout; a newer one is refused."""

GROUP_DELAY = 0.003
"""Seconds to wait for more replies before a commit. 2 to 3 ms costs nothing at 50 ms latency and makes groups of 30 to 100."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS about(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls(
  id INTEGER PRIMARY KEY, key BLOB NOT NULL, max_tokens INTEGER NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL,
  role TEXT NOT NULL, model TEXT NOT NULL, dictionary INTEGER NOT NULL, request BLOB NOT NULL, reply BLOB NOT NULL,
  tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, usd REAL, seconds REAL NOT NULL, paid INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS calls_key ON calls(key, max_tokens);
CREATE TABLE IF NOT EXISTS dictionaries(id INTEGER PRIMARY KEY, request BLOB NOT NULL, reply BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS uses(place TEXT NOT NULL, key BLOB NOT NULL, PRIMARY KEY(place, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches(id TEXT PRIMARY KEY, endpoint TEXT NOT NULL, state TEXT NOT NULL, calls BLOB) WITHOUT ROWID;
"""

INSERT = "INSERT OR IGNORE INTO calls VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


class Journal:
    """The open journal of one run; belongs to one process (the run folder's lock sees to that).

    Parameters
    ----------
    path: the SQLite file; created when absent.
    reuse: journals of earlier runs, read only; their replies are used as if they were ours.
    """

    def __init__(self, path: Path, *, reuse: Sequence[Path] = ()) -> None:
        self.path = path
        self._create()
        self._connection = _connect(path)
        self._shelf = Shelf(path)
        self.fresh = not reuse and self._shelf.count() == 0
        """Nothing was stored before this start. A sampled call's key holds its place, which comes once in a start, so such a
        key need not be looked up then; equal greedy calls share a key and are always looked up."""
        self._reuse = [Shelf(other) for other in reuse if other.exists() and other != path]
        self._pending: deque[tuple[Entry | tuple[str, bytes], asyncio.Future[None] | None]] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._broken: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._write, name="tilth-journal", daemon=True)
        self._thread.start()

    def _create(self) -> None:
        """Make the tables, checkpoint them and sync the folder before the first call: power loss must not leave a file without tables."""
        fresh = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = _connect(self.path)
        except sqlite3.DatabaseError as error:
            what = f"{self.path} cannot be opened as a journal ({error}). Move it away, or name another run with --name."
            raise RequestError(what, code="run.bad_journal") from None
        with connection:
            connection.executescript(SCHEMA)
            connection.execute("INSERT OR IGNORE INTO about VALUES ('version', ?)", (str(VERSION),))
            (version,) = connection.execute("SELECT value FROM about WHERE name = 'version'").fetchone()
            if int(version) > VERSION:
                raise RequestError(
                    f"{self.path} was written by a newer tilth (journal {version}; this one reads {VERSION}). "
                    "Upgrade with: pip install -U tilth",
                    code="run.newer",
                )
            if fresh:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        if fresh and hasattr(os, "O_DIRECTORY"):
            folder = os.open(self.path.parent, os.O_DIRECTORY)
            os.fsync(folder)
            os.close(folder)

    # reading

    def get(self, key: bytes, max_tokens: int) -> Stored | None:
        """The stored reply that answers this request, or None.

        It answers if max_tokens is equal, or if it ended by itself and max_tokens is larger now.
        """
        found = self._shelf.find(key, max_tokens)
        if found is not None or not self._reuse:
            return found
        for shelf in self._reuse:
            found = shelf.find(key, max_tokens)
            if found is not None:
                return Stored(found.max_tokens, found.place, found.reply, reused=True)
        return None

    def totals(self) -> tuple[int, int, float]:
        """Calls, tokens and dollars that this journal's own run has paid so far."""
        return self._shelf.totals()

    def calls_at(self, place: str) -> list[dict[str, Any]]:
        """Every call made at this place or below it, in the order in which they were answered; for `tilth trace`."""
        return self._shelf.calls_at(place)

    def count(self) -> int:
        """Number of stored calls."""
        return self._shelf.count()

    # writing

    async def put(self, entry: Entry) -> None:
        """Store one reply; returns after it is committed."""
        if self._broken is not None:
            raise self._broken
        loop = asyncio.get_running_loop()
        self._loop = loop
        done: asyncio.Future[None] = loop.create_future()
        self._pending.append((entry, done))
        if not self._wake.is_set():
            self._wake.set()
        await done

    def note_use(self, place: str, key: bytes) -> None:
        """Remember that a shared reply (temperature 0) was used at another place too; written with the next group."""
        self._pending.append(((place, key), None))

    def close(self) -> None:
        """Write what is pending and close the file. Safe right after a put, and twice."""
        self._closing = True
        self._wake.set()
        self._thread.join()
        self._shelf.close()  # before the writer's connection: the last one to go folds the WAL into the file
        for shelf in self._reuse:
            shelf.close()
        self._connection.close()

    def _write(self) -> None:
        packer = self._shelf.packer
        while True:
            self._wake.wait()
            if not self._closing:
                time.sleep(GROUP_DELAY)
            self._wake.clear()
            group = self._take()
            if group:
                self._commit(self._connection, packer, group)
            # Leave only when closing *and* empty: a put may have come between the take and the flag.
            if self._closing and not self._pending:
                return

    def _take(self) -> list[tuple[Entry | tuple[str, bytes], asyncio.Future[None] | None]]:
        """Move what is pending out by popleft: an append at the same moment lands in the next group, never between two lists."""
        group = []
        for _ in range(len(self._pending)):
            group.append(self._pending.popleft())
        return group

    def _commit(self, connection: sqlite3.Connection, packer: Any, group: list[Any]) -> None:
        """Write a group in one transaction, then wake exactly those whose rows were written."""
        error: BaseException | None = None
        try:
            calls = [item for item, _ in group if isinstance(item, Entry)]
            connection.execute("BEGIN IMMEDIATE")
            packer.learn(connection, calls)
            connection.executemany(INSERT, map(packer.row, calls))
            connection.executemany("INSERT OR IGNORE INTO uses VALUES (?, ?)", [item for item, _ in group if not isinstance(item, Entry)])
            connection.execute("COMMIT")
        except sqlite3.Error as failed:
            error = self._broken = self._explain(failed)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        waiting = [done for _, done in group if done is not None]
        if waiting and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, waiting, error)

    def _explain(self, failed: sqlite3.Error) -> EndpointDown:
        folder = self.path.parent
        if "full" in str(failed):
            what = f"no space left on the disk of {folder}. All paid replies are in the journal: free space and run the same command again."
            return EndpointDown(what, code="disk.full")
        what = f"the journal {self.path} cannot be written ({failed}). Mend that and run the same command again."
        return EndpointDown(what, code="disk.error")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _settle(waiting: list[asyncio.Future[None]], error: BaseException | None) -> None:
    for done in waiting:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

"""The journal: committed before acknowledged, first write wins, nothing lost at close or when the file is cut."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from tilth.engine.journal import Journal
from tilth.engine.shelf import LEARN_FROM, Entry
from tilth.errors import RequestError, Stop


def entry(i: int, *, max_tokens: int = 0, finish: str = "stop", text: str = "") -> Entry:
    reply = b'{"text":"%s","finish":"%s","usage":[1,2]}' % ((text or f"reply {i}").encode(), finish.encode())
    request = b'{"messages":[{"role":"user","content":"%d"}]}' % i
    return Entry(b"%016d" % i, max_tokens, "ask", f"map:{i}", "generator", "m", request, reply, 1, 2, 0.5)


async def put_many(journal: Journal, numbers: range) -> None:
    await asyncio.gather(*(journal.put(entry(i)) for i in numbers))


def test_a_put_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "journal.db")
        await journal.put(entry(1))
        with sqlite3.connect(tmp_path / "journal.db") as other:
            assert other.execute("SELECT count(*) FROM calls").fetchone() == (1,)
        other.close()
        journal.close()

    asyncio.run(main())


def test_the_file_is_fully_synchronous_and_has_tables_before_the_first_call(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    copy = tmp_path / "copy.db"
    shutil.copy(tmp_path / "journal.db", copy)  # without its -wal, as after a power loss
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (0,)
    connection.close()
    journal.close()


def test_close_right_after_a_put_loses_nothing_and_does_not_hang(tmp_path: Path) -> None:
    async def main(number: int) -> None:
        journal = Journal(tmp_path / f"{number}.db")
        waiting = [asyncio.ensure_future(journal.put(entry(i))) for i in range(number)]
        await asyncio.sleep(0)
        await asyncio.to_thread(journal.close)
        await asyncio.gather(*waiting)
        assert not (tmp_path / f"{number}.db-wal").exists(), "a closed journal is one file"
        again = Journal(tmp_path / f"{number}.db")
        assert again.count() == number
        again.close()
        again.close()

    for number in (1, 2, 50):
        asyncio.run(asyncio.wait_for(main(number), 20))


def test_every_acknowledged_call_is_found_again_among_many(tmp_path: Path) -> None:
    """A reply that was acknowledged but not written hides in any kill test; only asking for all of them finds it."""

    async def main() -> None:
        journal = Journal(tmp_path / "journal.db")
        for start in range(0, 20_000, 500):
            await put_many(journal, range(start, start + 500))
        missing = [i for i in range(20_000) if journal.get(b"%016d" % i, 0) is None]
        journal.close()
        assert missing == []

    asyncio.run(main())


def test_replies_survive_the_dictionary_and_a_new_start(tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "journal.db")
        for start in range(0, 3 * LEARN_FROM, 100):
            await put_many(journal, range(start, start + 100))
        journal.close()
        again = Journal(tmp_path / "journal.db")
        await again.put(entry(10**6))
        for i in (0, LEARN_FROM, 3 * LEARN_FROM - 1, 10**6):
            found = again.get(b"%016d" % i, 0)
            assert found is not None and f"reply {i}".encode() in found.reply
        connection = sqlite3.connect(tmp_path / "journal.db")
        used = connection.execute("SELECT dictionary, count(*) FROM calls GROUP BY dictionary").fetchall()
        connection.close()
        assert dict(used)[1] > LEARN_FROM
        assert [call["reply"]["text"] for call in again.calls_at("map:7")] == ["reply 7"]
        again.close()

    asyncio.run(main())


def test_first_write_wins(tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "journal.db")
        await journal.put(entry(1, text="first"))
        await journal.put(entry(1, text="second"))
        found = journal.get(b"%016d" % 1, 0)
        assert found is not None and b"first" in found.reply
        journal.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("stored", "finish", "asked", "hit"),
    [
        (10, "stop", 10, True),
        (10, "stop", 20, True),
        (10, "stop", 0, True),
        (10, "length", 20, False),
        (10, "stop", 5, False),
        (0, "stop", 5, False),
    ],
)
def test_which_bound_a_stored_reply_serves(tmp_path: Path, stored: int, finish: str, asked: int, hit: bool) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "journal.db")
        await journal.put(entry(1, max_tokens=stored, finish=finish))
        assert (journal.get(b"%016d" % 1, asked) is not None) is hit
        journal.close()

    asyncio.run(main())


def test_a_cut_wal_loses_only_a_suffix_and_never_consistency(tmp_path: Path) -> None:
    """Power loss on a disk that lied: whatever part of the WAL survives, the file opens and holds a prefix."""

    async def main() -> None:
        journal = Journal(tmp_path / "journal.db")
        for i in range(40):
            await journal.put(entry(i))
        for name in ("journal.db", "journal.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / f"cut-{name}")
        journal.close()

    asyncio.run(main())
    wal = (tmp_path / "cut-journal.db-wal").read_bytes()
    counts = []
    for share in (0.0, 0.3, 0.6, 0.9, 1.0):
        folder = tmp_path / f"share-{share}"
        folder.mkdir()
        shutil.copy(tmp_path / "cut-journal.db", folder / "journal.db")
        (folder / "journal.db-wal").write_bytes(wal[: int(len(wal) * share)])
        with sqlite3.connect(folder / "journal.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            keys = [int(key) for (key,) in connection.execute("SELECT key FROM calls ORDER BY id")]
        connection.close()
        assert keys == list(range(len(keys)))
        counts.append(len(keys))
    assert counts == sorted(counts) and counts[-1] == 40


def test_a_newer_journal_is_refused_in_one_line(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.db").close()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("UPDATE about SET value = '99' WHERE name = 'version'")
    connection.close()
    with pytest.raises(RequestError, match="written by a newer tilth"):
        Journal(tmp_path / "journal.db")


def test_a_file_that_is_no_journal_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"this is not a database at all, but it is long enough to be read as one" * 20)
    with pytest.raises(RequestError, match="cannot be opened as a journal"):
        Journal(tmp_path / "journal.db")


def test_a_full_disk_stops_the_run_with_one_line(tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "journal.db")
        error = journal._explain(sqlite3.OperationalError("database or disk is full"))
        assert isinstance(error, Stop) and error.exit == 3
        assert str(error.what).startswith("no space left on the disk of") and "free space and run the same command again" in error.what
        journal.close()

    asyncio.run(main())


def test_totals_count_what_was_paid(tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "journal.db")
        await put_many(journal, range(4))
        free = entry(9)
        free.paid = False
        await journal.put(free)
        assert journal.totals() == (4, 12, 2.0)
        journal.close()

    asyncio.run(main())

"""Runs and compares two SQL queries on databases in memory; only in a worker process."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

import sqlglot
from sqlglot import exp

from .ordering import cuts, groups, keyed

Row = tuple[Any, ...]
_QUERIES = (exp.Select, exp.SetOperation)
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_DENIED_FUNCTIONS = frozenset({"load_extension", "random", "randomblob", "readfile", "writefile", "edit", "fts3_tokenizer"})
_PAGES = 50_000
"""Most pages of 4 KiB of a database: 200 MB."""
_STEPS, _EACH = 20_000_000, 100_000
"""Steps of SQLite's machine that one query may take (about a second), counted in this unit: the same on every machine."""


class Found(Exception):
    """The verdict is clear before the end: (state, reason, detail)."""

    def __init__(self, state: str, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.state, self.reason, self.detail = state, reason, detail


def in_worker(payload: dict[str, Any]) -> dict[str, Any]:
    """``{"state", "reason", "evidence"}`` of one row; see :class:`tilth.verify.sql.Sql`."""
    try:
        gold = _statement(payload["gold"], payload["dialect"], "gold")
        query = _statement(payload["query"], payload["dialect"], "query")
        ordered = {"always": True, "never": False, "auto": gold.args.get("order") is not None}[payload["order"]]
        counts = [_on_one(text, query, gold, ordered, payload) for text in payload["databases"]]
    except Found as found:
        return {"state": found.state, "reason": found.reason, "evidence": {"error": found.detail} if found.detail else {}}
    return {"state": "passed", "reason": "", "evidence": {"rows": counts, "ordered": ordered, "empty": not any(counts)}}


def _statement(text: str, dialect: str, who: str) -> exp.Query:
    """The one query in a text."""

    def wrong(reason: str, detail: str = "") -> Found:
        return Found("failed", reason, detail) if who == "query" else Found("unscored", f"gold_{reason}", detail)

    try:
        found = [one for one in sqlglot.parse(text, dialect=dialect) if one is not None]
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise wrong("not_sql", str(error)[:200]) from None
    if len(found) != 1:
        raise wrong("several_statements" if found else "not_sql")
    statement = found[0]
    inner = statement.unnest() if isinstance(statement, exp.Subquery) else statement
    if not isinstance(inner, _QUERIES):
        raise wrong("not_a_query", type(statement).__name__)
    inner.meta["text"] = text
    return inner


def _on_one(database: str, query: exp.Query, gold: exp.Query, ordered: bool, settings: dict[str, Any]) -> int:
    """Compare on one database; the number of gold rows.

    Raises
    ------
    Found: they differ, or cannot be compared.
    """
    connection = _build(database, settings["dialect"])
    try:
        expected = _rows(connection, gold, settings, "gold")
        _unambiguous(connection, gold, expected, settings)
        ties = _ties(connection, gold, len(expected), settings) if ordered else None
        answer = _rows(connection, query, settings, "query")
    finally:
        connection.close()
    _compare(answer, expected, ordered, ties, settings["tolerance"])
    return len(expected)


def _unambiguous(connection: sqlite3.Connection, gold: exp.Query, expected: list[Row], settings: dict[str, Any]) -> None:
    """Raises Found where the gold query's rows depend on the order in which tables are read."""
    other_way = _rows(connection, gold, settings, "gold", backwards=True)
    if not _same_bag(expected, other_way, settings["tolerance"]):
        raise Found("unscored", "gold_ambiguous", "the rows depend on the order in which tables are read")


def _ties(connection: sqlite3.Connection, gold: exp.Query, rows: int, settings: dict[str, Any]) -> list[tuple[int, int]] | None:
    """Runs of rows that the gold query's order leaves open; None where that is not known.

    Raises
    ------
    Found: its LIMIT cuts through such a run.
    """
    shown = keyed(gold)
    if shown is None:
        return None
    query, columns = shown
    query.meta["text"] = query.sql(dialect="sqlite")
    try:
        every = _rows(connection, query, settings | {"max_rows": settings["max_rows"] * 10}, "gold")
    except Found:
        return None
    keys = [tuple(row[at] for at in columns) for row in every]
    begin = int(gold.args["offset"].expression.name) if gold.args.get("offset") else 0
    if cuts(keys, begin, begin + rows):
        raise Found("unscored", "gold_ambiguous", "LIMIT cuts through rows that are ordered alike")
    return groups(keys[begin : begin + rows])


def _build(database: str, dialect: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"PRAGMA max_page_count={_PAGES}")
    connection.set_authorizer(_while_building)
    try:
        connection.executescript(database if dialect == "sqlite" else _translated(database, dialect))
    except (sqlite3.Error, sqlglot.errors.SqlglotError) as error:
        connection.close()
        raise Found("unscored", "bad_database", str(error)[:200]) from None
    connection.set_authorizer(None)
    connection.execute("PRAGMA query_only=ON")
    return connection


def _translated(database: str, dialect: str) -> str:
    statements = sqlglot.transpile(database, read=dialect, write="sqlite", unsupported_level=sqlglot.ErrorLevel.RAISE)
    return ";\n".join(statements) + ";"


def _while_building(action: int, *names: str | None) -> int:
    """Files stay out of reach: nothing is attached, no extension is loaded."""
    if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_CREATE_VTABLE):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_FUNCTION and (names[1] or "").lower() in _DENIED_FUNCTIONS else sqlite3.SQLITE_OK


def _while_asking(action: int, *names: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (names[1] or "").lower() in _DENIED_FUNCTIONS else sqlite3.SQLITE_OK
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _rows(connection: sqlite3.Connection, query: exp.Query, settings: dict[str, Any], who: str, backwards: bool = False) -> list[Row]:
    """The rows; `backwards` lets SQLite go through its tables the other way, which shows what the query leaves to chance."""
    state, prefix = ("unscored", "gold_") if who == "gold" else ("failed", "")
    connection.set_authorizer(None)
    connection.execute(f"PRAGMA reverse_unordered_selects={'ON' if backwards else 'OFF'}")
    connection.set_authorizer(_while_asking)
    left = count(_STEPS // _EACH, -1)
    connection.set_progress_handler(lambda: next(left) <= 0, _EACH)
    try:
        text = query.meta["text"]
        if settings["dialect"] != "sqlite":
            text = query.sql(dialect="sqlite", unsupported_level=sqlglot.ErrorLevel.RAISE)
        rows = connection.execute(text).fetchmany(settings["max_rows"] + 1)
    except sqlglot.errors.SqlglotError as error:
        raise Found("unscored", f"{prefix}unsupported", str(error)[:200]) from None
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        reason = "too_slow" if str(error) == "interrupted" else "sql_error"
        raise Found(state, f"{prefix}{reason}", str(error)[:200]) from None
    finally:
        connection.set_progress_handler(None, 0)
    if len(rows) > settings["max_rows"]:
        raise Found(state, f"{prefix}too_many_rows")
    return rows


def _compare(answer: list[Row], expected: list[Row], ordered: bool, ties: list[tuple[int, int]] | None, tolerance: float) -> None:
    """Raises Found where the rows differ."""
    if expected and answer and len(expected[0]) != len(answer[0]):
        raise Found("failed", "columns", f"{len(answer[0])} columns for {len(expected[0])}")
    if not _same_bag(answer, expected, tolerance):
        raise Found("failed", "rows", f"{len(answer)} rows for {len(expected)}")
    if not ordered or _same_list(answer, expected, tolerance):
        return
    if ties is None or not all(_same_bag(answer[begin:end], expected[begin:end], tolerance) for begin, end in ties):
        raise Found("failed", "order")


def _same_list(a: Sequence[Row], b: Sequence[Row], tolerance: float) -> bool:
    return len(a) == len(b) and all(_same_row(x, y, tolerance) for x, y in zip(a, b, strict=True))


def _same_bag(a: Sequence[Row], b: Sequence[Row], tolerance: float) -> bool:
    """The same rows, each as often: exactly, or sorted and then one by one within the tolerance."""
    if len(a) != len(b):
        return False
    if Counter(map(_key, a)) == Counter(map(_key, b)):
        return True
    return _same_list(sorted(a, key=_sorting), sorted(b, key=_sorting), tolerance)


def _same_row(a: Row, b: Row, tolerance: float) -> bool:
    return len(a) == len(b) and all(_same_value(x, y, tolerance) for x, y in zip(a, b, strict=True))


def _same_value(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        both = isinstance(a, (int, float)) and isinstance(b, (int, float))
        return both and (a == b or math.isclose(a, b, rel_tol=tolerance))
    return bool(a == b) and (a is None) == (b is None)


def _key(row: Row) -> tuple[Any, ...]:
    return tuple((type(value).__name__, value) if isinstance(value, (str, bytes)) else value for value in row)


def _sorting(row: Row) -> tuple[Any, ...]:
    """NULL, numbers, texts, bytes; numbers rounded, so that a last bit does not decide the order."""
    ranked: list[tuple[int, Any]] = []
    for value in row:
        if value is None:
            ranked.append((0, 0))
        elif isinstance(value, (int, float)):
            ranked.append((1, float(f"{value:.6g}")))
        else:
            ranked.append((2, value) if isinstance(value, str) else (3, value))
    return tuple(ranked)

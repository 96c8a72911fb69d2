"""SQL: execution on small databases, order, what depends on chance, and what a query must not do."""

import json

import pytest

pytest.importorskip("sqlglot", reason="needs the 'sql' extra")

from tilth.errors import RequestError
from tilth.verify.catalog import verifier_of
from tilth.verify.tables import in_worker

DATABASE = """
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, age INTEGER, height REAL);
INSERT INTO person VALUES (1, 'Ada', 36, 1.65), (2, 'Ben', 36, 1.80), (3, 'Cyd', 20, 1.70), (4, 'Dan', NULL, NULL);
"""
SETTINGS = {"dialect": "sqlite", "order": "auto", "tolerance": 1e-6, "max_rows": 100}


def judged(query, gold, database=DATABASE, **settings):
    """What the worker's function says, called here: (state, reason)."""
    databases = [database] if isinstance(database, str) else database
    found = in_worker({"query": query, "gold": gold, "databases": databases, **SETTINGS, **settings})
    json.dumps(found)
    return found["state"], found["reason"]


@pytest.mark.parametrize(
    ("query", "gold", "reason"),
    [
        ("SELECT name FROM person", "SELECT name FROM person", ""),
        ("SELECT name FROM person ORDER BY id DESC", "SELECT name FROM person", ""),
        ("SELECT p.name FROM person AS p WHERE p.age > 30;", "SELECT name FROM person WHERE age >= 31", ""),
        ("SELECT avg(age) FROM person", "SELECT sum(age) * 1.0 / 3 FROM person", ""),
        ("SELECT count(*) * 1.0 FROM person", "SELECT count(*) FROM person", ""),
        ("WITH old AS (SELECT * FROM person WHERE age = 36) SELECT name FROM old", "SELECT name FROM person WHERE age = 36", ""),
        ("SELECT name FROM person WHERE age = 36 UNION ALL SELECT 'Cyd'", "SELECT name FROM person WHERE age IS NOT NULL", ""),
        ("SELECT NULL", "SELECT NULL", ""),
        ("SELECT 0", "SELECT NULL", "rows"),
        ("SELECT ''", "SELECT NULL", "rows"),
        ("SELECT '36'", "SELECT 36", "rows"),
        ("SELECT DISTINCT age FROM person", "SELECT age FROM person", "rows"),
        ("SELECT name FROM person WHERE age > 36", "SELECT name FROM person WHERE age = 36", "rows"),
        ("SELECT name, age FROM person", "SELECT name FROM person", "columns"),
        ("SELECT age, name FROM person", "SELECT name, age FROM person", "rows"),
        ("SELECT name FROM person", "SELECT name FROM person ORDER BY id DESC", "order"),
        ("SELECT name FROM person ORDER BY id", "SELECT name FROM person ORDER BY id DESC", "order"),
        ("SELECT name FROM persons", "SELECT name FROM person", "sql_error"),
        ("SELECT 1; SELECT 1", "SELECT 1", "several_statements"),
        ("SELECT (", "SELECT 1", "not_sql"),
        ("I would select all names.", "SELECT 1", "not_sql"),
        ("", "SELECT 1", "not_sql"),
        ("-- nothing", "SELECT 1", "not_sql"),
        ("DELETE FROM person", "SELECT 1", "not_a_query"),
        ("DROP TABLE person", "SELECT 1", "not_a_query"),
        ("PRAGMA table_info(person)", "SELECT 1", "not_a_query"),
        ("ATTACH 'file.db' AS other", "SELECT 1", "not_a_query"),
        ("SELECT load_extension('x.so')", "SELECT 1", "sql_error"),
        ("SELECT random()", "SELECT 1", "sql_error"),
        ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c", "SELECT 1", "too_many_rows"),
        ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c", "SELECT 1", "too_slow"),
    ],
)
def test_queries(query, gold, reason):
    state, why = judged(query, gold)
    assert why in {reason, "not_a_query"} if reason == "not_sql" else why == reason
    assert state == ("failed" if reason else "passed")


@pytest.mark.parametrize("order", ["always", "never"])
def test_order_as_declared(order):
    expected = "failed" if order == "always" else "passed"
    assert judged("SELECT id FROM person ORDER BY id DESC", "SELECT id FROM person ORDER BY id", order=order)[0] == expected
    assert judged("SELECT id FROM person ORDER BY id DESC", "SELECT id FROM person", order=order)[0] == expected


def test_rows_that_the_gold_order_leaves_open_are_not_held_against_a_query():
    query = "SELECT name FROM person WHERE age > 1 ORDER BY age, name DESC"  # Ada and Ben are both 36
    for gold in (
        "SELECT name FROM person WHERE age > 1 ORDER BY age",
        "SELECT name FROM person WHERE age > 1 ORDER BY age + 0",
        "SELECT name FROM person WHERE age > 1 ORDER BY age LIMIT 3",
    ):
        assert judged(query, gold)[0] == "passed"
        assert judged("SELECT name FROM person WHERE age > 1 ORDER BY age DESC", gold) == ("failed", "order")
    named = "SELECT name, age AS years FROM person WHERE age > 1 ORDER BY years"
    assert judged(query.replace("name FROM", "name, age FROM"), named)[0] == "passed"
    assert judged("SELECT DISTINCT age FROM person ORDER BY age", "SELECT DISTINCT age FROM person ORDER BY 1")[0] == "passed"


def test_a_gold_query_that_depends_on_chance_decides_nothing():
    for gold in ("SELECT name FROM person LIMIT 1", "SELECT name FROM person ORDER BY age DESC LIMIT 1"):
        assert judged(gold, gold) == ("unscored", "gold_ambiguous")
    assert judged("SELECT name FROM person WHERE id = 4", "SELECT name FROM person ORDER BY id DESC LIMIT 1") == ("passed", "")


@pytest.mark.parametrize(
    ("gold", "database", "reason"),
    [
        ("SELECT nothing FROM person", DATABASE, "gold_sql_error"),
        ("DELETE FROM person", DATABASE, "gold_not_a_query"),
        ("SELECT 1", "CREATE TABLE", "bad_database"),
        ("SELECT 1", "ATTACH 'x.db' AS other; CREATE TABLE t (a)", "bad_database"),
    ],
)
def test_a_faulty_gold_is_never_the_querys_fault(gold, database, reason):
    assert judged("SELECT 1", gold, database) == ("unscored", reason)


def test_a_query_that_is_right_by_chance_is_caught_by_a_second_database():
    other = DATABASE + "INSERT INTO person VALUES (5, 'Eve', 50, 1.5);"
    query, gold = "SELECT name FROM person WHERE age = 36", "SELECT name FROM person WHERE age > 30"
    assert judged(query, gold)[0] == "passed"
    assert judged(query, gold, [DATABASE, other]) == ("failed", "rows")


def test_an_empty_result_is_told():
    found = in_worker({"query": "SELECT 1 WHERE 0", "gold": "SELECT 2 WHERE 0", "databases": [DATABASE], **SETTINGS})
    assert found["state"] == "passed" and found["evidence"] == {"rows": [0], "ordered": False, "empty": True}


def test_other_dialects_are_translated():
    setup = 'CREATE TABLE t (a INT, b VARCHAR(5)); INSERT INTO t VALUES (1, "x"), (2, "y");'
    query, gold = "SELECT CONCAT(b, '!') FROM t LIMIT 0, 5", "SELECT CONCAT(b, '!') FROM t"
    assert judged(query, gold, setup, dialect="mysql") == ("passed", "")
    assert judged("SELECT `b` FROM `t` WHERE `a` <=> 1", "SELECT b FROM t WHERE a = 1", setup, dialect="mysql") == ("passed", "")


async def test_the_verifier_runs_it_in_a_process_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tilth.verify.tables.in_worker", lambda payload: pytest.fail("ran in this process"))
    sql = verifier_of("sql", using={"query": "output", "database": "schema"}, seconds=20)
    row = {"output": "SELECT count(*) FROM person", "gold": "SELECT 4", "schema": DATABASE}
    assert (await sql.verify(None, row)).passed
    assert (await sql.verify(None, row | {"output": None})).reason == "not_sql"
    assert (await sql.verify(None, row | {"gold": None})).reason == "no_gold"
    assert not list(tmp_path.iterdir())


def test_wrong_settings_are_refused():
    with pytest.raises(RequestError):
        verifier_of("sql", order="sometimes")
    with pytest.raises(RequestError):
        verifier_of("sql", dialect="klingon")

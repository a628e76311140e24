"""D1's databases: what SQL they run, how they refuse the rest, and what it takes to lose one."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud.d1 import D1Error, Databases, Query, split
from local_cloud.d1 import database as opened
from local_cloud.d1.limits import TRANSACTIONS

TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, n INTEGER CHECK (n < 100))"

UNIQUE = "UNIQUE constraint failed: t.name: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)"
FOREIGN_KEY = "FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)"


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    made = Databases(tmp_path / "databases")
    yield made
    made.close()


def run(databases: Databases, sql: str, *params: Any) -> list[dict[str, Any]]:
    (result,) = databases.run("one", [Query(sql=sql, params=params)])
    return result.objects


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("", []),
        (" ;; -- only\n /* comments */ ;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; -- one\nSELECT ';--' ;;", ["SELECT 1", "SELECT ';--'"]),
        (
            "SELECT \"a;\", `b;`, [c;], 'it''s;' ; SELECT 4-1 /* ; */",
            ["SELECT \"a;\", `b;`, [c;], 'it''s;'", "SELECT 4-1"],
        ),
        (
            "CREATE TRIGGER a AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END; SELECT 3",
            ["CREATE TRIGGER a AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END", "SELECT 3"],
        ),
        ("SELECT 'open; SELECT 1", ["SELECT 'open; SELECT 1"]),
    ],
)
def test_sql_is_split_into_statements(sql: str, statements: list[str]) -> None:
    assert [" ".join(statement.split()) for statement in split(sql)] == statements


def test_a_long_text_is_split_in_a_moment() -> None:
    assert len(split("INSERT INTO t VALUES ('a;b');\n" * 20_000)) == 20_000


def test_values_are_those_of_javascript(databases: Databases) -> None:
    bound = "?1 AS n, typeof(?1) AS t, 'x' || ?1 AS text, ?2 AS b, ?3 AS null_"
    sql = f"SELECT {bound}, 1e400 AS inf, 9007199254740993 AS big"
    assert run(databases, sql, 1, [0, 255], None) == [
        {"n": 1, "t": "real", "text": "x1.0", "b": [0, 255], "null_": None, "inf": None, "big": 9007199254740992}
    ]
    assert run(databases, "SELECT 1 AS a, 2 AS a") == [{"a": 2}]


def test_what_a_statement_did_is_told(databases: Databases) -> None:
    queries = [TABLE, "INSERT INTO t VALUES (7, 'a', 1), (8, 'b', 2)", "SELECT * FROM t", "DELETE FROM t WHERE id = 9"]
    made, inserted, selected, deleted = databases.run("one", [Query(sql=sql) for sql in queries])
    told = ("changes", "last_row_id", "changed_db", "rows_read", "rows_written")
    assert [made.meta[name] for name in told] == [0, 0, True, 0, 0]
    assert [inserted.meta[name] for name in told] == [2, 8, True, 0, 2]
    assert [selected.meta[name] for name in told] == [0, 8, False, 2, 0]
    assert [deleted.meta[name] for name in told] == [0, 8, False, 0, 0]
    assert selected.columns == ["id", "name", "n"]
    assert selected.rows == [[7, "a", 1], [8, "b", 2]]
    assert deleted.meta["size_after"] == databases.size("one") > 4096
    assert databases.tables("one") == 1


def test_several_statements_are_one_query(databases: Databases) -> None:
    sql = "CREATE TABLE t (name); INSERT INTO t VALUES ('a'), ('b'); SELECT name FROM t WHERE name = ?"
    assert run(databases, sql, "a") == [{"name": "a"}]
    with pytest.raises(D1Error, match="only the last statement can have parameters"):
        run(databases, "SELECT ?; SELECT ?", 1)


@pytest.mark.parametrize(
    ("sql", "params", "error"),
    [
        ("SELECT * FROM nope", [], "no such table: nope: SQLITE_ERROR"),
        ("INSERT INTO t (name) VALUES ('a')", [], UNIQUE),
        ("INSERT INTO c VALUES (5)", [], FOREIGN_KEY),
        ("PRAGMA defer_foreign_keys = ON; INSERT INTO c VALUES (5)", [], FOREIGN_KEY),
        ("SELECT ?, ?", [1], "Wrong number of parameter bindings for SQL query."),
        ("SELECT 1", [1], "Wrong number of parameter bindings for SQL query."),
        ("BEGIN", [], TRANSACTIONS),
        ("BEGIN IMMEDIATE", [], TRANSACTIONS),
        ("COMMIT", [], TRANSACTIONS),
        ("ROLLBACK", [], TRANSACTIONS),
        ("SAVEPOINT s", [], TRANSACTIONS),
        ("ATTACH ':memory:' AS x", [], "not authorized: SQLITE_AUTH"),
        ("VACUUM", [], "cannot VACUUM from within a transaction: SQLITE_ERROR"),
        ("VACUUM INTO '/tmp/x'", [], "cannot VACUUM from within a transaction: SQLITE_ERROR"),
        ("CREATE TEMP TABLE x (a)", [], "not authorized: SQLITE_AUTH"),
        ("PRAGMA journal_mode = DELETE", [], "not authorized: SQLITE_AUTH"),
        ("PRAGMA writable_schema = ON", [], "not authorized: SQLITE_AUTH"),
        ("SELECT * FROM pragma_database_list", [], "not authorized: SQLITE_AUTH"),
        ("SELECT load_extension('x')", [], "not authorized to use function: load_extension: SQLITE_ERROR"),
        ("CREATE TABLE _cf_x (a)", [], "not authorized: SQLITE_AUTH"),
        (f"SELECT {','.join('?' * 101)}", [0] * 101, "too many SQL variables: SQLITE_ERROR"),
        (f"SELECT '{'a' * 100_000}'", [], "statement too long: SQLITE_TOOBIG"),
        ("SELECT zeroblob(2000001)", [], "string or blob too big: SQLITE_TOOBIG"),
        ("SELECT 1 WHERE 'a' LIKE ?", ["b" * 51], "LIKE or GLOB pattern too complex: SQLITE_ERROR"),
    ],
)
def test_what_is_refused(databases: Databases, sql: str, params: list[Any], error: str) -> None:
    run(databases, TABLE)
    run(databases, "CREATE TABLE c (t REFERENCES t); INSERT INTO t VALUES (1, 'a', 1)")
    with pytest.raises(D1Error) as refused:
        databases.run("one", [Query(sql="UPDATE t SET n = 50"), Query(sql=sql, params=params), Query(sql="SELECT 1")])
    assert str(refused.value) == error
    assert run(databases, "SELECT n FROM t") == [{"n": 1}]


def test_nothing_but_comments_is_nothing_to_run(databases: Databases) -> None:
    with pytest.raises(D1Error, match="No SQL statements detected"):
        run(databases, "-- nothing")
    results = databases.run("one", [Query(sql="-- nothing"), Query(sql="SELECT 1 AS a")])
    assert [result.objects for result in results] == [[{"a": 1}]]


@pytest.mark.parametrize(
    "pragma", ["table_list", "table_info(t)", "foreign_key_check", "foreign_keys = OFF", "optimize"]
)
def test_the_pragmas_of_d1_are_allowed(databases: Databases, pragma: str) -> None:
    run(databases, f"PRAGMA {pragma}")
    assert run(databases, "PRAGMA foreign_keys") == [{"foreign_keys": 1}]


def test_a_statement_that_takes_too_long_is_stopped(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "MAX_SECONDS", 0.05)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(D1Error, match="exceeded timeout"):
        run(databases, endless)
    assert run(databases, "SELECT 1 AS a") == [{"a": 1}]


def test_a_copy_is_put_back(databases: Databases, tmp_path: Path) -> None:
    run(databases, TABLE)
    run(databases, "INSERT INTO t (name) VALUES ('kept')")
    databases.copy_to(tmp_path / "copy")
    run(databases, "DELETE FROM t")
    databases.run("two", [Query(sql=TABLE)])
    databases.copy_from(tmp_path / "copy")
    assert run(databases, "SELECT name FROM t") == [{"name": "kept"}]
    assert databases.tables("two") == 0
    databases.copy_from(None)
    assert databases.tables("one") == 0


def test_files_without_a_row_are_swept(databases: Databases, tmp_path: Path) -> None:
    for name in ("one", "two"):
        databases.run(name, [Query(sql=TABLE)])
    databases.sweep(keep={"two"})
    assert sorted(path.name for path in (tmp_path / "databases").glob("*.sqlite3")) == ["two.sqlite3"]
    databases.remove("two")
    assert list((tmp_path / "databases").iterdir()) == []


def test_no_more_are_kept_open_than_allowed(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cloud.d1.files.MAX_OPEN", 2)
    for name in ("a", "b", "c", "a"):
        databases.run(name, [Query(sql="CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)")])
    (result,) = databases.run("a", [Query(sql="SELECT count(*) AS n FROM t")])
    assert result.objects == [{"n": 2}]
    assert len(databases._idle) == 2


def test_what_is_committed_outlives_a_killed_process(databases: Databases, tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from local_cloud.d1 import Databases, Query
Databases(Path(sys.argv[1])).run("one", [Query(sql="CREATE TABLE t (name); INSERT INTO t VALUES ('a')")])
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "databases")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert run(databases, "SELECT name FROM t") == [{"name": "a"}]

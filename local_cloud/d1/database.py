"""One D1 database, opened: statements in a transaction of D1's kind."""

import math
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.d1.limits import MAX_STATEMENT_BYTES, TRANSACTIONS, Guard
from local_cloud.d1.statements import split

MAX_SECONDS = 30.0
"""Of one statement."""

_STEPS = 10_000
"""Of SQLite's machine, between two looks at the clock."""
_SETTINGS = (
    "busy_timeout = 5000",
    "auto_vacuum = FULL",
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "foreign_keys = ON",
)
_MAX_SAFE_INTEGER = 2**53 - 1


class D1Error(Exception):
    """What D1 says of SQL that it does not run."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """SQL with the values of its parameters: text, numbers, None, and lists of bytes. Of several statements, all are
    run, the last one has the parameters, and its rows are the result."""

    sql: str
    params: Sequence[Any] = ()


@dataclass(frozen=True, kw_only=True)
class Result:
    """Rows as they are sent: numbers, text, None, and lists of bytes. `meta` is D1's, times in milliseconds.

    Of its counts, `rows_read` is that of the rows that came out, not of those that were looked at for them, and
    `rows_written` leaves indexes out: Python's SQLite tells no more.
    """

    columns: list[str]
    rows: list[list[Any]]
    meta: dict[str, Any]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """A row each; of columns with one name, the last one counts."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Database:
    """A connection to the file at `path`, which is made if there is none."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No statement is kept prepared: the guard sees each one, also where it is spelled as one of our own.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=0)
        self._connection.text_factory = lambda text: text.decode(errors="replace")
        self._guard = Guard(self._connection)
        self._deadline = math.inf
        self._connection.set_progress_handler(lambda: time.monotonic() > self._deadline, _STEPS)
        for setting in _SETTINGS:
            self._connection.execute(f"PRAGMA {setting}")

    @property
    def size(self) -> int:
        """In bytes."""
        return self._value("PRAGMA page_count") * self._value("PRAGMA page_size")

    @property
    def tables(self) -> int:
        return self._value("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")

    def run(self, queries: Sequence[Query]) -> list[Result]:
        """All of the queries in one transaction: a result for each, or `D1Error` and no change."""
        works = [(statements, query.params) for query in queries if (statements := split(query.sql))]
        if not works:
            raise D1Error("No SQL statements detected.")
        with self._transaction():
            return [self._query(statements, params) for statements, params in works]

    def copy_to(self, path: Path) -> None:
        """Write what is committed to a new file."""
        copy = sqlite3.connect(path)
        try:
            self._connection.backup(copy)
        finally:
            copy.close()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with _translated(self._guard):
                self._connection.execute("COMMIT")  # deferred foreign keys are looked at here
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _query(self, statements: Sequence[str], params: Sequence[Any]) -> Result:
        size, changes, last = self.size, self._connection.total_changes, self._last_row_id()
        started = time.perf_counter()
        for statement in statements[:-1]:
            if self._execute(statement, ()) is None:
                raise D1Error(
                    "When executing multiple SQL statements in a single call, only the last statement can have "
                    "parameters."
                )
        found = self._execute(statements[-1], params)
        if found is None:
            raise D1Error("Wrong number of parameter bindings for SQL query.")
        columns, rows = found
        duration = (time.perf_counter() - started) * 1000
        changed = self._connection.total_changes - changes
        after = self._last_row_id()
        meta = {
            "served_by": "local-cloud",
            "served_by_primary": True,
            "total_attempts": 1,
            "timings": {"sql_duration_ms": duration},
            "duration": duration,
            "changes": changed,
            "last_row_id": after,
            "changed_db": changed != 0 or after != last or self.size != size,
            "size_after": self.size,
            "rows_read": len(rows),
            "rows_written": changed,
        }
        return Result(columns=columns, rows=rows, meta=meta)

    def _execute(self, statement: str, params: Sequence[Any]) -> tuple[list[str], list[list[Any]]] | None:
        """Columns and rows; None if the statement has another number of parameters."""
        if len(statement.encode()) > MAX_STATEMENT_BYTES:
            raise D1Error("statement too long: SQLITE_TOOBIG")
        with _translated(self._guard):
            self._guard.lifted = False
            self._deadline = time.monotonic() + MAX_SECONDS
            try:
                cursor = self._connection.execute(statement, [_bound(value) for value in params])
                rows = [[_sent(value) for value in row] for row in cursor]
            except sqlite3.ProgrammingError as error:
                if "number of bindings" in str(error):
                    return None
                raise
            finally:
                self._guard.lifted, self._deadline = True, math.inf
        return [column[0] for column in cursor.description or ()], rows

    def _last_row_id(self) -> int:
        return self._value("SELECT last_insert_rowid()")

    def _value(self, sql: str) -> int:
        return self._connection.execute(sql).fetchone()[0]


def bookmark() -> str:
    """One that sorts after all earlier ones."""
    at = f"{time.time_ns():024x}"
    return f"{at[:8]}-{at[8:16]}-{at[16:]}-{secrets.token_hex(16)}"


@contextmanager
def _translated(guard: Guard) -> Iterator[None]:
    """SQLite's errors as D1 puts them."""
    guard.refused = None
    try:
        yield
    except sqlite3.Error as error:
        if guard.refused_transaction:
            raise D1Error(TRANSACTIONS) from None
        name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
        if name == "SQLITE_INTERRUPT":
            message = "D1 DB storage operation exceeded timeout which caused object to be reset."
            raise D1Error(message) from None
        plain = "_".join(name.split("_")[:2])
        extended = f" (extended: {name})" if name != plain else ""
        raise D1Error(f"{error}: {plain}{extended}") from None


def _bound(value: Any) -> Any:
    """As D1 binds it: every number is a double."""
    match value:
        case list():
            return bytes(value)
        case int() | float():
            return float(value)
        case _:
            return value


def _sent(value: Any) -> Any:
    """As it goes through JSON to JavaScript."""
    match value:
        case bytes():
            return list(value)
        case float() if not math.isfinite(value):
            return None
        case float() if value.is_integer() and abs(value) <= _MAX_SAFE_INTEGER:
            return int(value)
        case int() if abs(value) > _MAX_SAFE_INTEGER:
            return int(float(value))
        case _:
            return value

"""The database: SQLite's by default, PostgreSQL's beyond one machine."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # with a write-ahead log a killed process loses nothing
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 30000",
)


ONE_WRITER = sa.select(sa.func.pg_advisory_xact_lock(0x6F76736B))
"""Any number that nothing else in the database locks by."""


class Database:
    """Sessions on one database. A `writing()` transaction is the only one of its kind from its first statement on.

    SQLite has one writer at a time: a transaction that first reads and then writes fails there when another one wrote
    in between, so `writing()` begins with the lock (`BEGIN IMMEDIATE`), and waits for it. PostgreSQL is given the same
    rule: what was read still holds at the end, ids are in the order of commits, and no two transactions wait for each
    other. So it is for what takes milliseconds.
    """

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, pool_pre_ping=True)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        self._turn = Lock() if self.is_sqlite else nullcontext()  # SQLite's own lock lets its waiters sleep too long
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._adding = self.engine.execution_options(overskill_writes=True)
        self._writers = sessionmaker(self._adding, expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._sessions() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Commits at the end, and takes everything back where something is raised."""
        with self._turn, self._writers.begin() as session:
            if not self.is_sqlite:
                session.execute(ONE_WRITER)
            yield session

    @contextmanager
    def adding(self) -> Iterator[sa.Connection]:
        """A transaction that only adds rows, in no order that matters: PostgreSQL has them side by side."""
        with self._turn, self._adding.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # `_begin_sqlite` begins transactions, not the driver
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("overskill_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

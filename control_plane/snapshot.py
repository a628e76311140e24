"""The database's rows as text, all of one instant, and back into a database, be it SQLite's or PostgreSQL's.

Who was logged in is left out: sessions end with a restore.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane.billing import tables as billing  # noqa: F401 - so that the metadata has them
from control_plane.database import Database
from control_plane.tables import App, AuditEntry, Instant, Login, LoginLink, Table
from control_plane.usage import tables as usage  # noqa: F401 - so that the metadata has them

LEFT_OUT = frozenset({Login.__tablename__, LoginLink.__tablename__})
TIMES: Mapping[type, type[dt.date]] = {Instant: dt.datetime, sa.Date: dt.date}
CHUNK = 1000
"""Rows that are read, and written, at once."""


class Unfit(Exception):
    """The text is not of this version's tables."""


def tables() -> list[sa.Table]:
    """Those that are kept, each behind those that it refers to."""
    return [table for table in Table.metadata.sorted_tables if table.name not in LEFT_OUT]


@contextmanager
def instant(database: Database) -> Iterator[sa.Connection]:
    """A connection that sees the database as it is now, whatever is written meanwhile."""
    level = {} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with database.engine.connect().execution_options(**level) as connection, connection.begin():
        connection.execute(sa.select(sa.func.count()).select_from(AuditEntry))  # the first statement sets the instant
        yield connection


def rows(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    """A row a line, as a JSON object, in the order of the key."""
    query = sa.select(table).order_by(*table.primary_key.columns)
    result = connection.execution_options(yield_per=CHUNK).execute(query)
    for row in result.mappings():
        yield f"{json.dumps(dict(row), default=lambda time: time.isoformat())}\n"


def is_empty(session: Session) -> bool:
    """Whether nothing was ever done in it."""
    return (
        session.scalar(sa.select(AuditEntry.id).limit(1)) is None and session.scalar(sa.select(App.id).limit(1)) is None
    )


def load(session: Session, texts: Mapping[str, Iterable[str]]) -> None:
    """Put the rows of `texts`, by the tables' names, in the place of all that is there: within `Database.writing()`.

    Raises `Unfit`.
    """
    connection = session.connection()
    known = {table.name: table for table in tables()}
    if strange := sorted(texts.keys() - known.keys()):
        raise Unfit(f"tables that this version does not have: {', '.join(strange)}")
    for table in reversed(Table.metadata.sorted_tables):
        connection.execute(sa.delete(table))
    for name, table in known.items():
        lines = iter(texts.get(name, ()))
        while chunk := [_row(table, line) for line in islice(lines, CHUNK)]:
            connection.execute(sa.insert(table), chunk)
        _count_on(connection, table)


def _row(table: sa.Table, line: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    if strange := sorted(row.keys() - {column.name for column in table.columns}):
        raise Unfit(f"columns that this version does not have: {', '.join(f'{table.name}.{name}' for name in strange)}")
    for column in table.columns:
        if (kind := TIMES.get(type(column.type))) and row.get(column.name):
            row[column.name] = kind.fromisoformat(row[column.name])
    return row


def _count_on(connection: sa.Connection, table: sa.Table) -> None:
    """PostgreSQL goes on numbering behind the last row; SQLite does so by itself."""
    if connection.dialect.name != "postgresql" or "id" not in table.columns:
        return
    sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, "id")))
    last = connection.scalar(sa.select(sa.func.max(table.c.id))) if sequence else None
    if last:
        connection.execute(sa.select(sa.func.setval(sequence, last)))

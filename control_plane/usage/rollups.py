"""Hours as they were read become rows, and the days with them: each day is the sum of its hours, at every moment."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from control_plane.database import Database
from control_plane.tables import Table
from control_plane.usage.tables import FIGURES, UsageDay, UsageHour, UsageReading

KEPT = dt.timedelta(days=62)
"""How long hours are kept; one that is older is not read any more. Cloudflare keeps data points for three months."""

APPS = 500
"""Of one transaction: others who write wait for it."""

Row = Mapping[str, Any]
"""`app_id`, `environment`, and those of `FIGURES` that are not 0."""


def keep(database: Database, reading: UsageReading, rows: Iterable[Row]) -> None:
    """What was read of an hour replaces what an earlier reading found, a row that is no longer there included.

    The reading itself is kept last: an hour that was cut short is read again.
    """
    hour, read_at = reading.hour, reading.read_at
    by_app: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        filled = {**dict.fromkeys(FIGURES, 0), **row, "hour": hour, "read_at": read_at}
        by_app.setdefault(filled["app_id"], []).append(filled)
    for apps in _in_parts(list(by_app)):
        with database.writing() as session:
            _put(session, UsageHour, [row for app in apps for row in by_app[app]])
            _sum_up(session, hour.date(), apps)
    with database.writing() as session:
        stale = (UsageHour.hour == hour, UsageHour.read_at < read_at)
        gone = session.scalars(sa.select(UsageHour.app_id).where(*stale).distinct()).all()
        session.execute(sa.delete(UsageHour).where(*stale))
        _sum_up(session, hour.date(), gone)
        values = {column.name: getattr(reading, column.name) for column in UsageReading.__table__.columns}
        _put(session, UsageReading, [values])


def forget(database: Database, now: dt.datetime) -> None:
    """Delete the hours that are kept no longer; the days stay. No hour of their days is read again."""
    before = now - KEPT - dt.timedelta(days=1)
    while True:
        with database.writing() as session:
            oldest = session.scalar(sa.select(sa.func.min(UsageHour.hour)).where(UsageHour.hour < before))
            if oldest is None:
                return
            session.execute(sa.delete(UsageHour).where(UsageHour.hour == oldest))


def _put(session: Session, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert, or replace what has the same key, unless that was read later."""
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    columns = cast(sa.Table, table.__table__)
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(columns)
    keys = [column.name for column in columns.primary_key]
    replaced = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    newer = columns.c.read_at <= insert.excluded.read_at
    session.execute(insert.on_conflict_do_update(index_elements=keys, set_=replaced, where=newer), rows)


def _sum_up(session: Session, day: dt.date, apps: Sequence[str]) -> None:
    """The day of these apps, anew from its hours."""
    began = dt.datetime.combine(day, dt.time(), dt.UTC)
    for some in _in_parts(apps):
        session.execute(sa.delete(UsageDay).where(UsageDay.day == day, UsageDay.app_id.in_(some)))
        sums = [sa.func.sum(getattr(UsageHour, name)) for name in FIGURES]
        hours = (
            sa.select(sa.literal(day, sa.Date), UsageHour.app_id, UsageHour.environment, *sums)
            .where(UsageHour.hour >= began, UsageHour.hour < began + dt.timedelta(days=1), UsageHour.app_id.in_(some))
            .group_by(UsageHour.app_id, UsageHour.environment)
        )
        session.execute(sa.insert(UsageDay).from_select(["day", "app_id", "environment", *FIGURES], hours))


def _in_parts(apps: Sequence[str]) -> Iterator[Sequence[str]]:
    for place in range(0, len(apps), APPS):
        yield apps[place : place + APPS]

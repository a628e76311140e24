"""What is kept for a time only: deliveries that are done, events, what the builder was told of them, hours of usage."""

import asyncio
import datetime as dt
import logging

import sqlalchemy as sa

from control_plane.database import Database
from control_plane.tables import Delivery, Event, Notification
from control_plane.usage import rollups

KEPT = dt.timedelta(days=30)
"""GitHub can be asked to send a delivery again for three days, and a pipeline's is good for minutes: by then a delivery
that comes again is still known."""

PAGE = 1_000
"""Rows that one transaction deletes: others who write wait for it."""

EVERY = 3600.0
"""Seconds."""

log = logging.getLogger(__name__)


async def run(database: Database) -> None:
    """Delete what is old, every hour, until cancelled."""
    while True:
        try:
            now = dt.datetime.now(dt.UTC)
            await asyncio.to_thread(clean, database, now - KEPT)
            await asyncio.to_thread(rollups.forget, database, now)
        except sa.exc.DBAPIError:
            log.exception("the database does not answer; what is old stays for another hour")
        await asyncio.sleep(EVERY)


def clean(database: Database, before: dt.datetime) -> None:
    """Delete what is older. The newest event stays: it says where the stream is."""
    newest = sa.select(sa.func.max(Event.id)).scalar_subquery()
    old = sa.select(Event.id).where(Event.at < before, Event.id < newest)
    _delete(database, Delivery, sa.select(Delivery.id).where(Delivery.done_at < before))
    _delete(database, Notification, sa.select(Notification.id).where(Notification.event_id.in_(old)))
    _delete(database, Event, old)


def _delete(database: Database, table: type[Delivery | Event | Notification], ids: sa.Select[tuple[int]]) -> None:
    deleted = PAGE
    while deleted == PAGE:
        with database.writing() as session:
            deleted = session.execute(sa.delete(table).where(table.id.in_(ids.limit(PAGE)))).rowcount

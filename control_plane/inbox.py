"""The inbox: a webhook is kept before its sender is answered, and worked off afterwards, in effect exactly once.

What a delivery changes and that it is done are one transaction. One that fails stays, and is tried again for ever: what
mends that is a new version of this code, or another delivery.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from control_plane import github_events, notices
from control_plane.database import Database
from control_plane.notices import UnknownApp
from control_plane.tables import Delivery

Take = Callable[[Session, str, dict[str, Any]], None]

BATCH = 10
"""Deliveries of one transaction: others who write wait for it."""

GROUP = 500
"""Deliveries that are kept by one transaction."""

PAUSE = 1.0
"""Seconds until it looks by itself for what another process accepted, or what is to be tried again."""

LONGEST = dt.timedelta(minutes=10)
"""Between two attempts."""

PATIENCE = dt.timedelta(hours=1)
"""For an app that is not there."""

_INSERT = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

log = logging.getLogger(__name__)


def _github(model: type[github_events.OfRepository]) -> Take:
    return lambda session, app_id, body: github_events.take(session, app_id, model.model_validate(body))


TAKERS: Mapping[str, Take] = {
    "pipeline": lambda session, app_id, body: notices.take(session, app_id, notices.Notice.model_validate(body)),
    **{f"github.{name}": _github(model) for name, model in github_events.EVENTS.items()},
}
"""Who works off a delivery, by its event."""


@dataclass(frozen=True)
class Accepted:
    """A delivery of a sender who has proven to be one. `event`: a key of `TAKERS`; `body`: JSON, checked."""

    key: str
    event: str
    app_id: str
    body: dict[str, Any]


class Inbox:
    """The deliveries of one database, worked off by each process that serves it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        insert = _INSERT[database.engine.dialect.name](Delivery)
        self._insert = insert.on_conflict_do_nothing().returning(Delivery.key)
        self._arrived: list[tuple[Accepted, asyncio.Future[bool]]] = []
        self._keeping: asyncio.Task[None] | None = None
        self._came = asyncio.Event()

    async def accept(self, delivery: Accepted) -> bool:
        """Keep it; whether it is new."""
        kept = asyncio.get_running_loop().create_future()
        self._arrived.append((delivery, kept))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep_arrived())
        return await kept

    async def _keep_arrived(self) -> None:
        """One transaction at a time: what arrives during one is kept by the next, all of it at the price of one."""
        while self._arrived:
            group, self._arrived = self._arrived[:GROUP], self._arrived[GROUP:]
            try:
                new = await asyncio.to_thread(self._keep, [delivery for delivery, _ in group])
            except Exception as error:
                for _, kept in group:
                    if not kept.done():
                        kept.set_exception(error)
                continue
            for delivery, kept in group:
                if not kept.done():  # its sender may have gone
                    kept.set_result(delivery.key in new)
                new.discard(delivery.key)
            self._came.set()

    def _keep(self, deliveries: list[Accepted]) -> set[str]:
        """The keys of those that are new. In order: servers that are sent the same ones never block each other."""
        now = dt.datetime.now(dt.UTC)
        more = {"received_at": now, "next_at": now, "attempts": 0}
        rows = [{**vars(delivery), **more} for delivery in sorted(deliveries, key=attrgetter("key"))]
        with self._database.adding() as connection:
            return set(connection.scalars(self._insert, rows))

    async def work(self) -> None:
        """Work off what there is and what comes, until cancelled."""
        while True:
            self._came.clear()
            try:
                while await asyncio.to_thread(work_off, self._database):
                    pass
            except sa.exc.DBAPIError:
                log.exception("the database does not answer; deliveries wait")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), PAUSE)


def work_off(database: Database) -> bool:
    """Work off the next deliveries; whether there may be more."""
    with database.writing() as session:
        now = dt.datetime.now(dt.UTC)
        # No attempt is so far ahead: one that is was noted by a clock that has been set back since.
        is_due = sa.or_(Delivery.next_at <= now, Delivery.next_at > now + 2 * LONGEST)
        due = sa.select(Delivery).where(is_due).order_by(Delivery.id).limit(BATCH)
        deliveries = session.scalars(due).all()
        for delivery in deliveries:
            _work_off(session, delivery)
    return len(deliveries) == BATCH


def _work_off(session: Session, delivery: Delivery) -> None:
    now = dt.datetime.now(dt.UTC)
    delivery.attempts += 1
    try:
        with session.begin_nested():
            TAKERS[delivery.event](session, delivery.app_id, delivery.body)
    except sa.exc.OperationalError:
        raise
    except Exception as error:  # whatever it is, the others are not to wait for it
        delivery.error = f"{type(error).__name__}: {error}"
        if isinstance(error, UnknownApp) and now - delivery.received_at > PATIENCE:
            delivery.next_at, delivery.done_at = None, now
            return
        log.warning(
            "delivery %s (%s) has failed, attempt %d", delivery.id, delivery.event, delivery.attempts, exc_info=error
        )
        delivery.next_at = now + min(LONGEST, dt.timedelta(seconds=2 ** min(delivery.attempts, 20)))
    else:
        delivery.next_at, delivery.done_at, delivery.error = None, now, None

"""The stream of events: one reader of the database for all who watch at this server, whichever server an event is from.

Nobody has a queue: who watches is at a place in the stream, and takes what comes after it from what was read last, or,
where that is no longer enough, from the database. So a slow watcher costs no memory and misses nothing.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from itertools import takewhile
from typing import NamedTuple

import psycopg
import sqlalchemy as sa

from control_plane.database import Database
from control_plane.events import CHANNEL
from control_plane.tables import Event

POLL = 0.1
"""Seconds between two looks at SQLite, which wakes nobody."""

BEAT = 15.0
"""Seconds after which watchers are woken though nothing came, so that a dead connection is found."""

RECENT = 2_000
"""Events that are kept in memory."""

PAGE = 500
"""Events that are read from the database at once."""

log = logging.getLogger(__name__)


class Told(NamedTuple):
    """An event as server-sent ones are written; `data` is JSON: `{"id", "type", "app", "at", "data"}`."""

    id: int
    app_id: str | None
    frame: bytes


class Stream:
    """The events of one database, for as long as `run` does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: deque[Told] = deque()
        self._known = 0  # all events behind it are recent ones, up to the newest
        self._news = asyncio.Event()

    @property
    def newest(self) -> int:
        return self._recent[-1].id if self._recent else self._known

    async def begin(self) -> None:
        """From now on it is known where its end is."""
        self._known = (await asyncio.to_thread(self.span))[1]

    async def run(self) -> None:
        """Pass on what comes, until cancelled."""
        wakes = self._polled() if self._database.is_sqlite else self._listened()
        beat = asyncio.get_running_loop().time()
        async for _ in wakes:
            try:
                came = await self._read()
            except sa.exc.DBAPIError:
                log.exception("the database does not answer; events wait")
                await asyncio.sleep(1)
                continue
            now = asyncio.get_running_loop().time()
            if came or now - beat >= BEAT:
                beat = now
                news, self._news = self._news, asyncio.Event()
                news.set()

    async def after(self, place: int, app_id: str | None = None) -> AsyncIterator[list[Told]]:
        """What comes after a place, of one app or of all, in its order; nothing where nothing of it came."""
        while True:
            news = self._news  # what comes from here on sets it
            if place < self._known:
                found: Sequence[Told] = await asyncio.to_thread(self._kept, place)
            else:
                found = list(takewhile(lambda told: told.id > place, reversed(self._recent)))[::-1]  # noqa: B023
            yield [told for told in found if app_id in (None, told.app_id)]
            if found:
                place = found[-1].id
            else:
                await news.wait()

    def span(self) -> tuple[int, int]:
        """The first and the last event that the database has, or zeros."""
        with self._database.reading() as session:
            oldest, newest = session.execute(sa.select(sa.func.min(Event.id), sa.func.max(Event.id))).one()
        return oldest or 0, newest or 0

    async def _read(self) -> bool:
        """Whether there was something new."""
        came = False
        while found := await asyncio.to_thread(self._kept, self.newest):
            self._recent.extend(found)
            while len(self._recent) > RECENT:
                self._known = self._recent.popleft().id
            came = True
        return came

    def _kept(self, place: int) -> list[Told]:
        with self._database.reading() as session:
            page = sa.select(Event).where(Event.id > place).order_by(Event.id).limit(PAGE)
            return [_told(event) for event in session.scalars(page)]

    async def _polled(self) -> AsyncIterator[None]:
        while True:
            yield
            await asyncio.sleep(POLL)

    async def _listened(self) -> AsyncIterator[None]:
        """Wakes when PostgreSQL does, and at each connection, before which it may have woken nobody."""
        url = self._database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    while True:
                        yield
                        async for _ in connection.notifies(timeout=BEAT, stop_after=1):
                            pass
            except psycopg.OperationalError:
                log.exception("PostgreSQL does not answer; events wait")
                await asyncio.sleep(1)


def _told(event: Event) -> Told:
    shown = {"id": event.id, "type": event.type, "app": event.app_id, "at": event.at.isoformat(), "data": event.data}
    return Told(event.id, event.app_id, f"id: {event.id}\ndata: {json.dumps(shown)}\n\n".encode())

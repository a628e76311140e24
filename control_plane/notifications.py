"""Events on their way to the builder: signed as standard-webhooks has it, tried again for days, then dead letters.

An event is told at least once, and in no certain order: its id, the webhook's too, tells what came before, and what
came again. Servers that share a database share the work.
"""

import asyncio
import datetime as dt
import json
import logging
import random
from dataclasses import dataclass

import httpx
import sqlalchemy as sa
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from control_plane.database import Database
from control_plane.tables import Event, Notification

PAUSE = 0.5
"""Seconds between two looks for what is to be told."""

AT_ONCE = 16
"""Notifications that are on their way from one server."""

TIMEOUT = 15.0
"""Seconds that the builder has to answer."""

LEASE = dt.timedelta(seconds=4 * TIMEOUT)
"""After it, one that a server took is another's: it has died."""

MINUTE, HOUR = 60, 3600
RETRIES = (5, 30, 2 * MINUTE, 10 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 24 * HOUR)
"""Seconds before each further attempt, and up to a fifth more, so that they do not all come at once."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sending:
    """A notification under way; `body` is the event: `{"id", "type", "app", "timestamp", "data"}`."""

    id: int
    event_id: int
    attempts: int
    body: str


class Notifier:
    """Tells the builder at `url`. `secret` is `whsec_` and base64, as the builder has it too."""

    def __init__(self, database: Database, url: str, secret: str, retries: tuple[float, ...] = RETRIES) -> None:
        self._database, self._url, self._retries = database, url, retries
        self._webhook = Webhook(secret)

    async def run(self) -> None:
        """Tell what there is to tell, until cancelled."""
        await asyncio.to_thread(self._begin)
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
            while True:
                try:
                    taken = await asyncio.to_thread(self._take)
                    results = await asyncio.gather(*(self._send(client, one) for one in taken))
                    if taken:
                        await asyncio.to_thread(self._note, dict(zip(taken, results, strict=True)))
                except sa.exc.DBAPIError:
                    log.exception("the database does not answer; notifications wait")
                    taken = []
                if len(taken) < AT_ONCE:
                    await asyncio.sleep(PAUSE)

    def _begin(self) -> None:
        """A builder that is told for the first time is told what happens from now on."""
        with self._database.writing() as session:
            newest = session.scalar(sa.select(sa.func.max(Event.id)))
            if newest and session.scalar(sa.select(sa.func.max(Notification.event_id))) is None:
                session.add(Notification(event_id=newest, done_at=dt.datetime.now(dt.UTC)))

    def _take(self) -> list[Sending]:
        """What is to be sent now, this server's for the time of a lease."""
        now = dt.datetime.now(dt.UTC)
        due = sa.select(Notification).where(Notification.next_at <= now).order_by(Notification.id).limit(AT_ONCE)
        with self._database.reading() as session:
            if not self._untold(session) and session.scalar(due.with_only_columns(Notification.id)) is None:
                return []
        with self._database.writing() as session:
            session.add_all(Notification(event_id=event_id, next_at=now) for event_id in self._untold(session))
            session.flush()
            taken = []
            for notification in session.scalars(due):
                notification.attempts += 1
                notification.next_at = now + LEASE
                event = session.get_one(Event, notification.event_id)
                taken.append(Sending(notification.id, event.id, notification.attempts, _body(event)))
        return taken

    def _untold(self, session: Session) -> list[int]:
        """The next events of which there is no notification yet."""
        last = session.scalar(sa.select(sa.func.max(Notification.event_id))) or 0
        return list(session.scalars(sa.select(Event.id).where(Event.id > last).order_by(Event.id).limit(500)))

    async def _send(self, client: httpx.AsyncClient, sending: Sending) -> str | None:
        """What went wrong, if anything."""
        at, id = dt.datetime.now(dt.UTC), f"evt_{sending.event_id}"
        headers = {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(id, at, sending.body),
        }
        try:
            answer = await client.post(self._url, content=sending.body, headers=headers)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.is_success else f"the answer was {answer.status_code}"

    def _note(self, results: dict[Sending, str | None]) -> None:
        now = dt.datetime.now(dt.UTC)
        with self._database.writing() as session:
            for sending, error in results.items():
                notification = session.get(Notification, sending.id)
                if notification is None:
                    continue
                notification.error = error
                if error is None:
                    notification.done_at, notification.next_at = now, None
                elif sending.attempts > len(self._retries):
                    notification.next_at = None
                    log.warning("the builder could not be told of event %d: %s", sending.event_id, error)
                else:
                    pause = self._retries[sending.attempts - 1] * random.uniform(1, 1.2)  # noqa: S311
                    notification.next_at = now + dt.timedelta(seconds=pause)


def _body(event: Event) -> str:
    told = {"id": event.id, "type": event.type, "app": event.app_id, "timestamp": event.at.isoformat()}
    return json.dumps({**told, "data": event.data})

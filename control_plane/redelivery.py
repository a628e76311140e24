"""Webhooks that failed, of both ways: which there are, and how those that were given up are tried again."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane import audit
from control_plane.tables import Delivery, Event, Notification

Kind = Literal["delivery", "notification"]
"""One that came in, or an event that the builder is to be told."""

TABLES: Mapping[Kind, type[Delivery] | type[Notification]] = {"delivery": Delivery, "notification": Notification}


class Unknown(LookupError):
    """There is none with this number."""


class Undead(ValueError):
    """It was not given up: it is done, or under way."""


@dataclass(frozen=True)
class FailedWebhook:
    """`at`: when it came, or happened. `again`: when it is tried next; None: it was given up. `error`: of the last try.

    `name` tells it from all others.
    """

    kind: Kind
    id: int
    what: str
    app_id: str | None
    at: dt.datetime
    attempts: int
    again: dt.datetime | None
    error: str

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.id}"


def failed(session: Session, most: int) -> list[FailedWebhook]:
    """The newest `most` of each way, those that are tried again among them; the newest first."""
    came = sa.select(Delivery).where(Delivery.error.is_not(None)).order_by(Delivery.id.desc()).limit(most)
    told = (
        sa.select(Notification, Event)
        .join(Event, Event.id == Notification.event_id)
        .where(Notification.error.is_not(None))
        .order_by(Notification.id.desc())
        .limit(most)
    )
    found = [
        FailedWebhook(
            "delivery", one.id, one.event, one.app_id, one.received_at, one.attempts, one.next_at, str(one.error)
        )
        for one in session.scalars(came)
    ]
    found += [
        FailedWebhook(
            "notification", one.id, event.type, event.app_id, event.at, one.attempts, one.next_at, str(one.error)
        )
        for one, event in session.execute(told)
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def given_up(session: Session) -> int:
    """How many are not tried again by themselves."""
    counts = (session.scalar(sa.select(sa.func.count()).where(_dead(table))) or 0 for table in TABLES.values())
    return sum(counts)


def again(session: Session, kind: Kind, number: int, *, actor: str, origin: str | None = None) -> None:
    """Try one that was given up again, from the first attempt on. Raises `Unknown` or `Undead`."""
    row = session.get(Delivery, number) if kind == "delivery" else session.get(Notification, number)
    if row is None:
        raise Unknown(f"there is no {kind} {number}")
    if row.error is None or row.next_at:
        raise Undead(f"{kind} {number} was not given up: it is done, or under way")
    _retry(session, TABLES[kind], TABLES[kind].id == number)
    subject = f"event:{row.event_id}" if isinstance(row, Notification) else f"app:{row.app_id}"
    audit.append(session, audit.Deed(actor, f"{kind}.redeliver", subject, origin=origin))


def all_again(session: Session, kinds: Sequence[Kind], *, actor: str, origin: str | None = None) -> int:
    """The same for all of these kinds that were given up: how many."""
    count = sum(_retry(session, TABLES[kind], sa.true()) for kind in kinds)
    if count:
        deed = audit.Deed(actor, "webhooks.redeliver", "webhooks", origin=origin, details={"count": count})
        audit.append(session, deed)
    return count


def _retry(session: Session, table: type[Delivery] | type[Notification], which: sa.ColumnElement[bool]) -> int:
    fresh = {"attempts": 0, "next_at": dt.datetime.now(dt.UTC), "done_at": None, "error": None}
    found = session.execute(sa.update(table).where(_dead(table), which).values(fresh).returning(table.id))
    return len(found.all())


def _dead(table: type[Delivery] | type[Notification]) -> sa.ColumnElement[bool]:
    return table.error.is_not(None) & table.next_at.is_(None)

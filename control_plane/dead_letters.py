"""What the builder was told, and what it could not be told: to list, and to tell again."""

import datetime as dt
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from control_plane import redelivery
from control_plane.access import Caller, requires
from control_plane.notices import Number
from control_plane.records import Limit, Page, Place
from control_plane.state import GivenPlane
from control_plane.tables import Event, Notification

State = Literal["done", "waiting", "dead"]

STATES = {
    "done": Notification.done_at.is_not(None),
    "waiting": Notification.next_at.is_not(None),
    "dead": Notification.done_at.is_(None) & Notification.next_at.is_(None),
}

Writer = Annotated[Caller, requires("apps:write")]

router = APIRouter(prefix="/api/notifications", tags=["notifications"])


class NotificationRecord(BaseModel):
    """An event on its way to the builder. `dead`: it is not tried again by itself."""

    id: int
    event_id: int
    type: str
    app: str | None
    state: State
    attempts: int
    next_at: dt.datetime | None
    error: str | None


@router.get("")
def list_notifications(
    plane: GivenPlane,
    _: Annotated[Caller, requires("events:read")],
    state: Annotated[State, Query()] = "dead",
    after: Place = None,
    limit: Limit = 50,
) -> Page[NotificationRecord]:
    """Those of one state, the last one first: the dead letters unless told otherwise."""
    query = sa.select(Notification, Event).join(Event, Event.id == Notification.event_id).where(STATES[state])
    if after is not None:
        query = query.where(Notification.id < after)
    with plane.database.reading() as session:
        rows = session.execute(query.order_by(Notification.id.desc()).limit(limit + 1)).all()
    items = [
        NotificationRecord(
            id=notification.id,
            event_id=event.id,
            type=event.type,
            app=event.app_id,
            state=state,
            attempts=notification.attempts,
            next_at=notification.next_at,
            error=notification.error,
        )
        for notification, event in rows[:limit]
    ]
    return Page(items=items, next=items[-1].id if len(rows) > limit else None)


class Redelivery(BaseModel):
    """How many are tried again."""

    count: int


@router.post("/redeliver", status_code=202)
def redeliver_all(plane: GivenPlane, caller: Writer) -> Redelivery:
    """Try all dead letters again, from the first attempt on: once a builder that was away is back."""
    with plane.database.writing() as session:
        found = redelivery.all_again(session, ["notification"], actor=caller.actor, origin=caller.origin)
    return Redelivery(count=found)


@router.post("/{notification_id}/redeliver", status_code=202)
def redeliver(notification_id: Number, plane: GivenPlane, caller: Writer) -> None:
    """Try a dead letter again, from the first attempt on."""
    with plane.database.writing() as session:
        try:
            redelivery.again(session, "notification", notification_id, actor=caller.actor, origin=caller.origin)
        except redelivery.Unknown as error:
            raise HTTPException(404, str(error)) from None
        except redelivery.Undead as error:
            raise HTTPException(409, str(error)) from None

"""Events: what those who watch are told, in the order in which it was kept."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane.tables import Event

CHANNEL = "overskill_events"
"""Where PostgreSQL wakes the servers that pass events on."""


def publish(session: Session, type: str, app_id: str | None, **data: Any) -> Event:
    """Keep an event within a `Database.writing()` transaction; watchers see it once that has committed."""
    event = Event(type=type, app_id=app_id, data=data, at=dt.datetime.now(dt.UTC))
    session.add(event)
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text(f"NOTIFY {CHANNEL}"))  # once it has committed, and once for all of a transaction
    return event

"""What a database has of deliveries and of what they led to."""

import time

import sqlalchemy as sa

from control_plane.database import Database
from control_plane.tables import Delivery, Deployment, Event


def deliveries(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Delivery)) or 0


def worked_off(database: Database, seconds: float = 60) -> None:
    """Waits until nothing is left to do."""
    deadline = time.monotonic() + seconds
    left = sa.select(Delivery.id, Delivery.event, Delivery.error).where(Delivery.done_at.is_(None)).limit(3)
    while True:
        with database.reading() as session:
            waiting = session.execute(left).all()
        if not waiting:
            return
        assert time.monotonic() < deadline, waiting
        time.sleep(0.05)


def deployments(database: Database) -> dict[tuple[str, int], str]:
    """The status of each, by script and run."""
    with database.reading() as session:
        return {(row.script, row.run_id): row.status for row in session.scalars(sa.select(Deployment))}


def deploy_events(database: Database) -> dict[tuple[str, int], list[str]]:
    """What was told of each to those who watch, in its order."""
    told: dict[tuple[str, int], list[str]] = {}
    with database.reading() as session:
        for event in session.scalars(sa.select(Event).where(Event.type.like("deploy.%")).order_by(Event.id)):
            key = event.data["script"], event.data["run"]["id"]
            told.setdefault(key, []).append(event.type.removeprefix("deploy."))
    return told

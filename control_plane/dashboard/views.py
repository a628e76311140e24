"""What the pages show, read in a few queries each, however many apps there are: by keys, never by counting pages."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane import deployments as known
from control_plane import pins, rollback
from control_plane.apps import Declaration, Place
from control_plane.deployments import ENDS
from control_plane.provisioning.records import ENDS as ENDS_OF_PROVISIONS
from control_plane.tables import App, AuditEntry, Deployment, Event, Pin, Provision

ROWS = 50
EARLIER = 20
"""Deployments that a page offers to go back to."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class Part(Generic[Row]):
    """Some rows of a list. `further`: the key after which the next ones are; None: these are the last."""

    rows: Sequence[Row]
    further: str | int | None


@dataclass(frozen=True)
class Phase:
    """A status that a deployment came to, at a time in ISO 8601. `seconds`: how long it stayed; None: it still is."""

    status: str
    at: str
    seconds: float | None


@dataclass(frozen=True)
class ListedApp:
    app: App
    url: str
    latest: Deployment | None


@dataclass(frozen=True)
class ShownPlace:
    """An app in one of its app environments, with its latest deployment there, and those that it can go back to."""

    environment: str
    place: Place
    latest: Deployment | None
    earlier: Sequence[Deployment]
    pin: Pin | None


def apps(session: Session, search: str, state: str, after: str) -> Part[ListedApp]:
    """Apps by their id, the latest production deployment with each. `search` is part of an id, a name or a customer."""
    found = sa.select(App.id).where(App.id > after).order_by(App.id).limit(ROWS + 1)
    for word in search.lower().split():
        found = found.where(App.search.contains(word, autoescape=True))
    if state:
        found = found.where(App.state == "active" if state == "active" else App.state != "active")
    ids = session.scalars(found).all()
    rows = session.scalars(sa.select(App).where(App.id.in_(ids[:ROWS])).order_by(App.id)).all()
    latest = _latest(session, Deployment.app_id, Deployment.environment == "production", ids[:ROWS])
    shown = [ListedApp(app, Declaration(**app.declared).places["production"].url, latest.get(app.id)) for app in rows]
    return Part(shown, ids[ROWS - 1] if len(ids) > ROWS else None)


def places(session: Session, app: App) -> list[ShownPlace]:
    declared = Declaration(**app.declared).places
    latest = _latest(session, Deployment.script, Deployment.app_id == app.id, [p.script for p in declared.values()])
    return [
        ShownPlace(
            name,
            place,
            latest.get(place.script),
            rollback.earlier(known.uploads(session, place.script))[:EARLIER],
            pins.find(session, place.script),
        )
        for name, place in declared.items()
    ]


def deployments(session: Session, app_id: str | None, before: int | None) -> Part[Deployment]:
    """The newest first; of all apps without an `app_id`."""
    query = sa.select(Deployment).where(*[Deployment.app_id == app_id] if app_id else [])
    return _newest(session, query, Deployment.id, before)


def audit(session: Session, subjects: Sequence[str], before: int | None) -> Part[AuditEntry]:
    """The newest first; of all subjects if none is given."""
    query = sa.select(AuditEntry).where(*[AuditEntry.subject.in_(subjects)] if subjects else [])
    return _newest(session, query, AuditEntry.id, before)


def subjects(app: App) -> list[str]:
    """What the audit calls an app and what is its own."""
    return [f"app:{app.id}", *(f"script:{place.script}" for place in Declaration(**app.declared).places.values())]


def provisions(session: Session) -> list[Provision]:
    """The newest, and before them all that are under way."""
    under_way = Provision.status.not_in(ENDS_OF_PROVISIONS)
    query = sa.select(Provision).order_by(under_way.desc(), Provision.created_at.desc()).limit(ROWS)
    return list(session.scalars(query))


def last_event(session: Session) -> int:
    """Where a page that is made now begins to follow the events; it is read before all else of the page."""
    return session.scalar(sa.select(sa.func.max(Event.id))) or 0


def phases(deployment: Deployment) -> list[Phase]:
    """How a deployment came to where it is, in the order of time."""
    told = sorted(deployment.phases.items(), key=lambda phase: phase[1])
    times = [dt.datetime.fromisoformat(at) for _, at in told]
    spans = [*((later - earlier).total_seconds() for earlier, later in pairwise(times)), None]
    return [Phase(status, at, seconds) for (status, at), seconds in zip(told, spans, strict=True)]


def took(deployment: Deployment) -> float | None:
    """Seconds from the first phase to the end; None: it is under way."""
    if deployment.status not in ENDS:
        return None
    times = [dt.datetime.fromisoformat(at) for at in deployment.phases.values()]
    return (max(times) - min(times)).total_seconds()


def _newest(
    session: Session, query: sa.Select[tuple[Row]], key: sa.orm.InstrumentedAttribute[int], before: int | None
) -> Part[Row]:
    if before is not None:
        query = query.where(key < before)
    rows = session.scalars(query.order_by(key.desc()).limit(ROWS + 1)).all()
    return Part(rows[:ROWS], getattr(rows[ROWS - 1], key.key) if len(rows) > ROWS else None)


def _latest(
    session: Session, by: sa.orm.InstrumentedAttribute[str], of: sa.ColumnElement[bool], keys: Sequence[str]
) -> dict[str, Deployment]:
    """The newest deployment for each of `keys`, values of the column `by`."""
    newest = sa.select(sa.func.max(Deployment.id)).where(of, by.in_(keys)).group_by(by)
    found = session.scalars(sa.select(Deployment).where(Deployment.id.in_(newest)))
    return {getattr(deployment, by.key): deployment for deployment in found}

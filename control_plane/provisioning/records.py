"""How far a provision is: its row, and what those who watch and the audit are told of it."""

import datetime as dt
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane import audit, events
from control_plane.tables import App, Provision

Status = Literal["queued", "running", "cancelling", "ready", "destroyed", "failed", "cancelled"]

ENDS: tuple[Status, ...] = ("ready", "destroyed", "failed", "cancelled")
"""Nothing follows them."""

LEFT = "what was made is still there"
"""In the error of a provision that could not be undone."""


def get(session: Session, provision_id: str) -> Provision:
    return session.get_one(Provision, provision_id)


def underway(session: Session, app_id: str) -> Provision | None:
    """What is being done with an app."""
    return session.scalar(sa.select(Provision).where(Provision.app_id == app_id, Provision.status.not_in(ENDS)))


def left_behind(session: Session, app_id: str) -> bool:
    """Whether what is there of an app is of its newest provision: that has failed, and was not undone."""
    newest = sa.select(Provision).where(Provision.app_id == app_id).order_by(Provision.created_at.desc()).limit(1)
    last = session.scalar(newest)
    if last is None or last.status != "failed" or "stack" not in last.steps:
        return False
    return "undo" not in last.steps or LEFT in (last.error or "")


def over_quota(session: Session, customer: str | None, limit: int, app_id: str) -> str | None:
    """What is wrong if the customer had the app too: those that there are count, and those that are being made."""
    if customer is None:
        return None
    apps = sa.select(App.id).where(App.customer == customer)
    coming = sa.select(Provision.app_id).where(
        Provision.customer == customer, Provision.action == "create", Provision.status.not_in(ENDS)
    )
    others = {*session.scalars(apps), *session.scalars(coming)} - {app_id}
    return f"customer {customer} has {len(others)} of {limit} apps" if len(others) >= limit else None


def enter(session: Session, provision: Provision, step: str) -> None:
    """A step begins; one that begins again, after a stop, is told once."""
    if step in provision.steps:
        return
    now = dt.datetime.now(dt.UTC)
    if provision.status == "queued":
        provision.status = "running"
    provision.step, provision.updated_at = step, now
    provision.steps = {**provision.steps, step: now.isoformat(timespec="milliseconds")}
    _tell(session, provision)


def cancel(session: Session, provision: Provision) -> None:
    """Ask for its end; the workflow sees it between two steps, or while it waits."""
    provision.status, provision.updated_at = "cancelling", dt.datetime.now(dt.UTC)
    _tell(session, provision)


def end(session: Session, provision: Provision, status: Status, error: str | None = None) -> None:
    """It is over, told once."""
    if provision.status in ENDS:
        return
    provision.status, provision.error, provision.updated_at = status, error, dt.datetime.now(dt.UTC)
    _tell(session, provision)
    result: audit.Result = "failed" if status == "failed" else "ok"
    details = {"provision": provision.id, "status": status, "error": error}
    audit.append(
        session, audit.Deed("system", f"provision.{provision.action}", f"app:{provision.app_id}", result, None, details)
    )


def public(provision: Provision) -> dict[str, Any]:
    """As the API and the events have it."""
    return {
        "id": provision.id,
        "action": provision.action,
        "app": provision.app_id,
        "customer": provision.customer,
        "status": provision.status,
        "step": provision.step,
        "steps": provision.steps,
        "error": provision.error,
        "created_at": provision.created_at.isoformat(),
        "updated_at": provision.updated_at.isoformat(),
    }


def _tell(session: Session, provision: Provision) -> None:
    events.publish(session, "provision.step", provision.app_id, **public(provision))

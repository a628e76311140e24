"""Pins: scripts that stay as a rollback left them. The broker refuses their deploys until the pin is lifted."""

import datetime as dt

from sqlalchemy.orm import Session

from control_plane import audit, events
from control_plane.tables import Deployment, Pin


def find(session: Session, script: str) -> Pin | None:
    return session.get(Pin, script)


def refusal(session: Session, script: str) -> str | None:
    """Why a deploy of `script` is refused; None where it is not."""
    pin = find(session, script)
    return (
        None
        if pin is None
        else (
            f"{script} is pinned to deployment {pin.deployment_id} since {pin.at:%Y-%m-%d %H:%M} UTC by {pin.actor}: "
            f"nothing is deployed to it until `overskill app unpin {pin.app_id} --environment {pin.environment}`"
        )
    )


def put(session: Session, row: Deployment, actor: str) -> None:
    """Pin the script of a deployment to it, within a `Database.writing()` transaction; a pin that there is moves."""
    pin = find(session, row.script) or Pin(script=row.script, app_id=row.app_id, environment=row.environment)
    pin.deployment_id, pin.actor, pin.at = row.id, actor, dt.datetime.now(dt.UTC)
    session.add(pin)


def lift(session: Session, script: str, *, actor: str, origin: str | None = None) -> bool:
    """Within a `Database.writing()` transaction; whether there was one."""
    pin = find(session, script)
    if pin is None:
        return False
    session.delete(pin)
    details = {"deployment": pin.deployment_id}
    audit.append(session, audit.Deed(actor, "deploy.unpin", f"script:{script}", "ok", origin, details))
    events.publish(session, "deploy.unpinned", pin.app_id, script=script)
    return True

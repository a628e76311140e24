"""The apps that the control plane knows: whoever makes one declares it here."""

import datetime as dt

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from control_plane import audit, events
from control_plane.tables import App
from infra.names import AppEnvironment


class Place(BaseModel):
    """Where an app is in one app environment. `bindings`: its stack's, as Cloudflare's API has them, no secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    script: str
    namespace: str
    url: str
    tags: list[str]
    bindings: list[dict[str, str]]


class Belongings(BaseModel):
    """What an app's stack has beside its scripts and its repository, by name.

    `variables` and `secrets` are the repository's, `webhook` is where that sends its events. `records` are keys of the
    app store, `hostnames` customers' own hosts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visibility: str
    variables: list[str]
    secrets: list[str]
    webhook: str
    records: list[str]
    hostnames: list[str]


class Declaration(BaseModel):
    """An app as its stack declares it: the output `declaration` of an app stack.

    `belongings`: None for an app that was last brought up before its stack told them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    app_id: str
    display_name: str
    plan: str
    repository: str
    repository_id: int
    path_url: str
    places: dict[AppEnvironment, Place]
    belongings: Belongings | None = None


def declare(session: Session, declaration: Declaration, *, actor: str, customer: str | None = None) -> None:
    """Take an app up, or what has changed of it; the `customer` of one that is there stays without a new one."""
    now = dt.datetime.now(dt.UTC)
    app = session.get(App, declaration.app_id)
    content = declaration.model_dump(mode="json")
    if app is not None and app.declared == content and customer in (None, app.customer):
        return
    action = "app.create" if app is None else "app.update"
    if app is None:
        app = App(id=declaration.app_id, state="active", created_at=now)
        session.add(app)
    app.display_name, app.plan = declaration.display_name, declaration.plan
    app.repository, app.repository_id = declaration.repository, declaration.repository_id
    app.declared, app.updated_at = content, now
    app.customer = customer or app.customer
    audit.append(session, audit.Deed(actor, action, f"app:{app.id}"))
    events.publish(session, f"{action}d", app.id)


def forget(session: Session, app_id: str, *, actor: str) -> None:
    """An app that was destroyed, with its deployments; the audit keeps what was done with it."""
    if app := session.get(App, app_id):
        session.delete(app)
        audit.append(session, audit.Deed(actor, "app.destroy", f"app:{app_id}"))
        events.publish(session, "app.destroyed", app_id)

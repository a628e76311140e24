"""The records of the platform, to read: apps, deployments, and the audit of all that was done.

Lists come in pages. `next` of one is `after` of the next, and null on the last. What is added meanwhile moves nothing.
"""

import datetime as dt
from typing import Annotated, Any, Generic, TypeVar

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel
from sqlalchemy.orm import Session

from control_plane import deployments
from control_plane.access import Caller, requires
from control_plane.apps import Declaration
from control_plane.deployments import DeploymentRecord
from control_plane.live import KnownApp
from control_plane.notices import Number, Text
from control_plane.state import GivenPlane
from control_plane.tables import App, AuditEntry, Deployment
from infra.names import AppEnvironment

Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=200)]
Place = Annotated[int | None, Query(ge=0, lt=2**63)]
AppReader = Annotated[Caller, requires("apps:read")]
DeploymentReader = Annotated[Caller, requires("deployments:read")]

router = APIRouter(prefix="/api", tags=["records"])


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next: str | int | None


class PlaceRecord(BaseModel):
    """Where an app is in one app environment, and its newest deployment there."""

    script: str
    url: str
    deployment: DeploymentRecord | None


class AppRecord(BaseModel):
    """An app. `customer` is the builder's own name of its owner; `state` is `active`, or why it is not served."""

    id: str
    display_name: str
    plan: str
    customer: str | None
    repository: str
    state: str
    path_url: str
    environments: dict[AppEnvironment, PlaceRecord]
    created_at: dt.datetime
    updated_at: dt.datetime


class AuditRecord(BaseModel):
    """Who did what, when, from where, with which result. `hash` covers the entry and the hash of the one before it."""

    id: int
    at: dt.datetime
    actor: str
    action: str
    subject: str
    origin: str | None
    result: str
    details: dict[str, Any]
    hash: str


@router.get("/apps")
def list_apps(plane: GivenPlane, _: AppReader, q: Text = "", after: Text = "", limit: Limit = 50) -> Page[AppRecord]:
    """The apps by their ids; with `q`, those whose id or name has it."""
    query = sa.select(App).where(App.id > after).order_by(App.id).limit(limit + 1)
    if q:
        query = query.where(App.id.icontains(q, autoescape=True) | App.display_name.icontains(q, autoescape=True))
    with plane.database.reading() as session:
        rows = session.scalars(query).all()
        return Page(items=_apps(session, rows[:limit]), next=rows[limit - 1].id if len(rows) > limit else None)


@router.get("/apps/{app_id}")
def get_app(app_id: KnownApp, plane: GivenPlane, _: AppReader) -> AppRecord:
    with plane.database.reading() as session:
        (record,) = _apps(session, [session.get_one(App, app_id)])
        return record


@router.get("/apps/{app_id}/deployments")
def list_deployments(
    app_id: KnownApp,
    plane: GivenPlane,
    _: DeploymentReader,
    script: Text | None = None,
    after: Place = None,
    limit: Limit = 50,
) -> Page[DeploymentRecord]:
    """The deployments of an app, the last one first; with `script`, those of one script."""
    query = sa.select(Deployment).where(Deployment.app_id == app_id)
    if script:
        query = query.where(Deployment.script == script)
    with plane.database.reading() as session:
        rows, following = _newest_first(session, query, Deployment.id, after, limit)
        return Page(items=[DeploymentRecord.of(row) for row in rows], next=following)


@router.get("/deployments/{deployment_id}")
def get_deployment(deployment_id: Number, plane: GivenPlane, _: DeploymentReader) -> DeploymentRecord:
    with plane.database.reading() as session:
        if row := session.get(Deployment, deployment_id):
            return DeploymentRecord.of(row)
    raise HTTPException(404, f"there is no deployment {deployment_id}")


@router.get("/audit")
def list_audit(
    plane: GivenPlane,
    _: Annotated[Caller, requires("audit:read")],
    subject: Text | None = None,
    actor: Text | None = None,
    after: Place = None,
    limit: Limit = 50,
) -> Page[AuditRecord]:
    """What was done, the last first; with `subject` or `actor`, what was done to one, or by one."""
    query = sa.select(AuditEntry)
    if subject:
        query = query.where(AuditEntry.subject == subject)
    if actor:
        query = query.where(AuditEntry.actor == actor)
    with plane.database.reading() as session:
        rows, following = _newest_first(session, query, AuditEntry.id, after, limit)
        items = [AuditRecord.model_validate(row, from_attributes=True) for row in rows]
        return Page(items=items, next=following)


def _newest_first(session: Session, query: Any, id: Any, after: int | None, limit: int) -> tuple[list[Any], int | None]:
    """The page of rows after one, by descending ids, and where the next one begins."""
    if after is not None:
        query = query.where(id < after)
    rows = list(session.scalars(query.order_by(id.desc()).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def _apps(session: Session, rows: list[App]) -> list[AppRecord]:
    declared = {row.id: Declaration.model_validate(row.declared) for row in rows}
    scripts = [place.script for declaration in declared.values() for place in declaration.places.values()]
    newest = {script: DeploymentRecord.of(row) for script, row in deployments.latest(session, scripts).items()}
    return [
        AppRecord.model_validate(
            {
                **{name: getattr(row, name) for name in AppRecord.model_fields if hasattr(row, name)},
                "path_url": declared[row.id].path_url,
                "environments": {
                    environment: {
                        "script": place.script,
                        "url": place.url,
                        "deployment": newest.get(place.script),
                    }
                    for environment, place in declared[row.id].places.items()
                },
            }
        )
        for row in rows
    ]

"""Deployments: how far each run of an app's pipeline is with one script, told in any order and more than once."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.orm import Session

from control_plane import audit, events
from control_plane.tables import App, Deployment
from infra.names import AppEnvironment

Status = Literal["queued", "building", "built", "uploaded", "failed", "cancelled", "succeeded"]

STATUSES: tuple[Status, ...] = get_args(Status)
"""None is taken back by one before it. Where several ends are told, a script that went live did so, whatever a later
step of its run made of it; and the step in which a run was cancelled may call that a failure."""

Source = Literal["pipeline", "rollback", "rebuild"]
"""A run of the app's pipeline, or a kept bundle that the platform uploaded again."""

UPLOADS = 200
"""So many deployments of a script, the newest, are looked through for what was live."""

ENDS: dict[Status, audit.Result] = {"failed": "failed", "cancelled": "failed", "succeeded": "ok"}
"""With what the audit calls each."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What somebody tells of a run. `at`: when it came to `status`, by the clock of whoever tells it.

    `run_id` and `run_attempt` are GitHub's; 0 and a number of its own for what is no workflow run: then `source` says
    what it is, `repeats` the deployment whose bundle it has, and `actor` is the audit's. `bundle` is the SHA-256 of
    what was uploaded, `error` what a failed one failed of. What is None is not known by this teller.
    """

    app_id: str
    environment: AppEnvironment
    script: str
    run_id: int
    run_attempt: int
    commit: str
    status: Status
    at: dt.datetime
    ref: str | None = None
    actor: str | None = None
    pull_request: int | None = None
    source: Source = "pipeline"
    repeats: int | None = None
    bundle: str | None = None
    url: str | None = None
    log_url: str | None = None
    error: str | None = None


def record(session: Session, progress: Progress) -> Deployment | None:
    """Take up what is new of it, within a `Database.writing()` transaction.

    The row of the same run, script and app is found or made. A further status is published as an event, and an end is
    in the audit. None: the app is not there, or no longer.
    """
    app = session.get(App, progress.app_id)
    if app is None:
        return None
    row = _row(session, progress)
    advances = row.id is None or STATUSES.index(progress.status) > STATUSES.index(row.status)
    if advances:
        row.status, row.error = progress.status, progress.error
    elif row.status == progress.status:
        row.error = row.error or progress.error
    reached = progress.at.astimezone(dt.UTC)
    told = reached.isoformat(timespec="milliseconds")
    row.phases = row.phases | {progress.status: min(row.phases.get(progress.status, told), told)}
    row.created_at = min(row.created_at, reached)
    for name in ("ref", "actor", "pull_request", "url", "log_url"):
        if getattr(row, name) is None:
            setattr(row, name, getattr(progress, name))
    if progress.bundle or (progress.status == "uploaded" and row.upload is None):
        row.bundle, row.upload = progress.bundle or row.bundle, _next(session, Deployment.upload, row.script)
    if session.is_modified(row):
        row.updated_at = dt.datetime.now(dt.UTC)
    if advances:
        session.add(row)
        session.flush()
        events.publish(session, f"deploy.{row.status}", row.app_id, **public(row))
        if progress.status in ENDS:
            audit.append(session, _deed(app, progress))
    return row


class RunRecord(BaseModel):
    """A run of GitHub Actions; 0 is none."""

    id: int
    attempt: int


class DeploymentRecord(BaseModel):
    """A deployment as the API and the events have it. Times are ISO 8601; `phases` has one for each status.

    `repeats` is the deployment whose bundle a rollback, or a rebuild, has uploaded again.
    """

    id: int
    app: str
    environment: AppEnvironment
    script: str
    run: RunRecord
    commit: str
    ref: str | None
    actor: str | None
    pull_request: int | None
    status: Status
    source: Source
    repeats: int | None
    bundle: str | None
    url: str | None
    log_url: str | None
    error: str | None
    phases: dict[Status, str]
    created_at: str

    @classmethod
    def of(cls, row: Deployment) -> Self:
        own = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        run = RunRecord(id=row.run_id, attempt=row.run_attempt)
        return cls(**{**own, "app": row.app_id, "run": run, "created_at": row.created_at.isoformat()})


def public(row: Deployment) -> dict[str, Any]:
    """Its record, as JSON."""
    return DeploymentRecord.of(row).model_dump(mode="json")


def latest(session: Session, scripts: Collection[str]) -> dict[str, Deployment]:
    """The newest deployment of each script that has one."""
    newest = (
        sa.select(Deployment.script, sa.func.max(Deployment.created_at))
        .where(Deployment.script.in_(scripts))
        .group_by(Deployment.script)
    )
    rows = sa.select(Deployment).where(sa.tuple_(Deployment.script, Deployment.created_at).in_(newest))
    return {row.script: row for row in session.scalars(rows.order_by(Deployment.id))}


def uploads(session: Session, script: str) -> list[Deployment]:
    """The deployments that came to be what `script` is, the last one first; the first of them is what it is now."""
    uploaded = sa.select(Deployment).where(Deployment.script == script, Deployment.upload.is_not(None))
    return list(session.scalars(uploaded.order_by(Deployment.upload.desc()).limit(UPLOADS)))


def next_attempt(session: Session, script: str) -> int:
    """The number of its own of what is no workflow run, within a `Database.writing()` transaction."""
    return _next(session, Deployment.run_attempt, script, Deployment.run_id == 0)


def _next(session: Session, number: sa.orm.InstrumentedAttribute[Any], script: str, *among: Any) -> int:
    """One more than the highest of a script's."""
    return (session.scalar(sa.select(sa.func.max(number)).where(Deployment.script == script, *among)) or 0) + 1


def _deed(app: App, progress: Progress) -> audit.Deed:
    return audit.Deed(
        f"run:{app.repository}/{progress.run_id}" if progress.run_id else progress.actor or "system",
        f"deploy.{progress.status}",
        f"script:{progress.script}",
        ENDS[progress.status],
        details={"commit": progress.commit, "by": progress.actor},
    )


def _row(session: Session, progress: Progress) -> Deployment:
    found = session.scalar(
        sa.select(Deployment).where(
            Deployment.app_id == progress.app_id,
            Deployment.script == progress.script,
            Deployment.run_id == progress.run_id,
            Deployment.run_attempt == progress.run_attempt,
        )
    )
    now = dt.datetime.now(dt.UTC)
    return found or Deployment(
        app_id=progress.app_id,
        environment=progress.environment,
        script=progress.script,
        run_id=progress.run_id,
        run_attempt=progress.run_attempt,
        commit=progress.commit,
        status=progress.status,
        source=progress.source,
        repeats=progress.repeats,
        phases={},
        created_at=now,
        updated_at=now,
    )

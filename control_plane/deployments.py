"""Deployments: how far each run of an app's pipeline is with one script, told in any order and more than once."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane import events
from control_plane.tables import App, Deployment
from infra.names import AppEnvironment

Status = Literal["queued", "building", "built", "uploaded", "cancelled", "failed", "succeeded"]

STATUSES: tuple[Status, ...] = get_args(Status)
"""None is taken back by one before it. Where several ends are told, a script that went live did so, whatever a later
step of its run made of it."""

ENDS = frozenset[Status](["cancelled", "failed", "succeeded"])


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What somebody tells of a run. `at`: when it came to `status`, by the clock of whoever tells it.

    `run_id` and `run_attempt` are GitHub's; 0 and a number of its own for what is no workflow run. `bundle` is the
    SHA-256 of what was uploaded, `error` what a failed one failed of. What is None is not known by this teller.
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
    bundle: str | None = None
    url: str | None = None
    log_url: str | None = None
    error: str | None = None


def record(session: Session, progress: Progress) -> Deployment | None:
    """Take up what is new of it, within a `Database.writing()` transaction; a further status is published as an event.

    The row of the same run, script and app is found or made. None: the app is not there, or no longer.
    """
    if session.get(App, progress.app_id) is None:
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
    for name in ("ref", "actor", "pull_request", "bundle", "url", "log_url"):
        if getattr(row, name) is None:
            setattr(row, name, getattr(progress, name))
    if session.is_modified(row):
        row.updated_at = dt.datetime.now(dt.UTC)
    if advances:
        session.add(row)
        session.flush()
        events.publish(session, f"deploy.{row.status}", row.app_id, **public(row))
    return row


def public(row: Deployment) -> dict[str, Any]:
    """A deployment as the API and the events have it: JSON, times as ISO 8601."""
    return {
        "id": row.id,
        "app": row.app_id,
        "environment": row.environment,
        "script": row.script,
        "run": {"id": row.run_id, "attempt": row.run_attempt},
        "commit": row.commit,
        "ref": row.ref,
        "actor": row.actor,
        "pull_request": row.pull_request,
        "status": row.status,
        "bundle": row.bundle,
        "url": row.url,
        "log_url": row.log_url,
        "error": row.error,
        "phases": row.phases,
        "created_at": row.created_at.isoformat(),
    }


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
        phases={},
        created_at=now,
        updated_at=now,
    )

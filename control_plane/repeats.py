"""Deployments that no run has made: a kept bundle, uploaded again by the platform itself."""

import datetime as dt
from typing import cast

from sqlalchemy.orm import Session

from control_plane import deployments
from control_plane.broker.permission import Target
from control_plane.deployments import Progress, Source, Status
from control_plane.tables import Deployment
from infra.names import AppEnvironment


def begun(  # noqa: PLR0913 - what the row has
    session: Session, target: Target, of: Deployment, *, source: Source, actor: str, repeats: int | None
) -> Deployment | None:
    """The bundle `of` another deployment was uploaded to `target`, within a `Database.writing()` transaction.

    None: there is no such app any more.
    """
    return deployments.record(
        session,
        Progress(
            app_id=target.app_id,
            environment=target.environment,
            script=target.script,
            run_id=0,
            run_attempt=deployments.next_attempt(session, target.script),
            commit=of.commit,
            status="uploaded",
            at=dt.datetime.now(dt.UTC),
            ref=of.ref,
            actor=actor,
            source=source,
            repeats=repeats,
            bundle=of.bundle,
            url=target.place.url,
        ),
    )


def ended(session: Session, row: Deployment, status: Status, problem: str | None) -> Deployment | None:
    """How it has come out, likewise."""
    return deployments.record(
        session,
        Progress(
            app_id=row.app_id,
            environment=cast(AppEnvironment, row.environment),
            script=row.script,
            run_id=row.run_id,
            run_attempt=row.run_attempt,
            commit=row.commit,
            status=status,
            at=dt.datetime.now(dt.UTC),
            actor=row.actor,
            error=problem,
        ),
    )

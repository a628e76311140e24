"""What GitHub tells of the apps' repositories: pushes and pull requests for those who watch, and runs that ended.

A run's own notices say more and come first; GitHub's word counts where there was none: a run that waits for a machine,
or that ended without a word, cancelled or lost.
"""

from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.orm import Session

from control_plane import deployments, events
from control_plane.apps import Declaration
from control_plane.deployments import Progress, Status
from control_plane.notices import Number, Text, UnknownApp
from control_plane.pipeline import BRANCHES, WORKFLOW
from control_plane.settings import Url
from control_plane.tables import App, Deployment
from infra.names import AppEnvironment

ENDS: dict[str, Status] = {
    "success": "succeeded",
    "cancelled": "cancelled",
    "failure": "failed",
    "startup_failure": "failed",
    "timed_out": "failed",
}
"""By the conclusion of a run; others say nothing of a deploy."""


class Named(BaseModel):
    id: Number


class User(BaseModel):
    login: Text


class OfRepository(BaseModel):
    """Every event of a repository."""

    repository: Named
    sender: User


class NamedRepository(BaseModel):
    name: Text


class Ping(BaseModel):
    """A new webhook's first event. An app's repository has the app's id for a name."""

    repository: NamedRepository


class Push(OfRepository):
    ref: Text
    after: Text


class PullRequest(OfRepository):
    action: Text
    number: Number


class Run(BaseModel):
    id: Number
    run_attempt: Annotated[int, Field(ge=1, lt=2**31)]
    path: Text
    event: Text
    head_branch: Text | None
    head_sha: Text
    conclusion: Text | None
    html_url: Url
    run_started_at: AwareDatetime
    updated_at: AwareDatetime


class WorkflowRun(OfRepository):
    action: Literal["requested", "in_progress", "completed"]
    workflow_run: Run


EVENTS: dict[str, type[OfRepository]] = {"push": Push, "pull_request": PullRequest, "workflow_run": WorkflowRun}
"""The events that matter, by GitHub's name."""


def take(session: Session, app_id: str, event: OfRepository) -> None:
    """Record it, and tell who watches. Raises `UnknownApp`."""
    app = session.get(App, app_id)
    if app is None:
        raise UnknownApp(f"there is no app {app_id}")
    match event:
        case Push():
            events.publish(
                session, "repository.push", app_id, ref=event.ref, commit=event.after, actor=event.sender.login
            )
        case PullRequest():
            told = {"action": event.action, "pull_request": event.number, "actor": event.sender.login}
            events.publish(session, "repository.pull_request", app_id, **told)
        case WorkflowRun():
            _take_run(session, app, event)


def _take_run(session: Session, app: App, event: WorkflowRun) -> None:
    run = event.workflow_run
    status, at = (
        ("queued", run.run_started_at)
        if event.action == "requested"
        else (ENDS.get(run.conclusion or ""), run.updated_at)
    )
    if run.path.partition("@")[0] != WORKFLOW or status is None:
        return
    for environment, script in _scripts(session, app, run):
        deployments.record(
            session,
            Progress(
                app_id=app.id,
                environment=environment,
                script=script,
                run_id=run.id,
                run_attempt=run.run_attempt,
                commit=run.head_sha,
                ref=run.head_branch and f"refs/heads/{run.head_branch}",
                actor=event.sender.login,
                status=status,
                at=at,
                log_url=run.html_url,
            ),
        )


def _scripts(session: Session, app: App, run: Run) -> list[tuple[AppEnvironment, str]]:
    """What a run deploys: of a push, by its branch; else what it has told itself, since one may take a preview away."""
    environment = BRANCHES.get(run.head_branch or "")
    place = environment and Declaration.model_validate(app.declared).places.get(environment)
    if run.event == "push" and environment and place:
        return [(environment, place.script)]
    own = sa.select(Deployment.environment, Deployment.script).where(
        Deployment.app_id == app.id, Deployment.run_id == run.id, Deployment.run_attempt == run.run_attempt
    )
    return [(row.environment, row.script) for row in session.execute(own)]

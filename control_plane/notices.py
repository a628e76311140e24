"""What an app's pipeline tells of its deploys: from `deploy.started` on."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy.orm import Session

from control_plane import deployments
from control_plane.deployments import Progress, Status
from control_plane.settings import Url
from infra.names import AppEnvironment, Script, parse_script

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL keeps none; and what a pattern is tried on has no half of a character, which nothing can keep."""

Text = Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)]
LongText = Annotated[str, StringConstraints(max_length=20_000, pattern=NO_NUL)]
Number = Annotated[int, Field(ge=1, lt=2**63)]
Type = Literal[
    "deploy.started", "deploy.built", "deploy.uploaded", "deploy.succeeded", "deploy.failed", "deploy.cancelled"
]

STATUSES: dict[Type, Status] = {
    "deploy.started": "building",
    "deploy.built": "built",
    "deploy.uploaded": "uploaded",
    "deploy.succeeded": "succeeded",
    "deploy.failed": "failed",
    "deploy.cancelled": "cancelled",
}


def _near(at: dt.datetime) -> dt.datetime:
    """A clock may be wrong, but not by a day; and the first and the last years are none in every zone."""
    if not dt.datetime(2020, 1, 1, tzinfo=dt.UTC) < at < dt.datetime.now(dt.UTC) + dt.timedelta(days=1):
        raise ValueError("is no time of a deploy: before 2020, or more than a day ahead")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_near)]


class UnknownApp(LookupError):
    """The app is not there: not yet, where its first run was faster than the record of it, or no longer."""


class Run(BaseModel):
    """A run of GitHub Actions."""

    id: Number
    attempt: Annotated[int, Field(ge=1, lt=2**31)]
    url: Url


class Notice(BaseModel):
    """How far a deploy is. `url`: where the script answers. What a newer pipeline tells besides is ignored."""

    model_config = ConfigDict(frozen=True)

    type: Type
    app: Text
    environment: AppEnvironment
    script: Text
    commit: Text
    pull_request: Number | None
    run: Run
    actor: Text
    at: Moment
    ref: Text | None = None
    url: Url | None = None
    error: LongText | None = None

    @model_validator(mode="after")
    def script_of_app(self) -> Self:
        own = Script(app_id=self.app, environment=self.environment, pull_request=self.pull_request)
        if parse_script(self.script) != own:
            raise ValueError(f"script {self.script!r} is not {self.app}'s in {self.environment}: that is {own.name}")
        return self


def take(session: Session, app_id: str, notice: Notice) -> None:
    """Record it. Raises `UnknownApp`."""
    taken = deployments.record(
        session,
        Progress(
            app_id=app_id,
            environment=notice.environment,
            script=notice.script,
            run_id=notice.run.id,
            run_attempt=notice.run.attempt,
            commit=notice.commit,
            ref=notice.ref,
            actor=notice.actor,
            pull_request=notice.pull_request,
            status=STATUSES[notice.type],
            at=notice.at,
            url=notice.url,
            log_url=notice.run.url,
            error=notice.error,
        ),
    )
    if taken is None:
        raise UnknownApp(f"there is no app {app_id}")

"""What is sent of a check run: its state, and its report with annotations."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from local_cloud.call import Strict
from local_cloud.github.commit_statuses import Url

MAX_ANNOTATIONS = 50
"""Of a call; each call may add some."""
MAX_BYTES = 65_535


def _check_time(time: str) -> str:
    moment = datetime.fromisoformat(time)
    if moment.tzinfo is None:
        raise ValueError("must be a date and time with a time zone, such as 2026-01-01T00:00:00Z")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Time = Annotated[str, AfterValidator(_check_time)]
Text = Annotated[str, Field(max_length=MAX_BYTES)]


class Annotation(Strict):
    path: str
    start_line: int
    end_line: int
    start_column: int | None = None
    end_column: int | None = None
    annotation_level: Literal["notice", "warning", "failure"]
    message: str
    title: str | None = None
    raw_details: str | None = None


class Image(Strict):
    alt: str
    image_url: str
    caption: str | None = None


class Output(Strict):
    title: str | None = None
    summary: Text
    text: Text | None = None
    annotations: Annotated[list[Annotation], Field(max_length=MAX_ANNOTATIONS)] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)


class Action(Strict):
    label: Annotated[str, Field(max_length=20)]
    description: Annotated[str, Field(max_length=40)]
    identifier: Annotated[str, Field(max_length=20)]


class ChangedRun(Strict):
    """What is not sent stays. A conclusion completes the run."""

    name: str | None = None
    details_url: Url | None = None
    external_id: str | None = None
    status: Literal["queued", "in_progress", "completed"] | None = None
    started_at: Time | None = None
    conclusion: (
        Literal["action_required", "cancelled", "failure", "neutral", "skipped", "success", "timed_out"] | None
    ) = None
    completed_at: Time | None = None
    output: Output | None = None
    actions: Annotated[list[Action], Field(max_length=3)] | None = None


class NewRun(ChangedRun):
    name: str
    head_sha: str

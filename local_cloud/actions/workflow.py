"""A workflow file, as far as the local cloud has to understand it; what its steps do is act's to know."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from local_cloud.actions.shapes import misshapen

FOLDER = ".github/workflows/"
RUNNERS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", "ubuntu-slim", "self-hosted")
"""The labels that this machine answers to."""


SCOPES = (
    *("actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues", "models"),
    *("packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses"),
)
"""What a workflow may give its jobs permission for."""

RESTRICTED = {"contents": "read", "packages": "read"}
"""What jobs may do whose workflow says nothing, where an organisation has left GitHub's default."""


class WorkflowError(ValueError):
    """The file is not a workflow; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Concurrency:
    """`group` and `cancel` (whether to cancel what runs) are expressions."""

    group: str
    cancel: str = "false"


@dataclass(frozen=True, kw_only=True)
class Step:
    """`id` is what act calls it: its id, or else its position. `guarded`: it, or its job, has an `if`."""

    id: str
    name: str
    uses: str
    guarded: bool


@dataclass(frozen=True, kw_only=True)
class Job:
    """`name`, `environment` and `environment_url` are expressions, or empty. `problems`: what it asks for that can't be
    had here."""

    id: str
    name: str
    environment: str
    environment_url: str
    needs: tuple[str, ...]
    permissions: Mapping[str, str]
    labels: tuple[str, ...]
    steps: tuple[Step, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """`events` has the filters of each event by its name; every scalar in them is a text."""

    path: str
    name: str
    run_name: str
    events: Mapping[str, Mapping[str, Any]]
    concurrency: Concurrency | None
    jobs: Mapping[str, Job]


def read(path: str, text: str) -> Workflow:
    """Raises `WorkflowError`."""
    try:
        # Without types: `on` is a name, 1.10 is no number.
        document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - a safe loader, which makes nothing but texts
    except yaml.YAMLError as error:
        raise WorkflowError(f"{path} is not YAML: {error}") from None
    if problem := misshapen(document):
        raise WorkflowError(f"{path}: {problem}")
    if jobs := [name for name, job in document["jobs"].items() if not job.get("steps") and not job.get("uses")]:
        raise WorkflowError(f"{path}: without steps: {', '.join(jobs)}")
    permissions = _permissions(document.get("permissions"), RESTRICTED)
    return Workflow(
        path=path,
        name=document.get("name") or path,
        run_name=document.get("run-name") or "",
        events=_events(document["on"]),
        concurrency=_concurrency(document.get("concurrency")),
        jobs={name: _job(name, job, permissions) for name, job in document["jobs"].items()},
    )


def texts(value: Any) -> list[str]:
    """One text, or a list of them."""
    return [value] if isinstance(value, str) and value else list(value or [])


def _events(value: Any) -> Mapping[str, Mapping[str, Any]]:
    if isinstance(value, str | list):
        return {name: {} for name in texts(value)}
    return {name: filters if isinstance(filters, dict) else {} for name, filters in value.items()}


def _concurrency(value: Any) -> Concurrency | None:
    if not value:
        return None
    if isinstance(value, str):
        return Concurrency(group=value)
    return Concurrency(group=value["group"], cancel=value.get("cancel-in-progress", "false"))


def _permissions(value: Any, inherited: Mapping[str, str]) -> Mapping[str, str]:
    """Levels by scope. `write-all` gives an identity token too."""
    match value:
        case None | "":
            return inherited
        case "read-all" | "write-all":
            return dict.fromkeys(SCOPES, value.removesuffix("-all"))
        case _:
            return value


def _job(name: str, value: Mapping[str, Any], inherited: Mapping[str, str]) -> Job:
    environment = value.get("environment") or ""
    labels = value.get("runs-on") or []
    return Job(
        id=name,
        name=value.get("name") or "",
        environment=environment["name"] if isinstance(environment, dict) else environment,
        environment_url=environment.get("url", "") if isinstance(environment, dict) else "",
        needs=tuple(texts(value.get("needs"))),
        permissions=_permissions(value.get("permissions"), inherited),
        labels=tuple(texts(labels["labels"] if isinstance(labels, dict) else labels)),
        steps=tuple(_steps(value.get("steps", []), guarded="if" in value)),
        problems=tuple(_problems(value, labels)),
    )


def _steps(values: list[Any], *, guarded: bool) -> Iterator[Step]:
    for position, value in enumerate(values):
        uses = value.get("uses", "")
        what = uses or value.get("run", "").strip().partition("\n")[0]
        name = value.get("name") or f"Run {what}"
        yield Step(id=value.get("id") or str(position), name=name, uses=uses, guarded=guarded or "if" in value)


def _problems(job: Mapping[str, Any], labels: Any) -> Iterator[str]:
    if "uses" in job:
        yield f"uses: {job['uses']} (a reusable workflow)"
    for key in ("container", "services", "concurrency"):
        if key in job:
            yield f"{key} of a job"
    if isinstance(labels, str) and "${{" in labels:
        return
    for label in texts(labels["labels"] if isinstance(labels, dict) else labels):
        if label not in RUNNERS:
            yield f"runs-on: {label}; there are {', '.join(RUNNERS)}"

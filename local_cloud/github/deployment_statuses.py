"""Statuses of deployments: what has become of them, and where what they deployed is to be seen."""

from typing import Any, Literal

from local_cloud.call import Answer, Call, Strict
from local_cloud.github.access import caller
from local_cloud.github.commit_statuses import Description, Url
from local_cloud.github.deployment import (
    DEPLOYMENT,
    deployment_of,
    is_active,
    put,
    status_shown,
    statuses_of,
    tell,
)
from local_cloud.github.dialect import Created, not_found, now, page
from local_cloud.github.environments import ensure
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="deployments")

STATUSES = f"{DEPLOYMENT}/statuses"


class NewStatus(Strict):
    """`log_url` is the newer name of `target_url`."""

    state: Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]
    target_url: Url = ""
    log_url: Url = ""
    description: Description = ""
    environment: str | None = None
    environment_url: Url = ""
    auto_inactive: bool = True


@routes.on("POST", STATUSES)
def create_status(call: Call) -> Created:
    """A success makes the earlier deployments of the environment inactive, if it is none of those that are kept."""
    repository, sent = writable_repository_of(call), call.json(NewStatus)
    deployment = deployment_of(call, repository)
    if sent.environment:
        ensure(call, repository, sent.environment)
        deployment = {**deployment, "environment": sent.environment}
    deployment = put(call, repository, deployment)
    log = sent.log_url or sent.target_url
    links = {"target_url": log, "log_url": log, "environment_url": sent.environment_url}
    status = _add(call, repository, deployment, sent.state, description=sent.description, **links)
    if sent.state == "success" and sent.auto_inactive:
        _end_others(call, repository, deployment)
    if sent.state != "inactive":
        tell(call, repository, deployment, status)
    return Created(body=status_shown(call, repository, status))


@routes.on("GET", STATUSES)
def list_statuses(call: Call) -> Answer:
    """The newest first."""
    call.filters("page", "per_page")
    repository = repository_of(call)
    statuses = statuses_of(call, repository, deployment_of(call, repository))
    return page(call, [status_shown(call, repository, status) for status in reversed(statuses)])


@routes.on("GET", f"{STATUSES}/{{status}}")
def get_status(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    statuses = statuses_of(call, repository, deployment_of(call, repository))
    found = [status for status in statuses if str(status["id"]) == call["status"]]
    if not found:
        raise not_found()
    return status_shown(call, repository, found[0])


def _end_others(call: Call, repository: Document, deployment: Document) -> None:
    for other in call.store.values("deployments", str(repository["id"])):
        kept = other["transient_environment"] or other["production_environment"]
        same = other["environment"] == deployment["environment"] and other["id"] < deployment["id"]
        if same and not kept and is_active(call, repository, other):
            _add(call, repository, other, "inactive")


def _add(call: Call, repository: Document, deployment: Document, state: str, **fields: str) -> Document:
    at = now()
    status = {
        "id": call.store.next_number(),
        "deployment": deployment["id"],
        "state": state,
        **dict.fromkeys(("description", "target_url", "log_url", "environment_url"), ""),
        **fields,
        "environment": deployment["environment"],
        "bot": caller(call).bot,
        "created_at": at,
        "updated_at": at,
    }
    call.store.put("deployment_statuses", str(repository["id"]), f"{deployment['id']}/{status['id']:012}", status)
    return status

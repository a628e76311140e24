"""Statuses of deployments: what has become of them, and where what they deployed is to be seen."""

from typing import Any, Literal

from local_cloud.call import Answer, Call, Strict
from local_cloud.github.access import caller
from local_cloud.github.commit_statuses import Description, Url
from local_cloud.github.deployment import add_status, event, put, status_shown, statuses_of
from local_cloud.github.deployments import DEPLOYMENT, deployment_of
from local_cloud.github.dialect import Created, not_found, page
from local_cloud.github.environments import ensure
from local_cloud.github.outbox import announce
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable

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
        ensure(call.cloud, repository, sent.environment)
        deployment = {**deployment, "environment": sent.environment}
    deployment = put(call.cloud, repository, deployment)
    log = sent.log_url or sent.target_url
    links = {"target_url": log, "log_url": log, "environment_url": sent.environment_url}
    fields = {"by": caller(call).login, "state": sent.state, "description": sent.description, **links}
    status = add_status(call.cloud, repository, deployment, fields, ends=sent.auto_inactive)
    if sent.state != "inactive":
        announce(call.cloud, repository, event(call.cloud, repository, deployment, status))
    return Created(body=status_shown(call.cloud, repository, status))


@routes.on("GET", STATUSES)
def list_statuses(call: Call) -> Answer:
    """The newest first."""
    call.filters("page", "per_page")
    repository = repository_of(call)
    statuses = statuses_of(call.cloud, repository, deployment_of(call, repository))
    return page(call, [status_shown(call.cloud, repository, status) for status in reversed(statuses)])


@routes.on("GET", f"{STATUSES}/{{status}}")
def get_status(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    statuses = statuses_of(call.cloud, repository, deployment_of(call, repository))
    found = [status for status in statuses if str(status["id"]) == call["status"]]
    if not found:
        raise not_found()
    return status_shown(call.cloud, repository, found[0])

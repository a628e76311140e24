"""A deployment and its statuses: their rows, what the API shows of them, and the events that tell of them."""

from typing import Any

from local_cloud.cloud import Cloud
from local_cloud.github import numbered
from local_cloud.github.accounts import account
from local_cloud.github.app import performer_shown
from local_cloud.github.dialect import now
from local_cloud.github.environments import ensure
from local_cloud.github.events import Event, setting
from local_cloud.github.places import api_url
from local_cloud.store import Document

PRODUCTION = "production"


def add(cloud: Cloud, repository: Document, by: str, fields: Document) -> Document:
    """A new deployment, and its environment if that is missing. `fields` are `sha`, `ref`, `environment`, and whatever
    is not as usual."""
    ensure(cloud, repository, fields["environment"])
    at = now()
    deployment = {
        "id": cloud.store.next_number(),
        "task": "deploy",
        "payload": {},
        "description": None,
        "transient_environment": False,
        "production_environment": fields["environment"] == PRODUCTION,
        **fields,
        "original_environment": fields["environment"],
        "by": by,
        "created_at": at,
    }
    return put(cloud, repository, deployment)


def put(cloud: Cloud, repository: Document, deployment: Document) -> Document:
    deployment = {**deployment, "updated_at": now()}
    numbered.put(cloud, repository, "deployments", deployment)
    return deployment


def remove(cloud: Cloud, repository: Document, deployment: Document) -> None:
    numbered.delete(cloud, repository, "deployments", deployment)
    for status in statuses_of(cloud, repository, deployment):
        cloud.store.delete("deployment_statuses", str(repository["id"]), _status_key(status))


def add_status(
    cloud: Cloud, repository: Document, deployment: Document, fields: Document, *, ends: bool = True
) -> Document:
    """A new status. `fields` are `by`, `state`, and whatever is not empty. A success `ends` the earlier deployments of
    the environment, but for those that are kept."""
    at = now()
    status = {
        "id": cloud.store.next_number(),
        "deployment": deployment["id"],
        **dict.fromkeys(("description", "target_url", "log_url", "environment_url"), ""),
        **fields,
        "environment": deployment["environment"],
        "created_at": at,
        "updated_at": at,
    }
    cloud.store.put("deployment_statuses", str(repository["id"]), _status_key(status), status)
    if status["state"] == "success" and ends:
        for other in cloud.store.values("deployments", str(repository["id"])):
            kept = other["transient_environment"] or other["production_environment"]
            same = other["environment"] == deployment["environment"] and other["id"] < deployment["id"]
            if same and not kept and is_active(cloud, repository, other):
                add_status(cloud, repository, other, {"by": status["by"], "state": "inactive"})
    return status


def statuses_of(cloud: Cloud, repository: Document, deployment: Document) -> list[Document]:
    """The oldest first."""
    return cloud.store.below("deployment_statuses", str(repository["id"]), str(deployment["id"]))


def is_active(cloud: Cloud, repository: Document, deployment: Document) -> bool:
    """Whether its last status is a success."""
    states = [status["state"] for status in statuses_of(cloud, repository, deployment)]
    return states[-1:] == ["success"]


def deployment_shown(cloud: Cloud, repository: Document, deployment: Document) -> dict[str, Any]:
    url = api_url(cloud, repository)
    return {
        **{key: value for key, value in deployment.items() if key != "by"},
        "node_id": f"DE_{deployment['id']}",
        "url": f"{url}/deployments/{deployment['id']}",
        "statuses_url": f"{url}/deployments/{deployment['id']}/statuses",
        "repository_url": url,
        **_author(cloud, deployment),
    }


def status_shown(cloud: Cloud, repository: Document, status: Document) -> dict[str, Any]:
    url = api_url(cloud, repository)
    deployment = f"{url}/deployments/{status['deployment']}"
    return {
        **{key: value for key, value in status.items() if key not in {"by", "deployment"}},
        "node_id": f"DES_{status['id']}",
        "url": f"{deployment}/statuses/{status['id']}",
        "deployment_url": deployment,
        "repository_url": url,
        **_author(cloud, status),
    }


def event(cloud: Cloud, repository: Document, deployment: Document, status: Document | None = None) -> Event:
    """That a deployment was made, or a status of it."""
    payload = {
        "action": "created",
        "deployment": deployment_shown(cloud, repository, deployment),
        "workflow": None,
        "workflow_run": None,
        **setting(cloud, repository, (status or deployment)["by"]),
    }
    if status is None:
        return Event(name="deployment", payload=payload)
    payload |= {"deployment_status": status_shown(cloud, repository, status), "check_run": None}
    return Event(name="deployment_status", payload=payload)


def _status_key(status: Document) -> str:
    return f"{status['deployment']}/{numbered.key(status['id'])}"


def _author(cloud: Cloud, made: Document) -> dict[str, Any]:
    by = made["by"]
    return {"creator": account(cloud, by), "performed_via_github_app": performer_shown(cloud, by)}

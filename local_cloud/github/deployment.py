"""A deployment and its statuses as the API shows them, and the events that tell of them."""

from typing import Any

from local_cloud.call import Call
from local_cloud.github.access import account, caller
from local_cloud.github.app import app_shown
from local_cloud.github.dialect import not_found, now
from local_cloud.github.events import setting
from local_cloud.github.outbox import Event, announce
from local_cloud.github.places import api_url
from local_cloud.store import Document

DEPLOYMENTS = "/repos/{owner}/{repo}/deployments"
DEPLOYMENT = f"{DEPLOYMENTS}/{{deployment}}"


def deployment_of(call: Call, repository: Document) -> Document:
    """The deployment in the call's path, or 404."""
    deployment = call.store.get("deployments", str(repository["id"]), _key(call["deployment"]))
    if not deployment:
        raise not_found()
    return deployment


def put(call: Call, repository: Document, deployment: Document) -> Document:
    deployment = {**deployment, "updated_at": now()}
    call.store.put("deployments", str(repository["id"]), _key(deployment["id"]), deployment)
    return deployment


def remove(call: Call, repository: Document, deployment: Document) -> None:
    scope, number = str(repository["id"]), deployment["id"]
    call.store.delete("deployments", scope, _key(number))
    for status in statuses_of(call, repository, deployment):
        call.store.delete("deployment_statuses", scope, f"{number}/{status['id']:012}")


def statuses_of(call: Call, repository: Document, deployment: Document) -> list[Document]:
    """The oldest first."""
    return call.store.below("deployment_statuses", str(repository["id"]), str(deployment["id"]))


def is_active(call: Call, repository: Document, deployment: Document) -> bool:
    """Whether its last status is a success."""
    states = [status["state"] for status in statuses_of(call, repository, deployment)]
    return states[-1:] == ["success"]


def deployment_shown(call: Call, repository: Document, deployment: Document) -> dict[str, Any]:
    url = api_url(call.cloud, repository)
    return {
        **{key: value for key, value in deployment.items() if key != "bot"},
        "node_id": f"DE_{deployment['id']}",
        "url": f"{url}/deployments/{deployment['id']}",
        "statuses_url": f"{url}/deployments/{deployment['id']}/statuses",
        "repository_url": url,
        **_author(call, deployment),
    }


def status_shown(call: Call, repository: Document, status: Document) -> dict[str, Any]:
    url = api_url(call.cloud, repository)
    deployment = f"{url}/deployments/{status['deployment']}"
    return {
        **{key: value for key, value in status.items() if key not in {"bot", "deployment"}},
        "node_id": f"DES_{status['id']}",
        "url": f"{deployment}/statuses/{status['id']}",
        "deployment_url": deployment,
        "repository_url": url,
        **_author(call, status),
    }


def tell(call: Call, repository: Document, deployment: Document, status: Document | None = None) -> None:
    """That a deployment was made, or a status of it."""
    payload = {
        "action": "created",
        "deployment": deployment_shown(call, repository, deployment),
        "workflow": None,
        "workflow_run": None,
        **setting(call.cloud, repository, caller(call)),
    }
    if status is None:
        announce(call.cloud, repository, Event(name="deployment", payload=payload))
        return
    payload |= {"deployment_status": status_shown(call, repository, status), "check_run": None}
    announce(call.cloud, repository, Event(name="deployment_status", payload=payload))


def _key(number: int | str) -> str:
    return f"{int(number):012}" if str(number).isdecimal() else ""


def _author(call: Call, made: Document) -> dict[str, Any]:
    app = app_shown(call.cloud) if made["bot"] else None
    return {"creator": account(call.cloud, bot=made["bot"]), "performed_via_github_app": app}

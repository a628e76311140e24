"""Deployment environments of a repository, with their wait timer and branch policy."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from local_cloud.call import Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.github.dialect import not_found, now, unserved
from local_cloud.github.places import api_url, html_url
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="administration")

ENVIRONMENTS = "/repos/{owner}/{repo}/environments"
MAX_WAIT_MINUTES = 43_200


class BranchPolicy(Strict):
    protected_branches: bool
    custom_branch_policies: bool

    @model_validator(mode="after")
    def _one_of_two(self) -> "BranchPolicy":
        if self.protected_branches == self.custom_branch_policies:
            raise ValueError("protected_branches and custom_branch_policies cannot have the same value")
        return self


class Environment(Strict):
    wait_timer: Annotated[int, Field(ge=0, le=MAX_WAIT_MINUTES)] = 0
    can_admins_bypass: bool = True
    prevent_self_review: bool = False
    reviewers: list[Any] | None = None
    deployment_branch_policy: BranchPolicy | None = None


@routes.on("GET", ENVIRONMENTS, permission="actions")
def list_environments(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    environments = call.store.values("environments", str(repository["id"]))
    listed = [_shown(call, repository, environment) for environment in environments]
    return {"total_count": len(listed), "environments": listed}


@routes.on("PUT", f"{ENVIRONMENTS}/{{environment}}")
def put_environment(call: Call) -> dict[str, Any]:
    """Make an environment, or replace its rules."""
    repository = writable_repository_of(call)
    sent = call.json(Environment) if call.body else Environment()
    if sent.reviewers or sent.prevent_self_review:
        raise unserved("reviewers of an environment: there are no users or teams")
    return _shown(call, repository, _put(call.cloud, repository, call["environment"], sent))


@routes.on("GET", f"{ENVIRONMENTS}/{{environment}}", permission="actions")
def get_environment(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return _shown(call, repository, _environment(call, repository))


@routes.on("DELETE", f"{ENVIRONMENTS}/{{environment}}")
def delete_environment(call: Call) -> None:
    repository = writable_repository_of(call)
    call.store.delete("environments", str(repository["id"]), _environment(call, repository)["name"])


def ensure(cloud: Cloud, repository: Document, name: str) -> None:
    """Make an environment without rules, unless it is there: a deployment into it does."""
    if not cloud.store.get("environments", str(repository["id"]), name):
        _put(cloud, repository, name, Environment())


def _put(cloud: Cloud, repository: Document, name: str, sent: Environment) -> Document:
    scope, at = str(repository["id"]), now()
    existing = cloud.store.get("environments", scope, name)
    identity = existing or {"id": cloud.store.next_number(), "name": name, "created_at": at}
    environment = {**identity, **sent.model_dump(exclude={"reviewers", "prevent_self_review"}), "updated_at": at}
    cloud.store.put("environments", scope, name, environment)
    return environment


def _environment(call: Call, repository: Document) -> Document:
    environment = call.store.get("environments", str(repository["id"]), call["environment"])
    if not environment:
        raise not_found()
    return environment


def _shown(call: Call, repository: Document, environment: Document) -> dict[str, Any]:
    """An environment as the API shows it: what holds up a deployment is listed as its protection rules."""
    number, name = environment["id"], environment["name"]
    rules: list[dict[str, Any]] = []
    if minutes := environment["wait_timer"]:
        rules.append({"id": number, "node_id": f"GA_{number}", "type": "wait_timer", "wait_timer": minutes})
    if environment["deployment_branch_policy"]:
        rules.append({"id": number, "node_id": f"GA_{number}", "type": "branch_policy"})
    return {
        "id": number,
        "node_id": f"EN_{number}",
        "name": name,
        "url": f"{api_url(call.cloud, repository)}/environments/{name}",
        "html_url": f"{html_url(call.cloud, repository)}/deployments/activity_log?environments_filter={name}",
        "created_at": environment["created_at"],
        "updated_at": environment["updated_at"],
        "can_admins_bypass": environment["can_admins_bypass"],
        "protection_rules": rules,
        "deployment_branch_policy": environment["deployment_branch_policy"],
    }

"""Deployments: that a commit is to be in an environment. What becomes of them, their statuses tell."""

from typing import Annotated, Any

from pydantic import Field

from local_cloud import git_commits, git_history
from local_cloud.call import Answer, Call, Strict
from local_cloud.git_commits import Draft
from local_cloud.git_history import BRANCHES, RefChange
from local_cloud.github.access import caller
from local_cloud.github.check_run import latest, runs_of
from local_cloud.github.commit_statuses import Description, newest
from local_cloud.github.deployment import (
    DEPLOYMENT,
    DEPLOYMENTS,
    deployment_of,
    deployment_shown,
    is_active,
    put,
    remove,
    tell,
)
from local_cloud.github.dialect import Created, now, page, refusal
from local_cloud.github.environments import ensure
from local_cloud.github.places import folder
from local_cloud.github.ref_moves import advance
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="deployments")

PRODUCTION = "production"


class NewDeployment(Strict):
    """`required_contexts` are the statuses and checks that must have succeeded: by default all that there are."""

    ref: Annotated[str, Field(min_length=1)]
    task: str = "deploy"
    auto_merge: bool = True
    required_contexts: list[str] | None = None
    payload: dict[str, Any] | str = Field(default_factory=dict)
    environment: Annotated[str, Field(min_length=1, max_length=255)] = PRODUCTION
    description: Description | None = None
    transient_environment: bool = False
    production_environment: bool | None = None


@routes.on("POST", DEPLOYMENTS)
def create_deployment(call: Call) -> Created | Answer:
    """202 if the default branch had to be merged into the ref first: then the call is to be made again."""
    repository, sent = writable_repository_of(call), call.json(NewDeployment)
    sha = git_history.find_commit(folder(call.cloud, repository), sent.ref.removeprefix("refs/"))
    if not sha:
        raise refusal(422, f"No ref found for: {sent.ref}")
    if sent.auto_merge and (merged := _merged(call, repository, sent.ref)):
        return Answer(status=202, body={"message": merged})
    _refuse_unmet(call, repository, sent, sha)
    ensure(call, repository, sent.environment)
    at, production = now(), sent.production_environment
    fields = sent.model_dump(include={"ref", "task", "payload", "environment", "description", "transient_environment"})
    deployment = {
        "id": call.store.next_number(),
        "sha": sha,
        **fields,
        "original_environment": sent.environment,
        "production_environment": sent.environment == PRODUCTION if production is None else production,
        "bot": caller(call).bot,
        "created_at": at,
        "updated_at": at,
    }
    tell(call, repository, put(call, repository, deployment))
    return Created(body=deployment_shown(call, repository, deployment))


@routes.on("GET", DEPLOYMENTS)
def list_deployments(call: Call) -> Answer:
    """The newest first."""
    sent = call.filters("sha", "ref", "task", "environment", "page", "per_page")
    wanted = {name: value for name, value in sent.items() if name not in {"page", "per_page"} and value != "none"}
    repository = repository_of(call)
    deployments = call.store.values("deployments", str(repository["id"]))
    found = [one for one in reversed(deployments) if wanted.items() <= {name: one[name] for name in wanted}.items()]
    return page(call, [deployment_shown(call, repository, deployment) for deployment in found])


@routes.on("GET", DEPLOYMENT)
def get_deployment(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return deployment_shown(call, repository, deployment_of(call, repository))


@routes.on("DELETE", DEPLOYMENT)
def delete_deployment(call: Call) -> None:
    """Refused while it is active, unless it is the only one."""
    repository = writable_repository_of(call)
    deployment = deployment_of(call, repository)
    others = [
        other
        for other in call.store.values("deployments", str(repository["id"]))
        if other["environment"] == deployment["environment"] and other["id"] != deployment["id"]
    ]
    if others and is_active(call, repository, deployment):
        reason = "unless it is the only deployment in a given environment."
        raise refusal(422, f"We cannot delete an active deployment {reason}")
    remove(call, repository, deployment)


def _merged(call: Call, repository: Document, ref: str) -> str | None:
    """What GitHub says once it has merged the default branch into one that was behind it; refused if they conflict."""
    path, default = folder(call.cloud, repository), repository["default_branch"]
    refs = git_history.refs(path)
    name = ref.removeprefix("refs/").removeprefix("heads/")
    head, base = refs.get(BRANCHES + name), refs.get(BRANCHES + default)
    if not head or not base or git_history.leads_to(path, base, head):
        return None
    tree = git_commits.merge_tree(path, head, base)
    if not tree:
        raise refusal(409, f"Conflict merging {default} into {name}.")
    draft = Draft(tree=tree, parents=[head, base], message=f"Merge {default} into {name}\n")
    advance(call, repository, RefChange(ref=BRANCHES + name, before=head, after=git_commits.write_commit(path, draft)))
    return f"Auto-merged {default} into {name} on deployment."


def _refuse_unmet(call: Call, repository: Document, sent: NewDeployment, sha: str) -> None:
    states = {status["context"]: status["state"] for status in newest(call, repository, sha)}
    states |= {run["name"]: run["conclusion"] or "pending" for run in latest(runs_of(call, repository, sha))}
    required = states if sent.required_contexts is None else sent.required_contexts
    contexts = [{"context": name, "state": states.get(name, "pending")} for name in required]
    if all(context["state"] == "success" for context in contexts):
        return
    error = {"contexts": contexts, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}
    raise refusal(409, f"Conflict: Commit status checks failed for {sent.ref}.", [error])

"""Deployments: that a commit is to be in an environment. What becomes of them, their statuses tell."""

from typing import Annotated, Any

from pydantic import Field

from local_cloud import git_history
from local_cloud.call import Answer, Call, Strict
from local_cloud.git_commits import Draft, merge_tree, write_commit
from local_cloud.git_history import BRANCHES, RefChange
from local_cloud.github import numbered
from local_cloud.github.access import caller
from local_cloud.github.accounts import person
from local_cloud.github.commit_checks import PENDING, SUCCESS, checks_of
from local_cloud.github.commit_statuses import Description
from local_cloud.github.deployment import PRODUCTION, add, deployment_shown, event, is_active, remove
from local_cloud.github.dialect import Created, page, refusal
from local_cloud.github.outbox import announce
from local_cloud.github.places import folder
from local_cloud.github.ref_moves import advance
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="deployments")

DEPLOYMENTS = "/repos/{owner}/{repo}/deployments"
DEPLOYMENT = f"{DEPLOYMENTS}/{{deployment}}"


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
    fields = sent.model_dump(exclude={"auto_merge", "required_contexts", "production_environment"})
    if sent.production_environment is not None:
        fields["production_environment"] = sent.production_environment
    deployment = add(call.cloud, repository, caller(call).login, {"sha": sha, **fields})
    announce(call.cloud, repository, event(call.cloud, repository, deployment))
    return Created(body=deployment_shown(call.cloud, repository, deployment))


@routes.on("GET", DEPLOYMENTS)
def list_deployments(call: Call) -> Answer:
    """The newest first."""
    sent = call.filters("sha", "ref", "task", "environment", "page", "per_page")
    wanted = {name: value for name, value in sent.items() if name not in {"page", "per_page"} and value != "none"}
    repository = repository_of(call)
    deployments = call.store.values("deployments", str(repository["id"]))
    found = [one for one in reversed(deployments) if wanted.items() <= {name: one[name] for name in wanted}.items()]
    return page(call, [deployment_shown(call.cloud, repository, deployment) for deployment in found])


@routes.on("GET", DEPLOYMENT)
def get_deployment(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return deployment_shown(call.cloud, repository, deployment_of(call, repository))


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
    if others and is_active(call.cloud, repository, deployment):
        reason = "unless it is the only deployment in a given environment."
        raise refusal(422, f"We cannot delete an active deployment {reason}")
    remove(call.cloud, repository, deployment)


def deployment_of(call: Call, repository: Document) -> Document:
    """The deployment in the call's path, or 404."""
    return numbered.named(call, repository, "deployments", "deployment")


def _merged(call: Call, repository: Document, ref: str) -> str | None:
    """What GitHub says once it has merged the default branch into one that was behind it; refused if they conflict."""
    path, default = folder(call.cloud, repository), repository["default_branch"]
    refs = git_history.refs(path)
    name = ref.removeprefix("refs/").removeprefix("heads/")
    head, base = refs.get(BRANCHES + name), refs.get(BRANCHES + default)
    if not head or not base or git_history.leads_to(path, base, head):
        return None
    tree = merge_tree(path, head, base)
    if not tree:
        raise refusal(409, f"Conflict merging {default} into {name}.")
    message, author = f"Merge {default} into {name}\n", person(caller(call).login)
    merge = write_commit(path, Draft(tree=tree, parents=[head, base], message=message, author=author))
    advance(call, repository, RefChange(ref=BRANCHES + name, before=head, after=merge))
    return f"Auto-merged {default} into {name} on deployment."


def _refuse_unmet(call: Call, repository: Document, sent: NewDeployment, sha: str) -> None:
    # Of several with one name it is one that has not succeeded, if there is any.
    checks = sorted(checks_of(call.cloud, repository, sha), key=lambda check: check.state != SUCCESS)
    states = {check.name: check.state for check in checks}
    required = states if sent.required_contexts is None else sent.required_contexts
    contexts = [{"context": name, "state": states.get(name, PENDING)} for name in required]
    if all(context["state"] == SUCCESS for context in contexts):
        return
    error = {"contexts": contexts, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}
    raise refusal(409, f"Conflict: Commit status checks failed for {sent.ref}.", [error])

"""Repositories: generated from a template, read, changed, deleted."""

import re
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from local_cloud import git_history
from local_cloud.call import Call, Strict
from local_cloud.git_history import BRANCHES
from local_cloud.github.access import caller
from local_cloud.github.dialect import Created, not_found, refusal, unserved
from local_cloud.github.places import folder
from local_cloud.github.repository import add, find, put, remove, repository_of, shown_in_full, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="administration")

REPOSITORY = "/repos/{owner}/{repo}"
MAX_TOPICS = 20


def _check_topics(topics: list[str]) -> list[str]:
    if len(topics) > MAX_TOPICS:
        raise ValueError(f"a repository has {MAX_TOPICS} topics at most")
    if wrong := [topic for topic in topics if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", topic)]:
        raise ValueError(f"a topic is 1 to 50 of a-z, 0-9 and -, not beginning with -: {wrong}")
    return list(dict.fromkeys(topics))


class RepositoryFields(Strict):
    """What can be set of a repository when it is made and later. None: not sent."""

    name: str | None = None
    description: str | None = None
    homepage: str | None = None
    private: bool | None = None
    visibility: Literal["private", "public"] | None = None
    is_template: bool | None = None
    archived: bool | None = None
    has_issues: bool | None = None
    has_projects: bool | None = None
    has_wiki: bool | None = None
    has_downloads: bool | None = None
    has_discussions: bool | None = None
    allow_merge_commit: bool | None = None
    allow_squash_merge: bool | None = None
    allow_rebase_merge: bool | None = None
    allow_auto_merge: bool | None = None
    allow_update_branch: bool | None = None
    allow_forking: bool | None = None
    delete_branch_on_merge: bool | None = None
    squash_merge_commit_title: Literal["PR_TITLE", "COMMIT_OR_PR_TITLE"] | None = None
    squash_merge_commit_message: Literal["PR_BODY", "COMMIT_MESSAGES", "BLANK"] | None = None
    merge_commit_title: Literal["PR_TITLE", "MERGE_MESSAGE"] | None = None
    merge_commit_message: Literal["PR_BODY", "PR_TITLE", "BLANK"] | None = None
    web_commit_signoff_required: bool | None = None
    default_branch: str | None = None
    auto_init: bool | None = None
    license_template: str | None = None
    gitignore_template: str | None = None
    # GitHub takes topics by a call of their own, and ignores them here; clients send them all the same.
    topics: list[str] | None = None

    def kept(self) -> Document:
        """The fields that were sent, as a row has them."""
        elsewhere = {"name", "visibility", "default_branch", "auto_init", "license_template", "gitignore_template"}
        fields = self.model_dump(exclude=elsewhere | {"topics"}, exclude_unset=True)
        kept = {key: value for key, value in fields.items() if value is not None or key in {"description", "homepage"}}
        return {**kept, "private": self.visibility == "private"} if self.visibility else kept


class Generated(Strict):
    owner: str
    name: str
    description: str | None = None
    private: bool = False
    include_all_branches: bool = False


class Topics(Strict):
    names: Annotated[list[str], AfterValidator(_check_topics)]


@routes.on("POST", "/repos/{template_owner}/{template_repo}/generate")
def generate(call: Call) -> Created:
    """A new repository with one commit that holds what the template's default branch does.

    What the permission is needed for is the new one; the template may be anybody's who shows it.
    """
    template, sent = find(call.cloud, call["template_owner"], call["template_repo"]), call.json(Generated)
    if not template or not caller(call).sees(template):
        raise not_found()
    full_name, repositories = f"{template['owner']}/{template['name']}", call.cloud.repositories
    if not template["is_template"]:
        raise refusal(422, f"Could not clone: {full_name} is not a template repository")
    if not repositories.has_commits(template["owner"], template["name"]):
        raise refusal(422, f"Could not clone: {full_name} is empty")
    if find(call.cloud, sent.owner, sent.name):
        raise refusal(422, "Could not clone: Name already exists on this account")
    if sent.include_all_branches:
        raise unserved("include_all_branches: leave it out")
    source = folder(call.cloud, template)
    fields = {"description": sent.description, "private": sent.private, "template": full_name}
    repository = add(
        call, sent.owner, sent.name, fields, lambda owner, name: repositories.generate(owner, name, source)
    )
    return Created(body=shown_in_full(call, repository))


@routes.on("GET", REPOSITORY, permission="metadata")
def get_repository(call: Call) -> dict[str, Any]:
    return shown_in_full(call, repository_of(call))


@routes.on("PATCH", REPOSITORY)
def patch_repository(call: Call) -> dict[str, Any]:
    """Change what is sent. An archived repository takes nothing but `archived: false`."""
    sent = call.json(RepositoryFields)
    repository = repository_of(call) if sent.archived is False else writable_repository_of(call)
    if sent.name is not None and sent.name != repository["name"]:
        raise unserved(f"renaming a repository ({repository['name']} to {sent.name})")
    branch = sent.default_branch or repository["default_branch"]
    if branch != repository["default_branch"]:
        _check_branch(branch, git_history.refs(folder(call.cloud, repository)))
        call.cloud.repositories.set_default_branch(repository["owner"], repository["name"], branch)
    return shown_in_full(call, put(call.cloud, {**repository, **sent.kept(), "default_branch": branch}))


@routes.on("DELETE", REPOSITORY)
def delete_repository(call: Call) -> None:
    remove(call, repository_of(call))


@routes.on("GET", f"{REPOSITORY}/topics", permission="metadata")
def get_topics(call: Call) -> dict[str, Any]:
    return {"names": repository_of(call)["topics"]}


@routes.on("PUT", f"{REPOSITORY}/topics")
def put_topics(call: Call) -> dict[str, Any]:
    return {"names": put(call.cloud, {**writable_repository_of(call), "topics": call.json(Topics).names})["topics"]}


@routes.on("GET", f"{REPOSITORY}/vulnerability-alerts")
def get_vulnerability_alerts(call: Call) -> None:
    """204 if they are on, 404 if not."""
    if not repository_of(call)["vulnerability_alerts"]:
        raise not_found()


@routes.on("PUT", f"{REPOSITORY}/vulnerability-alerts")
def put_vulnerability_alerts(call: Call) -> None:
    put(call.cloud, {**writable_repository_of(call), "vulnerability_alerts": True})


@routes.on("DELETE", f"{REPOSITORY}/vulnerability-alerts")
def delete_vulnerability_alerts(call: Call) -> None:
    put(call.cloud, {**writable_repository_of(call), "vulnerability_alerts": False})


def _check_branch(name: str, refs: Collection[str]) -> None:
    """Refused if there is no such branch to make the default one."""
    if BRANCHES + name not in refs:
        wrong = (
            f"The branch {name} was not found. Please push that ref first or create it via the Git Data API."
            if refs
            else "Cannot update default branch for an empty repository. Please init the repository and push first."
        )
        error = {"resource": "Repository", "code": "invalid", "field": "default_branch", "message": wrong}
        raise refusal(422, "Validation Failed", [error])

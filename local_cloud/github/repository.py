"""A repository: its row, its folder, and what the API shows of it.

Rows are kept by owner and name in lower case, since GitHub tells no case apart. What belongs to a repository (secrets,
variables, webhooks, environments) is kept by its id.
"""

import re
from collections.abc import Callable
from typing import Any

from local_cloud import git_history
from local_cloud.call import Call
from local_cloud.cloud import Cloud
from local_cloud.git_repositories import BRANCH
from local_cloud.github.access import caller, revoke_of_run
from local_cloud.github.actions_keys import new_key
from local_cloud.github.dialect import not_found, now, refusal
from local_cloud.github.links import account_shown, organization_links, repository_links
from local_cloud.github.places import folder
from local_cloud.store import Document

OWNED = (
    *("actions_keys", "actions_secrets", "actions_variables", "environments", "webhooks"),
    *("check_runs", "check_suites", "commit_statuses", "deployment_statuses", "deployments"),
    *("issue_comments", "issues", "pull_requests", "refs", "rulesets"),
    *("workflows", "workflow_runs", "workflow_jobs", "job_logs", "oidc_subjects"),
)
"""The collections of what belongs to a repository."""

DEFAULTS: Document = {
    "description": None,
    "homepage": None,
    "private": False,
    "is_template": False,
    "archived": False,
    "has_issues": True,
    "has_projects": True,
    "has_wiki": True,
    "has_downloads": True,
    "has_discussions": False,
    "allow_merge_commit": True,
    "allow_squash_merge": True,
    "allow_rebase_merge": True,
    "allow_auto_merge": False,
    "allow_update_branch": False,
    "allow_forking": False,
    "delete_branch_on_merge": False,
    "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
    "squash_merge_commit_message": "COMMIT_MESSAGES",
    "merge_commit_title": "MERGE_MESSAGE",
    "merge_commit_message": "PR_TITLE",
    "web_commit_signoff_required": False,
    "topics": [],
    "template": None,
    "vulnerability_alerts": False,
    "size": 0,
}
"""What a new repository is like, unless it is made otherwise."""

NOTHING: Document = {
    "fork": False,
    "disabled": False,
    "has_pages": False,
    "language": None,
    "license": None,
    "mirror_url": None,
    **dict.fromkeys(("forks", "forks_count", "open_issues", "open_issues_count"), 0),
    **dict.fromkeys(("stargazers_count", "watchers", "watchers_count"), 0),
}
"""What no repository here has."""

ALONE = (
    "allow_merge_commit",
    "allow_squash_merge",
    "allow_rebase_merge",
    "allow_auto_merge",
    "allow_update_branch",
    "delete_branch_on_merge",
    "squash_merge_commit_title",
    "squash_merge_commit_message",
    "merge_commit_title",
    "merge_commit_message",
)
"""What lists and events do not tell of a repository, nor any call whose token may not write its contents."""


def organization_named(cloud: Cloud, login: str) -> Document:
    organization = cloud.store.get("organizations", "", login.lower())
    if not organization:
        raise not_found()
    return organization


def organization_shown(cloud: Cloud, organization: Document) -> dict[str, Any]:
    """An organisation as events have it."""
    login, number = organization["login"], organization["id"]
    return {
        "login": login,
        "id": number,
        "node_id": f"O_{number}",
        "description": None,
        **organization_links(cloud, login),
    }


def owner_shown(cloud: Cloud, login: str) -> dict[str, Any]:
    """An organisation as the account that something belongs to."""
    organization = organization_named(cloud, login)
    return account_shown(cloud, organization["login"], organization["id"], "Organization")


def find(cloud: Cloud, owner: str, name: str) -> Document | None:
    return cloud.store.get("repositories", owner.lower(), name.lower())


def repository_of(call: Call) -> Document:
    """The repository in the call's path, or 404."""
    repository = find(call.cloud, call["owner"], call["repo"])
    if not repository:
        raise not_found()
    return repository


def writable_repository_of(call: Call) -> Document:
    """The repository in the call's path; refused if it is archived."""
    repository = repository_of(call)
    if repository["archived"]:
        raise refusal(403, "Repository was archived so is read-only.")
    return repository


def add(call: Call, owner: str, name: str, fields: Document, make_folder: Callable[[str, str], None]) -> Document:
    """A new repository of an organisation. `make_folder` is given owner and name as they are spelled."""
    login = organization_named(call.cloud, owner)["login"]
    # A token for some repositories only reaches none that is not there yet.
    if not caller(call).reaches({"owner": login, "id": None}):
        raise refusal(403, "Resource not accessible by integration")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name) or name in {".", ".."} or name.endswith(".git"):
        raise _creation_failed("name is invalid: 1 to 100 of A-Z, a-z, 0-9, . _ and -, not ending in .git")
    if find(call.cloud, login, name):
        raise _creation_failed("name already exists on this account")
    at = now()
    identity = {"id": call.store.next_number(), "owner": login, "name": name, "default_branch": BRANCH}
    repository = {**identity, **DEFAULTS, **fields, "created_at": at, "updated_at": at, "pushed_at": at}
    call.store.put("actions_keys", str(repository["id"]), "", new_key(call))
    make_folder(login, name)
    call.store.put("refs", str(repository["id"]), "", git_history.refs(folder(call.cloud, repository)))
    return put(call.cloud, repository)


def put(cloud: Cloud, repository: Document) -> Document:
    repository = {**repository, "updated_at": now()}
    cloud.store.put("repositories", repository["owner"].lower(), repository["name"].lower(), repository)
    return repository


def remove(call: Call, repository: Document) -> None:
    """Delete a repository with all that belongs to it; its folder once that is certain."""
    call.store.delete("repositories", repository["owner"].lower(), repository["name"].lower())
    for hook in call.store.values("webhooks", str(repository["id"])):
        call.store.clear("deliveries", str(hook["id"]))
    for run in call.store.values("workflow_runs", str(repository["id"])):
        if run["status"] != "completed":
            revoke_of_run(call.store, run["guid"])
    for collection in OWNED:
        call.store.clear(collection, str(repository["id"]))
    call.after_commit.append(lambda: call.cloud.repositories.remove(repository["owner"], repository["name"]))


def shown_in_full(call: Call, repository: Document) -> dict[str, Any]:
    """A repository as the calls for it alone show it. How an archived one merges, nobody is told."""
    cloud, who = call.cloud, caller(call)
    template = repository["template"] and find(cloud, *repository["template"].split("/"))
    merges = not repository["archived"] and who.reaches(repository) and who.may("contents:write")
    return {
        **shown(cloud, repository),
        **{name: repository[name] for name in (ALONE if merges else ())},
        "network_count": 0,
        "subscribers_count": 0,
        "organization": owner_shown(cloud, repository["owner"]),
        "template_repository": shown(cloud, template) if template else None,
    }


def shown(cloud: Cloud, repository: Document) -> dict[str, Any]:
    """A repository as lists and events have it."""
    full_name = f"{repository['owner']}/{repository['name']}"
    hidden = {"template", "vulnerability_alerts", "owner", *ALONE}
    return {
        **{key: value for key, value in repository.items() if key not in hidden},
        "node_id": f"R_{repository['id']}",
        "full_name": full_name,
        "owner": owner_shown(cloud, repository["owner"]),
        "visibility": "private" if repository["private"] else "public",
        **repository_links(cloud, full_name),
        **NOTHING,
        "permissions": {"admin": True, "maintain": True, "push": True, "triage": True, "pull": True},
    }


def _creation_failed(reason: str) -> Exception:
    error = {"resource": "Repository", "code": "custom", "field": "name", "message": reason}
    return refusal(422, "Repository creation failed.", [error])

"""Statuses of commits: what others say of a commit, each under a context of its own, and what that comes to."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from local_cloud import git_history
from local_cloud.call import Answer, Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.github import numbered
from local_cloud.github.access import caller
from local_cloud.github.accounts import account
from local_cloud.github.commit import commit_shown
from local_cloud.github.dialect import Created, now, page, refusal
from local_cloud.github.events import Event, setting
from local_cloud.github.outbox import announce
from local_cloud.github.places import api_url, folder
from local_cloud.github.repository import repository_of, shown, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="statuses")

REPOSITORY = "/repos/{owner}/{repo}"
MAX_STATUSES = 1000
"""Of a commit and a context."""
MAX_BRANCHES = 10
"""That an event tells of."""


def check_url(url: str) -> str:
    if url and not re.fullmatch(r"https?://\S+", url):
        raise ValueError("must use http(s) scheme")
    return url


Url = Annotated[str, AfterValidator(check_url)]
Description = Annotated[str, Field(max_length=140)]


class NewStatus(Strict):
    state: Literal["error", "failure", "pending", "success"]
    target_url: Url | None = None
    description: Description | None = None
    context: Annotated[str, Field(min_length=1)] = "default"


@routes.on("POST", f"{REPOSITORY}/statuses/{{sha}}")
def create_status(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(NewStatus)
    sha = call["sha"] if re.fullmatch("[0-9a-f]{40}", call["sha"]) else ""
    if not git_history.find_commit(folder(call.cloud, repository), sha):
        raise refusal(422, f"No commit found for SHA: {call['sha']}")
    scope, at = str(repository["id"]), now()
    earlier = call.store.below("commit_statuses", scope, sha)
    if sum(status["context"] == sent.context for status in earlier) >= MAX_STATUSES:
        message = "This SHA and context has reached the maximum number of statuses."
        raise refusal(422, "Validation Failed", [{"resource": "Status", "code": "custom", "message": message}])
    status = {
        "id": call.store.next_number(),
        "sha": sha,
        **sent.model_dump(),
        "by": caller(call).login,
        "created_at": at,
        "updated_at": at,
    }
    call.store.put("commit_statuses", scope, f"{sha}/{numbered.key(status['id'])}", status)
    announce(call.cloud, repository, _event(call, repository, status))
    return Created(body=_shown(call, repository, status))


@routes.on("GET", f"{REPOSITORY}/commits/{{ref}}/statuses")
@routes.on("GET", f"{REPOSITORY}/statuses/{{ref}}")
def list_statuses(call: Call) -> Answer:
    """All of a commit, the newest first."""
    call.filters("page", "per_page")
    repository = repository_of(call)
    statuses = call.store.below("commit_statuses", str(repository["id"]), commit_of(call, repository))
    return page(call, [_shown(call, repository, status) for status in reversed(statuses)])


@routes.on("GET", f"{REPOSITORY}/commits/{{ref}}/status")
def get_combined_status(call: Call) -> Answer:
    """The newest of each context, and one state for all of them."""
    call.filters("page", "per_page")
    repository = repository_of(call)
    sha, url = commit_of(call, repository), api_url(call.cloud, repository)
    statuses = newest(call.cloud, repository, sha)
    states = {status["state"] for status in statuses}
    listed = page(call, [_shown(call, repository, status, with_creator=False) for status in statuses])
    failed, pending = not states.isdisjoint({"error", "failure"}), states != {"success"}
    body = {
        "state": "failure" if failed else "pending" if pending else "success",
        "statuses": listed.body,
        "sha": sha,
        "total_count": len(statuses),
        "repository": shown(call.cloud, repository),
        "commit_url": f"{url}/commits/{sha}",
        "url": f"{url}/commits/{sha}/status",
    }
    return Answer(body=body, headers=listed.headers)


def newest(cloud: Cloud, repository: Document, sha: str) -> list[Document]:
    """The last status of each context of a commit."""
    found = cloud.store.below("commit_statuses", str(repository["id"]), sha)
    return list({status["context"]: status for status in found}.values())


def commit_of(call: Call, repository: Document) -> str:
    """The hash of the commit that the call's path names by hash, branch or tag; refused if there is none."""
    sha = git_history.find_commit(folder(call.cloud, repository), call["ref"])
    if not sha:
        raise refusal(422, f"No commit found for SHA: {call['ref']}")
    return sha


def _shown(call: Call, repository: Document, status: Document, *, with_creator: bool = True) -> dict[str, Any]:
    creator = account(call.cloud, status["by"])
    fields = ("id", "state", "description", "target_url", "context", "created_at", "updated_at")
    return {
        **{name: status[name] for name in fields},
        "node_id": f"SC_{status['id']}",
        "url": f"{api_url(call.cloud, repository)}/statuses/{status['sha']}",
        "avatar_url": creator["avatar_url"],
        **({"creator": creator} if with_creator else {}),
    }


def _event(call: Call, repository: Document, status: Document) -> Event:
    path, url, sha = folder(call.cloud, repository), api_url(call.cloud, repository), status["sha"]
    (commit,) = git_history.commits(path, [sha])
    fields = ("id", "sha", "state", "description", "target_url", "context", "created_at", "updated_at")
    common = setting(call.cloud, repository, status["by"])
    payload = {
        **{name: status[name] for name in fields},
        "name": common["repository"]["full_name"],
        "avatar_url": common["sender"]["avatar_url"],
        "commit": commit_shown(call.cloud, repository, commit),
        "branches": [
            {"name": name, "commit": {"sha": tip, "url": f"{url}/commits/{tip}"}, "protected": False}
            for name, tip in git_history.branches_with(path, sha, MAX_BRANCHES).items()
        ],
        **common,
    }
    return Event(name="status", payload=payload)

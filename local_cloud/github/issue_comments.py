"""Comments on a pull request. GitHub numbers pull requests among the issues, and has their comments there."""

from typing import Annotated, Any

from pydantic import Field

from local_cloud.call import Answer, Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.github import numbered
from local_cloud.github.access import caller
from local_cloud.github.accounts import account, association
from local_cloud.github.app import performer_shown
from local_cloud.github.dialect import Created, now, page
from local_cloud.github.events import Event, setting
from local_cloud.github.outbox import announce
from local_cloud.github.places import api_url, html_url
from local_cloud.github.pull_request import pull_shown
from local_cloud.github.pull_requests import pull_of
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="issues; pull_requests")

ISSUES = "/repos/{owner}/{repo}/issues"
COMMENTS = f"{ISSUES}/{{number}}/comments"
COMMENT = f"{ISSUES}/comments/{{comment}}"
COLLECTION = "issue_comments"
MAX_CHARACTERS = 65_536


class Comment(Strict):
    body: Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]


@routes.on("GET", COMMENTS)
def list_comments(call: Call) -> Answer:
    """The oldest first; with `since`, those that were changed at that time or later."""
    since = call.filters("since", "page", "per_page").get("since", "")
    repository = repository_of(call)
    number = pull_of(call, repository)["number"]
    found = [
        comment
        for comment in call.store.values(COLLECTION, str(repository["id"]))
        if comment["number"] == number and comment["updated_at"] >= since
    ]
    return page(call, [_shown(call.cloud, repository, comment) for comment in found])


@routes.on("POST", COMMENTS)
def create_comment(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(Comment)
    at = now()
    times = {"created_at": at, "updated_at": at}
    comment = {
        "id": call.store.next_number(),
        "number": pull_of(call, repository)["number"],
        "by": caller(call).login,
        "body": sent.body,
        **times,
    }
    numbered.put(call.cloud, repository, COLLECTION, comment)
    _tell(call, repository, comment, "created")
    return Created(body=_shown(call.cloud, repository, comment))


@routes.on("GET", COMMENT)
def get_comment(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return _shown(call.cloud, repository, numbered.named(call, repository, COLLECTION, "comment"))


@routes.on("PATCH", COMMENT)
def patch_comment(call: Call) -> dict[str, Any]:
    repository, sent = writable_repository_of(call), call.json(Comment)
    before = numbered.named(call, repository, COLLECTION, "comment")
    comment = {**before, "body": sent.body, "updated_at": now()}
    numbered.put(call.cloud, repository, COLLECTION, comment)
    _tell(call, repository, comment, "edited", changes={"body": {"from": before["body"]}})
    return _shown(call.cloud, repository, comment)


@routes.on("DELETE", COMMENT)
def delete_comment(call: Call) -> None:
    repository = writable_repository_of(call)
    comment = numbered.named(call, repository, COLLECTION, "comment")
    numbered.delete(call.cloud, repository, COLLECTION, comment)
    _tell(call, repository, comment, "deleted")


def _tell(call: Call, repository: Document, comment: Document, action: str, **more: Any) -> None:
    cloud = call.cloud
    pull = cloud.store.get("pull_requests", str(repository["id"]), str(comment["number"]))
    assert pull  # noqa: S101 - pull requests are never deleted
    payload = {
        "action": action,
        **more,
        "issue": pull_as_issue(cloud, repository, pull),
        "comment": _shown(cloud, repository, comment),
        **setting(cloud, repository, caller(call).login),
    }
    announce(cloud, repository, Event(name="issue_comment", payload=payload))


def _shown(cloud: Cloud, repository: Document, comment: Document) -> dict[str, Any]:
    number, by, issues = comment["id"], comment["by"], f"{api_url(cloud, repository)}/issues"
    page_url = f"{html_url(cloud, repository)}/pull/{comment['number']}"
    return {
        **{name: value for name, value in comment.items() if name not in {"by", "number"}},
        "node_id": f"IC_{number}",
        "url": f"{issues}/comments/{number}",
        "html_url": f"{page_url}#issuecomment-{number}",
        "issue_url": f"{issues}/{comment['number']}",
        "user": account(cloud, by),
        "author_association": association(by),
        "performed_via_github_app": performer_shown(cloud, by),
    }


def pull_as_issue(cloud: Cloud, repository: Document, pull: Document) -> dict[str, Any]:
    """As GitHub lists it among the issues."""
    shown, url = pull_shown(cloud, repository, pull), f"{api_url(cloud, repository)}/issues/{pull['number']}"
    same = ("id", "number", "title", "body", "state", "user", "labels", "locked", "active_lock_reason", "assignee")
    times = (
        "created_at",
        "updated_at",
        "closed_at",
        "draft",
        "assignees",
        "milestone",
        "author_association",
        "comments",
    )
    addresses = ("html_url", "diff_url", "patch_url", "merged_at")
    return {
        **{name: shown[name] for name in (*same, *times)},
        "node_id": shown["node_id"],
        "url": url,
        "html_url": shown["html_url"],
        "repository_url": api_url(cloud, repository),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "pull_request": {"url": shown["url"], **{name: shown[name] for name in addresses}},
    }

"""Issues of a repository, which are numbered with its pull requests: made, listed, changed, closed and opened again."""

import hashlib
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field

from local_cloud.call import Answer, Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.github import numbered
from local_cloud.github.access import caller
from local_cloud.github.accounts import account, association
from local_cloud.github.app import performer_shown
from local_cloud.github.dialect import Created, now, page, refusal, unserved
from local_cloud.github.events import Event, setting
from local_cloud.github.issue_comments import ISSUES, MAX_CHARACTERS, pull_as_issue
from local_cloud.github.outbox import announce
from local_cloud.github.places import api_url, html_url
from local_cloud.github.pull_request import all_of, next_number
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="issues")

ISSUE = f"{ISSUES}/{{number}}"
COLLECTION = "issues"
MAX_TITLE = 256
COLOR = "ededed"
"""Of a label that was made by naming it."""

Labels = list[Annotated[str, Field(min_length=1, max_length=50)]]


class NewIssue(Strict):
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    body: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None = None
    labels: Labels = Field(default_factory=list)


class ChangedIssue(Strict):
    """What is not sent stays."""

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)] | None = None
    body: Annotated[str, Field(max_length=MAX_CHARACTERS)] | None = None
    labels: Labels | None = None
    state: Literal["open", "closed"] | None = None
    state_reason: Literal["completed", "not_planned", "reopened"] | None = None


@routes.on("GET", ISSUES)
def list_issues(call: Call) -> Answer:
    """The newest first, the open ones if it isn't told otherwise; pull requests are among them, as on GitHub.

    `labels` are those that each must have, with commas between.
    """
    sent = call.filters("state", "labels", "page", "per_page")
    state, wanted = sent.get("state", "open"), {*filter(None, sent.get("labels", "").split(","))}
    if state not in {"open", "closed", "all"}:
        raise call.invalid("state", "must be open, closed or all")
    repository = repository_of(call)
    cloud = call.cloud
    found = [
        (issue["number"], _shown(cloud, repository, issue))
        for issue in cloud.store.values(COLLECTION, str(repository["id"]))
        if wanted <= {*issue["labels"]} and state in {"all", issue["state"]}
    ]
    found += [
        (pull["number"], pull_as_issue(cloud, repository, pull))
        for pull in all_of(cloud, repository)
        if not wanted and state in {"all", pull["state"]}
    ]
    return page(call, [issue for _, issue in sorted(found, key=lambda pair: pair[0], reverse=True)])


@routes.on("POST", ISSUES)
def create_issue(call: Call) -> Created:
    repository, sent = _with_issues(writable_repository_of(call)), call.json(NewIssue)
    at = now()
    issue = {
        "id": call.store.next_number(),
        "number": next_number(call.cloud, repository),
        "title": sent.title,
        "body": sent.body,
        "labels": [*dict.fromkeys(sent.labels)],
        "state": "open",
        "state_reason": None,
        "by": caller(call).login,
        "closed_at": None,
        "closed_by": None,
        **dict.fromkeys(("created_at", "updated_at"), at),
    }
    _put(call, repository, issue, "opened")
    return Created(body=_shown(call.cloud, repository, issue))


@routes.on("GET", ISSUE)
def get_issue(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return _shown(call.cloud, repository, _issue_of(call, repository))


@routes.on("PATCH", ISSUE)
def patch_issue(call: Call) -> dict[str, Any]:
    repository, sent = _with_issues(writable_repository_of(call)), call.json(ChangedIssue)
    before, by = _issue_of(call, repository), caller(call).login
    wanted = sent.model_dump(include={"title", "body", "labels"}, exclude_none=True)
    changed = {name: value for name, value in wanted.items() if value != before[name]}
    issue = {**before, **changed, "updated_at": now()}
    if changed:
        texts = {name: {"from": before[name]} for name in ("title", "body") if name in changed}
        _put(call, repository, issue, "edited", changes=texts)
    if sent.state == "closed" and before["state"] == "open":
        closed = {"state": "closed", "state_reason": sent.state_reason or "completed", "closed_by": by}
        issue = {**issue, **closed, "closed_at": now()}
        _put(call, repository, issue, "closed")
    if sent.state == "open" and before["state"] == "closed":
        opened = {"state": "open", "state_reason": "reopened", "closed_by": None, "closed_at": None}
        issue = {**issue, **opened}
        _put(call, repository, issue, "reopened")
    return _shown(call.cloud, repository, issue)


def _with_issues(repository: Document) -> Document:
    if not repository["has_issues"]:
        raise refusal(410, "Issues has been disabled in this repository.")
    return repository


def _issue_of(call: Call, repository: Document) -> Document:
    """The issue in the call's path, or 404."""
    if call.store.get("pull_requests", str(repository["id"]), call["number"]):
        raise unserved("a pull request as an issue: ask for it below /pulls")
    return numbered.named(call, repository, COLLECTION, "number")


def _put(call: Call, repository: Document, issue: Document, action: str, **more: Any) -> None:
    cloud = call.cloud
    cloud.store.put(COLLECTION, str(repository["id"]), numbered.key(issue["number"]), issue)
    payload = {
        "action": action,
        **more,
        "issue": _shown(cloud, repository, issue),
        **setting(cloud, repository, caller(call).login),
    }
    announce(cloud, repository, Event(name="issues", payload=payload))


def _shown(cloud: Cloud, repository: Document, issue: Document) -> dict[str, Any]:
    root, number, by = api_url(cloud, repository), issue["number"], issue["by"]
    url = f"{root}/issues/{number}"
    return {
        **{name: value for name, value in issue.items() if name not in {"by", "labels", "closed_by"}},
        "node_id": f"I_{issue['id']}",
        "url": url,
        "html_url": f"{html_url(cloud, repository)}/issues/{number}",
        "repository_url": root,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "user": account(cloud, by),
        "author_association": association(by),
        "performed_via_github_app": performer_shown(cloud, by),
        "closed_by": account(cloud, issue["closed_by"]) if issue["closed_by"] else None,
        "labels": [_label(root, name) for name in issue["labels"]],
        "locked": False,
        "comments": 0,
        "assignees": [],
        **dict.fromkeys(("active_lock_reason", "assignee", "milestone")),
    }


def _label(root: str, name: str) -> dict[str, Any]:
    """By its name alone, which is all that is kept of it."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    return {
        "id": digest,
        "node_id": f"LA_{digest}",
        "url": f"{root}/labels/{quote(name)}",
        "name": name,
        "description": None,
        "color": COLOR,
        "default": False,
    }

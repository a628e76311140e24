"""Pull requests from one branch of a repository to another: made, listed, changed, closed and opened again."""

from typing import Any, Literal

from local_cloud import git_history
from local_cloud.call import Answer, Call, Strict
from local_cloud.git_history import BRANCHES, NONE
from local_cloud.github import pushes
from local_cloud.github.access import caller
from local_cloud.github.commit import commit_shown, file_shown
from local_cloud.github.dialect import Created, not_found, now, page, refusal, unserved
from local_cloud.github.places import folder
from local_cloud.github.pull_request import (
    all_of,
    close,
    commits_of,
    files_of,
    listed,
    next_number,
    pull_shown,
    put,
    refresh,
    tell,
)
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="pull_requests")

PULLS = "/repos/{owner}/{repo}/pulls"
PULL = f"{PULLS}/{{number}}"

SORTS = {"created": "created_at", "updated": "updated_at"}


class NewPullRequest(Strict):
    """`head` is a branch, also as `owner:branch`. There are no forks, so `maintainer_can_modify` changes nothing."""

    title: str | None = None
    head: str
    base: str
    head_repo: str | None = None
    body: str | None = None
    draft: bool = False
    maintainer_can_modify: bool | None = None
    issue: int | None = None


class ChangedPullRequest(Strict):
    """What is not sent stays."""

    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    base: str | None = None
    maintainer_can_modify: bool | None = None


@routes.on("GET", PULLS)
def list_pull_requests(call: Call) -> Answer:
    """The newest first, the open ones if it isn't told otherwise. `head` is `owner:branch`."""
    sent = call.filters("state", "head", "base", "sort", "direction", "page", "per_page")
    state, sort = sent.get("state", "open"), sent.get("sort", "created")
    direction = sent.get("direction", "desc" if "sort" not in sent or sort == "created" else "asc")
    if state not in {"open", "closed", "all"}:
        raise call.invalid("state", "must be open, closed or all")
    if sort not in SORTS:
        raise unserved(f"sort={sort}")
    if direction not in {"asc", "desc"}:
        raise call.invalid("direction", "must be asc or desc")
    repository = repository_of(call)
    owner, separated, branch = sent.get("head", "").rpartition(":")
    found = [
        pull
        for pull in all_of(call.cloud, repository)
        if state in {"all", pull["state"]}
        and sent.get("base", pull["base"]) == pull["base"]
        # GitHub pays no attention to a head that names no owner.
        and (not separated or (owner.lower(), branch) == (repository["owner"].lower(), pull["head"]))
    ]
    found.sort(key=lambda pull: (pull[SORTS[sort]], pull["number"]), reverse=direction == "desc")
    return page(call, [listed(call.cloud, repository, pull) for pull in found])


@routes.on("POST", PULLS)
def create_pull_request(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(NewPullRequest)
    if sent.issue is not None:
        raise unserved("issue: an issue that becomes a pull request")
    if not sent.title:
        raise _invalid("missing_field", "title")
    repository = pushes.record(call.cloud, repository)
    branches = git_history.refs(folder(call.cloud, repository))
    owner, _, head = sent.head.rpartition(":")
    named = {owner.lower(), (sent.head_repo or "").rpartition("/")[2].lower()} - {""}
    head_sha, base_sha = branches.get(BRANCHES + head), branches.get(BRANCHES + sent.base)
    if named - {repository["owner"].lower(), repository["name"].lower()} or not head_sha:
        raise _invalid("invalid", "head")
    if not base_sha:
        raise _invalid("invalid", "base")
    if git_history.leads_to(folder(call.cloud, repository), head_sha, base_sha):
        raise _impossible(f"No commits between {sent.base} and {head}")
    if not git_history.merge_base(folder(call.cloud, repository), base_sha, head_sha):
        raise _impossible(f"The {head} branch has no history in common with {sent.base}")
    others = all_of(call.cloud, repository)
    _refuse_second(repository, others, head, sent.base)
    at = now()
    pull = {
        "id": call.store.next_number(),
        "number": next_number(call.cloud, repository),
        "title": sent.title,
        "body": sent.body,
        "state": "open",
        "draft": sent.draft,
        "by": caller(call).login,
        "head": head,
        "base": sent.base,
        **dict.fromkeys(("closed_at", "merged_at", "merged_by")),
        **dict.fromkeys(("created_at", "updated_at"), at),
    }
    pull = refresh(call.cloud, repository, pull, base_sha, head_sha)
    tell(call.cloud, repository, pull, "opened", pull["by"])
    return Created(body=pull_shown(call.cloud, repository, pull))


@routes.on("GET", PULL)
def get_pull_request(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return pull_shown(call.cloud, repository, pull_of(call, repository))


@routes.on("PATCH", PULL)
def patch_pull_request(call: Call) -> dict[str, Any]:
    repository, sent = writable_repository_of(call), call.json(ChangedPullRequest)
    repository = pushes.record(call.cloud, repository)
    before, by = pull_of(call, repository), caller(call).login
    if sent.title == "":
        raise _invalid("missing_field", "title")
    wanted = sent.model_dump(include={"title", "body", "base"}, exclude_none=True)
    changed = {name: value for name, value in wanted.items() if value != before[name]}
    pull, opened = {**before, **changed}, sent.state == "open" and before["state"] == "closed"
    if "base" in changed or opened:
        pull = _placed(call, repository, pull, "base" if "base" in changed else "state")
    elif changed:
        pull = put(call.cloud, repository, pull)
    if changed:
        tell(call.cloud, repository, pull, "edited", by, changes=_changes(before, changed))
    if opened:
        tell(call.cloud, repository, pull, "reopened", by)
    if sent.state == "closed" and before["state"] == "open":
        pull = close(call.cloud, repository, pull, by)
    return pull_shown(call.cloud, repository, pull)


@routes.on("GET", f"{PULL}/commits")
def list_commits(call: Call) -> Answer:
    repository = repository_of(call)
    commits = commits_of(call.cloud, repository, pull_of(call, repository))
    return page(call, [commit_shown(call.cloud, repository, commit) for commit in commits])


@routes.on("GET", f"{PULL}/files")
def list_files(call: Call) -> Answer:
    repository = repository_of(call)
    pull = pull_of(call, repository)
    files = files_of(call.cloud, repository, pull)
    return page(call, [file_shown(call.cloud, repository, pull["head_sha"], file) for file in files])


def pull_of(call: Call, repository: Document) -> Document:
    """The pull request in the call's path, or 404."""
    pull = call.store.get("pull_requests", str(repository["id"]), call["number"])
    if not pull:
        raise not_found()
    return pull


def _placed(call: Call, repository: Document, pull: Document, field: str) -> Document:
    """Open, from where its head branch is now to where its base branch is; refused if it can't be, for `field`."""
    path = folder(call.cloud, repository)
    branches = git_history.refs(path)
    head, base = branches.get(BRANCHES + pull["head"], NONE), branches.get(BRANCHES + pull["base"], NONE)
    if field == "base" and base == NONE:
        raise _invalid("invalid", "base")
    if field == "base" and pull["state"] == "closed":
        raise _impossible("Cannot change the base branch of a closed pull request.")
    if pull["merged_at"]:
        raise _impossible("state cannot be changed. The pull request has been merged.")
    if NONE in {head, base}:
        gone = pull["head"] if head == NONE else pull["base"]
        raise _impossible(f"state cannot be changed. The {gone} branch has been deleted.")
    if git_history.leads_to(path, head, base):
        between = f"base branch '{pull['base']}' and head branch '{pull['head']}'"
        raise _impossible(f"There are no new commits between {between}")
    _refuse_second(repository, all_of(call.cloud, repository), pull["head"], pull["base"], pull["number"])
    return refresh(call.cloud, repository, {**pull, "state": "open", "closed_at": None}, base, head)


def _refuse_second(repository: Document, others: list[Document], head: str, base: str, number: int = 0) -> None:
    for other in others:
        same = (other["state"], other["head"], other["base"]) == ("open", head, base)
        if same and other["number"] != number:
            raise _impossible(f"A pull request already exists for {repository['owner']}:{head}.")


def _changes(before: Document, changed: Document) -> Document:
    """What the event `edited` tells of the time before."""
    told: Document = {name: {"from": before[name]} for name in ("title", "body") if name in changed}
    if "base" in changed:
        told["base"] = {"ref": {"from": before["base"]}, "sha": {"from": before["base_sha"]}}
    return told


def _invalid(code: str, field: str) -> Exception:
    return refusal(422, "Validation Failed", [{"resource": "PullRequest", "field": field, "code": code}])


def _impossible(message: str) -> Exception:
    return refusal(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])

"""A pull request: its row, what the API shows of it, and what becomes of it as branches move.

git holds its commits at `refs/pull/{number}/head`, and at `refs/pull/{number}/merge` what merging it makes: as long as
it is open a merge to try out, from then on what its base branch was moved to. It is merged as soon as its base holds
one of the two, whoever has brought that about.
"""

from collections.abc import Mapping
from typing import Any

from local_cloud import git_history
from local_cloud.cloud import Cloud
from local_cloud.git import git
from local_cloud.git_commits import Draft, merge_tree, write_commit
from local_cloud.git_history import BRANCHES
from local_cloud.github import rules
from local_cloud.github.accounts import USER, account, association
from local_cloud.github.dialect import now
from local_cloud.github.events import Event, setting
from local_cloud.github.outbox import announce
from local_cloud.github.places import api_url, folder, html_url
from local_cloud.github.repository import owner_shown, shown
from local_cloud.store import Document

PULLS = "refs/pull/"
METHODS = ("merge", "squash", "rebase")
MAX_COMMITS = 250
"""Of a pull request, GitHub shows no more."""


def all_of(cloud: Cloud, repository: Document) -> list[Document]:
    """The oldest first."""
    return sorted(cloud.store.values("pull_requests", str(repository["id"])), key=lambda pull: pull["number"])


def next_number(cloud: Cloud, repository: Document) -> int:
    """Issues and pull requests are numbered together, and none is ever deleted."""
    several = (cloud.store.values(name, str(repository["id"])) for name in ("issues", "pull_requests"))
    return 1 + sum(len(list(one)) for one in several)


def put(cloud: Cloud, repository: Document, pull: Document) -> Document:
    pull = {**pull, "updated_at": now()}
    cloud.store.put("pull_requests", str(repository["id"]), str(pull["number"]), pull)
    return pull


def refresh(cloud: Cloud, repository: Document, pull: Document, base: str, head: str) -> Document:
    """An open pull request whose branches are at these commits now, and whether it could be merged."""
    path, number = folder(cloud, repository), pull["number"]
    if pull.get("head_sha") != head:
        git(path, "update-ref", pull_ref(number, "head"), head)
    tree, merge = merge_tree(path, base, head), None
    if tree:
        message = f"Merge {head} into {base}"
        merge = write_commit(path, Draft(tree=tree, parents=[base, head], message=message))
        git(path, "update-ref", pull_ref(number, "merge"), merge)
    else:
        git(path, "update-ref", "-d", pull_ref(number, "merge"))
    changed = {"base_sha": base, "head_sha": head, "mergeable": bool(tree), "merge_commit_sha": merge}
    return put(cloud, repository, {**pull, **changed})


def close(cloud: Cloud, repository: Document, pull: Document, by: str, merged: str | None = None) -> Document:
    """`merged` is the commit that its base branch was moved to by it."""
    at = now()
    merge = {"merged_at": at, "merged_by": by, "merge_commit_sha": merged} if merged else {}
    pull = put(cloud, repository, {**pull, "state": "closed", "closed_at": at, **merge})
    tell(cloud, repository, pull, "closed", by)
    return pull


def follow(cloud: Cloud, repository: Document, refs: Mapping[str, str], by: str) -> None:
    """Branches were moved, and are at `refs` now."""
    path, held = folder(cloud, repository), {}
    for pull in all_of(cloud, repository):
        base, head = refs.get(BRANCHES + pull["base"]), refs.get(BRANCHES + pull["head"])
        if pull["state"] == "closed" or (base, head) == (pull["base_sha"], pull["head_sha"]):
            continue
        if base and base != pull["base_sha"] and base not in held:
            held[base] = git_history.refs_within(path, base, PULLS)
        within, number = held.get(base, {}), pull["number"]
        if pull_ref(number, "merge") in within or pull_ref(number, "head") in within:
            close(cloud, repository, pull, by, merged=within.get(pull_ref(number, "merge"), base))
        elif not base or not head or (head != pull["head_sha"] and git_history.leads_to(path, head, base)):
            close(cloud, repository, pull, by)
        else:
            moved = refresh(cloud, repository, pull, base, head)
            if head != pull["head_sha"]:
                tell(cloud, repository, moved, "synchronize", by, before=pull["head_sha"], after=head)


def tell(cloud: Cloud, repository: Document, pull: Document, action: str, by: str, **more: Any) -> None:
    payload = {
        "action": action,
        "number": pull["number"],
        "pull_request": pull_shown(cloud, repository, pull),
        **more,
        **setting(cloud, repository, by),
    }
    announce(cloud, repository, Event(name="pull_request", payload=payload))


def commits_of(cloud: Cloud, repository: Document, pull: Document) -> list[git_history.Commit]:
    """The oldest first."""
    path = folder(cloud, repository)
    return git_history.commits(path, [pull["head_sha"]], [pull["base_sha"]], MAX_COMMITS)[::-1]


def files_of(cloud: Cloud, repository: Document, pull: Document) -> list[git_history.FileChange]:
    """What its commits change, taken together."""
    path = folder(cloud, repository)
    return git_history.file_changes(
        path, git_history.merge_base(path, pull["base_sha"], pull["head_sha"]), pull["head_sha"]
    )


def listed(cloud: Cloud, repository: Document, pull: Document) -> dict[str, Any]:
    """As a list of pull requests shows it."""
    number, url = pull["number"], api_url(cloud, repository)
    own, issue, html = f"{url}/pulls/{number}", f"{url}/issues/{number}", f"{html_url(cloud, repository)}/pull/{number}"
    addresses = {
        "comments": f"{issue}/comments",
        "commits": f"{own}/commits",
        "issue": issue,
        "review_comments": f"{own}/comments",
        "review_comment": f"{url}/pulls/comments{{/number}}",
        "statuses": f"{url}/statuses/{pull['head_sha']}",
    }
    hidden = {"by", "merged_by", "base_sha", "head_sha", "mergeable"}
    return {
        **{key: value for key, value in pull.items() if key not in hidden},
        "node_id": f"PR_{pull['id']}",
        "url": own,
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        **{f"{name}_url": address for name, address in addresses.items()},
        "locked": False,
        "active_lock_reason": None,
        "user": account(cloud, pull["by"]),
        **{name: [] for name in ("labels", "assignees", "requested_reviewers", "requested_teams")},
        **dict.fromkeys(("assignee", "milestone", "auto_merge")),
        "head": _side(cloud, repository, pull["head"], pull["head_sha"]),
        "base": _side(cloud, repository, pull["base"], pull["base_sha"]),
        "_links": {name: {"href": address} for name, address in {**addresses, "self": own, "html": html}.items()},
        "author_association": association(pull["by"]),
    }


def pull_shown(cloud: Cloud, repository: Document, pull: Document) -> dict[str, Any]:
    """By itself: with what is counted of it, and whether it can be merged."""
    files, merged = files_of(cloud, repository, pull), pull["merged_at"] is not None
    comments = cloud.store.values("issue_comments", str(repository["id"]))
    return {
        **listed(cloud, repository, pull),
        "merged": merged,
        "mergeable": pull["mergeable"] if pull["state"] == "open" else None,
        "rebaseable": pull["mergeable"] if pull["state"] == "open" else None,
        "mergeable_state": _state(cloud, repository, pull),
        "merged_by": account(cloud, pull["merged_by"]) if merged else None,
        "comments": sum(comment["number"] == pull["number"] for comment in comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(commits_of(cloud, repository, pull)),
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


def pull_ref(number: int, kind: str) -> str:
    """`kind` is `head` or `merge`."""
    return f"{PULLS}{number}/{kind}"


def _state(cloud: Cloud, repository: Document, pull: Document) -> str:
    """How it stands with merging it, for the user."""
    if pull["state"] == "closed":
        return "unknown"
    if pull["draft"]:
        return "draft"
    if not pull["mergeable"]:
        return "dirty"
    blocked = all(rules.merge_violations(cloud, repository, pull, method, USER) for method in METHODS)
    return "blocked" if blocked else "clean"


def _side(cloud: Cloud, repository: Document, branch: str, sha: str) -> dict[str, Any]:
    return {
        "label": f"{repository['owner']}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": owner_shown(cloud, repository["owner"]),
        "repo": shown(cloud, repository),
    }

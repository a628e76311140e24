"""Pushes: what git has taken from a client, or from a call, is written down, and told to the hooks.

The store knows the refs that were told of, in `refs` by repository, from its first moment on. Whatever git has beyond
that is a push: it is told once, also if two clients have pushed at once, or if the process was killed in between (then
with the next push, even one that has nothing to add).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local_cloud import git_history
from local_cloud.cloud import Cloud
from local_cloud.git_history import BRANCHES, NONE, TAGS, Commit, Person, RefChange
from local_cloud.github import pull_request
from local_cloud.github.accounts import USER, person
from local_cloud.github.dialect import now
from local_cloud.github.events import Event, setting
from local_cloud.github.outbox import announce
from local_cloud.github.places import folder, html_url
from local_cloud.github.repository import put
from local_cloud.store import Document

MAX_COMMITS = 20
MAX_TAGS = 3
"""Pushed at once; of more, GitHub tells none."""


def record(cloud: Cloud, repository: Document, by: str = USER) -> Document:
    """Before and after a push: tell of what git has beyond what was told. What nobody has lived to tell was the user's.

    That is the repository's times, its size, its default branch if this is its first push, the events, and what becomes
    of its pull requests. The repository as it is then.
    """
    scope = str(repository["id"])
    told, held = cloud.store.get("refs", scope, "") or {}, git_history.refs(folder(cloud, repository))
    changes = [
        RefChange(ref=ref, before=told.get(ref, NONE), after=held.get(ref, NONE))
        for ref in sorted(told | held)
        if told.get(ref) != held.get(ref)
    ]
    if not changes:
        return repository
    cloud.store.put("refs", scope, "", held)
    branches = [ref.removeprefix(BRANCHES) for ref in held if ref.startswith(BRANCHES)]
    default = repository["default_branch"]
    if not told and branches and default not in branches:
        default = branches[0]
        cloud.repositories.set_default_branch(repository["owner"], repository["name"], default)
    size = cloud.repositories.size(repository["owner"], repository["name"])
    repository = put(cloud, {**repository, "default_branch": default, "size": size, "pushed_at": now()})
    too_many = sum(change.ref.startswith(TAGS) for change in changes) > MAX_TAGS
    for change in changes:
        if not (too_many and change.ref.startswith(TAGS)):
            if NONE in {change.before, change.after}:
                announce(cloud, repository, _existence(cloud, repository, change, by))
            announce(cloud, repository, event(cloud, repository, change, told, by))
    pull_request.follow(cloud, repository, held, by)
    return repository


def event(cloud: Cloud, repository: Document, change: RefChange, told: Mapping[str, str], by: str) -> Event:
    """`told` are the refs before the push."""
    path, is_branch = folder(cloud, repository), change.ref.startswith(BRANCHES)
    created, deleted = change.before == NONE, change.after == NONE
    head, new, distinct = [], [], set()
    if not deleted:
        head = git_history.commits(path, [change.after])
        unknown = git_history.commits(path, [change.after], told.values(), MAX_COMMITS)
        distinct = {commit.sha for commit in unknown}
        if is_branch:
            new = unknown if created else git_history.commits(path, [change.after], [change.before], MAX_COMMITS)
    changed = git_history.changed_paths(path, [*new, *head])
    shown = [_commit(cloud, repository, commit, commit.sha in distinct, changed) for commit in [*new[::-1], *head]]
    common = setting(cloud, repository, by)
    url = html_url(cloud, repository)
    between = f"{change.before[:12]}...{change.after[:12]}"
    same = [ref for ref, sha in told.items() if sha == change.after and ref != change.ref]
    payload = {
        "ref": change.ref,
        "before": change.before,
        "after": change.after,
        "created": created,
        "deleted": deleted,
        "forced": not created and not deleted and not git_history.leads_to(path, change.before, change.after),
        "base_ref": same[0] if created and same else None,
        "compare": f"{url}/compare/{change.ref.split('/', 2)[2] if created else between}",
        "commits": shown[: len(new)],
        "head_commit": shown[-1] if head else None,
        "pusher": {"name": by, "email": person(by).email},
        **common,
        "repository": _repository(common["repository"]),
    }
    return Event(name="push", payload=payload)


def _existence(cloud: Cloud, repository: Document, change: RefChange, by: str) -> Event:
    """That a branch or a tag was made, or deleted."""
    _, kind, name = change.ref.split("/", 2)
    common = {"ref": name, "ref_type": "branch" if kind == "heads" else "tag", "pusher_type": "user"}
    made = {"master_branch": repository["default_branch"], "description": repository["description"]}
    payload = {**common, **({} if change.after == NONE else made), **setting(cloud, repository, by)}
    return Event(name="delete" if change.after == NONE else "create", payload=payload)


def latest(cloud: Cloud, repository: Document) -> RefChange | None:
    """The last commit of the default branch, as if it had been pushed alone; None if there is none."""
    ref, path = BRANCHES + repository["default_branch"], folder(cloud, repository)
    sha = git_history.refs(path).get(ref)
    if not sha:
        return None
    (commit,) = git_history.commits(path, [sha])
    return RefChange(ref=ref, before=commit.parents[0] if commit.parents else NONE, after=sha)


def _commit(
    cloud: Cloud, repository: Document, commit: Commit, distinct: bool, changed: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, Any]:
    url = f"{html_url(cloud, repository)}/commit/{commit.sha}"
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": distinct,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "url": url,
        "author": _person(commit.author),
        "committer": _person(commit.committer),
        **changed.get(commit.sha, {"added": [], "removed": [], "modified": []}),
    }


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name, "email": person.email, "date": person.date}


def _repository(shown: dict[str, Any]) -> dict[str, Any]:
    """In a push, unlike in every other event, two times are numbers and the owner has a name."""
    login = shown["owner"]["login"]
    times = {name: int(datetime.fromisoformat(shown[name]).timestamp()) for name in ("created_at", "pushed_at")}
    owner = {**shown["owner"], "name": login, "email": None}
    return {**shown, **times, "owner": owner, "organization": login, "master_branch": shown["default_branch"]}

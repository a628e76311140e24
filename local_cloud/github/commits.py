"""Branches, refs and commits, as git has them; they are made and moved by pushes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_cloud import git_history
from local_cloud.call import Answer, Call
from local_cloud.git_history import Commit, FileChange, Person
from local_cloud.github.dialect import not_found, page, refusal
from local_cloud.github.repository import repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="contents")

REPOSITORY = "/repos/{owner}/{repo}"
BRANCHES = "refs/heads/"
MAX_FILES, FILES_PER_PAGE = 3000, 300
"""Of a commit, GitHub shows no more."""

UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
UNPROTECTED = {
    "enabled": False,
    "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
}


@routes.on("GET", f"{REPOSITORY}/branches")
def list_branches(call: Call) -> Answer:
    """By name. No branch is protected."""
    protected = call.filters("protected", "page", "per_page").get("protected", "false")
    if protected not in {"true", "false"}:
        raise call.invalid("protected", "must be true or false")
    repository = repository_of(call)
    refs = {} if protected == "true" else git_history.refs(_path(call, repository))
    branches = {ref.removeprefix(BRANCHES): sha for ref, sha in refs.items() if ref.startswith(BRANCHES)}
    url = _url(call, repository)
    return page(
        call,
        [
            {"name": name, "commit": {"sha": sha, "url": f"{url}/commits/{sha}"}, "protected": False}
            for name, sha in branches.items()
        ],
    )


@routes.on("GET", f"{REPOSITORY}/branches/{{branch}}")
def get_branch(call: Call) -> dict[str, Any]:
    repository, name = repository_of(call), call["branch"]
    sha = git_history.refs(_path(call, repository)).get(BRANCHES + name)
    if not sha:
        raise refusal(404, "Branch not found")
    (commit,) = git_history.commits(_path(call, repository), [sha])
    url = f"{_url(call, repository)}/branches/{name}"
    html = f"{_html(call, repository)}/tree/{name}"
    return {
        "name": name,
        "commit": _shown(call, repository, commit),
        "_links": {"self": url, "html": html},
        "protected": False,
        "protection": UNPROTECTED,
        "protection_url": f"{url}/protection",
    }


@routes.on("GET", f"{REPOSITORY}/git/ref/{{ref*}}")
def get_ref(call: Call) -> dict[str, Any]:
    """A branch as `heads/...`, a tag as `tags/...`."""
    repository, ref = repository_of(call), f"refs/{call['ref']}"
    sha = git_history.refs(_path(call, repository)).get(ref)
    if not sha:
        raise not_found()
    ((_, kind),) = [found for found in git_history.object_types(_path(call, repository), [sha]) if found]
    url = _url(call, repository)
    return {
        "ref": ref,
        "node_id": f"REF_{repository['id']}_{ref}",
        "url": f"{url}/git/{ref}",
        "object": {"type": kind, "sha": sha, "url": f"{url}/git/{kind}s/{sha}"},
    }


@routes.on("GET", f"{REPOSITORY}/commits/{{ref}}")
def get_commit(call: Call) -> Answer:
    """By hash, branch or tag, with a page of the files that it changed, compared to its first parent."""
    call.filters("page", "per_page")
    repository, ref = repository_of(call), call["ref"]
    path = _path(call, repository)
    sha = git_history.find_commit(path, ref)
    if not sha:
        if not git_history.refs(path):
            raise refusal(409, "Git Repository is empty.")
        raise refusal(422, f"No commit found for SHA: {ref}")
    (commit,) = git_history.commits(path, [sha])
    files = git_history.file_changes(path, commit)
    additions, deletions = sum(file.additions for file in files), sum(file.deletions for file in files)
    listed = page(call, files[:MAX_FILES], FILES_PER_PAGE, FILES_PER_PAGE)
    body = {
        **_shown(call, repository, commit),
        "stats": {"additions": additions, "deletions": deletions, "total": additions + deletions},
        "files": [_file(call, repository, commit, file) for file in listed.body],
    }
    return Answer(body=body, headers=listed.headers)


def _path(call: Call, repository: Document) -> Path:
    return call.cloud.repositories.path(repository["owner"], repository["name"])


def _html(call: Call, repository: Document) -> str:
    return f"{call.cloud.settings.api_url}/{repository['owner']}/{repository['name']}"


def _url(call: Call, repository: Document) -> str:
    return f"{call.cloud.settings.api_url}/api/v3/repos/{repository['owner']}/{repository['name']}"


def _shown(call: Call, repository: Document, commit: Commit) -> dict[str, Any]:
    """A commit. Its author and committer are nobody whom this GitHub knows, so they are given by name alone."""
    url, html = _url(call, repository), _html(call, repository)
    return {
        "sha": commit.sha,
        "node_id": f"C_{repository['id']}_{commit.sha}",
        "commit": {
            "author": _person(commit.author),
            "committer": _person(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{url}/git/trees/{commit.tree}"},
            "url": f"{url}/git/commits/{commit.sha}",
            "comment_count": 0,
            "verification": UNSIGNED,
        },
        "url": f"{url}/commits/{commit.sha}",
        "html_url": f"{html}/commit/{commit.sha}",
        "comments_url": f"{url}/commits/{commit.sha}/comments",
        "author": None,
        "committer": None,
        "parents": [
            {"sha": parent, "url": f"{url}/commits/{parent}", "html_url": f"{html}/commit/{parent}"}
            for parent in commit.parents
        ],
    }


def _person(person: Person) -> dict[str, str]:
    date = datetime.fromisoformat(person.date).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": person.name, "email": person.email, "date": date}


def _file(call: Call, repository: Document, commit: Commit, file: FileChange) -> dict[str, Any]:
    html, path = _html(call, repository), file.path
    return {
        "sha": file.blob,
        "filename": path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{html}/blob/{commit.sha}/{path}",
        "raw_url": f"{html}/raw/{commit.sha}/{path}",
        "contents_url": f"{_url(call, repository)}/contents/{path}?ref={commit.sha}",
        **({"previous_filename": file.previous} if file.previous else {}),
    }

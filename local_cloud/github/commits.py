"""Branches and commits, as git has them."""

from typing import Any

from local_cloud import git_history
from local_cloud.call import Answer, Call
from local_cloud.git_history import BRANCHES
from local_cloud.github.commit import commit_shown, file_shown
from local_cloud.github.dialect import not_found, page, refusal
from local_cloud.github.places import api_url, folder, html_url
from local_cloud.github.repository import repository_of
from local_cloud.routing import RouteTable

routes = RouteTable(permission="contents")

REPOSITORY = "/repos/{owner}/{repo}"
MAX_FILES, FILES_PER_PAGE = 3000, 300
"""Of a commit, GitHub shows no more."""

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
    refs = {} if protected == "true" else git_history.refs(folder(call.cloud, repository))
    branches = {ref.removeprefix(BRANCHES): sha for ref, sha in refs.items() if ref.startswith(BRANCHES)}
    url = api_url(call.cloud, repository)
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
    sha = git_history.refs(folder(call.cloud, repository)).get(BRANCHES + name)
    if not sha:
        raise refusal(404, "Branch not found")
    (commit,) = git_history.commits(folder(call.cloud, repository), [sha])
    url = f"{api_url(call.cloud, repository)}/branches/{name}"
    html = f"{html_url(call.cloud, repository)}/tree/{name}"
    return {
        "name": name,
        "commit": commit_shown(call.cloud, repository, commit),
        "_links": {"self": url, "html": html},
        "protected": False,
        "protection": UNPROTECTED,
        "protection_url": f"{url}/protection",
    }


@routes.on("GET", f"{REPOSITORY}/commits")
def list_commits(call: Call) -> Answer:
    """The newest first, from what `sha` names on; the default branch's if it isn't sent."""
    sent, repository = call.filters("sha", "page", "per_page"), repository_of(call)
    path = folder(call.cloud, repository)
    name = sent.get("sha") or f"heads/{repository['default_branch']}"
    sha = git_history.find_commit(path, name)
    if not sha:
        if not git_history.refs(path):
            raise refusal(409, "Git Repository is empty.")
        raise not_found()
    hashes = page(call, git_history.line(path, sha))
    shown = [commit_shown(call.cloud, repository, git_history.commits(path, [one])[0]) for one in hashes.body]
    return Answer(body=shown, headers=hashes.headers)


@routes.on("GET", f"{REPOSITORY}/commits/{{ref}}")
def get_commit(call: Call) -> Answer:
    """By hash, branch or tag, with a page of the files that it changed, compared to its first parent."""
    call.filters("page", "per_page")
    repository, ref = repository_of(call), call["ref"]
    path = folder(call.cloud, repository)
    sha = git_history.find_commit(path, ref)
    if not sha:
        if not git_history.refs(path):
            raise refusal(409, "Git Repository is empty.")
        raise refusal(422, f"No commit found for SHA: {ref}")
    (commit,) = git_history.commits(path, [sha])
    files = git_history.file_changes(path, commit.parents[0] if commit.parents else None, sha)
    additions, deletions = sum(file.additions for file in files), sum(file.deletions for file in files)
    listed = page(call, files[:MAX_FILES], FILES_PER_PAGE, FILES_PER_PAGE)
    body = {
        **commit_shown(call.cloud, repository, commit),
        "stats": {"additions": additions, "deletions": deletions, "total": additions + deletions},
        "files": [file_shown(call.cloud, repository, sha, file) for file in listed.body],
    }
    return Answer(body=body, headers=listed.headers)

"""Refs: read, made, moved and deleted one by one."""

from typing import Any

from local_cloud import git_history
from local_cloud.call import Call, Strict
from local_cloud.git import GitError, git
from local_cloud.git_history import BRANCHES, NONE, TAGS, RefChange
from local_cloud.github.dialect import Created, not_found, page, refusal, unserved
from local_cloud.github.places import api_url, folder
from local_cloud.github.ref_moves import move
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="contents")

GIT = "/repos/{owner}/{repo}/git"


class NewRef(Strict):
    """`ref` is its full name, such as `refs/heads/main`."""

    ref: str
    sha: str


class MovedRef(Strict):
    sha: str
    force: bool = False


@routes.on("GET", f"{GIT}/ref/{{ref*}}")
def get_ref(call: Call) -> dict[str, Any]:
    """A branch as `heads/...`, a tag as `tags/...`, a pull request's commits as `pull/...`."""
    repository, ref = repository_of(call), f"refs/{call['ref']}"
    found = git_history.find_ref(folder(call.cloud, repository), ref)
    if not found:
        raise not_found()
    return _shown(call, repository, ref, *found)


@routes.on("GET", f"{GIT}/matching-refs/{{ref*}}")
def list_matching_refs(call: Call) -> Any:
    """The branches and tags whose names begin so."""
    call.filters("page", "per_page")
    repository = repository_of(call)
    path = folder(call.cloud, repository)
    refs = {ref: sha for ref, sha in git_history.refs(path).items() if ref.startswith(f"refs/{call['ref']}")}
    found = zip(refs, git_history.object_types(path, refs.values()), strict=True)
    return page(call, [_shown(call, repository, ref, *one) for ref, one in found if one])


@routes.on("POST", f"{GIT}/refs")
def create_ref(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(NewRef)
    path = folder(call.cloud, repository)
    if not git_history.refs(path):
        raise refusal(409, "Git Repository is empty.")
    _check_name(call, sent.ref)
    kind = _kind(call, repository, sent.ref, sent.sha)
    if git_history.find_ref(path, sent.ref):
        raise refusal(422, "Reference already exists")
    move(call, repository, RefChange(ref=sent.ref, before=NONE, after=sent.sha))
    return Created(body=_shown(call, repository, sent.ref, sent.sha, kind))


@routes.on("PATCH", f"{GIT}/refs/{{ref*}}")
def update_ref(call: Call) -> dict[str, Any]:
    """Without `force` only to a commit that follows upon the ref's."""
    repository, sent = writable_repository_of(call), call.json(MovedRef)
    ref, before = _changeable(call, repository)
    kind = _kind(call, repository, ref, sent.sha)
    if not sent.force and not git_history.leads_to(folder(call.cloud, repository), before, sent.sha):
        raise refusal(422, "Update is not a fast forward")
    move(call, repository, RefChange(ref=ref, before=before, after=sent.sha))
    return _shown(call, repository, ref, sent.sha, kind)


@routes.on("DELETE", f"{GIT}/refs/{{ref*}}")
def delete_ref(call: Call) -> None:
    repository = writable_repository_of(call)
    ref, before = _changeable(call, repository)
    if ref == BRANCHES + repository["default_branch"]:
        raise refusal(422, "Cannot delete the default branch")
    move(call, repository, RefChange(ref=ref, before=before, after=NONE))


def _changeable(call: Call, repository: Document) -> tuple[str, str]:
    """The full name of the ref in the call's path, and what it points at."""
    ref = f"refs/{call['ref']}"
    sha = git_history.refs(folder(call.cloud, repository)).get(ref)
    if not sha:
        raise refusal(422, "Reference does not exist")
    return ref, sha


def _check_name(call: Call, ref: str) -> None:
    if not ref.startswith("refs/"):
        raise refusal(422, "Reference name must start with 'refs/'.")
    if ref.count("/") < 2:
        raise refusal(422, "Reference name must contain at least three slash-separated components.")
    if not ref.startswith((BRANCHES, TAGS)):
        raise unserved(f"{ref}: only branches and tags are made")
    try:
        git(call.cloud.state.path, "check-ref-format", ref)
    except (GitError, ValueError):
        raise refusal(422, f"{ref} is not a valid ref name.") from None


def _kind(call: Call, repository: Document, ref: str, sha: str) -> str:
    """The type of an object that `ref` may point at; refused if it may not."""
    found = git_history.find_object(folder(call.cloud, repository), sha)
    if not found:
        raise refusal(422, "Object does not exist")
    if ref.startswith(BRANCHES) and found != "commit":
        raise refusal(422, "Object is not a commit")
    return found


def _shown(call: Call, repository: Document, ref: str, sha: str, kind: str) -> dict[str, Any]:
    url = api_url(call.cloud, repository)
    return {
        "ref": ref,
        "node_id": f"REF_{repository['id']}_{ref}",
        "url": f"{url}/git/{ref}",
        "object": {"type": kind, "sha": sha, "url": f"{url}/git/{kind}s/{sha}"},
    }

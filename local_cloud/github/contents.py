"""Files and folders of a repository: read at any commit, and written by a commit on a branch."""

import posixpath
import re
from typing import Any

from local_cloud import git_history, git_trees
from local_cloud.call import Answer, Call, Strict
from local_cloud.git import GitError
from local_cloud.git_commits import Draft, write_commit
from local_cloud.git_history import BRANCHES, NONE, RefChange
from local_cloud.git_trees import FILE, LINK, Change, Entry
from local_cloud.github.access import caller
from local_cloud.github.accounts import person
from local_cloud.github.blobs import RAW_TYPE, from_base64, in_base64, wants_raw
from local_cloud.github.commit import git_commit_shown
from local_cloud.github.dialect import Created, not_found, refusal, unserved
from local_cloud.github.git_data import Signature
from local_cloud.github.places import api_url, folder, html_url
from local_cloud.github.ref_moves import move
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="contents")

CONTENTS = "/repos/{owner}/{repo}/contents"
CONTENT = f"{CONTENTS}/{{path*}}"

MAX_SHOWN_BYTES = 1024 * 1024
"""A larger file is given by the raw media type alone."""

KINDS = {"blob": "file", "tree": "dir", "commit": "submodule"}
OBJECT = re.compile(r"application/vnd\.github\.(?:v3\.)?object(?:\+json)?")
README = re.compile(r"readme(?:\.(?:md|markdown|txt|rst))?", re.IGNORECASE)


class ContentChange(Strict):
    """`sha` is that of the file as it is now. On the default branch, unless it names another one."""

    message: str
    sha: str | None = None
    branch: str | None = None
    author: Signature | None = None
    committer: Signature | None = None


class NewContent(ContentChange):
    content: str


@routes.on("GET", CONTENTS)
@routes.on("GET", CONTENT)
def get_content(call: Call) -> Any:
    """A folder is a list of what it holds; a link to a file is that file."""
    repository, commit = _commit_asked_for(call)
    path = call.parameters.get("path", "").strip("/")
    root = folder(call.cloud, repository)
    if not path:
        return _folder(call, repository, commit, None)
    entry = git_trees.find(root, commit, path)
    if entry and entry.mode == LINK:
        target = posixpath.join(posixpath.dirname(path), git_trees.content(root, entry.sha).decode(errors="replace"))
        linked = git_trees.find(root, commit, posixpath.normpath(target))
        entry = linked if linked and linked.kind == "blob" else entry
    if not entry:
        raise not_found()
    if entry.kind == "commit":
        raise unserved("the contents of a submodule")
    return _folder(call, repository, commit, entry) if entry.kind == "tree" else _file(call, repository, commit, entry)


@routes.on("GET", "/repos/{owner}/{repo}/readme")
def get_readme(call: Call) -> Any:
    repository, commit = _commit_asked_for(call)
    entries = git_trees.entries(folder(call.cloud, repository), commit)
    found = [entry for entry in entries if entry.kind == "blob" and README.fullmatch(entry.path)]
    if not found:
        raise not_found()
    return _file(call, repository, commit, found[0])


@routes.on("PUT", CONTENT)
def put_content(call: Call) -> Any:
    """201 if the file is new, 409 if it isn't as `sha` says."""
    repository, sent = writable_repository_of(call), call.json(NewContent)
    body, path = from_base64(sent.content), call["path"]
    head, existing = _present(call, repository, sent)
    if existing and not sent.sha:
        raise refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    root = folder(call.cloud, repository)
    mode = existing.mode if existing else FILE
    commit = _commit(call, repository, sent, head, Change(path=path, mode=mode, sha=git_trees.write_blob(root, body)))
    entry = git_trees.find(root, commit["sha"], path)
    assert entry  # noqa: S101 - it was just written
    branch = sent.branch or repository["default_branch"]
    answer = {"content": _described(call, repository, branch, entry), "commit": commit}
    return answer if existing else Created(body=answer)


@routes.on("DELETE", CONTENT)
def delete_content(call: Call) -> dict[str, Any]:
    """The change comes in the body, or in the query."""
    repository = writable_repository_of(call)
    sent = call.json(ContentChange) if call.body else call.checked(ContentChange, dict(call.query))
    if not sent.sha:
        raise refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    head, existing = _present(call, repository, sent)
    if not existing:
        raise not_found()
    gone = Change(path=call["path"], mode=existing.mode, sha=None)
    return {"content": None, "commit": _commit(call, repository, sent, head, gone)}


def _commit_asked_for(call: Call) -> tuple[Document, str]:
    """The repository, and the commit that `ref` names; the default branch's if it isn't sent."""
    sent, repository = call.filters("ref"), repository_of(call)
    path = folder(call.cloud, repository)
    ref = sent.get("ref") or BRANCHES.removeprefix("refs/") + repository["default_branch"]
    commit = git_history.find_commit(path, ref)
    if not commit:
        empty = not git_history.refs(path)
        raise refusal(404, "This repository is empty." if empty else f"No commit found for the ref {ref}")
    return repository, commit


def _present(call: Call, repository: Document, sent: ContentChange) -> tuple[str, Entry | None]:
    """The last commit of the branch to write to, and the file as it is there. Refused if it isn't as expected."""
    path, root, branch = call["path"], folder(call.cloud, repository), sent.branch or repository["default_branch"]
    if not git_trees.is_path(path):
        raise refusal(422, "path contains a malformed path component")
    refs = git_history.refs(root)
    head = refs.get(BRANCHES + branch, NONE)
    # The first commit of all makes the default branch.
    if head == NONE and (refs or branch != repository["default_branch"]):
        raise refusal(404, f"Branch {branch} not found")
    existing = None if head == NONE else git_trees.find(root, head, path)
    if existing and existing.kind != "blob":
        raise refusal(422, f"{path} is not a file")
    if sent.sha and (not existing or existing.sha != sent.sha):
        raise refusal(409, f"{path} does not match {sent.sha}")
    return head, existing


def _commit(call: Call, repository: Document, sent: ContentChange, head: str, change: Change) -> dict[str, Any]:
    """The new commit of the branch, as it is shown."""
    root, parents = folder(call.cloud, repository), [] if head == NONE else [head]
    try:
        tree = git_trees.write_tree(root, [change], *parents)
    except GitError:
        raise refusal(422, "path contains a malformed path component") from None
    author, committer = sent.author and sent.author.person(), sent.committer and sent.committer.person()
    author = author or committer or person(caller(call).login)
    draft = Draft(tree=tree, parents=parents, message=sent.message, author=author, committer=committer)
    sha = write_commit(root, draft)
    ref = BRANCHES + (sent.branch or repository["default_branch"])
    move(call, repository, RefChange(ref=ref, before=head, after=sha), status=409)
    (commit,) = git_history.commits(root, [sha])
    return git_commit_shown(call.cloud, repository, commit)


def _folder(call: Call, repository: Document, commit: str, entry: Entry | None) -> Any:
    """`entry` is None for the root."""
    root, ref = folder(call.cloud, repository), call.query.get("ref") or repository["default_branch"]
    below = f"{entry.path}/" if entry else ""
    listed = [
        _described(
            call,
            repository,
            ref,
            Entry(path=below + one.path, mode=one.mode, kind=one.kind, sha=one.sha, size=one.size),
        )
        for one in git_trees.entries(root, entry.sha if entry else commit)
    ]
    if not OBJECT.match(call.headers.get("accept", "")):
        return listed
    (whole,) = git_history.commits(root, [commit])
    own = entry or Entry(path="", mode=git_trees.FOLDER, kind="tree", sha=whole.tree, size=None)
    return {**_described(call, repository, ref, own), "entries": listed}


def _file(call: Call, repository: Document, commit: str, entry: Entry) -> Any:
    body = git_trees.content(folder(call.cloud, repository), entry.sha)
    if wants_raw(call):
        return Answer(body=body, headers={"Content-Type": RAW_TYPE})
    described = _described(call, repository, call.query.get("ref") or repository["default_branch"], entry)
    if entry.mode == LINK:
        return {**described, "target": body.decode(errors="replace")}
    if len(body) > MAX_SHOWN_BYTES:
        return {**described, "content": "", "encoding": "none"}
    return {**described, "content": in_base64(body), "encoding": "base64"}


def _described(call: Call, repository: Document, ref: str, entry: Entry) -> dict[str, Any]:
    url, html, path = api_url(call.cloud, repository), html_url(call.cloud, repository), entry.path
    own, git_url = f"{url}/contents/{path}?ref={ref}", f"{url}/git/{entry.kind}s/{entry.sha}"
    page = f"{html}/{entry.kind}/{ref}/{path}"
    return {
        "name": posixpath.basename(path),
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": own,
        "html_url": page,
        "git_url": git_url,
        "download_url": f"{html}/raw/{ref}/{path}" if entry.kind == "blob" else None,
        "type": "symlink" if entry.mode == LINK else KINDS[entry.kind],
        "_links": {"self": own, "git": git_url, "html": page},
    }

"""Trees: the folders of a commit, read by hash, and written as changes of other ones."""

import re
from typing import Any, Literal

from local_cloud import git_history, git_trees
from local_cloud.call import Call, Strict
from local_cloud.git import GitError
from local_cloud.git_trees import FOLDER, SUBMODULE, Change
from local_cloud.github.dialect import Created, not_found, refusal
from local_cloud.github.git_data import GIT
from local_cloud.github.places import api_url, folder
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="contents")


class NewEntry(Strict):
    """Either `sha` or `content`; a `sha` of null removes what is there."""

    path: str
    mode: Literal["100644", "100755", "040000", "160000", "120000"]
    type: Literal["blob", "tree", "commit"] | None = None
    sha: str | None = None
    content: str | None = None


class NewTree(Strict):
    tree: list[NewEntry]
    base_tree: str | None = None


@routes.on("GET", f"{GIT}/trees/{{tree*}}")
def get_tree(call: Call) -> dict[str, Any]:
    """By its hash, or that of what a commit, a branch or a tag holds; `recursive`, whatever it is, with its folders."""
    recursive = "recursive" in call.filters("recursive")
    repository, name = repository_of(call), call["tree"]
    path = folder(call.cloud, repository)
    sha = name if git_history.find_object(path, name) == "tree" else _tree_of(call, repository, name)
    if not sha:
        raise not_found()
    return _tree_shown(call, repository, sha, recursive=recursive)


@routes.on("POST", f"{GIT}/trees")
def create_tree(call: Call) -> Created:
    """What `base_tree` (a tree's hash, or a commit's) holds, changed."""
    repository, sent = writable_repository_of(call), call.json(NewTree)
    path = folder(call.cloud, repository)
    if sent.base_tree and git_history.find_object(path, sent.base_tree) not in {"tree", "commit"}:
        raise refusal(422, "base_tree is not a valid tree oid")
    for entry in sent.tree:
        _check_entry(call, repository, entry)
    changes = [
        Change(
            path=entry.path,
            mode=entry.mode,
            sha=entry.sha if entry.content is None else git_trees.write_blob(path, entry.content.encode()),
        )
        for entry in sent.tree
    ]
    try:
        sha = git_trees.write_tree(path, changes, sent.base_tree)
    except GitError:
        raise refusal(422, "tree is invalid: its paths contradict each other") from None
    return Created(body=_tree_shown(call, repository, sha))


def _check_entry(call: Call, repository: Document, entry: NewEntry) -> None:
    if not git_trees.is_path(entry.path):
        raise refusal(422, "tree.path contains a malformed path component")
    if entry.content is not None and (entry.sha or entry.mode in {FOLDER, SUBMODULE}):
        raise refusal(422, "Must supply either tree.sha or tree.content, the latter for files only")
    wanted = {FOLDER: "tree", SUBMODULE: "commit"}.get(entry.mode, "blob")
    if entry.type not in {None, wanted}:
        raise refusal(422, f"tree.mode {entry.mode} is not one of a {entry.type}")
    if entry.content is None and "sha" not in entry.model_fields_set:
        raise refusal(422, "Must supply either tree.sha or tree.content")
    # The commit of a submodule is another repository's.
    present = entry.mode == SUBMODULE and re.fullmatch(r"[0-9a-f]{40}", entry.sha or "")
    if entry.sha and not present and git_history.find_object(folder(call.cloud, repository), entry.sha) != wanted:
        raise refusal(422, f"tree.sha {entry.sha} is not a valid {wanted}")


def _tree_of(call: Call, repository: Document, name: str) -> str | None:
    path = folder(call.cloud, repository)
    commit = git_history.find_commit(path, name)
    return git_history.commits(path, [commit])[0].tree if commit else None


def _tree_shown(call: Call, repository: Document, sha: str, *, recursive: bool = False) -> dict[str, Any]:
    entries = git_trees.entries(folder(call.cloud, repository), sha, recursive=recursive)
    url = f"{api_url(call.cloud, repository)}/git"
    return {
        "sha": sha,
        "url": f"{url}/trees/{sha}",
        "tree": [
            {
                "path": entry.path,
                "mode": entry.mode,
                "type": entry.kind,
                "sha": entry.sha,
                **({} if entry.size is None else {"size": entry.size}),
                **({} if entry.kind == "commit" else {"url": f"{url}/{entry.kind}s/{entry.sha}"}),
            }
            for entry in entries
        ],
        "truncated": False,
    }

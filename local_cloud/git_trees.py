"""Files and folders of a bare git repository: read from a tree, and written as a new one."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local_cloud.git import git, git_line
from local_cloud.git_history import NONE

FILE, FOLDER, LINK, SUBMODULE = "100644", "040000", "120000", "160000"
"""Modes, as git has them; a file may also be executable, 100755."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a tree holds at a path. `size` is that of a file, in bytes."""

    path: str
    mode: str
    kind: str
    sha: str
    size: int | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a new tree is to hold at a path; nothing if `sha` is None."""

    path: str
    mode: str
    sha: str | None


def is_path(path: str) -> bool:
    """Whether git takes it as the path of a file."""
    return "\0" not in path and all(part.lower() not in {"", ".", "..", ".git"} for part in path.split("/"))


def entries(repository: Path, tree: str, *, recursive: bool = False) -> list[Entry]:
    """What a tree, or a commit's, holds; with `recursive` what its folders hold, too."""
    return _listed(repository, *(["-r", "-t"] if recursive else []), tree)


def find(repository: Path, tree: str, path: str) -> Entry | None:
    """What is at a path below a tree, or a commit's."""
    found = _listed(repository, tree, "--", path) if is_path(path) else []
    return next((entry for entry in found if entry.path == path), None)


def content(repository: Path, blob: str) -> bytes:
    return git(repository, "cat-file", "blob", blob)


def write_blob(repository: Path, body: bytes) -> str:
    return git_line(repository, "hash-object", "-w", "--stdin", stdin=body)


def write_tree(repository: Path, changes: Iterable[Change], base: str | None = None) -> str:
    """A tree that holds the changes, and otherwise what `base` does. Raises `GitError` if it can't be."""
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch) / "index"
        git(repository, "read-tree", base or "--empty", index=index)
        for change in changes:
            lines = _staged(repository, change, index)
            git(repository, "update-index", "--replace", "-z", "--index-info", stdin=b"".join(lines), index=index)
        return git_line(repository, "write-tree", index=index)


def _staged(repository: Path, change: Change, index: Path) -> Iterator[bytes]:
    """What git is told to stage for a change, a file at a time."""
    if change.mode == FOLDER or not change.sha:
        below = git(repository, "ls-files", "-z", "--", f":(top,literal){change.path}", index=index)
        yield from (f"0 {NONE}\t".encode() + path + b"\0" for path in below.split(b"\0")[:-1])
    if change.mode != FOLDER and change.sha:
        yield f"{change.mode} {change.sha}\t{change.path}\0".encode()
    elif change.sha:
        for entry in entries(repository, change.sha, recursive=True):
            if entry.mode != FOLDER:
                yield f"{entry.mode} {entry.sha}\t{change.path}/{entry.path}\0".encode()


def _listed(repository: Path, *arguments: str) -> list[Entry]:
    lines = git(repository, "ls-tree", "-z", "-l", "--full-tree", *arguments)
    found = []
    for line in lines.decode(errors="replace").split("\0")[:-1]:
        described, path = line.split("\t", 1)
        mode, kind, sha, size = described.split()
        found.append(Entry(path=path, mode=mode, kind=kind, sha=sha, size=int(size) if size != "-" else None))
    return found

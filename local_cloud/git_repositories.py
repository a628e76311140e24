"""Bare git repositories on disk, made with git itself: `{root}/{owner}/{name}.git`.

The store's row is what makes a repository exist. A folder without a row is the rest of a call that was cut off: it is
written over by the next repository of that name, and removed by `sweep`.
"""

import shutil
import uuid
from collections.abc import Callable, Collection
from pathlib import Path

from local_cloud.git import git, git_line

BRANCH = "main"


class GitRepositories:
    """Owners and names are given as they are spelled in the store."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, owner: str, name: str) -> Path:
        return self._root / owner / f"{name}.git"

    def create(self, owner: str, name: str, readme: str | None = None) -> None:
        """An empty repository, or one whose first commit holds `README.md`."""

        def fill(path: Path) -> None:
            if readme is not None:
                blob = git_line(path, "hash-object", "-w", "--stdin", stdin=readme.encode())
                _commit(path, git_line(path, "mktree", stdin=f"100644 blob {blob}\tREADME.md\n".encode()))

        self._make(owner, name, fill)

    def generate(self, owner: str, name: str, template: Path) -> None:
        """A repository with one commit, which holds what the default branch of `template` does."""

        def fill(path: Path) -> None:
            tree = git_line(template, "rev-parse", "--verify", "HEAD^{tree}")
            objects = git(template, "pack-objects", "--revs", "--stdout", "-q", stdin=f"{tree}\n".encode())
            git(path, "unpack-objects", "-q", stdin=objects)
            _commit(path, tree)

        self._make(owner, name, fill)

    def has_commits(self, owner: str, name: str) -> bool:
        """Whether the default branch is there."""
        path = self.path(owner, name)
        return bool(git(path, "for-each-ref", "--count=1", git_line(path, "symbolic-ref", "HEAD")))

    def size(self, owner: str, name: str) -> int:
        """In KiB."""
        lines = git(self.path(owner, name), "count-objects", "-v").decode().splitlines()
        counts = dict(line.split(": ") for line in lines)
        return int(counts["size"]) + int(counts["size-pack"])

    def set_default_branch(self, owner: str, name: str, branch: str) -> None:
        git(self.path(owner, name), "symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def remove(self, owner: str, name: str) -> None:
        """Delete a repository; one that is gone already is no error."""
        path = self.path(owner, name)
        if path.exists():
            shutil.rmtree(path.rename(self._scratch()))

    def sweep(self, keep: Collection[Path]) -> None:
        """Delete every folder that is not the path of a repository to keep."""
        for path in self._root.glob("*/*"):
            if path not in keep:
                shutil.rmtree(path)

    def _make(self, owner: str, name: str, fill: Callable[[Path], None]) -> None:
        """Build the repository aside, and put it in its place when it is whole."""
        scratch = self._scratch()
        git(scratch, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", "--template=")
        fill(scratch)
        self.remove(owner, name)
        path = self.path(owner, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.rename(path)

    def _scratch(self) -> Path:
        folder = self._root / ".scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid.uuid4().hex


def _commit(path: Path, tree: str) -> None:
    commit = git_line(path, "commit-tree", tree, "-m", "Initial commit")
    git(path, "update-ref", f"refs/heads/{BRANCH}", commit)

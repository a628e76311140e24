"""Bare git repositories on disk, made with git itself: `{root}/{owner}/{name}.git`.

The store's row is what makes a repository exist. A folder without a row is the rest of a call that was cut off: it is
written over by the next repository of that name, and removed by `sweep`.
"""

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Collection
from pathlib import Path

BRANCH = "main"

_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "local-cloud",
    "GIT_AUTHOR_EMAIL": "local-cloud@localhost",
    "GIT_COMMITTER_NAME": "local-cloud",
    "GIT_COMMITTER_EMAIL": "local-cloud@localhost",
}


class GitError(Exception):
    """git could not do what a call needs; the message holds what it said."""


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
                blob = _git_line(path, "hash-object", "-w", "--stdin", stdin=readme.encode())
                _commit(path, _git_line(path, "mktree", stdin=f"100644 blob {blob}\tREADME.md\n".encode()))

        self._make(owner, name, fill)

    def generate(self, owner: str, name: str, template: Path) -> None:
        """A repository with one commit, which holds what the default branch of `template` does."""

        def fill(path: Path) -> None:
            tree = _git_line(template, "rev-parse", "--verify", "HEAD^{tree}")
            objects = _git(template, "pack-objects", "--revs", "--stdout", "-q", stdin=f"{tree}\n".encode())
            _git(path, "unpack-objects", "-q", stdin=objects)
            _commit(path, tree)

        self._make(owner, name, fill)

    def has_commits(self, owner: str, name: str) -> bool:
        return bool(_git(self.path(owner, name), "for-each-ref", "--count=1", f"refs/heads/{BRANCH}"))

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
        _git(scratch, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", "--template=")
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
    commit = _git_line(path, "commit-tree", tree, "-m", "Initial commit")
    _git(path, "update-ref", f"refs/heads/{BRANCH}", commit)


def _git_line(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    return _git(repository, *arguments, stdin=stdin).decode().rstrip("\n")


def _git(repository: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """What git prints. Raises `GitError`."""
    command = ["git", f"--git-dir={repository}", *arguments]
    done = subprocess.run(command, input=stdin, env=_ENVIRONMENT, capture_output=True, check=False)
    if done.returncode:
        raise GitError(f"git {arguments[0]} in {repository}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout

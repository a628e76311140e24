"""git itself, run on a bare repository without any configuration of its user."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

NAME, EMAIL = "local-cloud", "local-cloud@localhost"

ENVIRONMENT: Mapping[str, str] = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": NAME,
    "GIT_AUTHOR_EMAIL": EMAIL,
    "GIT_COMMITTER_NAME": NAME,
    "GIT_COMMITTER_EMAIL": EMAIL,
}


class GitError(Exception):
    """git could not do what a call needs; the message holds what it said."""


def git(repository: Path, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
    """What git prints. `index` is the file that it stages in, for what needs one. Raises `GitError`."""
    command = ["git", f"--git-dir={repository}", *arguments]
    environment = {**ENVIRONMENT, "GIT_INDEX_FILE": str(index)} if index else ENVIRONMENT
    done = subprocess.run(command, input=stdin, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise GitError(f"git {arguments[0]} in {repository}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def git_line(repository: Path, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> str:
    return git(repository, *arguments, stdin=stdin, index=index).decode().rstrip("\n")

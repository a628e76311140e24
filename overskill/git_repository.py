"""A repository at GitHub, or at the local cloud, as git sees it: cloned without files, added to, pushed."""

import base64
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.config import StackConfig
from overskill.errors import CommandError

GITHUB = "https://github.com"
API_PATH = "/api/v3"
IDENTITY = {
    f"GIT_{who}_{what}": text
    for who in ("AUTHOR", "COMMITTER")
    for what, text in (("NAME", "OverSkill"), ("EMAIL", "platform@overskill.invalid"))
}


@dataclass(frozen=True)
class GitRepository:
    """A bare clone in `folder`, at the default branch; `full_name` is `owner/name`."""

    full_name: str
    folder: Path
    environment: Mapping[str, str]

    @classmethod
    @contextmanager
    def cloned(cls, config: StackConfig, credentials: Mapping[str, str], full_name: str) -> Iterator["GitRepository"]:
        """The clone lasts as long as the block. Raises `CommandError` without a token, or where git fails."""
        token = credentials.get("GITHUB_TOKEN")
        if not token:
            raise CommandError("GITHUB_TOKEN is not set: export one that may write contents and workflows")
        root = str(config.github.base_url or GITHUB).rstrip("/").removesuffix(API_PATH)
        with TemporaryDirectory(prefix="overskill-git-") as folder:
            made = cls(full_name, Path(folder), os.environ | IDENTITY | _access(root, token))
            made.git("clone", "--quiet", "--bare", f"{root}/{full_name}.git", folder)
            yield made

    def git(self, *words: str) -> str:
        """What git prints, without the end of the last line. Raises `CommandError` with what it says."""
        return self._run(*words).rstrip("\n")

    def text(self, blob: str) -> str:
        """The whole text of a file by its hash."""
        return self._run("cat-file", "blob", blob)

    def _run(self, *words: str) -> str:
        command = ["git", f"--git-dir={self.folder}", *words]
        done = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise CommandError(f"git {words[0]} of {self.full_name} failed: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def tree_with(self, files: Path, *, ignored: Path, kept: tuple[str, ...] = ()) -> str:
        """The tree of the default branch with `files` in the place of all that it has, but for what is at `kept`.

        What the file `ignored`, or a `.gitignore` among the files, names is left out.
        """
        self.git("read-tree", "HEAD")
        self.git("-c", f"core.excludesFile={ignored}", f"--work-tree={files}", "add", "--all")
        if kept:
            self.git(f"--work-tree={files}", "reset", "--quiet", "HEAD", "--", *kept)
        return self.git("write-tree")

    def push(self, tree: str, message: str) -> str:
        """A commit of `tree` on top of the default branch, pushed to it; its hash."""
        commit = self.git("commit-tree", tree, "-p", "HEAD", "-m", message)
        self.git("push", "--quiet", "origin", f"{commit}:{self.git('symbolic-ref', 'HEAD')}")
        return commit


def _access(root: str, token: str) -> dict[str, str]:
    """The token in the environment: the list of processes is everybody's, and so is a clone's configuration."""
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{root}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        "GIT_TERMINAL_PROMPT": "0",
    }

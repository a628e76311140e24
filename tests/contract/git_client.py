"""The git of this machine as a client of the local cloud: without anybody's configuration, and without asking."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@example.com" for who in ("AUTHOR", "COMMITTER")},
}


@dataclass(frozen=True)
class Result:
    """`said` is what git told its user."""

    code: int
    printed: str
    said: str


@dataclass(frozen=True)
class Clone:
    """A folder with a work tree."""

    path: Path

    @classmethod
    def of(cls, url: str, path: Path, *options: str) -> "Clone":
        done = run("clone", "-q", *options, url, str(path))
        assert done.code == 0, done.said
        return cls(path)

    def git(self, *arguments: str | bytes) -> str:
        """What git prints; it must not fail."""
        done = self.try_git(*arguments)
        assert done.code == 0, done.said
        return done.printed.strip()

    def try_git(self, *arguments: str | bytes) -> Result:
        return run("-C", str(self.path), *arguments)

    def commit(self, message: str, **files: str | bytes | None) -> str:
        """A commit that writes the files (None removes one); its hash."""
        for name, content in files.items():
            path = self.path / name.replace("_", ".")
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """git, under way; `communicate()` gives what it said."""
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)


def run(*arguments: str | bytes) -> Result:
    done = subprocess.run(["git", *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)

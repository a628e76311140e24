"""Real wrangler, run as its users run it: three variables lead it to a local cloud, and nothing else does."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Wrangler:
    """`api` and `root` are where Cloudflare's API is, or what stands for it.

    `home` is a folder of its own, where wrangler keeps what it logs and Node what it has compiled.
    """

    program: Path
    api: str
    token: str
    account: str
    home: Path
    root: str = "/client/v4"

    def project(self, name: str, source: str, **config: Any) -> Path:
        """A folder with a Worker and its configuration."""
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        (folder / "index.js").write_text(source)
        described = {"name": name, "main": "index.js", "compatibility_date": "2026-01-01", **config}
        (folder / "wrangler.json").write_text(json.dumps(described))
        return folder

    def run(self, command: str, folder: Path | None = None, *, answer: str = "") -> str:
        """What a command prints; it has to succeed. `answer` is what it is told by standard input."""
        done = self._run(command, folder, answer)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, command: str, folder: Path | None = None) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.run(command, folder))

    def refused(self, command: str, folder: Path | None = None, *, answer: str = "") -> str:
        """What a command complains of; it has to fail."""
        done = self._run(command, folder, answer)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr

    def _run(self, command: str, folder: Path | None, answer: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "CI": "1",
            "NODE_COMPILE_CACHE": str(self.home / "compiled"),
            "WRANGLER_HIDE_BANNER": "true",
            "WRANGLER_SEND_METRICS": "false",
            "CLOUDFLARE_API_BASE_URL": f"{self.api}{self.root}",
            "CLOUDFLARE_API_TOKEN": self.token,
            "CLOUDFLARE_ACCOUNT_ID": self.account,
        }
        return subprocess.run(
            [self.program, *command.split()],
            cwd=folder or self.home,
            env=environment,
            input=answer,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

"""A copy of this checkout, with a platform of its own on a local cloud of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overskill.checkout_cloud import of_checkout
from overskill.checkout_copy import copied
from overskill.errors import CommandError
from overskill.local_api import start
from overskill.local_cloud_process import LocalCloud, Programs
from overskill.project import LOCAL_STACK, Project

QUIET = {"OVERSKILL_USAGE_MINUTES": "0"}
"""The control plane makes no calls by itself: those of a benchmark are counted."""


@dataclass(frozen=True)
class Checkout:
    """`environment` is that of its commands."""

    project: Project
    environment: Mapping[str, str]

    @property
    def cloud(self) -> LocalCloud:
        return of_checkout(self.project)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "overskill", *arguments]

    def run(self, *arguments: str) -> str:
        """Run `overskill ARGUMENTS`. Raises `CommandError` with what it printed if it fails."""
        command, folder = self.command(*arguments), self.project.root
        ended = subprocess.run(
            command,
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if ended.returncode:
            raise CommandError(f"overskill {' '.join(arguments)} failed:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def start_afresh(self, programs: Programs, profile: str) -> None:
        """The local cloud with all that it has, under a profile, and with no call of the last hour counted."""
        self.cloud.stop()
        start(self.cloud, programs, profile, seed=0)

    def calls(self) -> list[tuple[str, str]]:
        """Method and path of each call of both APIs so far."""
        return _CALL.findall((self.cloud.state / "requests.log").read_text(errors="replace"))

    def outputs(self) -> Mapping[str, Any]:
        """Of the platform stack, as `PlatformOutputs` has them."""
        return json.loads(self.run("pulumi", "stack", "output", "--json", "-s", LOCAL_STACK))


_CALL = re.compile(r" (GET|POST|PUT|PATCH|DELETE) (/(?:client/v4|api/v3)/\S+) \d+ ")


@contextmanager
def checkout(source: Project, folder: Path) -> Iterator[Checkout]:
    """Copy `source` into `folder`, and bring its platform up there; it is gone after the block.

    Raises `CommandError` where that fails.
    """
    made = Checkout(Project(copied(source.root, folder)), os.environ | {"PYTHONPATH": str(folder), **QUIET})
    with ExitStack() as ending:
        ending.callback(made.run, "down")
        # One that was started afresh is a child of this process, which alone can wait for its end.
        ending.callback(made.cloud.stop)
        made.run("up", "--detach")
        yield made

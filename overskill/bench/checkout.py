"""A copy of this checkout, with a platform of its own on a local cloud of its own."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overskill.checkout_cloud import of_checkout
from overskill.errors import CommandError
from overskill.local_api import start
from overskill.local_cloud_process import LocalCloud, Programs
from overskill.project import LOCAL_STACK, Project

QUIET = {"OVERSKILL_USAGE_MINUTES": "0"}
"""The control plane makes no calls by itself: those of a benchmark are counted."""

PORTS = ("8786", "8787", "8788")
"""As Pulumi.local.yaml names them."""


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
    """Copy what git knows of `source` into `folder`, and bring its platform up there; it is gone after the block.

    Raises `CommandError` where that fails.
    """
    _copy(source.root, folder)
    made = Checkout(Project(folder), os.environ | {"PYTHONPATH": str(folder), **QUIET})
    with ExitStack() as ending:
        ending.callback(made.run, "down")
        # One that was started afresh is a child of this process, which alone can wait for its end.
        ending.callback(made.cloud.stop)
        made.run("up", "--detach")
        yield made


def _copy(source: Path, target: Path) -> None:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=source, capture_output=True, text=True, check=False)
    if listed.returncode:
        raise CommandError(f"{source} is no clone that git can list: {listed.stderr.strip()}")
    for name in listed.stdout.splitlines():
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    stack_file = target / f"Pulumi.{LOCAL_STACK}.yaml"
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    text = stack_file.read_text()
    stack_file.write_text(re.sub("|".join(PORTS), lambda port: ports[port.group()], text))


def _free_ports(count: int) -> list[str]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [str(each.getsockname()[1]) for each in sockets]

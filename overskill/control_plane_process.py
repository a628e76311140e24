"""The control plane of a platform stack as a process beside this one: started, found again, stopped."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import httpx
import psutil

from infra.config import StackConfig
from overskill import background
from overskill.project import LOOPBACK, Project
from overskill.toolchain.providers import Mode

PID_FILE = "serve.pid"
"""In the state folder: written by `overskill serve` once it has its port."""


def state_folder(project: Project, stack: str) -> Path:
    """Where the control plane of a platform stack keeps what is on this machine."""
    given = os.environ.get("OVERSKILL_STATE")
    return Path(given).resolve() if given else project.home / "control-plane" / stack


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """By its state folder; `port` is the one that the stack's `overskill:apiBase` names."""

    stack: str
    state: Path
    log: Path
    port: int
    name: ClassVar[str] = "the control plane"

    @classmethod
    def of(cls, project: Project, stack: str, config: StackConfig) -> "ControlPlane | None":
        """None where the stack says that its API is on another machine."""
        url = urlsplit(str(config.overskill.api_base))
        if url.hostname not in LOOPBACK:
            return None
        log = project.logs / f"control-plane-{stack}.log"
        return cls(stack=stack, state=state_folder(project, stack), log=log, port=url.port or 80)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def process(self) -> psutil.Process | None:
        """The running process, or None."""
        return background.running(self.state / PID_FILE, str(self.state))

    def runs(self) -> bool:
        """Whether it answers, whatever that is."""
        if self.process() is None:
            return False
        try:
            httpx.get(self.url, timeout=2, trust_env=False)
        except httpx.HTTPError:
            return False
        return True

    def neighbour(self, project: Project) -> str | None:
        """The other stack of this checkout whose control plane has this port now."""
        for stack in project.local_stacks():
            state = state_folder(project, stack)
            process = background.running(state / PID_FILE, str(state)) if stack != self.stack else None
            if process and str(self.port) in process.cmdline():
                return stack
        return None

    def start(self, providers: Mode | None) -> None:
        """Start it, anew if it runs: it takes what the stack says at its start. Raises `CommandError`."""
        self.stop()
        options = ["--stack", self.stack, "--state", str(self.state), "--port", str(self.port)]
        options += ["--providers", providers] if providers else []
        command = [sys.executable, "-m", "overskill", "serve", *options]
        ports = f"overskill:apiBase and overskill:webhookBase in Pulumi.{self.stack}.yaml"
        background.start(self, command, os.environ, answers=self.runs, ports=ports)

    def stop(self) -> bool:
        """Stop it; return whether it ran. What it was at goes on with the next start."""
        return background.stop(self.process())


def stop_all(project: Project) -> None:
    """Stop those of all local platform stacks of this checkout."""
    for stack in project.local_stacks():
        state = state_folder(project, stack)
        background.stop(background.running(state / PID_FILE, str(state)))

"""The local cloud as a process beside this one: started, found again, stopped."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from infra.config import StackConfig
from overskill.errors import CommandError
from overskill.project import LOCAL_STACK, LOOPBACK, Project

START_SECONDS = 30
STOP_SECONDS = 15


@dataclass(frozen=True)
class LocalCloud:
    """The local cloud of one checkout, at the ports that `Pulumi.local.yaml` names."""

    project: Project
    config: StackConfig

    @classmethod
    def of(cls, project: Project) -> "LocalCloud":
        """Raises `CommandError` where the local stack's configuration has errors or leads elsewhere."""
        config = project.stack_config(LOCAL_STACK)
        for key, url in (
            ("cloudflare:baseUrl", config.cloudflare.base_url),
            ("github:baseUrl", config.github.base_url),
        ):
            if url is None or url.host not in LOOPBACK:
                raise CommandError(f"Pulumi.local.yaml: {key} must lead to this machine, such as http://127.0.0.1:8787")
        if config.cloudflare.base_url.port != config.github.base_url.port:
            raise CommandError("Pulumi.local.yaml: cloudflare:baseUrl and github:baseUrl must name the same port")
        if config.overskill.edge.port is None:
            raise CommandError("Pulumi.local.yaml: overskill:edge.port is missing: the local edge needs one")
        return cls(project, config)

    def config_of(self, stack: str) -> StackConfig:
        """The configuration of a stack that this cloud serves. Raises `CommandError` for one that leads elsewhere."""
        config = self.project.stack_config(stack)
        if stack not in self.project.local_stacks():
            raise CommandError(
                f"stack {stack} is not on the local cloud: its file names no cloudflare:baseUrl on this machine. "
                f"On Cloudflare it is brought up with: ./dev pulumi up -s {stack} --policy-pack policies"
            )
        ours, theirs = _leads_to(self.config), _leads_to(config)
        if differing := [f"{key} (it is {theirs[key]}, there {ours[key]})" for key in ours if ours[key] != theirs[key]]:
            raise CommandError(
                f"stack {stack} does not lead to the local cloud of Pulumi.{LOCAL_STACK}.yaml: make these the same in "
                f"both files: {', '.join(differing)}"
            )
        return config

    @property
    def state(self) -> Path:
        return self.project.home / "local-cloud"

    @property
    def log(self) -> Path:
        return self.project.logs / "local-cloud.log"

    @property
    def api_port(self) -> int:
        return self.config.cloudflare.base_url.port

    @property
    def edge_port(self) -> int:
        return self.config.overskill.edge.port

    @property
    def _pid_file(self) -> Path:
        """Written by the local cloud once it has its state to itself."""
        return self.state / "local-cloud.pid"

    def credentials(self) -> dict[str, str]:
        """`cloudflare_token` and `github_token`, which the local cloud has made for itself."""
        try:
            return json.loads((self.state / "credentials.json").read_text())
        except FileNotFoundError:
            raise CommandError("the local cloud has never run here: start it with ./dev up") from None

    def process(self) -> psutil.Process | None:
        """The running process, or None. A recorded pid that now belongs to another program does not count."""
        try:
            process = psutil.Process(int(self._pid_file.read_text()))
            return process if str(self.state) in process.cmdline() else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return None

    def require(self) -> None:
        """Raises `CommandError` unless it runs and answers."""
        if self._health() is None:
            raise CommandError("the local cloud is not running: start it with ./dev up")

    def start(self, workerd: Path) -> bool:
        """Start it unless it runs already; return whether it was started. Raises `CommandError` if it cannot serve."""
        if self.process() is not None:
            if self._health() is not None:
                return False
            self.stop()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            # A session of its own: Ctrl-C in the terminal reaches this process, which then stops the cloud in order.
            process = subprocess.Popen(
                self._command(workerd), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._health() is not None and self.process() is not None:
                return True
            if process.poll() is not None:
                ports = (
                    "its ports are those of cloudflare:baseUrl, github:baseUrl and overskill:edge in Pulumi.local.yaml"
                )
                raise CommandError(f"the local cloud did not start ({ports}):\n{self._last_words()}")
            time.sleep(0.1)
        self.stop()
        raise CommandError(f"the local cloud did not answer within {START_SECONDS} s:\n{self._last_words()}")

    def serve_zone(self, name: str) -> None:
        """Have the running cloud hold a zone of this name, as an account's owner would add it."""
        headers = {"Authorization": f"Bearer {self.credentials()['cloudflare_token']}"}
        with httpx.Client(base_url=str(self.config.cloudflare.base_url), headers=headers, trust_env=False) as client:
            if client.get("zones", params={"name": name}).raise_for_status().json()["result"]:
                return
            account = {"id": self.config.overskill.account_id}
            client.post("zones", json={"name": name, "account": account, "type": "full"}).raise_for_status()

    def stop(self) -> bool:
        """Stop it and what it has started; return whether it ran."""
        process = self.process()
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
        return process is not None

    def _command(self, workerd: Path) -> list[str]:
        platform = self.config.overskill
        options = {
            "--state": self.state,
            "--api-port": self.api_port,
            "--edge-port": self.edge_port,
            "--workerd": workerd,
            "--account": platform.account_id,
            "--workers-subdomain": platform.workers_dev_subdomain,
            "--zone": platform.zone_name,
        }
        command = [sys.executable, "-m", "local_cloud", "serve"]
        command += [str(word) for option in options.items() for word in option]
        for owner in sorted({owner for stack in self.project.local_stacks() for owner in self._owners(stack)}):
            command += ["--organization", owner]
        return command

    def _owners(self, stack: str) -> set[str]:
        """The GitHub organisations that a stack names."""
        values = self.project.stack_values(stack)
        return {values[key] for key in ("github:owner", "overskill:githubOrganization") if key in values}

    def _health(self) -> dict[str, Any] | None:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.api_port}/_local/health", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.status_code == httpx.codes.OK else None

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"  {line}" for line in lines) + f"\n  (whole log: {os.path.relpath(self.log)})"


def _leads_to(config: StackConfig) -> dict[str, object]:
    """What two stacks on one local cloud have in common."""
    platform = config.overskill
    return {
        "cloudflare:baseUrl": config.cloudflare.base_url,
        "github:baseUrl": config.github.base_url,
        "overskill:accountId": platform.account_id,
        "overskill:workersDevSubdomain": platform.workers_dev_subdomain,
        "overskill:edge": platform.edge,
    }

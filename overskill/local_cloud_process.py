"""The local cloud as a process beside this one: started, found again, stopped."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import httpx
import psutil

from overskill import background
from overskill.errors import CommandError
from overskill.toolchain import Toolchain, ToolchainError


@dataclass(frozen=True, kw_only=True)
class Programs:
    """What the local cloud starts. `environment` has the PATH on which workflows find Node; without act none runs."""

    workerd: Path
    act: Path | None
    environment: Mapping[str, str]

    @classmethod
    def of(cls, toolchain: Toolchain) -> "Programs":
        """Installs what is missing. Raises `ToolchainError`; where it is act alone that can't be had, tells why."""
        try:
            act = toolchain.act
        except ToolchainError as reason:
            print(f"{reason}\nWithout it the local cloud runs no workflows.", file=sys.stderr)
            act = None
        environment = os.environ | toolchain.environment(engine=False)
        return cls(workerd=toolchain.workerd, act=act, environment=environment)


@dataclass(frozen=True, kw_only=True)
class LocalCloud:
    """A local cloud by its state folder, with the options that `start` gives it.

    `up` is the command that starts it, and `ports` what chooses its ports, as errors name them.
    """

    state: Path
    log: Path
    api_port: int = 8787
    edge_port: int = 8788
    account: str = "00000000000000000000000000000001"
    workers_subdomain: str = "overskill"
    zones: tuple[str, ...] = ("overskill.localhost",)
    organizations: tuple[str, ...] = ("overskill",)
    listen: str = "127.0.0.1"
    resident_apps: int = 500
    profile: str = "instant"
    seed: int = 0
    up: str = "overskill local up"
    ports: str = "--api-port and --edge-port"
    name: ClassVar[str] = "the local cloud"

    @property
    def api_url(self) -> str:
        """Where the API answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def edge_url(self) -> str:
        return f"http://127.0.0.1:{self.edge_port}"

    @property
    def _pid_file(self) -> Path:
        """Written by the local cloud once it has its state to itself."""
        return self.state / "local-cloud.pid"

    def credentials(self) -> dict[str, str]:
        """`cloudflare_token` and `github_token`, which the local cloud has made for itself."""
        file = self.state / "credentials.json"
        try:
            return json.loads(file.read_text())
        except FileNotFoundError:
            raise CommandError(f"the local cloud has never run here: start it with {self.up}") from None
        except ValueError:
            raise CommandError(f"{file} is broken: delete it, and {self.up} makes new credentials") from None

    @property
    def page_url(self) -> str:
        """Opens the local cloud's own page; has the page's key in it."""
        return f"http://127.0.0.1:{self.api_port}/?key={self.credentials()['page_key']}"

    def process(self) -> psutil.Process | None:
        """The running process, or None."""
        return background.running(self._pid_file, str(self.state))

    def found(self) -> "LocalCloud":
        """The same with the address, the ports, the account and the limit of apps of the process that runs, if any."""
        process = self.process()
        if process is None:
            return self
        options = dict(pairwise(process.cmdline()))
        return replace(
            self,
            listen=options["--listen"],
            api_port=int(options["--api-port"]),
            edge_port=int(options["--edge-port"]),
            account=options["--account"],
            resident_apps=int(options["--resident-apps"]),
        )

    def require(self) -> None:
        """Raises `CommandError` unless it runs and answers."""
        if not self.runs():
            raise CommandError(f"the local cloud is not running: start it with {self.up}")

    def start(self, programs: Programs) -> bool:
        """Start it unless it runs already; return whether it was started. Raises `CommandError` if it cannot serve.

        One that does not answer, or runs with other options than those that `found` tells, is started anew.
        """
        if self.process() is not None:
            if self.runs() and self.found() == self:
                return False
            self.stop()
        background.start(self, self._command(programs), programs.environment, answers=self.runs, ports=self.ports)
        return True

    def serve_zone(self, name: str) -> None:
        """Have the running cloud hold a zone of this name, as its owner would add it. Raises `CommandError`."""
        headers = {"Authorization": f"Bearer {self.credentials()['cloudflare_token']}"}
        body = {"name": name, "account": {"id": self.account}, "type": "full"}
        with httpx.Client(base_url=f"{self.api_url}/client/v4", headers=headers, trust_env=False) as client:
            try:
                if not client.get("zones", params={"name": name}).raise_for_status().json()["result"]:
                    client.post("zones", json=body).raise_for_status()
            except httpx.HTTPError as error:
                raise CommandError(f"the local cloud can't be given the zone {name}: {error}; try again") from None

    def stop(self) -> bool:
        """Stop it and what it has started; return whether it ran."""
        return background.stop(self.process())

    def runs(self) -> bool:
        """Whether API and edge both answer, and not those of another local cloud."""
        try:
            answer = httpx.get(f"{self.api_url}/_local/health", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK and self.process() is not None

    def _command(self, programs: Programs) -> list[str]:
        options = [
            ("--state", self.state),
            ("--api-port", self.api_port),
            ("--edge-port", self.edge_port),
            ("--workerd", programs.workerd),
            *([("--act", programs.act)] if programs.act else []),
            ("--account", self.account),
            ("--workers-subdomain", self.workers_subdomain),
            ("--listen", self.listen),
            ("--resident-apps", self.resident_apps),
            ("--profile", self.profile),
            ("--seed", self.seed),
            *(("--zone", zone) for zone in self.zones),
            *(("--organization", organization) for organization in self.organizations),
        ]
        return [sys.executable, "-m", "local_cloud", "serve", *(str(word) for option in options for word in option)]

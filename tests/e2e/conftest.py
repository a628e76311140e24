"""A checkout of its own for the whole run: copied, with its own ports, used by its command line alone."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from infra.config import StackConfig
from overskill.checkout_cloud import of_checkout
from overskill.checkout_copy import PORTS, free_ports
from overskill.local_cloud_process import LocalCloud
from overskill.project import Project

ROOT = Path(__file__).parents[2]
PLANTED = "planted-webhook-secret-d41d8cd98f00b204"


@dataclass
class Checkout:
    """A copy of the project and its command line."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "overskill", *arguments]

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run `overskill ARGUMENTS`, expect its exit code, and return all that it printed."""
        run = subprocess.run(
            self.command(*arguments), cwd=self.root, env=self.environment, capture_output=True, text=True, check=False
        )
        output = run.stdout + run.stderr
        assert run.returncode == code, output
        return output

    def start(self, *arguments: str) -> subprocess.Popen:
        """Run `overskill ARGUMENTS` beside the test, its output into a file."""
        with (self.root / ".overskill" / "started.log").open("w") as log:
            return subprocess.Popen(
                self.command(*arguments), cwd=self.root, env=self.environment, stdout=log, stderr=log
            )

    def pulumi(self, stack: str, *arguments: str, code: int = 0) -> str:
        """Run `overskill pulumi` on a stack: `local`, or an app's."""
        folder = self.root / "app_stacks" if "." in stack else self.root
        return self.run("pulumi", "-C", str(folder), *arguments, "-s", stack, "--non-interactive", code=code)

    def stack_file(self, stack: str) -> Path:
        return self.root / f"Pulumi.{stack}.yaml"

    def configure(self, stack: str, **changes: Any) -> None:
        """Change keys of a stack file (`overskill__prefix="acme"`); None takes a key out."""
        content = yaml.safe_load(self.stack_file(stack).read_text())
        values = content["config"] | {key.replace("__", ":"): value for key, value in changes.items()}
        content["config"] = {key: value for key, value in values.items() if value is not None}
        self.stack_file(stack).write_text(yaml.safe_dump(content))

    def up(self, stack: str) -> None:
        """As anybody brings a platform up: with its policies."""
        self.pulumi(stack, "up", "--policy-pack", str(self.root / "policies"), "--yes", "--skip-preview")

    def drift(self, stack: str, code: int) -> str:
        return self.pulumi(stack, "refresh", "--preview-only", "--expect-no-changes", code=code)

    @property
    def cloud(self) -> LocalCloud:
        return of_checkout(Project(self.root))

    @property
    def config(self) -> StackConfig:
        return Project(self.root).stack_config("local")

    def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the local cloud behind Pulumi's back: `/client/v4/...` or `/api/v3/...`."""
        credentials = self.cloud.credentials()
        token = credentials["cloudflare_token" if path.startswith("/client") else "github_token"]
        url = f"http://127.0.0.1:{self.cloud.api_port}{path}"
        return httpx.request(method, url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, **options)

    def account(self, path: str) -> str:
        return f"/client/v4/accounts/{self.cloud.account}/workers/{path}"

    @property
    def previews(self) -> str:
        """The path of the scripts of the platform's namespace for previews."""
        return self.account("dispatch/namespaces/overskill-development-preview/scripts")

    def add_preview(self, app_id: str, pull_request: int) -> None:
        """Put the script of a pull request there, as the broker does."""
        metadata = {"main_module": "index.js", "compatibility_date": "2026-01-01", "tags": [f"app-{app_id}"]}
        module = ("index.js", "export default {}", "application/javascript+module")
        parts = {"metadata": (None, json.dumps(metadata), "application/json"), "index.js": module}
        self.api("PUT", f"{self.previews}/preview-{app_id}-pr{pull_request}", files=parts).raise_for_status()

    def zone(self, path: str, name: str = "overskill.localhost") -> str:
        (zone,) = self.api("GET", "/client/v4/zones", params={"name": name}).json()["result"]
        return f"/client/v4/zones/{zone['id']}/{path}"

    def page(self, host: str, path: str = "/") -> httpx.Response:
        """Ask the edge for `host`, one below a platform's domain or a dispatch Worker's own."""
        port = self.cloud.edge_port
        return httpx.get(f"http://127.0.0.1:{port}{path}", headers={"Host": f"{host}:{port}"}, trust_env=False)

    def await_status(self, host: str, status: int) -> None:
        """Within the time that the dispatch Worker keeps what it has read of an app: twice that where KV was silent."""
        deadline = time.monotonic() + 2 * self.config.overskill.app_cache_seconds + 5
        while (found := self.page(host).status_code) != status:
            assert time.monotonic() < deadline, f"{host}: {found} instead of {status}"
            time.sleep(0.1)


def copy_project(root: Path) -> None:
    """Copy what git knows of the project, and what it doesn't ignore, to `root`; give the copy ports of its own."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    stack_file = root / "Pulumi.local.yaml"
    text = stack_file.read_text()
    assert all(port in text for port in ports)
    stack_file.write_text(re.sub("878[678]", lambda port: ports[port.group()], text))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The copy, with nothing started yet; whatever was started is stopped at the end."""
    root = tmp_path_factory.mktemp("e2e") / "checkout"
    copy_project(root)
    environment = os.environ | {"PYTHONPATH": str(root), "OVERSKILL_WEBHOOK_SECRET": PLANTED}
    made = Checkout(root, environment)
    (root / ".overskill").mkdir(mode=0o700)
    yield made
    made.run("down")

"""A checkout whose local cloud runs in this process: what the command line finds there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from contract_service import LocalCloud, serving, upload

from overskill.local_cloud_process import LocalCloud as LocalCloudProcess
from overskill.project import Project

STACK_FILE = Path(__file__).parents[2] / "Pulumi.local.yaml"
ACCOUNT = "00000000000000000000000000000001"
NAMESPACES = f"/client/v4/accounts/{ACCOUNT}/workers/dispatch/namespaces"


@contextmanager
def cloud_of_checkout(root: Path, monkeypatch: pytest.MonkeyPatch, *commands: ModuleType) -> Iterator[LocalCloud]:
    """A local cloud for the checkout at `root`, which is that of `commands`; its client may call Cloudflare."""
    state = root / ".overskill" / "local-cloud"
    with (
        serving(_answering) as edge,
        LocalCloud.run(root, state=state, account=ACCOUNT, edge_port=edge.base_url.port) as made,
    ):
        text = STACK_FILE.read_text().replace("8787", str(made.client.base_url.port))
        (root / "Pulumi.local.yaml").write_text(text.replace("8788", str(edge.base_url.port)))
        for command in commands:
            monkeypatch.setattr(command, "Project", lambda: Project(root))
        monkeypatch.setattr(LocalCloudProcess, "process", lambda _: psutil.Process())
        made.client.headers["Authorization"] = f"Bearer {made.cloud.credentials.cloudflare_token}"
        yield made


def add_script(cloud: LocalCloud, app_environment: str, script: str) -> None:
    """Put a script into the namespace of an app environment, which is made where it is not there."""
    namespace = f"overskill-development-{app_environment}"
    if cloud.client.get(f"{NAMESPACES}/{namespace}").is_error:
        cloud.client.post(NAMESPACES, json={"name": namespace}).raise_for_status()
    cloud.client.put(f"{NAMESPACES}/{namespace}/scripts/{script}", files=upload({})).raise_for_status()


async def _answering(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body"})

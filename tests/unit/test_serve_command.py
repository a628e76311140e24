"""`overskill serve`: where its settings come from, and which port is whose."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml

from infra.config import parse
from overskill.control_plane_process import PID_FILE, ControlPlane
from overskill.control_plane_server import run
from overskill.errors import CommandError
from overskill.project import Project
from overskill.serve_command import settings_of

ROOT = Path(__file__).parents[2]
CREDENTIALS = {
    "CLOUDFLARE_API_TOKEN": "local-cloudflare-1",
    "GITHUB_TOKEN": "local-github-1",
    "OVERSKILL_WEBHOOK_SECRET": "planted-root",
}
OUTPUTS = {
    "accountId": "00000000000000000000000000000001",
    "platformEnvironment": "development",
    "protected": False,
    "namespaces": {"production": "overskill-development-production"},
    "origins": {
        "domain": "overskill.localhost",
        "worker": "overskill-development-dispatch",
        "workers_dev": "overskill.workers.localhost",
        "scheme": "http",
        "port": 8788,
    },
    "urls": "subdomain",
    "plans": ["free"],
    "defaultPlan": "free",
    "oidcSubject": False,
    "githubOrganization": "overskill-apps",
    "template": "overskill/template",
    "webhookBase": "http://127.0.0.1:8786/webhooks",
    "apiBase": "http://127.0.0.1:8786/api",
    "appStore": "app-store",
    "usageDataset": "usage",
    "dispatcherVersion": "1",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in [name for name in os.environ if name.startswith("OVERSKILL_")]:
        monkeypatch.delenv(name)
    for stack in ("local", "acme"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text((ROOT / "Pulumi.local.yaml").read_text())
    return Project(tmp_path)


@pytest.fixture
def context(project: Project) -> MagicMock:
    """A stack context whose engine tells the outputs."""
    config = parse(yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"])
    made = MagicMock(project=project, stack="local", config=config, credentials=CREDENTIALS, local=True)
    made.engine.capture.return_value = json.dumps(OUTPUTS)
    return made


def test_the_stack_says_it_all(context: MagicMock, project: Project) -> None:
    settings = settings_of(context)
    assert (settings.platform_stack, settings.port, settings.listen) == ("local", 8786, "127.0.0.1")
    assert settings.cloudflare_url == "http://127.0.0.1:8787/client/v4"
    assert settings.github_url == "http://127.0.0.1:8787/api/v3"
    assert settings.oidc_issuer == "http://127.0.0.1:8787/_actions/oidc"
    assert settings.platform.account_id == OUTPUTS["accountId"]
    assert settings.trusted_hosts == ("127.0.0.1",)
    assert settings.webhook_secret.get_secret_value() == "planted-root"
    assert settings.database == f"sqlite:///{project.home}/control-plane/local/control-plane.db"


def test_an_option_comes_before_the_environment_and_that_before_the_stack(
    context: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERSKILL_PORT", "9001")
    monkeypatch.setenv("OVERSKILL_LISTEN", "::1")
    monkeypatch.setenv("OVERSKILL_PLATFORM", json.dumps(OUTPUTS))
    settings = settings_of(context, port=9002, listen=None)
    assert (settings.port, settings.listen) == (9002, "::1")
    context.engine.capture.assert_not_called()


def test_what_is_missing_or_wrong_is_named_without_a_value(context: MagicMock, monkeypatch: pytest.MonkeyPatch) -> None:
    context.credentials = {"GITHUB_TOKEN": "planted-token"}
    context.engine.capture.return_value = json.dumps({**OUTPUTS, "urls": "planted-kind"})
    monkeypatch.setenv("OVERSKILL_ENGINES", "planted-number")
    with pytest.raises(CommandError) as refused:
        settings_of(context)
    lines = str(refused.value).splitlines()
    assert lines[0] == "the control plane of stack local lacks settings:"
    assert sorted(line.split(":")[0].strip() for line in lines[1:]) == [
        "OVERSKILL_CLOUDFLARE_API_TOKEN",
        "OVERSKILL_ENGINES",
        "OVERSKILL_PLATFORM",
        "OVERSKILL_WEBHOOK_SECRET",
    ]
    assert "planted" not in str(refused.value)


def test_a_port_that_is_taken_is_told(context: MagicMock, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = settings_of(context, port=taken.getsockname()[1], state=tmp_path)
        with pytest.raises(CommandError, match=r"can't be had \(.*\): choose another by --port"):
            run(settings, None)
    assert not (tmp_path / PID_FILE).exists()


@pytest.fixture
def neighbour(project: Project) -> Iterator[Any]:
    """A process that looks like the control plane of the stack `local`."""
    state = project.home / "control-plane" / "local"
    state.mkdir(parents=True)
    command = [sys.executable, "-c", "import time; time.sleep(60)", "--state", str(state), "--port", "8786"]
    with subprocess.Popen(command) as process:
        (state / PID_FILE).write_text(str(process.pid))
        yield process
        process.kill()


def test_two_stacks_at_one_port_are_told_apart(project: Project, neighbour: Any) -> None:
    acme, local = (ControlPlane.of(project, stack, project.stack_config(stack)) for stack in ("acme", "local"))
    assert acme and local
    assert (acme.neighbour(project), local.neighbour(project)) == ("local", None)
    assert (acme.process(), local.process().pid) == (None, neighbour.pid)


def test_a_stack_whose_api_is_elsewhere_has_none_here(project: Project, context: MagicMock) -> None:
    config = parse({**project.stack_values("local"), "overskill:apiBase": "https://overskill.com/api"})
    assert ControlPlane.of(project, "local", config) is None

"""What encrypts the secrets in the state of stacks that are made here: the engine itself, and a stand-in of a KMS."""

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
import yaml
from real_engine import checkout, engine_environment

from infra.names import PullRequestPlatform
from overskill.engine import Engine
from overskill.fleet.platform import Platform
from overskill.fleet.projects import StackHome
from overskill.preview_env import stack_file
from overskill.project import Project
from overskill.stack_context import StackContext

KMS = "hashivault://overskill"


class Vault(BaseHTTPRequestHandler):
    """Of HashiCorp's transit engine, what the engine's driver of `hashivault` asks for: here a key is no secret."""

    def do_PUT(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        match self.path:
            case "/v1/transit/encrypt/overskill":
                answer = {"ciphertext": f"vault:v1:{asked['plaintext']}"}
            case "/v1/transit/decrypt/overskill":
                sealed = asked["ciphertext"]
                sealed = sealed if sealed.startswith("vault:") else base64.b64decode(sealed).decode()
                answer = {"plaintext": sealed.removeprefix("vault:v1:")}
        body = json.dumps({"data": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A real account's, with a KMS and no passphrase."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Vault) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        environment = engine_environment(tmp_path, VAULT_SERVER_TOKEN="token", VAULT_SERVER_URL=url)
        Thread(target=server.serve_forever).start()
        yield environment
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return checkout(tmp_path, yaml.safe_dump({"secretsprovider": KMS, "config": {}}))


def test_a_stack_that_up_makes_is_encrypted_by_the_kms_also_from_another_checkout(project, environment):
    engine = Engine(project, project.root, environment, secrets_provider=project.secrets_provider("prod"))
    first = engine.up("prod")
    assert first.ok, first.failure()
    (state,) = Path(environment["PULUMI_BACKEND_URL"].removeprefix("file://")).glob(".pulumi/stacks/*/prod.json")
    assert KMS in state.read_text()
    assert "planted-secret" not in state.read_text()
    (project.root / "Pulumi.prod.yaml").write_text("config: {}\n")
    again = engine.up("prod")
    assert again.ok, again.failure()
    # A pull request's file, written anew, names the provider and has no key of it.
    (project.root / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"secretsprovider": KMS, "config": {}}))
    gone = engine.destroy("prod")
    assert gone.ok, gone.failure()


def test_the_stacks_of_a_platform_and_of_its_apps_are_made_with_its_provider(project, tmp_path, monkeypatch):
    monkeypatch.setattr("overskill.stack_context.Toolchain", lambda root: SimpleNamespace(environment=dict))
    platform = Platform(project=project, stack="prod", config=None, values={}, environment={}, outputs={}, limits=())
    app = platform.engine(StackHome("overskill-apps", tmp_path, tmp_path / "Pulumi.prod.shop.yaml"))
    assert StackContext(project, "prod").engine.secrets_provider == app.secrets_provider == KMS
    asked = []
    monkeypatch.setattr(Engine, "_run", lambda self, arguments, **_: asked.append(arguments))
    app.make("prod.shop")
    assert asked == [("stack", "init", "prod.shop", "--no-select", "--secrets-provider", KMS)]


def test_a_pull_requests_platform_has_the_provider_of_the_one_that_it_copies(tmp_path):
    ours = Project()
    (tmp_path / "Pulumi.dev.yaml").write_text(
        yaml.safe_dump({"secretsprovider": KMS, "encryptedkey": "dev's", "config": ours.stack_values("dev")})
    )
    project = Project(tmp_path)
    file = stack_file.write(project, "dev", PullRequestPlatform(7))
    assert project.secrets_provider("pr-7") == KMS
    assert "encryptedkey" not in file.read_text(), "each stack has a key of its own"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "encryptedkey": "its own"}))
    stack_file.write(project, "dev", PullRequestPlatform(7))
    assert yaml.safe_load(file.read_text())["encryptedkey"] == "its own"

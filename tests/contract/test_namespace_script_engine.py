"""A namespace script under the real engine: what is in the state, what is drift, and states older than today's."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from script_life import DEPLOYED, Life, plain, secret

from app_stacks.namespace_script import BOOTSTRAP

OLD_SECRET, NEW_SECRET = "planted-secret-1", "planted-secret-2"
PROGRAM = """
import json
import os
from pathlib import Path

from app_stacks.namespace_script import NamespaceScript, NamespaceScriptArgs
from app_stacks.script_bindings import PlainText, SecretText

declared = json.loads(Path("declared.json").read_text())
bindings = [PlainText("NAME", declared.pop("name")), SecretText("KEY", os.environ["KEY"])]
NamespaceScript("abc123", NamespaceScriptArgs(bindings=bindings, **declared))
"""
OF_TODAY = {"compatibility_date", "compatibility_flags", "limits", "observability"}
"""What the inputs and outputs of older states lack."""


@dataclass
class Stack:
    """A stack with one script. `declared` are the script's arguments, with `name` the text of a binding."""

    folder: Path
    environment: dict[str, str]
    declared: dict[str, Any] = field(default_factory=dict)

    def pulumi(self, *arguments: str, text: str | None = None) -> str:
        (self.folder / "declared.json").write_text(json.dumps(self.declared))
        command = ["pulumi", *arguments, "--stack", "dev", "--non-interactive"]
        run = subprocess.run(
            command, cwd=self.folder, env=self.environment, input=text, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        for planted in (OLD_SECRET, NEW_SECRET, self.environment["CLOUDFLARE_API_TOKEN"]):
            assert planted not in run.stdout + run.stderr
        return run.stdout

    def up(self, *arguments: str) -> dict[str, int]:
        """How many resources were created, updated, ...; the stack itself is one."""
        output = self.pulumi("up", "--yes", "--skip-preview", *arguments)
        return {kind: int(count) for count, kind in re.findall(r"^ +\S+ (\d+) (\w+)$", output, re.MULTILINE)}

    def clean(self) -> None:
        """Nothing has drifted."""
        self.pulumi("refresh", "--preview-only", "--expect-no-changes")

    def on_disk(self) -> str:
        """The state, as text."""
        return (self.folder / "state" / ".pulumi" / "stacks" / "apps" / "dev.json").read_text()

    def export(self) -> dict[str, Any]:
        return json.loads(self.pulumi("stack", "export"))

    def take(self, state: dict[str, Any]) -> None:
        self.pulumi("stack", "import", text=json.dumps(state))


def script_in(resources: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [resource for resource in resources if resource["type"].endswith(":NamespaceScript")]
    return found


@pytest.fixture
def stack(local, life: Life, tmp_path: Path) -> Stack:
    if not shutil.which("pulumi"):
        pytest.skip("no pulumi is on PATH")
    (tmp_path / "Pulumi.yaml").write_text("name: apps\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "state").mkdir()
    environment = os.environ | {
        "CLOUDFLARE_API_TOKEN": life.cf.token,
        "CLOUDFLARE_BASE_URL": f"{str(life.cf.client.base_url).rstrip('/')}{life.cf.root}",
        "KEY": OLD_SECRET,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "passphrase",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    declared = {key: life.props[key] for key in ("account_id", "namespace", "script", "tags")}
    made = Stack(tmp_path, environment, {**declared, "name": "abc123", "limits": {"cpu_ms": 50}})
    made.pulumi("stack", "init")
    return made


def test_a_life_under_the_engine(local, life: Life, stack: Stack) -> None:
    empty = stack.export()
    assert stack.up() == {"created": 2}
    assert BOOTSTRAP.read_text() in life.code()
    assert life.settings()["limits"] == {"cpu_ms": 50}

    assert OLD_SECRET not in stack.on_disk()
    outputs = script_in(json.loads(stack.on_disk())["checkpoint"]["latest"]["resources"])["outputs"]
    assert len(outputs["__provider"]) < 150
    assert outputs["bindings"]["NAME"] == plain("NAME", "abc123")
    assert "ciphertext" in outputs["bindings"]["KEY"]["text"]

    life.props["bindings"] = {"NAME": plain("NAME", "abc123")}
    life.deploy(secret("KEY", OLD_SECRET), plain("DEPLOYED", "1"))
    stack.clean()
    assert stack.up("--expect-no-changes") == {}

    stack.environment["KEY"] = NEW_SECRET
    life.patch(tags=["app-abc123"])
    assert stack.up("--refresh") == {"updated": 1}
    assert secret("KEY", NEW_SECRET) in local.view.namespace_script(life.props["namespace"], "abc123").bindings
    assert life.settings()["tags"] == life.props["tags"]
    assert list(life.bindings()) == ["DEPLOYED", "KEY", "NAME"]
    assert not {text for text in (OLD_SECRET, NEW_SECRET) if text in stack.on_disk()}

    stack.take(empty)  # as after a crash between upload and state
    assert stack.up() == {"created": 2}
    assert DEPLOYED in life.code()

    life.cf.delete(life.path)
    assert stack.up("--refresh")["created"] == 1
    assert life.exists()
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert not life.exists()


def test_a_state_older_than_kinds_of_bindings_is_taken_on_without_replacement(life: Life, stack: Stack) -> None:
    stack.up()
    life.props["bindings"] = {"NAME": plain("NAME", "abc123")}
    life.deploy(limits=None)
    state = stack.export()
    script = script_in(state["deployment"]["resources"])
    for kept in (script["inputs"], script["outputs"]):
        kept["bindings"] = {"NAME": "abc123"}
        for name in OF_TODAY:
            kept.pop(name, None)
    stack.take(state)
    stack.clean()
    assert stack.up() == {"updated": 1}
    assert life.settings()["limits"] == {"cpu_ms": 50}
    assert list(life.bindings()) == ["KEY", "NAME"]
    assert DEPLOYED in life.code()

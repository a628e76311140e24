"""The platform program under mocks: what each stack declares, to the last binding, and what each option changes."""

import base64
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from conftest import ROOT, Recorder, plain, stack_config, without_secrets
from graph import difference, graph_of

from infra.access import access_key
from infra.config import StackConfig
from infra.credentials import SECRET_VARIABLES

GRAPHS = Path(__file__).parent / "graphs"
SOURCES = {"dispatcher-version": ROOT / "dispatch_worker" / "src", "outbound-version": ROOT / "outbound_worker" / "src"}
PLANTED = "planted-webhook-secret"
STABLE = "6e442294-1de0-401b-8d0f-6573ff1b12d2"


@pytest.fixture
def declare(run_program, monkeypatch) -> Callable[..., Recorder]:
    """Run the program with a stack's committed values, changed: a key maps to its new value, or to None without it."""
    monkeypatch.setenv("OVERSKILL_WEBHOOK_SECRET", PLANTED)

    def run(stack: str, **changes: Any) -> Recorder:
        config = stack_config(stack) | {key.replace("__", ":"): value for key, value in changes.items()}
        return run_program("infra", stack, {key: value for key, value in config.items() if value is not None})

    return run


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_declares(declare, stack):
    declared = declare(stack)
    assert graph_of(declared) == yaml.safe_load((GRAPHS / f"{stack}.yaml").read_text())
    assert all(component.startswith("overskill:platform:") for component in declared.types if "overskill" in component)


def test_the_workers_are_uploaded_as_they_are(declare):
    versions = declare("prod").of("WorkerVersion")
    assert versions.keys() == SOURCES.keys()
    for name, source in SOURCES.items():
        modules = {module["name"]: base64.b64decode(module["contentBase64"]) for module in versions[name]["modules"]}
        assert modules == {path.name: path.read_bytes() for path in source.iterdir()}


OPTIONS = yaml.safe_load((GRAPHS / "options.yaml").read_text())
NOT_IN_THE_GRAPH = {
    "overskill:providers",
    "overskill:githubApp",
    "overskill:previewStacks",
    "cloudflare:baseUrl",
    "github:owner",
}
"""The first chooses plugins, before there is a graph; the second is for `./dev env` and `./dev doctor`, the third for
whoever makes preview stacks; the others are read by the engine's default providers."""


@pytest.mark.parametrize("case", OPTIONS, ids=lambda case: f"{case['stack']}-{'-'.join(case['config'])}")
def test_an_option_changes_the_graph(declare, case):
    changes = {key.replace(":", "__"): value for key, value in case["config"].items()}
    graphs = graph_of(declare(case["stack"])), graph_of(declare(case["stack"], **changes))
    assert difference(*graphs) == case["changes"]


def test_every_option_is_flipped():
    keys = {
        f"{section}:{field.alias}"
        for section, model in StackConfig.model_fields.items()
        for field in model.annotation.model_fields.values()
    }
    assert keys - {key for case in OPTIONS for key in case["config"]} == NOT_IN_THE_GRAPH


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_a_record_is_declared_as_cloudflare_gives_it_back(declare, stack):
    """A short name, or settings that are all off, would be a change at every refresh (pulumi-cloudflare 5517, 5858)."""
    domain = stack_config(stack)["overskill:domain"]
    for record in declare(stack, overskill__customHostnames=stack != "dev").of("DnsRecord").values():
        assert record["name"].endswith(f".{domain}")
        assert "settings" not in record


def test_a_token_of_the_environment_is_nowhere_in_the_graph(declare, monkeypatch):
    """The SDKs' providers take what they find there for an input, and the state would keep it."""
    for name in SECRET_VARIABLES:
        monkeypatch.setenv(name, f"planted-{name}")
    assert "planted" not in json.dumps(graph_of(declare("prod")))


PROTECTED = {"overskill__previews": {"protect": ["preview"]}}


def test_the_key_to_previews_is_a_secret_binding_and_nowhere_else(declare):
    declared = declare("local", **PROTECTED)
    (version,) = [resource for resource in declared.resources if resource.name == "dispatcher-version"]
    (key,) = [binding for binding in plain(version.inputs)["bindings"] if binding["name"] == "ACCESS_KEY"]
    assert key == {"name": "ACCESS_KEY", "type": "secret_text", "text": access_key(PLANTED)}
    shown = json.dumps([without_secrets(resource.inputs) for resource in declared.resources])
    shown += json.dumps([without_secrets(call.args) for call in declared.calls]) + json.dumps(declared.outputs)
    assert "overskill-development-dispatch" in shown
    assert PLANTED not in shown
    assert access_key(PLANTED) not in shown


def test_without_the_platforms_secret_nothing_protected_is_declared(declare, monkeypatch):
    monkeypatch.delenv("OVERSKILL_WEBHOOK_SECRET")
    assert declare("local").of("WorkerVersion")
    with pytest.raises(pulumi.RunError, match="OVERSKILL_WEBHOOK_SECRET is not set: export the platform's webhook sec"):
        declare("local", **PROTECTED)


def test_a_rollout_is_told_of(declare, caplog):
    with caplog.at_level(logging.WARNING):
        declare("local", overskill__rollout={"stable": STABLE, "percentage": 10})
    assert f"version {STABLE} of overskill-development-dispatch serves 90% of the requests" in caplog.text


def test_another_stacks_template_is_read(declare):
    (call,) = [call for call in declare("dev").calls if call.token == "github:index/getRepository:getRepository"]
    assert call.args == {"fullName": "overskill/vite-wfp-template"}


def test_a_bad_configuration_declares_nothing(run_program):
    config = stack_config("local") | {"overskill:prefix": "Bad Prefix", "overskill:extra": "1"}
    with pytest.raises(pulumi.RunError) as error:
        run_program("infra", "local", config)
    assert "overskill:prefix" in str(error.value)
    assert "overskill:extra" in str(error.value)

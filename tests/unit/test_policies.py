"""The policy pack's rules, each over one resource or a whole stack; tests/e2e runs them in the real engine."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
import yaml
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies import POLICIES
from policies.hosts import RECORD, ROUTE
from policies.namespaces import NAMESPACE

ROOT = Path(__file__).parents[2]
BY_NAME = {policy.name: policy for policy in POLICIES}
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
SECRET = "github:index/actionsSecret:ActionsSecret"
VARIABLE = "github:index/actionsVariable:ActionsVariable"
ACCOUNT = "e03523c149209369c46ebc10b8a30b43"
PLANTED = "planted-cloudflare-token"


def resource(type_: str, props: dict[str, Any], **options: Any) -> SimpleNamespace:
    opts = SimpleNamespace(**{"protect": False, "ignore_changes": [], **options})
    return SimpleNamespace(resource_type=type_, props=props, opts=opts, urn=f"urn:{props.get('name')}", name="n")


def violations(policy: str, args: Any) -> list[str]:
    found: list[str] = []
    BY_NAME[policy].validate(args, lambda message, urn=None: found.append(message))
    return found


def configure(stack: str) -> None:
    """Make `stack` the one under validation, with its committed configuration as the engine gives it."""
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    pulumi.runtime.set_all_config(
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    )


@pytest.fixture(autouse=True)
def production(monkeypatch):
    """The stack under validation is `prod`."""
    configure("prod")
    monkeypatch.setattr(pulumi, "get_project", lambda: "overskill")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", PLANTED)


def our_namespaces(**options: Any) -> list[SimpleNamespace]:
    kept = {"protect": True, "ignore_changes": ["accountId", "name"], **options}
    return [
        resource(NAMESPACE, {"name": f"overskill-production-{e}", "accountId": ACCOUNT}, **kept)
        for e in ("preview", "staging", "production")
    ]


def test_our_namespaces_pass():
    for one in our_namespaces():
        assert violations("namespace-names", one) == violations("namespace-never-replaced", one) == []
    assert violations("namespace-kept", SimpleNamespace(resources=our_namespaces())) == []


def test_a_namespace_with_another_name_is_refused():
    (message,) = violations(
        "namespace-names", resource(NAMESPACE, {"name": "acme-production-preview", "accountId": ACCOUNT})
    )
    assert "'acme-production-preview' is not among overskill-production-preview" in message


def test_an_imported_namespace_has_its_name_among_the_outputs():
    imported = {"namespaceName": "overskill-production-preview", "accountId": ACCOUNT}
    assert violations("namespace-names", resource(NAMESPACE, imported)) == []
    others = [one for one in our_namespaces() if "preview" not in one.props["name"]]
    stack = SimpleNamespace(resources=[resource(NAMESPACE, imported, protect=True), *others])
    assert violations("namespace-kept", stack) == []


def test_a_namespace_elsewhere_than_in_a_platform_stack_is_refused(monkeypatch):
    monkeypatch.setattr(pulumi, "get_project", lambda: "overskill-apps")
    (message,) = violations("namespace-names", resource(NAMESPACE, {"name": "overskill-production-preview"}))
    assert "belongs to a platform stack" in message


def test_a_namespace_whose_name_may_change_is_refused():
    (message,) = violations("namespace-never-replaced", our_namespaces(ignore_changes=[])[0])
    assert "a change of accountId or name would replace it" in message
    (message,) = violations("namespace-never-replaced", our_namespaces(ignore_changes=["name"])[0])
    assert "a change of accountId would replace it" in message


def test_a_namespace_of_another_account_is_refused():
    props = {"name": "overskill-production-preview", "accountId": "f" * 32}
    (message,) = violations("namespace-names", resource(NAMESPACE, props))
    assert f"is in account {'f' * 32}, not in {ACCOUNT}" in message


def test_a_namespace_that_is_left_out_is_refused():
    (message,) = violations("namespace-kept", SimpleNamespace(resources=our_namespaces()[:2]))
    assert "overskill-production-production is not declared" in message


def test_a_namespace_without_protection_is_refused():
    assert len(violations("namespace-kept", SimpleNamespace(resources=our_namespaces(protect=False)))) == 3


def test_a_stack_without_protection_may_give_its_namespaces_up():
    configure("dev")
    assert violations("namespace-kept", SimpleNamespace(resources=[])) == []


@pytest.mark.parametrize(
    ("props", "refused"),
    [
        ({"name": "*.overskill.com", "proxied": False}, True),
        ({"name": "*.overskill.com"}, True),
        ({"name": "*.overskill.com", "proxied": True}, False),
        ({"name": "mail.overskill.com", "proxied": False}, False),
    ],
)
def test_a_wildcard_has_to_be_proxied(props, refused):
    assert bool(violations("wildcard-proxied", resource(RECORD, props))) is refused


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        ("*overskill.com/*", True),
        ("https://*overskill.com/*", True),
        ("*-x.overskill.com/*", True),
        ("*.overskill.com/*", False),
        ("https://*.overskill.com/*", False),
        ("*/*", False),
        ("www.overskill.com/*", False),
    ],
)
def test_a_route_takes_no_host_that_only_ends_alike(pattern, refused):
    assert bool(violations("route-below-domain", resource(ROUTE, {"pattern": pattern}))) is refused


def binding(type_: str, name: str, text: str) -> dict[str, Any]:
    return {"bindings": [{"type": type_, "name": name, "text": text}]}


@pytest.mark.parametrize(
    ("type_", "props", "told"),
    [
        (
            VERSION,
            binding("plain_text", "GREETING", f"x{PLANTED}"),
            "bindings[0].text holds CLOUDFLARE_API_TOKEN in plain",
        ),
        (VERSION, binding("plain_text", "GREETING", "ghp_" + "a" * 36), "bindings[0].text holds what looks like a key"),
        (VERSION, binding("plain_text", "API_KEY", "x"), "binding API_KEY is readable"),
        (VERSION, binding("json", "db_password", "x"), "binding db_password is readable"),
        ("cloudflare:index/workersScript:WorkersScript", binding("plain_text", "API_KEY", "x"), "binding API_KEY is"),
        (
            "github:index/actionsOrganizationVariable:ActionsOrganizationVariable",
            {"variableName": "A_TOKEN"},
            "A_TOKEN is",
        ),
        (VARIABLE, {"variableName": "DEPLOY_TOKEN", "value": "x"}, "variable DEPLOY_TOKEN is readable"),
        (
            VARIABLE,
            {"variableName": "PEM", "value": "-----BEGIN RSA PRIVATE KEY-----"},
            "value holds what looks like a key",
        ),
        ("overskill:NamespaceScript", {"bindings": {"SECRET": "x"}}, "binding SECRET is readable"),
        (RECORD, {"name": "a", "content": PLANTED}, "content holds CLOUDFLARE_API_TOKEN"),
    ],
)
def test_a_plain_secret_is_refused_and_not_repeated(type_, props, told):
    (message,) = violations("no-plain-secret", resource(type_, props))
    assert told in message
    assert PLANTED not in message


@pytest.mark.parametrize(
    ("type_", "props"),
    [
        (VERSION, binding("secret_text", "API_KEY", PLANTED)),
        (VERSION, binding("plain_text", "DOMAIN", "overskill.com")),
        (SECRET, {"secretName": "CLOUDFLARE_API_TOKEN", "value": PLANTED}),
        ("github:index/repositoryWebhook:RepositoryWebhook", {"configuration": {"secret": PLANTED}}),
        (VARIABLE, {"variableName": "OVERSKILL_APP_ID", "value": "abc123"}),
    ],
)
def test_what_a_provider_keeps_secret_passes(type_, props):
    assert violations("no-plain-secret", resource(type_, props)) == []


def test_what_a_preview_does_not_know_hides_nothing():
    props = {"workerId": UNKNOWN_STRING_VALUE, **binding("plain_text", "GREETING", PLANTED)}
    props["bindings"].insert(0, {"type": "plain_text", "name": "A", "text": UNKNOWN_STRING_VALUE})
    (message,) = violations("no-plain-secret", resource(VERSION, unknown_checking_proxy(props)))
    assert "bindings[1].text" in message


def test_a_short_credential_is_not_looked_for(monkeypatch):
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    assert violations("no-plain-secret", resource(RECORD, {"name": "x", "content": "x"})) == []

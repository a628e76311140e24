"""Versions and deployments of a Worker by the stand-in for `cloudflare`: bindings and shares that an API reorders."""

from typing import Any

import pytest
from standin_plugin import Plugin, reasons
from standin_services import ACCOUNT, CloudflareService, cloudflare_plugin

from local_cloud.providers.wire import Secret, reveal

VERSION = "cloudflare:index/workerVersion:WorkerVersion"
DEPLOYMENT = "cloudflare:index/workersDeployment:WorkersDeployment"
NAMESPACE = "cloudflare:index/workersForPlatformsDispatchNamespace:WorkersForPlatformsDispatchNamespace"

BINDINGS: list[dict[str, Any]] = [
    {"name": "APPS", "type": "kv_namespace", "namespaceId": "kv1"},
    {"name": "DOMAIN", "type": "plain_text", "text": "overskill.com"},
    {
        "name": "NAMESPACE",
        "type": "dispatch_namespace",
        "namespace": "ns",
        "outbound": {"worker": {"service": "outbound"}, "params": [{"name": "app"}, {"name": "plan"}]},
    },
    {"name": "PLANS", "type": "json", "json": '{"free": {"cpu_ms": 10}, "a": [1, 2]}'},
    {"name": "USAGE", "type": "analytics_engine", "dataset": "usage"},
]
SENT: list[dict[str, Any]] = [
    {"name": "APPS", "type": "kv_namespace", "namespace_id": "kv1"},
    {"name": "DOMAIN", "type": "plain_text", "text": "overskill.com"},
    {
        "name": "NAMESPACE",
        "type": "dispatch_namespace",
        "namespace": "ns",
        "outbound": {"worker": {"service": "outbound"}, "params": [{"name": "app"}, {"name": "plan"}]},
    },
    {"name": "PLANS", "type": "json", "json": {"free": {"cpu_ms": 10}, "a": [1, 2]}},
    {"name": "USAGE", "type": "analytics_engine", "dataset": "usage"},
]
DEPLOYED: dict[str, Any] = {"accountId": ACCOUNT, "scriptName": "dispatch", "strategy": "percentage"}


@pytest.fixture
def cloud() -> tuple[Plugin, CloudflareService]:
    return cloudflare_plugin()


@pytest.mark.parametrize("given", [BINDINGS, BINDINGS[::-1]], ids=["sorted by name", "in another order"])
@pytest.mark.parametrize("text", [{}, {"text": "overskill.com"}, {"text": None}], ids=["withheld", "shown", "null"])
def test_bindings_are_sent_in_the_apis_words_and_show_no_difference(cloud, given, text):
    plugin, service = cloud
    inputs = {"accountId": ACCOUNT, "workerId": "w", "mainModule": "index.js", "bindings": given}
    id, state = plugin.create(VERSION, inputs)
    assert plugin.calls[-1][2]["bindings"] == SENT
    assert plugin.kinds(VERSION, state, inputs) == {}
    (item,) = (item for path, item in service.items.items() if path.endswith(id))
    item["bindings"] = [{**binding, **text} if binding["name"] == "DOMAIN" else binding for binding in item["bindings"]]
    _, refreshed, inputs_now = plugin.read(VERSION, id, state, inputs)
    assert plugin.kinds(VERSION, refreshed, inputs) == {}
    assert refreshed["bindings"] == state["bindings"]
    assert reveal(inputs_now) == inputs
    assert refreshed["bindings"][given.index(BINDINGS[1])]["text"] == Secret("overskill.com")


def test_json_that_says_something_else_is_a_difference(cloud):
    plugin, service = cloud
    inputs = {"accountId": ACCOUNT, "workerId": "w", "bindings": [BINDINGS[3]]}
    id, state = plugin.create(VERSION, inputs)
    (item,) = (item for path, item in service.items.items() if path.endswith(id))
    item["bindings"] = [{**SENT[3], "json": {"free": {"cpu_ms": 11}, "a": [1, 2]}}]
    _, refreshed, _ = plugin.read(VERSION, id, state, inputs)
    assert plugin.kinds(VERSION, refreshed, inputs) == {"bindings[0].json": "UPDATE_REPLACE"}


@pytest.mark.parametrize("shares", [(90, 10), (99.99, 0.01), (50, 50)])
def test_a_deployment_of_two_versions_is_the_same_in_any_order(cloud, shares):
    plugin, service = cloud
    versions = [{"versionId": f"v{share}{i}", "percentage": share} for i, share in enumerate(shares)]
    inputs = {**DEPLOYED, "versions": versions}
    id, state = plugin.create(DEPLOYMENT, inputs)
    assert plugin.calls[-1][2]["versions"] == [
        {"version_id": version["versionId"], "percentage": version["percentage"]} for version in versions
    ]
    (item,) = (item for path, item in service.items.items() if path.endswith(id))
    item["versions"].reverse()
    _, refreshed, inputs_now = plugin.read(DEPLOYMENT, id, state, inputs)
    assert (refreshed, inputs_now) == (state, inputs)
    assert plugin.kinds(DEPLOYMENT, refreshed, inputs) == {}


def test_another_share_or_version_is_another_deployment(cloud):
    plugin, service = cloud
    inputs = {**DEPLOYED, "versions": [{"versionId": "a", "percentage": 90}, {"versionId": "b", "percentage": 10}]}
    id, state = plugin.create(DEPLOYMENT, inputs)
    more = {**DEPLOYED, "versions": [{"versionId": "a", "percentage": 50}, {"versionId": "b", "percentage": 50}]}
    assert set(plugin.kinds(DEPLOYMENT, state, more).values()) == {"UPDATE_REPLACE"}
    (item,) = (item for path, item in service.items.items() if path.endswith(id))
    item["versions"] = [{"version_id": "c", "percentage": 10}, {"version_id": "a", "percentage": 90}]
    _, refreshed, _ = plugin.read(DEPLOYMENT, id, state, inputs)
    assert plugin.kinds(DEPLOYMENT, refreshed, inputs) == {"versions[1].versionId": "UPDATE_REPLACE"}


def test_a_version_gets_some_share(cloud):
    versions = [{"versionId": "a", "percentage": 100}, {"versionId": "b", "percentage": 0}]
    assert reasons(cloud[0].check(DEPLOYMENT, {**DEPLOYED, "versions": versions})) == {
        "versions[1].percentage": "Expected a number from 0.01 to 100"
    }


def test_a_namespace_whose_name_is_ignored_can_be_imported(cloud):
    plugin, _ = cloud
    inputs = {"accountId": ACCOUNT, "name": "ns"}
    id, _ = plugin.create(NAMESPACE, inputs)
    found, state, read = plugin.read(NAMESPACE, f"{ACCOUNT}/{id}")
    assert (found, state["namespaceName"], read) == ("ns", "ns", {"accountId": ACCOUNT})
    assert plugin.kinds(NAMESPACE, state, inputs) == {"name": "ADD_REPLACE"}
    response = plugin.diff(NAMESPACE, state, inputs, ignored=("name",))
    assert (list(response.diffs), list(response.replaces), dict(response.detailedDiff)) == ([], [], {})

"""KV values, databases, buckets, customers' hosts, rulesets, identity tokens' subjects, as the stand-ins have them."""

from typing import Any

import pytest
from standin_plugin import Plugin, reasons
from standin_services import ACCOUNT, ZONE, cloudflare_plugin, github_plugin

VALUE = "cloudflare:index/workersKv:WorkersKv"
D1 = "cloudflare:index/d1Database:D1Database"
R2 = "cloudflare:index/r2Bucket:R2Bucket"
HOST = "cloudflare:index/customHostname:CustomHostname"
RULESET = "github:index/repositoryRuleset:RepositoryRuleset"
SUBJECT = (
    "github:index/actionsRepositoryOidcSubjectClaimCustomizationTemplate:"
    "ActionsRepositoryOidcSubjectClaimCustomizationTemplate"
)
INPUTS: dict[str, dict[str, Any]] = {
    VALUE: {"accountId": ACCOUNT, "namespaceId": "kv", "keyName": "app:abc", "value": '{"plan":"pro"}'},
    D1: {"accountId": ACCOUNT, "name": "ns-abc"},
    R2: {"accountId": ACCOUNT, "name": "ns-abc"},
    HOST: {
        "zoneId": ZONE,
        "hostname": "shop.customer.com",
        "ssl": {"method": "http", "type": "dv", "certificateAuthority": "google", "wildcard": False},
    },
    RULESET: {
        "repository": "abc",
        "name": "default branch",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"refName": {"includes": ["~DEFAULT_BRANCH"], "excludes": []}},
        "rules": {"deletion": True, "nonFastForward": True},
    },
    SUBJECT: {"repository": "abc", "useDefault": False},
}
KEY = f"/accounts/{ACCOUNT}/storage/kv/namespaces/kv/values/app%3Aabc"
METADATA = KEY.replace("/values/", "/metadata/")
HOSTS, DATABASES, BUCKETS = (
    f"/zones/{ZONE}/custom_hostnames",
    f"/accounts/{ACCOUNT}/d1/database",
    f"/accounts/{ACCOUNT}/r2/buckets",
)
ONE_HOST = f"{HOSTS}/custom_hostnames-1"
CERTIFICATE = {
    **{"method": "http", "type": "dv", "bundle_method": "ubiquitous"},
    **{"certificate_authority": "google", "wildcard": False},
}
RULES = "/repos/overskill-apps/abc/rulesets"
BODY = {
    **{"name": "default branch", "target": "branch", "enforcement": "active", "bypass_actors": []},
    **{"source": "abc", "source_type": "Repository"},
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}],
}
SUB = "/repos/overskill-apps/abc/actions/oidc/customization/sub"
LIVES: dict[str, tuple[dict[str, Any], list[tuple[str, str, Any]]]] = {
    VALUE: (
        {"value": "{}", "metadata": '{"m":1}'},
        [
            ("PUT", KEY, {"value": '{"plan":"pro"}'}),
            ("GET", KEY, None),
            ("GET", METADATA, None),
            ("PUT", KEY, {"value": "{}", "metadata": '{"m":1}'}),
            ("DELETE", KEY, None),
        ],
    ),
    D1: (
        {},
        [
            ("POST", DATABASES, {"name": "ns-abc"}),
            ("GET", f"{DATABASES}/database-1", None),
            ("DELETE", f"{DATABASES}/database-1", None),
        ],
    ),
    R2: (
        {},
        [
            ("POST", BUCKETS, {"name": "ns-abc"}),
            ("GET", f"{BUCKETS}/ns-abc", None),
            ("DELETE", f"{BUCKETS}/ns-abc", None),
        ],
    ),
    HOST: (
        {"customMetadata": {"app": "abc"}},
        [
            ("POST", HOSTS, {"hostname": "shop.customer.com", "ssl": CERTIFICATE}),
            ("GET", ONE_HOST, None),
            ("PATCH", ONE_HOST, {"custom_metadata": {"app": "abc"}, "ssl": {**CERTIFICATE, "settings": {}}}),
            ("DELETE", ONE_HOST, None),
        ],
    ),
    RULESET: (
        {"enforcement": "disabled", "rules": {"deletion": True}},
        [
            ("POST", RULES, BODY),
            ("GET", f"{RULES}/0?includes_parents=false", None),
            ("GET", f"{RULES}/0?includes_parents=false", None),
            ("PUT", f"{RULES}/0", {**BODY, "enforcement": "disabled", "rules": [{"type": "deletion"}]}),
            ("GET", f"{RULES}/0?includes_parents=false", None),
            ("DELETE", f"{RULES}/0", None),
        ],
    ),
    SUBJECT: (
        {"includeClaimKeys": ["repo"]},
        [
            ("PUT", SUB, {"use_default": False}),
            ("GET", SUB, None),
            ("GET", SUB, None),
            ("PUT", SUB, {"use_default": False, "include_claim_keys": ["repo"]}),
            ("GET", SUB, None),
            ("PUT", SUB, {"use_default": True}),
        ],
    ),
}
"""By type, a change, and the calls of a creation, a refresh, that change if there is one, and a deletion."""


@pytest.fixture
def plugin(type_: str) -> Plugin:
    return (cloudflare_plugin if type_.startswith("cloudflare:") else github_plugin)()[0]


@pytest.mark.parametrize("type_", LIVES)
def test_the_calls_of_a_life(plugin, type_):
    change, calls = LIVES[type_]
    id, state = plugin.create(type_, INPUTS[type_])
    _, state, _ = plugin.read(type_, id, state, INPUTS[type_])
    if change:
        state = plugin.update(type_, id, state, {**INPUTS[type_], **change})
    plugin.delete(type_, id, state)
    assert plugin.calls == calls


@pytest.mark.parametrize("type_", INPUTS)
def test_nothing_differs_after_a_creation_or_a_refresh(plugin, type_):
    id, state = plugin.create(type_, INPUTS[type_])
    assert plugin.kinds(type_, state, INPUTS[type_]) == {}
    now, refreshed, inputs = plugin.read(type_, id, state, INPUTS[type_])
    assert (now, inputs) == (id, INPUTS[type_])
    assert plugin.kinds(type_, refreshed, INPUTS[type_]) == {}


@pytest.mark.parametrize("type_", INPUTS)
def test_what_is_gone_has_no_id_after_a_refresh(plugin, type_):
    id, state = plugin.create(type_, INPUTS[type_])
    vars(plugin.service)["items" if type_.startswith("cloudflare:") else "documents"].clear()
    assert plugin.read(type_, id, state, INPUTS[type_])[0] == ""


@pytest.mark.parametrize(
    ("type_", "change", "kinds"),
    [
        (VALUE, {"value": "x"}, {"value": "UPDATE"}),
        (VALUE, {"metadata": "{}"}, {"metadata": "ADD"}),
        (VALUE, {"keyName": "app:other"}, {"keyName": "UPDATE_REPLACE"}),
        (VALUE, {"namespaceId": "other"}, {"namespaceId": "UPDATE_REPLACE"}),
        (D1, {"name": "other"}, {"name": "UPDATE_REPLACE"}),
        (D1, {"primaryLocationHint": "weur"}, {"primaryLocationHint": "ADD_REPLACE"}),
        (R2, {"name": "other"}, {"name": "UPDATE_REPLACE"}),
        (HOST, {"hostname": "other.customer.com"}, {"hostname": "UPDATE_REPLACE"}),
        (HOST, {"ssl": {"method": "txt"}}, {"ssl.method": "UPDATE"}),
        (RULESET, {"rules": {"deletion": True}}, {"rules.nonFastForward": "UPDATE"}),
        (RULESET, {"repository": "other"}, {"repository": "UPDATE"}),
        (SUBJECT, {"useDefault": True}, {"useDefault": "UPDATE"}),
    ],
)
def test_a_change_and_whether_it_replaces(plugin, type_, change, kinds):
    _, state = plugin.create(type_, INPUTS[type_])
    assert plugin.kinds(type_, state, {**INPUTS[type_], **change}) == kinds


@pytest.mark.parametrize(
    ("type_", "import_id"),
    [
        (VALUE, f"{ACCOUNT}/kv/app:abc"),
        (D1, f"{ACCOUNT}/database-1"),
        (R2, f"{ACCOUNT}/ns-abc/default"),
        (RULESET, "abc:0"),
        (SUBJECT, "abc"),
    ],
)
def test_import(plugin, type_, import_id):
    id, _ = plugin.create(type_, INPUTS[type_])
    found, state, _ = plugin.read(type_, import_id)
    assert found == id
    assert plugin.kinds(type_, state, INPUTS[type_]) == {}


@pytest.mark.parametrize("type_", [SUBJECT])
def test_claims_beside_the_default_are_refused(plugin, type_):
    wrong = {"repository": "abc", "useDefault": True, "includeClaimKeys": ["repo"]}
    assert reasons(plugin.check(type_, wrong)) == {"includeClaimKeys": "Cannot be set when useDefault is true"}


@pytest.mark.parametrize("type_", [RULESET])
def test_a_rule_with_parameters_is_refused(plugin, type_):
    wrong = {**INPUTS[type_], "rules": {"pullRequest": {}}}
    assert "--providers official" in str(reasons(plugin.check(type_, wrong)))

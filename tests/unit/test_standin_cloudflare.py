"""What the stand-in for `cloudflare` asks of the API, keeps in the state, and takes for a change."""

import base64
import hashlib
from typing import Any

import pytest
from standin_plugin import Failed, Plugin, reasons
from standin_services import ACCOUNT, ZONE, CloudflareService, cloudflare_plugin
from standin_traces import Call, counted, recorded, shared

from local_cloud.providers.wire import UNKNOWN, Secret

NAMESPACE = "cloudflare:index/workersForPlatformsDispatchNamespace:WorkersForPlatformsDispatchNamespace"
WORKER = "cloudflare:index/worker:Worker"
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
DEPLOYMENT = "cloudflare:index/workersDeployment:WorkersDeployment"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
PACK = "cloudflare:index/certificatePack:CertificatePack"
GET_ZONE = "cloudflare:index/getZone:getZone"

CODE = "ZXhwb3J0IGRlZmF1bHQge2ZldGNoKCl7cmV0dXJuIG5ldyBSZXNwb25zZSgneCcpfX0K"
SCRIPT = "application/javascript+module"
INPUTS: dict[str, dict[str, Any]] = {
    NAMESPACE: {"accountId": ACCOUNT, "name": "overskill-development-preview"},
    WORKER: {"accountId": ACCOUNT, "name": "dispatcher2"},
    VERSION: {
        "accountId": ACCOUNT,
        "workerId": "workers-2",
        "compatibilityDate": "2025-10-01",
        "mainModule": "index.js",
        "modules": [{"name": "index.js", "contentType": SCRIPT, "contentBase64": CODE}],
        "bindings": [
            {
                "name": "DISPATCH",
                "type": "dispatch_namespace",
                "namespace": "ns-prod",
                "outbound": {"params": [{"name": "app_id"}], "worker": {"service": "outb"}},
            }
        ],
    },
    DEPLOYMENT: {
        "accountId": ACCOUNT,
        "scriptName": "dispatcher2",
        "strategy": "percentage",
        "versions": [{"percentage": 100, "versionId": "versions-3"}],
    },
    RECORD: {
        "zoneId": ZONE,
        "name": "*.overskill.com",
        "type": "CNAME",
        "content": "overskill-dispatch.acc.workers.dev",
        "proxied": True,
        "ttl": 1,
    },
    ROUTE: {"zoneId": ZONE, "pattern": "*.overskill.com/*", "script": "overskill-dispatch"},
    PACK: {
        "zoneId": ZONE,
        "type": "advanced",
        "hosts": ["*.overskill.com", "*.preview.overskill.com", "overskill.com"],
        "certificateAuthority": "google",
        "validationMethod": "txt",
        "validityDays": 90,
    },
}

WORKERS = f"/accounts/{ACCOUNT}/workers"
CREATE: list[Call] = [
    ("GET", "/zones?name=overskill.com", None),
    ("GET", f"/zones/{ZONE}", None),
    ("POST", f"{WORKERS}/dispatch/namespaces", {"name": "overskill-development-preview"}),
    (
        "POST",
        f"{WORKERS}/workers",
        {
            "logpush": False,
            "name": "dispatcher2",
            "observability": {
                "enabled": False,
                "head_sampling_rate": 1,
                "traces": {"enabled": False, "head_sampling_rate": 1, "persist": True},
            },
            "subdomain": {"enabled": False, "previews_enabled": False},
            "tags": [],
            "tail_consumers": [],
        },
    ),
    (
        "POST",
        f"{WORKERS}/workers/workers-2/versions",
        {
            "bindings": [
                {
                    "name": "DISPATCH",
                    "namespace": "ns-prod",
                    "outbound": {"params": [{"name": "app_id"}], "worker": {"service": "outb"}},
                    "type": "dispatch_namespace",
                }
            ],
            "compatibility_date": "2025-10-01",
            "main_module": "index.js",
            "modules": [{"content_base64": CODE, "content_type": SCRIPT, "name": "index.js"}],
            "usage_model": "standard",
        },
    ),
    (
        "POST",
        f"{WORKERS}/scripts/dispatcher2/deployments",
        {"strategy": "percentage", "versions": [{"percentage": 100, "version_id": "versions-3"}]},
    ),
    (
        "POST",
        f"/zones/{ZONE}/dns_records",
        {
            "content": "overskill-dispatch.acc.workers.dev",
            "name": "*.overskill.com",
            "proxied": True,
            "ttl": 1,
            "type": "CNAME",
        },
    ),
    (
        "POST",
        f"/zones/{ZONE}/workers/routes",
        {"pattern": "*.overskill.com/*", "script": "overskill-dispatch"},
    ),
    (
        "POST",
        f"/zones/{ZONE}/ssl/certificate_packs/order",
        {
            "certificate_authority": "google",
            "hosts": ["*.overskill.com", "*.preview.overskill.com", "overskill.com"],
            "type": "advanced",
            "validation_method": "txt",
            "validity_days": 90,
        },
    ),
]
REFRESH: list[Call] = [
    ("GET", f"{WORKERS}/dispatch/namespaces/overskill-development-preview", None),
    ("GET", f"{WORKERS}/workers/workers-2", None),
    ("GET", f"{WORKERS}/workers/workers-2/versions/versions-3?include=modules", None),
    ("GET", f"{WORKERS}/scripts/dispatcher2/deployments/deployments-4", None),
    ("GET", f"/zones/{ZONE}/dns_records/dns_records-5", None),
    ("GET", f"/zones/{ZONE}/workers/routes/routes-6", None),
    ("GET", f"/zones/{ZONE}/ssl/certificate_packs/certificate_packs-7", None),
]
UPDATE: list[Call] = [
    ("GET", "/zones?name=overskill.com", None),
    ("GET", f"/zones/{ZONE}", None),
    (
        "PUT",
        f"/zones/{ZONE}/dns_records/dns_records-5",
        {
            "comment": "c",
            "content": "overskill-dispatch.acc.workers.dev",
            "name": "*.overskill.com",
            "proxied": True,
            "settings": {"flatten_cname": False, "ipv4_only": False, "ipv6_only": False},
            "tags": [],
            "ttl": 1,
            "type": "CNAME",
        },
    ),
]
DESTROY: list[Call] = [
    ("DELETE", f"{WORKERS}/dispatch/namespaces/overskill-development-preview", None),
    ("DELETE", f"{WORKERS}/workers/workers-2", None),
    ("DELETE", f"/zones/{ZONE}/dns_records/dns_records-5", None),
    ("DELETE", f"/zones/{ZONE}/workers/routes/routes-6", None),
    ("DELETE", f"/zones/{ZONE}/ssl/certificate_packs/certificate_packs-7", None),
]
RECORDED_IDS = {
    "workers-2": "49ed8bd1ae5b4590bcc941a5261ba5d6",
    "versions-3": "6e442294-1de0-401b-8d0f-6573ff1b12d2",
    "deployments-4": "2e719814-d9ab-44eb-9d18-460cf85cb097",
    "dns_records-5": "f581997aea384053b0dc078827113526",
    "routes-6": "4da79d1ec2654bbd847a374e4b743946",
    "certificate_packs-7": "69401ee7e1d64f6cb34bc18eb05473ac",
}
NOT_IN_USE = ("/scripts/overskill-dispatch", "/workers/domains", "/workers/services")


@pytest.fixture
def cloud() -> tuple[Plugin, CloudflareService]:
    return cloudflare_plugin()


def created(plugin: Plugin, *types: str) -> dict[str, tuple[str, dict[str, Any]]]:
    return {type_: plugin.create(type_, INPUTS[type_]) for type_ in types or INPUTS}


def test_the_calls_of_a_whole_life(plugin):
    plugin.invoke(GET_ZONE, {"filter": {"name": "overskill.com"}})
    made = created(plugin)
    assert plugin.calls == CREATE
    plugin.calls.clear()
    for type_, (id, state) in made.items():
        assert plugin.read(type_, id, state, INPUTS[type_])[0] == id
    assert plugin.calls == REFRESH
    plugin.calls.clear()
    plugin.invoke(GET_ZONE, {"filter": {"name": "overskill.com"}})
    id, state = made[RECORD]
    plugin.update(RECORD, id, state, {**INPUTS[RECORD], "comment": "c"})
    assert plugin.calls == UPDATE
    plugin.calls.clear()
    for type_, (id, state) in made.items():
        plugin.delete(type_, id, state)
    assert plugin.calls == DESTROY


def test_those_calls_are_the_recorded_ones():
    steps = recorded(shared("traces/official-cloudflare-plugin.txt"), "/client/v4")
    for official, ours in zip(steps.values(), (CREATE, REFRESH, UPDATE, DESTROY), strict=True):
        in_use = [call for call in official if not any(part in call[1] for part in NOT_IN_USE)]
        assert counted(in_use) == counted(ours, RECORDED_IDS)


@pytest.mark.parametrize("type_", INPUTS)
def test_nothing_differs_after_a_creation_or_a_refresh(plugin, type_):
    id, state = created(plugin, type_)[type_]
    assert plugin.kinds(type_, state, INPUTS[type_]) == {}
    _, refreshed, inputs = plugin.read(type_, id, state, INPUTS[type_])
    assert plugin.kinds(type_, refreshed, INPUTS[type_]) == {}
    assert inputs == INPUTS[type_]


@pytest.mark.parametrize("type_", INPUTS)
def test_what_is_gone_has_no_id_after_a_refresh(plugin, service, type_):
    id, state = created(plugin, type_)[type_]
    service.items.clear()
    assert plugin.read(type_, id, state, INPUTS[type_])[0] == ""


@pytest.mark.parametrize(("status", "message"), [(403, "Authentication error"), (500, "out of order"), (400, "no")])
def test_only_404_means_gone(plugin, service, status, message):
    id, state = created(plugin, ROUTE)[ROUTE]
    service.refusal = (status, message)
    with pytest.raises(
        Failed, match=rf"GET http://127\.0\.0\.1:1/api/zones/{ZONE}/workers/routes/{id}: {status} .*{message}"
    ):
        plugin.read(ROUTE, id, state, INPUTS[ROUTE])


@pytest.mark.parametrize(
    ("type_", "change", "kinds"),
    [
        (NAMESPACE, {"name": "other"}, {"name": "UPDATE_REPLACE"}),
        (NAMESPACE, {"accountId": "other"}, {"accountId": "UPDATE_REPLACE"}),
        (WORKER, {"accountId": "other"}, {"accountId": "UPDATE_REPLACE"}),
        (WORKER, {"name": "other", "tags": ["a"]}, {"name": "UPDATE", "tags[0]": "ADD"}),
        (
            WORKER,
            {"subdomain": {"enabled": True}},
            {"subdomain.enabled": "UPDATE", "subdomain.previewsEnabled": "UPDATE"},
        ),
        (WORKER, {"observability": {"enabled": True}}, {"observability.enabled": "UPDATE"}),
        (VERSION, {"compatibilityDate": "2026-01-01"}, {"compatibilityDate": "UPDATE_REPLACE"}),
        (VERSION, {"workerId": UNKNOWN}, {"workerId": "UPDATE_REPLACE"}),
        (VERSION, {"bindings": None}, {"bindings": "DELETE_REPLACE"}),
        (
            VERSION,
            {"bindings": [{"name": "DISPATCH", "type": "dispatch_namespace", "namespace": "other"}]},
            {"bindings[0].namespace": "UPDATE_REPLACE", "bindings[0].outbound": "DELETE_REPLACE"},
        ),
        (
            VERSION,
            {"modules": [{"name": "b.js", "contentType": SCRIPT, "contentBase64": CODE}, *INPUTS[VERSION]["modules"]]},
            {"modules[0]": "ADD_REPLACE"},
        ),
        (DEPLOYMENT, {"scriptName": "other"}, {"scriptName": "UPDATE_REPLACE"}),
        (
            DEPLOYMENT,
            {"versions": [{"percentage": 100, "versionId": UNKNOWN}]},
            {"versions[0].versionId": "UPDATE_REPLACE"},
        ),
        (ROUTE, {"zoneId": "other", "pattern": "a/*"}, {"zoneId": "UPDATE_REPLACE", "pattern": "UPDATE"}),
        (ROUTE, {"script": None}, {"script": "DELETE"}),
        (RECORD, {"zoneId": "other"}, {"zoneId": "UPDATE_REPLACE"}),
        (RECORD, {"type": "A", "content": "192.0.2.1"}, {"type": "UPDATE_REPLACE", "content": "UPDATE"}),
        (RECORD, {"comment": "c", "proxied": None}, {"comment": "ADD", "proxied": "UPDATE"}),
        (RECORD, {"settings": {"ipv4Only": True}}, {"settings.ipv4Only": "ADD"}),
        (RECORD, {"settings": {"ipv4Only": False}}, {}),
        (RECORD, {"content": "OVERSKILL-dispatch.acc.workers.dev"}, {}),
        (RECORD, {"name": "*.overskill"}, {}),
        (RECORD, {"name": "*.over"}, {"name": "UPDATE"}),
    ],
)
def test_a_change_and_whether_it_replaces(plugin, type_, change, kinds):
    _, state = created(plugin, type_)[type_]
    assert plugin.kinds(type_, state, {**INPUTS[type_], **change}) == kinds


def test_replacing_and_changed_properties_are_named_by_their_roots(plugin):
    _, state = created(plugin, VERSION)[VERSION]
    response = plugin.diff(VERSION, state, {**INPUTS[VERSION], "bindings": [], "mainModule": "b.js"})
    assert (list(response.diffs), list(response.replaces)) == (["bindings", "mainModule"], ["bindings", "mainModule"])
    assert not response.deleteBeforeReplace


def test_ignored_changes_are_none(plugin):
    _, state = created(plugin, WORKER)[WORKER]
    inputs = {**INPUTS[WORKER], "observability": {"enabled": True}, "logpush": True}
    response = plugin.diff(WORKER, state, inputs, ignored=("observability", "logpush"))
    assert not response.detailedDiff
    assert not response.diffs


@pytest.mark.parametrize(
    ("type_", "behind_our_back", "kinds", "inputs_now"),
    [
        (RECORD, {"content": "elsewhere.example"}, {"content": "UPDATE"}, {"content": "elsewhere.example"}),
        (RECORD, {"comment": "by hand"}, {"comment": "DELETE"}, {}),
        (RECORD, {"modified_on": "2027-01-01T00:00:00Z", "meta": {"a": 1}}, {}, {}),
        (ROUTE, {"script": "other"}, {"script": "UPDATE"}, {"script": "other"}),
        (WORKER, {"logpush": True}, {"logpush": "UPDATE"}, {}),
        (WORKER, {"updated_on": "2027-01-01T00:00:00Z"}, {}, {}),
        (NAMESPACE, {"script_count": 7, "modified_on": "2027-01-01T00:00:00Z"}, {}, {}),
    ],
)
def test_drift(cloud, type_, behind_our_back, kinds, inputs_now):
    plugin, service = cloud
    id, state = created(plugin, type_)[type_]
    next(item for path, item in service.items.items() if path.endswith(id)).update(behind_our_back)
    _, refreshed, inputs = plugin.read(type_, id, state, INPUTS[type_])
    assert plugin.kinds(type_, refreshed, INPUTS[type_]) == kinds
    assert inputs == {**INPUTS[type_], **inputs_now}


def test_a_property_that_goes_is_sent_as_null(plugin):
    id, state = plugin.create(RECORD, {**INPUTS[RECORD], "comment": "c"})
    after = plugin.update(RECORD, id, state, INPUTS[RECORD])
    assert plugin.calls[-1][2]["comment"] is None
    assert "comment" not in after


def test_a_version_keeps_texts_that_the_api_withholds_and_the_order_of_its_bindings(plugin):
    bindings = [
        {"name": "Z", "type": "secret_text", "text": Secret("hush")},
        {"name": "A", "type": "plain_text", "text": "shown"},
    ]
    inputs = {**INPUTS[VERSION], "bindings": bindings}
    id, state = plugin.create(VERSION, inputs)
    assert [binding["name"] for binding in plugin.calls[-1][2]["bindings"]] == ["A", "Z"]
    _, refreshed, _ = plugin.read(VERSION, id, state, inputs)
    expected = [{**bindings[0], "text": Secret("hush")}, {**bindings[1], "text": Secret("shown")}]
    assert state["bindings"] == refreshed["bindings"] == expected
    assert plugin.kinds(VERSION, refreshed, inputs) == {}


def test_a_version_states_its_modules_digests(plugin):
    id, state = created(plugin, VERSION)[VERSION]
    digest = hashlib.sha256(base64.b64decode(CODE)).hexdigest()
    assert state["modules"] == [{**INPUTS[VERSION]["modules"][0], "contentSha256": digest}]
    assert plugin.read(VERSION, id, state, INPUTS[VERSION])[1]["modules"] == state["modules"]


def test_json_bindings_are_text_here_and_json_there(plugin):
    binding = {"name": "J", "type": "json", "json": '{"a":1}'}
    _, state = plugin.create(VERSION, {**INPUTS[VERSION], "bindings": [binding]})
    assert plugin.calls[-1][2]["bindings"][0]["json"] == {"a": 1}
    assert state["bindings"] == [binding]


def test_a_preview_asks_nothing_and_knows_what_was_given(plugin):
    id, state = plugin.create(WORKER, {**INPUTS[WORKER], "name": UNKNOWN}, preview=True)
    assert (id, plugin.calls) == ("", [])
    assert state["name"] is state["createdOn"] is state["references"] is UNKNOWN
    assert state["subdomain"] == {
        "enabled": False,
        "previewsEnabled": False,
        "url": UNKNOWN,
        "previewUrlSuffix": UNKNOWN,
    }


def test_a_preview_of_an_update_keeps_what_an_update_keeps(plugin):
    id, state = created(plugin, WORKER)[WORKER]
    plugin.calls.clear()
    after = plugin.update(WORKER, id, state, {**INPUTS[WORKER], "logpush": True}, preview=True)
    assert plugin.calls == []
    assert (after["createdOn"], after["updatedOn"], after["logpush"]) == (state["createdOn"], UNKNOWN, True)


@pytest.mark.parametrize(
    ("type_", "import_id"),
    [
        (NAMESPACE, f"{ACCOUNT}/{{}}"),
        (WORKER, f"{ACCOUNT}/{{}}"),
        (VERSION, f"{ACCOUNT}/workers-2/{{}}"),
        (DEPLOYMENT, f"{ACCOUNT}/dispatcher2/{{}}"),
        (ROUTE, f"{ZONE}/{{}}"),
        (RECORD, f"{ZONE}/{{}}"),
        (PACK, f"{ZONE}/{{}}"),
    ],
)
def test_import(plugin, type_, import_id):
    id, _ = created(plugin, type_)[type_]
    found, state, inputs = plugin.read(type_, import_id.format(id))
    assert found == id
    given = {**INPUTS[type_], **({"name": None} if type_ == NAMESPACE else {})}
    assert {name: inputs.get(name) for name in given} == given
    assert plugin.kinds(type_, state, given) == {}


def test_an_imported_namespace_has_no_name_so_naming_it_replaces_it(plugin):
    id, _ = created(plugin, NAMESPACE)[NAMESPACE]
    _, state, _ = plugin.read(NAMESPACE, f"{ACCOUNT}/{id}")
    assert plugin.kinds(NAMESPACE, state, INPUTS[NAMESPACE]) == {"name": "ADD_REPLACE"}


def test_an_import_id_of_another_form_is_refused(plugin):
    with pytest.raises(Failed, match=r"invalid ID 'abc': expected <zoneId>/<id>"):
        plugin.read(RECORD, "abc")


def test_get_zone(plugin):
    by_name, _ = plugin.invoke(GET_ZONE, {"filter": {"name": "overskill.com"}})
    by_id, _ = plugin.invoke(GET_ZONE, {"zoneId": ZONE})
    for zone in (by_name, by_id):
        assert (zone["zoneId"], zone["id"], zone["name"]) == (ZONE, ZONE, "overskill.com")
        assert zone["account"] == {"id": ACCOUNT, "name": "x"}


def test_get_zone_needs_exactly_one(plugin):
    with pytest.raises(Failed, match=r"failed to find exactly one result for {'name': 'other'}: 0 found"):
        plugin.invoke(GET_ZONE, {"filter": {"name": "other"}})
    with pytest.raises(Failed, match="give either zoneId or a filter"):
        plugin.invoke(GET_ZONE, {})
    assert plugin.invoke(GET_ZONE, {"filter": {"nome": 1}})[1] == [
        f"Invalid or unknown key. Examine values at '{GET_ZONE}.filter.nome'."
    ]


def test_a_module_needs_content_in_base64(plugin):
    modules = [{"name": "a", "contentType": SCRIPT}, {"name": "b", "contentType": SCRIPT, "contentBase64": "?"}]
    assert reasons(plugin.check(VERSION, {**INPUTS[VERSION], "modules": modules})) == {
        "modules[0].contentBase64": "Missing required property 'modules[0].contentBase64'",
        "modules[1].contentBase64": "Expected base64",
    }

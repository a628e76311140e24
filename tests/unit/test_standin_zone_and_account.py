"""KV namespaces, certificate packs and fallback origins of the stand-in for `cloudflare`: calls, state and changes."""

from typing import Any

import pytest
from standin_plugin import Failed, Plugin, reasons
from standin_services import ACCOUNT, ZONE, CloudflareService, cloudflare_plugin

from local_cloud.providers.wire import UNKNOWN

KV = "cloudflare:index/workersKvNamespace:WorkersKvNamespace"
PACK = "cloudflare:index/certificatePack:CertificatePack"
FALLBACK = "cloudflare:index/customHostnameFallbackOrigin:CustomHostnameFallbackOrigin"

INPUTS: dict[str, dict[str, Any]] = {
    KV: {"accountId": ACCOUNT, "title": "overskill-development-apps"},
    PACK: {
        "zoneId": ZONE,
        "type": "advanced",
        "hosts": ["overskill.com", "*.overskill.com"],
        "certificateAuthority": "lets_encrypt",
        "validationMethod": "txt",
        "validityDays": 90,
    },
    FALLBACK: {"zoneId": ZONE, "origin": "customers.overskill.com"},
}
NAMESPACES = f"/accounts/{ACCOUNT}/storage/kv/namespaces"
NAMESPACE = f"{NAMESPACES}/namespaces-1"
PACKS = f"/zones/{ZONE}/ssl/certificate_packs"
ORIGIN = f"/zones/{ZONE}/custom_hostnames/fallback_origin"


@pytest.fixture
def cloud() -> tuple[Plugin, CloudflareService]:
    return cloudflare_plugin()


def test_the_calls_of_a_kv_namespaces_life(plugin):
    id, state = plugin.create(KV, INPUTS[KV])
    assert (id, state) == ("namespaces-1", {**INPUTS[KV], "supportsUrlEncoding": True})
    plugin.read(KV, id, state, INPUTS[KV])
    after = plugin.update(KV, id, state, {**INPUTS[KV], "title": "renamed"})
    assert after["title"] == "renamed"
    plugin.delete(KV, id, after)
    assert plugin.calls == [
        ("POST", NAMESPACES, {"title": "overskill-development-apps"}),
        ("GET", NAMESPACE, None),
        ("PUT", NAMESPACE, {"title": "renamed"}),
        ("DELETE", NAMESPACE, None),
    ]


def test_the_calls_of_a_fallback_origins_life(plugin):
    id, state = plugin.create(FALLBACK, INPUTS[FALLBACK])
    assert (id, state["status"], state["errors"]) == (ZONE, "pending_deployment", [])
    assert plugin.read(FALLBACK, id, state, INPUTS[FALLBACK])[0] == ZONE
    after = plugin.update(FALLBACK, id, state, {**INPUTS[FALLBACK], "origin": "other.overskill.com"})
    plugin.delete(FALLBACK, id, after)
    assert plugin.calls == [
        ("PUT", ORIGIN, {"origin": "customers.overskill.com"}),
        ("GET", ORIGIN, None),
        ("PUT", ORIGIN, {"origin": "other.overskill.com"}),
        ("DELETE", ORIGIN, None),
    ]


def test_a_certificate_pack_is_made_once_it_is_ordered(plugin):
    """Its whole life is in test_standin_cloudflare.py, call for call as the official plugin's."""
    _, state = plugin.create(PACK, INPUTS[PACK])
    assert [call[:2] for call in plugin.calls] == [("POST", f"{PACKS}/order")]
    assert state["status"] == "initializing"


@pytest.mark.parametrize("type_", INPUTS)
def test_nothing_differs_after_a_creation_or_a_refresh(plugin, type_):
    id, state = plugin.create(type_, INPUTS[type_])
    assert plugin.kinds(type_, state, INPUTS[type_]) == {}
    now, refreshed, inputs = plugin.read(type_, id, state, INPUTS[type_])
    assert (now, refreshed, inputs) == (id, state, INPUTS[type_])
    assert plugin.kinds(type_, refreshed, INPUTS[type_]) == {}


@pytest.mark.parametrize("type_", INPUTS)
def test_what_is_gone_has_no_id_after_a_refresh(plugin, service, type_):
    id, state = plugin.create(type_, INPUTS[type_])
    service.items.clear()
    assert plugin.read(type_, id, state, INPUTS[type_])[0] == ""


@pytest.mark.parametrize(
    ("type_", "change", "kinds"),
    [
        (KV, {"title": "other"}, {"title": "UPDATE"}),
        (KV, {"accountId": "other"}, {"accountId": "UPDATE_REPLACE"}),
        (FALLBACK, {"origin": "other.example"}, {"origin": "UPDATE"}),
        (FALLBACK, {"zoneId": "other"}, {"zoneId": "UPDATE_REPLACE"}),
        (PACK, {"zoneId": "other"}, {"zoneId": "UPDATE_REPLACE"}),
        (PACK, {"certificateAuthority": "google"}, {"certificateAuthority": "UPDATE_REPLACE"}),
        (PACK, {"validationMethod": "http"}, {"validationMethod": "UPDATE_REPLACE"}),
        (PACK, {"validityDays": 30}, {"validityDays": "UPDATE_REPLACE"}),
        (PACK, {"cloudflareBranding": True}, {"cloudflareBranding": "ADD_REPLACE"}),
        (PACK, {"hosts": ["overskill.com", "*.overskill.com", "new.overskill.com"]}, {"hosts[2]": "ADD_REPLACE"}),
        (PACK, {"hosts": ["overskill.com", UNKNOWN]}, {"hosts[1]": "UPDATE_REPLACE"}),
        (PACK, {"hosts": ["*.overskill.com", "overskill.com"]}, {}),
        (PACK, {"hosts": None}, {}),
    ],
)
def test_a_change_and_whether_it_replaces(plugin, type_, change, kinds):
    _, state = plugin.create(type_, INPUTS[type_])
    assert plugin.kinds(type_, state, {**INPUTS[type_], **change}) == kinds


def test_a_host_fewer_is_no_change_of_a_pack(plugin):
    """As there: the plugin cannot tell a host that was taken out from one that Cloudflare added."""
    _, state = plugin.create(PACK, INPUTS[PACK])
    assert plugin.kinds(PACK, state, {**INPUTS[PACK], "hosts": ["overskill.com"]}) == {}


def test_hosts_and_branding_that_cloudflare_adds_are_no_change_of_a_pack(plugin, service):
    id, state = plugin.create(PACK, INPUTS[PACK])
    added = {"hosts": [*INPUTS[PACK]["hosts"], "sni.cloudflaressl.com"], "cloudflare_branding": False}
    service.items[f"{PACKS}/{id}"].update({**added, "status": "active"})
    _, refreshed, inputs = plugin.read(PACK, id, state, INPUTS[PACK])
    assert (refreshed["status"], "cloudflareBranding" in refreshed) == ("active", False)
    assert plugin.kinds(PACK, refreshed, INPUTS[PACK]) == {}
    assert inputs == INPUTS[PACK]


@pytest.mark.parametrize(("answered", "kinds"), [(None, {}), (False, {"cloudflareBranding": "UPDATE_REPLACE"})])
def test_branding_that_was_given_is_kept_where_no_answer_has_it(plugin, service, answered, kinds):
    inputs = {**INPUTS[PACK], "cloudflareBranding": True}
    id, state = plugin.create(PACK, inputs)
    service.items[f"{PACKS}/{id}"]["cloudflare_branding"] = answered
    _, refreshed, _ = plugin.read(PACK, id, state, inputs)
    assert plugin.kinds(PACK, refreshed, inputs) == kinds


@pytest.mark.parametrize(
    ("type_", "import_id"), [(KV, f"{ACCOUNT}/namespaces-1"), (PACK, f"{ZONE}/certificate_packs-1"), (FALLBACK, ZONE)]
)
def test_import(plugin, type_, import_id):
    id, _ = plugin.create(type_, INPUTS[type_])
    found, state, inputs = plugin.read(type_, import_id)
    assert (found, inputs) == (id, INPUTS[type_])
    assert plugin.kinds(type_, state, INPUTS[type_]) == {}


def test_an_import_takes_a_packs_branding(plugin, service):
    plugin.create(PACK, INPUTS[PACK])
    service.items[f"{PACKS}/certificate_packs-1"]["cloudflare_branding"] = True
    assert plugin.read(PACK, f"{ZONE}/certificate_packs-1")[2]["cloudflareBranding"] is True


@pytest.mark.parametrize(
    ("type_", "id", "expected"),
    [(KV, "abc", "<accountId>/<id>"), (PACK, "abc", "<zoneId>/<id>"), (FALLBACK, f"{ZONE}/x", "<zoneId>")],
)
def test_an_import_id_of_another_form_is_refused(plugin, type_, id, expected):
    with pytest.raises(Failed, match=f"invalid ID '{id}': expected {expected}"):
        plugin.read(type_, id)


def test_the_values_of_a_pack_have_rules(plugin):
    wrong = {"type": "universal", "certificateAuthority": "digicert", "validationMethod": "cname", "validityDays": 60}
    assert reasons(plugin.check(PACK, {**INPUTS[PACK], **wrong})) == {
        "type": "Expected one of advanced",
        "certificateAuthority": "Expected one of google, lets_encrypt, ssl_com",
        "validationMethod": "Expected one of txt, http, email",
        "validityDays": "Expected one of 14, 30, 90, 365",
    }

"""What `adopt` takes up, found at the service as it lists it."""

import httpx
import pytest

from overskill.adopt.imports import ADOPTED
from overskill.recovery import Clouds


@pytest.fixture
def find(cf):
    """A finder by the name of its type, given inputs."""
    urls = f"{str(cf.client.base_url).rstrip('/')}{cf.root}/", "http://none.invalid/"
    tokens = {"CLOUDFLARE_API_TOKEN": cf.token, "GITHUB_TOKEN": "none"}
    finders = {type_.rpartition(":")[2]: finder for type_, finder in ADOPTED.items()}
    with httpx.HTTPTransport() as transport:
        clouds = Clouds(urls, "none", tokens, webhook_base="http://none.invalid", transport=transport)
        yield lambda kind, **inputs: finders[kind](clouds, inputs)


# Not for a live account: an order counts against a quota.
def test_a_certificate_that_is_not_active_yet(cf, local, cleanup, find):
    zone, hosts = cf.names["zone"], [cf.names["zone_name"], f"*.{cf.names['zone_name']}"]
    assert find("CertificatePack", zoneId=zone, hosts=hosts) is None
    order = {"type": "advanced", "certificate_authority": "google", "validation_method": "txt", "validity_days": 90}
    made = cf.post("/zones/{zone}/ssl/certificate_packs/order", json={**order, "hosts": hosts})["result"]
    cleanup(lambda: cf.send("DELETE", f"/zones/{{zone}}/ssl/certificate_packs/{made['id']}"))
    assert find("CertificatePack", zoneId=zone, hosts=hosts[::-1]) == f"{zone}/{made['id']}"


def test_a_record_without_metadata(cf, name, cleanup, find):
    namespaces = "/accounts/{account}/storage/kv/namespaces"
    made = cf.post(namespaces, json={"title": name})["result"]
    cleanup(lambda: cf.send("DELETE", f"{namespaces}/{made['id']}"))
    cf.put(f"{namespaces}/{made['id']}/values/app:shop", content='{"plan": "free"}')
    place = {"accountId": cf.names["account"], "namespaceId": made["id"]}
    assert find("WorkersKv", **place, keyName="app:shop") == f"{cf.names['account']}/{made['id']}/app:shop"
    assert find("WorkersKv", **place, keyName="app:other") is None

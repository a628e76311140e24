"""Custom hostnames: customers' own hosts of a zone."""

import pytest

from local_cloud.edge.model import Hostname

HOSTNAMES = "/zones/{zone}/custom_hostnames"
SSL = {"method": "http", "type": "dv"}


@pytest.fixture
def hostname(name):
    return f"{name}.customer.com"


@pytest.fixture
def made(cf, local, hostname, cleanup):
    answer = cf.post(HOSTNAMES, status=201, json={"hostname": hostname, "ssl": SSL})["result"]
    cleanup(lambda: cf.send("DELETE", f"{HOSTNAMES}/{answer['id']}"))
    return answer


def test_a_hostname_from_birth_to_death(cf, local, made, hostname):
    assert (made["hostname"], made["status"], made["ssl"]["status"]) == (hostname, "active", "active")
    assert made["ownership_verification"]["name"] == f"_cf-custom-hostname.{hostname}"
    assert made["ownership_verification_http"]["http_body"] == made["ownership_verification"]["value"]
    path = f"{HOSTNAMES}/{made['id']}"
    assert cf.get(path)["result"] == made
    changed = {"custom_metadata": {"app": "abc"}, "ssl": {**SSL, "wildcard": True, "settings": {"http2": "off"}}}
    shown = cf.patch(path, status=202, json=changed)["result"]
    assert shown["custom_metadata"] == {"app": "abc"}
    assert shown["ssl"].items() >= {"id": made["ssl"]["id"], "hosts": [hostname, f"*.{hostname}"]}.items()
    assert shown["ssl"]["settings"] == {"http2": "off"}
    assert cf.delete(path) == {"id": made["id"]}
    for method in ("GET", "PATCH", "DELETE"):
        assert cf.refused(method, path, 404, json={}) == (1436, "The custom hostname was not found.")


def test_hostnames_are_listed_by_name_part_and_id(cf, local, made, hostname):
    for query in (
        {"hostname": hostname},
        {"hostname.exact": hostname},
        {"hostname.contain": hostname[9:-4]},
        {"hostname.startsWith": hostname[:-4]},
        {"id": made["id"]},
    ):
        answer = cf.get(HOSTNAMES, params=query)
        assert (answer["result"], answer["result_info"]["total_count"]) == ([made], 1)
    for query in ({"hostname": "other.customer.com"}, {"hostname.startsWith": hostname[9:]}):
        assert cf.get(HOSTNAMES, params=query)["result"] == []
    assert cf.refused("GET", HOSTNAMES, 400, params={"id": made["id"], "hostname": hostname})[0] == 1438


def test_the_edge_is_told_where_it_leads(cf, local, made, hostname, cleanup):
    zone = cf.names["zone_name"]
    assert Hostname(zone=zone, hostname=hostname, origin=None) in local.edge.served.hostnames
    cf.put(f"{HOSTNAMES}/fallback_origin", json={"origin": f"customers.{zone}"})
    cleanup(lambda: cf.send("DELETE", f"{HOSTNAMES}/fallback_origin"))
    assert Hostname(zone=zone, hostname=hostname, origin=f"customers.{zone}") in local.edge.served.hostnames


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"hostname": "übung.de"}, (400, 1408)),
        ({"hostname": "10.0.0.1"}, (400, 1407)),
        ({"hostname": "a_b.customer.com"}, (400, 1407)),
        ({"hostname": "shop.test"}, (400, 1409)),
        ({"hostname": "shop.example.com"}, (400, 1411)),
        ({"custom_origin_server": "origin.example.com"}, (403, 1414)),
        ({"ssl": {**SSL, "custom_key": "x"}}, (400, 9207)),
        ({}, (409, 1406)),
    ],
)
def test_a_wrong_hostname_is_refused(cf, made, hostname, change, refusal):
    status, code = refusal
    body = {"hostname": hostname if not change else f"other.{hostname}", "ssl": SSL, **change}
    assert cf.refused("POST", HOSTNAMES, status, json=body)[0] == code
    assert cf.get(HOSTNAMES)["result"] == [made]

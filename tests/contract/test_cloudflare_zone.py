"""A zone and what is in it: DNS records, routes, custom domains, certificate packs."""

import pytest
from contract_service import upload

RECORDS = "/zones/{zone}/dns_records"
ROUTES = "/zones/{zone}/workers/routes"
DOMAINS = "/accounts/{account}/workers/domains"
FALLBACK_ORIGIN = "/zones/{zone}/custom_hostnames/fallback_origin"
PACKS = "/zones/{zone}/ssl/certificate_packs"


@pytest.fixture
def host(cf, name):
    """A host name in the zone that nothing has yet."""
    return f"{name}.{cf.names['zone_name']}"


@pytest.fixture
def record(cf, host, cleanup):
    """A proxied CNAME of `host`."""
    body = {"type": "CNAME", "name": host, "content": "target.example.com", "ttl": 1, "proxied": True}
    made = cf.post(RECORDS, json=body)["result"]
    cleanup(lambda: cf.send("DELETE", f"{RECORDS}/{made['id']}"))
    return made


@pytest.fixture
def worker(cf, name, cleanup):
    path = f"/accounts/{{account}}/workers/scripts/{name}"
    cf.put(path, files=upload({}))
    cleanup(lambda: cf.send("DELETE", path))
    return name


def test_the_zone(cf):
    (listed,) = cf.get("/zones", params={"name": cf.names["zone_name"]})["result"]
    assert cf.get("/zones/{zone}")["result"] == listed
    assert listed["status"] == "active"
    assert listed["account"]["id"] == cf.names["account"]
    assert cf.get("/zones", params={"name": "contract.invalid"})["result"] == []
    assert cf.get("/zones", params={"page": "99"})["result"] == []


def test_zones_are_filtered_and_paged(cf, local):
    everything = cf.get("/zones", params={"account.id": cf.names["account"], "status": "active"})
    assert [zone["name"] for zone in everything["result"]] == ["example.localhost", "overskill.localhost"]
    second = cf.get("/zones", params={"page": "2", "per_page": "1"})
    assert [zone["name"] for zone in second["result"]] == ["overskill.localhost"]
    info = {"page": 2, "per_page": 1, "count": 1, "total_count": 2, "total_pages": 2}
    assert second["result_info"] == info
    assert cf.get("/zones", params={"status": "pending"})["result"] == []
    assert "unknown filter" in cf.refused("GET", "/zones", 400, params={"colour": "red"})[1]


@pytest.fixture
def new_zone(cf, local, name, cleanup):
    made = cf.post("/zones", json={"name": f"{name}.localhost", "account": {"id": cf.names["account"]}})["result"]
    cleanup(lambda: cf.send("DELETE", f"/zones/{made['id']}"))
    return made


def test_a_zone_from_birth_to_death(cf, local, new_zone, worker):
    assert (new_zone["status"], new_zone["type"]) == ("active", "full")
    path = f"/zones/{new_zone['id']}"
    assert cf.get(path)["result"] == new_zone
    record = {"type": "A", "name": "a", "content": "192.0.2.1"}
    cf.post(f"{path}/dns_records", json=record)
    cf.post(f"{path}/workers/routes", json={"pattern": f"{new_zone['name']}/*", "script": worker})
    domain = cf.put(DOMAINS, json={"hostname": f"own.{new_zone['name']}", "service": worker})["result"]
    assert new_zone["name"] in local.edge.served.zones
    assert cf.delete(path)["result"] == {"id": new_zone["id"]}
    assert cf.refused("GET", path, 403)[0] == 9109
    cf.call("GET", f"{DOMAINS}/{domain['id']}", status=404)
    assert new_zone["name"] not in local.edge.served.zones
    again = cf.post("/zones", json={"name": new_zone["name"], "account": {"id": cf.names["account"]}})["result"]
    assert cf.get(f"/zones/{again['id']}/dns_records")["result"] == []
    cf.delete(f"/zones/{again['id']}")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"name": "overskill.localhost"}, 400, 1061),
        ({"name": "localhost"}, 400, 1001),
        ({"name": "Capital.localhost"}, 400, 1001),
        ({"type": "partial"}, 400, 9207),
        ({"colour": "red"}, 400, 9207),
        ({"account": {"id": "f" * 32}}, 403, 10000),
    ],
)
def test_a_wrong_zone_is_refused(cf, local, fields, status, code):
    before = cf.get("/zones")["result"]
    body = {"name": "new.localhost", "account": {"id": cf.names["account"]}, **fields}
    assert cf.refused("POST", "/zones", status, json=body)[0] == code
    assert cf.get("/zones")["result"] == before


def test_a_record_from_birth_to_death(cf, record, host):
    assert (record["name"], record["ttl"], record["proxiable"]) == (host, 1, True)
    assert record.items() >= {"settings": {}, "meta": {}, "comment": None, "tags": []}.items()
    assert cf.get(f"{RECORDS}/{record['id']}")["result"] == record
    (listed,) = cf.get(RECORDS, params={"name": host, "type": "CNAME"})["result"]
    assert listed["id"] == record["id"]
    assert cf.get(RECORDS, params={"name": host, "type": "A"})["result"] == []
    body = {"type": "CNAME", "name": host, "content": "other.example.com", "ttl": 300, "proxied": False, "comment": "c"}
    changed = cf.put(f"{RECORDS}/{record['id']}", json=body)["result"]
    assert changed.items() >= body.items()
    assert changed["created_on"] == record["created_on"]
    assert cf.delete(f"{RECORDS}/{record['id']}")["result"] == {"id": record["id"]}
    assert cf.refused("GET", f"{RECORDS}/{record['id']}", 404) == (81044, "Record does not exist.")


def test_a_short_name_is_completed(cf, name, host, cleanup):
    made = cf.post(RECORDS, json={"type": "TXT", "name": name, "content": '"x"', "ttl": 60})["result"]
    cleanup(lambda: cf.send("DELETE", f"{RECORDS}/{made['id']}"))
    assert made["name"] == host
    assert made["proxiable"] is False


def test_records_that_conflict_are_refused(cf, record, host):
    same = {"type": "CNAME", "name": host, "content": "target.example.com", "ttl": 1, "proxied": True}
    assert cf.refused("POST", RECORDS, 400, json=same)[0] == 81058
    assert cf.refused("POST", RECORDS, 400, json={**same, "content": "b.example.com"})[0] == 81053
    assert cf.refused("POST", RECORDS, 400, json={**same, "type": "A", "content": "192.0.2.1"})[0] == 81054
    cf.put(f"{RECORDS}/{record['id']}", json=same)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"ttl": 59}, 9021),
        ({"ttl": 86401}, 9021),
        ({"ttl": "1"}, 9207),
        ({"type": "SRV"}, 9207),
        ({"colour": "red"}, 9207),
        ({"name": "a..b"}, 9000),
        ({"name": "a" * 64}, 9000),
        ({"name": "x.*.y"}, 9000),
        ({"content": "not an address"}, 9005),
        ({"type": "AAAA"}, 9006),
        ({"type": "AAAA", "content": "::1", "proxied": True}, 9003),
        ({"content": "127.0.0.1", "proxied": True}, 9003),
        ({"type": "CNAME", "content": "not a host"}, 9007),
        ({"type": "CNAME", "name": "self", "content": "self.{zone}"}, 9039),
        ({"type": "TXT", "content": "x", "proxied": True}, 9004),
        ({"type": "TXT", "content": ""}, 9035),
        ({"type": "MX", "content": "mail.example.com"}, 9101),
        ({"priority": 1}, 9101),
    ],
)
def test_a_wrong_record_is_refused_and_nothing_is_stored(cf, local, fields, code):
    before = cf.get(RECORDS)["result"]
    body = {"type": "A", "name": "wrong", "content": "192.0.2.1", **fields}
    body["content"] = body["content"].format(zone=cf.names["zone_name"])
    assert cf.refused("POST", RECORDS, 400, json=body)[0] == code
    assert cf.get(RECORDS)["result"] == before


def test_documented_addresses_without_an_origin_may_be_proxied(cf, name, cleanup):
    for number, (kind, address) in enumerate((("A", "192.0.2.1"), ("AAAA", "100::"))):
        body = {"type": kind, "name": f"{name}-{number}", "content": address, "ttl": 300, "proxied": True}
        made = cf.post(RECORDS, json=body)["result"]
        cleanup(lambda made=made: cf.send("DELETE", f"{RECORDS}/{made['id']}"))
        assert made["ttl"] == 1


def test_a_route_from_birth_to_death(cf, worker, host, cleanup):
    made = cf.post(ROUTES, json={"pattern": f"{host}/*", "script": worker})["result"]
    path = f"{ROUTES}/{made['id']}"
    cleanup(lambda: cf.send("DELETE", path))
    assert cf.get(path)["result"] == {"id": made["id"], "pattern": f"{host}/*", "script": worker}
    assert made["id"] in [route["id"] for route in cf.get(ROUTES)["result"]]
    assert cf.refused("POST", ROUTES, 409, json={"pattern": f"{host}/*"})[0] == 10020
    cf.put(path, json={"pattern": f"{host}/a*"})
    assert "script" not in cf.get(path)["result"]
    assert cf.delete(path)["result"] == {"id": made["id"]}
    assert cf.refused("GET", path, 404)[0] == 10005


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        ("*.elsewhere.com/*", "must include zone name"),
        ("not{zone}/*", "must include zone name"),
        ("{zone}/a*b", "may only contain wildcards"),
        ("a.*.{zone}/*", "Could not understand"),
        ("{zone}/?x=1", "query parameters"),
        ("ftp://{zone}/*", "Could not understand"),
    ],
)
def test_a_wrong_pattern_is_refused(cf, pattern, wrong):
    code, message = cf.refused("POST", ROUTES, 400, json={"pattern": pattern.format(zone=cf.names["zone_name"])})
    assert code == 10022
    assert wrong in message


def test_a_route_to_a_missing_script_is_refused(cf, host):
    assert cf.refused("POST", ROUTES, 400, json={"pattern": f"{host}/*", "script": "contract-none"})[0] == 10019


def test_a_custom_domain_from_birth_to_death(cf, worker, host, cleanup):
    made = cf.put(DOMAINS, json={"hostname": host, "service": worker, "zone_id": cf.names["zone"]})["result"]
    path = f"{DOMAINS}/{made['id']}"
    cleanup(lambda: cf.send("DELETE", path))
    assert made["zone_name"] == cf.names["zone_name"]
    assert cf.get(path)["result"]["hostname"] == host
    assert host in [domain["hostname"] for domain in cf.get(DOMAINS)["result"]]
    again = cf.put(DOMAINS, json={"hostname": host, "service": worker, "zone_name": cf.names["zone_name"]})["result"]
    assert again["id"] == made["id"]
    cf.delete(path)
    cf.call("GET", path, status=404)


def test_a_wrong_custom_domain_is_refused(cf, local, worker, record, host):
    taken = {"hostname": host, "service": worker, "zone_id": cf.names["zone"]}
    assert cf.refused("PUT", DOMAINS, 409, json=taken)[0] == 100117
    assert cf.refused("PUT", DOMAINS, 404, json={**taken, "service": "contract-none"})[0] == 10007
    assert cf.refused("PUT", DOMAINS, 400, json={**taken, "hostname": "x.elsewhere.com"})[0] == 100113
    assert cf.refused("PUT", DOMAINS, 400, json={**taken, "zone_name": "example.localhost"})[0] == 100113


def test_deleting_a_worker_takes_its_routes_and_domains(cf, local, worker, host):
    route = cf.post(ROUTES, json={"pattern": f"{host}/*", "script": worker})["result"]
    domain = cf.put(DOMAINS, json={"hostname": host, "service": worker})["result"]
    cf.delete(f"/accounts/{{account}}/workers/scripts/{worker}")
    cf.call("GET", f"{ROUTES}/{route['id']}", status=404)
    cf.call("GET", f"{DOMAINS}/{domain['id']}", status=404)


@pytest.fixture
def no_fallback_origin(cf, cleanup):
    """A zone has one fallback origin at most."""
    assert cf.send("GET", FALLBACK_ORIGIN).status_code == 404, "the zone has a fallback origin of somebody's"
    cleanup(lambda: cf.send("DELETE", FALLBACK_ORIGIN))


def test_a_fallback_origin_from_birth_to_death(cf, local, no_fallback_origin, record, host):
    made = cf.put(FALLBACK_ORIGIN, json={"origin": host})["result"]
    assert made.items() >= {"origin": host, "status": "active", "errors": []}.items()
    assert cf.get(FALLBACK_ORIGIN)["result"] == made
    other = cf.put(FALLBACK_ORIGIN, json={"origin": f"other.{host}"})["result"]
    assert (other["origin"], other["created_at"]) == (f"other.{host}", made["created_at"])
    assert cf.delete(FALLBACK_ORIGIN)["result"]["status"] == "pending_deletion"
    for method in ("GET", "DELETE"):
        assert cf.refused(method, FALLBACK_ORIGIN, 404)[0] == 1455


@pytest.mark.parametrize("change", ["not proxied", "deleted"])
def test_a_fallback_origin_is_pending_without_a_proxied_record(cf, local, no_fallback_origin, record, change):
    host, path = record["name"], f"{RECORDS}/{record['id']}"
    cf.put(FALLBACK_ORIGIN, json={"origin": host})
    if change == "deleted":
        cf.delete(path)
    else:
        cf.put(path, json={"type": "CNAME", "name": host, "content": "target.example.com", "proxied": False})
    shown = cf.get(FALLBACK_ORIGIN)["result"]
    assert shown["status"] == "pending_deployment"
    assert "should be a proxied A/AAAA/CNAME" in shown["errors"][0]
    assert cf.put(FALLBACK_ORIGIN, json={"origin": host})["result"]["status"] == "pending_deployment"


def test_a_fallback_origin_outside_the_zone_is_refused(cf, local, no_fallback_origin):
    assert cf.refused("PUT", FALLBACK_ORIGIN, 400, json={"origin": "fallback.elsewhere.com"})[0] == 1456
    cf.call("GET", FALLBACK_ORIGIN, status=404)


@pytest.fixture
def order(cf):
    return {
        "type": "advanced",
        "hosts": [cf.names["zone_name"], f"*.{cf.names['zone_name']}"],
        "certificate_authority": "google",
        "validation_method": "txt",
        "validity_days": 90,
    }


# Not for a live account: an order counts against a quota.
def test_a_certificate_pack_from_birth_to_death(cf, local, order):
    made = cf.post(f"{PACKS}/order", json=order)["result"]
    assert made.items() >= {**order, "status": "initializing", "certificates": []}.items()
    assert cf.get(f"{PACKS}/{made['id']}")["result"] == made
    assert cf.get(PACKS, params={"status": "all"})["result"] == [made]
    assert cf.get(PACKS)["result"] == [], "active ones alone"
    assert cf.delete(f"{PACKS}/{made['id']}")["result"] == {"id": made["id"]}
    assert cf.refused("GET", f"{PACKS}/{made['id']}", 404)[0] == 1412


@pytest.mark.parametrize("query", [{"per_page": "51"}, {"per_page": "4"}, {"status": "pending_validation"}])
def test_certificate_packs_are_listed_by_pages_of_5_to_50_whatever_their_status(cf, query):
    assert next(iter(query)) in cf.refused("GET", PACKS, 400, params=query)[1]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"hosts": []}, "1 to 50"),
        ({"hosts": ["*.overskill.localhost"]}, "the zone's own"),
        ({"hosts": ["overskill.localhost", "elsewhere.com"]}, "elsewhere.com"),
        ({"validity_days": 60}, "validity_days"),
        ({"certificate_authority": "mine"}, "certificate_authority"),
    ],
)
def test_a_wrong_order_is_refused(cf, local, order, fields, wrong):
    assert wrong in cf.refused("POST", f"{PACKS}/order", 400, json={**order, **fields})[1]


def test_the_edge_serves_what_decides_over_hosts(cf, local, worker, record, host):
    served = local.edge.served
    assert [one.proxied for one in served.records if one.name == host] == [True]
    cf.post(ROUTES, json={"pattern": f"{host}/*", "script": worker})
    assert [one.script for one in local.edge.served.routes if one.pattern == f"{host}/*"] == [worker]
    cf.put(DOMAINS, json={"hostname": f"own.{host}", "service": worker})
    assert f"own.{host}" in [one.hostname for one in local.edge.served.domains]

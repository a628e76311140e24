"""Hosts and routes, decided by `hosts.js` in workerd itself: the runtime it is for, and no second test runner."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edge_harness import EMPTY, JS, bundle, serve

from local_cloud.edge.model import Module

ZONE = "overskill.localhost"
HOSTS_JS = Path(__file__).parents[2] / "local_cloud/edge/hosts.js"
DECIDER = """
import { hostRouter } from "hosts.js";
export default {
  async fetch(request) {
    const { table, url } = await request.json();
    return Response.json(hostRouter(table)(new URL(url)));
  },
};
"""
Decide = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def decide(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decide]:
    hosts = Module(name="hosts.js", content_type=JS, body=HOSTS_JS.read_bytes())
    account = replace(EMPTY, workers=(bundle("decider", DECIDER, hosts),), workers_dev=frozenset({"decider"}))
    with serve(workerd_binary, tmp_path_factory.mktemp("hosts"), account) as edge:

        def decide(url: str, **table: Any) -> dict[str, Any]:
            whole = {
                "workers": ["dispatch", "other"],
                "workers_subdomain": "overskill",
                "workers_dev": ["dispatch"],
                "zones": [ZONE],
                "routes": [],
                "records": [],
                "domains": [],
                "hostnames": [],
                **table,
            }
            body = {"table": whole, "url": url}
            return edge.get("decider.overskill.workers.localhost", method="POST", json=body).json()

        yield decide


def record(name: str, type: str = "CNAME", proxied: bool = True, zone: str = ZONE) -> dict[str, Any]:
    return {"zone": zone, "name": name, "type": type, "proxied": proxied}


def route(pattern: str, script: str | None = "dispatch", zone: str = ZONE) -> dict[str, Any]:
    return {"zone": zone, "pattern": pattern, "script": script}


WILDCARD = record(f"*.{ZONE}")
EVERYTHING = route("*/*")


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://dispatch.overskill.workers.localhost:8080/app/x", "dispatch"),
        ("http://DISPATCH.overskill.workers.dev/", "dispatch"),
        ("http://dispatch.overskill.workers.localhost./", "dispatch"),
        ("http://other.overskill.workers.localhost/", "workers-dev-disabled"),
        ("http://a.dispatch.overskill.workers.localhost/", "workers-dev-disabled"),
        ("http://dispatch.someone.workers.localhost/", "unknown-host"),
        ("http://overskill.localhost.example/", "unknown-host"),
        ("http://notoverskill.localhost/", "unknown-host"),
        ("http://127.0.0.1:8080/", "unknown-host"),
    ],
)
def test_workers_dev_and_hosts_outside_every_zone(decide: Decide, url: str, outcome: str) -> None:
    decision = decide(url, records=[WILDCARD], routes=[EVERYTHING])
    assert outcome in (decision.get("worker"), decision.get("reason"))


@pytest.mark.parametrize(
    ("host", "records", "served"),
    [
        (f"a.{ZONE}", [], False),
        (f"a.{ZONE}", [WILDCARD], True),
        (f"A.{ZONE.upper()}.", [WILDCARD], True),
        (f"a.b.c.{ZONE}", [WILDCARD], True),
        (ZONE, [WILDCARD], False),
        (ZONE, [record(ZONE, "A")], True),
        (f"a.{ZONE}", [record(f"a.{ZONE}")], True),
        (f"a.{ZONE}", [record(f"A.{ZONE.upper()}")], True),
        (f"a.{ZONE}", [record(f"a.{ZONE}", "A", proxied=False)], False),
        (f"a.{ZONE}", [record(f"a.{ZONE}", "TXT", proxied=False), record(f"a.{ZONE}", "A")], True),
        # A record at a name, or below it, of any type, keeps the wildcard away from the name and from all below.
        (f"a.{ZONE}", [WILDCARD, record(f"a.{ZONE}", "TXT", proxied=False)], False),
        (f"x.a.{ZONE}", [WILDCARD, record(f"a.{ZONE}", "TXT", proxied=False)], False),
        (f"a.{ZONE}", [WILDCARD, record(f"x.a.{ZONE}", "TXT", proxied=False)], False),
        (f"y.a.{ZONE}", [WILDCARD, record(f"x.a.{ZONE}", "TXT", proxied=False)], False),
        (f"b.{ZONE}", [WILDCARD, record(f"x.a.{ZONE}", "TXT", proxied=False)], True),
        (f"x.a.{ZONE}", [WILDCARD, record(f"*.a.{ZONE}")], True),
        (f"x.a.{ZONE}", [WILDCARD, record(f"*.a.{ZONE}", proxied=False)], False),
        (f"a.{ZONE}", [record(f"*.{ZONE}", proxied=False)], False),
        (f"a.{ZONE}", [record("a.elsewhere.example")], False),
    ],
)
def test_a_host_needs_a_proxied_record(decide: Decide, host: str, records: list[Any], served: bool) -> None:
    decision = decide(f"http://{host}/", records=records, routes=[EVERYTHING])
    if served:
        assert decision == {"worker": "dispatch"}
    else:
        assert (decision["status"], decision["reason"]) == (530, "no-proxied-record")
        assert f"No proxied DNS record for {host.lower().rstrip('.')} in zone {ZONE}" in decision["message"]


def test_records_that_are_not_proxied_are_named(decide: Decide) -> None:
    records = [record(f"a.{ZONE}", "A", proxied=False), record(f"a.{ZONE}", "TXT", proxied=False)]
    assert "; not proxied: A, TXT" in decide(f"http://a.{ZONE}/", records=records)["message"]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        (f"*.{ZONE}/*", f"http://a.{ZONE}/", True),
        (f"*.{ZONE}/*", f"http://{ZONE}/", False),
        (f"*{ZONE}/*", f"http://{ZONE}/", True),
        (f"*{ZONE}/*", f"http://a.{ZONE}/", True),
        (f"*.{ZONE.upper()}/*", f"http://a.{ZONE}/", True),
        (f"a.{ZONE}/*", f"http://b.{ZONE}/", False),
        (f"a.{ZONE}", f"http://a.{ZONE}/", True),
        (f"a.{ZONE}", f"http://a.{ZONE}/x", False),
        (f"a.{ZONE}/x", f"http://a.{ZONE}/x", True),
        (f"a.{ZONE}/x", f"http://a.{ZONE}/X", False),
        (f"a.{ZONE}/x", f"http://a.{ZONE}/x?q", False),
        (f"a.{ZONE}/x*", f"http://a.{ZONE}/x?q", True),
        (f"a.{ZONE}/x*", f"http://a.{ZONE}/xyz", True),
        (f"http://a.{ZONE}/*", f"http://a.{ZONE}/", True),
        (f"https://a.{ZONE}/*", f"http://a.{ZONE}/", False),
    ],
)
def test_route_patterns(decide: Decide, pattern: str, path: str, matches: bool) -> None:
    decision = decide(path, records=[WILDCARD, record(ZONE)], routes=[route(pattern)])
    assert decision.get("worker", decision.get("reason")) == ("dispatch" if matches else "no-route")


@pytest.mark.parametrize(
    ("winner", "loser", "path"),
    [
        (f"a.{ZONE}/*", f"*.{ZONE}/*", "/"),
        (f"*.{ZONE}/*", "*/*", "/"),
        (f"a.{ZONE}/deep/*", f"a.{ZONE}/*", "/deep/x"),
        (f"a.{ZONE}/x", f"a.{ZONE}/*", "/x"),
        # Both from Cloudflare's list of known issues.
        (f"a.{ZONE}/images*", f"a.{ZONE}/images/*", "/images/hello"),
        (f"a.{ZONE}/*", f"*.{ZONE}/a", "/a"),
    ],
)
def test_the_most_specific_route_wins(decide: Decide, winner: str, loser: str, path: str) -> None:
    routes = [route(winner), route(loser, "other")]
    for order in (routes, routes[::-1]):
        assert decide(f"http://a.{ZONE}{path}", records=[WILDCARD], routes=order) == {"worker": "dispatch"}


def test_a_route_without_a_script_exempts_a_host(decide: Decide) -> None:
    routes = [route(f"*.{ZONE}/*"), route(f"api.{ZONE}/*", None)]
    decision = decide(f"http://api.{ZONE}/", records=[WILDCARD], routes=routes)
    assert (decision["status"], decision["reason"]) == (522, "route-exempts")
    assert f"Route api.{ZONE}/* exempts" in decision["message"]
    assert decide(f"http://b.{ZONE}/", records=[WILDCARD], routes=routes) == {"worker": "dispatch"}


def test_a_custom_domain_needs_no_record_and_comes_after_routes(decide: Decide) -> None:
    domains = [{"hostname": f"Api.{ZONE}", "script": "other"}]
    url = f"http://api.{ZONE}/x"
    assert decide(url, domains=domains) == {"worker": "other"}
    assert decide(url, domains=domains, routes=[EVERYTHING]) == {"worker": "dispatch"}
    assert decide(url, domains=domains, routes=[EVERYTHING, route(f"api.{ZONE}/*", None)]) == {"worker": "other"}


def test_the_longest_zone_holds_the_host(decide: Decide) -> None:
    zones = [ZONE, f"sub.{ZONE}"]
    records = [WILDCARD, record(f"*.sub.{ZONE}", zone=f"sub.{ZONE}")]
    decision = decide(f"http://a.sub.{ZONE}/", zones=zones, records=records, routes=[EVERYTHING])
    assert decision["reason"] == "no-route"
    assert f"No route of zone sub.{ZONE}" in decision["message"]


def test_a_route_to_a_missing_worker_says_so(decide: Decide) -> None:
    decision = decide(f"http://a.{ZONE}/", records=[WILDCARD], routes=[route("*/*", "gone")])
    assert (decision["status"], decision["reason"]) == (500, "worker-missing")
    assert "Route */* names Worker gone" in decision["message"]


def test_an_unknown_host_is_told_which_hosts_there_are(decide: Decide) -> None:
    records = [record(f"app{number}.{ZONE}") for number in range(12)]
    message = decide("http://example.com/", records=records)["message"]
    assert f"Hosts served: app0.{ZONE}, " in message
    assert message.endswith(f"app9.{ZONE}, and 3 more.")
    assert decide("http://example.com/", workers_dev=[])["message"].endswith("Hosts served: none yet.")


CUSTOMERS = {"zone": ZONE, "hostname": "shop.customer.com", "origin": f"customers.{ZONE}"}


@pytest.mark.parametrize(
    ("url", "hostname", "outcome"),
    [
        ("http://shop.customer.com/a", CUSTOMERS, "dispatch"),
        ("http://SHOP.customer.com./", CUSTOMERS, "dispatch"),
        ("http://other.customer.com/", CUSTOMERS, "unknown-host"),
        ("http://shop.customer.com/", {**CUSTOMERS, "origin": None}, "no-fallback-origin"),
        ("http://shop.customer.com/", {**CUSTOMERS, "origin": f"gone.{ZONE}"}, "no-proxied-record"),
        (f"http://app.{ZONE}/", {**CUSTOMERS, "hostname": f"app.{ZONE}"}, "no-proxied-record"),
    ],
)
def test_a_customers_hostname_goes_where_the_fallback_origin_does(
    decide: Decide, url: str, hostname: dict[str, Any], outcome: str
) -> None:
    decision = decide(url, records=[record(f"customers.{ZONE}")], routes=[EVERYTHING], hostnames=[hostname])
    assert outcome in (decision.get("worker"), decision.get("reason"))


def test_a_customers_hostname_meets_the_routes_of_its_zone_alone(decide: Decide) -> None:
    other = route("*/*", "other", zone="other.localhost")
    decision = decide(
        "http://shop.customer.com/",
        zones=[ZONE, "other.localhost"],
        records=[record(f"customers.{ZONE}")],
        routes=[other, route(f"*.{ZONE}/*")],
        hostnames=[CUSTOMERS],
    )
    assert decision["reason"] == "no-route"

"""API tokens: made, verified, taken away, and what each call needs of them."""

import dataclasses
import sqlite3

import pytest

from local_cloud import cloudflare
from local_cloud.cloudflare.access import ACCOUNT, FAMILIES, GROUPS, NONE, SESSION, USER, ZONE
from local_cloud.routing import Route

TOKENS = "/user/tokens"
ROUTES = sorted(cloudflare.TABLE, key=lambda route: (route.template, route.method))
GUARDED = [route for route in ROUTES if route.permission not in {NONE, SESSION}]


@pytest.fixture
def resources(cf, namespace):
    """Everything that a policy can name: the account, all zones, and the user, who has made the namespace."""
    user = cf.get(namespace)["result"]["created_by"]
    return dict.fromkeys((f"{ACCOUNT}.{cf.names['account']}", f"{ZONE}.*", f"{USER}.{user}"), "*")


@pytest.fixture
def grant(cf, name, resources, cleanup):
    """Makes a token that may do what `groups` allow, and gives the service that uses it."""

    def make(groups, **policy):
        scopes = {GROUPS[group].scope for group in groups}
        reached = {name: "*" for name in resources if name.rpartition(".")[0] in scopes}
        listed = [{"id": group} for group in groups]
        body = {"effect": "allow", "resources": reached, "permission_groups": listed, **policy}
        made = cf.post(TOKENS, json={"name": name, "policies": [body]})["result"]
        cleanup(lambda: cf.send("DELETE", f"{TOKENS}/{made['id']}"))
        return dataclasses.replace(cf, token=made["value"])

    return make


def groups_of(*names):
    by_name = {group.name: group.id for group in GROUPS.values()}
    return [by_name[name] for name in names]


def needed(route: Route) -> frozenset[str]:
    """As Cloudflare documents it: to read for GET, to write for anything else; analytics are only read."""
    read, write = f"{route.permission} Read", f"{route.permission} Write"
    reads = route.method == "GET" or route.permission == "Account Analytics"
    return frozenset(group.id for group in GROUPS.values() if group.name == write or (reads and group.name == read))


def stored(local):
    with sqlite3.connect(f"file:{local.cloud.state.database}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT * FROM documents").fetchall()


@pytest.fixture
def zone(cf, local, name, cleanup):
    """A zone for the calls that may well be carried out."""
    made = cf.post("/zones", json={"name": f"{name}.localhost", "account": {"id": cf.names["account"]}})["result"]
    cleanup(lambda: cf.send("DELETE", f"/zones/{made['id']}"))
    return made["id"]


def path_of(route, cf, zone):
    names = {"account": cf.names["account"], "zone": zone}
    return "/".join(
        names.get(part.strip("{}"), "none") if part.startswith("{") else part for part in route.template.split("/")
    )


def test_every_route_says_what_it_needs():
    undeclared = [
        f"{route.method} {route.template}" for route in ROUTES if route.permission not in {*FAMILIES, NONE, SESSION}
    ]
    assert undeclared == []
    assert {route.template for route in ROUTES if route.permission == NONE} == {
        "/user/tokens/verify",
        "/accounts/{account}/tokens/verify",
    }


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.template}")
def test_a_token_without_the_permission_is_refused_before_anything_is_read(cf, local, grant, zone, route):
    token = grant(set(GROUPS) - needed(route))
    before = stored(local)
    path = path_of(route, cf, zone)
    hidden = (9109, "Unauthorized to access requested resource")
    expected = hidden if route.template == "/user" else (10000, "Authentication error")
    assert token.refused(route.method, path, 403, content=b"no JSON") == expected
    assert stored(local) == before


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.template}")
def test_a_token_with_only_the_permission_is_admitted(cf, local, grant, zone, route):
    for group in needed(route):
        answer = grant([group]).send(route.method, path_of(route, cf, zone), json={})
        assert answer.status_code not in {401, 403}, answer.text


def test_a_route_that_says_nothing_is_served_to_nobody(cf, local, monkeypatch):
    route, _ = cloudflare.TABLE.find("GET", "/zones")
    monkeypatch.setitem(route.__dict__, "permission", "")
    cf.call("GET", "/zones", status=500)


def test_permission_groups_are_listed(cf, local):
    listed = cf.get(f"{TOKENS}/permission_groups")["result"]
    assert {"id": "c8fed203ed3043cba015a93ad1616f1f", "name": "Zone Read", "scopes": [ZONE]} in listed
    assert len(listed) == len({group["name"] for group in listed}) == 25


def test_a_token_from_birth_to_death(cf, local, name, grant):
    token = grant(groups_of("Zone Read"))
    verified = token.get(f"{TOKENS}/verify")["result"]
    assert verified == token.get("/accounts/{account}/tokens/verify")["result"]
    assert verified["id"] != cf.get(f"{TOKENS}/verify")["result"]["id"]
    path = f"{TOKENS}/{verified['id']}"
    shown = cf.get(path)["result"]
    assert (shown["id"], shown["name"], shown["status"]) == (verified["id"], name, verified["status"])
    assert shown.keys() == {"id", "name", "status", "issued_on", "modified_on", "policies"}
    (policy,) = shown["policies"]
    assert policy["permission_groups"] == [{"id": FAMILIES["Zone"].read, "name": "Zone Read"}]
    assert policy["resources"] == {f"{ZONE}.*": "*"}
    assert shown in cf.get(TOKENS, params={"per_page": "50"})["result"]
    assert token.token.startswith("local-cloudflare-")
    assert token.token not in str(stored(local))
    assert cf.delete(path)["result"] == {"id": verified["id"]}
    cf.call("GET", path, status=404)
    cf.call("DELETE", path, status=404)
    assert token.refused("GET", f"{TOKENS}/verify", 401)[0] == 10000


def test_a_token_reaches_the_zones_that_it_names(cf, local, grant, zone):
    groups = groups_of("Zone Write", "DNS Read")
    token = grant(groups, resources={f"{ZONE}.{cf.names['zone']}": "*"})
    assert [one["id"] for one in token.get("/zones")["result"]] == [cf.names["zone"]]
    token.get("/zones/{zone}/dns_records")
    for method, path in (("GET", f"/zones/{zone}"), ("GET", f"/zones/{zone}/dns_records"), ("POST", "/zones")):
        assert token.refused(method, path, 403, json={})[0] == 9109
    assert token.refused("POST", "/zones/{zone}/dns_records", 403, json={})[0] == 10000


def test_a_call_of_the_account_for_any_of_its_zones_needs_them_all(cf, local, grant):
    path = "/accounts/{account}/workers/scripts/none/routes"
    one = grant(groups_of("Workers Routes Write"), resources={f"{ZONE}.{cf.names['zone']}": "*"})
    assert one.refused("PUT", path, 403, json=[]) == (10000, "Authentication error")
    assert grant(groups_of("Workers Routes Write")).refused("PUT", path, 404, json=[])[0] == 10007


def test_whose_token_it_is(cf, resources):
    user = cf.get("/user")["result"]
    assert f"{USER}.{user['id']}" in resources
    assert "@" in user["email"]
    (account,) = cf.get("/accounts")["result"]
    assert account["id"] == cf.names["account"]
    (membership,) = cf.get("/memberships", params={"page": "1"})["result"]
    assert (membership["account"], membership["status"]) == (account, "accepted")
    assert cf.get("/zones/{zone}")["result"]["account"] == {"id": account["id"], "name": account["name"]}


def test_all_zones_of_the_account_in_the_dashboards_words(cf, local, grant, zone):
    inner = {f"{ZONE}.*": "*"}
    token = grant(groups_of("Zone Read"), resources={f"{ACCOUNT}.{cf.names['account']}": inner})
    assert zone in [one["id"] for one in token.get("/zones", params={"per_page": "50"})["result"]]


def test_a_policy_grants_its_own_groups_on_its_own_resources_only(cf, local, name, zone, cleanup):
    policies = [
        {"effect": "allow", "resources": {f"{ZONE}.{one}": "*"}, "permission_groups": [{"id": group}]}
        for one, group in zip((cf.names["zone"], zone), groups_of("DNS Write", "Zone Read"), strict=True)
    ]
    made = cf.post(TOKENS, json={"name": name, "policies": policies})["result"]
    cleanup(lambda: cf.send("DELETE", f"{TOKENS}/{made['id']}"))
    token = dataclasses.replace(cf, token=made["value"])
    token.get("/zones/{zone}/dns_records")
    token.get(f"/zones/{zone}")
    assert token.refused("GET", f"/zones/{zone}/dns_records", 403)[0] == 9109
    assert token.refused("GET", "/zones/{zone}", 403)[0] == 9109


@pytest.mark.parametrize(
    ("policy", "wrong"),
    [
        ({"resources": {f"{ACCOUNT}.{'f' * 32}": "*"}}, "no such resources"),
        ({"resources": {f"{ZONE}.{'f' * 32}": "*"}}, "no such resources"),
        ({"resources": {f"{ACCOUNT}.{'f' * 32}": {f"{ZONE}.*": "*"}}}, "no such resources"),
        ({"resources": {}}, "resources"),
        ({"resources": {f"{ZONE}.*": "read"}}, "resources"),
        ({"permission_groups": [{"id": "0" * 32}]}, "no such permission group"),
        ({"permission_groups": [{"id": FAMILIES["Workers Scripts"].read}]}, f"needs a resource of {ACCOUNT}"),
        ({"permission_groups": []}, "permission_groups"),
        ({"effect": "deny"}, "effect"),
        ({"colour": "red"}, "colour: Extra"),
    ],
)
def test_a_wrong_policy_is_refused_and_nothing_is_stored(cf, local, name, policy, wrong):
    before = stored(local)
    sent = {"effect": "allow", "resources": {f"{ZONE}.*": "*"}, "permission_groups": [{"id": FAMILIES["Zone"].read}]}
    assert wrong in cf.refused("POST", TOKENS, 400, json={"name": name, "policies": [{**sent, **policy}]})[1]
    assert stored(local) == before


@pytest.mark.parametrize("field", ["expires_on", "not_before", "condition"])
def test_a_restriction_that_is_not_kept_is_refused(cf, local, name, field):
    assert f"{field}: Extra" in cf.refused("POST", TOKENS, 400, json={"name": name, "policies": [], field: "x"})[1]

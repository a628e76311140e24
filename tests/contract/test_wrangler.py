"""Unmodified wrangler against the local cloud of this process: the commands that read, list and take away."""

import json
from dataclasses import replace

import pytest
from contract_service import HELLO, upload
from wrangler_command import Wrangler

from local_cloud.cloudflare.access import ACCOUNT, FAMILIES, ZONE

NAMESPACES = "/accounts/{account}/workers/dispatch/namespaces"
KV = "/accounts/{account}/storage/kv/namespaces"


@pytest.fixture(scope="module")
def command(wrangler, running, cf, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    api = str(running.client.base_url).rstrip("/")
    return Wrangler(program=wrangler, api=api, token=cf.token, account=cf.names["account"], home=home)


@pytest.fixture
def script(cf, name, cleanup):
    """The path of a Worker."""
    path = f"/accounts/{{account}}/workers/scripts/{name}"
    cf.put(path, files=upload({}))
    cleanup(lambda: cf.send("DELETE", path))
    return path


def test_whoami(cf, command):
    shown = command.run("whoami")
    assert cf.get("/user")["result"]["email"] in shown
    assert cf.names["account"] in shown


def test_dispatch_namespaces(cf, command, name):
    command.run(f"dispatch-namespace create {name}")
    assert f"namespace_name: '{name}'" in command.run(f"dispatch-namespace get {name}")
    assert f"namespace_name: '{name}'" in command.run("dispatch-namespace list")
    command.run(f"dispatch-namespace rename {name} {name}-new")
    command.run(f"dispatch-namespace delete {name}-new")
    for gone in (name, f"{name}-new"):
        cf.call("GET", f"{NAMESPACES}/{gone}", status=404)


def test_a_worker_is_deleted(cf, command, script, name):
    command.run(f"delete --name {name}")
    assert cf.refused("GET", f"{script}/settings", 404)[0] == 10007


def test_secrets(cf, command, script, name):
    command.run(f"secret put TOKEN --name {name}", answer="s3cret")
    assert command.json(f"secret list --name {name}") == [{"name": "TOKEN", "type": "secret_text"}]
    command.run(f"secret delete TOKEN --name {name}")
    assert cf.get(f"{script}/secrets")["result"] == []
    cf.post(f"{script}/versions", files=upload({}))
    assert "isn't currently deployed" in command.refused(f"secret put TOKEN --name {name}", answer="s3cret")


def test_kv(cf, command, name):
    made = cf.post(KV, json={"title": name})["result"]["id"]
    where = f"--namespace-id {made} --remote"
    pairs, keys = command.home / "pairs.json", command.home / "keys.json"
    pairs.write_text(json.dumps([{"key": "a", "value": "x", "metadata": {"m": 1}}, {"key": "b/b", "value": "y"}]))
    keys.write_text(json.dumps(["a"]))
    command.run(f"kv bulk put {pairs} {where}")
    assert command.json(f"kv key list {where}") == [{"name": "a", "metadata": {"m": 1}}, {"name": "b/b"}]
    assert command.run(f"kv key get b/b {where}") == "y"
    command.run(f"kv bulk delete {keys} {where} --force")
    command.run(f"kv key delete b/b {where}")
    assert cf.get(f"{KV}/{made}/keys")["result"] == []
    command.run(f"kv namespace delete --namespace-id {made} --skip-confirmation")
    cf.call("GET", f"{KV}/{made}", status=404)


def test_d1(cf, command, name):
    command.run(f"d1 create {name}")
    made = cf.get(f"/accounts/{{account}}/d1/database/{name}")["result"]
    assert made["uuid"] in [one["uuid"] for one in command.json("d1 list --json")]
    assert command.json(f"d1 info {name} --json")["name"] == name
    assert "already exists" in command.refused(f"d1 create {name}")
    (answer,) = command.json(f"d1 execute {name} --remote --json --command SELECT(1)AS[n]")
    assert (answer["results"], answer["success"]) == ([{"n": 1}], True)
    assert "syntax error" in command.refused(f"d1 execute {name} --remote --command SELEC")
    command.run(f"d1 delete {name} --skip-confirmation")
    assert f"Couldn't find a D1 DB with name or binding '{name}'" in command.refused(f"d1 info {name}")


def test_r2(cf, command, name):
    command.run(f"r2 bucket create {name}")
    assert name in command.run("r2 bucket list")
    assert name in command.run(f"r2 bucket info {name}")
    file = command.home / "object"
    file.write_bytes(b"\0bytes")
    command.run(f"r2 object put {name}/a/b --remote --file {file}")
    command.run(f"r2 object get {name}/a/b --remote --file {file}.back")
    assert (command.home / "object.back").read_bytes() == b"\0bytes"
    assert "not empty" in command.refused(f"r2 bucket delete {name}")
    command.run(f"r2 object delete {name}/a/b --remote")
    command.run(f"r2 bucket delete {name}")
    assert "does not exist" in command.refused(f"r2 bucket info {name}")


def test_versions_and_deployments(cf, command, script, name):
    described = {"annotations": {"workers/tag": "two", "workers/message": "the second"}}
    second = cf.post(f"{script}/versions", files=upload(described))["result"]["id"]
    first, listed = command.json(f"versions list --name {name} --json")
    assert (listed["id"], listed["annotations"]["workers/tag"]) == (second, "two")
    shown = command.run(f"versions view {second} --name {name}")
    assert "the second" in shown
    assert "2026-01-01" in shown
    command.run(f"versions deploy {first['id']}@75% {second}@25% --name {name} --yes")
    deployments = command.json(f"deployments list --name {name} --json")
    shares = {share["version_id"]: share["percentage"] for share in deployments[-1]["versions"]}
    assert shares == {first["id"]: 75, second: 25}
    assert "(25%)" in command.run(f"deployments status --name {name}")


def test_a_rollback_over_a_changed_secret_is_forced(cf, command, script, name):
    body = {"name": "TOKEN", "text": "s3cret", "type": "secret_text"}
    cf.put(f"{script}/secrets", json=body)
    shown = command.run(f"rollback --name {name} --yes")
    assert "The following secrets have changed" in shown
    assert cf.get(f"{script}/secrets")["result"] == []


def test_a_token_for_one_zone_deploys_a_route_in_it_as_one_for_all_does(cf, command, name, cleanup):
    reached = {f"{ZONE}.{cf.names['zone']}": ("Zone", "Workers Routes")}
    reached[f"{ACCOUNT}.{cf.names['account']}"] = ("Workers Scripts",)
    policies = [
        {
            "effect": "allow",
            "resources": {resource: "*"},
            "permission_groups": [{"id": FAMILIES[family].write} for family in families],
        }
        for resource, families in reached.items()
    ]
    made = cf.post("/user/tokens", json={"name": name, "policies": policies})["result"]
    cleanup(lambda: cf.send("DELETE", f"/user/tokens/{made['id']}"))
    cleanup(lambda: cf.send("DELETE", f"/accounts/{{account}}/workers/scripts/{name}"))
    restricted = replace(command, token=made["value"])
    pattern = f"{name}.overskill.localhost/*"
    project = command.project(name, HELLO, routes=[pattern])
    for caller in (restricted, command):
        caller.run("deploy", project)
        routes = cf.get("/zones/{zone}/workers/routes")["result"]
        assert [route["script"] for route in routes if route["pattern"] == pattern] == [name]


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        ({"hyperdrive": [{"binding": "DB", "id": "x"}]}, "does not serve bindings"),
        ({"assets": {"directory": "."}}, "assets-upload-session"),
    ],
)
def test_what_is_not_served_is_refused_by_name(cf, command, name, config, wrong):
    assert wrong in command.refused("deploy", command.project(name, HELLO, **config))
    cf.call("GET", f"/accounts/{{account}}/workers/scripts/{name}", status=404)

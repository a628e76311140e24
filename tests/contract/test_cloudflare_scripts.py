"""What wrangler needs of an account Worker by the classic API: versions, secrets, settings, routes, references."""

import pytest
from contract_service import HELLO, upload

SCRIPTS = "/accounts/{account}/workers/scripts"
WRANGLER = {"User-Agent": "wrangler/4.164.0"}
MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def script(cf, name, cleanup):
    """The path of a Worker."""
    cf.put(f"{SCRIPTS}/{name}", files=upload({}))
    cleanup(lambda: cf.send("DELETE", f"{SCRIPTS}/{name}?force=true"))
    return f"{SCRIPTS}/{name}"


def secret(text, name="TOKEN"):
    return {"name": name, "text": text, "type": "secret_text"}


def whole(version_id):
    return {"strategy": "percentage", "versions": [{"version_id": version_id, "percentage": 100}]}


def deployed(cf, script):
    (share,) = cf.get(f"{script}/deployments")["result"]["deployments"][0]["versions"]
    return share["version_id"]


def test_a_version_is_uploaded_listed_read_and_runs_once_it_is_deployed(cf, script):
    first = deployed(cf, script)
    described = {"annotations": {"workers/tag": "two"}, "bindings": [{"type": "plain_text", "name": "A", "text": "b"}]}
    made = cf.post(f"{script}/versions", files=upload(described))["result"]
    assert (made["number"], made["annotations"]["workers/tag"]) == (2, "two")
    assert made["annotations"]["workers/triggered_by"] == "version_upload"
    assert made["metadata"].keys() >= {"created_on", "author_id", "author_email", "source", "has_preview"}
    assert deployed(cf, script) == first
    read = cf.get(f"{script}/versions/{made['id']}")["result"]
    assert read["resources"] == made["resources"]
    assert read["resources"]["bindings"] == [{"type": "plain_text", "name": "A", "text": "b"}]
    assert read["resources"]["script_runtime"]["compatibility_date"] == "2026-01-01"
    listed = cf.get(f"{script}/versions", params={"deployable": "true"})["result"]["items"]
    assert [one["id"] for one in listed] == [made["id"], first]
    cf.post(f"{script}/deployments", json=whole(made["id"]))
    assert deployed(cf, script) == made["id"]


def test_versions_come_in_pages(cf, script):
    cf.post(f"{script}/versions", files=upload({}))
    answer = cf.get(f"{script}/versions", params={"per_page": "1", "page": "2"})
    assert [one["number"] for one in answer["result"]["items"]] == [1]
    assert answer["result_info"]["total_count"] == 2


def test_a_version_of_a_missing_worker_or_a_missing_version_is_refused(cf, local, script, name):
    for method, path in (("POST", "versions"), ("GET", "versions"), ("GET", f"versions/{MISSING}")):
        assert cf.refused(method, f"{SCRIPTS}/{name}-not/{path}", 404, files=upload({}))[0] == 10007
    assert cf.refused("GET", f"{script}/versions/{MISSING}", 404)[0] == 100146
    assert "limit: unknown filter" in cf.refused("GET", f"{script}/versions", 400, params={"limit": "1"})[1]
    refused = upload({"bindings": [{"type": "queue", "name": "Q", "queue_name": "x"}]})
    assert "'queue'" in cf.refused("POST", f"{script}/versions", 400, files=refused)[1]
    assert cf.get(f"{script}/versions", params={"deployable": "true"})["result"]["items"][0]["number"] == 1


def test_who_has_uploaded_is_told_by_the_user_agent(cf, local, script, name):
    service = f"/accounts/{{account}}/workers/services/{name}"
    assert cf.get(service)["result"]["default_environment"]["script"]["last_deployed_from"] == "api"
    cf.put(script, files=upload({}), headers=WRANGLER)
    assert cf.get(service)["result"]["default_environment"]["script"]["last_deployed_from"] == "wrangler"
    (newest, oldest) = cf.get(f"{script}/versions", params={"deployable": "true"})["result"]["items"]
    assert (newest["metadata"]["source"], oldest["metadata"]["source"]) == ("wrangler", "api")


def test_a_source_map_and_what_is_only_for_cloudflare_are_taken_and_not_shown(cf, local, script):
    described = {
        "code_update_strategy": {"mode": "deferred", "max_delay": 300},
        "package_dependencies": [{"name": "a", "packageJsonVersion": "1", "installedVersion": "1.0.0"}],
    }
    source_map = ("index.js.map", ("index.js.map", "{}", "application/source-map"))
    cf.put(script, files=[*upload(described), source_map])
    content = cf.send("GET", script).text
    assert HELLO in content
    assert "index.js.map" not in content


def test_migrations_of_no_class_change_nothing(cf, script):
    nothing = {"new_classes": [], "deleted_classes": [], "renamed_classes": [], "new_sqlite_classes": []}
    assert cf.put(script, files=upload({"migrations": nothing}))["success"]


def test_migrations_of_a_class_are_refused_here(cf, local, script):
    code, told = cf.refused("PUT", script, 400, files=upload({"migrations": {"new_classes": ["Room"]}}))
    assert (code, "'migrations'" in told) == (10021, True)


def test_a_secret_is_put_replaced_listed_and_deleted(cf, script, name):
    assert cf.get(f"{script}/secrets")["result"] == []
    for text in ("one", "two"):
        assert cf.put(f"{script}/secrets", json=secret(text))["result"] == {"name": "TOKEN", "type": "secret_text"}
    assert cf.get(f"{script}/secrets")["result"] == [{"name": "TOKEN", "type": "secret_text"}]
    newest = cf.get(f"{script}/versions", params={"deployable": "true"})["result"]["items"][0]
    assert (newest["number"], newest["annotations"]["workers/triggered_by"]) == (3, "secret")
    assert deployed(cf, script) == newest["id"]
    assert cf.delete(f"{script}/secrets/TOKEN", params={"url_encoded": "true"})["result"] is None
    assert cf.get(f"{script}/secrets")["result"] == []
    assert cf.refused("DELETE", f"{script}/secrets/TOKEN", 404)[0] == 10056


def test_a_secrets_text_reaches_the_edge_and_nobody_else(cf, local, script, name):
    cf.put(f"{script}/secrets", json=secret("planted-a5f1"))
    (worker,) = [one for one in local.edge.served.workers if one.name == name]
    assert [dict(binding) for binding in worker.bindings] == [secret("planted-a5f1")]
    newest = deployed(cf, script)
    for path in ("secrets", "settings", "versions", f"versions/{newest}", "deployments", "script-settings"):
        assert "planted-a5f1" not in cf.send("GET", f"{script}/{path}").text
    assert b"planted-a5f1" not in local.cloud.state.database.read_bytes()


def test_an_upload_keeps_the_secrets_that_it_says_it_keeps(cf, local, script, name):
    cf.put(f"{script}/secrets", json=secret("kept"))
    kept = cf.post(f"{script}/versions", files=upload({"keep_bindings": ["secret_text"]}))["result"]
    lost = cf.post(f"{script}/versions", files=upload({}))["result"]
    assert kept["resources"]["bindings"] == [{"name": "TOKEN", "type": "secret_text"}]
    assert lost["resources"]["bindings"] == []


@pytest.mark.parametrize("wrong", [secret("x", name="1"), secret("x") | {"type": "plain_text"}, {"name": "A"}])
def test_a_wrong_secret_is_refused(cf, local, script, wrong):
    assert cf.refused("PUT", f"{script}/secrets", 400, json=wrong)[0] == 10026
    assert len(cf.get(f"{script}/versions", params={"deployable": "true"})["result"]["items"]) == 1


def test_a_secret_is_not_put_while_what_was_uploaded_last_is_not_all_that_runs(cf, local, script, name):
    first = deployed(cf, script)
    newest = cf.post(f"{script}/versions", files=upload({}))["result"]["id"]
    for shares in ([(first, 100)], [(first, 10), (newest, 90)]):
        versions = [{"version_id": version_id, "percentage": percentage} for version_id, percentage in shares]
        cf.post(f"{script}/deployments", json={"strategy": "percentage", "versions": versions})
        assert cf.refused("PUT", f"{script}/secrets", 400, json=secret("x"))[0] == 10215
        assert cf.refused("DELETE", f"{script}/secrets/TOKEN", 400)[0] == 10215
    cf.post(f"{script}/deployments", json=whole(newest))
    cf.put(f"{script}/secrets", json=secret("x"))
    for method, path in (("GET", "secrets"), ("PUT", "secrets"), ("DELETE", "secrets/TOKEN")):
        assert cf.refused(method, f"{SCRIPTS}/{name}-not/{path}", 404, json=secret("x"))[0] == 10007


def test_nobody_goes_back_behind_a_changed_secret_by_mistake(cf, local, script):
    before = deployed(cf, script)
    cf.put(f"{script}/secrets", json=secret("x", name="TWO"))
    cf.put(f"{script}/secrets", json=secret("x", name="ONE"))
    code, message = cf.refused("POST", f"{script}/deployments", 400, json=whole(before))
    assert code == 10220
    assert message.endswith("The following secrets have changed: ONE, TWO")
    assert deployed(cf, script) != before
    cf.post(f"{script}/deployments", params={"force": "true"}, json=whole(before))
    assert deployed(cf, script) == before


def test_secrets_of_an_upload_are_no_hindrance_to_go_back(cf, local, script):
    before = deployed(cf, script)
    cf.put(script, files=upload({"bindings": [secret("x")]}))
    cf.post(f"{script}/deployments", json=whole(before))
    assert deployed(cf, script) == before


def test_settings_that_no_version_has(cf, script, name):
    changed = {"logpush": True, "tags": ["a"], "observability": {"enabled": False}, "tail_consumers": []}
    assert cf.patch(f"{script}/script-settings", json=changed)["result"] == changed
    assert cf.patch(f"{script}/script-settings", json={"tags": []})["result"] == {**changed, "tags": []}
    assert cf.get(f"{script}/script-settings")["result"] == {**changed, "tags": []}
    assert len(cf.get(f"{script}/versions", params={"deployable": "true"})["result"]["items"]) == 1
    consumers = {"tail_consumers": [{"service": "x"}]}
    assert "tail_consumers" in cf.refused("PATCH", f"{script}/script-settings", 400, json=consumers)[1]
    for method in ("GET", "PATCH"):
        assert cf.refused(method, f"{SCRIPTS}/{name}-not/script-settings", 404, json={})[0] == 10007


def test_an_outbound_worker_is_referred_to_by_who_dispatches_through_it(cf, script, namespace, name, cleanup):
    nobody = cf.get(f"{script}/references")["result"]
    assert nobody["services"]["incoming"] == nobody["durable_objects"] == nobody["dispatch_outbounds"] == []
    outbound = {"worker": {"service": name}, "params": [{"name": "app_id"}]}
    binding = {"type": "dispatch_namespace", "name": "APPS", "namespace": name, "outbound": outbound}
    cf.put(f"{SCRIPTS}/{name}-user", files=upload({"bindings": [binding]}))
    cleanup(lambda: cf.send("DELETE", f"{SCRIPTS}/{name}-user"))
    (user,) = cf.get(f"{script}/references")["result"]["dispatch_outbounds"]
    assert (user["service"], user["namespace"], user["params"]) == (f"{name}-user", name, [{"name": "app_id"}])
    shown = cf.get(f"/accounts/{{account}}/workers/workers/{name}")["result"]["references"]
    (through,) = shown["dispatch_namespace_outbounds"]
    assert (through["worker_name"], through["namespace_name"]) == (f"{name}-user", name)
    assert through["namespace_id"] == cf.get(namespace)["result"]["namespace_id"]
    cf.post(f"{SCRIPTS}/{name}-user/versions", files=upload({}))
    assert len(cf.get(f"{script}/references")["result"]["dispatch_outbounds"]) == 1
    cf.put(f"{SCRIPTS}/{name}-user", files=upload({}))
    assert cf.get(f"{script}/references")["result"] == nobody


def test_a_service_binding_names_a_worker_that_exists_and_is_a_reference_to_it(cf, script, name, cleanup):
    def service(worker):
        return upload({"bindings": [{"type": "service", "name": "OTHER", "service": worker}]})

    cf.put(f"{SCRIPTS}/{name}-user", files=service(name))
    cleanup(lambda: cf.send("DELETE", f"{SCRIPTS}/{name}-user"))
    user = {"service": f"{name}-user", "environment": "production", "name": "OTHER"}
    assert cf.get(f"{script}/references")["result"]["services"]["incoming"] == [user]
    code, message = cf.refused("PUT", f"{SCRIPTS}/{name}-user", 400, files=service(f"{name}-none"))
    assert (code, f"{name}-none" in message) == (10021, True)


def test_a_worker_is_deleted_by_its_older_name(cf, script, name):
    tails = f"/accounts/{{account}}/workers/tails/by-consumer/{name}"
    assert cf.get(tails)["result"] == []
    service = f"/accounts/{{account}}/workers/services/{name}"
    assert cf.delete(service, params={"force": "false"})["result"] is None
    for method, path in (("DELETE", service), ("GET", f"{script}/references"), ("GET", tails)):
        assert cf.refused(method, path, 404)[0] == 10007


def test_a_workers_routes_are_put_all_at_once(cf, script, name):
    zone, zone_name = cf.names["zone"], cf.names["zone_name"]
    patterns = [f"{name}.{zone_name}/*", f"*.{name}.{zone_name}/x", f"{name}-c.{zone_name}"]
    routes = [{"pattern": patterns[0]}, {"pattern": patterns[1], "zone_name": zone_name}]
    assert cf.put(f"{script}/routes", json=routes)["result"] == patterns[:2]

    def kept():
        listed = cf.get(f"/zones/{zone}/workers/routes")["result"]
        return {route["pattern"]: route["id"] for route in listed if route.get("script") == name}

    before = kept()
    assert before.keys() == set(patterns[:2])
    routes = [{"pattern": patterns[2], "zone_id": zone}, {"pattern": patterns[0]}]
    cf.put(f"{script}/routes", json=routes)
    assert kept().keys() == {patterns[0], patterns[2]}
    assert kept()[patterns[0]] == before[patterns[0]]
    assert cf.put(f"{script}/routes", json=[])["result"] == []
    assert kept() == {}


@pytest.mark.parametrize(
    ("route", "code"),
    [
        ({"pattern": "x.elsewhere.localhost/*"}, 10022),
        ({"pattern": "*/*"}, 10022),
        ({"pattern": "x.overskill.localhost/*", "zone_name": "example.localhost"}, 10022),
        ({"pattern": "x.overskill.localhost/*", "zone_id": "0" * 32}, 10022),
        ({"pattern": "x.overskill.localhost/*?a"}, 10022),
        ({"pattern": "x.overskill.localhost/*", "custom_domain": True}, 10026),
    ],
)
def test_a_wrong_route_of_a_worker_is_refused_and_the_others_stay(cf, local, script, route, code):
    good = {"pattern": "good.overskill.localhost/*"}
    cf.put(f"{script}/routes", json=[good])
    assert cf.refused("PUT", f"{script}/routes", 400, json=[route])[0] == code
    assert good["pattern"] in [one["pattern"] for one in cf.get("/zones/{zone}/workers/routes")["result"]]
    assert cf.refused("PUT", f"{SCRIPTS}/none/routes", 404, json=[good])[0] == 10007


def test_a_route_of_another_worker_is_not_taken(cf, local, script, name, cleanup):
    route = {"pattern": f"{name}.overskill.localhost/*"}
    cf.put(f"{script}/routes", json=[route])
    cf.put(f"{SCRIPTS}/{name}-other", files=upload({}))
    cleanup(lambda: cf.send("DELETE", f"{SCRIPTS}/{name}-other"))
    assert cf.refused("PUT", f"{SCRIPTS}/{name}-other/routes", 409, json=[route])[0] == 10020


def test_a_route_for_every_host_is_in_the_zone_that_is_named(cf, local, script, name):
    cf.put(f"{script}/routes", json=[{"pattern": "*/*", "zone_name": "overskill.localhost"}])
    assert {"*/*"} == {one["pattern"] for one in cf.get("/zones/{zone}/workers/routes")["result"] if "script" in one}
    cf.put(f"{script}/routes", json=[])

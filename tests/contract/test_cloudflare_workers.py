"""Account Workers by both APIs, their deployments, workers.dev."""

import base64

import pytest
from contract_service import HELLO, JAVASCRIPT, upload

from local_cloud.edge import UnrunnableError

WORKERS = "/accounts/{account}/workers/workers"
SCRIPTS = "/accounts/{account}/workers/scripts"
OPEN = {"enabled": True, "previews_enabled": False}


def version(source=HELLO, **fields):
    modules = [
        {"name": name, "content_type": JAVASCRIPT, "content_base64": base64.b64encode(body.encode()).decode()}
        for name, body in (("index.js", source), ("z.js", "export {}"), ("a.js", "export {}"))
    ]
    return {"main_module": "index.js", "compatibility_date": "2026-01-01", "modules": modules, **fields}


def whole(version_id):
    return {"strategy": "percentage", "versions": [{"version_id": version_id, "percentage": 100}]}


@pytest.fixture
def worker(cf, name, cleanup):
    """A Worker without a version; its id."""
    made = cf.post(WORKERS, json={"name": name, "subdomain": OPEN})["result"]
    cleanup(lambda: cf.send("DELETE", f"{WORKERS}/{made['id']}"))
    return made["id"]


@pytest.fixture
def script(cf, name, cleanup):
    """The path of a Worker that was uploaded whole."""
    cf.put(f"{SCRIPTS}/{name}", files=upload({}))
    cleanup(lambda: cf.send("DELETE", f"{SCRIPTS}/{name}"))
    return f"{SCRIPTS}/{name}"


def test_a_worker_in_three_steps(cf, worker, name, namespace):
    made = cf.get(f"{WORKERS}/{worker}")["result"]
    assert made["name"] == name
    assert made["subdomain"] == OPEN
    assert made["deployed_on"] is None
    assert cf.refused("GET", f"{SCRIPTS}/{name}/settings", 404)[0] == 10007
    bindings = [
        {"type": "dispatch_namespace", "name": "APPS", "namespace": name},
        {"type": "plain_text", "name": "A", "text": "b"},
    ]
    uploaded = cf.post(f"{WORKERS}/{worker}/versions", json=version(bindings=bindings))["result"]
    assert uploaded["number"] == 1
    assert [binding["name"] for binding in uploaded["bindings"]] == ["A", "APPS"]
    assert "modules" not in uploaded
    read = cf.get(f"{WORKERS}/{worker}/versions/{uploaded['id']}", params={"include": "modules"})["result"]
    assert read["modules"] == version()["modules"]
    assert {key: value for key, value in read.items() if key != "modules"} == uploaded
    deployment = cf.post(f"{SCRIPTS}/{name}/deployments", json=whole(uploaded["id"]))["result"]
    assert cf.get(f"{SCRIPTS}/{name}/deployments/{deployment['id']}")["result"] == deployment
    assert cf.get(f"{WORKERS}/{worker}")["result"]["deployed_on"] == deployment["created_on"]
    assert cf.get(f"{SCRIPTS}/{name}/settings")["result"]["bindings"] == uploaded["bindings"]


def test_versions_and_deployments_are_listed_newest_first(cf, worker, name):
    versions = [cf.post(f"{WORKERS}/{worker}/versions", json=version(source))["result"]["id"] for source in ("a", "b")]
    deployments = [cf.post(f"{SCRIPTS}/{name}/deployments", json=whole(one))["result"]["id"] for one in versions]
    assert [one["id"] for one in cf.get(f"{WORKERS}/{worker}/versions")["result"]] == versions[::-1]
    listed = cf.get(f"{SCRIPTS}/{name}/deployments")["result"]["deployments"]
    assert [one["id"] for one in listed] == deployments[::-1]


def test_a_worker_is_changed_listed_and_deleted(cf, worker, name):
    changed = cf.put(f"{WORKERS}/{worker}", json={"name": name, "logpush": True, "tags": ["one"]})["result"]
    assert (changed["logpush"], changed["tags"], changed["id"]) == (True, ["one"], worker)
    assert changed["subdomain"] == {"enabled": False, "previews_enabled": False}
    assert name in [one["name"] for one in cf.get(WORKERS, params={"per_page": "1000"})["result"]]
    assert cf.get(f"{WORKERS}/{name}")["result"]["id"] == worker
    assert cf.delete(f"{WORKERS}/{worker}")["result"] is None
    assert cf.refused("GET", f"{WORKERS}/{worker}", 404)[0] == 10007


def test_a_worker_that_exists_is_not_made_twice(cf, local, worker, name):
    assert cf.refused("POST", WORKERS, 409, json={"name": name})[0] == 10040


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": "x", "tail_consumers": [{"name": "y"}]}, "tail_consumers"),
        ({"name": "No_Capitals"}, "script name"),
        ({"name": "x", "subdomain": {"enabled": "yes"}}, "subdomain.enabled"),
    ],
)
def test_a_wrong_worker_is_refused(cf, local, body, wrong):
    assert wrong in cf.refused("POST", WORKERS, 400, json=body)[1]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"bindings": [{"type": "dispatch_namespace", "name": "N", "namespace": "none"}]}, "'none', which does not"),
        ({"bindings": [{"type": "queue", "name": "Q", "queue_name": "x"}]}, "'queue'"),
        ({"modules": [{"name": "x", "content_type": "text/plain", "content_base64": "?"}]}, "not base64"),
        ({"main_module": "none.js"}, "No such module"),
        ({"placement": {"mode": "smart"}}, "'placement'"),
    ],
)
def test_a_wrong_version_is_refused(cf, local, worker, fields, wrong):
    assert wrong in cf.refused("POST", f"{WORKERS}/{worker}/versions", 400, json=version(**fields))[1]
    assert cf.get(f"{WORKERS}/{worker}/versions")["result"] == []


def test_an_outbound_worker_must_exist(cf, local, worker, namespace, name):
    outbound = {"worker": {"service": "none"}, "params": [{"name": "app_id"}]}
    binding = {"type": "dispatch_namespace", "name": "N", "namespace": name, "outbound": outbound}
    code, message = cf.refused("POST", f"{WORKERS}/{worker}/versions", 400, json=version(bindings=[binding]))
    assert code == 10021
    assert "outbound Worker 'none'" in message


def split(*shares):
    versions = [{"version_id": version_id, "percentage": percentage} for version_id, percentage in shares]
    return {"strategy": "percentage", "versions": versions}


@pytest.fixture
def two_versions(cf, worker):
    return [cf.post(f"{WORKERS}/{worker}/versions", json=version(body))["result"]["id"] for body in ("a", "b")]


@pytest.mark.parametrize("shares", [(90, 10), (0, 100), (33.33, 66.67), (99.99, 0.01), (50, 50)])
def test_two_versions_are_deployed_by_percentage(cf, worker, name, two_versions, shares):
    wanted = split(*zip(two_versions, shares, strict=True))
    deployment = cf.post(f"{SCRIPTS}/{name}/deployments", json=wanted)["result"]
    assert deployment["versions"] == wanted["versions"]
    assert cf.get(f"{SCRIPTS}/{name}/deployments")["result"]["deployments"] == [deployment]


def test_the_edge_runs_both_versions_of_a_split(cf, local, worker, name, two_versions):
    first, second = two_versions
    path = f"{SCRIPTS}/{name}/deployments"
    cf.post(path, json=split((first, 12.5), (second, 87.5)))
    (running,) = [one for one in local.edge.served.workers if one.name == name]
    found = [(one.id, one.percentage, one.bundle.modules[0].body) for one in running.versions]
    assert found == [(first, 12.5, b"a"), (second, 87.5, b"b")]
    assert b"\r\nb\r\n" in cf.send("GET", f"{SCRIPTS}/{name}").content
    cf.post(path, json=split((first, 100)))
    (running,) = [one for one in local.edge.served.workers if one.name == name]
    assert running.modules[0].body == b"a"


def test_settings_are_those_of_the_version_with_the_largest_share(cf, worker, name):
    texts = [[{"type": "plain_text", "name": "A", "text": text}] for text in ("small", "large")]
    made = [cf.post(f"{WORKERS}/{worker}/versions", json=version(bindings=one))["result"]["id"] for one in texts]
    cf.post(f"{SCRIPTS}/{name}/deployments", json=split((made[0], 49.99), (made[1], 50.01)))
    assert cf.get(f"{SCRIPTS}/{name}/settings")["result"]["bindings"] == texts[1]


@pytest.mark.parametrize(
    "wrong",
    [
        ([], ["1 to 2 versions, not 0", "add up to 100, not 0"]),
        ([(0, 99)], ["add up to 100, not 99"]),
        ([(0, 50), (1, 50.01)], ["add up to 100, not 100.01"]),
        ([(0, 50), (0, 50)], ["only once"]),
        ([(0, -1), (1, 101)], ["percentage -1 must", "percentage 101 must"]),
        ([(0, 33.333), (1, 66.667)], ["percentage 33.333 must", "percentage 66.667 must"]),
        ([(0, 30), (1, 30), (1, 30)], ["not 3", "only once", "not 90"]),
    ],
)
def test_a_wrong_split_is_refused_with_all_that_is_wrong(cf, local, name, two_versions, wrong):
    shares, problems = wrong
    wanted = split(*((two_versions[index], percentage) for index, percentage in shares))
    errors = cf.call("POST", f"{SCRIPTS}/{name}/deployments", 400, json=wanted)["errors"]
    assert {error["code"] for error in errors} == {10021}
    assert len(errors) == len(problems)
    for error, problem in zip(errors, problems, strict=True):
        assert problem in error["message"]
    assert cf.get(f"{SCRIPTS}/{name}/deployments")["result"] == {"deployments": []}


def test_a_missing_version_is_not_deployed(cf, local, worker, name):
    missing = whole("00000000-0000-4000-8000-000000000000")
    assert cf.refused("POST", f"{SCRIPTS}/{name}/deployments", 404, json=missing)[0] == 100146
    assert cf.get(f"{SCRIPTS}/{name}/deployments")["result"] == {"deployments": []}
    assert cf.refused("GET", f"{SCRIPTS}/{name}/deployments/none", 404)[0] == 10005


def test_a_whole_upload(cf, script, name):
    service = cf.get(f"/accounts/{{account}}/workers/services/{name}")["result"]
    assert service["id"] == name
    assert service["default_environment"]["script"]["id"] == name
    assert name in [one["id"] for one in cf.get(SCRIPTS)["result"]]
    assert cf.get(f"{script}/settings")["result"]["compatibility_date"] == "2026-01-01"
    for path in (f"{script}/content/v2", script):
        content = cf.send("GET", path)
        assert HELLO.encode() in content.content
        assert content.headers["content-type"].startswith("multipart/form-data")
    made_by_it = cf.get(f"{WORKERS}/{name}")["result"]
    assert [one["number"] for one in cf.get(f"{WORKERS}/{made_by_it['id']}/versions")["result"]] == [1]
    cf.put(script, files=upload({}, index="export default {};"))
    assert cf.get(f"{WORKERS}/{name}")["result"]["id"] == made_by_it["id"]
    assert len(cf.get(f"{script}/deployments")["result"]["deployments"]) == 2
    assert cf.delete(script)["result"] is None
    assert cf.refused("GET", f"{script}/settings", 404)[0] == 10007
    assert cf.refused("GET", f"/accounts/{{account}}/workers/services/{name}", 404)[0] == 10007


def test_workers_dev(cf, script):
    closed = {"enabled": False, "previews_enabled": False}
    assert cf.get(f"{script}/subdomain")["result"] == closed
    assert cf.post(f"{script}/subdomain", json=OPEN)["result"] == OPEN
    assert cf.get(f"{script}/subdomain")["result"] == OPEN
    assert cf.delete(f"{script}/subdomain")["result"] == closed


def test_the_accounts_subdomain(cf, local):
    path = "/accounts/{account}/workers/subdomain"
    assert cf.get(path)["result"] == {"subdomain": "overskill"}
    cf.put(path, json={"subdomain": "other"})
    assert local.edge.served.workers_subdomain == "other"
    cf.put(path, json={"subdomain": "overskill"})
    assert cf.refused("PUT", path, 400, json={"subdomain": "Not.One"})[0] == 10032


def test_the_edge_serves_a_write_when_it_is_answered(cf, local, script, name):
    assert name in [worker.name for worker in local.edge.served.workers]
    cf.post(f"{script}/subdomain", json=OPEN)
    assert name in local.edge.served.workers_dev
    cf.delete(script)
    assert name not in [worker.name for worker in local.edge.served.workers]


def test_a_worker_that_does_not_start_is_refused_and_nothing_is_stored(cf, local, script, name):
    before = cf.get(f"{script}/deployments")
    local.edge.refuse = UnrunnableError([f"Worker {name}: Uncaught SyntaxError"])
    try:
        code, message = cf.refused("PUT", script, 400, files=upload({}, index="export {"))
    finally:
        local.edge.refuse = None
    assert (code, message) == (10021, f"Worker {name}: Uncaught SyntaxError")
    assert cf.get(f"{script}/deployments") == before
    assert HELLO.encode() in cf.send("GET", script).content


def test_a_fault_of_the_local_cloud_is_answered_in_cloudflares_form(cf, local, script):
    local.edge.refuse = RuntimeError("out of order")
    try:
        code, message = cf.refused("POST", f"{script}/subdomain", 500, json=OPEN)
    finally:
        local.edge.refuse = None
    assert code == 10013
    assert "out of order" in message
    assert cf.get(f"{script}/subdomain")["result"]["enabled"] is False

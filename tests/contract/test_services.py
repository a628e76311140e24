"""What all calls have in common: tokens, unknown routes; and the local cloud's own calls."""

import logging

import pytest
from contract_service import LocalCloud, serving, upload


def github(fresh, method, path, **options):
    headers = {"Authorization": f"token {fresh.cloud.credentials.github_token}"}
    return fresh.client.request(method, f"/api/v3{path}", headers=headers, **options)


def test_a_token_is_verified(cf):
    assert cf.get("/user/tokens/verify")["result"]["status"] == "active"


def test_an_accounts_token_is_verified(cf, local):
    assert cf.get("/accounts/{account}/tokens/verify") == cf.get("/user/tokens/verify")


@pytest.mark.parametrize(("header", "status", "code"), [("Bearer wrong", 401, 10000), ("Token x", 401, 10000)])
def test_cloudflare_refuses_a_wrong_token(cf, local, header, status, code):
    for path in ("/zones", "/user/tokens/verify", "/no/such/call"):
        assert cf.refused("GET", path, status, headers={"Authorization": header})[0] == code


def test_cloudflare_refuses_a_call_without_a_token(local):
    answer = local.client.get("/client/v4/zones")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 9106)
    assert answer.json().keys() == {"success", "errors", "messages", "result"}


def test_each_service_refuses_the_others_token(cf, gh, local):
    tokens = local.cloud.credentials
    cf.call("GET", "/zones", status=401, headers={"Authorization": f"Bearer {tokens.github_token}"})
    gh.call("GET", "/orgs/{org}", status=401, headers={"Authorization": f"Bearer {tokens.cloudflare_token}"})


def test_github_refuses_a_wrong_or_missing_token(gh, local):
    assert gh.call("GET", "/orgs/{org}", status=401, headers={"Authorization": "Bearer no"})["message"] == (
        "Bad credentials"
    )
    assert local.client.get("/api/v3/orgs/overskill").json()["message"] == "Requires authentication"


def test_accounts_and_zones_that_are_not_ours(cf, local):
    other = "f" * 32
    assert cf.refused("GET", f"/accounts/{other}/workers/subdomain", 403)[0] == 10000
    assert cf.refused("GET", f"/zones/{other}", 403)[0] == 9109
    assert cf.refused("GET", "/accounts/short/workers/subdomain", 400)[0] == 7003
    assert cf.refused("GET", "/zones/short", 400)[0] == 7003


def test_unknown_routes_fail_loudly_and_are_listed(fresh, caplog):
    with caplog.at_level(logging.WARNING, "local_cloud"):
        for _ in range(2):
            answer = fresh.client.patch("/client/v4/accounts/x/no-such-call?secret=1")
            assert answer.status_code == 400
            assert [error["code"] for error in answer.json()["errors"]] == [7003, 7000]
        answer = github(fresh, "GET", "/repos/overskill/x/stargazers")
        assert answer.status_code == 501
        assert "GET /api/v3/repos/overskill/x/stargazers" in answer.json()["message"]
    assert fresh.client.get("/_local/unknown-routes").json()["unknown_routes"] == [
        {"method": "GET", "path": "/api/v3/repos/overskill/x/stargazers", "count": 1},
        {"method": "PATCH", "path": "/client/v4/accounts/x/no-such-call", "count": 2},
    ]
    assert "PATCH /client/v4/accounts/x/no-such-call: the local cloud has no such call" in caplog.text


def test_a_path_outside_of_every_service_is_not_taken_for_gone(fresh):
    answer = fresh.client.get("/repos/overskill/x")
    assert answer.status_code == 501
    assert "GitHub at /api/v3/" in answer.json()["message"]


def test_a_body_that_is_too_large_is_refused(fresh, monkeypatch):
    monkeypatch.setattr("local_cloud.service.MAX_BODY_BYTES", 10)
    answer = github(fresh, "POST", "/orgs/overskill/repos", json={"name": "longer than that"})
    assert answer.status_code == 413
    assert "413 Request Entity Too Large" in answer.text


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("application/json", 415, 10001), ("text/javascript", 400, 10026)]
)
def test_an_upload_that_is_no_form(cf, local, kind, status, code):
    path = "/accounts/{account}/workers/scripts/no-form"
    assert cf.refused("PUT", path, status, content=b"{}", headers={"Content-Type": kind})[0] == code


def test_a_body_that_is_no_json(cf, gh, local):
    kind = {"Content-Type": "application/json"}
    for path, code in (("/zones", 6007), ("/zones/{zone}/dns_records", 6007)):
        assert cf.refused("POST", path, 400, content=b"{", headers=kind) == (code, "Malformed JSON in request body")
    record = {"type": "TXT", "name": "a", "content": "b"}
    assert cf.refused("POST", "/zones/{zone}/dns_records", 400, data=record) == (
        9207,
        "Content-type must be application/json.",
    )
    for body, message in ((b"{", "Problems parsing JSON"), (b"[]", "Body should be a JSON object")):
        assert gh.call("POST", "/orgs/{org}/repos", status=400, content=body)["message"] == message


def test_health_says_whether_both_serve(local, tmp_path):
    with LocalCloud.run(tmp_path) as fresh:
        answer = fresh.client.get("/_local/health")
        assert (answer.status_code, answer.json()) == (503, {"api": "ready", "edge": "not answering"})

    async def edge(scope, receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})

    with (
        serving(edge) as client,
        LocalCloud.run(tmp_path, edge_port=client.base_url.port) as fresh,
    ):
        answer = fresh.client.get("/_local/health")
        assert (answer.status_code, answer.json()) == (200, {"api": "ready", "edge": "ready"})


@pytest.mark.parametrize(
    "call",
    [
        "GET requests",
        "GET unknown-routes",
        "GET page/requests",
        "GET logs",
        "GET profile",
        "PUT profile",
        "PUT github-app",
        "POST reset",
        "GET snapshots",
        "POST snapshots/a",
        "DELETE snapshots/a",
        "POST snapshots/a/restore",
    ],
)
def test_its_own_calls_need_the_token(fresh, call):
    method, path = call.split()
    answer = fresh.client.request(method, f"/_local/{path}", headers={"Authorization": "Bearer no"})
    assert answer.status_code == 401
    assert "credentials.json" in answer.json()["error"]


def make_something(fresh):
    workers = f"/client/v4/accounts/{fresh.settings.account}/workers"
    fresh.client.post(f"{workers}/dispatch/namespaces", json={"name": "apps"}).raise_for_status()
    fresh.client.put(f"{workers}/dispatch/namespaces/apps/scripts/app", files=upload({})).raise_for_status()
    fresh.client.put(f"{workers}/scripts/dispatch", files=upload({})).raise_for_status()
    github(fresh, "POST", "/orgs/overskill/repos", json={"name": "app", "auto_init": True}).raise_for_status()


def test_reset_leaves_what_a_first_start_makes(fresh):
    (zone, *_) = fresh.client.get("/client/v4/zones").json()["result"]
    make_something(fresh)
    assert fresh.client.post("/_local/reset").status_code == 204
    assert fresh.view.namespace_script("apps", "app") is None
    assert fresh.edge.served.workers == ()
    assert github(fresh, "GET", "/repos/overskill/app").status_code == 404
    assert not fresh.cloud.repositories.path("overskill", "app").exists()
    assert github(fresh, "GET", "/orgs/overskill").is_success
    assert fresh.client.get("/client/v4/zones").json()["result"][0]["name"] == zone["name"]
    make_something(fresh)


def test_a_snapshot_is_put_back_as_it_was(fresh):
    make_something(fresh)
    before = fresh.view.account()
    assert fresh.client.post("/_local/snapshots/first").status_code == 204
    fresh.client.post("/_local/reset").raise_for_status()
    assert fresh.client.post("/_local/snapshots/first/restore").status_code == 204
    assert fresh.view.account() == fresh.edge.served == before
    script = fresh.view.namespace_script("apps", "app")
    assert script is not None
    assert script.modules[0].body
    template = {"is_template": True}
    assert github(fresh, "PATCH", "/repos/overskill/app", json=template).is_success
    generated = {"name": "b", "owner": "overskill"}
    assert github(fresh, "POST", "/repos/overskill/app/generate", json=generated).status_code == 201


def test_a_snapshot_that_is_not_there(fresh):
    fresh.client.post("/_local/snapshots/one").raise_for_status()
    answer = fresh.client.post("/_local/snapshots/two/restore")
    assert answer.status_code == 404
    assert answer.json()["error"] == "there is no snapshot 'two'; there are: one"
    (taken,) = fresh.client.get("/_local/snapshots").json()["snapshots"]
    assert taken["name"] == "one"
    assert "must be 1 to 64" in fresh.client.post("/_local/snapshots/.two").json()["error"]

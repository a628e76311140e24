"""The profiles as clients meet them: calls that fail before and after they took effect, limits, late webhooks."""

import logging
import time

import httpx
import pytest
from contract_service import LocalCloud, upload
from webhook_receiver import ended

from local_cloud.profiles import FAULT_HEADER

SCRIPTS = "/accounts/*/workers/dispatch/namespaces/*/scripts/*"


@pytest.fixture
def fresh(local, tmp_path):
    """A local cloud of its own with a namespace, and a client that may call `/_local` and Cloudflare."""
    with LocalCloud.run(tmp_path) as made:
        made.client.headers["Authorization"] = f"Bearer {made.cloud.credentials.cloudflare_token}"
        made.client.post(namespaces(made), json={"name": "apps"}).raise_for_status()
        yield made


def namespaces(fresh):
    return f"/client/v4/accounts/{fresh.settings.account}/workers/dispatch/namespaces"


def put(fresh, name):
    return fresh.client.put(f"{namespaces(fresh)}/apps/scripts/{name}", files=upload({}))


def is_there(fresh, name):
    return fresh.client.get(f"{namespaces(fresh)}/apps/scripts/{name}").is_success


def plan(fresh, *faults, service="cloudflare", method="PUT", path=SCRIPTS, **more):
    """Have the 1st, 2nd, ... call of the kind meet these faults."""
    calls = [
        {"service": service, "method": method, "path": path, "nth": nth, "fault": fault}
        for nth, fault in enumerate(faults, 1)
        if fault
    ]
    answer = fresh.client.put("/_local/profile", json={"calls": calls, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def github(fresh, method, path, **options):
    headers = {"Authorization": f"token {fresh.cloud.credentials.github_token}"}
    return fresh.client.request(method, f"/api/v3{path}", headers=headers, **options)


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_third_upload_is_answered_503(fresh, when):
    plan(fresh, None, None, {"kind": "status", "status": 503, "when": when})
    answers = [put(fresh, name) for name in ("a", "b", "c", "d")]
    assert [answer.status_code for answer in answers] == [200, 200, 503, 200]
    assert answers[2].headers[FAULT_HEADER] == f"503 {when} it took effect"
    assert answers[2].text.startswith("upstream connect error")
    assert not any(FAULT_HEADER in answers[number].headers for number in (0, 1, 3))
    assert [is_there(fresh, name) for name in ("a", "b", "c", "d")] == [True, True, when == "after", True]
    assert fresh.client.get("/_local/profile").json()["calls"][0]["seen"] == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_is_reset(fresh, when, caplog):
    plan(fresh, {"kind": "reset", "when": when})
    with caplog.at_level(logging.INFO):
        with pytest.raises(httpx.ReadError, match="reset"):
            put(fresh, "a")
        assert is_there(fresh, "a") == (when == "after")
    assert f"fault: reset {when} it took effect" in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_an_answer_is_slow(fresh):
    plan(fresh, {"kind": "slow", "seconds": 0.3})
    started = time.monotonic()
    answer = put(fresh, "a")
    assert time.monotonic() - started >= 0.3
    assert (answer.status_code, answer.headers[FAULT_HEADER]) == (200, "slow by 0.3 s")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_errors_are_in_the_form_of_each_service(fresh, status):
    fault = {"kind": "status", "status": status}
    plan(fresh, fault, method="GET", path="/zones")
    cloudflare = fresh.client.get("/client/v4/zones")
    plan(fresh, fault, service="github", method="GET", path="/orgs/overskill")
    answer = github(fresh, "GET", "/orgs/overskill")
    assert cloudflare.status_code == answer.status_code == status
    if status == 429:
        assert cloudflare.json()["errors"][0]["code"] == 971
        assert "secondary rate limit" in answer.json()["message"]
        assert cloudflare.headers["retry-after"] == answer.headers["retry-after"] == "1"
    elif status == 500:
        assert cloudflare.json()["errors"][0]["code"] == 10013
    else:
        assert not cloudflare.headers["content-type"].startswith("application/json")
    assert status not in {500, 502} or answer.json() == {"message": "Server Error"}
    assert status not in {503, 504} or "Unicorn!" in answer.text


def test_the_same_seed_gives_the_same_faults(fresh):
    def statuses(seed):
        fresh.client.put("/_local/profile", json={"name": "hostile", "seed": seed, "latencies": False})
        found = []
        for _ in range(60):
            try:
                answer = fresh.client.get("/client/v4/zones", timeout=2)
                found.append(answer.headers.get(FAULT_HEADER, ""))
            except httpx.TransportError as error:
                found.append(type(error).__name__)
        return found

    first = statuses(3)
    assert len(set(first)) > 2
    assert statuses(3) == first
    assert statuses(4) != first


def test_a_realistic_one_takes_its_time(fresh):
    fresh.client.put("/_local/profile", json={"name": "realistic"}).raise_for_status()
    started = time.monotonic()
    assert put(fresh, "a").is_success
    assert time.monotonic() - started > 0.3


def test_who_calls_too_often_is_blocked(local, tmp_path, monkeypatch):
    monkeypatch.setattr("local_cloud.cloudflare.dialect.CALLS", 3)
    monkeypatch.setattr("local_cloud.cloudflare.dialect.GRAPHQL_QUERIES", 0)
    with LocalCloud.run(tmp_path) as fresh:
        fresh.client.headers["Authorization"] = f"Bearer {fresh.cloud.credentials.cloudflare_token}"
        assert "ratelimit" not in fresh.client.get("/client/v4/zones").headers
        fresh.client.put("/_local/profile", json={"enforce_limits": True}).raise_for_status()
        query = fresh.client.post("/client/v4/graphql", json={"query": "{ viewer { accounts { id } } }"})
        assert query.status_code == 200
        assert query.json()["errors"][0]["message"].startswith("Rate limiter budget depleted")
        answers = [fresh.client.get("/client/v4/zones") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=300'
    assert answers[0].headers["ratelimit"].startswith('"default";r=1;t=')
    assert answers[2].json()["errors"] == [
        {"code": 971, "message": "Please wait and consider throttling your request speed"}
    ]
    assert int(answers[2].headers["retry-after"]) in range(299, 301)


def test_a_webhook_arrives_twice_or_late(local, gh, hook, receiver, request):
    client, token = local.client, local.cloud.credentials.cloudflare_token
    headers = {"Authorization": f"Bearer {token}"}
    request.addfinalizer(lambda: client.put("/_local/profile", headers=headers, json={}))
    path = hook()
    twice = {"event": "ping", "nth": 1, "fault": {"kind": "duplicate"}}
    late = {"event": "ping", "nth": 2, "fault": {"kind": "late", "seconds": 0.5}}
    client.put("/_local/profile", headers=headers, json={"deliveries": [twice, late]}).raise_for_status()
    gh.post(f"{path}/pings", status=204)
    ended(gh, path, 2)
    (first, one), (second, other) = receiver.requests
    assert one == other
    assert first["x-github-delivery"] == second["x-github-delivery"]
    assert first[FAULT_HEADER] == "duplicate"
    receiver.requests.clear()
    gh.post(f"{path}/pings", status=204)
    gh.post(f"{path}/pings", status=204)
    ended(gh, path, 4)
    assert [headers.get(FAULT_HEADER) for headers, _ in receiver.requests] == [None, "late by 0.5 s"]


@pytest.mark.parametrize("body", ["{", '{"name": "none"}', '{"faults": []}'])
def test_a_wrong_profile_is_refused_and_changes_nothing(fresh, body):
    before = plan(fresh, {"kind": "reset"})
    assert fresh.client.put("/_local/profile", content=body).status_code == 422
    assert fresh.client.get("/_local/profile").json() == before

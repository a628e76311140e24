"""GitHub: what became of each delivery of a webhook is kept, and it is sent again on request."""

import json
import time
from contextlib import ExitStack

import httpx
import pytest
from contract_service import LocalCloud
from webhook_receiver import SECRET, ended, signed

from local_cloud.github import hookshot, outbox
from local_cloud.opening import open_cloud


def test_a_delivery_is_shown_and_sent_again(gh, receiver, hook, clone):
    path = hook()
    receiver.status, receiver.body = 503, "not now"
    clone.commit("more")
    clone.git("push", "-q", "origin", "main")
    (failed, _) = ended(gh, path, 2)
    assert (failed["status"], failed["status_code"]) == ("Invalid HTTP Response: 503", 503)
    assert gh.get(path)["last_response"]["message"] == "Invalid HTTP Response: 503"
    shown = gh.get(f"{path}/deliveries/{failed['id']}")
    assert shown.items() >= failed.items()
    assert shown["request"]["headers"]["X-GitHub-Delivery"] == failed["guid"]
    assert shown["request"]["payload"] == json.loads(receiver.requests[0][1])
    assert shown["response"]["payload"] == "not now"
    assert shown["response"]["headers"]["content-length"] == "7"
    receiver.status = 204
    gh.patch(
        path, json={"config": {"url": f"http://127.0.0.1:{receiver.port}/", "content_type": "json", "secret": SECRET}}
    )
    assert gh.post(f"{path}/deliveries/{failed['id']}/attempts", status=202) == {}
    (again, *_) = ended(gh, path, 3)
    assert (again["status"], again["status_code"], again["redelivery"]) == ("OK", 204, True)
    assert (again["guid"], again["event"]) == (failed["guid"], "push")
    (_, first), (headers, second) = receiver.requests
    assert first == second
    assert headers["x-hub-signature-256"] == signed(second, "sha256")
    for wrong in ("0", "none"):
        gh.call("GET", f"{path}/deliveries/{wrong}", status=404)
        gh.call("POST", f"{path}/deliveries/{wrong}/attempts", status=404)


def test_a_test_is_sent(gh, receiver, hook, clone):
    path, other = hook(), hook("issues", url=f"http://127.0.0.1:{receiver.port}/other")
    for call in ("tests", "test"):
        gh.post(f"{path}/{call}", status=204)
    gh.post(f"{other}/tests", status=204)
    ended(gh, path, 3)
    (_, push), _ = receiver.events()
    assert (push["after"], push["created"]) == (clone.git("rev-parse", "HEAD"), True)
    assert len(gh.get(f"{other}/deliveries")) == 1


def test_deliveries_are_listed_by_cursor(gh, receiver, hook):
    path = hook()
    for _ in range(4):
        gh.post(f"{path}/pings", status=204)
    ids = [one["id"] for one in ended(gh, path, 5)]
    assert ids == sorted(ids, reverse=True)
    first = gh.send("GET", f"{path}/deliveries", params={"per_page": "2"})
    second = gh.send("GET", f"{path}/deliveries?{first.links['next']['url'].partition('?')[2]}")
    third = gh.send("GET", f"{path}/deliveries?{second.links['next']['url'].partition('?')[2]}")
    assert [one["id"] for page in (first, second, third) for one in page.json()] == ids
    assert (first.links.keys(), third.links.keys()) == ({"next"}, {"prev"})
    assert "cursor=v1_" in first.links["next"]["url"]
    receiver.status = 500
    gh.post(f"{path}/pings", status=204)
    ended(gh, path, 6)
    assert len(gh.get(f"{path}/deliveries", params={"status": "success"})) == 5
    assert len(gh.get(f"{path}/deliveries", params={"status": "failure"})) == 1
    for wrong in ({"cursor": "2"}, {"status": "some"}, {"page": "2"}):
        gh.call("GET", f"{path}/deliveries", status=422, params=wrong)


def test_a_receiver_that_is_down_or_breaks_off(gh, local, hook, nobody):
    path = hook(url=nobody)
    (delivery,) = gh.get(f"{path}/deliveries")
    assert (delivery["status"], delivery["status_code"]) == ("failed to connect to host", 502)
    assert gh.get(path)["last_response"]["code"] == 502
    assert gh.get(f"{path}/deliveries/{delivery['id']}")["response"] == {"headers": {}, "payload": None}


def test_a_slow_receiver_holds_up_nobody(gh, local, receiver, hook, monkeypatch):
    monkeypatch.setattr(hookshot, "SECONDS", 3)
    path = hook()
    receiver.delay = 30
    started = time.monotonic()
    gh.post(f"{path}/pings", status=204)
    gh.get(path)
    assert time.monotonic() - started < 2.5
    assert len(gh.get(f"{path}/deliveries")) == 1
    (delivery, _) = ended(gh, path, 2)
    assert (delivery["status"], delivery["status_code"]) == ("timed out", 504)
    assert 2.5 < delivery["duration"] < 10
    assert gh.get(path)["last_response"] == {"code": 504, "status": "timeout", "message": "timed out"}


def test_an_answer_without_end_is_cut_off(gh, local, receiver, hook, monkeypatch):
    monkeypatch.setattr(hookshot, "MAX_RESPONSE_BYTES", 100)
    receiver.body = "x" * 1_000_000
    path = hook()
    (delivery,) = gh.get(f"{path}/deliveries")
    assert gh.get(f"{path}/deliveries/{delivery['id']}")["response"]["payload"] == "x" * 100


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://localhost.example.com/",
        "http://[::2]/",
    ],
)
def test_only_this_machine_is_told(gh, local, hook, url):
    path = hook(url=url)
    (delivery,) = gh.get(f"{path}/deliveries")
    assert delivery["status"] == "refused: the local cloud delivers to loopback addresses only"
    assert delivery["status_code"] == 502


def test_a_redirect_is_not_followed(gh, local, receiver, hook):
    receiver.status = 302
    path = hook()
    (delivery,) = gh.get(f"{path}/deliveries")
    assert (delivery["status"], delivery["status_code"]) == ("Invalid HTTP Response: 302", 302)


def test_the_oldest_deliveries_go(gh, local, hook, monkeypatch):
    monkeypatch.setattr(outbox, "MAX_KEPT", 3)
    path = hook()
    (first,) = gh.get(f"{path}/deliveries")
    for number in range(4):
        gh.post(f"{path}/pings", status=204)
        ended(gh, path, min(number + 2, 3))
    deadline = time.monotonic() + 5
    while first in gh.get(f"{path}/deliveries") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert first not in gh.get(f"{path}/deliveries")
    gh.call("GET", f"{path}/deliveries/{first['id']}", status=404)


def test_a_deleted_hook_takes_its_deliveries_along(gh, local, repository, hook):
    path, other = hook(), hook("issues", url="http://127.0.0.1:9/")
    numbers = [one.rpartition("/")[2] for one in (path, other)]
    gh.delete(path, status=204)
    assert local.cloud.store.count("deliveries", numbers[0]) == 0
    gh.delete(repository, status=204)
    assert local.cloud.store.count("deliveries", numbers[1]) == 0


def make_hook(local, port):
    headers = {"Authorization": f"Bearer {local.cloud.credentials.github_token}"}
    ask = httpx.Client(base_url=f"{local.client.base_url}/api/v3", headers=headers, trust_env=False)
    ask.post("/orgs/overskill/repos", json={"name": "app"}).raise_for_status()
    made = ask.post("/repos/overskill/app/hooks", json={"config": {"url": f"http://127.0.0.1:{port}/"}})
    return ask, f"/repos/overskill/app/hooks/{made.raise_for_status().json()['id']}"


def test_what_was_under_way_when_the_process_ended_has_failed(local, receiver, tmp_path):
    receiver.delay = 30
    with LocalCloud.run(tmp_path) as fresh:
        make_hook(fresh, receiver.port)[0].close()
        settings, state = fresh.settings, fresh.cloud.state
    assert len(receiver.requests) == 1
    state.acquire()
    again = open_cloud(settings, state)
    (repository,) = again.store.values("repositories", "overskill")
    (hook,) = again.store.values("webhooks", str(repository["id"]))
    (delivery,) = again.store.values("deliveries", str(hook["id"]))
    assert delivery["status"].startswith("interrupted: ")
    assert hook["last_response"]["code"] == delivery["status_code"] == 502
    assert again.store.count("outbox", "") == 0
    again.store.close()
    state.release()


def test_a_reset_forgets_what_is_under_way(local, receiver, tmp_path):
    receiver.delay = 0.5
    with ExitStack() as stack:
        fresh = stack.enter_context(LocalCloud.run(tmp_path))
        control = {"Authorization": f"Bearer {fresh.cloud.credentials.cloudflare_token}"}
        ask, _ = make_hook(fresh, receiver.port)
        fresh.client.post("/_local/snapshots/during", headers=control).raise_for_status()
        fresh.client.post("/_local/reset", headers=control).raise_for_status()
        ask.close()
        ask, path = make_hook(fresh, receiver.port)
        stack.callback(ask.close)
        deadline = time.monotonic() + 5
        while not (found := ask.get(f"{path}/deliveries").json()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [one["status"] for one in found] == ["OK"]
        fresh.client.post("/_local/snapshots/during/restore", headers=control).raise_for_status()
        (delivery,) = ask.get(f"{path}/deliveries").json()
        assert delivery["status"].startswith("interrupted: ")
    assert len(receiver.requests) == 2

"""GitHub: what calls cost, what a conditional one saves, and what is refused where limits are enforced."""

import dataclasses
import threading
import time
from contextlib import ExitStack

import jwt
import pytest
from contract_service import LocalCloud

from local_cloud.github import TABLE
from local_cloud.rate_limits import Primary, RateLimits, Secondary

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def rate(response):
    return {name: response.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "used", "resource")}


def used(response):
    return int(response.headers["x-ratelimit-used"])


def test_each_answer_says_what_is_left(gh, repository):
    before = used(gh.send("GET", repository))
    for number, path in enumerate((repository, "/orgs/none", "/no/such/call"), 1):
        answer = gh.send("GET", path)
        assert rate(answer) == {
            "limit": "5000",
            "remaining": str(max(1, 5000 - before - number)),
            "used": str(before + number),
            "resource": "core",
        }
        assert 0 < int(answer.headers["x-ratelimit-reset"]) - time.time() <= 3600


def test_each_caller_has_a_count_of_its_own(gh, app, installed):
    both = [installed(), installed()]
    counts = [used(service.send("GET", "/orgs/{org}")) for service in both]
    assert counts[1] == counts[0] + 1
    assert used(installed("overskill-apps").send("GET", "/orgs/{org}")) < 100
    assert used(app.send("GET", "/app")) + 1 == used(app.send("GET", "/app"))
    for headers in ({}, {"Authorization": "token wrong"}):
        answer = gh.client.get(f"{gh.root}/orgs/overskill", headers=headers)
        assert (answer.status_code, answer.headers["x-ratelimit-limit"]) == (401, "60")


def test_the_count_itself_costs_nothing(gh, repository):
    before = gh.send("GET", repository)
    for _ in range(2):
        answer = gh.send("GET", "/rate_limit")
        assert used(answer) == used(before)
    shown = answer.json()
    assert shown["rate"] == shown["resources"]["core"]
    assert {name: str(shown["rate"][name]) for name in ("limit", "remaining", "used")}.items() <= rate(before).items()
    assert shown["resources"]["search"].keys() == {"limit", "remaining", "reset", "used"}


def test_what_has_not_changed_is_not_sent_again_and_costs_nothing(gh, repository):
    first = gh.send("GET", f"{repository}/branches")
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    for value in (etag, etag.removeprefix("W/"), f'"other", {etag}'):
        again = gh.send("GET", f"{repository}/branches", headers={"If-None-Match": value})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert used(again) == used(first)
    gh.patch(repository, json={"description": "changed"})
    shown = gh.send("GET", repository)
    assert gh.send("GET", repository, headers={"If-None-Match": etag}).status_code == 200
    gh.patch(repository, json={"description": "changed again"})
    changed = gh.send("GET", repository, headers={"If-None-Match": shown.headers["etag"]})
    assert (changed.status_code, changed.json()["description"]) == (200, "changed again")
    assert "etag" not in gh.send("PATCH", repository, json={}).headers


@pytest.fixture
def enforced(gh, tmp_path):
    """Runs a local cloud with limits that are enforced; GitHub there, and who it is for."""

    with ExitStack() as running:

        def run(**limits):
            local = running.enter_context(
                LocalCloud.run(tmp_path, rate_limits=RateLimits(enforcing=lambda: True, **limits))
            )
            token = local.cloud.credentials.github_token
            return local, dataclasses.replace(gh, client=local.client, token=token)

        yield run


def test_the_hours_limit(enforced):
    local, service = enforced(primary=Primary(user=3, anonymous=1, installation=1))
    for _ in range(3):
        service.get("/orgs/{org}")
    refused = service.send("GET", "/orgs/{org}")
    assert (refused.status_code, refused.json()["message"]) == (403, "API rate limit exceeded for user ID 1000000000.")
    assert rate(refused) == {"limit": "3", "remaining": "0", "used": "3", "resource": "core"}
    assert service.get("/rate_limit")["rate"]["remaining"] == 0
    credentials, now = local.cloud.credentials, int(time.time())
    claims = {"iss": credentials.github_app_id, "iat": now - 60, "exp": now + 60}
    app = dataclasses.replace(service, token=jwt.encode(claims, credentials.github_private_key, "RS256"))
    number = app.get("/orgs/{org}/installation")["id"]
    made = app.post(f"/app/installations/{number}/access_tokens", status=201)
    installed = dataclasses.replace(service, token=made["token"])
    installed.get("/orgs/{org}")
    refused = installed.call("GET", "/orgs/{org}", status=403)
    assert refused["message"] == f"API rate limit exceeded for installation ID {number}."
    stranger = dataclasses.replace(service, token="wrong")
    stranger.call("GET", "/orgs/{org}", status=401)
    refused = stranger.call("GET", "/orgs/{org}", status=403)
    assert refused["message"].startswith("API rate limit exceeded for 127.0.0.1. (But here's the good news: ")


def test_content_that_is_created_too_fast(enforced):
    _, service = enforced(secondary=Secondary(content_per_minute=2))
    for number in range(2):
        service.post("/orgs/{org}/repos", status=201, json={"name": f"made-{number}"})
    refused = service.send("POST", "/orgs/{org}/repos", json={"name": "made-2"})
    assert (refused.status_code, refused.json()["message"]) == (403, SECONDARY)
    assert 0 < int(refused.headers["retry-after"]) <= 61
    assert rate(refused)["used"] == "2"
    service.call("GET", "/repos/{org}/made-2", status=404)


def test_too_many_calls_at_once(enforced):
    _, service = enforced(secondary=Secondary(at_once=1))
    entered, leave = threading.Event(), threading.Event()

    def slow(_):
        entered.set()
        leave.wait(10)

    route, _ = TABLE.find("GET", "/repos/a/b/topics")
    handler, route.__dict__["handler"] = route.handler, slow
    try:
        thread = threading.Thread(target=service.send, args=("GET", "/repos/a/b/topics"))
        thread.start()
        assert entered.wait(10)
        refused = service.send("GET", "/orgs/{org}")
        assert (refused.status_code, refused.json()["message"]) == (403, SECONDARY)
        assert refused.headers["retry-after"] == "60"
        leave.set()
        thread.join()
        service.get("/orgs/{org}")
    finally:
        leave.set()
        route.__dict__["handler"] = handler

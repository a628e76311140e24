"""The page at the local cloud's root: who may see it, what it shows, what its buttons may do."""

import re
import time
from base64 import b64encode

import httpx
import pytest
from contract_service import LocalCloud, upload

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def browser(fresh):
    """Has opened the page by its link."""
    with httpx.Client(base_url=fresh.client.base_url, trust_env=False) as made:
        made.get("/", params={"key": fresh.cloud.credentials.page_key})
        yield made


def origin(browser):
    return f"http://{browser.base_url.netloc.decode()}"


def shown(browser, **query):
    answer = browser.get("/", params=query)
    assert answer.status_code == 200
    return answer.text


def texts(html):
    """The text of each cell, by row."""
    return [
        [re.sub("<[^>]*>", "", cell) for cell in re.findall("<td.*?</td>", row)]
        for row in re.findall("<tr>(<td.*?)</tr>", html)
    ]


def test_the_link_gives_a_cookie_that_only_this_page_gets_and_leaves_the_address(fresh):
    answer = fresh.client.get("/", params={"key": fresh.cloud.credentials.page_key})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"local-cloud-{fresh.settings.api_port}={fresh.cloud.credentials.page_key}; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize("path", ["/", "/?key=wrong", "/?key=", "/?section=scripts"])
def test_without_the_key_it_says_where_the_link_is_and_nothing_else(fresh, path):
    answer = fresh.client.get(path, headers={"Cookie": f"local-cloud-{fresh.settings.api_port}=wrong"})
    assert answer.status_code == 401
    assert f"{fresh.cloud.state.path}/credentials.json" in answer.text
    assert "overskill.localhost" not in answer.text


def test_the_cloudflare_token_does_not_open_it(fresh):
    assert fresh.client.get("/").status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/_local/health", "/_local/requests", "/_local/page/requests", "/_local/page/style.css"]
)
def test_a_name_that_somebody_makes_lead_here_is_refused(fresh, browser, path):
    for host in ("rebound.example", "127.0.0.1.rebound.example", "192.168.1.7", "[", ""):
        for client in (fresh.client, browser):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code == 403, host
    for host in ("localhost:9", "127.0.0.1", "[::1]:9"):
        assert browser.get(path, headers={"Host": host}).status_code in {200, 503}


def test_only_the_page_itself_may_change_something_with_its_cookie(browser):
    for sent in (
        {},
        {"Origin": "http://127.0.0.1:9"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://evil.example"},
    ):
        answer = browser.post("/_local/reset", headers=sent)
        assert (answer.status_code, answer.json()["error"][:4]) == (403, "only")
        assert browser.delete("/_local/snapshots/a", headers=sent).status_code == 403
    assert browser.post("/_local/reset", headers={"Origin": origin(browser)}).status_code == 204
    assert browser.get("/_local/requests").status_code == 200


def test_its_answers_allow_nothing_but_its_own_files(browser):
    for path in ("/", "/_local/page/script.js", "/_local/page/style.css", "/_local/page/requests"):
        policy = browser.get(path).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set(policy.split())
    html = shown(browser)
    assert set(re.findall(r'(?:src|href)="([^"#?]*)', html)) <= {
        "/",
        *(f"/_local/page/{name}" for name in ("icon.svg", "script.js", "style.css")),
    }
    assert not re.search(r"<style|<script>|\son\w+=|\sstyle=", html)
    assert browser.get("/_local/page/page.html").status_code == 404


def test_everything_that_there_is_is_shown(fresh, browser):
    account = f"/client/v4/accounts/{fresh.settings.account}"
    (zone, *_) = fresh.client.get("/client/v4/zones?name=overskill.localhost").json()["result"]
    space = f"{account}/workers/dispatch/namespaces"
    record = {"type": "CNAME", "name": "*.overskill.localhost", "content": "x.workers.localhost", "proxied": True}
    made = {"url": "http://user:planted-1@127.0.0.1:9/hook?token=planted-2", "content_type": "json"}
    github = {"Authorization": f"Bearer {fresh.cloud.credentials.github_token}"}
    for method, path, sent in (
        ("POST", space, {"json": {"name": "apps"}}),
        ("PUT", f"{space}/apps/scripts/app", {"files": upload({"tags": ["plan-free"]})}),
        ("PUT", f"{account}/workers/scripts/dispatch", {"files": upload({})}),
        ("POST", f"/client/v4/zones/{zone['id']}/dns_records", {"json": record}),
        (
            "POST",
            f"/client/v4/zones/{zone['id']}/workers/routes",
            {"json": {"pattern": "*.overskill.localhost/*", "script": "dispatch"}},
        ),
        (
            "PUT",
            f"{account}/workers/domains",
            {"json": {"hostname": "shop.overskill.localhost", "service": "dispatch", "zone_id": zone["id"]}},
        ),
        (
            "POST",
            f"/client/v4/zones/{zone['id']}/custom_hostnames",
            {"json": {"hostname": "shop.localhost", "ssl": {"method": "http", "type": "dv"}}},
        ),
        ("POST", f"{account}/storage/kv/namespaces", {"json": {"title": "store"}}),
        ("POST", f"{account}/d1/database", {"json": {"name": "items"}}),
        ("POST", f"{account}/r2/buckets", {"json": {"name": "files"}}),
        ("PUT", f"{account}/r2/buckets/files/objects/a", {"content": b"planted-3"}),
        ("POST", "/api/v3/orgs/overskill/repos", {"json": {"name": "app", "private": True}, "headers": github}),
        (
            "POST",
            "/api/v3/repos/overskill/app/hooks",
            {"json": {"config": made, "events": ["push"]}, "headers": github},
        ),
    ):
        fresh.client.request(method, path, **sent).raise_for_status()
    fresh.client.get("/client/v4/none")

    def row(section):
        return texts(shown(browser, section=section))[0]

    assert row("namespaces")[:3] == ["apps", "1", "untrusted"]
    assert row("scripts")[:4] == ["app", "apps", "plan-free", ""]
    assert row("workers")[0] == "dispatch"
    assert re.fullmatch("[0-9a-f]{8} 100%", row("workers")[1])
    zones = {name: counts for name, _, *counts in texts(shown(browser, section="zones"))}
    assert zones == {"overskill.localhost": ["1", "1"], "example.localhost": ["0", "0"]}
    assert row("records") == ["*.overskill.localhost", "CNAME", "x.workers.localhost", "proxied"]
    assert row("routes") == ["*.overskill.localhost/*", "dispatch", "overskill.localhost"]
    assert row("custom-domains") == ["shop.overskill.localhost", "dispatch", "overskill.localhost"]
    assert row("custom-hostnames")[:3] == ["shop.localhost", "overskill.localhost", "none"]
    assert row("kv-namespaces")[::2] == ["store", "0"]
    assert row("d1-databases")[0] == "items"
    assert row("r2-buckets")[:2] == ["files", "1"]
    assert row("repositories")[:4] == ["overskill/app", "private", "main", "1"]
    assert row("webhook-deliveries")[:3] == ["ping", "overskill/app", "127.0.0.1:9/hook"]
    assert row("unknown-routes") == ["/client/v4/none", "GET", "1"]
    whole = shown(browser)
    for text in ("apps", "plan-free", "dispatch", "store", "overskill/app", "/client/v4/none"):
        assert text in whole
    assert "planted" not in whole


WORKFLOW = "name: CI\non: push\njobs: {all: {runs-on: ubuntu-latest, steps: [{run: exit 1}]}}\n"


def test_pull_requests_and_runs_are_shown_with_what_became_of_them(fresh, browser):
    github = {"Authorization": f"Bearer {fresh.cloud.credentials.github_token}"}

    def call(method, path, **sent):
        return fresh.client.request(method, f"/api/v3{path}", json=sent, headers=github).raise_for_status().json()

    def write(path, text, branch):
        content = b64encode(text.encode()).decode()
        call("PUT", f"/repos/overskill/app/contents/{path}", message="m", content=content, branch=branch)

    def rows(section):
        return [row[:-1] for row in texts(shown(browser, section=section))]

    call("POST", "/orgs/overskill/repos", name="app", auto_init=True)
    start = call("GET", "/repos/overskill/app/git/ref/heads/main")["object"]["sha"]
    for branch in ("next", "other", "last"):
        call("POST", "/repos/overskill/app/git/refs", ref=f"refs/heads/{branch}", sha=start)
        write(f"{branch if branch == 'last' else 'same'}.txt", branch, branch)
        call("POST", "/repos/overskill/app/pulls", title=f"The {branch}", head=branch, base="main")
    call("PUT", "/repos/overskill/app/pulls/1/merge")
    call("PATCH", "/repos/overskill/app/pulls/3", state="closed")
    assert rows("pull-requests") == [
        ["#3 The last", "overskill/app", "last → main", "closed"],
        ["#2 The other", "overskill/app", "other → main", "open, in conflict"],
        ["#1 The next", "overskill/app", "next → main", "merged"],
    ]
    write(".github/workflows/ci.yml", WORKFLOW, "main")
    deadline = time.monotonic() + 20
    while rows("workflow-runs")[0][4] in {"queued", "in progress"} and time.monotonic() < deadline:
        time.sleep(0.05)
    ((*run, took),) = rows("workflow-runs")
    assert run == ["CI #1", "overskill/app", "main", "push", "failure"]
    assert re.fullmatch(r"\d+ s", took)


def test_it_says_under_which_profile_calls_are_made(fresh, browser):
    assert '<span class="mark quiet">profile instant, seed 0</span>' in shown(browser)
    fault = {"kind": "reset", "when": "before"}
    rule = {"service": "github", "method": "GET", "path": "/x", "fault": fault}
    drill = {"name": "hostile", "seed": 7, "calls": [rule]}
    fresh.client.put("/_local/profile", json=drill).raise_for_status()
    assert '<span class="mark bad">profile hostile, seed 7, faults planned: 1</span>' in shown(browser)


def test_what_a_client_has_written_is_only_ever_text(fresh, browser):
    account = f"/client/v4/accounts/{fresh.settings.account}"
    fresh.client.post(f"{account}/storage/kv/namespaces", json={"title": SCRIPT}).raise_for_status()
    fresh.client.get(f"/client/v4/{SCRIPT}")
    github = {"Authorization": f"Bearer {fresh.cloud.credentials.github_token}"}
    fresh.client.post("/api/v3/orgs/overskill/repos", json={"name": "a"}, headers=github).raise_for_status()
    config = {"url": f"http://127.0.0.1:9/{SCRIPT}".replace(" ", "")}
    hook = {"config": config, "events": [SCRIPT, '"><img src=x onerror=alert(1)>']}
    fresh.client.post("/api/v3/repos/overskill/a/hooks", json=hook, headers=github)
    fresh.client.post("/api/v3/repos/overskill/a/hooks", json={"config": config}, headers=github).raise_for_status()
    pages = [shown(browser), shown(browser, section="kv-namespaces", find=SCRIPT)]
    pages += [shown(browser, section="webhook-deliveries"), browser.get("/_local/page/requests").text]
    for page in pages:
        assert "alert(1)" in page
        assert SCRIPT not in page
        assert "<img" not in page


def test_many_scripts_are_paged_and_found(fresh, browser):
    fresh.client.post(
        f"/client/v4/accounts/{fresh.settings.account}/workers/dispatch/namespaces", json={"name": "apps"}
    ).raise_for_status()
    namespace = fresh.cloud.store.values("namespaces", "")[0]["namespace_id"]
    script = {"tags": [], "modified_on": "2026-11-24T12:00:00.000000Z", "code": {"bindings": [], "modules": []}}
    with fresh.cloud.store.transaction():
        for number in range(250):
            fresh.cloud.store.put("namespace_scripts", namespace, f"app{number:03}", script)
    assert re.search(r"<b>250</b> Scripts", shown(browser))
    names = [[name for name, *_ in texts(shown(browser, section="scripts", page=page))] for page in (1, 2, 3)]
    assert [len(each) for each in names] == [100, 100, 50]
    assert names[2][-1] == "app249"
    assert texts(shown(browser, section="scripts", page=99)) == texts(shown(browser, section="scripts", page=3))
    assert [row[0] for row in texts(shown(browser, section="scripts", find="APP24"))] == [
        f"app24{n}" for n in range(10)
    ]
    assert 'href="/?section=scripts&amp;find=app&amp;page=2"' in shown(browser, section="scripts", find="app")
    assert "Nothing has that in it." in shown(browser, section="scripts", find="none")
    for page in ("0", "x", "²", "-1", "9" * 5000):
        assert "page 1 of 3" in shown(browser, section="scripts", page=page)


def test_new_requests_are_shown_as_rows(fresh, browser):
    fresh.client.get("/client/v4/zones")
    (number,) = re.findall(r'data-number="(\d+)"', browser.get("/_local/page/requests?after=0").text)
    assert browser.get(f"/_local/page/requests?after={number}").text == ""
    fresh.client.get("/client/v4/none")
    rows = browser.get(f"/_local/page/requests?after={number}").text
    assert "/client/v4/none" in rows
    assert "7003 Could not route to" in rows
    assert "/client/v4/zones" not in rows


def test_snapshots_are_listed_and_deleted(fresh, browser):
    for name in ("first", "restoring"):
        assert browser.post(f"/_local/snapshots/{name}", headers={"Origin": origin(browser)}).status_code == 204
    listed = fresh.client.get("/_local/snapshots").json()["snapshots"]
    assert {each["name"] for each in listed} == {"first", "restoring"}
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", each["taken_at"]) for each in listed)
    assert 'data-path="snapshots/restoring/restore"' in shown(browser)
    assert fresh.client.post("/_local/snapshots/restoring/restore").status_code == 204
    assert fresh.client.delete("/_local/snapshots/restoring").status_code == 204
    assert fresh.client.delete("/_local/snapshots/restoring").json()["error"] == (
        "there is no snapshot 'restoring'; there are: first"
    )
    assert [each["name"] for each in fresh.client.get("/_local/snapshots").json()["snapshots"]] == ["first"]
    assert "restoring" not in shown(browser)


def test_listening_to_the_network_lets_its_addresses_in_but_no_name(local, tmp_path):
    with LocalCloud.run(tmp_path, listen="0.0.0.0") as fresh:  # noqa: S104
        assert fresh.client.get("/", headers={"Host": "192.168.1.7:8787"}).status_code == 401
        assert fresh.client.get("/", headers={"Host": "rebound.example"}).status_code == 403

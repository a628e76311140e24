"""The last requests: a line for each, with the error if it is one; and never a secret."""

import json
import socket
import subprocess
from base64 import b64decode, b64encode

import httpx
import pytest
from contract_service import HELLO, serving, upload
from nacl.public import PublicKey, SealedBox
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local_cloud import exchanges, real_tokens
from local_cloud.exchanges import Exchanges, Recorder

PLANTED = "planted-3f786850e387550fdab836ed7e6dc881de23001b"
REAL = "cfut_" + "aB3d" * 10 + "0a1b2c3d"


@pytest.fixture
def github(fresh):
    def send(method, path, **options):
        headers = {"Authorization": f"token {fresh.cloud.credentials.github_token}"}
        return fresh.client.request(method, f"/api/v3{path}", headers=headers, **options)

    return send


def lines(fresh, **query):
    """Method, path, status and problem of the last requests, the newest first."""
    found = fresh.client.get("/_local/requests", params=query).raise_for_status().json()["requests"]
    return [(each["method"], each["path"], each["status"], each["problem"]) for each in found]


def test_a_line_for_each_call_with_its_answer(fresh, github):
    fresh.client.get("/client/v4/zones", params={"name": "none.localhost"})
    github("GET", "/repos/overskill/none")
    fresh.client.get("/nowhere")
    nowhere, missing, listed = fresh.client.get("/_local/requests").json()["requests"]
    assert (listed["service"], listed["method"], listed["path"]) == ("Cloudflare", "GET", "/client/v4/zones")
    assert (listed["status"], listed["problem"]) == (200, "")
    assert listed["answer"]["success"] is True
    assert listed["answer"]["result_info"]["page"] == "number"
    assert (missing["service"], missing["status"], missing["problem"]) == ("GitHub", 404, "Not Found")
    assert missing["answer"]["message"] == "Not Found"
    assert (nowhere["service"], nowhere["status"]) == ("", 501)
    assert listed["number"] < missing["number"] < nowhere["number"]
    assert 0 < listed["milliseconds"] < 10_000
    assert lines(fresh, after=missing["number"]) == [("GET", "/nowhere", 501, nowhere["problem"])]
    for after in ("x", "9" * 5000):
        assert fresh.client.get("/_local/requests", params={"after": after}).status_code == 422


def test_what_is_refused_before_or_beside_a_handler_is_a_line_too(fresh, github, monkeypatch):
    scripts = f"/client/v4/accounts/{fresh.settings.account}/workers/scripts"
    policy = {
        "effect": "allow",
        "resources": {f"com.cloudflare.api.account.{fresh.settings.account}": "*"},
        "permission_groups": [{"id": "b89a480218d04ceb98b4fe57ca29dc1f"}],
    }
    made = fresh.client.post("/client/v4/user/tokens", json={"name": "reader", "policies": [policy]}).json()["result"]
    weak = {"Authorization": f"Bearer {made['value']}"}
    monkeypatch.setattr("local_cloud.service.MAX_BODY_BYTES", 1000)
    answers = [
        fresh.client.get("/client/v4/none"),
        fresh.client.put(f"{scripts}/app", content=b"{}", headers={"Content-Type": "application/json"}),
        fresh.client.put(f"{scripts}/app", files=upload({}), headers=weak),
        fresh.client.put(f"{scripts}/app", files=upload({}, index=HELLO + " " * 1000)),
        github("POST", "/orgs/overskill/repos", json={"name": "x" * 1000}),
        fresh.client.get("/client/v4/zones", headers={"Authorization": f"Bearer {REAL}"}),
        fresh.client.get("/overskill/none.git/info/refs?service=git-upload-pack", headers={"Authorization": ""}),
    ]
    told = lines(fresh)[: len(answers)][::-1]
    assert [status for _, _, status, _ in told] == [answer.status_code for answer in answers]
    assert [problem.partition(" ")[0] for *_, problem in told[:3]] == ["7003", "10001", "10000"]
    assert [status for _, _, status, _ in told[1:5]] == [415, 403, 413, 413]
    assert "413 Request Entity Too Large" in told[3][3]
    assert told[6] == ("GET", "/overskill/none.git/info/refs", 401, "Repository not found.")


def test_gits_calls_are_lines(fresh, github, tmp_path):
    github("POST", "/orgs/overskill/repos", json={"name": "app", "auto_init": True}).raise_for_status()
    url = f"http://git:{fresh.cloud.credentials.github_token}@127.0.0.1:{fresh.client.base_url.port}"
    subprocess.run(["git", "clone", "-q", f"{url}/overskill/app.git", tmp_path / "clone"], check=True)
    found = fresh.client.get("/_local/requests").json()["requests"]
    gits = {(each["path"], each["status"]) for each in found if each["service"] == "git"}
    assert {("/overskill/app.git/info/refs", 200), ("/overskill/app.git/git-upload-pack", 200)} <= gits
    assert found[0]["answer"].startswith("application/x-git-upload-pack-result, ")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/client/v4/zones", {"Authorization": f"Bearer {REAL}"}),
        ("/client/v4/zones", {"X-Auth-Email": "a@example.com", "X-Auth-Key": "c2547eb745079dac9320b638f5e225cf483cc"}),
        ("/api/v3/orgs/overskill", {"Authorization": "Bearer ghp_" + "aB3" * 12}),
        ("/api/v3/orgs/overskill?access_token=ghp_" + "aB3" * 12, {}),
        ("/repos/overskill/app", {"Authorization": "token gho_" + "aB3" * 12}),
        ("/_local/unknown-routes", {"Authorization": f"Bearer {REAL}"}),
        (
            "/overskill/app.git/info/refs?service=git-receive-pack",
            {"Authorization": "Basic " + b64encode(b"git:ghs_" + b"aB3" * 12).decode()},
        ),
    ],
)
def test_a_real_looking_token_is_refused_and_told_why_without_being_shown(fresh, path, headers, caplog):
    sent = httpx.get(str(fresh.client.base_url.join(path)), headers=headers, trust_env=False)
    assert sent.status_code == 401
    body = sent.json() if sent.headers["content-type"] == "application/json" else sent.text
    match body:
        case {"errors": [{"code": 10000, "message": message}], "success": False}:
            assert path.startswith("/client/v4")
        case {"message": message, "status": "401"}:
            assert path.startswith("/api/v3")
        case {"error": message} | str(message):
            pass
    assert real_tokens.REASON in message
    everything = sent.text + fresh.client.get("/_local/requests").text + caplog.text
    assert not any(token in everything for token in (REAL, "aB3aB3aB3", "c2547eb7"))


def test_it_is_refused_before_its_body_is_read(fresh):
    head = (
        b"POST /client/v4/zones HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
        b"Authorization: Bearer " + REAL.encode() + b"\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", fresh.client.base_url.port), timeout=5) as connection:
        connection.sendall(head)
        assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")


def plant(fresh, github):
    """Send a secret of each kind; what was answered with a secret that the local cloud has made."""
    account, headers = f"/client/v4/accounts/{fresh.settings.account}", {"X-Custom": PLANTED, "Cookie": f"a={PLANTED}"}
    namespace = f"{account}/workers/dispatch/namespaces"
    fresh.client.post(namespace, json={"name": "apps"}).raise_for_status()
    secret = {"name": "TOKEN", "text": PLANTED, "type": "secret_text"}
    bindings = {"bindings": [secret]}
    fresh.client.put(f"{namespace}/apps/scripts/app", files=upload(bindings)).raise_for_status()
    fresh.client.put(f"{account}/workers/scripts/dispatch", files=upload(bindings)).raise_for_status()
    fresh.client.put(f"{account}/workers/scripts/dispatch/secrets", json=secret).raise_for_status()
    fresh.client.put(f"{account}/workers/scripts/dispatch/secrets", json={**secret, "unknown": PLANTED})
    fresh.client.get(f"/client/v4/zones?name={PLANTED}", headers=headers)
    fresh.client.get("/client/v4/zones", headers={"Authorization": f"Bearer {PLANTED}"})
    fresh.client.get(f"/nowhere?key={PLANTED}", headers=headers)
    kv = fresh.client.post(f"{account}/storage/kv/namespaces", json={"title": "kv"}).json()["result"]["id"]
    value = f"{account}/storage/kv/namespaces/{kv}/values/key"
    fresh.client.put(value, content=json.dumps({"password": PLANTED})).raise_for_status()
    assert PLANTED in fresh.client.get(value).text
    github("POST", "/orgs/overskill/repos", json={"name": "app"}).raise_for_status()
    config = {"url": f"http://127.0.0.1:9/?token={PLANTED}", "secret": PLANTED}
    github("POST", "/repos/overskill/app/hooks", json={"config": config, "events": ["push"]}).raise_for_status()
    github("POST", "/repos/overskill/app/hooks", json={"config": {**config, "url": PLANTED}})
    key = github("GET", "/repos/overskill/app/actions/secrets/public-key").json()
    sealed = b64encode(SealedBox(PublicKey(b64decode(key["key"]))).encrypt(PLANTED.encode())).decode()
    sent = {"encrypted_value": sealed, "key_id": key["key_id"]}
    github("PUT", "/repos/overskill/app/actions/secrets/TOKEN", json=sent).raise_for_status()
    policy = {
        "effect": "allow",
        "resources": {f"com.cloudflare.api.account.{fresh.settings.account}": "*"},
        "permission_groups": [{"id": "b89a480218d04ceb98b4fe57ca29dc1f"}],
    }
    made = fresh.client.post("/client/v4/user/tokens", json={"name": "t", "policies": [policy]}).json()["result"]
    return [sealed, made["value"]]


def test_no_secret_is_in_the_page_the_api_the_log_or_the_state(fresh, github, tmp_path, caplog):
    with caplog.at_level("DEBUG"):
        made = plant(fresh, github)
        fresh.client.cookies.set(f"local-cloud-{fresh.settings.api_port}", fresh.cloud.credentials.page_key)
        pages = [fresh.client.get("/").text]
        for section in ("scripts", "workers", "kv-namespaces", "repositories", "webhook-deliveries", "unknown-routes"):
            pages.append(fresh.client.get("/", params={"section": section}).text)
        pages.append(fresh.client.get("/_local/page/requests").text)
        api = [fresh.client.get(f"/_local/{path}").text for path in ("requests", "unknown-routes", "snapshots")]
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("local_cloud"))
    assert "/workers/scripts/dispatch/secrets 200" in logged
    assert "/workers/scripts/dispatch/secrets" in pages[0]
    credentials = fresh.cloud.credentials
    own = [credentials.cloudflare_token, credentials.github_token, credentials.page_key]
    for secret in (PLANTED, *made, *own):
        assert not any(secret in text for text in (*pages, *api, logged))
    # The store has KV's values and a hook's address, which the API gives back; a secret that it does not, it hasn't.
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "credentials.json":
            assert not any(secret.encode() in path.read_bytes() for secret in (*made, *own)), path


def recorded(*routes):
    kept = Exchanges()
    return kept, Starlette(routes=routes, middleware=[Middleware(Recorder, kept, {})])


def test_a_large_answer_and_one_that_is_not_what_it_says_are_told_in_a_line():
    async def large(_):
        return PlainTextResponse("x" * (exchanges.MAX_BODY_BYTES + 1), 500)

    async def wrong(_):
        return Response(b"[" * 5000, media_type="application/json")

    kept, app = recorded(Route("/large", large), Route("/wrong", wrong))
    with serving(app) as client:
        client.get("/large")
        client.get("/wrong")
    assert [each.answer for each in kept.after()] == [
        "application/json, which is none, 5,000 bytes",
        f"text/plain, {exchanges.MAX_BODY_BYTES + 1:,} bytes",
    ]


def test_the_last_500_are_kept_and_a_fault_is_one_of_them():
    async def path(request):
        if request.path_params["number"] == 509:
            raise RuntimeError
        return PlainTextResponse("")

    kept, app = recorded(Route("/{number:int}", path))
    with serving(app) as client:
        for number in range(510):
            client.get(f"/{number}")
    found = kept.after()
    assert [found[0].path, found[-1].path, len(found)] == ["/509", "/10", 500]
    assert (found[0].status, found[1].status) == (500, 200)

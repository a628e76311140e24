"""Static assets of namespace scripts: a session, its uploads, and the script that gets them."""

import base64
import hashlib
import json
import time
from itertools import chain

import pytest
from contract_service import HELLO, upload
from wrangler_command import Wrangler

from local_cloud.cloudflare.script_assets import manifest

UPLOAD = "/accounts/{account}/workers/assets/upload"


def digest(body):
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def described(files):
    return {"manifest": {path: {"hash": digest(body), "size": len(body.encode())} for path, body in files.items()}}


def session(cf, script, files):
    return cf.post(f"{script}/assets-upload-session", json=described(files))["result"]


def parts(*bodies, content_type="text/html"):
    return [(digest(body), (digest(body), base64.b64encode(body.encode()), content_type)) for body in bodies]


def sent(cf, token, form, status=201, **query):
    query = {"base64": "true", **query}
    headers = {"Authorization": f"Bearer {token}"}
    return cf.post(UPLOAD, files=form, params=query, headers=headers, status=status)


def refused(cf, token, form, status=400, **query):
    headers = {"Authorization": f"Bearer {token}"}
    return cf.refused("POST", UPLOAD, status, files=form, params={"base64": "true", **query}, headers=headers)


def attached(cf, script, files):
    """The token of a completed session."""
    opened = session(cf, script, files)
    if not opened["buckets"]:
        return opened["jwt"]
    return sent(cf, opened["jwt"], parts(*set(files.values())))["result"]["jwt"]


def assets_alone(**assets):
    return [("metadata", (None, json.dumps({"compatibility_date": "2026-01-01", "assets": assets})))]


@pytest.fixture
def script(namespace, name):
    return f"{namespace}/scripts/{name}"


@pytest.fixture
def served(local, name):
    """What the edge sees of the script."""
    return lambda: local.view.namespace_script(name, name)


def test_assets_are_uploaded_in_parts_and_attached(cf, local, script, served):
    files = {"/index.html": "home", "/a.css": "css"}
    opened = session(cf, script, files)
    assert sorted(chain(*opened["buckets"])) == sorted(map(digest, files.values()))
    assert "jwt" not in sent(cf, opened["jwt"], parts("home"), status=202)["result"]
    token = sent(cf, opened["jwt"], parts("css", content_type="application/null"))["result"]["jwt"]
    binding = {"type": "assets", "name": "ASSETS"}
    config = {"html_handling": "none", "run_worker_first": ["/api/*"], "_headers": "/*\n  a: b", "_redirects": "/x /y"}
    made = cf.put(script, files=upload({"assets": {"jwt": token, "config": config}, "bindings": [binding]}))["result"]
    assert (made["has_assets"], made["has_modules"]) == (True, True)
    assert cf.get(f"{script}/bindings")["result"] == [binding]
    assets = served().assets
    assert assets.manifest == manifest({path: digest(body) for path, body in files.items()})
    assert assets.router == {
        "has_user_worker": True,
        "static_routing": {"user_worker": ["/api/*"], "asset_worker": []},
    }
    assert (assets.worker["html_handling"], assets.worker["compatibility_date"]) == ("none", "2026-01-01")
    assert assets.worker["headers"]["rules"] == {"/*": {"set": {"a": "b"}}}
    assert assets.worker["redirects"]["staticRules"]["/x"]["to"] == "/y"
    found = {body: local.view.asset(assets.namespace, digest(body)) for body in ("home", "css")}
    assert {body: (one.content_type, one.body) for body, one in found.items()} == {
        "home": ("text/html", b"home"),
        "css": (None, b"css"),
    }


def test_what_the_namespace_has_is_not_uploaded_again(cf, local, script):
    attached(cf, script, {"/a": "one"})
    opened = session(cf, f"{script}-other", {"/b": "one"})
    assert opened["buckets"] == []
    made = cf.put(f"{script}-other", files=assets_alone(jwt=opened["jwt"]))["result"]
    assert (made["has_assets"], made["has_modules"], made["handlers"]) == (True, False, [])
    assert "cf-entrypoint" not in cf.send("GET", f"{script}-other/content").headers


def test_a_later_upload_keeps_assets_only_if_it_says_so(cf, local, script, served):
    cf.put(script, files=upload({"assets": {"jwt": attached(cf, script, {"/a": "one"})}}))
    first = served()
    cf.put(script, files=upload({"keep_assets": True}))
    assert served().assets == first.assets
    cf.put(script, files=upload({"keep_assets": True, "assets": {"config": {"html_handling": "none"}}}))
    assert served().assets.manifest == first.assets.manifest
    assert served().assets.worker["html_handling"] == "none"
    assert served().version != first.version
    cf.put(script, files=upload({}))
    assert served().assets is None


def test_files_are_divided_into_buckets(cf, local, script):
    many = {f"/{number}": str(number) for number in range(1001)}
    assert [len(bucket) for bucket in session(cf, script, many)["buckets"]] == [1000, 1]
    large = {f"/{number}": {"hash": f"{number:032x}", "size": 25 * 1024 * 1024} for number in range(2)}
    opened = cf.post(f"{script}/assets-upload-session", json={"manifest": large})["result"]
    assert [len(bucket) for bucket in opened["buckets"]] == [1, 1]


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        ({"/a": {"hash": "a" * 32, "size": 25 * 1024 * 1024 + 1}}, "manifest./a.size"),
        ({"/a": {"hash": "xyz", "size": 1}}, "manifest./a.hash"),
        ({"a": {"hash": "a" * 32, "size": 1}}, "manifest.a"),
        ({"/a": {"hash": "a" * 32, "size": 1, "type": "x"}}, "manifest./a.type"),
        ({"/a": {"hash": "a" * 32, "size": 1}, "/b": {"hash": "a" * 32, "size": 2}}, "another size"),
    ],
)
def test_a_wrong_manifest_is_refused(cf, local, script, files, wrong):
    assert wrong in cf.refused("POST", f"{script}/assets-upload-session", 400, json={"manifest": files})[1]


def test_a_file_must_be_the_one_that_was_announced(cf, local, script):
    token = session(cf, script, {"/a": "one"})["jwt"]
    assert "not in the manifest" in refused(cf, token, parts("two"))[1]
    longer = [(digest("one"), (digest("one"), base64.b64encode(b"longer"), "text/html"))]
    assert "has 6 bytes, the manifest says 3" in refused(cf, token, longer)[1]
    assert "not base64" in refused(cf, token, [(digest("one"), (digest("one"), b"%%%", "text/html"))])[1]
    assert "base64" in refused(cf, token, parts("one"), base64="false")[1]
    assert session(cf, script, {"/a": "one"})["buckets"] == [[digest("one")]]


def test_only_the_token_of_the_session_is_taken(cf, local, script):
    opened, vault = session(cf, script, {"/a": "one"}), local.cloud.vault
    claims = vault.claims(opened["jwt"])
    forged = [
        cf.token,
        "x",
        vault.token({**claims, "exp": int(time.time()) - 1}),
        vault.token({**claims, "account": "f" * 32}),
        vault.token({**claims, "sub": "f" * 32}),
        vault.token({**claims, "complete": True}),
    ]
    for token in forged:
        assert refused(cf, token, parts("one"), status=401) == (10000, "Authentication error")
    assert cf.refused("GET", "/user", 401, headers={"Authorization": f"Bearer {opened['jwt']}"})[0] == 10000


def test_a_script_gets_only_its_own_completed_session(cf, local, script, name):
    opened = session(cf, script, {"/a": "one"})
    for token in (opened["jwt"], attached(cf, f"{script}-other", {"/a": "one"}), "x"):
        assert cf.refused("PUT", script, 401, files=upload({"assets": {"jwt": token}}))[0] == 10000
    assert local.view.namespace_script(name, name) is None


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"assets": {"config": {}}}, "assets.jwt: Field required"),
        ({"assets": {"jwt": "", "config": {"serve": True}}}, "10026 workers.api.error.parse_body: assets.config.serve"),
        ({"bindings": [{"type": "assets", "name": "A"}]}, "10021 Cannot use an assets binding without assets"),
        (
            {"assets": {"config": {"_redirects": "/* /index.html 200"}}},
            "100324 Invalid _redirects configuration:\nLine 1: Infinite loop detected",
        ),
        ({"assets": {"config": {"_headers": "/a"}}}, "No headers specified"),
        ({"assets": {"config": {"run_worker_first": ["a"]}}}, "must start with"),
    ],
)
def test_what_is_wrong_about_assets_is_refused(cf, local, script, metadata, error):
    code, message = cf.refused("PUT", script, 400, files=upload(metadata))
    assert error in f"{code} {message}"


def test_assets_alone_have_no_worker_to_run_first_and_nothing_needs_something(cf, local, script):
    wrong = assets_alone(jwt=attached(cf, script, {"/a": "one"}), config={"run_worker_first": True})
    assert "without a Worker script" in cf.refused("PUT", script, 400, files=wrong)[1]
    first = {"jwt": attached(cf, script, {"/a": "one"}), "config": {"run_worker_first": True}}
    cf.put(script, files=upload({"assets": first}))
    kept = [("metadata", (None, json.dumps({"keep_assets": True})))]
    assert "without a Worker script" in cf.refused("PUT", script, 400, files=kept)[1]
    nothing = [("metadata", (None, json.dumps({"compatibility_date": "2026-01-01"})))]
    assert "main_module" in cf.refused("PUT", script, 400, files=nothing)[1]


def test_settings_cannot_bind_assets_that_are_not_there(cf, local, script):
    cf.put(script, files=upload({}))
    form = [("settings", (None, json.dumps({"bindings": [{"type": "assets", "name": "A"}]}), "application/json"))]
    assert "without assets" in cf.refused("PATCH", f"{script}/settings", 400, files=form)[1]


def test_a_session_ends_with_its_namespace(cf, local, namespace, script, name):
    token = session(cf, script, {"/a": "one"})["jwt"]
    cf.delete(namespace)
    assert refused(cf, token, parts("one"), status=401)[0] == 10000
    cf.post("/accounts/{account}/workers/dispatch/namespaces", json={"name": name})


@pytest.fixture
def command(cf, wrangler, local, tmp_path):
    api = str(local.client.base_url).rstrip("/")
    return Wrangler(program=wrangler, api=api, token=cf.token, account=cf.names["account"], home=tmp_path)


def public(folder):
    (folder / "public").mkdir()
    for file, text in {"index.html": "<h1>é</h1>", "_headers": "/*\n  a: b\n", "empty.txt": ""}.items():
        (folder / "public" / file).write_text(text)


def test_wrangler_deploys_assets_with_a_worker(command, namespace, name, served):
    config = {"directory": "public", "binding": "ASSETS", "run_worker_first": ["/api/*"]}
    folder = command.project(name, HELLO, assets=config)
    public(folder)
    assert "Uploaded 2 of 2 assets" in command.run(f"deploy --dispatch-namespace {name}", folder)
    assert served().assets.router["has_user_worker"]
    assert served().assets.worker["headers"]["rules"] == {"/*": {"set": {"a": "b"}}}
    assert len(served().assets.manifest) == 20 + 2 * 40
    assert "No updated asset files to upload" in command.run(f"deploy --dispatch-namespace {name}", folder)


def test_wrangler_deploys_assets_alone(command, namespace, name, served):
    folder = command.project(name, HELLO)
    (folder / "wrangler.json").unlink()
    public(folder)
    options = f"--name {name} --compatibility-date 2026-01-01 --assets public"
    command.run(f"deploy --dispatch-namespace {name} {options}", folder)
    assert not served().assets.router["has_user_worker"]
    assert served().modules == ()


def test_an_account_worker_with_assets_is_refused_by_name(cf, local, name):
    wrong = upload({"assets": {"jwt": "x"}})
    assert "'assets'" in cf.refused("PUT", f"/accounts/{{account}}/workers/scripts/{name}", 400, files=wrong)[1]

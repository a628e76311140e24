"""The deploy broker, used as it should be: what reaches Cloudflare, and what is kept of it."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from broker_world import CLOUDFLARE_TOKEN, HELLO, World, claims, form, script_path, world

from control_plane.broker.bundles import Bundles, Folder
from local_cloud.multipart import parse


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def sent(call) -> dict:
    """The metadata of an upload that reached Cloudflare."""
    (part,) = (part for part in parse(call.content_type, call.body) if part.name == "metadata")
    return json.loads(part.body)


@pytest.mark.parametrize(
    ("ref", "script", "environment"),
    [("refs/heads/main", "mine", "production"), ("refs/heads/staging", "staging-mine", "staging")],
)
def test_a_branch_deploys_its_script(broker: World, tmp_path: Path, ref: str, script: str, environment: str) -> None:
    token = broker.neighbours.token(claims("mine", 1, ref))
    own = [{"type": "plain_text", "name": "GREETING", "text": "hi"}, {"type": "secret_text", "name": "S", "text": "x"}]
    answer = broker.send("PUT", script_path(script, environment), token, files=form({"bindings": own}))
    assert answer.status_code == 200, answer.text
    (call,) = broker.neighbours.calls
    assert (call.method, call.path) == ("PUT", script_path(script, environment))
    assert call.authorization == f"Bearer {CLOUDFLARE_TOKEN}"
    metadata = sent(call)
    assert metadata["tags"] == ["app-mine", f"environment-{environment}"]
    assert metadata["keep_bindings"] == ["secret_key", "secret_text"]
    assert metadata["observability"] == {"enabled": True}
    names = {binding["name"] for binding in metadata["bindings"]}
    assert names == {"OVERSKILL_APP_NAME", "GREETING", "S"} | ({"DB"} if environment == "production" else set())
    (row,) = broker.deployments()
    assert (row.app_id, row.script, row.status, row.run_id, row.commit) == ("mine", script, "uploaded", 12, "c" * 40)
    assert row.url == f"https://{script}.overskill.localhost/"
    (entry,) = broker.audited()
    assert (entry.actor, entry.action, entry.subject, entry.result) == (
        "run:overskill-apps/mine/12",
        "deploy.upload",
        f"script:{script}",
        "ok",
    )
    bundle = Bundles(Folder(tmp_path / "bundles")).open(row.bundle)
    assert "S" not in json.dumps(bundle["metadata"]["bindings"])
    (module,) = bundle["modules"]
    assert module["digest"] == hashlib.sha256(HELLO.encode()).hexdigest()
    assert Folder(tmp_path / "bundles").get(module["digest"]).decode() == HELLO


def test_a_pull_request_has_a_preview_of_its_own_which_goes_with_it(broker: World) -> None:
    broker.neighbours.pulls[7] = (1, "open")
    path = script_path("preview-mine-pr7", "preview")
    token = broker.neighbours.token(claims("mine", 1, "refs/pull/7/merge"))
    assert broker.send("GET", path, token).status_code == 200
    assert broker.send("PUT", path, token, files=form({})).status_code == 200
    metadata = sent(broker.neighbours.calls[-1])
    assert metadata["tags"] == ["app-mine", "environment-preview", "pull-request-7"]
    assert {"type": "d1", "name": "DB", "id": "mine-database"} in metadata["bindings"]
    (row,) = broker.deployments()
    assert (row.environment, row.pull_request) == ("preview", 7)

    assert "pull request 7 is open" in broker.send("DELETE", path, token).text
    broker.neighbours.pulls[7] = (1, "closed")
    merged = claims("mine", 1, event_name="pull_request", environment=None)  # the ref is the branch it was merged into
    assert broker.send("DELETE", path, broker.neighbours.token(merged)).json()["success"]
    assert (broker.neighbours.calls[-1].method, broker.neighbours.calls[-1].path) == ("DELETE", path)
    assert "pull request 7 is closed" in broker.send("PUT", path, token, files=form({})).text


def test_assets_are_known_by_hashes_of_the_apps_own(broker: World, tmp_path: Path) -> None:
    body = b"<h1>mine</h1>"
    own, manifest = "a" * 32, {"/index.html": {"hash": "a" * 32, "size": len(body)}}
    token = broker.neighbours.token(claims("mine", 1))
    session = f"{script_path('mine')}/assets-upload-session"
    opened = broker.send("POST", session, token, json={"manifest": manifest}).json()["result"]
    assert opened["buckets"] == [[own]]
    other = broker.neighbours.token(claims("other", 2))
    broker.send("POST", f"{script_path('other')}/assets-upload-session", other, json={"manifest": manifest})
    salts = [json.loads(call.body)["manifest"]["/index.html"]["hash"] for call in broker.neighbours.calls]
    assert len({own, *salts}) == 3

    upload = f"{script_path('mine').partition('/workers')[0]}/workers/assets/upload?base64=true"
    files = [(own, (own, base64.b64encode(body), "text/html"))]
    completed = broker.send("POST", upload, opened["jwt"], files=files).json()["result"]["jwt"]
    call = broker.neighbours.calls[-1]
    assert call.authorization == "Bearer cloudflares-upload-token"
    (part,) = parse(call.content_type, call.body)
    assert (part.name, part.filename, part.content_type) == (salts[0], salts[0], "text/html")
    assert base64.b64decode(part.body) == body

    metadata = {"assets": {"jwt": completed, "config": {"html_handling": "none"}}}
    assert broker.send("PUT", script_path("mine"), token, files=form(metadata)).status_code == 200
    attached = {"jwt": "cloudflares-completion-token", "config": {"html_handling": "none"}}
    assert sent(broker.neighbours.calls[-1])["assets"] == attached
    for kept in (opened["jwt"], completed):
        assert "cloudflares" not in json.dumps(jwt.decode(kept, options={"verify_signature": False}))
    store = Bundles(Folder(tmp_path / "bundles"))
    file = store.open(broker.deployments()[0].bundle)["assets"]["/index.html"]
    assert (file["hash"], file["content_type"]) == (salts[0], "text/html")
    assert store.store.get(file["digest"]) == body


def test_what_wrangler_asks_of_the_account_is_answered_here(broker: World) -> None:
    token = broker.neighbours.token(claims("mine", 1))
    worker = script_path("mine").replace("dispatch/namespaces/overskill-development-production/", "")
    assert broker.send("GET", f"{worker}/secrets", token).json()["errors"][0]["code"] == 10007
    (_, database) = broker.send("GET", f"{worker}/settings", token).json()["result"]["bindings"]
    assert database["name"] == "DB"
    inherited = {"bindings": [{"type": "inherit", "name": "DB"}]}
    assert broker.send("PUT", script_path("mine"), token, files=form(inherited)).status_code == 200
    assert database in sent(broker.neighbours.calls[-1])["bindings"]
    assert len(broker.neighbours.calls) == 1


def test_keys_that_the_issuer_changes_are_fetched_anew_but_not_at_will(broker: World) -> None:
    known = broker.neighbours.token(claims("mine", 1))
    for _ in range(3):
        assert broker.send("GET", script_path("mine"), known).status_code == 200
    for number in range(5):
        unknown = broker.neighbours.token(claims("mine", 1), headers={"kid": f"unknown-{number}"})
        assert broker.send("GET", script_path("mine"), unknown).status_code == 401
    assert broker.neighbours.fetches == 1


def test_what_cloudflare_refuses_is_shown_and_an_upload_is_not_sent_twice(broker: World) -> None:
    token, neighbours = broker.neighbours.token(claims("mine", 1)), broker.neighbours
    neighbours.failing = 503
    answer = broker.send("PUT", script_path("mine"), token, files=form({}))
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (503, "Cloudflare's own reason")
    assert answer.headers["retry-after"] == "7"
    assert len(neighbours.calls) == 1
    assert broker.deployments() == []
    (entry,) = broker.audited()
    assert (entry.result, entry.details["error"]) == ("failed", "Cloudflare: HTTP 503")
    assert broker.send("GET", script_path("mine"), token).status_code == 503
    assert len(neighbours.calls) == 1 + 3
    assert len(broker.audited()) == 1

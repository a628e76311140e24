"""Rolling back: what reaches Cloudflare, what is recorded, what a pin stops, and a deploy at the same time."""

import asyncio
import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from broker_world import ACCOUNT, JAVASCRIPT, World, claims, form, script_path, world

from control_plane import audit, operators
from control_plane.access import issue
from control_plane.broker.bundles import Bundles, Folder
from control_plane.tables import AuditEntry, Deployment, Event, Pin
from local_cloud.multipart import parse

MINE = script_path("mine")
MOST = 99
"""Two uploads each, and the two before: so many are looked through (`deployments.UPLOADS`)."""
MANY = pytest.mark.parametrize("times", [8, pytest.param(MOST, marks=pytest.mark.slow)])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def deploy(broker: World, version: str, run_id: int, **metadata: Any) -> httpx.Response:
    """A push of `version`, which brings an asset too."""
    token = broker.neighbours.token(claims("mine", 1, run_id=str(run_id), sha=version * 40))
    body = f"<h1>{version}</h1>".encode()
    own = version * 32
    manifest = {"/index.html": {"hash": own, "size": len(body)}}
    opened = broker.send("POST", f"{MINE}/assets-upload-session", token, json={"manifest": manifest})
    if opened.is_error:
        return opened
    upload = f"/accounts/{ACCOUNT}/workers/assets/upload?base64=true"
    files = [(own, (own, base64.b64encode(body), "text/html"))]
    completed = broker.send("POST", upload, opened.json()["result"]["jwt"], files=files).json()["result"]["jwt"]
    code = [("code.js", ("code.js", f"export default {version!r}", JAVASCRIPT))]
    return broker.send("PUT", MINE, token, files=form({"assets": {"jwt": completed}, **metadata}, *code))


def api(broker: World, path: str, *scopes: str, **body: Any) -> httpx.Response:
    with broker.database.writing() as session:
        token = issue(session, f"builder-{session.scalar(sa.func.random())}", list(scopes or ["deployments:write"]))
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{broker.url}/api/apps/mine/{path}", headers=headers, json=body, trust_env=False, timeout=30)


def version_of(call: Any) -> str:
    (code,) = (part.body.decode() for part in parse(call.content_type, call.body) if part.name == "code.js")
    return code[-2]


def test_a_rollback_is_the_bundle_with_its_assets_and_what_is_declared(broker: World) -> None:
    variables = [{"type": "plain_text", "name": "GREETING", "text": "hi"}]
    assert deploy(broker, "a", 1, bindings=variables, compatibility_flags=["nodejs_compat"]).status_code == 200
    assert deploy(broker, "b", 2).status_code == 200
    first, second = broker.deployments()
    broker.neighbours.calls.clear()
    answer = api(broker, "rollback")
    assert answer.status_code == 202, answer.text
    session, assets, put = broker.neighbours.calls
    assert session.path == f"{MINE}/assets-upload-session"
    (file,) = json.loads(session.body)["manifest"].values()
    (part,) = parse(assets.content_type, assets.body)
    assert (part.name, part.content_type) == (file["hash"], "text/html")
    assert base64.b64decode(part.body) == b"<h1>a</h1>"
    parts = {part.name: part for part in parse(put.content_type, put.body)}
    described = json.loads(parts["metadata"].body)
    assert described["assets"]["jwt"] == "cloudflares-completion-token"
    assert described["tags"] == ["app-mine", "environment-production"]
    assert described["compatibility_flags"] == ["nodejs_compat"]
    assert described["keep_bindings"] == ["secret_key", "secret_text"]
    assert {binding["name"] for binding in described["bindings"]} == {"OVERSKILL_APP_NAME", "DB", "GREETING"}
    assert version_of(put) == "a"

    made = answer.json()
    assert (made["source"], made["repeats"], made["bundle"]) == ("rollback", first.id, first.bundle)
    assert (made["run"], made["commit"]) == ({"id": 0, "attempt": 1}, "a" * 40)
    with broker.database.reading() as session:
        (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "deploy.rollback"))
        events = session.scalars(sa.select(Event).where(Event.type == "deploy.uploaded")).all()
        audit.verify(session)
    assert (entry.subject, entry.result, entry.details["to"]) == ("script:mine", "ok", first.id)
    assert entry.actor.startswith("token:builder")
    assert events[-1].data["source"] == "rollback"
    assert second.bundle != first.bundle


def test_a_second_rollback_goes_further_back_and_never_forth(broker: World) -> None:
    for run, version in enumerate("abc", 1):
        deploy(broker, version, run)
    back = [api(broker, "rollback").json()["commit"][0] for _ in range(2)]
    assert back == ["b", "a"]
    nothing = api(broker, "rollback")
    assert nothing.status_code == 409
    assert "no good deploy before what is live" in nothing.json()["detail"]
    third = broker.deployments()[2]
    assert api(broker, "rollback", to=third.id).json()["commit"] == "c" * 40
    unknown = api(broker, "rollback", to=4711)
    assert unknown.status_code == 404
    assert f"{third.id} (ccccccc, uploaded" in unknown.json()["detail"]


def test_a_pin_refuses_deploys_until_it_is_lifted(broker: World) -> None:
    deploy(broker, "a", 1)
    deploy(broker, "b", 2)
    pinned = api(broker, "rollback", pin=True).json()
    refused = deploy(broker, "c", 3)
    assert refused.status_code == 409
    (error,) = refused.json()["errors"]
    assert f"mine is pinned to deployment {pinned['id']}" in error["message"]
    assert "overskill app unpin mine --environment production" in error["message"]
    staging = broker.neighbours.token(claims("mine", 1, "refs/heads/staging"))
    assert broker.send("PUT", script_path("staging-mine", "staging"), staging, files=form({})).status_code == 200
    moved = api(broker, "rollback", to=1).json()
    with broker.database.reading() as session:
        assert session.get_one(Pin, "mine").deployment_id == moved["id"]
    assert api(broker, "unpin").json() == {"lifted": True}
    assert api(broker, "unpin").json() == {"lifted": False}
    assert deploy(broker, "c", 4).status_code == 200
    with broker.database.reading() as session:
        told = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.action == "deploy.unpin")).all()
    assert len(told) == 1


def test_an_operator_rolls_back_and_unpins_by_the_dashboards_forms(broker: World) -> None:
    deploy(broker, "a", 1)
    deploy(broker, "b", 2)
    with broker.database.writing() as session:
        link = operators.login_link(session, "anna", broker.url)
    with httpx.Client(base_url=broker.url, headers={"Origin": broker.url}, trust_env=False, timeout=30) as client:
        client.get(link)
        shown = client.get("/apps/mine").text
        (to,) = re.findall(r'<option value="(\d+)">[^<]*aaaaaaa', shown)
        form = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', shown)[0], "environment": "production"}
        assert client.post("/apps/mine/rollback", data={**form, "to": to, "csrf": "x"}).status_code == 403
        assert client.post("/apps/mine/rollback", data={**form, "to": to, "pin": "true"}).status_code == 303
        assert "Lift the pin of production" in client.get("/apps/mine").text
        assert client.post("/apps/mine/unpin", data=form).status_code == 303
        assert "Lift the pin" not in client.get("/apps/mine").text
        unknown = client.post("/apps/mine/rollback", data={**form, "to": "4711"})
        assert (unknown.status_code, "Nothing has changed" in unknown.text) == (404, True)
    with broker.database.reading() as session:
        entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.actor == "operator:anna")).all()
    told = [entry.action for entry in entries if entry.action in ("deploy.rollback", "deploy.unpin")]
    assert told == ["deploy.rollback", "deploy.unpin"]


def test_only_who_may_deploy_rolls_back(broker: World) -> None:
    deploy(broker, "a", 1)
    assert api(broker, "rollback", "deployments:read").status_code == 403
    assert api(broker, "unpin", "apps:write").status_code == 403


def test_what_was_lost_or_damaged_is_told_and_nothing_is_uploaded(broker: World, tmp_path: Path) -> None:
    deploy(broker, "a", 1)
    deploy(broker, "b", 2)
    bundle = Bundles(Folder(tmp_path / "bundles")).open(broker.deployments()[0].bundle)
    digest = bundle["modules"][0]["digest"]
    file = tmp_path / "bundles" / "files" / digest[:2] / digest
    kept = file.read_bytes()
    broker.neighbours.calls.clear()
    file.write_bytes(b"something else")
    damaged = api(broker, "rollback")
    assert (damaged.status_code, digest in damaged.json()["detail"]) == (404, True)
    file.unlink()
    missing = api(broker, "rollback")
    assert (missing.status_code, digest in missing.json()["detail"]) == (404, True)
    assert broker.neighbours.calls == []
    with broker.database.reading() as session:
        entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "deploy.rollback")).all()
    assert [entry.result for entry in entries] == ["failed", "failed"]
    file.write_bytes(kept)
    broker.neighbours.failing = 500
    assert "Cloudflare's own reason" in api(broker, "rollback").json()["detail"]
    assert len(broker.deployments()) == 2


@MANY
def test_a_rollback_during_a_deploy_ends_in_one_of_both_whole_and_the_records_know_which(
    broker: World, times: int
) -> None:
    """Provoked over and over: what Cloudflare was given last is what is recorded as live, with all of its parts."""
    broker.neighbours.slow = 0.03
    deploy(broker, "a", 1)
    deploy(broker, "b", 2)
    seen, took = set(), [0.1]
    for attempt in range(times):
        version = "cdef"[attempt % 4]
        broker.neighbours.calls.clear()
        begin = threading.Barrier(2)

        def push(version: str = version, attempt: int = attempt, begin: threading.Barrier = begin) -> None:
            begin.wait()
            began = time.monotonic()
            assert deploy(broker, version, 100 + attempt).status_code == 200
            took.append(time.monotonic() - began)

        pushing = threading.Thread(target=push)
        pushing.start()
        begin.wait()
        time.sleep(took[-1] * (attempt % 8) / 8)  # at each stage of the deploy
        assert api(broker, "rollback", to=1).status_code == 202
        pushing.join()
        last = [call for call in broker.neighbours.calls if call.method == "PUT"][-1]
        with broker.database.reading() as session:
            rows = session.scalars(sa.select(Deployment)).all()
        live = max(rows, key=lambda row: row.upload)
        assert version_of(last) == live.commit[0]
        seen.add(live.source)
    assert seen == {"rollback", "pipeline"} or times < MOST


@MANY
def test_a_pin_that_comes_while_a_deploy_is_under_way_holds(broker: World, times: int) -> None:
    """Whatever was uploaded before it: once a pinned rollback is answered, nothing else is uploaded."""
    broker.neighbours.slow = 0.03
    deploy(broker, "a", 1)
    deploy(broker, "b", 2)
    for attempt in range(times):
        begin = threading.Barrier(2)

        def push(attempt: int = attempt, begin: threading.Barrier = begin) -> None:
            begin.wait()
            assert deploy(broker, "c", 200 + attempt).status_code in (200, 409)

        pushing = threading.Thread(target=push)
        pushing.start()
        begin.wait()
        assert api(broker, "rollback", to=1, pin=True).status_code == 202
        pushing.join()
        last = [call for call in broker.neighbours.calls if call.method == "PUT"][-1]
        assert version_of(last) == "a"
        assert api(broker, "unpin").json() == {"lifted": True}


def test_locks_are_held_by_one_at_a_time(broker: World, database_url: str, tmp_path: Path) -> None:
    """In SQLite's folder and on PostgreSQL, also by what shares nothing but those."""
    from control_plane.database import Database  # noqa: PLC0415
    from control_plane.locks import ScriptLocks  # noqa: PLC0415

    database = Database(database_url)
    inside, most = 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with ScriptLocks(database, tmp_path / "locks").held("mine"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    async def all_at_once() -> None:
        await asyncio.gather(*(hold() for _ in range(20)))

    asyncio.run(all_at_once())
    assert (inside, most) == (0, 1)
    database.close()

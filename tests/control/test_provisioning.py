"""Apps made on request: what it takes, what it tells, and that no stop of the server changes where it ends."""

import datetime as dt
import json
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import sqlalchemy as sa
from server_process import Installation, ServerProcess

from control_plane import audit
from control_plane.deployments import Progress, record
from control_plane.tables import App, AuditEntry, Event

SECONDS = 60
PREVIEWS = "/overskill-development-preview/scripts"


class Apps(ThreadingHTTPServer):
    """Where the apps of the test answer, with 503 while they are not `up`; and Cloudflare's KV, and its previews.

    `previews` are scripts by their tag, `gone` what was deleted, in turn.
    """

    up = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.states: dict[str, str] = {}
        self.previews: dict[str, str] = {}
        self.gone: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Apps

    @property
    def key(self) -> str:
        return unquote(self.path.rpartition("/values")[2])

    def do_GET(self) -> None:
        if f"{PREVIEWS}?" in self.path:
            tag = re.findall("tags=([a-z0-9-]+):yes", self.path)
            result = [{"id": script} for script, its in sorted(self.server.previews.items()) if [its] == tag]
            self._answer(200, json.dumps({"result": result}))
            return
        if "/scripts?" in self.path:
            self._answer(404)
            return
        if "/values/" not in self.path:
            self._answer(200 if self.server.up else 503)
            return
        value = self.server.states.get(self.key, "gone")
        self._answer(404 if value == "gone" else 200, value)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.states[self.key] = body.split("\r\n\r\n")[1].split("\r\n--")[0]
        self._answer(200, '{"result": null}')

    def do_DELETE(self) -> None:
        _, _, script = self.path.partition("?")[0].partition(f"{PREVIEWS}/")
        self.server.gone.append(script or self.key)
        if script:
            self.server.previews.pop(script)
        else:
            self.server.states[self.key] = "gone"
        self._answer(200, '{"result": null}')

    def _answer(self, status: int, body: str = "") -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def addresses(installation: Installation) -> Iterator[Apps]:
    server = Apps()
    threading.Thread(target=server.serve_forever).start()
    (installation.state / "apps").mkdir()
    (installation.state / "address").write_text(server.url)
    yield server
    server.shutdown()
    server.server_close()


class Platform:
    """An installation with one server, and its client."""

    def __init__(self, installation: Installation, addresses: Apps, **settings: str) -> None:
        self.installation, self.addresses = installation, addresses
        self.server: ServerProcess = installation.server(
            "serve_builder", **{"cloudflare_url": addresses.url, "apps_per_customer": "2", **settings}
        )
        self.client = installation.client(self.server)

    def file(self, name: str) -> Any:
        return self.installation.state / name

    def post(self, app_id: str = "shop", key: str = "", **more: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post("/api/apps", json={"app_id": app_id, **more}, headers=headers)

    def begin(self, app_id: str = "shop", **more: Any) -> str:
        answer = self.post(app_id, **more)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def status(self, provision_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/api/provisions/{provision_id}").raise_for_status().json()
        return found

    def until(self, provision_id: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while not reached(found := self.status(provision_id)):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def ended(self, provision_id: str) -> dict[str, Any]:
        return self.until(provision_id, lambda found: found["status"] in ENDS)

    def deploy(self, app_id: str = "shop") -> None:
        """As the app's pipeline tells it."""
        progress = Progress(
            app_id=app_id,
            environment="production",
            script=app_id,
            run_id=1,
            run_attempt=1,
            commit="c0ffee",
            status="succeeded",
            at=dt.datetime.now(dt.UTC),
        )
        with self.installation.database.writing() as session:
            record(session, progress)

    def kill_at(self, moment: str) -> None:
        """Have the server kill itself there; where it is down, before it goes on with what it had begun."""
        self.file("kill").write_text(moment)

    def died(self, again: str = "") -> None:
        """Wait for the server's death, and start it again, to die `again`."""
        self.server.process.join(SECONDS)
        assert self.server.process.exitcode == -signal.SIGKILL
        if again:
            self.kill_at(again)
        self.server.start()

    def calls(self) -> Counter[str]:
        """What the builder was asked for."""
        return Counter(call for call, _, _ in self._log())

    def workers(self) -> set[str]:
        """The processes that did something with an engine."""
        return {process for _, _, process in self._log()}

    def _log(self) -> list[list[str]]:
        """`[call, app id, process id]` of each call."""
        log = self.file("builder.log")
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []

    def told(self) -> list[str]:
        """The steps and ends as events, in their order."""
        with self.installation.database.reading() as session:
            events = session.scalars(sa.select(Event).where(Event.type == "provision.step").order_by(Event.id))
            return [e.data["step"] if e.data["status"] == "running" else e.data["status"] for e in events]

    def apps(self) -> list[str]:
        with self.installation.database.reading() as session:
            assert audit.verify(session)
            known = list(session.scalars(sa.select(App.id).order_by(App.id)))
        assert known == sorted(file.name for file in self.file("apps").iterdir())
        return known


ENDS = ("ready", "destroyed", "failed", "cancelled")


@pytest.fixture
def sqlite(installation: Installation, addresses: Apps) -> Iterator[Platform]:
    platform = Platform(installation, addresses)
    yield platform
    platform.client.close()


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
def test_an_app_is_ready_once_it_was_deployed_and_answers(sqlite: Platform) -> None:
    sqlite.addresses.up = False
    answer = sqlite.post(customer="acme", variables={"GREETING": "hello"})
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["location"] == f"/api/provisions/{answer.json()['id']}"
    provision = answer.json()["id"]
    sqlite.until(provision, lambda found: found["step"] == "deploy")
    sqlite.deploy()
    sqlite.until(provision, lambda found: found["step"] == "probe")
    assert sqlite.status(provision)["status"] == "running"
    sqlite.addresses.up = True
    found = sqlite.ended(provision)
    assert (found["status"], found["error"]) == ("ready", None)
    assert list(found["steps"]) == sqlite.told()[:-1] == ["quota", "stack", "deploy", "probe", "ready"]
    assert sqlite.apps() == ["shop"]
    assert sqlite.file("apps/shop").read_text() == repr(
        {"variables": {"GREETING": "hello"}, "appEnvironments": ["preview", "staging", "production"]}
    )


@on_sqlite
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_every_step_in_turn_changes_nothing_of_the_end(sqlite: Platform, moment: str) -> None:
    """Before the step is kept, or after that, in the midst of it."""
    sqlite.kill_at(f"quota {moment}")
    provision = sqlite.begin()
    for step in ("stack", "deploy", "probe", "ready"):
        sqlite.died(f"{step} {moment}")
        if step == "probe":
            sqlite.deploy()
    sqlite.died()
    assert sqlite.ended(provision)["status"] == "ready"
    assert sqlite.told() == ["quota", "stack", "deploy", "probe", "ready", "ready"]
    assert sqlite.calls()["made"] == 1
    assert sqlite.apps() == ["shop"]


@on_sqlite
def test_a_kill_while_the_engine_runs_has_it_run_again(sqlite: Platform) -> None:
    sqlite.file("hold-made").touch()
    provision = sqlite.begin(first_deploy=False)
    while not sqlite.calls()["made"]:
        time.sleep(0.05)
    sqlite.server.kill()
    sqlite.file("hold-made").unlink()
    sqlite.server.start()
    assert sqlite.ended(provision)["status"] == "ready"
    assert sqlite.calls() == {"create": 2, "made": 1}
    assert "deploy" not in sqlite.status(provision)["steps"]


@on_sqlite
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_cancelled_one_leaves_nothing_whatever_stops_its_undoing(sqlite: Platform, moment: str) -> None:
    provision = sqlite.begin()
    sqlite.until(provision, lambda found: found["step"] == "deploy")
    sqlite.kill_at(f"undo {moment}")
    assert sqlite.client.delete(f"/api/provisions/{provision}").status_code == 202
    sqlite.died(f"cancelled {moment}")
    sqlite.died()
    found = sqlite.ended(provision)
    assert (found["status"], found["error"]) == ("cancelled", None)
    assert sqlite.told() == ["quota", "stack", "deploy", "cancelling", "cancelling", "cancelled"]
    assert sqlite.apps() == []
    assert sqlite.client.delete(f"/api/provisions/{provision}").status_code == 409


@on_sqlite
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_app_is_removed_whatever_stops_that(sqlite: Platform, moment: str) -> None:
    sqlite.ended(sqlite.begin(first_deploy=False))
    sqlite.addresses.previews = {"preview-shop-pr7": "app-shop", "preview-shopping-pr7": "app-shopping"}
    sqlite.kill_at(f"stack {moment}")
    removal = sqlite.client.delete("/api/apps/shop").json()["id"]
    for step in ("forget", "destroyed"):
        sqlite.died(f"{step} {moment}")
    sqlite.died()
    assert sqlite.ended(removal)["status"] == "destroyed"
    assert sqlite.apps() == []
    assert sqlite.addresses.states == {"/state:shop": "gone"}
    assert sqlite.addresses.previews == {"preview-shopping-pr7": "app-shopping"}
    assert sqlite.addresses.gone[0] == "preview-shop-pr7", "it is served again once the state is gone"
    with sqlite.installation.database.reading() as session:
        actors = session.execute(sa.select(AuditEntry.action, AuditEntry.actor).order_by(AuditEntry.id)).all()
    assert actors == [
        ("provision.create.request", "token:builder"),
        ("app.create", "token:builder"),
        ("provision.create", "system"),
        ("provision.destroy.request", "token:builder"),
        ("app.destroy", "token:builder"),
        ("app.remains", "token:builder"),
        ("provision.destroy", "system"),
    ]


@on_sqlite
def test_what_fails_is_undone_unless_it_shall_be_kept(installation: Installation, addresses: Apps) -> None:
    platform = Platform(installation, addresses, first_deploy_seconds="1", probe_seconds="1")
    found = platform.ended(platform.begin())
    assert (found["status"], found["error"]) == (
        "failed",
        "deploy: nothing was deployed to production within 1 s",
    )
    assert platform.apps() == []
    addresses.up = False
    found = platform.ended(platform.begin(first_deploy=False, probe_path="/health", keep=True))
    assert found["error"].endswith("/shop/health: HTTP 503") and platform.apps() == ["shop"]
    platform.file("fail-create").touch()
    found = platform.ended(platform.begin("store", first_deploy=False))
    assert found["error"] == "stack: the engine refuses to create"
    assert platform.calls()["create"] == 1 + 1 + 3
    platform.file("fail-destroy").touch()
    found = platform.ended(platform.begin("store", first_deploy=False))
    left = "what was made is still there: the engine refuses to destroy; DELETE /api/apps/store"
    assert found["error"] == f"stack: the engine refuses to create; {left}"
    platform.file("fail-destroy").unlink()
    assert platform.ended(platform.client.delete("/api/apps/store").json()["id"])["status"] == "destroyed"
    platform.client.close()


@on_sqlite
def test_what_is_refused(sqlite: Platform) -> None:
    sqlite.file("hold-create").touch()
    first = sqlite.post(key="one", customer="acme", first_deploy=False)
    again = sqlite.post(key="one", customer="acme", first_deploy=False)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert sqlite.post(key="one", customer="acme").status_code == 422
    assert sqlite.post(customer="acme").json()["detail"].startswith("there is a provision of shop under way: /api/pro")
    assert sqlite.post("store", customer="acme").status_code == 202
    assert sqlite.post("third", customer="acme").json()["detail"] == "customer acme has 2 of 2 apps"
    assert sqlite.post("third", customer="other").status_code == 202
    assert sqlite.client.delete("/api/apps/shop").status_code == 409
    sqlite.file("hold-create").unlink()
    sqlite.ended(first.json()["id"])
    assert sqlite.post().json()["detail"] == "there is an app shop"
    for wrong in ({"app_id": "www"}, {"app_id": "a", "plan": "nope"}, {"app_id": "a", "secrets": ["A"]}, {}):
        assert sqlite.client.post("/api/apps", json=wrong).status_code == 422
    for method, path in (("DELETE", "apps/nope"), ("GET", "provisions/nope"), ("DELETE", "provisions/nope")):
        assert sqlite.client.request(method, f"/api/{path}").status_code == 404
    assert sqlite.client.post("/api/apps", headers={"Authorization": "Bearer osk_no"}, json={}).status_code == 401


@on_sqlite
def test_a_stack_that_the_records_do_not_know_is_neither_taken_over_nor_removed(sqlite: Platform) -> None:
    """As after the database was lost, or restored to before the app was made."""
    sqlite.file("apps/shop").write_text("somebody's")
    answer = sqlite.post(customer="other", first_deploy=False)
    assert answer.status_code == 409
    assert "there is a stack of shop that the records do not know" in answer.json()["detail"]
    assert "./dev fleet apply FILE --verify --stack local" in answer.json()["detail"]
    assert (sqlite.calls(), sqlite.file("apps/shop").read_text()) == ({}, "somebody's")
    sqlite.file("apps/shop").unlink()
    sqlite.file("fail-create").touch()
    assert sqlite.ended(sqlite.begin(first_deploy=False))["status"] == "failed"
    sqlite.file("apps/shop").write_text("made since, and forgotten")
    assert sqlite.post(first_deploy=False).status_code == 409


@on_sqlite
@pytest.mark.parametrize("why", ["kept", "not undone"])
def test_what_a_provision_has_left_behind_is_made_again(sqlite: Platform, why: str) -> None:
    sqlite.file("fail-create").touch()
    if why == "not undone":
        sqlite.file("fail-destroy").touch()
    assert sqlite.ended(sqlite.begin(first_deploy=False, keep=why == "kept"))["status"] == "failed"
    sqlite.file("apps/shop").write_text("half of it")
    for name in ("fail-create", "fail-destroy"):
        sqlite.file(name).unlink(missing_ok=True)
    assert sqlite.ended(sqlite.begin(first_deploy=False))["status"] == "ready"


@on_sqlite
def test_an_app_is_suspended_and_resumed(sqlite: Platform) -> None:
    sqlite.ended(sqlite.begin(first_deploy=False))
    assert sqlite.client.post("/api/apps/shop/suspend", json={"reason": " "}).status_code == 422
    answer = sqlite.client.post("/api/apps/shop/suspend", json={"reason": "unpaid", "state": "over-quota"})
    assert (answer.status_code, answer.json()["state"]) == (200, "over-quota")
    assert '"reason":"unpaid"' in sqlite.addresses.states["/state:shop"]
    with sqlite.installation.database.reading() as session:
        assert session.get_one(App, "shop").state == "over-quota"
    assert sqlite.client.post("/api/apps/shop/resume").json() == {"app": "shop", "state": "active"}
    sqlite.client.post("/api/apps/shop/resume").raise_for_status()
    assert sqlite.addresses.states["/state:shop"] == "gone"
    with sqlite.installation.database.reading() as session:
        assert session.get_one(App, "shop").state == "active"
        wanted = sa.select(Event.type).where(Event.type.like("app.%")).order_by(Event.id)
        assert session.scalars(wanted).all() == ["app.created", "app.suspended", "app.resumed"]
    assert sqlite.client.post("/api/apps/nope/suspend", json={"reason": "x"}).status_code == 404


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_servers_share_the_queue_and_one_is_killed(installation: Installation, addresses: Apps) -> None:
    """What the dead one had begun goes on in the other one; nothing is lost, and no app is made twice."""
    first, second = (Platform(installation, addresses, apps_per_customer="100") for _ in range(2))
    first.file("hold-made").touch()
    provisions = []
    deadline = time.monotonic() + SECONDS
    while len(first.workers()) < 2 or first.calls()["made"] < 4:
        # A server takes all that waits when it looks: some come to each if they come one after the other.
        assert time.monotonic() < deadline, "both have two engines each"
        provisions.append(first.begin(f"app-{len(provisions):02}", first_deploy=False))
        time.sleep(0.4)
    first.server.kill()
    first.file("hold-made").unlink()
    assert {second.ended(provision)["status"] for provision in provisions} == {"ready"}
    assert second.apps() == [f"app-{number:02}" for number in range(len(provisions))]
    assert second.calls()["made"] == len(provisions)
    for platform in (first, second):
        platform.client.close()

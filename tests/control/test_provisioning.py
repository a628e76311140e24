"""Apps made on request: what it takes, what it tells, and that no stop of the server changes where it ends."""

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from server_process import Installation, ServerProcess

from control_plane import audit
from control_plane.deployments import Progress, record
from control_plane.tables import App, Event

SECONDS = 60


class Apps(ThreadingHTTPServer):
    """Where the apps of the test answer: with 503 until `up`."""

    up = True


class Answer(BaseHTTPRequestHandler):
    server: Apps

    def do_GET(self) -> None:
        self.send_response(200 if self.server.up else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def addresses(installation: Installation) -> Iterator[Apps]:
    server = Apps(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever).start()
    (installation.state / "apps").mkdir()
    (installation.state / "address").write_text(f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


class Platform:
    """An installation with one server, and its client."""

    def __init__(self, installation: Installation, addresses: Apps, **settings: str) -> None:
        self.installation, self.addresses = installation, addresses
        self.server: ServerProcess = installation.server("serve_builder.py", **settings)
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

    def died(self) -> None:
        """Wait for the server's death, and start it again."""
        assert self.server.process.wait(SECONDS) == -9
        self.server.start()

    def calls(self) -> Counter[str]:
        """What the builder was asked for."""
        lines = self.file("builder.log").read_text().splitlines() if self.file("builder.log").exists() else []
        return Counter(line.split()[0] for line in lines)

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
@pytest.mark.parametrize("step", ["quota", "stack", "deploy", "probe", "ready"])
def test_a_kill_at_any_step_changes_nothing_of_the_end(sqlite: Platform, step: str, moment: str) -> None:
    """"""
    sqlite.file("kill").write_text(f"{step} {moment}")
    provision = sqlite.begin()
    if step in ("probe", "ready"):
        sqlite.until(provision, lambda found: found["step"] == "deploy")
        sqlite.deploy()
    sqlite.died()
    if step not in ("probe", "ready"):
        sqlite.until(provision, lambda found: found["step"] == "deploy")
        sqlite.deploy()
    assert sqlite.ended(provision)["status"] == "ready"
    assert sqlite.told() == ["quota", "stack", "deploy", "probe", "ready", "ready"]
    assert sqlite.calls()["made"] == 1
    assert sqlite.apps() == ["shop"]

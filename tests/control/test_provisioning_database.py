"""A database that is away while an app is made, or what was made is removed: it is waited for, and undoes nothing."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest
import sqlalchemy as sa
from serve_builder import FolderBuilder
from server_process import Installation
from sqlalchemy.orm import Session

from control_plane import remains
from control_plane.app_states import AppStates
from control_plane.database import Database
from control_plane.deployments import Progress, record
from control_plane.provisioning import probe, records, workflow
from control_plane.state import Plane
from control_plane.tables import Provision

SECONDS = 20
LOST = sa.exc.OperationalError("SELECT 1", {}, Exception("the connection is lost"))
NONE_FREE = sa.exc.TimeoutError("QueuePool limit reached, connection timed out")


class AwayDatabase(Database):
    """One whose next sessions fail, as long as there are `failures`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.failures: list[Exception] = []

    @contextmanager
    def reading(self) -> Iterator[Session]:
        self._fail()
        with super().reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        self._fail()
        with super().writing() as session:
            yield session

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop()


class World:
    """The workflow of one provision of `shop`, in a thread, and its database."""

    def __init__(self, installation: Installation) -> None:
        self.folder = installation.state
        (self.folder / "apps").mkdir()
        (self.folder / "address").write_text("http://127.0.0.1:9")
        self.own, self.theirs = installation.database, AwayDatabase(installation.database_url)
        plane = Plane(installation.plane(first_deploy_seconds=600).settings, self.theirs)
        self.workflows = workflow.Workflows(plane, FolderBuilder(self.folder), lambda _, step: step())
        self.thread = threading.Thread(target=self.workflows.carry_out, args=["1"])
        now = dt.datetime.now(dt.UTC)
        begun = {"status": "queued", "step": "", "steps": {}, "created_at": now, "updated_at": now}
        with self.own.writing() as session:
            session.add(
                Provision(id="1", action="create", app_id="shop", actor="token:a", request={"app_id": "shop"}, **begun)
            )

    def close(self) -> None:
        self.workflows.stopping.set()
        self.thread.join(SECONDS)
        self.theirs.close()

    def row(self) -> Provision:
        with self.own.reading() as session:
            return records.get(session, "1")

    def calls(self) -> list[str]:
        log = self.folder / "builder.log"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    def until(self, reached: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not reached():
            assert self.thread.is_alive() and time.monotonic() < deadline, self.row().error
            time.sleep(0.02)

    def deploy(self) -> None:
        run = {"script": "shop", "run_id": 1, "run_attempt": 1, "commit": "c0ffee", "status": "succeeded"}
        progress = Progress(app_id="shop", environment="production", at=dt.datetime.now(dt.UTC), **run)
        with self.own.writing() as session:
            record(session, progress)

    def ended(self) -> tuple[str, str | None, list[str]]:
        """How, why, and what the builder was asked for."""
        self.thread.join(SECONDS)
        return self.row().status, self.row().error, self.calls()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """The failures are the test's own."""
    return f"sqlite:///{tmp_path / 'control-plane.db'}"


@pytest.fixture
def world(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(workflow, "POLL", 0.05)
    monkeypatch.setattr(workflow, "AWAY_PAUSE", 0.05)
    monkeypatch.setattr(probe, "failure", lambda _url: None)
    states = SimpleNamespace(store=SimpleNamespace(clear_state=lambda _app_id: None))
    monkeypatch.setattr(AppStates, "of", lambda _plane: nullcontext(states))
    monkeypatch.setattr(remains, "remove", AsyncMock())
    made = World(installation)
    yield made
    made.close()


@pytest.mark.parametrize("failure", [LOST, NONE_FREE], ids=["lost", "none free"])
def test_while_a_deploy_is_waited_for(world: World, failure: Exception) -> None:
    world.thread.start()
    world.until(lambda: world.row().step == "deploy")
    world.theirs.failures = [failure] * 3
    world.until(lambda: not world.theirs.failures)
    world.deploy()
    assert world.ended() == ("ready", None, ["create", "made"])


def test_at_the_very_beginning_and_between_two_steps(world: World) -> None:
    world.theirs.failures = [LOST] * 2
    (world.folder / "hold-made").touch()
    world.thread.start()
    world.until(lambda: "made" in world.calls())
    world.theirs.failures = [LOST] * 2
    (world.folder / "hold-made").unlink()
    world.until(lambda: world.row().step == "deploy")
    world.deploy()
    assert world.ended() == ("ready", None, ["create", "made", "create"])


def test_while_what_was_made_is_removed(world: World) -> None:
    (world.folder / "hold-destroy").touch()
    world.thread.start()
    world.until(lambda: world.row().step == "deploy")
    with world.own.writing() as session:
        records.cancel(session, records.get(session, "1"))
    world.until(lambda: "destroy" in world.calls())
    world.theirs.failures = [LOST] * 6
    (world.folder / "hold-destroy").unlink()
    assert world.ended() == ("cancelled", None, ["create", "made", "destroy", "destroy"])

"""What is declared of an app changes while a deploy or a rollback of it is under way."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from broker_world import ACCOUNT, CLOUDFLARE_TOKEN, World, claims, declaration, form, script_path, world

from control_plane import apps
from control_plane.broker.bundles import Bundles, Folder
from control_plane.locks import ScriptLocks
from control_plane.rollback import Rollbacks, Wish
from control_plane.settings import locks_folder
from local_cloud.multipart import parse

MINE = script_path("mine")
DB = {"type": "d1", "name": "DB", "id": "mine-database"}
NEW_DB = {"type": "d1", "name": "NEW_DB", "id": "another-database"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def upload(broker: World, *bindings: dict[str, str], run: int = 12) -> httpx.Response:
    token = broker.neighbours.token(claims("mine", 1, run_id=str(run)))
    return broker.send("PUT", MINE, token, files=form({"bindings": list(bindings)}))


def waiting(broker: World, state: Path, change: Callable[[], None], *bindings: dict[str, str]) -> httpx.Response:
    """The answer to an upload that waits for its script's lock while there is a `change`."""

    async def raced() -> httpx.Response:
        async with ScriptLocks(broker.database, locks_folder(state)).held("mine"):
            sending = asyncio.create_task(asyncio.to_thread(upload, broker, *bindings))
            deadline = time.monotonic() + 20
            while sum(file.is_file() for file in (state / "bundles").rglob("*")) < 2:  # a module, and the bundle
                assert time.monotonic() < deadline
                assert not sending.done()
                await asyncio.sleep(0.01)
            await asyncio.to_thread(change)
        return await sending

    return asyncio.run(raced())


def forget(broker: World) -> None:
    with broker.database.writing() as session:
        apps.forget(session, "mine", actor="command:anna")


def declare(broker: World, *bindings: dict[str, str], repository_id: int = 1, app_id: str = "mine") -> None:
    with broker.database.writing() as session:
        apps.declare(session, declaration(app_id, repository_id, production=list(bindings)), actor="command:anna")


def bound(broker: World) -> list[str]:
    """The bindings of the last upload that reached Cloudflare."""
    call = broker.neighbours.calls[-1]
    (part,) = (part for part in parse(call.content_type, call.body) if part.name == "metadata")
    return [binding["name"] for binding in json.loads(part.body)["bindings"]]


def test_an_app_that_is_removed_meanwhile_stays_so(broker: World, tmp_path: Path) -> None:
    answer = waiting(broker, tmp_path, lambda: forget(broker))
    broker.is_refused(answer, 403, "overskill-apps/mine (1) is no app's repository")
    assert broker.neighbours.scripts == set()


def test_an_app_whose_repository_is_anothers_meanwhile(broker: World, tmp_path: Path) -> None:
    def change() -> None:
        forget(broker)
        declare(broker, app_id="third")

    broker.is_refused(waiting(broker, tmp_path, change), 403, "no longer the repository of app mine")


def test_an_app_that_is_removed_while_cloudflare_takes_its_script_stays_so(broker: World) -> None:
    broker.neighbours.meanwhile = lambda: forget(broker)
    answer = upload(broker)
    assert (answer.status_code, broker.neighbours.scripts, broker.deployments()) == (403, set(), [])
    assert [call.method for call in broker.neighbours.calls] == ["PUT", "DELETE"]
    assert [entry.result for entry in broker.audited()] == ["refused"]


def test_a_binding_that_is_declared_meanwhile_is_there(broker: World, tmp_path: Path) -> None:
    assert waiting(broker, tmp_path, lambda: declare(broker, DB, NEW_DB)).status_code == 200
    assert bound(broker) == ["OVERSKILL_APP_NAME", "DB", "NEW_DB"]


def test_a_binding_that_is_taken_back_meanwhile_is_not_the_apps(broker: World, tmp_path: Path) -> None:
    answer = waiting(broker, tmp_path, lambda: declare(broker), DB)
    broker.is_refused(answer, 403, "binding DB of type d1 is not the app's")


def test_a_rollback_has_the_bindings_that_are_declared_once_its_turn_comes(broker: World, tmp_path: Path) -> None:
    for run in (1, 2):
        upload(broker, {"type": "plain_text", "name": "GREETING", "text": str(run)}, run=run)

    async def raced() -> None:
        bundles, url = Bundles(Folder(tmp_path / "bundles")), f"{broker.neighbours.url}/client/v4"
        opened = Rollbacks.opened(
            broker.database, tmp_path, bundles, account=ACCOUNT, url=url, token=CLOUDFLARE_TOKEN, seconds=1
        )
        async with opened as rollbacks:
            async with rollbacks.locks.held("mine"):
                going_back = asyncio.create_task(rollbacks.begin(Wish(app_id="mine", actor="command:anna")))
                await asyncio.sleep(0.3)
                declare(broker, DB, NEW_DB)
            await going_back

    asyncio.run(raced())
    assert bound(broker) == ["OVERSKILL_APP_NAME", "DB", "NEW_DB", "GREETING"]

"""An app that is removed while its rollback is waited for: told, and later rollbacks are watched as before."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker_world import World, claims, form, script_path, world

from control_plane import apps, background
from control_plane.broker.refusals import Refused
from control_plane.rollback import Rollbacks, Wish
from control_plane.state import Plane
from control_plane.tables import Deployment


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


async def rolled_back(broker: World, *app_ids: str) -> list[Deployment]:
    """Apps with two deploys each, and a rollback that nobody watches yet."""
    for number, app_id in enumerate(app_ids, 1):
        for run in (1, 2):
            token = broker.neighbours.token(claims(app_id, number, run_id=str(run)))
            files = form({"annotations": {"run": str(run)}})
            answer = await asyncio.to_thread(broker.send, "PUT", script_path(app_id), token, files=files)
            assert answer.status_code == 200, answer.text
    async with Rollbacks.of(Plane(broker.settings, broker.database)) as rollbacks:
        return [await rollbacks.begin(Wish(app_id=app_id, actor="anna")) for app_id in app_ids]


def forget(broker: World, app_id: str) -> None:
    with broker.database.writing() as session:
        apps.forget(session, app_id, actor="anna")


def test_its_end_says_that_it_was_removed(broker: World) -> None:
    async def run() -> None:
        (row,) = await rolled_back(broker, "mine")
        forget(broker, "mine")
        async with Rollbacks.of(Plane(broker.settings, broker.database)) as rollbacks:
            await rollbacks.finish(row)

    with pytest.raises(Refused, match="app mine was removed meanwhile"):
        asyncio.run(run())


def test_the_rollbacks_after_it_are_watched_to_their_end(broker: World) -> None:
    async def run() -> None:
        await rolled_back(broker, "mine", "other")
        async with background.rollbacks(Plane(broker.settings, broker.database)):
            await asyncio.sleep(0.3)
            forget(broker, "mine")
            for _ in range(100):
                last = broker.deployments()[-1]
                if last.status != "uploaded":
                    break
                await asyncio.sleep(0.1)
        assert (last.app_id, last.source, last.status) == ("other", "rollback", "failed")

    asyncio.run(run())

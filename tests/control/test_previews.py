"""Previews that nobody needs: which may go, that they do, and that none of an open pull request ever does."""

import asyncio
import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from broker_world import ACCOUNT, CLOUDFLARE_TOKEN, NAMESPACES, World, claims, form, script_path, world

from control_plane.previews import Preview, Previews, Survey
from control_plane.tables import AuditEntry, Event

SCRIPT = "preview-mine-pr7"
PATH = script_path(SCRIPT, "preview")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def previews(broker: World, state: Path, stale_days: int = 0):
    return Previews.opened(
        broker.database,
        state,
        account=ACCOUNT,
        namespace=NAMESPACES["preview"],
        cloudflare=(f"{broker.neighbours.url}/client/v4", CLOUDFLARE_TOKEN),
        github=(broker.neighbours.url, "github-token"),
        stale_days=stale_days,
    )


def survey(broker: World, state: Path, stale_days: int = 0) -> Survey:
    async def looked() -> Survey:
        async with previews(broker, state, stale_days) as found:
            return await found.survey()

    return asyncio.run(looked())


def remove(broker: World, state: Path, preview: Preview) -> bool:
    async def removed() -> bool:
        async with previews(broker, state) as found:
            return await found.remove(preview, actor="command:anna")

    return asyncio.run(removed())


def deploy(broker: World) -> None:
    token = broker.neighbours.token(claims("mine", 1, "refs/pull/7/merge"))
    assert broker.send("PUT", PATH, token, files=form({})).status_code == 200


def test_what_may_go_is_of_closed_pull_requests_and_of_those_left_alone(broker: World, tmp_path: Path) -> None:
    names = ["preview-mine", "preview-mine-pr1", "preview-mine-pr2", "preview-stranger-pr1", "other"]
    broker.neighbours.scripts = {script_path(name, "preview") for name in names}
    broker.neighbours.pulls = {1: (1, "open"), 2: (1, "closed")}
    found = survey(broker, tmp_path)
    assert (found.scripts, found.pull_requests) == (5, 3)
    assert found.garbage == [Preview("preview-mine-pr2", "mine", "overskill-apps/mine", 2, "closed")]
    assert found.unknown == ["preview-stranger-pr1"]
    touched = dt.datetime.now(dt.UTC) - dt.timedelta(days=30, hours=1)
    broker.neighbours.updated_at = touched.isoformat()
    assert [one.reason for one in survey(broker, tmp_path, 30).garbage] == ["stale for 30 days", "closed"]
    assert [one.reason for one in survey(broker, tmp_path, 31).garbage] == ["closed"]
    assert len(broker.neighbours.scripts) == 5


def test_a_removal_is_recorded_and_one_of_an_open_pull_request_is_none(broker: World, tmp_path: Path) -> None:
    broker.neighbours.pulls[7] = (1, "open")
    deploy(broker)
    preview = Preview(SCRIPT, "mine", "overskill-apps/mine", 7, "closed")
    assert not remove(broker, tmp_path, preview)
    assert {PATH} == broker.neighbours.scripts
    broker.neighbours.pulls[7] = (1, "closed")
    assert remove(broker, tmp_path, preview)
    assert broker.neighbours.scripts == set()
    with broker.database.reading() as session:
        (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "preview.clean"))
        (event,) = session.scalars(sa.select(Event).where(Event.type == "preview.removed"))
    assert (entry.actor, entry.subject, entry.details["reason"]) == ("command:anna", f"script:{SCRIPT}", "closed")
    assert event.data == {"script": SCRIPT}


def test_no_script_of_an_open_pull_request_is_ever_removed(broker: World, tmp_path: Path) -> None:
    """A pull request is opened again, and deployed, while its preview is cleaned away: a hundred times, ever other."""
    chance = random.Random(10)  # noqa: S311 - no secret
    preview = Preview(SCRIPT, "mine", "overskill-apps/mine", 7, "closed")
    broker.neighbours.slow = 0.03

    async def raced() -> set[bool]:
        outcomes = set()
        async with previews(broker, tmp_path) as found:
            for _ in range(100):
                broker.neighbours.pulls[7] = (1, "closed")
                broker.neighbours.scripts = {PATH}
                cleaning = asyncio.create_task(found.remove(preview, actor="system"))
                await asyncio.sleep(chance.uniform(0, 0.015))
                broker.neighbours.pulls[7] = (1, "open")
                await asyncio.to_thread(deploy, broker)
                outcomes.add(await cleaning)
                assert {PATH} == broker.neighbours.scripts
        return outcomes

    assert asyncio.run(raced()) == {True, False}

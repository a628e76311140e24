"""What the builder is told: each event, signed, until it has taken it or is given up on."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from builder import Builder, listening
from server_process import ROOT_SECRET, Installation
from server_thread import serving

from control_plane import events, retention
from control_plane.notifications import RETRIES, Notifier
from control_plane.tables import AuditEntry, Delivery, Event, Notification
from infra.credentials import events_secret

SECRET = events_secret(ROOT_SECRET)


@pytest.fixture
def builder() -> Iterator[Builder]:
    with listening(Builder(SECRET)) as made:
        yield made


@contextmanager
def notifying(installation: Installation, builder: Builder, retries: tuple[float, ...] = RETRIES, count: int = 1):
    """So many notifiers that share a database, as servers do; whatever is published from then on is told."""

    async def run() -> None:
        notifiers = [Notifier(installation.database, builder.url, SECRET, retries) for _ in range(count)]
        tasks = [asyncio.create_task(notifier.run()) for notifier in notifiers]
        while not done:
            await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    if not marks(installation):
        publish(installation, 1)
    done: list[bool] = []
    with ThreadPoolExecutor() as pool:
        running = pool.submit(asyncio.run, run())
        try:
            until(lambda: marks(installation) > 0)
            yield
        finally:
            done.append(True)
            running.result()


def publish(installation: Installation, count: int) -> list[int]:
    with installation.database.writing() as session:
        return [events.publish(session, "test.event", None, number=number).id for number in range(count)]


def until(reached: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def marks(installation: Installation) -> int:
    """How many notifications there are; the first one only marks where the builder's begin."""
    with installation.database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Notification)) or 0


def states(installation: Installation) -> list[tuple[int, bool, bool, str | None]]:
    """Of each notification but that mark: attempts, whether it is done, whether it is tried again, what went wrong."""
    with installation.database.reading() as session:
        rows = session.scalars(sa.select(Notification).order_by(Notification.event_id).offset(1)).all()
    return [(row.attempts, row.done_at is not None, row.next_at is not None, row.error) for row in rows]


def test_a_server_tells_of_each_event_what_happened(installation, builder):
    publish(installation, 3)  # before there was a builder to tell
    server = installation.server(builder_url=builder.url)
    until(lambda: marks(installation) == 1)
    ids = publish(installation, 40)
    until(lambda: len(builder.events) == 40)
    assert sorted(event["id"] for event in builder.events) == ids
    assert sorted(builder.ids) == sorted(f"evt_{id}" for id in ids)
    told = next(event for event in builder.events if event["id"] == ids[7])
    assert (told["type"], told["app"], told["data"]) == ("test.event", None, {"number": 7})
    assert dt.datetime.fromisoformat(told["timestamp"]).tzinfo
    until(lambda: all(done for _, done, _, _ in states(installation)))
    assert ROOT_SECRET not in server.log.read_text()


def test_several_servers_tell_of_an_event_once(installation, builder):
    with notifying(installation, builder, count=3):
        ids = publish(installation, 60)
        until(lambda: len(builder.events) >= 60)
        until(lambda: all(done for _, done, _, _ in states(installation)))
    assert sorted(event["id"] for event in builder.events) == ids


@pytest.mark.parametrize("status", [500, 404, 302])
def test_one_that_fails_is_tried_again(installation, builder, status):
    builder.status = status
    with notifying(installation, builder, retries=(0.05,) * 100):
        publish(installation, 2)
        until(lambda: builder.asked >= 6)
        assert {error for *_, error in states(installation)} <= {f"the answer was {status}", None}
        builder.status = 200
        until(lambda: len(builder.events) == 2)
        until(lambda: all(done for _, done, _, _ in states(installation)))
    assert {error for *_, error in states(installation)} == {None}


def test_a_builder_that_is_not_there_is_given_up_on_in_the_end(installation, builder):
    builder.url = "http://127.0.0.1:9/"
    with notifying(installation, builder, retries=(0.05, 0.05)):
        publish(installation, 1)
        until(lambda: [state[:3] for state in states(installation)] == [(3, False, False)])
    assert "ConnectError" in (states(installation)[0][3] or "")


def test_dead_letters_are_listed_and_told_again_when_asked_for(installation, builder):
    builder.status = 500
    with notifying(installation, builder, retries=()):
        publish(installation, 3)
        until(lambda: [state[1:3] for state in states(installation)] == [(False, False)] * 3)
    builder.status = 200
    headers = {"Authorization": f"Bearer {installation.token}"}
    with serving(installation.plane(builder_url=builder.url)) as client:
        listed = client.get("/api/notifications", headers=headers, params={"limit": 2}).json()
        assert [(item["event_id"], item["type"], item["attempts"]) for item in listed["items"]] == [
            (4, "test.event", 1),
            (3, "test.event", 1),
        ]
        assert listed["items"][0]["error"] == "the answer was 500"
        path = f"/api/notifications/{listed['items'][0]['id']}/redeliver"
        assert client.post(path).status_code == 401
        assert client.post(path, headers=headers).status_code == 202
        until(lambda: [event["id"] for event in builder.events] == [4])
        until(lambda: client.get("/api/notifications?state=done", headers=headers).json()["items"] != [])
        assert client.post(path, headers=headers).status_code == 409
        assert client.post("/api/notifications/999/redeliver", headers=headers).status_code == 404
        dead = client.get("/api/notifications", headers=headers).json()["items"]
    assert [item["event_id"] for item in dead] == [3, 2]
    with installation.database.reading() as session:
        entry = session.scalars(sa.select(AuditEntry)).one()
    assert (entry.actor, entry.action, entry.subject) == ("token:builder", "notification.redeliver", "event:4")


def test_one_whose_server_died_is_another_servers_after_a_while(installation, builder):
    mark, taken = publish(installation, 2)
    now = dt.datetime.now(dt.UTC)
    with installation.database.writing() as session:
        session.add(Notification(event_id=mark, done_at=now))
        session.add(Notification(event_id=taken, attempts=1, next_at=now + dt.timedelta(seconds=1)))
    with notifying(installation, builder):
        until(lambda: [done for _, done, *_ in states(installation)] == [True])
    assert [event["id"] for event in builder.events] == [taken]
    assert [state[:3] for state in states(installation)] == [(2, True, False)]


def test_what_is_old_is_deleted_and_the_place_in_the_stream_is_not(installation):
    old, new = dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
    body = json.loads("{}")
    with installation.database.writing() as session:
        for number, at in enumerate([old] * 1500 + [new] * 2, 1):
            session.add(Event(type="test.event", data={}, at=at))
            session.add(Notification(event_id=number, done_at=at))
            session.add(Delivery(key=f"k{number}", event="pipeline", app_id="a", body=body, received_at=at, done_at=at))
        session.add(Delivery(key="undone", event="pipeline", app_id="a", body=body, received_at=old, next_at=old))
    for before, left in ((new, 2), (new + dt.timedelta(days=1), 1)):
        retention.clean(installation.database, before)
        with installation.database.reading() as session:
            assert list(session.scalars(sa.select(Event.id).order_by(Event.id))) == [1501, 1502][-left:]
            assert list(session.scalars(sa.select(Notification.event_id))) == [1501, 1502][-left:]
            kept = set(session.scalars(sa.select(Delivery.key)))
        assert kept == {"undone"} | ({"k1501", "k1502"} if left == 2 else set())
    assert publish(installation, 1) == [1503]

"""Live updates: every event reaches everybody who watches, at whichever server, once and in order."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa
from server_process import Installation, ServerProcess
from watchers import Watcher, until

from control_plane import events
from control_plane.tables import Event


def publish(installation: Installation, count: int, app_id: str | None = None) -> list[int]:
    """Publish so many, each in a transaction of its own; their ids."""
    ids = []
    for number in range(count):
        with installation.database.writing() as session:
            ids.append(events.publish(session, "test.event", app_id, number=number).id)
    return ids


def watched(test: Callable[[], Awaitable[None]]) -> None:
    """Run it, and end whoever still watches then."""

    async def whole() -> None:
        await test()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run(whole())


async def watching(installation: Installation, server: ServerProcess, count: int = 1, **how) -> list[Watcher]:
    watchers = [Watcher() for _ in range(count)]
    for watcher in watchers:
        watcher.task = asyncio.create_task(watcher.watch(server.port, installation.token, **how))
    await asyncio.gather(*(watcher.began.wait() for watcher in watchers))
    return watchers


def test_who_watches_is_told_at_once_by_whichever_server(installation):
    first, second = installation.declare("shop", "store").server(), installation.server()

    async def test() -> None:
        everything = await watching(installation, first, 2) + await watching(installation, second, 2)
        (of_shop,) = await watching(installation, second, path="/api/apps/shop/events")
        began = time.monotonic()
        ids = await asyncio.to_thread(publish, installation, 20, "shop")
        ids += await asyncio.to_thread(publish, installation, 20, "store")
        await until(lambda: all(len(watcher.events) >= 40 for watcher in everything))
        assert time.monotonic() - began < 10
        await until(lambda: len(of_shop.events) >= 20)
        assert [watcher.ids for watcher in everything] == [ids] * 4
        assert of_shop.ids == ids[:20]
        told = of_shop.events[3]
        assert {**told, "at": "", "id": 0} == {
            "id": 0,
            "type": "test.event",
            "app": "shop",
            "at": "",
            "data": {"number": 3},
        }

    watched(test)


def test_who_comes_again_is_told_what_it_missed_also_by_another_server(installation):
    first, second = installation.server(), installation.server()

    async def test() -> None:
        (watcher,) = await watching(installation, first)
        ids = await asyncio.to_thread(publish, installation, 5)
        await until(lambda: len(watcher.events) == 5)
        first.kill()
        ids += await asyncio.to_thread(publish, installation, 700)
        (again,) = await watching(installation, second, after=watcher.ids[-1])
        ids += await asyncio.to_thread(publish, installation, 5)
        await until(lambda: len(again.events) >= 705)
        assert watcher.ids + again.ids == ids
        assert again.resets == []

    watched(test)


def test_who_was_away_for_too_long_is_told_so(installation):
    server = installation.server()
    ids = publish(installation, 10)
    with installation.database.writing() as session:
        session.execute(sa.delete(Event).where(Event.id < ids[6]))

    async def test() -> None:
        (late,) = await watching(installation, server, after=ids[1])
        (just,) = await watching(installation, server, after=ids[5])
        (future,) = await watching(installation, server, after=ids[-1] + 1000)
        ids.extend(await asyncio.to_thread(publish, installation, 1))
        await until(lambda: late.ids[-1:] == just.ids[-1:] == future.ids[-1:] == ids[-1:])
        assert (late.ids, just.ids, future.ids) == (ids[6:], ids[6:], ids[-1:])
        assert late.resets == [{"asked": ids[1], "oldest": ids[6], "newest": ids[9]}]
        assert [just.resets, len(future.resets)] == [[], 1]

    watched(test)


def test_who_may_not_watch_is_refused(installation):
    server = installation.declare("shop").server()

    async def test() -> None:
        for path, token, status in (
            ("/api/events", "osk_other", 401),
            ("/api/apps/shop/events", "osk_other", 401),
            ("/api/apps/none/events", installation.token, 404),
        ):
            watcher = Watcher()
            with pytest.raises((ValueError, asyncio.IncompleteReadError)):
                await watcher.watch(server.port, token, path)
            assert watcher.status == status

    watched(test)


def test_a_slow_client_holds_up_nobody_and_misses_nothing(installation, monkeypatch):
    server = installation.server()

    async def test() -> None:
        (slow,) = await watching(installation, server, pause=0.05)
        (quick,) = await watching(installation, server)
        ids = await asyncio.to_thread(publish, installation, 300)
        await until(lambda: len(quick.events) == 300)
        await until(lambda: len(slow.events) == 300)
        assert slow.ids == quick.ids == ids

    watched(test)


def _many(installation: Installation, watchers: int, count: int) -> None:
    server = installation.server()
    before = server.resident

    async def test() -> None:
        everybody = await watching(installation, server, watchers)
        connected = server.resident
        ids, slowest = [], 0.0

        async def told(count: int) -> None:
            ids.extend(await asyncio.to_thread(publish, installation, count))
            await until(lambda: all(len(watcher.events) == len(ids) for watcher in everybody), 120)

        for _ in range(count):
            began = time.monotonic()
            await told(1)
            slowest = max(slowest, time.monotonic() - began)
        await told(20)
        assert all(watcher.ids == ids for watcher in everybody)
        after = server.resident
        megabytes = ", ".join(f"{size / 2**20:.0f}" for size in (before, connected, after))
        print(
            f"\n{installation.database.engine.dialect.name}: {watchers} watchers, each told of {len(ids)} events, an "
            f"event to all of them within {slowest:.2f} s; MB of the server before, with them, after: {megabytes}"
        )
        assert (after - before) / watchers < 256 * 1024

    watched(test)


def test_a_hundred_watchers(installation):
    _many(installation, 100, 5)


@pytest.mark.slow
def test_a_thousand_watchers(installation):
    _many(installation, 1000, 10)

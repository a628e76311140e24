"""Watchers of the stream of events, all at once, and when each is told."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

SECONDS = 60
STARTED = b'"deploy.building"'
"""Of the type of the event that a notice of a start leads to."""

COMMIT = re.compile(rb'"commit": ?"([0-9a-f]{40})"')


async def fan_out(
    port: int, token: str, watchers: int, tell: Callable[[], Awaitable[None]], runs: range
) -> list[float]:
    """Seconds from the start of `tell`, which causes an event for each of `runs`, until each watcher has had all, in
    order. A run's number is its commit's; events of earlier ones may still be on their way.

    Raises `TimeoutError` where one has not after a minute.
    """
    counted = [0] * watchers
    told: list[float] = []
    ready = asyncio.Semaphore(0)
    began = 0.0

    async def watch(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        ready.release()
        while counted[number] < len(runs):
            counted[number] += _run(await reader.readline()) in runs
        told.append(time.monotonic() - began)
        writer.close()
        await writer.wait_closed()

    async with asyncio.timeout(SECONDS):
        watching = [asyncio.create_task(watch(number)) for number in range(watchers)]
        for _ in watching:
            await ready.acquire()
        began = time.monotonic()
        await tell()
        await asyncio.gather(*watching)
    return told


def _run(line: bytes) -> int | None:
    """The run whose start a line of the stream tells."""
    commit = COMMIT.search(line) if STARTED in line else None
    return int(commit[1], 16) if commit else None
